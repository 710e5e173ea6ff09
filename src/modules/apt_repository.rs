//! Keeps a repository in apt's list of sources.
//!
//! ```yaml
//! - name: Backports
//!   ansible.builtin.apt_repository:
//!     repo: deb http://deb.debian.org/debian bookworm-backports main
//!     filename: backports
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::edit_file::{self, Editing};
use super::params::Mode;
use super::paths;
use super::run;
use super::view::View;
use super::web::{self, UrlParams};
use crate::base::Value;
use crate::wire::{Action, Change, Failure, FileKind, Query};
use crate::{choices, params};

/// As `ansible.builtin.apt_repository`.
pub struct AptRepository;

choices! {
    /// Whether the repository shall be there.
    pub enum RepoState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `apt_repository`.
    pub struct RepoParams {
        /// The line of the repository (`deb http://… bookworm main`), or an Ubuntu archive as `ppa:OWNER/NAME`.
        repo: String;
        /// Whether it shall be there.
        state: RepoState = RepoState::Present;
        /// The permissions of a file that is made.
        mode: Option<Mode>;
        /// Whether the package lists are refreshed where something changed.
        update_cache: bool = true, aliases ["update-cache"];
        /// How often a refresh is tried.
        update_cache_retries: u32 = 5u32;
        /// Most seconds between two tries.
        update_cache_retry_max_delay: u32 = 12u32;
        /// The file's name in `/etc/apt/sources.list.d`, without `.list`. Left out, it follows from the URL.
        filename: Option<String>;
        /// Without effect: nothing is needed on the host.
        install_python_apt: bool = true;
        /// Whether certificates are checked where an archive's key is asked for.
        validate_certs: bool = true;
        /// The release's code name, for an Ubuntu archive.
        codename: Option<String>;
    }
}

const LIST: &str = "/etc/apt/sources.list";
const DIRECTORY: &str = "/etc/apt/sources.list.d";

impl Module for AptRepository {
    type Params = RepoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "apt_repository",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("apt_repository.rs"),
        returns: &[
            ("repo", "the repository"),
            ("sources_added", "files that were made"),
            ("sources_removed", "files that were removed"),
        ],
    };

    fn plan(params: &RepoParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.repo.is_empty() {
            return fail("Please set argument 'repo' to a non-empty value");
        }
        let files = files(view)?;
        let mut plan = Plan::default();
        let (wanted, suggested) = wanted(params, &files, &mut plan, view)?;
        let present = params.state == RepoState::Present;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let mut edited = false;
        let is_known = files
            .iter()
            .any(|(_, text)| text.lines().any(|line| read(line).is_some_and(|l| l.source == wanted)));
        for (path, text) in &files {
            let after = if present { enabled(text, &wanted) } else { without(text, &wanted) };
            if let Some(after) = after {
                edited = true;
                if after.is_empty() {
                    plan.changes.push(on_host(Change::new(Action::Remove { path: path.clone() })));
                    plan.diffs.push(Diff::content(path, Some(text.as_bytes()), None));
                    removed.push(path.clone());
                } else {
                    write(&mut plan, path, &after, None, view)?;
                }
            }
        }
        if present && !is_known {
            edited = true;
            let name = params.filename.clone().map_or(suggested, |name| format!("{name}.list"));
            let path = if name.contains('/') { name } else { paths::join(DIRECTORY, &name) };
            let before = files.iter().find(|(known, _)| *known == path).map(|(_, text)| text.as_str());
            let after = format!("{}{wanted}\n", normal(before.unwrap_or_default()));
            let mode = params.mode.clone().unwrap_or(Mode::Bits(0o644));
            write(&mut plan, &path, &after, Some(mode), view)?;
            if before.is_none() {
                added.push(path);
            }
        }
        if edited && params.update_cache {
            let update = format!(
                "i=0; until apt-get -q update; do i=$((i+1)); [ $i -lt {} ] || exit 100; sleep $i; done",
                params.update_cache_retries
            );
            let command = run::within(view, crate::wire::Command::shell(update));
            plan.changes
                .push(on_host(Change::new(Action::Run(command.env("DEBIAN_FRONTEND", "noninteractive")))));
        }
        plan.changed = Some(edited || !plan.changes.is_empty());
        plan.summary = match (edited, present) {
            (false, true) => "the repository is there".to_owned(),
            (false, false) => "no such repository is there".to_owned(),
            (true, true) => format!("add `{wanted}`"),
            (true, false) => format!("remove `{wanted}`"),
        };
        let list = |all: Vec<String>| Value::list(all.into_iter().map(Value::from));
        plan.result = crate::map! {
            "repo" => params.repo.as_str(), "state" => params.state.text(), "sources_added" => list(added),
            "sources_removed" => list(removed),
        };
        Ok(Step::Plan(plan))
    }

    fn failure(_: &RepoParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("Failed to update apt cache", failure)
    }
}

fn on_host(change: Change) -> super::contract::Planned {
    super::contract::Planned { side: super::contract::Side::Host, change }
}

fn write(plan: &mut Plan, path: &str, text: &str, mode: Option<Mode>, view: &View<'_>) -> Result<(), Halt> {
    let attributes = FileAttributes { mode, ..FileAttributes::default() };
    Editing::open("apt_repository", path, &attributes, view)?.write(plan, text, view).map(drop)
}

/// The lists of sources with their texts.
fn files(view: &View<'_>) -> Result<Vec<(String, String)>, Halt> {
    let directory = Query::List { path: DIRECTORY.to_owned() };
    let attributes = FileAttributes::default();
    view.want([directory.clone()]);
    view.want(edit_file::queries(LIST, &attributes));
    let mut all = vec![LIST.to_owned()];
    for entry in view.entries(&directory)?.unwrap_or_default() {
        if entry.name.strip_suffix(".list").is_some()
            && matches!(entry.stat.kind, FileKind::File | FileKind::Symlink)
        {
            all.push(paths::join(DIRECTORY, &entry.name));
        }
    }
    view.want(all.iter().flat_map(|path| edit_file::queries(path, &attributes)));
    let mut files = Vec::new();
    for path in all {
        if let Some(text) = edit_file::read_text(&path, view)? {
            files.push((path, text));
        }
    }
    Ok(files)
}

/// A line of a list.
struct Line {
    enabled: bool,
    source: String,
    comment: String,
}

/// A line that names a repository, be it switched off.
fn read(line: &str) -> Option<Line> {
    let line = line.trim();
    let (enabled, line) = match line.strip_prefix('#') {
        Some(rest) => (false, rest),
        None => (true, line),
    };
    let (source, comment) = match line.find('#') {
        Some(at) if at > 0 => line.split_at(at),
        _ => (line, ""),
    };
    let words: Vec<&str> = source.split_whitespace().collect();
    matches!(words.first(), Some(&("deb" | "deb-src" | "rpm" | "rpm-src"))).then(|| Line {
        enabled,
        source: words.join(" "),
        comment: comment.trim_start_matches('#').trim().to_owned(),
    })
}

fn shown(line: &Line) -> String {
    let off = if line.enabled { "" } else { "# " };
    let comment = if line.comment.is_empty() { String::new() } else { format!(" # {}", line.comment) };
    format!("{off}{}{comment}\n", line.source)
}

/// A text as the original writes it back.
fn normal(text: &str) -> String {
    text.lines()
        .map(|line| match read(line) {
            Some(line) => shown(&line),
            None => format!("{}\n", line.trim()),
        })
        .collect()
}

/// The text with lines of this source switched on; `None` where nothing changes.
fn enabled(text: &str, source: &str) -> Option<String> {
    let mut changed = false;
    let mut out = String::new();
    for line in text.lines() {
        match read(line) {
            Some(found) if found.source == source && !found.enabled => {
                changed = true;
                out.push_str(&shown(&Line { enabled: true, ..found }));
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    changed.then_some(out)
}

/// The text without lines of this source; `None` where there are none.
fn without(text: &str, source: &str) -> Option<String> {
    let is_it = |line: &&str| read(line).is_some_and(|found| found.source == source && found.enabled);
    let count = text.lines().filter(is_it).count();
    let out: String = text.lines().filter(|line| !is_it(line)).flat_map(|line| [line, "\n"]).collect();
    (count > 0).then_some(out)
}

/// The name that a file gets from its repository.
fn suggested(source: &str) -> String {
    let mut plain = source.to_owned();
    if let (Some(open), Some(close)) = (plain.find('['), plain.find(']'))
        && open < close
    {
        plain.replace_range(open..=close, "");
    }
    let url = plain.split_whitespace().find(|word| !matches!(*word, "deb" | "deb-src")).unwrap_or_default();
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    let words: Vec<&str> =
        url.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!("{}.list", words.join("_"))
}

/// The line of the repository and the name of a new file. Of an Ubuntu archive the key is brought too.
fn wanted(
    params: &RepoParams,
    files: &[(String, String)],
    plan: &mut Plan,
    view: &View<'_>,
) -> Result<(String, String), Halt> {
    let Some(archive) = params.repo.strip_prefix("ppa:") else {
        return match read(&params.repo) {
            Some(line) if line.enabled => {
                let name = suggested(&line.source);
                Ok((line.source, name))
            }
            _ => fail(format!("Invalid repository string: {}", params.repo)),
        };
    };
    let (owner, name) = archive.split_once('/').unwrap_or((archive, "ppa"));
    let codename = match &params.codename {
        Some(codename) => codename.clone(),
        None => {
            let output = run::read(view, ["sh", "-c", ". /etc/os-release && echo \"$VERSION_CODENAME\""])?;
            output.map(|output| run::stdout(&output).trim().to_owned()).unwrap_or_default()
        }
    };
    let source = format!("deb https://ppa.launchpadcontent.net/{owner}/{name}/ubuntu {codename} main");
    let is_there = files.iter().any(|(_, text)| {
        text.lines().any(|line| read(line).is_some_and(|line| line.enabled && line.source == source))
    });
    if params.state == RepoState::Present && !is_there {
        let web = UrlParams { validate_certs: params.validate_certs, ..UrlParams::default() };
        let url = format!("https://api.launchpad.net/1.0/~{owner}/+archive/{name}");
        let headers = crate::map! {"Accept" => "application/json"};
        let answer = web::text_of(web.request(&url, &headers, 10)?, view)?;
        if answer.status != 200 {
            return fail(format!("failed to fetch PPA information, error was: {}", web::said(&answer)));
        }
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let key =
            told.get("signing_key_fingerprint").and_then(|key| key.as_str()).unwrap_or_default().to_owned();
        let text = format!(
            "t=$(mktemp -d) && trap 'rm -rf \"$t\"' EXIT && gpg --homedir \"$t\" --batch --keyserver \
             hkp://keyserver.ubuntu.com:80 --recv-keys {key} && gpg --homedir \"$t\" --batch --export {key} \
             >/etc/apt/trusted.gpg.d/{owner}-{name}.gpg && chmod 0644 /etc/apt/trusted.gpg.d/{owner}-{name}.gpg"
        );
        let command = run::within(view, crate::wire::Command::shell(text));
        plan.changes.push(on_host(Change::new(Action::Run(command))));
    }
    let words = format!("ppa {owner} {name} {codename}");
    let name = words.split(|c: char| !c.is_ascii_alphanumeric()).collect::<Vec<_>>().join("_");
    Ok((source, format!("{name}.list")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        let text = "# deb http://a b c\ndeb  http://a  b c # mine\n";
        assert_eq!(
            enabled(text, "deb http://a b c").unwrap(),
            "deb http://a b c\ndeb  http://a  b c # mine\n"
        );
        assert_eq!(without(text, "deb http://a b c").unwrap(), "# deb http://a b c\n");
        assert_eq!(without(text, "deb http://x b c"), None);
        assert_eq!(normal("deb  http://a b # c"), "deb http://a b # c\n");
        assert_eq!(
            suggested("deb [arch=amd64] https://u:p@dl.example.com/x/y stable main"),
            "dl_example_com_x_y.list"
        );
    }
}
