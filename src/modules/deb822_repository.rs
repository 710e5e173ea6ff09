//! Keeps a repository in a file of apt's newer format, with its key.
//!
//! ```yaml
//! - name: The vendor's packages
//!   ansible.builtin.deb822_repository:
//!     name: vendor
//!     types: deb
//!     uris: https://packages.example.com/debian
//!     suites: stable
//!     components: main
//!     signed_by: https://packages.example.com/key.asc
//! ```

use super::attributes::FileAttributes;
use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::params::Mode;
use super::view::View;
use super::web::{self, UrlParams};
use super::write_file;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Done, Follow, Query};
use crate::{choices, params};

/// As `ansible.builtin.deb822_repository`.
pub struct Deb822Repository;

choices! {
    /// Whether the repository shall be there.
    pub enum Deb822State { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `deb822_repository`.
    pub struct Deb822Params {
        /// The repository's name, of which the file's is made.
        name: String;
        /// Whether it may become one without authentication.
        allow_downgrade_to_insecure: Option<bool>;
        /// Whether one without authentication is accepted.
        allow_insecure: Option<bool>;
        /// Whether one with weak authentication is accepted.
        allow_weak: Option<bool>;
        /// Only packages for these architectures, as `amd64`. Left out, those of the host.
        architectures: Option<Vec<String>>;
        /// Whether files are fetched by their hashes.
        by_hash: Option<bool>;
        /// Whether the dates of the repository are checked.
        check_date: Option<bool>;
        /// Whether it is checked that the repository's lists are still valid.
        check_valid_until: Option<bool>;
        /// Parts of the repository, as `main`.
        components: Option<Vec<String>>;
        /// How many seconds in the future a date may be.
        date_max_future: Option<i64>;
        /// Whether the repository is used.
        enabled: Option<bool>;
        /// The path of the signed list.
        inrelease_path: Option<String>;
        /// Languages of translations.
        languages: Option<Vec<String>>;
        /// Whether lists are brought up to date by differences.
        pdiffs: Option<bool>;
        /// The key: a URL, the path of a file on the host, a fingerprint, or its text.
        signed_by: Option<String>;
        /// Releases, as `bookworm`; a path with a trailing slash, if the repository has no parts.
        suites: Option<Vec<String>>;
        /// Targets of downloads.
        targets: Option<Vec<String>>;
        /// Whether it counts as authenticated.
        trusted: Option<bool>;
        /// `deb`, `deb-src`.
        types: Vec<String> = vec!["deb".to_owned()];
        /// Where the repository is: one URL or several.
        uris: Option<Vec<String>>;
        /// The file's permissions.
        mode: Mode = Mode::Bits(0o644);
        /// Whether the repository shall be there.
        state: Deb822State = Deb822State::Present;
    }
}

const KEYRINGS: &str = "/etc/apt/keyrings";

impl Module for Deb822Repository {
    type Params = Deb822Params;

    const DOC: ModuleDoc = ModuleDoc {
        name: "deb822_repository",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("deb822_repository.rs"),
        returns: &[
            ("repo", "the file's text"),
            ("dest", "the file"),
            ("key_filename", "the file with the key, where there is one"),
        ],
    };

    fn plan(params: &Deb822Params, view: &View<'_>) -> Result<Step, Halt> {
        let slug = slug(&params.name);
        let dest = format!("/etc/apt/sources.list.d/{slug}.sources");
        let key_file = |ending: &str| format!("{KEYRINGS}/{slug}.{ending}");
        let mut plan = Plan::default();
        if params.state == Deb822State::Absent {
            let all = [dest.clone(), key_file("asc"), key_file("gpg")];
            view.want(all.iter().map(|path| Query::Stat { path: path.clone(), follow: Follow::No }));
            for path in &all {
                if view.stat(path, Follow::No)?.is_some() {
                    let action = Action::Remove { path: path.clone() };
                    plan.changes.push(Planned { side: Side::Host, change: Change::new(action) });
                    plan.diffs.push(Diff::attribute(path, "state", "file", "absent"));
                }
            }
            plan.summary =
                if plan.changes.is_empty() { "already absent".to_owned() } else { format!("remove {dest}") };
            plan.result =
                crate::map! {"repo" => Value::Null, "dest" => dest, "key_filename" => key_file("gpg")};
            return Ok(Step::Plan(plan));
        }
        let mut file = None;
        let signed_by = match &params.signed_by {
            Some(key) => Some(signed_by(&mut plan, &mut file, key, &slug, view)?),
            None => None,
        };
        let text = params.text(signed_by);
        let attributes = FileAttributes { mode: Some(params.mode.clone()), ..FileAttributes::default() };
        let editing = Editing::open("deb822_repository", &dest, &attributes, view)?;
        editing.write(&mut plan, text.as_str(), view)?;
        plan.summary =
            if plan.changes.is_empty() { "already so".to_owned() } else { format!("write {dest}") };
        for key in ["path", "checksum", "md5sum"] {
            plan.result.shift_remove(key);
        }
        plan.result.extend(crate::map! {
            "repo" => text, "dest" => dest, "key_filename" => file.map_or(Value::Null, Value::from),
        });
        Ok(Step::Plan(plan))
    }

    fn result(_: &Deb822Params, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }
}

/// The name as a file's: lower case, dashes for spaces and underscores, nothing else.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_whitespace() || c == '_' {
            if !out.ends_with('\u{0}') {
                out.push('\u{0}');
            }
        } else {
            out.push(c);
        }
    }
    let out = out.replace('\u{0}', "-");
    out.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-').collect()
}

impl Deb822Params {
    /// The file's text: fields in the order of the parameters' names.
    fn text(&self, signed_by: Option<String>) -> String {
        let flag = |value: Option<bool>| value.map(|value| if value { "yes" } else { "no" }.to_owned());
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|all| all.join(" "));
        let fields = [
            ("Allow-Downgrade-To-Insecure", flag(self.allow_downgrade_to_insecure)),
            ("Allow-Insecure", flag(self.allow_insecure)),
            ("Allow-Weak", flag(self.allow_weak)),
            ("Architectures", list(&self.architectures)),
            ("By-Hash", flag(self.by_hash)),
            ("Check-Date", flag(self.check_date)),
            ("Check-Valid-Until", flag(self.check_valid_until)),
            ("Components", list(&self.components)),
            ("Date-Max-Future", self.date_max_future.map(|seconds| seconds.to_string())),
            ("Enabled", flag(self.enabled)),
            ("InRelease-Path", self.inrelease_path.clone()),
            ("Languages", list(&self.languages)),
            ("X-Repolib-Name", Some(self.name.clone())),
            ("PDiffs", flag(self.pdiffs)),
            ("Signed-By", signed_by),
            ("Suites", list(&self.suites)),
            ("Targets", list(&self.targets)),
            ("Trusted", flag(self.trusted)),
            ("Types", Some(self.types.join(" "))),
            ("URIs", list(&self.uris)),
        ];
        let mut text = String::new();
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            let value = if value.contains('\n') { folded(&value) } else { value };
            let space = if value.starts_with('\n') || value.is_empty() { "" } else { " " };
            text.push_str(&format!("{name}:{space}{value}\n"));
        }
        text
    }
}

/// A value of several lines: indented, an empty line as a dot.
fn folded(value: &str) -> String {
    let line =
        |line: &str| if line.trim().is_empty() { "\n    .".to_owned() } else { format!("\n    {line}") };
    value.trim().lines().map(line).collect()
}

/// What stands in `Signed-By`; a key from a URL goes to a file.
fn signed_by(
    plan: &mut Plan,
    file: &mut Option<String>,
    key: &str,
    slug: &str,
    view: &View<'_>,
) -> Result<String, Halt> {
    if key.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") || !key.contains("://") {
        return Ok(key.to_owned());
    }
    if view.controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    let web = UrlParams { validate_certs: true, ..UrlParams::default() };
    let answer = web::text_of(web.request(key, &Map::new(), 30)?, view)?;
    if answer.status != 200 {
        return fail(format!("Could not fetch signed_by key: {}", web::said(&answer)));
    }
    let is_text = String::from_utf8_lossy(&answer.body).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    let path = format!("{KEYRINGS}/{slug}.{}", if is_text { "asc" } else { "gpg" });
    let attributes = FileAttributes { mode: Some(Mode::Bits(0o644)), ..FileAttributes::default() };
    Editing::open("deb822_repository", &path, &attributes, view)?.write(plan, answer.body, view)?;
    *file = Some(path.clone());
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_written_as_the_format_wants() {
        assert_eq!(slug("My  Vendor_Repo (x)"), "my-vendor-repo-x");
        assert_eq!(folded("-----BEGIN\n\nabc\n"), "\n    -----BEGIN\n    .\n    abc");
    }
}
