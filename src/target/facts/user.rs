//! The user that the target runs as, and the environment.

use crate::base::{Key, Map, Value};
use crate::map;

use super::system::System;

/// The facts of Ansible's `user` collector. `effective_group_id` is the real one, as there.
pub(super) fn facts(system: &System) -> Map {
    use rustix::process::{geteuid, getgid, getuid};
    let uid = getuid().as_raw();
    let gid = getgid().as_raw();
    // as Python's `getpass.getuser`
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let passwd = system.text("/etc/passwd").unwrap_or_default();
    let entry = named
        .as_deref()
        .and_then(|name| find(&passwd, name, 0))
        .or_else(|| find(&passwd, &uid.to_string(), 2))
        .or_else(|| ask_getent(system, uid));
    let mut facts = Map::new();
    if let Some(name) = named.or_else(|| Some(entry.as_ref()?.name.clone())) {
        facts.insert(Key::str("user_id"), Value::from(name));
    }
    if let Some(Entry { name: _, uid, gid, gecos, directory, shell }) = entry {
        facts.extend(map! {
            "user_uid" => uid,
            "user_gid" => gid,
            "user_gecos" => gecos,
            "user_dir" => directory,
            "user_shell" => shell,
        });
    }
    facts.extend(map! {
        "real_user_id" => uid,
        "effective_user_id" => geteuid().as_raw(),
        "real_group_id" => gid,
        "effective_group_id" => gid,
    });
    facts
}

/// `env`.
pub(super) fn environment_facts() -> Map {
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    variables.sort();
    let variables: Map =
        variables.into_iter().map(|(name, value)| (Key::from(name), Value::from(value))).collect();
    map! {"env" => variables}
}

/// A line of passwd(5).
#[derive(Debug, PartialEq)]
struct Entry {
    name: String,
    uid: u32,
    gid: u32,
    gecos: String,
    directory: String,
    shell: String,
}

/// The first entry whose field has that value.
fn find(passwd: &str, value: &str, field: usize) -> Option<Entry> {
    passwd.lines().filter(|line| line.split(':').nth(field) == Some(value)).find_map(entry)
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.split(':');
    let mut next = || fields.next().map(str::to_owned);
    let (name, _, uid, gid) = (next()?, next()?, next()?, next()?);
    Some(Entry {
        name,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        gecos: next()?,
        directory: next()?,
        shell: next().unwrap_or_default(),
    })
}

/// Users that are not in the file (LDAP, sssd).
fn ask_getent(system: &System, uid: u32) -> Option<Entry> {
    let answer = system.run(&system.program("getent")?, &["passwd", &uid.to_string()])?;
    entry(answer.text().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_name_and_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nweb:x:33:34:Web,,,:/var/www:\n";
        assert_eq!(find(passwd, "0", 2).unwrap().name, "root");
        let web = find(passwd, "web", 0).unwrap();
        assert_eq!((web.uid, web.gid, web.gecos.as_str(), web.shell.as_str()), (33, 34, "Web,,,", ""));
        assert_eq!(find(passwd, "none", 0), None);
    }
}
