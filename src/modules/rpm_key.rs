//! Keeps a key that rpm trusts.
//!
//! ```yaml
//! - name: The vendor's key
//!   ansible.builtin.rpm_key:
//!     key: https://packages.example.com/key.asc
//!     fingerprint: EBC6 E12C 62B1 C734 026B 2122 A20E 5214 6B8D 79E6
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::run;
use super::view::View;
use super::web::{self, UrlParams};
use super::words;
use crate::base::Map;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Action, Change, Command, Failure, FileKind, Follow};
use crate::{choices, params};

/// As `ansible.builtin.rpm_key`.
pub struct RpmKey;

choices! {
    /// Whether the key shall be there.
    pub enum RpmKeyState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `rpm_key`.
    pub struct RpmKeyParams {
        /// The key: a URL, the path of a file on the host, or its id (eight digits or more).
        key: String;
        /// Fingerprints that the key must have.
        fingerprint: Option<Vec<String>>;
        /// Whether the key shall be there.
        state: RpmKeyState = RpmKeyState::Present;
        /// Whether certificates are checked.
        validate_certs: bool = true;
    }
}

/// Where a key is.
enum Source {
    /// Nowhere: the id is all that is known.
    Id,
    /// In a file of the host.
    File(String),
    /// In what was fetched.
    Fetched(Vec<u8>),
}

const GPG: &str = "gpg --no-tty --batch --with-colons --fixed-list-mode";

impl Module for RpmKey {
    type Params = RpmKeyParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "rpm_key",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("rpm_key.rs"),
        returns: &[],
    };

    fn plan(params: &RpmKeyParams, view: &View<'_>) -> Result<Step, Halt> {
        let RpmKeyParams { key, fingerprint, state, validate_certs } = params;
        let source = source(key, *validate_certs, view)?;
        let id = match &source {
            Source::Id => key.clone(),
            Source::File(_) | Source::Fetched(_) => id_of(&source, view)?,
        };
        let id = id.trim().to_uppercase();
        let id = id.strip_prefix("0X").unwrap_or(&id).to_owned();
        let known = view.run(known())?;
        let is_there = ids(&run::stdout(&known)).any(|known| known.contains(&id));
        let present = *state == RpmKeyState::Present;
        let mut plan = Plan::nothing(match (present, is_there) {
            (true, true) => format!("the key {id} is there"),
            (false, false) => format!("the key {id} is not there"),
            (true, false) => format!("import the key {id}"),
            (false, true) => format!("remove the key {id}"),
        });
        if present == is_there {
            return Ok(Step::Plan(plan));
        }
        let end = id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_lowercase();
        let (command, printed) = if present {
            check_fingerprints(fingerprint.as_deref().unwrap_or_default(), &source, view)?;
            (import(&source)?, format!("pub:-:::{id}:\n"))
        } else {
            let name = format!("gpg-pubkey-{end}");
            (Command::argv(["rpm", "--erase", "--allmatches", &name]), String::new())
        };
        let (before, after) = if present { ("absent", "present") } else { ("present", "absent") };
        plan.diffs.push(Diff::attribute(format!("key {id}"), "state", before, after));
        let change = Change::new(Action::Run(run::within(view, command)));
        Ok(Step::Plan(plan.change(change.effect(run::will_print(self::known(), printed)))))
    }

    fn failure(_: &RpmKeyParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("error handling the key", failure)
    }
}

/// The command that tells which keys are imported.
fn known() -> Command {
    let text = format!("rpm -q gpg-pubkey >/dev/null && rpm -q gpg-pubkey --qf '%{{description}}' | {GPG} -");
    Command::shell(text).env("LC_ALL", "C").may_fail()
}

/// The ids of keys that `gpg` lists.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split(':').nth(4)).filter(|id| !id.is_empty())
}

fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    digits.chars().take(8).filter(char::is_ascii_hexdigit).count() == 8
}

fn source(key: &str, validate_certs: bool, view: &View<'_>) -> Result<Source, Halt> {
    if key.contains("://") {
        if view.controller().looking_ahead() {
            return Err(Halt::Deferred);
        }
        let web = UrlParams { validate_certs, ..UrlParams::default() };
        let answer = web::text_of(web.request(key, &Map::new(), 10)?, view)?;
        if answer.status != 200 {
            return fail(format!("failed to fetch key at {key} , error was: {}", web::said(&answer)));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let block = text.split_once("-----BEGIN PGP PUBLIC KEY BLOCK-----");
        if block.is_none_or(|(_, rest)| !rest.contains("-----END PGP PUBLIC KEY BLOCK-----")) {
            return fail(format!("Not a public key: {key}"));
        }
        return Ok(Source::Fetched(answer.body));
    }
    if is_id(key) {
        return Ok(Source::Id);
    }
    match view.stat(key, Follow::Yes)? {
        Some(stat) if stat.kind == FileKind::File => Ok(Source::File(key.to_owned())),
        _ => fail(format!("Not a valid key {key}")),
    }
}

/// A shell text with the key's path at its end.
fn with_key(text: &str, source: &Source) -> Result<Command, Halt> {
    match source {
        Source::Id => fail("When importing a key, a valid file must be given"),
        Source::File(path) => Ok(Command::shell(format!("{text} {}", words::quote(path)))),
        Source::Fetched(bytes) => {
            Ok(Command::shell(format!("{text} {FILES}/key")).file("key", Bytes::Inline(bytes.clone())))
        }
    }
}

fn import(source: &Source) -> Result<Command, Halt> {
    with_key("rpm --import", source)
}

fn id_of(source: &Source, view: &View<'_>) -> Result<String, Halt> {
    let output = view.run(with_key(GPG, source)?.env("LC_ALL", "C").may_fail())?;
    if output.status != 0 {
        return fail(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = run::stdout(&output);
    let line = text.lines().map(str::trim).find(|line| line.starts_with("pub:"));
    match line.and_then(|line| line.split(':').nth(4)) {
        Some(id) => Ok(id.to_owned()),
        None => fail("Unexpected gpg output"),
    }
}

fn check_fingerprints(wanted: &[String], source: &Source, view: &View<'_>) -> Result<(), Halt> {
    if wanted.is_empty() {
        return Ok(());
    }
    let text = format!("{GPG} --import --import-options show-only --dry-run");
    let output = view.run(with_key(&text, source)?.env("LC_ALL", "C").may_fail())?;
    let text = run::stdout(&output);
    let found: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("fpr:"))
        .filter_map(|line| line.split(':').nth(9))
        .collect();
    if found.is_empty() {
        return fail("Unexpected gpg output");
    }
    let wanted: Vec<String> = wanted.iter().map(|text| text.replace(' ', "").to_uppercase()).collect();
    if wanted.iter().all(|print| found.contains(&print.as_str())) {
        return Ok(());
    }
    let shown = |all: Vec<&str>| {
        format!("{{{}}}", all.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", "))
    };
    fail(format!(
        "The specified fingerprint, '{}', does not match any key fingerprints in '{}'",
        shown(wanted.iter().map(String::as_str).collect()),
        shown(found)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_paths() {
        assert!(is_id("DEADB33F") && is_id("0xdeadb33f") && is_id("A20E52146B8D79E6"));
        assert!(!is_id("/etc/key") && !is_id("key.asc") && !is_id("DEADB33"));
        let listed = "tru::1\npub:-:4096:1:A20E52146B8D79E6:1:::-:\nsub:-:1:1:FFFF:\n";
        assert_eq!(ids(listed).collect::<Vec<_>>(), ["A20E52146B8D79E6", "FFFF"]);
    }
}
