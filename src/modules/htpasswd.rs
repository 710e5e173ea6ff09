//! Keeps a user in a password file of a web server.
//!
//! ```yaml
//! - name: The user of the intranet
//!   community.general.htpasswd:
//!     path: /etc/nginx/passwdfile
//!     name: ada
//!     password: "{{ intranet_password }}"
//!     group: www-data
//!     mode: "0640"
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::params::PathText;
use super::view::View;
use super::write_file::Show;
use crate::wire::Failure;
use crate::{choices, params};

mod hash;

use hash::Scheme;

/// As `community.general.htpasswd`; nothing is needed on the host.
pub struct Htpasswd;

choices! {
    /// Whether the user shall be there.
    pub enum HtpasswdState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `htpasswd`.
    pub struct HtpasswdParams {
        /// The file.
        path: PathText, aliases ["dest", "destfile"];
        /// The user.
        name: String, aliases ["username"];
        /// The password; needed with `state: present`.
        password: Option<String>, @secret;
        /// How it is hashed: `apr_md5_crypt`, `md5_crypt`, `bcrypt`, `ldap_sha1` or `plaintext`. A password that is there
        /// and right stays as it is hashed.
        hash_scheme: String = "apr_md5_crypt", aliases ["crypt_scheme"];
        /// Whether the user shall be there.
        state: HtpasswdState = HtpasswdState::Present;
        /// Whether a file that is not there is made.
        create: bool = true;
    }
    include { attributes: FileAttributes }
}

impl Module for Htpasswd {
    type Params = HtpasswdParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "htpasswd",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("htpasswd.rs"),
        returns: &[("msg", "what was done")],
    };

    fn plan(params: &HtpasswdParams, view: &View<'_>) -> Result<Step, Halt> {
        let HtpasswdParams { path, name, password, hash_scheme, state, create, attributes } = params;
        let scheme = Scheme::find(hash_scheme).or_else(fail)?;
        let mut editing = Editing::open("htpasswd", path, attributes, view)?;
        editing.show = Show::Hidden;
        let text = editing.text();
        let absent = *state == HtpasswdState::Absent;
        if editing.before.is_none() {
            if absent {
                let mut plan =
                    Plan::nothing(format!("{name} not present")).with("msg", format!("{name} not present"));
                plan.warnings.push(format!("{} does not exist", &**path));
                return Ok(Step::Plan(plan));
            }
            if !create {
                return fail(format!("Destination {} does not exist", &**path));
            }
        }
        let found = text.lines().filter_map(entry).find(|(user, _)| user == name);
        let (after, message) = if absent {
            match found {
                None => (None, format!("{name} not present")),
                Some(_) => (Some(with(&text, name, None)), format!("Remove {name}")),
            }
        } else {
            let Some(password) = password else {
                return fail("secret must be unicode or bytes, not None");
            };
            let right = match found {
                None => false,
                Some((_, hash)) => hash::verify(password, hash).or_else(fail)?,
            };
            if right {
                (None, format!("{name} already present"))
            } else {
                let salt = hash::salt(&[&view.context().host, path, name, password]);
                let line = format!("{name}:{}", hash::hash(scheme, password, &salt).or_else(fail)?);
                let message = match (editing.before.is_none(), view.context().check_mode) {
                    (true, true) => format!("Create {}", &**path),
                    (true, false) => format!("Created {} and added {name}", &**path),
                    (false, _) => format!("Add/update {name}"),
                };
                (Some(with(&text, name, Some(&line))), message)
            }
        };
        let mut plan = Plan::default();
        editing.write(&mut plan, after.as_deref().unwrap_or(&text), view)?;
        let message = edit_file::with_settled(&message, &plan);
        plan.summary.clone_from(&message);
        plan.result = crate::map! { "msg" => message };
        Ok(Step::Plan(plan))
    }

    fn failure(_: &HtpasswdParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

/// A line's user and hash; comments have none.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with('#') { None } else { line.split_once(':') }
}

/// The file with a user's line, or without; empty lines are dropped.
fn with(text: &str, name: &str, line: Option<&str>) -> String {
    let mut out = String::new();
    let mut line = line;
    for old in text.lines().filter(|old| !old.trim().is_empty()) {
        if entry(old).is_some_and(|(user, _)| user == name) {
            if let Some(line) = line.take() {
                out += line;
                out.push('\n');
            }
            continue;
        }
        out += old;
        out.push('\n');
    }
    if let Some(line) = line {
        out += line;
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_replaced_in_its_place() {
        let text = "# users\na:1\n\nb:2";
        assert_eq!(with(text, "a", Some("a:3")), "# users\na:3\nb:2\n");
        assert_eq!(with(text, "c", Some("c:3")), "# users\na:1\nb:2\nc:3\n");
        assert_eq!(with(text, "b", None), "# users\na:1\n");
        assert_eq!(entry("# a:b"), None);
    }
}
