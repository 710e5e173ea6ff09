//! Copies a file of the host to the controller.
//!
//! ```yaml
//! - name: Keep the certificate request
//!   ansible.builtin.fetch:
//!     src: /etc/app/app.csr
//!     dest: requests/{{ inventory_hostname }}.csr
//!     flat: true
//! ```

use std::path::{Component, Path, PathBuf};

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::paths;
use super::slurp::SLURP_LIMIT;
use super::view::View;
use crate::base::Value;
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::{
    Action, Algorithm, Attributes, Change, Content, Digest, Expect, FileKind, Follow, Observation, Query,
};

/// As `ansible.builtin.fetch`.
pub struct Fetch;

params! {
    /// Parameters of `fetch`.
    pub struct FetchParams {
        /// The file on the host; links are followed.
        src: String;
        /// Where it goes on the controller: below this directory as `HOST/PATH`, or with `flat` this file. A relative one
        /// starts at the playbook's directory.
        dest: String;
        /// Whether `dest` is the file itself; with a trailing slash the file gets the name of `src` below it.
        flat: bool = false;
        /// Whether it is a failure that the file is not there.
        fail_on_missing: bool = true;
        /// Whether the copy's checksum is compared with that of the file.
        validate_checksum: bool = true;
    }
}

impl Module for Fetch {
    type Params = FetchParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "fetch",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("fetch.rs"),
        returns: &[
            ("dest", "the file on the controller"),
            ("checksum", "SHA-1 of the content"),
            ("remote_checksum", "SHA-1 of the file on the host, where it was copied"),
            ("md5sum", "MD5 of the content"),
            ("file", "the file on the host, where nothing was copied"),
        ],
    };

    fn plan(params: &FetchParams, view: &View<'_>) -> Result<Step, Halt> {
        let src = paths::checked("src", &params.src)?;
        let digest = |algorithm| Query::Digest { path: src.clone(), algorithm, limit: None };
        view.want([Algorithm::Sha1, Algorithm::Md5].map(digest));
        let sha1 = match view.sha1(&src).map_err(|halt| super::slurp::not_readable(halt, &src)) {
            Ok(Digest::Hash { hex, .. }) => hex,
            Ok(Digest::Absent) => {
                return missing(params, &src, "the remote file does not exist, not transferring, ignored");
            }
            Ok(Digest::NotAFile(FileKind::Directory)) => {
                let message = "remote file is a directory, fetch cannot work on directories";
                let ignored = format!("{message}, not transferring, ignored");
                return missing(params, &src, if params.fail_on_missing { message } else { &ignored });
            }
            Ok(Digest::NotAFile(_) | Digest::TooLarge { .. }) => {
                return fail(format!("`{src}` is not a regular file"));
            }
            Err(Halt::Failed(failed)) if !params.fail_on_missing => {
                return missing(params, &src, &failed.message);
            }
            Err(halt) => return Err(halt),
        };
        let Digest::Hash { hex: md5, .. } = view.digest(&src, Algorithm::Md5)? else {
            return fail(format!("`{src}` has gone"));
        };
        let dest = destination(params, &src, view)?;
        let shown = dest.display().to_string();
        let local = view.controller().read(&dest).ok().map(|(bytes, _)| bytes);
        if local.as_ref().is_some_and(|bytes| bytes.sha1() == sha1) {
            let plan = Plan::nothing(format!("already the same content in {shown}"));
            let keys = crate::map! {"md5sum" => md5, "file" => src, "dest" => shown, "checksum" => sha1};
            return Ok(Step::Plan(Plan { result: keys, ..plan }));
        }
        if view.controller().looking_ahead() {
            return Err(Halt::Deferred);
        }
        let query = Query::Content { path: src.clone(), limit: SLURP_LIMIT };
        let bytes = match &*view.ask(&query)? {
            Observation::Content(Content::Bytes(bytes)) => bytes.clone(),
            Observation::Content(Content::TooLarge { size }) => {
                return fail(format!(
                    "fetching a file of {size} bytes is not supported yet: `{src}`, the limit is {SLURP_LIMIT}"
                ));
            }
            _ => return fail(format!("`{src}` has gone")),
        };
        let mut plan = Plan::nothing(format!("fetch {src} to {shown}"));
        directories(&mut plan, &dest, view);
        let before = match &local {
            Some(Bytes::Inline(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        plan.diffs.push(Diff::content(&shown, before, Some(&bytes)));
        plan.changes.push(on_controller(Action::WriteFile {
            path: shown.clone(),
            content: Bytes::Inline(bytes),
            attributes: Attributes::default(),
            expect: Expect::Anything,
            backup: false,
            validate: None,
            follow: Follow::Yes,
            in_place: true,
        }));
        plan.result = crate::map! {
            "md5sum" => md5, "dest" => shown, "remote_md5sum" => Value::Null, "checksum" => sha1.as_str(),
            "remote_checksum" => sha1.as_str(),
        };
        Ok(Step::Plan(plan))
    }
}

fn on_controller(action: Action) -> Planned {
    Planned { side: Side::Controller, change: Change::new(action) }
}

/// The file is not there, or is none.
fn missing(params: &FetchParams, src: &str, message: &str) -> Result<Step, Halt> {
    if params.fail_on_missing {
        return fail(message);
    }
    let plan = Plan::nothing("there is nothing to fetch");
    Ok(Step::Plan(plan.with("file", src).with("msg", message)))
}

/// The directories that have to be made on the controller.
fn directories(plan: &mut Plan, dest: &Path, view: &View<'_>) {
    let missing: Vec<&Path> = dest
        .ancestors()
        .skip(1)
        .take_while(|above| !above.as_os_str().is_empty() && !view.controller().is_directory(above))
        .collect();
    for path in missing.into_iter().rev() {
        plan.changes.push(on_controller(Action::MakeDirectory {
            path: path.display().to_string(),
            attributes: Attributes::default(),
        }));
    }
}

/// Where the file goes on the controller.
fn destination(params: &FetchParams, src: &str, view: &View<'_>) -> Result<PathBuf, Halt> {
    let controller = view.controller();
    let dest = controller.place(&params.dest);
    if !params.flat {
        let below = format!("{}/{}", view.context().host, src.trim_start_matches(['/', '~']));
        return Ok(normal(&dest.join(below)));
    }
    if params.dest.ends_with('/') {
        let file = dest.join(paths::basename(src));
        if controller.is_directory(&file) {
            return fail(format!(
                "calculated dest '{}' is an existing directory, use another path that does not point to an existing \
                 directory",
                file.display()
            ));
        }
        return Ok(normal(&file));
    }
    if controller.is_directory(&dest) {
        return fail(
            "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
        );
    }
    Ok(normal(&dest))
}

/// A path without `.` and `..`, as `os.path.normpath`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}
