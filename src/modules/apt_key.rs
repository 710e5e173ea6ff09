//! Keeps a key that apt trusts.
//!
//! ```yaml
//! - name: The vendor's key
//!   ansible.builtin.apt_key:
//!     url: https://packages.example.com/key.asc
//!     keyring: /etc/apt/trusted.gpg.d/vendor.gpg
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{PathText, Rule};
use super::run;
use super::view::View;
use super::web::{self, UrlParams};
use crate::base::{Map, Value};
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Action, Change, Command, Failure};
use crate::{choices, params};

/// As `ansible.builtin.apt_key`, with `gpg` where the host has no `apt-key` any more.
pub struct AptKey;

choices! {
    /// Whether the key shall be there.
    pub enum AptKeyState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `apt_key`.
    pub struct AptKeyParams {
        /// The key's fingerprint or the end of it. Left out, it is read from the key.
        id: Option<String>;
        /// Where the key is downloaded from.
        url: Option<String>;
        /// The key itself, as the text of an armoured file.
        data: Option<String>;
        /// A file of the host with the key.
        file: Option<PathText>;
        /// The file that the key is kept in. Left out, it is `/etc/apt/trusted.gpg.d/ansible-ID.gpg`, or where `apt-key`
        /// keeps it.
        keyring: Option<PathText>;
        /// Whether certificates are checked.
        validate_certs: bool = true;
        /// A server of keys; `id` says which.
        keyserver: Option<String>;
        /// Whether the key shall be there.
        state: AptKeyState = AptKeyState::Present;
    }
    rules [Rule::MutuallyExclusive(&["data", "file", "keyserver", "url"])]
}

impl Module for AptKey {
    type Params = AptKeyParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "apt_key",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("apt_key.rs"),
        returns: &[
            ("id", "the key as the task names it"),
            ("fp", "its fingerprint, as far as it is known"),
            ("key_id", "the last 16 digits"),
            ("short_id", "the last 8 digits"),
            ("before", "the keys as they were"),
        ],
    };

    fn plan(params: &AptKeyParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.id.is_none() && params.keyserver.is_some() {
            return fail("Missing key_id, required with keyserver.");
        }
        let present = params.state == AptKeyState::Present;
        let content = if present || params.id.is_none() { content(params, view)? } else { None };
        let id = match (&params.id, &content) {
            (Some(id), _) => id.clone(),
            (None, Some(content)) => key_id(content.clone(), view)?,
            (None, None) => return fail("one of id, url, data, file or keyserver is needed"),
        };
        let wanted =
            id.trim().trim_start_matches("0x").trim_start_matches("0X").replace(' ', "").to_uppercase();
        if wanted.len() < 8 || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Failed {
                message: "Invalid key_id".to_owned(),
                result: crate::map! {"id" => id},
                ..Failed::default()
            }
            .into());
        }
        let known = known(params, view)?;
        let is_there = known.iter().any(|key| key.ends_with(&wanted));
        let end =
            |count: usize| wanted.get(wanted.len().saturating_sub(count)..).unwrap_or_default().to_owned();
        let mut plan = Plan::nothing(if present { "the key is there" } else { "no such key is there" });
        if present && !is_there {
            plan = plan.change(add(params, content, &wanted, view)?);
            plan.summary = format!("add the key {wanted}");
            plan.diffs.push(Diff::attribute(format!("key {wanted}"), "state", "absent", "present"));
        } else if !present && is_there {
            plan = plan.change(remove(params, &wanted, view));
            plan.summary = format!("remove the key {wanted}");
            plan.diffs.push(Diff::attribute(format!("key {wanted}"), "state", "present", "absent"));
        }
        plan.result = crate::map! {
            "id" => id, "fp" => wanted.as_str(), "key_id" => end(16), "short_id" => end(8),
            "before" => Value::list(known.iter().map(|key| Value::from(key.as_str()))),
        };
        Ok(Step::Plan(plan))
    }

    fn failure(_: &AptKeyParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("error handling the key", failure)
    }
}

/// The key itself, where the task gives it.
fn content(params: &AptKeyParams, view: &View<'_>) -> Result<Option<Bytes>, Halt> {
    if let Some(data) = &params.data {
        return Ok(Some(Bytes::Inline(data.as_bytes().to_vec())));
    }
    if let Some(file) = &params.file {
        return match super::edit_file::read(file, view)? {
            Some(bytes) => Ok(Some(Bytes::Inline(bytes))),
            None => fail(format!("there is no file `{}`", &**file)),
        };
    }
    let Some(url) = &params.url else { return Ok(None) };
    if view.controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    let web = UrlParams { validate_certs: params.validate_certs, ..UrlParams::default() };
    let answer = web::text_of(web.request(url, &Map::new(), 10)?, view)?;
    if answer.status != 200 {
        return fail(format!("Failed to download key at {url}: {}", web::said(&answer)));
    }
    Ok(Some(Bytes::Inline(answer.body)))
}

/// The fingerprint of a key.
fn key_id(content: Bytes, view: &View<'_>) -> Result<String, Halt> {
    let text = format!("gpg --batch --with-colons --show-keys --with-fingerprint {FILES}/key");
    let command = Command::shell(text).file("key", content).env("LC_ALL", "C").may_fail();
    let output = view.run(run::within(view, command))?;
    match fingerprints(&run::stdout(&output)).into_iter().next() {
        Some(id) => Ok(id),
        None => fail("unable to read the key: is `gpg` there, and is it one?"),
    }
}

/// `fpr:::::::::A1B2…:` of each primary key.
fn fingerprints(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut is_primary = false;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.first() {
            Some(&"pub") => is_primary = true,
            Some(&"sub") => is_primary = false,
            Some(&"fpr") if is_primary => {
                all.extend(fields.get(9).map(|id| (*id).to_owned()));
                is_primary = false;
            }
            _ => {}
        }
    }
    all
}

/// The fingerprints of the keys that are trusted.
fn known(params: &AptKeyParams, view: &View<'_>) -> Result<Vec<String>, Halt> {
    let text = match &params.keyring {
        Some(file) => format!(
            "f={}; [ ! -e \"$f\" ] || gpg --batch --with-colons --show-keys --with-fingerprint \"$f\"",
            super::paths::shell_word(file)
        ),
        None => "for f in /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*; do [ ! -f \"$f\" ] || gpg --batch --with-colons \
                 --show-keys --with-fingerprint \"$f\"; done"
            .to_owned(),
    };
    let output = view.run(run::within(view, Command::shell(text).env("LC_ALL", "C").may_fail()))?;
    Ok(fingerprints(&run::stdout(&output)))
}

fn place(params: &AptKeyParams, id: &str) -> String {
    match &params.keyring {
        Some(file) => super::paths::shell_word(file),
        None => format!("/etc/apt/trusted.gpg.d/ansible-{id}.gpg"),
    }
}

fn add(params: &AptKeyParams, content: Option<Bytes>, id: &str, view: &View<'_>) -> Result<Change, Halt> {
    let home = "t=$(mktemp -d) && trap 'rm -rf \"$t\"' EXIT";
    let place = place(params, id);
    let gpg = "gpg --homedir \"$t\" --batch";
    let export = format!(
        "{{ [ ! -e {place} ] || {gpg} --import {place}; }} && {gpg} --export >\"$t/out\" && install -m 0644 \"$t/out\" {place}"
    );
    let command = match (content, &params.keyserver) {
        (Some(content), _) => {
            Command::shell(format!("{home} && {gpg} --import {FILES}/key && {export}")).file("key", content)
        }
        (None, Some(server)) => Command::shell(format!(
            "{home} && {gpg} --keyserver {} --recv-keys {id} && {export}",
            super::words::quote(server)
        )),
        (None, None) => return fail("No key to add: one of url, data, file or keyserver is needed"),
    };
    Ok(Change::new(Action::Run(run::within(view, command))))
}

fn remove(params: &AptKeyParams, id: &str, view: &View<'_>) -> Change {
    let files = match &params.keyring {
        Some(file) => super::paths::shell_word(file),
        None => "/etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*".to_owned(),
    };
    let text = format!(
        "for f in {files}; do [ -f \"$f\" ] || continue; t=$(mktemp -d); gpg --homedir \"$t\" --batch -q --import \"$f\" || \
         continue; if gpg --homedir \"$t\" --batch --list-keys {id} >/dev/null 2>&1; then gpg --homedir \"$t\" --batch --yes \
         --delete-keys {id} && gpg --homedir \"$t\" --batch --export >\"$t/out\"; if [ -s \"$t/out\" ]; then install -m 0644 \
         \"$t/out\" \"$f\"; else rm -f \"$f\"; fi; fi; rm -rf \"$t\"; done"
    );
    Change::new(Action::Run(run::within(view, Command::shell(text))))
}

#[cfg(test)]
mod tests {
    use super::fingerprints;

    #[test]
    fn primary_keys_have_fingerprints() {
        let text = "pub:-:4096:1:AAAA:1:::-:\nfpr:::::::::0123ABCD:\nsub:-:1\nfpr:::::::::FFFF:\npub:-:1\nfpr:::::::::9999:\n";
        assert_eq!(fingerprints(text), ["0123ABCD", "9999"]);
    }
}
