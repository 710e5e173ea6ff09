//! What apt would install: candidates and the versions that the repositories offer.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ask;

/// Files and directories that the answer of apt depends on.
const SOURCES: [&str; 6] = [
    "/var/lib/apt/lists",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/arch",
    "/etc/apt/preferences",
    "/etc/apt/sources.list",
    "/etc/apt/apt.conf",
];

/// Small directories whose files it depends on: one that is edited in place leaves its directory's time alone.
const SOURCES_INSIDE: [&str; 3] =
    ["/etc/apt/preferences.d", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"];

/// What apt says of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The version that an installation would bring.
    pub candidate: Option<String>,
    /// The versions that repositories offer, as apt orders them.
    pub available: Vec<String>,
}

/// When each of the sources was changed.
type Stamps = Vec<(i64, i64, u64)>;

/// Answers of apt, as long as nothing changes that they depend on.
#[derive(Debug, Default)]
pub struct Candidates {
    stamps: Stamps,
    known: HashMap<String, Option<Policy>>,
}

impl Candidates {
    /// What apt says of a package, `None` where it knows none of that name. Asks for the `upcoming` names as well:
    /// starting apt is what costs.
    ///
    /// # Errors
    /// apt does not answer.
    pub fn policy<'a>(
        &mut self,
        name: &str,
        upcoming: impl Iterator<Item = &'a str>,
    ) -> Result<Option<Policy>, String> {
        let stamps = stamps();
        if stamps != self.stamps {
            self.known.clear();
            self.stamps = stamps;
        }
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let mut names = vec![name];
        for other in upcoming {
            if !self.known.contains_key(other) && !names.contains(&other) {
                names.push(other);
            }
        }
        let mut argv = vec!["apt-cache", "policy", "--"];
        argv.extend(&names);
        let Some((_, text)) = ask(&argv)? else { return Ok(None) };
        let mut answers = parse(&text);
        for name in names {
            let plain = name.split_once(':').map_or(name, |(plain, _)| plain);
            let answer = answers.remove(name).or_else(|| answers.get(plain).cloned());
            self.known.insert(name.to_owned(), answer);
        }
        Ok(self.known.get(name).cloned().flatten())
    }
}

fn stamps() -> Stamps {
    let stamp = |path: &Path| {
        fs::metadata(path).map_or((0, 0, 0), |found| (found.mtime(), found.mtime_nsec(), found.size()))
    };
    let mut stamps: Stamps =
        SOURCES.iter().chain(&SOURCES_INSIDE).map(|source| stamp(Path::new(source))).collect();
    for directory in SOURCES_INSIDE {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut inside: Stamps = entries.map(|entry| stamp(&entry.path())).collect();
        inside.sort_unstable();
        stamps.extend(inside);
    }
    stamps
}

/// Reads `apt-cache policy`.
fn parse(text: &str) -> HashMap<String, Policy> {
    let mut answers: HashMap<String, Policy> = HashMap::new();
    let mut current = String::new();
    let mut version: Option<String> = None;
    for line in text.lines() {
        if !line.starts_with(' ') {
            line.trim_end().trim_end_matches(':').clone_into(&mut current);
            version = None;
            answers.insert(current.clone(), Policy::default());
            continue;
        }
        let Some(policy) = answers.get_mut(&current) else { continue };
        if let Some(candidate) = line.strip_prefix("  Candidate:") {
            policy.candidate = Some(candidate.trim().to_owned()).filter(|it| it != "(none)");
        } else if line.starts_with("     ") || line.starts_with(" *** ") {
            let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "***").collect();
            if line.starts_with("        ") {
                // a source of the version: its priority and place
                let from_repository = words.get(1).is_some_and(|place| *place != "/var/lib/dpkg/status");
                if from_repository && let Some(version) = version.take() {
                    policy.available.push(version);
                }
            } else {
                version = words.first().map(|word| (*word).to_owned());
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "nginx:
  Installed: (none)
  Candidate: 1.22.1-9+deb12u11
  Version table:
     1.22.1-9+deb12u11 500
        500 http://mirror.example/debian-security bookworm-security/main amd64 Packages
     1.22.1-9+deb12u9 500
        500 http://mirror.example/debian bookworm/main amd64 Packages
local:
  Installed: 1.0
  Candidate: 1.0
  Version table:
 *** 1.0 100
        100 /var/lib/dpkg/status
libc6:i386:
  Installed: 2.36
  Candidate: 2.36
  Version table:
 *** 2.36 500
        500 http://mirror.example/debian bookworm/main i386 Packages
        100 /var/lib/dpkg/status
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
";

    #[test]
    fn policies_are_read() {
        let answers = parse(TEXT);
        assert_eq!(answers["nginx"].candidate.as_deref(), Some("1.22.1-9+deb12u11"));
        assert_eq!(answers["nginx"].available, ["1.22.1-9+deb12u11", "1.22.1-9+deb12u9"]);
        assert_eq!(answers["local"], Policy { candidate: Some("1.0".to_owned()), available: Vec::new() });
        assert_eq!(answers["libc6:i386"].available, ["2.36"]);
        assert_eq!(answers["mail-transport-agent"], Policy::default());
        assert_eq!(answers.len(), 4);
    }

    #[test]
    fn one_call_answers_for_what_follows() {
        let mut candidates = Candidates::default();
        if !Path::new("/usr/bin/apt-cache").exists() {
            eprintln!("skipped: no apt-cache here");
            return;
        }
        let found = candidates.policy("dpkg", ["dpkg", "no-such-package-x", "tar"].into_iter()).unwrap();
        assert!(found.unwrap().candidate.is_some());
        assert_eq!(candidates.known.get("no-such-package-x"), Some(&None));
        assert!(candidates.known.contains_key("tar"));
    }
}
