//! Adds, changes and removes users.
//!
//! ```yaml
//! - name: The user whom the application runs as
//!   ansible.builtin.user:
//!     name: app
//!     groups: [adm]
//!     append: true
//!     shell: /bin/bash
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Content, Done, Failure, UserEntry};
use crate::{choices, params};

mod account;
mod key;
#[cfg(test)]
mod tests;

/// As `ansible.builtin.user`, on Linux with shadow's tools.
pub struct User;

choices! {
    /// Whether a user is there.
    pub enum State { Absent = "absent", Present = "present" }
}

choices! {
    /// When a password is set.
    pub enum UpdatePassword { Always = "always", OnCreate = "on_create" }
}

params! {
    /// Parameters of `user`.
    pub struct UserParams {
        /// The login name.
        name: String, aliases ["user"];
        /// Whether the user shall be there.
        state: State = State::Present;
        /// The user's number. By default the host chooses one.
        uid: Option<u32>;
        /// Whether that number may be another user's too.
        non_unique: bool = false;
        /// The primary group, by name or number. By default as the host's `useradd` does it.
        group: Option<String>;
        /// The other groups; an empty list takes the user out of all. By default they stay as they are.
        groups: Option<Vec<String>>;
        /// Whether `groups` are added to those that the user is in, instead of replacing them.
        append: bool = false;
        /// The comment, usually the full name.
        comment: Option<String>;
        /// The home directory.
        home: Option<PathText>;
        /// Whether the home directory is made where it is not there.
        create_home: bool = true, aliases ["createhome"];
        /// Whether a changed home directory is moved with all that is in it.
        move_home: bool = false;
        /// Directory from which a new home directory is filled. By default `/etc/skel`.
        skeleton: Option<String>;
        /// The login shell, by its path. A new user gets the one that the host is set up for.
        shell: Option<PathText>;
        /// The password's hash as in shadow(5); `!` or `*` for none that fits.
        password: Option<String>, @secret;
        /// Whether an existing user's password is set too.
        update_password: UpdatePassword = UpdatePassword::Always;
        /// Whether the password is locked, or unlocked. By default it stays.
        password_lock: Option<bool>;
        /// Days after which a password must be changed.
        password_expire_max: Option<i64>;
        /// Days before which a password must not be changed.
        password_expire_min: Option<i64>;
        /// Days before the end of a password from which on the user is warned.
        password_expire_warn: Option<i64>;
        /// Days after the end of a password until the account is disabled.
        password_expire_account_disable: Option<i64>;
        /// When the account expires, in seconds since the epoch; negative: never.
        expires: Option<f64>;
        /// Whether a new user is one of the system's.
        system: bool = false;
        /// With `state: absent`: whether home directory and mail are removed too.
        remove: bool = false;
        /// With `state: absent`: whether the user is removed even while logged in. With `generate_ssh_key`: whether a
        /// key that is there is replaced.
        force: bool = false;
        /// Whether the user gets an SSH key where there is none.
        generate_ssh_key: bool = false;
        /// Bits of that key; 0 is what `ssh-keygen` takes.
        ssh_key_bits: u32 = 0u32;
        /// Type of that key.
        ssh_key_type: String = "rsa";
        /// Path of that key, in the home directory where it is relative. By default `.ssh/id_TYPE`.
        ssh_key_file: Option<PathText>;
        /// Comment of that key. By default `ansible-generated on` and the host's name.
        ssh_key_comment: Option<String>;
        /// Passphrase of that key. By default none.
        ssh_key_passphrase: Option<String>, @secret;
        /// SELinux user of a new user.
        seuser: Option<String>;
        /// File mode creation mask for a new home directory.
        umask: Option<String>;
        /// Least number that the host may choose, instead of the one in `/etc/login.defs`.
        uid_min: Option<u32>;
        /// Greatest number that the host may choose, instead of the one in `/etc/login.defs`.
        uid_max: Option<u32>;
        /// Whether libuser's commands are used.
        local: bool = false;
        /// macOS only; without effect.
        hidden: Option<bool>;
        /// BSD only; without effect.
        login_class: Option<String>;
        /// Solaris only; without effect.
        profile: Option<String>;
        /// Solaris only; without effect.
        authorization: Option<String>;
        /// Solaris only; without effect.
        role: Option<String>;
    }
}

impl Module for User {
    type Params = UserParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "user",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("user.rs"),
        returns: &[
            ("name", "the login name"),
            ("state", "whether the user is there"),
            ("uid", "the user's number"),
            ("group", "the primary group's number"),
            ("groups", "the other groups as they were given, with commas"),
            ("comment", "the comment"),
            ("home", "the home directory"),
            ("shell", "the login shell"),
            ("append", "as it was given, for a user that was there"),
            ("move_home", "as it was given, for a user that was there"),
            ("create_home", "as it was given, for a new user"),
            ("system", "as it was given, for a new user"),
            ("password", "that there was one, not which"),
            ("stdout", "what the commands said"),
            ("stderr", "what the commands said on standard error"),
            ("force", "as it was given, for a user that was removed"),
            ("remove", "as it was given, for a user that was removed"),
            ("ssh_fingerprint", "the SSH key's fingerprint"),
            ("ssh_key_file", "the SSH key's path"),
            ("ssh_public_key", "the public key"),
        ],
    };

    fn plan(params: &UserParams, view: &View<'_>) -> Result<Step, Halt> {
        params.check()?;
        let mut plan = match params.state {
            State::Present => account::present(params, view)?,
            State::Absent => account::absent(params, view)?,
        };
        params.warn(&mut plan);
        let plan = plan.with("name", params.name.as_str()).with("state", params.state.text());
        Ok(Step::Plan(plan))
    }

    fn result(params: &UserParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        result.extend(said(outcomes));
        if params.state == State::Present && !plan.changes.is_empty() {
            let Some(entry) = view.user(&params.name)? else {
                return fail(format!("failed to look up user name: {}", params.name));
            };
            result.extend(entry_keys(&entry));
            if params.generate_ssh_key {
                result.extend(key::keys(params, &entry.home, view)?);
            }
        }
        Ok(result)
    }

    fn failure(params: &UserParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let mut failed = run::failed(&format!("user `{}`", params.name), failure);
        failed.result.insert("name".into(), params.name.as_str().into());
        failed
    }
}

/// What the commands printed; nothing where they printed nothing.
fn said(outcomes: &[Done]) -> Map {
    let outputs = || {
        outcomes.iter().filter_map(|outcome| match outcome {
            Done::Ran(output) => Some(output),
            Done::Plain | Done::Written { .. } | Done::Answered(_) | Done::Started { .. } => None,
        })
    };
    let mut keys = Map::new();
    for (name, bytes) in [
        ("stdout", outputs().flat_map(|output| output.stdout.iter().copied()).collect::<Vec<u8>>()),
        ("stderr", outputs().flat_map(|output| output.stderr.iter().copied()).collect()),
    ] {
        if !bytes.is_empty() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            keys.insert(format!("{name}_lines").into(), Value::list(text.lines().map(Value::from)));
            keys.insert(name.into(), text.into());
        }
    }
    keys
}

fn entry_keys(entry: &UserEntry) -> Map {
    let number = |number: Option<u32>| number.map_or(Value::Null, Value::from);
    crate::map! {
        "uid" => number(entry.uid),
        "group" => number(entry.gid),
        "comment" => entry.comment.as_str(),
        "home" => entry.home.as_str(),
        "shell" => entry.shell.as_str(),
    }
}

impl UserParams {
    fn check(&self) -> Result<(), Halt> {
        if self.local {
            return fail("parameter `local` of `user` is not supported yet");
        }
        let wrong = |name: &str| name.is_empty() || name.starts_with('-') || name.contains([':', '\n', '/']);
        if wrong(&self.name) {
            return fail(format!("`{}` cannot be a login name", self.name));
        }
        Ok(())
    }

    /// The groups that are asked for, without empty names; the original takes them out too.
    fn wanted_groups(&self) -> Option<Vec<String>> {
        let groups = self.groups.as_ref()?;
        let mut wanted: Vec<String> = Vec::new();
        for group in groups.iter().map(|group| group.trim()).filter(|group| !group.is_empty()) {
            if !wanted.iter().any(|known| known == group) {
                wanted.push(group.to_owned());
            }
        }
        Some(wanted)
    }

    fn warn(&self, plan: &mut Plan) {
        if self.groups.is_none() && self.append {
            plan.warnings.push(
                "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups."
                    .to_owned(),
            );
        }
        if let Some(password) = &self.password {
            plan.result.insert("password".into(), "NOT_LOGGING_PASSWORD".into());
            if !looks_hashed(password) {
                plan.warnings.push(
                    "The input password appears not to have been hashed. The 'password' argument must be encrypted \
                     for this module to work properly."
                        .to_owned(),
                );
            }
        }
    }
}

/// Whether a text can be a hash as crypt(5) makes them.
fn looks_hashed(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return true;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let Some(last) = fields.last().filter(|_| fields.len() >= 3) else { return false };
    let length = match fields.get(1).copied() {
        Some("1") => Some(22),
        Some("5" | "y") => Some(43),
        Some("6") => Some(86),
        _ => None,
    };
    !password.contains([':', '*', '!'])
        && last.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '/')
        && length.is_none_or(|length| last.len() == length)
}

/// Settings of `/etc/login.defs`.
struct LoginDefs(String);

impl LoginDefs {
    fn read(view: &View<'_>) -> Result<Self, Halt> {
        Ok(Self(match view.content("/etc/login.defs")? {
            Content::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Content::Absent | Content::NotAFile(_) | Content::TooLarge { .. } => String::new(),
        }))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(name)).then(|| words.next()).flatten()
        })
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// Permission bits of a new home directory.
    fn home_mode(&self) -> u32 {
        let octal = |text: &str| u32::from_str_radix(text, 8).ok();
        let masked = self.get("UMASK").and_then(octal).map(|mask| 0o777 & !mask);
        self.get("HOME_MODE").and_then(octal).or(masked).unwrap_or(0o755)
    }

    /// Whether a new user gets a group of the same name.
    fn own_groups(&self) -> bool {
        self.get("USERGROUPS_ENAB").is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }
}
