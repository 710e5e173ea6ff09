//! Alpine's packages.

use super::{absent, ask};
use crate::wire::{PackageState, PackageStatus};

/// How a package stands.
///
/// # Errors
/// apk does not answer.
pub fn state(name: &str) -> Result<PackageState, String> {
    let (_, text) = ask(&["apk", "policy", name])?.ok_or("this host has no `apk`")?;
    Ok(parse(&text))
}

/// Reads `apk policy NAME`: versions, each followed by where it is from. Versions come oldest first.
fn parse(text: &str) -> PackageState {
    let mut state = absent();
    let mut version: Option<&str> = None;
    for line in text.lines().skip(1) {
        let word = line.trim();
        if let Some(found) = word.strip_suffix(':') {
            version = Some(found);
            continue;
        }
        let Some(version) = version else { continue };
        if word == "lib/apk/db/installed" || word == "usr/lib/apk/db/installed" {
            state.status = PackageStatus::Installed;
            state.version = Some(version.to_owned());
        } else if !state.available.iter().any(|known| known == version) {
            state.available.push(version.to_owned());
        }
    }
    state.candidate = state.available.last().or(state.version.as_ref()).cloned();
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read() {
        let text = "nginx policy:\n  1.24.0-r1:\n    lib/apk/db/installed\n  1.24.0-r2:\n    https://dl-cdn.alpinelinux.org/alpine/v3.19/main\n";
        let state = parse(text);
        assert_eq!(state.status, PackageStatus::Installed);
        assert_eq!(
            (state.version.as_deref(), state.candidate.as_deref()),
            (Some("1.24.0-r1"), Some("1.24.0-r2"))
        );
        assert_eq!(parse("").status, PackageStatus::Absent);
    }
}
