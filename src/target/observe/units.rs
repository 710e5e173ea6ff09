//! Units of the system manager, as `systemctl show` and `systemctl is-enabled` tell them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::target::cause;
use crate::target::command::{self, NotRun};
use crate::target::host::Host;
use crate::wire::{Command, CommandOutput, Observation, Query, UnitState};

/// Seconds that the manager has for an answer.
const TIMEOUT: u32 = 60;

type Key = (Option<String>, String);

/// Units that were asked for together and not handed out yet; changes and new programs make them stale.
#[derive(Debug, Default)]
pub struct Units {
    known: HashMap<Key, UnitState>,
}

impl Units {
    /// Drops what was asked ahead.
    pub fn forget(&mut self) {
        self.known.clear();
    }
}

/// A unit; with the others of the same manager that are asked for next.
pub fn unit<'a>(
    host: &mut Host,
    name: &str,
    user: Option<&str>,
    upcoming: impl Iterator<Item = &'a Query>,
) -> Observation {
    let key = (user.map(str::to_owned), name.to_owned());
    if let Some(state) = host.units.known.remove(&key) {
        return Observation::Unit(state);
    }
    if !is_plain(name) {
        return cause::unknowable(format!("`{name}` is not the name of a unit"));
    }
    let manager = match Manager::of(host, user) {
        Ok(manager) => manager,
        Err(message) => return cause::unknowable(message),
    };
    let mut names = vec![name];
    for query in upcoming {
        if let Query::Unit { name, user: other } = query
            && other.as_deref() == user
            && is_plain(name)
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    let states = match manager.states(&names) {
        Ok(states) => states,
        Err(_) if names.len() > 1 => match manager.states(&[name]) {
            Ok(states) => states,
            Err(message) => return cause::unknowable(message),
        },
        Err(message) => return cause::unknowable(message),
    };
    for (name, state) in names.iter().zip(states) {
        host.units.known.insert((key.0.clone(), (*name).to_owned()), state);
    }
    match host.units.known.remove(&key) {
        Some(state) => Observation::Unit(state),
        None => cause::unknowable(format!("systemctl did not show `{name}`")),
    }
}

/// Whether a name is one unit's, not a pattern or several. (`-.mount` is one: options end before the names.)
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['*', '?', '[', ' ', '\n', '\0'])
}

/// How one manager is reached.
struct Manager {
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Manager {
    fn of(host: &Host, user: Option<&str>) -> Result<Self, String> {
        if !Path::new("/run/systemd/system").is_dir() {
            return Err("this host does not run systemd: units cannot be asked for".to_owned());
        }
        let Some(name) = user else { return Ok(Self { options: Vec::new(), environment: Vec::new() }) };
        let found = host.names.user(name).ok_or_else(|| format!("there is no user `{name}`"))?;
        let uid = found.entry.uid;
        let options = if uid == host.uid {
            vec!["--user".to_owned()]
        } else {
            vec!["--user".to_owned(), format!("--machine={name}@.host")]
        };
        Ok(Self { options, environment: vec![("XDG_RUNTIME_DIR", format!("/run/user/{uid}"))] })
    }

    fn run(&self, arguments: &[&str], names: &[&str]) -> Result<CommandOutput, String> {
        let argv = ["systemctl", "--no-pager"]
            .into_iter()
            .chain(self.options.iter().map(String::as_str))
            .chain(arguments.iter().copied())
            .chain(["--"])
            .chain(names.iter().copied());
        let mut command = Command::argv(argv).env("LC_ALL", "C").env("SYSTEMD_COLORS", "0");
        for (name, value) in &self.environment {
            command = command.env(*name, value);
        }
        command.timeout = Some(TIMEOUT);
        let output = command::run(&command, None)
            .map_err(|NotRun { message, .. }| format!("systemctl cannot be run: {message}"))?;
        if output.timed_out {
            return Err(format!("systemctl did not answer within {TIMEOUT} seconds"));
        }
        Ok(output)
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, String> {
        let output = self.run(&["show"], names)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let blocks = parse_show(&text);
        if output.status != 0 || blocks.len() != names.len() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let said = stderr.lines().next().unwrap_or("no answer for each unit");
            return Err(format!("systemctl show failed: {said}"));
        }
        let with_file: Vec<&str> = names
            .iter()
            .zip(&blocks)
            .filter(|(_, properties)| may_have_file(properties))
            .map(|(name, _)| *name)
            .collect();
        let enabled = self.enabled(&with_file)?;
        let states = names.iter().zip(blocks).map(|(name, properties)| {
            let get = |key: &str| properties.get(key).cloned().unwrap_or_default();
            UnitState {
                load: get("LoadState"),
                active: get("ActiveState"),
                sub: get("SubState"),
                enabled: enabled.get(name).cloned().unwrap_or_default(),
                properties,
            }
        });
        Ok(states.collect())
    }

    /// What `is-enabled` says of each: from the disk, where `UnitFileState` may be older.
    fn enabled<'a>(&self, names: &[&'a str]) -> Result<HashMap<&'a str, String>, String> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let output = self.run(&["is-enabled"], names)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        if lines.len() == names.len() {
            let answers = names.iter().zip(lines).map(|(name, line)| (*name, enabled_word(line)));
            return Ok(answers.collect());
        }
        // one that has no file has no line either: each for itself then
        if let [name] = names {
            return Ok(HashMap::from([(*name, enabled_word(lines.last().copied().unwrap_or_default()))]));
        }
        let mut answers = HashMap::new();
        for name in names {
            answers.extend(self.enabled(&[name])?);
        }
        Ok(answers)
    }
}

/// Whether `is-enabled` can have something to say of a unit: mounts and devices that the kernel tells have no file.
fn may_have_file(properties: &BTreeMap<String, String>) -> bool {
    let is_empty = |key: &str| properties.get(key).is_some_and(String::is_empty);
    let load = properties.get("LoadState").map(String::as_str);
    let is_without = ["FragmentPath", "SourcePath", "UnitFileState"].into_iter().all(is_empty);
    load != Some("not-found") && !(load == Some("loaded") && is_without)
}

/// What newer versions say of a unit without a file is no state.
fn enabled_word(line: &str) -> String {
    if line == "not-found" { String::new() } else { line.to_owned() }
}

/// The blocks of `systemctl show`, one for each unit, separated by empty lines.
fn parse_show(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut blocks = Vec::new();
    let mut block: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines() {
        if line.is_empty() {
            if !block.is_empty() {
                blocks.push(std::mem::take(&mut block));
            }
            last = None;
            continue;
        }
        match line.split_once('=') {
            Some((key, value)) if is_property(key) => {
                // a property may come several times (`ExecStart`): each is a line of its value
                block
                    .entry(key.to_owned())
                    .and_modify(|known| {
                        known.push('\n');
                        known.push_str(value);
                    })
                    .or_insert_with(|| value.to_owned());
                last = Some(key.to_owned());
            }
            _ => {
                if let Some(known) = last.as_ref().and_then(|key| block.get_mut(key)) {
                    known.push('\n');
                    known.push_str(line);
                }
            }
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}

fn is_property(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase()) && key.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_units() {
        let text = "Id=a.service\nLoadState=loaded\nExecStart={ path=/bin/x ; argv[]=/bin/x a=b }\n\
                    ExecStart={ path=/bin/y }\nDescription=\n\nId=b.service\nLoadState=not-found\n";
        let blocks = parse_show(text);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0]["ExecStart"], "{ path=/bin/x ; argv[]=/bin/x a=b }\n{ path=/bin/y }");
        assert_eq!(blocks[0]["Description"], "");
        assert_eq!(blocks[1]["LoadState"], "not-found");
    }

    /// A manager whose `systemctl` is a script that also notes how often it is called.
    fn scripted(room: &Path, script: &str) -> Manager {
        use std::os::unix::fs::PermissionsExt;
        let path = room.join("systemctl");
        std::fs::write(&path, format!("#!/bin/sh\necho \"$*\" >> {}/calls\n{script}", room.display()))
            .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let search = format!("{}:/usr/bin:/bin", room.display());
        Manager { options: vec!["--user".to_owned()], environment: vec![("PATH", search)] }
    }

    #[test]
    fn several_units_take_two_calls() {
        let room = tempfile::tempdir().unwrap();
        let manager = scripted(
            room.path(),
            "case $3 in\n\
             show) printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\n\\nLoadState=not-found\\n\
             ActiveState=inactive\\n\\nLoadState=loaded\\nActiveState=failed\\n' ;;\n\
             is-enabled) printf 'enabled\\nstatic\\n'; exit 1 ;;\nesac\n",
        );
        let states = manager.states(&["a.service", "no.service", "b.service"]).unwrap();
        let told: Vec<_> =
            states.iter().map(|it| (it.load.as_str(), it.active.as_str(), it.enabled.as_str())).collect();
        assert_eq!(
            told,
            [("loaded", "active", "enabled"), ("not-found", "inactive", ""), ("loaded", "failed", "static")]
        );
        let calls = std::fs::read_to_string(room.path().join("calls")).unwrap();
        assert_eq!(
            calls,
            "--no-pager --user show -- a.service no.service b.service\n\
             --no-pager --user is-enabled -- a.service b.service\n"
        );
    }

    #[test]
    fn one_without_a_file_is_asked_for_alone() {
        let room = tempfile::tempdir().unwrap();
        let manager = scripted(
            room.path(),
            "shift 4\nfor unit; do case $unit in gone*) echo no >&2 ;; *) echo enabled ;; esac; done\n",
        );
        let answers = manager.enabled(&["a.service", "gone.service"]).unwrap();
        assert_eq!((answers["a.service"].as_str(), answers["gone.service"].as_str()), ("enabled", ""));
        let broken = tempfile::tempdir().unwrap();
        let manager = scripted(broken.path(), "echo 'Failed to connect to bus' >&2; exit 1\n");
        let message = manager.states(&["a.service"]).unwrap_err();
        assert_eq!(message, "systemctl show failed: Failed to connect to bus");
    }

    #[test]
    fn patterns_are_no_units() {
        assert!(
            is_plain("-.mount") && is_plain("getty@tty1.service") && is_plain("dev-disk-by\\x2dlabel.device")
        );
        assert!(!is_plain("*.service") && !is_plain("") && !is_plain("a b"));
    }
}
