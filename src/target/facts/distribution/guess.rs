//! The first guess: os-release, the LSB fields and the release file with the distribution's name, weighed as the
//! Python package `distro` does, which Ansible bundles.

use regex::Regex;

use crate::target::facts::lsb;
use crate::target::facts::system::System;
use crate::target::facts::words::shell_words;

use super::Distribution;

/// The assignments of os-release(5), names in lower case.
#[derive(Debug, Default)]
pub(in super::super) struct OsRelease(Vec<(String, String)>);

impl OsRelease {
    /// `/etc/os-release`, else `/usr/lib/os-release`.
    pub(in super::super) fn read(system: &System) -> Self {
        let text = system.text("/etc/os-release").or_else(|| system.text("/usr/lib/os-release"));
        Self::parse(&text.unwrap_or_default())
    }

    pub(in super::super) fn parse(text: &str) -> Self {
        let assignment = |word: String| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_lowercase(), value.to_owned()))
        };
        Self(shell_words(text).into_iter().filter_map(assignment).collect())
    }

    /// The last value of a name.
    pub(in super::super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn codename(&self) -> Option<String> {
        let given = self.get("version_codename").or_else(|| self.get("ubuntu_codename"));
        given.map(str::to_owned).or_else(|| {
            let found = Regex::new(r"\(([^0-9]+)\)|,\s*([^0-9]+)").ok()?.captures(self.get("version")?)?;
            found.get(1).or_else(|| found.get(2)).map(|part| part.as_str().to_owned())
        })
    }
}

/// What a release file says in its one line: `Fedora release 39 (Thirty Nine)`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ReleaseLine {
    id: String,
    version: String,
    codename: String,
}

/// The distribution before the release files are looked at one by one.
pub(super) fn guess(system: &System) -> Distribution {
    let release = OsRelease::read(system);
    let lsb = lsb::fields(system);
    let lsb_field = |name: &str| {
        lsb.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim_matches(['"', '\'']))
    };
    let line = release_line(system);

    let id = id(&release, lsb_field("id"), &line);
    let version = {
        let mut candidates = vec![
            release.get("version_id").unwrap_or_default().to_owned(),
            lsb_field("release").to_owned(),
            line.version.clone(),
            parse_line(release.get("pretty_name").unwrap_or_default()).version,
            parse_line(lsb_field("description")).version,
        ];
        if id == "debian"
            || release.get("id_like").unwrap_or_default().split_whitespace().any(|id| id == "debian")
        {
            let text = system.text("/etc/debian_version").unwrap_or_default();
            candidates.push(text.lines().next().unwrap_or_default().to_owned());
        }
        version(&id, &candidates)
    };
    let codename = release
        .get("version_codename")
        .or_else(|| release.get("ubuntu_codename"))
        .map(str::to_owned)
        .or_else(|| {
            (id == "ubuntu" && !lsb_field("codename").is_empty()).then(|| lsb_field("codename").to_owned())
        })
        .or_else(|| {
            let known = release.codename();
            known.or_else(|| Some(lsb_field("codename").to_owned())).filter(|name| !name.is_empty())
        })
        .or_else(|| Some(line.codename.clone()).filter(|name| !name.is_empty()));

    let version = if version.is_empty() { "NA".to_owned() } else { version };
    let major = version.split('.').next().filter(|part| !part.is_empty()).unwrap_or("NA").to_owned();
    Distribution {
        name: capitalised(&id),
        major_version: major,
        version,
        release: codename.unwrap_or_else(|| "NA".to_owned()),
        ..Distribution::default()
    }
}

/// The identifier, in lower case, with Ansible's few other names for it.
fn id(release: &OsRelease, lsb_id: &str, line: &ReleaseLine) -> String {
    let normal = |id: &str| id.to_lowercase().replace(' ', "_");
    let nonempty = |id: String| (!id.is_empty()).then_some(id);
    let other = |id: String, names: &[(&str, &str)]| {
        names.iter().find(|(from, _)| *from == id).map_or(id, |(_, to)| (*to).to_owned())
    };
    let from_release = || nonempty(normal(release.get("id").unwrap_or_default()));
    let from_lsb = || nonempty(normal(lsb_id));
    let from_line = || nonempty(normal(&line.id));
    from_release()
        .map(|id| other(id, &[("ol", "oracle"), ("opensuse-leap", "opensuse")]))
        .or_else(|| {
            let names = [
                ("enterpriseenterpriseas", "oracle"),
                ("enterpriseenterpriseserver", "oracle"),
                ("redhatenterpriseworkstation", "rhel"),
                ("redhatenterpriseserver", "rhel"),
                ("redhatenterprisecomputenode", "rhel"),
            ];
            from_lsb().map(|id| other(id, &names))
        })
        .or_else(|| from_line().map(|id| other(id, &[("redhat", "rhel")])))
        .unwrap_or_default()
}

/// The first version that is known; for Debian and CentOS, whose os-release has no minor version, the most
/// precise one.
fn version(id: &str, candidates: &[String]) -> String {
    if id != "debian" && id != "centos" {
        return candidates.iter().find(|version| !version.is_empty()).cloned().unwrap_or_default();
    }
    let dots = |text: &str| text.matches('.').count();
    let best = candidates
        .iter()
        .fold("", |best, next| if best.is_empty() || dots(next) > dots(best) { next.as_str() } else { best });
    if id == "centos" { best.split('.').take(2).collect::<Vec<_>>().join(".") } else { best.to_owned() }
}

/// The distribution's name as Ansible writes an identifier.
fn capitalised(id: &str) -> String {
    let mut characters = id.chars();
    let name = characters.next().map(|first| first.to_uppercase().chain(characters).collect::<String>());
    match name.as_deref() {
        None => "OtherLinux".to_owned(),
        Some("Amzn") => "Amazon".to_owned(),
        Some("Rhel") => "Redhat".to_owned(),
        Some(name) => name.to_owned(),
    }
}

/// The first `/etc/*-release` or `*_version` file with a name in it.
fn release_line(system: &System) -> ReleaseLine {
    const IGNORED: &[&str] = &[
        "debian_version",
        "lsb-release",
        "oem-release",
        "os-release",
        "system-release",
        "plesk-release",
        "iredmail-release",
        "board-release",
        "ec2_version",
    ];
    let stem = |name: &str| {
        let end = [("-release"), ("_release"), ("-version"), ("_version")]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))?;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        (!end.is_empty() && end.chars().all(word)).then(|| end.to_owned())
    };
    system
        .names("/etc")
        .iter()
        .filter(|name| !IGNORED.contains(&name.as_str()))
        .find_map(|name| {
            let id = stem(name)?;
            let text = system.text(format!("/etc/{name}"))?;
            let first = text.lines().next()?;
            let line = parse_line(first);
            let id = if first.to_lowercase().contains("cloudlinux") { "cloudlinux".to_owned() } else { id };
            Some(ReleaseLine { id, ..line })
        })
        .unwrap_or_default()
}

/// Version and code name of a line such as `CentOS Linux release 7.9.2009 (Core)`; read backwards, since the
/// name may hold anything.
fn parse_line(line: &str) -> ReleaseLine {
    const PATTERN: &str = r"^(?:[^)]*\)(.*)\()? *(?:STL )?([0-9.+\-a-z]*[0-9]) *(?:esaeler *)?(.+)";
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    let backwards = reversed(line.trim());
    let captures = Regex::new(PATTERN).ok().and_then(|pattern| pattern.captures(&backwards));
    let part = |group: usize| {
        captures
            .as_ref()
            .and_then(|found| found.get(group))
            .map(|part| reversed(part.as_str()))
            .unwrap_or_default()
    };
    ReleaseLine { id: String::new(), version: part(2), codename: part(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_lines_are_read() {
        let line = |text: &str| {
            let ReleaseLine { id: _, version, codename } = parse_line(text);
            (version, codename)
        };
        let pair = |version: &str, codename: &str| (version.to_owned(), codename.to_owned());
        assert_eq!(line("CentOS Linux release 7.9.2009 (Core)"), pair("7.9.2009", "Core"));
        assert_eq!(line("Fedora release 39 (Thirty Nine)"), pair("39", "Thirty Nine"));
        assert_eq!(line("Ubuntu 22.04.3 LTS"), pair("22.04.3", ""));
        assert_eq!(line("Debian GNU/Linux trixie/sid"), pair("", ""));
    }

    #[test]
    fn the_most_precise_version_wins_for_debian() {
        let candidates = ["12", "12", "", "12", "12", "12.11"].map(str::to_owned);
        assert_eq!(version("debian", &candidates), "12.11");
        assert_eq!(version("ubuntu", &candidates), "12");
        assert_eq!(version("centos", &["7".to_owned(), "7.9.2009".to_owned()]), "7.9");
        assert_eq!(version("arch", &[String::new()]), "");
    }
}
