//! rpm's database, and what dnf (or yum) would install.

use super::{absent, ask};
use crate::wire::{PackageState, PackageStatus};

const FORMAT: &str = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n";
const OFFERED: &str = "%{epoch}:%{version}-%{release}\n";

/// How a package stands.
///
/// # Errors
/// rpm or dnf does not answer.
pub fn state(name: &str) -> Result<PackageState, String> {
    let mut state = absent();
    let (status, text) = ask(&["rpm", "-q", "--qf", FORMAT, "--", name])?.ok_or("this host has no `rpm`")?;
    if status == 0 {
        state.status = PackageStatus::Installed;
        state.version = installed(&text).into_iter().map(|(_, version)| version).next_back();
    }
    if let Some((0, text)) = ask(&["rpm", "-q", "--qf", FORMAT, "--whatprovides", "--", name])? {
        state.provided_by =
            installed(&text).into_iter().map(|(name, _)| name).filter(|it| it != name).collect();
    }
    for manager in ["dnf", "yum"] {
        let argv = [manager, "-q", "-C", "repoquery", "--available", "--qf", OFFERED, "--", name];
        match ask(&argv)? {
            None => {}
            Some((_, text)) => {
                state.available = offered(&text);
                let best = [
                    manager,
                    "-q",
                    "-C",
                    "repoquery",
                    "--available",
                    "--latest-limit=1",
                    "--qf",
                    OFFERED,
                    "--",
                    name,
                ];
                let best = ask(&best)?.map(|(_, text)| offered(&text)).unwrap_or_default();
                state.candidate = best.into_iter().next_back();
                break;
            }
        }
    }
    Ok(state)
}

/// Name and version of each line; an epoch of 0 is left out, as rpm writes versions.
fn installed(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, version)| (name.to_owned(), without_zero(version)))
        .collect()
}

fn offered(text: &str) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| line.contains('-') && !line.contains(' ')) {
        let version = without_zero(line);
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

fn without_zero(version: &str) -> String {
    version.trim().strip_prefix("0:").unwrap_or(version.trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_versions() {
        assert_eq!(
            installed("bash 0:5.1.8-9.el9\nvim 2:8.2-1\n"),
            [("bash".to_owned(), "5.1.8-9.el9".to_owned()), ("vim".to_owned(), "2:8.2-1".to_owned())]
        );
        assert_eq!(
            offered("0:1.20-1.el9\n\n0:1.20-1.el9\nLast metadata expiration check\n1:2-3\n"),
            ["1.20-1.el9", "1:2-3"]
        );
    }
}
