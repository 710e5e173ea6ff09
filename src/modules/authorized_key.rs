//! Keeps the SSH keys with which a user may log in.
//!
//! ```yaml
//! - name: The deployer may log in
//!   ansible.posix.authorized_key:
//!     user: app
//!     key: "{{ lookup('file', 'keys/deployer.pub') }}"
//!     exclusive: true
//! ```

mod keys;

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::edit_file::{self, Editing};
use super::params::{Mode, PathText};
use super::paths;
use super::slurp::SLURP_LIMIT;
use super::view::View;
use crate::base::Value;
use crate::wire::action::HttpRequest;
use crate::wire::{
    Action, Attributes, Change, Content, Failure, FileKind, Follow, Observation, Owner, Query, UserEntry,
};
use crate::{choices, params};
use keys::Keys;

/// As `ansible.posix.authorized_key`.
pub struct AuthorizedKey;

choices! {
    /// Whether the keys shall be there.
    pub enum KeyState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `authorized_key`.
    pub struct AuthorizedKeyParams {
        /// The user whose keys they are.
        user: String;
        /// The keys, one a line; or a URL (`https://`, `file:///` of the host) that they are read from.
        key: String;
        /// The file with the keys. Left out, it is `.ssh/authorized_keys` in the user's home directory.
        path: Option<PathText>;
        /// Whether the directory of the file is made and given to the user.
        manage_dir: bool = true;
        /// Whether the keys shall be there.
        state: KeyState = KeyState::Present;
        /// Options of the keys, in place of those written before them.
        key_options: Option<String>;
        /// Whether all other keys of the file are removed.
        exclusive: bool = false;
        /// The comment of the keys, in place of those written after them.
        comment: Option<String>;
        /// Whether certificates are checked where `key` is a URL.
        validate_certs: bool = true;
        /// Whether, where the file is a symbolic link, the file that it leads to is written.
        follow: bool = false;
    }
}

impl Module for AuthorizedKey {
    type Params = AuthorizedKeyParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "authorized_key",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("authorized_key.rs"),
        returns: &[
            ("keyfile", "the file with the keys"),
            ("key", "the keys"),
            ("user", "the user"),
            ("path", "as it was given"),
            ("state", "as it was given"),
            ("key_options", "as it was given"),
            ("exclusive", "as it was given"),
            ("comment", "as it was given"),
            ("manage_dir", "as it was given"),
            ("follow", "as it was given"),
            ("validate_certs", "as it was given"),
        ],
    };

    fn plan(params: &AuthorizedKeyParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = match &params.path {
            Some(path) => Some(paths::checked("path", path)?),
            None => None,
        };
        let user = view.user(&params.user)?;
        let file = match (&path, &user) {
            (Some(path), _) => path.clone(),
            (None, Some(user)) => paths::join(&user.home, ".ssh/authorized_keys"),
            (None, None) if view.context().check_mode => {
                return fail(
                    "Either user must exist or you must provide full path to key file in check mode",
                );
            }
            (None, None) => return no_user(params),
        };
        if user.is_none() && !view.context().check_mode {
            return no_user(params);
        }
        let attributes = attributes(user.as_ref());
        let directory = paths::parent(&file).to_owned();
        view.want(edit_file::queries(&file, &attributes));
        let wanted = wanted(params, view)?;
        let mut editing = Editing::open("authorized_key", &file, &attributes, view)?;
        editing.follow = if params.follow { Follow::Yes } else { Follow::No };
        let mut keys = Keys::read(&editing.text());
        let changed = keys.edit(params, &wanted).or_else(fail)?;
        let mut plan = Plan::nothing(match params.state {
            KeyState::Present => "the keys are there",
            KeyState::Absent => "no such key is there",
        });
        if changed {
            if params.manage_dir
                && let Some(user) = &user
            {
                own_directory(&mut plan, &directory, user, view)?;
            }
            editing.write(&mut plan, keys.text(), view)?;
        }
        plan.changed = Some(changed);
        plan.result = told(params, &file);
        Ok(Step::Plan(plan))
    }

    fn failure(_: &AuthorizedKeyParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

fn no_user<T>(params: &AuthorizedKeyParams) -> Result<T, Halt> {
    let name = &params.user;
    fail(format!("Failed to lookup user {name}: \"getpwnam(): name not found: '{name}'\""))
}

/// The file is the user's alone.
fn attributes(user: Option<&UserEntry>) -> FileAttributes {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    FileAttributes {
        mode: Some(Mode::Bits(0o600)),
        owner: user.and_then(|user| number(user.uid)),
        group: user.and_then(|user| number(user.gid)),
        ..FileAttributes::default()
    }
}

fn own_directory(plan: &mut Plan, path: &str, user: &UserEntry, view: &View<'_>) -> Result<(), Halt> {
    let attributes = Attributes {
        mode: Some(0o700),
        owner: Some(user.uid.map_or_else(|| Owner::Name(user.name.clone()), Owner::Id)),
        group: user.gid.map(Owner::Id),
    };
    let action = match view.stat(path, Follow::Yes)? {
        Some(stat) if stat.mode == 0o700 && Some(stat.uid) == user.uid && Some(stat.gid) == user.gid => {
            return Ok(());
        }
        Some(_) => Action::SetAttributes { path: path.to_owned(), attributes, follow: Follow::Yes },
        None => {
            plan.diffs.push(Diff::attribute(path, "state", "absent", "directory"));
            Action::MakeDirectory { path: path.to_owned(), attributes }
        }
    };
    plan.changes.push(Planned { side: Side::Host, change: Change::new(action) });
    Ok(())
}

/// The keys that the task is about, as text.
fn wanted(params: &AuthorizedKeyParams, view: &View<'_>) -> Result<String, Halt> {
    let key = &params.key;
    if key.starts_with("http") {
        let request = HttpRequest {
            timeout: 10,
            validate_certs: params.validate_certs,
            body_limit: 1 << 20,
            ..HttpRequest::get(key.as_str())
        };
        return match view.ask(&Query::Http(Box::new(request))) {
            Ok(answer) => match &*answer {
                Observation::Http(answer) if answer.status == 200 => {
                    Ok(String::from_utf8_lossy(&answer.body).into_owned())
                }
                _ => fail(format!("Error getting key from: {key}")),
            },
            Err(Halt::Failed(failed)) => fail(format!("Error getting key from: {key}: {}", failed.message)),
            Err(halt) => Err(halt),
        };
    }
    let Some(path) = key.strip_prefix("file:") else { return Ok(key.clone()) };
    let path = path.strip_prefix("//").unwrap_or(path);
    match &*view.ask(&Query::Content { path: path.to_owned(), limit: SLURP_LIMIT })? {
        Observation::Content(Content::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Observation::Content(Content::NotAFile(FileKind::Directory)) => {
            fail(format!("Path to a key is a directory and must be a file: {path}"))
        }
        _ => fail(format!("Path to a key file not found: {path}")),
    }
}

fn told(params: &AuthorizedKeyParams, file: &str) -> crate::base::Map {
    let AuthorizedKeyParams {
        user,
        key,
        path,
        manage_dir,
        state,
        key_options,
        exclusive,
        comment,
        validate_certs,
        follow,
    } = params;
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    crate::map! {
        "user" => user.as_str(), "key" => key.as_str(), "path" => text(path.as_deref()), "manage_dir" => *manage_dir,
        "state" => state.text(), "key_options" => text(key_options.as_deref()), "exclusive" => *exclusive,
        "comment" => text(comment.as_deref()), "validate_certs" => *validate_certs, "follow" => *follow,
        "keyfile" => file,
    }
}
