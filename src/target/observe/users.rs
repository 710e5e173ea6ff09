//! Users and groups with what belongs to them.

use crate::target::host::Host;
use crate::wire::{GroupEntry, Observation, Sealed, UserEntry};

/// A user by name, with supplementary groups and what shadow(5) says where it may be read.
pub fn user(host: &mut Host, name: &str) -> Observation {
    let Some(found) = host.names.user(name) else { return Observation::User(None) };
    let user = found.entry;
    let mut groups: Vec<String> = host
        .names
        .groups_of(name)
        .filter(|group| group.gid != user.gid)
        .map(|group| group.name.clone())
        .collect();
    groups.sort();
    groups.dedup();
    let shadow = host.names.shadow(name);
    let number = |at: usize| match &shadow {
        Ok(Some(fields)) => fields.get(at).and_then(|field| field.trim().parse::<i64>().ok()),
        _ => None,
    };
    let password = match &shadow {
        Ok(Some(fields)) => fields.get(1).map(Sealed::text),
        // no line of its own: the field in passwd counts, unless it only points to shadow
        _ => (user.password != "x").then(|| Sealed::text(&user.password)),
    };
    Observation::User(Some(UserEntry {
        uid: Some(user.uid),
        gid: Some(user.gid),
        group: host.names.group_name(user.gid),
        comment: user.comment,
        home: user.home,
        shell: user.shell,
        groups,
        password,
        expires: number(7).filter(|days| *days >= 0),
        password_days: matches!(shadow, Ok(Some(_))).then(|| (number(3), number(4), number(5))),
        local: found.local,
        name: user.name,
    }))
}

/// A group by name.
pub fn group(host: &Host, name: &str) -> Observation {
    Observation::Group(host.names.group(name).map(|found| GroupEntry {
        name: found.entry.name,
        gid: Some(found.entry.gid),
        members: found.entry.members,
        local: found.local,
    }))
}
