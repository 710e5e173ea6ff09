//! Keeps a mount point in fstab, and what is mounted there.
//!
//! ```yaml
//! - name: The data has its own disk
//!   ansible.posix.mount:
//!     path: /srv/data
//!     src: LABEL=data
//!     fstype: ext4
//!     opts: noatime
//!     state: mounted
//! ```

mod fstab;

use super::attributes::{FileAttributes, Wish};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::file::directory;
use super::params::{PathText, Rule};
use super::paths;
use super::run;
use super::view::View;
use super::words;
use super::write_file;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, Content, Done, Effect, Failure, Follow, Observation, Query};
use crate::{choices, params};

/// As `ansible.posix.mount`.
pub struct Mount;

choices! {
    /// What shall be.
    pub enum MountState {
        Absent = "absent", AbsentFromFstab = "absent_from_fstab", Ephemeral = "ephemeral", Mounted = "mounted",
        Present = "present", Remounted = "remounted", Unmounted = "unmounted",
    }
}

params! {
    /// Parameters of `mount`.
    pub struct MountParams {
        /// The mount point; for what is mounted nowhere (swap) a word like `none`.
        path: String, aliases ["name"];
        /// What is mounted: a device, a network path, a directory.
        src: Option<PathText>;
        /// The type of file system.
        fstype: Option<String>;
        /// Options, with commas between them.
        opts: Option<String>;
        /// Whether the options are left out of what is shown.
        opts_no_log: bool = false;
        /// Whether it is mounted when the host starts; otherwise `noauto` is added to the options.
        boot: bool = true;
        /// Whether `dump` backs it up (0, 1).
        dump: String = "0";
        /// When it is checked at the start (0 never, 1 first, 2 later).
        passno: String = "0";
        /// What shall be: `mounted` and in fstab, in fstab only (`present`), `unmounted`, neither (`absent`), not in fstab
        /// (`absent_from_fstab`), mounted again (`remounted`), mounted but not in fstab (`ephemeral`).
        state: MountState;
        /// The file with the mount points.
        fstab: Option<String>;
        /// Whether the former file is kept beside the new one.
        backup: bool = false;
    }
    rules [
        Rule::RequiredIf("state", "mounted", &["src", "fstype"]),
        Rule::RequiredIf("state", "present", &["src", "fstype"]),
        Rule::RequiredIf("state", "ephemeral", &["src", "fstype"]),
    ]
}

const MOUNTS: &str = "/proc/self/mountinfo";

fn mounts_query() -> Query {
    Query::Content { path: MOUNTS.to_owned(), limit: 16 << 20 }
}

/// All of a task.
struct Task<'a> {
    params: &'a MountParams,
    view: &'a View<'a>,
    path: String,
    opts: String,
    fstab: String,
    /// The mounts as the kernel lists them.
    mounts: String,
    warnings: Vec<String>,
}

impl Module for Mount {
    type Params = MountParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "mount",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("mount.rs"),
        returns: &[
            ("name", "the mount point"),
            ("src", "what is mounted"),
            ("fstype", "the type of file system"),
            ("opts", "its options"),
            ("fstab", "the file with the mount points"),
            ("backup_file", "the former file, where it was kept"),
        ],
    };

    fn plan(params: &MountParams, view: &View<'_>) -> Result<Step, Halt> {
        let listed =
            matches!(params.state, MountState::Absent | MountState::AbsentFromFstab | MountState::Present);
        let path = match params.path.as_str() {
            word if listed && !word.starts_with(['/', '~']) => word.to_owned(),
            path => paths::trimmed(&paths::checked("path", path)?).to_owned(),
        };
        let stat = Query::Stat { path: path.clone(), follow: Follow::Yes };
        view.want([mounts_query()]);
        if path.starts_with('/') {
            view.want([stat]);
        }
        let mut warnings = Vec::new();
        let mut opts = params.opts.clone().unwrap_or_else(|| "defaults".to_owned());
        if params.boot && opts.split(',').any(|option| option == "noauto") {
            warnings.push("Ignore the 'boot' due to 'opts' contains 'noauto'.".to_owned());
        } else if !params.boot {
            opts.push_str(",noauto");
        }
        let fstab = params.fstab.clone().unwrap_or_else(|| "/etc/fstab".to_owned());
        let attributes = FileAttributes::default();
        let mut editing = Editing::open("mount", &fstab, &attributes, view)?;
        editing.backup = params.backup && editing.before.is_some();
        let mounts = match &*view.ask(&mounts_query())? {
            Observation::Content(Content::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => {
                warnings.push(
                    "Cannot open file /proc/self/mountinfo. Bind mounts might be misinterpreted.".to_owned(),
                );
                String::new()
            }
        };
        let task = Task { params, view, path, opts, fstab: fstab.clone(), mounts, warnings };
        let mut plan = task.plan(&editing)?;
        plan.warnings.extend(task.warnings.clone());
        plan.result = task.told();
        Ok(Step::Plan(plan))
    }

    fn result(_: &MountParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(backup) = write_file::backup(outcomes) {
            result.insert("backup_file".into(), backup.into());
        }
        Ok(result)
    }

    fn failure(params: &MountParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let doing = match params.state {
            MountState::Absent | MountState::Unmounted | MountState::AbsentFromFstab => "unmounting",
            MountState::Remounted => "remounting",
            MountState::Mounted | MountState::Present | MountState::Ephemeral => "mounting",
        };
        run::failed(&format!("Error {doing} {}", params.path), failure)
    }
}

impl Task<'_> {
    fn plan(&self, editing: &Editing<'_>) -> Result<Plan, Halt> {
        let MountParams { state, src, fstype, dump, passno, .. } = self.params;
        let text = editing.text();
        let entry = fstab::Entry {
            src: src.as_ref().map(|src| src.0.clone()).unwrap_or_default(),
            path: self.path.clone(),
            fstype: fstype.clone().unwrap_or_default(),
            opts: self.opts.clone(),
            dump: dump.clone(),
            passno: passno.clone(),
        };
        let mounted = fstab::mounted(&self.mounts, &self.path);
        let mut plan = Plan::default();
        match state {
            MountState::Present => self.write(&mut plan, editing, fstab::set(&text, &entry))?,
            MountState::AbsentFromFstab => {
                self.write(&mut plan, editing, fstab::unset(&text, &self.path, src.as_deref()))?;
            }
            MountState::Absent => {
                let after = fstab::unset(&text, &self.path, src.as_deref());
                let changed = after.is_some();
                self.write(&mut plan, editing, after)?;
                if changed && mounted.is_some() {
                    plan = self.unmount(plan);
                }
                if changed && self.view.stat(&self.path, Follow::No)?.is_some() {
                    let removed = run::change(self.view, ["rmdir", &self.path])
                        .effect(Effect::Path(self.path.clone(), None));
                    plan = plan.change(removed);
                }
            }
            MountState::Unmounted => {
                if mounted.is_some() {
                    plan = self.unmount(plan);
                }
            }
            MountState::Mounted | MountState::Ephemeral => {
                if self.view.stat(&self.path, Follow::Yes)?.is_none() {
                    directory::make(&mut plan, &self.path, &Wish::default(), self.view)?;
                }
                let is_ephemeral = *state == MountState::Ephemeral;
                let after = if is_ephemeral { None } else { fstab::set(&text, &entry) };
                let changed = after.is_some();
                self.write(&mut plan, editing, after)?;
                match &mounted {
                    None => plan = self.mount(plan, &entry, editing),
                    Some(found) if is_ephemeral && found.as_str() != entry.src => {
                        return fail(
                            "Ephemeral mount point is already mounted with a different source than the specified one. \
                             Failing in order to prevent an unwanted unmount or override operation. Try replacing this \
                             command with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different \
                             destination path.",
                        );
                    }
                    Some(_) if changed || is_ephemeral => plan = self.remount(plan, &entry),
                    Some(_) => {}
                }
            }
            MountState::Remounted => plan = self.remount(plan, &entry),
        }
        plan.summary = match (plan.is_changed(), state) {
            (false, _) => format!("{} is as wanted", self.path),
            (true, state) => format!("{}: {}", self.path, state.text()),
        };
        Ok(plan)
    }

    fn write(&self, plan: &mut Plan, editing: &Editing<'_>, after: Option<String>) -> Result<(), Halt> {
        match after {
            Some(after) => editing.write(plan, after, self.view).map(drop),
            None => Ok(()),
        }
    }

    /// The words by which another file than the usual one is named.
    fn table(&self) -> Vec<String> {
        if self.fstab == "/etc/fstab" || self.params.state == MountState::Ephemeral {
            return Vec::new();
        }
        vec!["-T".to_owned(), self.fstab.clone()]
    }

    fn ephemeral(&self, entry: &fstab::Entry) -> Vec<String> {
        if self.params.state != MountState::Ephemeral {
            return Vec::new();
        }
        let mut words = vec!["-t".to_owned(), entry.fstype.clone()];
        if self.opts != "defaults" {
            words.extend(["-o".to_owned(), self.opts.clone()]);
        }
        words.push(entry.src.clone());
        words
    }

    fn mount_words(&self, entry: &fstab::Entry) -> Vec<String> {
        let mut words = vec!["mount".to_owned()];
        words.extend(self.table());
        words.extend(self.ephemeral(entry));
        words.push(self.path.clone());
        words
    }

    /// Mounts it; where that fails fstab is put back as it was.
    fn mount(&self, plan: Plan, entry: &fstab::Entry, editing: &Editing<'_>) -> Plan {
        let mount = words::join(&self.mount_words(entry));
        let mut command = run::within(self.view, Command::shell(format!("exec {mount}")));
        if let (false, Some(before)) =
            (plan.changes.is_empty() || self.params.state == MountState::Ephemeral, &editing.before)
        {
            let fstab = words::quote(&self.fstab);
            command = run::within(
                self.view,
                Command::shell(format!("{mount} || {{ rc=$?; cat >{fstab}; exit $rc; }}")),
            );
            command.stdin = Some(crate::wire::Sealed::text(String::from_utf8_lossy(before)));
        }
        let line = fstab::mountinfo_line(entry);
        let after = Observation::Content(Content::Bytes((self.mounts.clone() + &line).into_bytes()));
        let change = Change::new(Action::Run(command)).effect(Effect::Answer(mounts_query(), after));
        plan.change(change).diff(Diff::attribute(&self.path, "mounted", "", &entry.src))
    }

    fn unmount(&self, plan: Plan) -> Plan {
        let after = fstab::without(&self.mounts, &self.path);
        let answer = Observation::Content(Content::Bytes(after.into_bytes()));
        let change =
            run::change(self.view, ["umount", &self.path]).effect(Effect::Answer(mounts_query(), answer));
        let src = fstab::mounted(&self.mounts, &self.path).unwrap_or_default();
        plan.change(change).diff(Diff::attribute(&self.path, "mounted", src, ""))
    }

    /// Mounts it again, or where that cannot be done anew.
    fn remount(&self, plan: Plan, entry: &fstab::Entry) -> Plan {
        let fixed = self.params.state == MountState::Remounted && self.opts != "defaults";
        let options = if fixed { format!("remount,{}", self.opts) } else { "remount".to_owned() };
        let mut again = vec!["mount".to_owned(), "-o".to_owned(), options];
        again.extend(self.table());
        again.extend(self.ephemeral(entry));
        again.push(self.path.clone());
        let again = words::join(&again);
        let text = if fixed {
            format!("exec {again}")
        } else {
            let anew = words::join(&self.mount_words(entry));
            format!("{again} 2>/dev/null || {{ umount {} && {anew}; }}", words::quote(&self.path))
        };
        let change = Change::new(Action::Run(run::within(self.view, Command::shell(text))));
        plan.change(change).diff(Diff::attribute(&self.path, "mounted", "", "again"))
    }

    fn told(&self) -> Map {
        let MountParams { src, fstype, dump, passno, opts_no_log, .. } = self.params;
        let mut told = crate::map! {
            "name" => self.path.as_str(), "opts" => self.opts.as_str(), "dump" => dump.as_str(),
            "passno" => passno.as_str(), "fstab" => self.fstab.as_str(),
            "boot" => if self.params.boot { "yes" } else { "no" }, "backup_file" => "",
        };
        if *opts_no_log {
            told.insert("opts".into(), Value::from("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"));
        }
        if let Some(src) = src {
            told.insert("src".into(), src.0.as_str().into());
        }
        if let Some(fstype) = fstype {
            told.insert("fstype".into(), fstype.as_str().into());
        }
        told
    }
}
