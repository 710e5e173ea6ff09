//! Users and groups, read from `/etc/passwd` and `/etc/group` without the C library.
//!
//! The C library's own look-ups load foreign modules into a static binary. Names that are not in the files (LDAP,
//! sssd, systemd) are asked from `getent`, and only where `nsswitch.conf` names more sources than files.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command;

/// A line of passwd(5); fields as there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwd {
    pub name: String,
    pub password: String,
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    pub shell: String,
}

/// A line of group(5); fields as there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// What was found, and whether it stands in the host's own files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The entry.
    pub entry: T,
    /// Whether it stands in the file, not in a directory service.
    pub local: bool,
}

/// When a file was changed last and which file it is.
type Stamp = Option<(i64, i64, u64, u64)>;

/// The users and groups of the host; files are read again when they have changed.
#[derive(Debug)]
pub struct Names {
    etc: PathBuf,
    passwd_stamp: Stamp,
    group_stamp: Stamp,
    users: Vec<Passwd>,
    groups: Vec<Group>,
    users_by_id: HashMap<u32, Option<String>>,
    groups_by_id: HashMap<u32, Option<String>>,
    ask_users: bool,
    ask_groups: bool,
}

impl Names {
    /// The users and groups that the files in `etc` (usually `/etc`) list.
    pub fn new(etc: impl Into<PathBuf>) -> Self {
        let etc = etc.into();
        let switch = fs::read_to_string(etc.join("nsswitch.conf")).unwrap_or_default();
        let mut names = Self {
            passwd_stamp: None,
            group_stamp: None,
            users: Vec::new(),
            groups: Vec::new(),
            users_by_id: HashMap::new(),
            groups_by_id: HashMap::new(),
            ask_users: has_more_than_files(&switch, "passwd"),
            ask_groups: has_more_than_files(&switch, "group"),
            etc,
        };
        names.refresh();
        names
    }

    /// Reads the files again if they have changed.
    pub fn refresh(&mut self) {
        let passwd = self.etc.join("passwd");
        let stamp = stamp(&passwd);
        if stamp.is_none() || stamp != self.passwd_stamp {
            self.users = read_lines(&passwd, parse_passwd);
            self.users_by_id.clear();
            self.passwd_stamp = stamp;
        }
        let group = self.etc.join("group");
        let stamp = self::stamp(&group);
        if stamp.is_none() || stamp != self.group_stamp {
            self.groups = read_lines(&group, parse_group);
            self.groups_by_id.clear();
            self.group_stamp = stamp;
        }
    }

    /// A user by name.
    pub fn user(&self, name: &str) -> Option<Found<Passwd>> {
        if let Some(entry) = self.users.iter().find(|user| user.name == name) {
            return Some(Found { entry: entry.clone(), local: true });
        }
        let line = self.ask_users.then(|| getent("passwd", name)).flatten()?;
        let entry = parse_passwd(&line).filter(|entry| entry.name == name)?;
        Some(Found { entry, local: false })
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<Found<Group>> {
        if let Some(entry) = self.groups.iter().find(|group| group.name == name) {
            return Some(Found { entry: entry.clone(), local: true });
        }
        let line = self.ask_groups.then(|| getent("group", name)).flatten()?;
        let entry = parse_group(&line).filter(|entry| entry.name == name)?;
        Some(Found { entry, local: false })
    }

    /// A user by number.
    pub fn user_by_id(&self, uid: u32) -> Option<Passwd> {
        self.users.iter().find(|user| user.uid == uid).cloned().or_else(|| {
            let line = self.ask_users.then(|| getent("passwd", &uid.to_string())).flatten()?;
            parse_passwd(&line).filter(|entry| entry.uid == uid)
        })
    }

    /// The name of a user's number.
    pub fn user_name(&mut self, uid: u32) -> Option<String> {
        if let Some(known) = self.users_by_id.get(&uid) {
            return known.clone();
        }
        let found = self.user_by_id(uid).map(|user| user.name);
        self.users_by_id.insert(uid, found.clone());
        found
    }

    /// The name of a group's number.
    pub fn group_name(&mut self, gid: u32) -> Option<String> {
        if let Some(known) = self.groups_by_id.get(&gid) {
            return known.clone();
        }
        let local = self.groups.iter().find(|group| group.gid == gid).map(|group| group.name.clone());
        let found = local.or_else(|| {
            let line = self.ask_groups.then(|| getent("group", &gid.to_string())).flatten()?;
            parse_group(&line).filter(|entry| entry.gid == gid).map(|entry| entry.name)
        });
        self.groups_by_id.insert(gid, found.clone());
        found
    }

    /// The groups of `/etc/group` that list a user as member.
    pub fn groups_of(&self, user: &str) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.members.iter().any(|member| member == user))
    }

    /// The user's line in shadow(5) by fields; an error where the file may not be read.
    pub fn shadow(&self, user: &str) -> std::io::Result<Option<Vec<String>>> {
        let text = String::from_utf8_lossy(&fs::read(self.etc.join("shadow"))?).into_owned();
        let line = text.lines().find(|line| line.split(':').next() == Some(user));
        Ok(line.map(|line| line.split(':').map(str::to_owned).collect()))
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.mtime(), metadata.mtime_nsec(), metadata.size(), metadata.ino()))
}

fn read_lines<T>(path: &Path, parse: fn(&str) -> Option<T>) -> Vec<T> {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().filter_map(parse).collect()
}

fn parse_passwd(line: &str) -> Option<Passwd> {
    let mut fields = line.trim_end().split(':').map(str::to_owned);
    Some(Passwd {
        name: fields.next().filter(|name| !name.is_empty() && !name.starts_with(['#', '+', '-']))?,
        password: fields.next()?,
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
        comment: fields.next().unwrap_or_default(),
        home: fields.next().unwrap_or_default(),
        shell: fields.next().unwrap_or_default(),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.trim_end().split(':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(['#', '+', '-']))?;
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields.next().unwrap_or_default();
    Some(Group {
        name: name.to_owned(),
        gid,
        members: members
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// Whether `nsswitch.conf` names a source besides files for a database.
fn has_more_than_files(switch: &str, database: &str) -> bool {
    switch
        .lines()
        .filter_map(|line| line.split('#').next()?.split_once(':'))
        .filter(|(name, _)| name.trim() == database)
        .flat_map(|(_, sources)| sources.split_whitespace())
        .any(|source| !source.starts_with('[') && source != "files" && !source.ends_with(']'))
}

fn getent(database: &str, key: &str) -> Option<String> {
    if key.is_empty() || key.starts_with('-') || key.contains([':', '\n', '\0']) {
        return None;
    }
    let output = command::quiet(&["getent", database, key], 10).ok()?;
    (output.status == 0).then(|| String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (tempfile::TempDir, Names) {
        let etc = tempfile::tempdir().unwrap();
        fs::write(
            etc.path().join("passwd"),
            "root:x:0:0:root:/root:/bin/bash\n# no\nweb:x:1001:33:Web,,,:/srv:/bin/sh\n",
        )
        .unwrap();
        fs::write(etc.path().join("group"), "root:x:0:\nwww:x:33:web, deploy\nadm:x:4:web\n").unwrap();
        fs::write(etc.path().join("shadow"), "web:$y$x:19000:0:99999:7::20000:\n").unwrap();
        let names = Names::new(etc.path());
        (etc, names)
    }

    #[test]
    fn names_and_numbers_both_ways() {
        let (etc, mut names) = names();
        assert_eq!(names.user_name(1001).as_deref(), Some("web"));
        assert_eq!(names.group_name(33).as_deref(), Some("www"));
        assert_eq!(names.user_name(4711), None);
        assert_eq!(names.user("web").unwrap().entry.home, "/srv");
        assert!(names.user("nobody-here").is_none());
        let groups: Vec<_> = names.groups_of("web").map(|group| group.name.clone()).collect();
        assert_eq!(groups, ["www", "adm"]);
        assert_eq!(names.shadow("web").unwrap().unwrap().get(7).map(String::as_str), Some("20000"));
        fs::write(etc.path().join("passwd"), "later:x:1001:33::/:/bin/sh\n").unwrap();
        names.refresh();
        assert_eq!(names.user_name(1001).as_deref(), Some("later"));
    }

    #[test]
    fn only_other_sources_are_asked() {
        assert!(!has_more_than_files("passwd: files\ngroup: sss\n", "passwd"));
        assert!(has_more_than_files("passwd:\tfiles systemd\n", "passwd"));
        assert!(has_more_than_files("group: files [SUCCESS=merge] sss # x\n", "group"));
        assert!(!has_more_than_files("", "passwd"));
    }
}
