//! Linux Standard Base: what `lsb_release -a` prints, where it is installed, else `/etc/lsb-release`.

use crate::base::{Key, Map, Value};
use crate::map;

use super::distribution::OsRelease;
use super::system::System;

/// The values of [`facts`], in Ansible's names.
type Fields = Vec<(&'static str, String)>;

/// `lsb`.
pub(super) fn facts(system: &System) -> Map {
    map! {"lsb" => finished(fields(system))}
}

/// `release`, `id`, `description`, `codename` as far as they are known.
pub(super) fn fields(system: &System) -> Fields {
    let file = || file_fields(&system.lines("/etc/lsb-release"));
    let Some(program) = system.program("lsb_release") else { return file() };
    let release = OsRelease::read(system);
    // Debian's program is a script (in Python, on older releases) over this file
    if matches!(release.get("id"), Some("debian" | "ubuntu")) {
        return debian_fields(&release);
    }
    let printed = match system.run(&program, &["-a"]) {
        Some(answer) if answer.status == 0 => printed_fields(&answer.text()),
        _ => Vec::new(),
    };
    if printed.is_empty() { file() } else { printed }
}

/// What Debian's `lsb_release -a` makes of os-release.
fn debian_fields(release: &OsRelease) -> Fields {
    let get = |name: &str| release.get(name).filter(|value| !value.is_empty()).unwrap_or("n/a").to_owned();
    let id = release.get("id").unwrap_or_default();
    let id = match release.get("name") {
        Some(name) if name.eq_ignore_ascii_case(id) => name.to_owned(),
        _ => id.get(..1).unwrap_or_default().to_uppercase() + id.get(1..).unwrap_or_default(),
    };
    vec![
        ("id", id),
        ("description", get("pretty_name")),
        ("release", get("version_id")),
        ("codename", get("version_codename")),
    ]
}

fn printed_fields(output: &str) -> Fields {
    let mut fields = Fields::new();
    for line in output.lines() {
        let Some((_, value)) = line.split_once(':') else { continue };
        let names = [
            ("LSB Version:", "release"),
            ("Distributor ID:", "id"),
            ("Description:", "description"),
            ("Release:", "release"),
            ("Codename:", "codename"),
        ];
        if let Some((_, name)) = names.iter().find(|(label, _)| line.contains(label)) {
            fields.retain(|(known, _)| known != name);
            fields.push((*name, value.trim().to_owned()));
        }
    }
    fields
}

fn file_fields(lines: &[String]) -> Fields {
    let names = [
        ("DISTRIB_ID", "id"),
        ("DISTRIB_RELEASE", "release"),
        ("DISTRIB_DESCRIPTION", "description"),
        ("DISTRIB_CODENAME", "codename"),
    ];
    lines
        .iter()
        .filter_map(|line| {
            let (_, value) = line.split_once('=')?;
            let (_, name) = names.iter().find(|(label, _)| line.contains(label))?;
            Some((*name, value.trim().to_owned()))
        })
        .collect()
}

fn finished(fields: Fields) -> Map {
    let strip = |text: &str| Value::str(text.trim_matches(['\'', '"', '\\']));
    let mut facts: Map = fields.iter().map(|(name, value)| (Key::str(name), strip(value))).collect();
    if let Some((_, release)) = fields.iter().find(|(name, _)| *name == "release") {
        facts.insert(Key::str("major_release"), strip(release.split('.').next().unwrap_or_default()));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_program_is_read_off_its_file() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
                    VERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(
            Value::map(finished(debian_fields(&OsRelease::parse(text)))).to_text(),
            "{'id': 'Debian', 'description': 'Debian GNU/Linux 12 (bookworm)', 'release': '12', \
             'codename': 'bookworm', 'major_release': '12'}"
        );
    }

    #[test]
    fn the_file_may_have_quotes() {
        let lines =
            ["DISTRIB_ID=Ubuntu", "DISTRIB_RELEASE=22.04", "DISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\""];
        assert_eq!(
            Value::map(finished(file_fields(&lines.map(str::to_owned)))).to_text(),
            "{'id': 'Ubuntu', 'release': '22.04', 'description': 'Ubuntu 22.04.3 LTS', 'major_release': '22'}"
        );
    }

    #[test]
    fn printed_lines_are_read_as_ansible_reads_them() {
        let output = "LSB Version:\t:core-4.1-amd64\nDistributor ID:\tCentOS\nDescription:\tCentOS Linux release 7.9\n\
                      Release:\t7.9.2009\nCodename:\tCore\n";
        let facts = finished(printed_fields(output));
        assert_eq!(facts.get("release").unwrap(), &Value::from("7.9.2009"));
        assert_eq!(facts.get("major_release").unwrap(), &Value::from("7"));
    }
}
