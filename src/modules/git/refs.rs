//! What a repository has: its branches and tags, as `git ls-remote` lists them.

use super::GitParams;
use crate::modules::contract::{Failed, Halt};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::Command;

/// What a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Branch,
    Tag,
    Commit,
}

/// A version that was found.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// The branch's or tag's name.
    pub(super) name: String,
    pub(super) commit: String,
}

/// The references of a repository.
pub(super) struct Refs(Vec<(String, String)>);

fn is_commit(version: &str) -> bool {
    version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit())
}

impl Refs {
    /// Asks the repository.
    pub(super) fn ask(params: &GitParams, view: &View<'_>) -> Result<Self, Halt> {
        if is_commit(&params.version) {
            return Ok(Self(Vec::new()));
        }
        let version = &params.version;
        let git = params.git();
        let mut words = vec![git.as_str(), "ls-remote", "--symref", &params.repo, "HEAD"];
        let (head, tag) = (format!("refs/heads/{version}"), format!("refs/tags/{version}"));
        let peeled = format!("{tag}^{{}}");
        if version != "HEAD" {
            words.extend([head.as_str(), tag.as_str(), peeled.as_str(), version.as_str()]);
        }
        let command = params.within(view, Command::argv(words).may_fail())?;
        let output = match view.run(command) {
            Ok(output) => output,
            Err(Halt::Failed(failed)) => {
                let message =
                    format!("Failed to find required executable \"{git}\" on the host: {}", failed.message);
                return Err(Failed { message, ..Failed::default() }.into());
            }
            Err(halt) => return Err(halt),
        };
        if output.status != 0 {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let message = format!("Failed to connect to the repository {}: {said}", params.repo);
            let result = crate::modules::view::output_keys(&output);
            return Err(Failed { message, result, ..Failed::default() }.into());
        }
        let text = run::stdout(&output);
        let pair = |line: &str| line.split_once('\t').map(|(what, name)| (what.to_owned(), name.to_owned()));
        Ok(Self(text.lines().filter_map(pair).collect()))
    }

    fn commit(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(what, known)| known == name && is_commit(what))
            .map(|(commit, _)| commit.as_str())
    }

    /// The commit of the task's version.
    pub(super) fn find(&self, params: &GitParams) -> Result<Found, String> {
        let version = params.version.as_str();
        let found =
            |kind, name: &str, commit: &str| Found { kind, name: name.to_owned(), commit: commit.to_owned() };
        if is_commit(version) {
            return Ok(found(Kind::Commit, version, version));
        }
        if version == "HEAD" {
            let branch = self
                .0
                .iter()
                .find_map(|(what, name)| what.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD"));
            if let (Some(branch), Some(commit)) = (branch, self.commit("HEAD")) {
                return Ok(found(Kind::Branch, branch, commit));
            }
            if let Some(commit) = self.commit("HEAD") {
                return Ok(found(Kind::Commit, "HEAD", commit));
            }
        }
        let tag = format!("refs/tags/{version}");
        if let Some(commit) = self.commit(&format!("refs/heads/{version}")) {
            return Ok(found(Kind::Branch, version, commit));
        }
        if let Some(commit) = self.commit(&format!("{tag}^{{}}")).or_else(|| self.commit(&tag)) {
            return Ok(found(Kind::Tag, version, commit));
        }
        if let Some(commit) = self.commit(version) {
            return Ok(found(Kind::Commit, version, commit));
        }
        Err(format!(
            "Could not determine remote revision for {version}: the repository {} has no such branch or tag",
            params.repo
        ))
    }
}
