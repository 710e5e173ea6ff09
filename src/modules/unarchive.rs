//! Unpacks an archive (tar with any compression, zip) on the host.
//!
//! ```yaml
//! - name: The release is unpacked
//!   ansible.builtin.unarchive:
//!     src: app-1.2.tar.gz
//!     dest: /opt
//!     owner: app
//!     creates: /opt/app-1.2/bin
//! ```

mod pack;

use super::attributes::{self, FileAttributes, Wish};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{Mode, PathText, Rule};
use super::paths;
use super::run;
use super::view::{Search, View};
use super::web::UrlParams;
use super::words;
use super::write_file;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Action, Change, Command, Done, Failure, FileKind, Follow, Query, Sealed};
use pack::Pack;

/// As `ansible.builtin.unarchive`.
pub struct Unarchive;

params! {
    /// Parameters of `unarchive`.
    pub struct UnarchiveParams {
        /// The archive: of the project, or with `remote_src` of the host, or a URL.
        src: PathText;
        /// The directory that it is unpacked in.
        dest: PathText;
        /// Whether `src` is on the host, or a URL.
        remote_src: Option<bool>;
        /// The contrary of `remote_src`.
        copy: Option<bool>;
        /// A path on the host; where it is there, nothing is done.
        creates: Option<PathText>;
        /// Whether the result lists what is in the archive.
        list_files: bool = false;
        /// Whether files that are newer than the archive's stay.
        keep_newer: bool = false;
        /// Files and directories of the archive that are not unpacked; wildcards count.
        exclude: Vec<String>;
        /// What is unpacked; nothing else is.
        include: Vec<String>;
        /// Further options for `tar` or `unzip`.
        extra_opts: Vec<String>;
        /// Whether certificates are checked where `src` is a URL.
        validate_certs: bool = true;
        /// Without effect.
        io_buffer_size: u32 = 65536u32;
        /// Whether an archive that is encrypted with Ansible's vault is decrypted.
        decrypt: bool = true;
    }
    include { attributes: FileAttributes }
    rules [
        Rule::MutuallyExclusive(&["include", "exclude"]),
        Rule::MutuallyExclusive(&["copy", "remote_src"]),
    ]
}

impl Module for Unarchive {
    type Params = UnarchiveParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "unarchive",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("unarchive.rs"),
        returns: &[
            ("dest", "the directory"),
            ("src", "the archive"),
            ("handler", "what kind of archive it is"),
            ("files", "what is in the archive, with `list_files`"),
            ("state", "what the directory is now"),
            ("mode", "its permissions, in octal"),
            ("owner", "its owner's name"),
            ("group", "its group's name"),
            ("uid", "its owner's number"),
            ("gid", "its group's number"),
            ("size", "its size in bytes"),
        ],
    };

    fn plan(params: &UnarchiveParams, view: &View<'_>) -> Result<Step, Halt> {
        let dest = paths::checked("dest", &params.dest)?;
        let place = paths::trimmed(&dest);
        view.want([Query::Stat { path: place.to_owned(), follow: Follow::Yes }]);
        if let Some(path) = params.creates.as_deref().filter(|path| !path.is_empty())
            && view.stat(path, Follow::Yes)?.is_some()
        {
            let message = format!("skipped, since {path} exists");
            let plan = Plan { skipped: true, ..Plan::nothing(message.clone()) };
            return Ok(Step::Plan(plan.with("msg", message)));
        }
        let (archive, content, shown) = source(params, view)?;
        if view.stat(place, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
            return fail(format!("dest '{}' must be an existing dir", &*params.dest));
        }
        let pack = Pack::look(params, place, &archive, content, view)?;
        let wish = params.attributes.wish("unarchive", None, view)?;
        let mut plan = Plan::nothing("already unpacked");
        if pack.differs {
            plan.changes.push(on_host(pack.unpack()));
            plan.summary = format!("unpack {shown} in {place}");
            for line in pack.differences.iter().take(200) {
                plan.diffs.push(Diff::attribute(place, line, "", ""));
            }
            if plan.diffs.is_empty() {
                plan.diffs.push(Diff::attribute(place, "content of", "", &shown));
            }
            settle_all(&mut plan, params, place, &pack, view);
        } else {
            settle_each(&mut plan, place, &pack, &wish, view)?;
        }
        plan.result = crate::map! {"handler" => pack.handler(), "dest" => dest.as_str(), "src" => shown};
        if let Some(there) = view.stat(place, Follow::Yes)? {
            plan.result.extend(attributes::path_keys(&there));
        }
        if params.list_files {
            let files = pack.names.iter().map(|name| Value::from(name.as_str()));
            plan.result.insert("files".into(), Value::list(files));
        }
        Ok(Step::Plan(plan))
    }

    fn result(_: &UnarchiveParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = write_file::final_result(view, plan, outcomes)?;
        if let (Some(Done::Ran(output)), Some(Action::Run(command))) =
            (outcomes.first(), plan.changes.first().map(|planned| &planned.change.action))
            && plan.summary.starts_with("unpack ")
        {
            result.insert("extract_results".into(), Value::map(extracted(command, output)));
        }
        Ok(result)
    }

    fn failure(params: &UnarchiveParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let mut result = plan.result.clone();
        let action = plan.changes.get(at).map(|planned| &planned.change.action);
        let (Some(output), Some(Action::Run(command))) = (&failure.output, action) else {
            return Failed { message: failure.message.clone(), result, ..Failed::default() };
        };
        result.insert("extract_results".into(), Value::map(extracted(command, output)));
        let message = format!("failed to unpack {} to {}", &*params.src, &*params.dest);
        let hint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Failed { message, result, hint: Some(hint).filter(|hint| !hint.is_empty()), ..Failed::default() }
    }
}

fn extracted(command: &Command, output: &crate::wire::CommandOutput) -> Map {
    let words = match &command.program {
        crate::wire::Program::Argv(words) => Value::list(words.iter().map(|word| Value::from(word.as_str()))),
        crate::wire::Program::Shell { text, .. } => Value::from(text.as_str()),
    };
    crate::map! {
        "cmd" => words, "rc" => output.status, "out" => run::stdout(output),
        "err" => String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The archive's path as commands see it, its content where that has to be laid beside them, and its name.
fn source(params: &UnarchiveParams, view: &View<'_>) -> Result<(String, Option<Bytes>, String), Halt> {
    let remote = params.remote_src.or(params.copy.map(|copy| !copy)).unwrap_or_default();
    let src = params.src.0.as_str();
    let beside = || format!("{FILES}/source");
    if remote && src.contains("://") {
        let web = UrlParams {
            validate_certs: params.validate_certs,
            http_agent: "ansible-httpget".to_owned(),
            ..UrlParams::default()
        };
        let download = super::web::download(web.request(src, &Map::new(), 60)?, view)?;
        return match download.content {
            Some(content) => Ok((beside(), Some(content), src.to_owned())),
            None => fail(format!("Failure downloading {src}, {}", super::web::said(&download.answer))),
        };
    }
    if remote {
        let path = paths::checked("src", src)?;
        match view.stat(&path, Follow::Yes)? {
            None => return fail(format!("Source '{src}' does not exist")),
            Some(stat) if !stat.readable => return fail(format!("Source '{src}' not readable")),
            Some(stat) if stat.size == 0 => {
                return fail(format!("Invalid archive '{src}', the file is 0 bytes"));
            }
            Some(_) => {}
        }
        return Ok((path.clone(), None, path));
    }
    if src.contains("://") {
        return fail(format!(
            "Unsupported option, an URI src ({src}) is only supported when remote_src is True"
        ));
    }
    let found = view.controller().find(Search::Files, src)?;
    let (mut content, _) = view.controller().read(&found)?;
    let shown = found.display().to_string();
    if params.decrypt {
        content = write_file::decrypted(content, &found, view)?.0;
    }
    if content.size() == 0 {
        return fail(format!("Invalid archive '{shown}', the file is 0 bytes"));
    }
    if view.controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    Ok((beside(), Some(content), shown))
}

fn on_host(change: Change) -> super::contract::Planned {
    super::contract::Planned { side: super::contract::Side::Host, change }
}

/// Owner, group and mode of all that will have been unpacked.
fn settle_all(plan: &mut Plan, params: &UnarchiveParams, place: &str, pack: &Pack, view: &View<'_>) {
    let FileAttributes { mode, owner, group, .. } = &params.attributes;
    let all = pack.all();
    let mut each = |text: String| {
        let mut command = run::within(view, Command::shell(format!("xargs -0 {text}")));
        command.directory = Some(place.to_owned());
        command.stdin =
            Some(Sealed::text(all.iter().flat_map(|name| [name.as_str(), "\0"]).collect::<String>()));
        plan.changes.push(on_host(Change::new(Action::Run(command))));
    };
    if owner.is_some() || group.is_some() {
        let of = |name: &Option<String>| name.clone().unwrap_or_default();
        let group = if group.is_some() { format!(":{}", of(group)) } else { String::new() };
        each(format!("chown -h {} --", words::quote(&format!("{}{group}", of(owner)))));
    }
    let mode = match mode {
        Some(Mode::Bits(bits)) => Some(format!("{bits:04o}")),
        Some(Mode::Symbolic(text)) => Some(text.clone()),
        Some(Mode::Preserve) | None => None,
    };
    if let Some(mode) = mode {
        let script =
            format!("for file; do [ -L \"$file\" ] || chmod {} \"$file\"; done", words::quote(&mode));
        each(format!("sh -c {} sh", words::quote(&script)));
    }
}

/// The same where all is unpacked already: what differs is set.
fn settle_each(plan: &mut Plan, place: &str, pack: &Pack, wish: &Wish, view: &View<'_>) -> Result<(), Halt> {
    let fresh = wish.fresh(place, FileKind::File).attributes;
    if fresh == crate::wire::Attributes::default() {
        return Ok(());
    }
    let paths: Vec<String> = pack.all().iter().map(|name| paths::join(place, paths::trimmed(name))).collect();
    view.want(paths.iter().map(|path| Query::Stat { path: path.clone(), follow: Follow::No }));
    for path in paths {
        let Some(stat) = view.stat(&path, Follow::No)? else { continue };
        let settled = wish.settle(&path, &stat, view)?;
        plan.changes.extend(attributes::set(&path, &settled).map(on_host));
        plan.diffs.extend(settled.diffs);
    }
    if !plan.changes.is_empty() {
        plan.summary = format!("set attributes of what is unpacked in {place}");
    }
    Ok(())
}
