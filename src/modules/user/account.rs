//! The account itself: what `useradd`, `usermod`, `userdel` and `chage` have to do.

use super::{LoginDefs, UpdatePassword, UserParams, entry_keys, key};
use crate::base::Value;
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::view::View;
use crate::modules::{run, words};
use crate::wire::{
    Action, Attributes, Change, Command, Effect, FileKind, Follow, GroupEntry, Query, Sealed, Stat, UserEntry,
};

/// The name of the variable that carries a secret to its command, so that no plan and no log shows it.
const SECRET: &str = "FLEET_SECRET";

/// A command of which one argument may be secret: it stands for `None`.
pub(super) fn command(view: &View<'_>, arguments: &[Option<String>], secret: Option<&str>) -> Command {
    let Some(secret) = secret else {
        return run::argv(view, arguments.iter().flatten().cloned());
    };
    let words: Vec<String> = arguments
        .iter()
        .map(|argument| argument.as_ref().map_or_else(|| format!("\"${SECRET}\""), |word| words::quote(word)))
        .collect();
    run::within(view, Command::shell(format!("exec {}", words.join(" "))).env(SECRET, secret))
}

fn push<S: Into<String>>(arguments: &mut Vec<Option<String>>, more: impl IntoIterator<Item = S>) {
    arguments.extend(more.into_iter().map(|word| Some(word.into())));
}

/// A group by name or number.
fn group(view: &View<'_>, name: &str) -> Result<GroupEntry, Halt> {
    let found = if name.parse::<u32>().is_ok() {
        let output = view.run(run::argv(view, ["getent", "group", name]).may_fail())?;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        match line.split(':').next().filter(|found| !found.is_empty()) {
            Some(found) => view.group(found)?,
            None => view.group(name)?,
        }
    } else {
        view.group(name)?
    };
    found.map_or_else(|| fail(format!("Group {name} does not exist")), Ok)
}

fn groups(view: &View<'_>, names: &[String]) -> Result<Vec<GroupEntry>, Halt> {
    view.want(names.iter().map(|name| Query::Group { name: name.clone() }));
    names.iter().map(|name| group(view, name)).collect()
}

/// The user is to be there.
pub(super) fn present(params: &UserParams, view: &View<'_>) -> Result<Plan, Halt> {
    let guess = params.home.as_ref().map_or_else(|| default_home(&params.name), |home| home.0.clone());
    let wanted = params.wanted_groups().unwrap_or_default();
    let named = wanted.iter().chain(&params.group).filter(|name| name.parse::<u32>().is_err());
    view.want([Query::User { name: params.name.clone() }, Query::Stat { path: guess, follow: Follow::Yes }]);
    view.want(named.map(|name| Query::Group { name: name.clone() }));
    match view.user(&params.name)? {
        None => add(params, view),
        Some(entry) => modify(params, view, entry),
    }
}

fn default_home(name: &str) -> String {
    if name == "root" { "/root".to_owned() } else { format!("/home/{name}") }
}

fn add(params: &UserParams, view: &View<'_>) -> Result<Plan, Halt> {
    let name = &params.name;
    let home = params.home.as_ref().map_or_else(|| default_home(name), |home| home.0.clone());
    view.want([
        Query::Group { name: name.clone() },
        Query::Content { path: "/etc/login.defs".to_owned(), limit: crate::modules::view::TEXT_LIMIT },
    ]);
    let defs = LoginDefs::read(view)?;
    let own = view.group(name)?;
    let primary = params.group.as_deref().map(|name| group(view, name)).transpose()?;
    let others = groups(view, &params.wanted_groups().unwrap_or_default())?;

    let mut arguments = Vec::new();
    push(&mut arguments, ["useradd"]);
    if let Some(uid) = params.uid {
        push(&mut arguments, ["-u".to_owned(), uid.to_string()]);
        if params.non_unique {
            push(&mut arguments, ["-o"]);
        }
    }
    if let Some(seuser) = &params.seuser {
        push(&mut arguments, ["-Z", seuser]);
    }
    match &params.group {
        Some(group) => push(&mut arguments, ["-g", group]),
        None if own.is_some() => push(&mut arguments, ["-N"]),
        None => {}
    }
    if !others.is_empty() {
        let names = params.wanted_groups().unwrap_or_default().join(",");
        push(&mut arguments, ["-G".to_owned(), names]);
    }
    if let Some(comment) = &params.comment {
        push(&mut arguments, ["-c", comment]);
    }
    if let Some(home) = &params.home {
        push(&mut arguments, ["-d", home]);
    }
    if let Some(shell) = &params.shell {
        push(&mut arguments, ["-s", shell]);
    }
    if let Some(date) = params.expires.map(expiry) {
        push(&mut arguments, ["-e".to_owned(), date.text]);
    }
    if let Some(days) = params.password_expire_account_disable {
        push(&mut arguments, ["-f".to_owned(), days.to_string()]);
    }
    let hash = params.password.as_ref().map(|hash| locked(params, hash));
    if hash.is_some() {
        push(&mut arguments, ["-p"]);
        arguments.push(None);
    }
    if params.create_home {
        push(&mut arguments, ["-m"]);
        if let Some(skeleton) = &params.skeleton {
            push(&mut arguments, ["-k", skeleton]);
        }
        if let Some(umask) = &params.umask {
            push(&mut arguments, ["-K".to_owned(), format!("UMASK={umask}")]);
        }
    } else {
        push(&mut arguments, ["-M"]);
    }
    if params.system {
        push(&mut arguments, ["-r"]);
    }
    for (limit, value) in [("UID_MIN", params.uid_min), ("UID_MAX", params.uid_max)] {
        push(
            &mut arguments,
            value.into_iter().flat_map(|value| ["-K".to_owned(), format!("{limit}={value}")]),
        );
    }
    push(&mut arguments, [name.as_str()]);

    let subject = format!("user {name}");
    let mut plan = Plan::nothing(format!("add user {name}"))
        .diff(Diff::attribute(&subject, "state", "absent", "present"));
    if params.create_home && params.home.is_some() {
        plan = parents(view, plan, &home)?;
    }
    let makes_group = params.group.is_none() && own.is_none() && defs.own_groups();
    let days = (defs.number("PASS_MIN_DAYS"), defs.number("PASS_MAX_DAYS"), defs.number("PASS_WARN_AGE"));
    let mut names: Vec<String> = others.iter().map(|group| group.name.clone()).collect();
    names.sort();
    let entry = UserEntry {
        name: name.clone(),
        uid: params.uid,
        gid: primary.as_ref().and_then(|group| group.gid),
        group: primary.map(|group| group.name).or_else(|| makes_group.then(|| name.clone())),
        comment: params.comment.clone().unwrap_or_default(),
        home: home.clone(),
        shell: params.shell.as_ref().map_or_else(|| "/bin/sh".to_owned(), |shell| shell.0.clone()),
        groups: names,
        password: Some(hash.clone().map_or_else(|| Sealed::text("!"), Sealed::text)),
        expires: params.expires.and_then(|at| expiry(at).day),
        password_days: Some(days),
        local: true,
    };
    for (name, value) in [
        ("uid", params.uid.map(|uid| uid.to_string())),
        ("group", entry.group.clone()),
        ("groups", (!entry.groups.is_empty()).then(|| entry.groups.join(","))),
        ("comment", params.comment.clone()),
        ("home", Some(home.clone())),
        ("shell", params.shell.as_ref().map(|shell| shell.0.clone())),
    ] {
        plan.diffs.extend(value.map(|value| Diff::attribute(&subject, name, "", value)));
    }
    let mut change = Change::new(Action::Run(command(view, &arguments, hash.as_deref())))
        .effect(Effect::User(name.clone(), Some(entry.clone())));
    if makes_group {
        let made = GroupEntry { name: name.clone(), gid: None, members: Vec::new(), local: true };
        change = change.effect(Effect::Group(name.clone(), Some(made)));
    }
    change = members(change, others, name);
    if params.create_home && view.stat(&home, Follow::Yes)?.is_none() {
        change = change.effect(Effect::Path(home.clone(), Some(directory(&entry, defs.home_mode()))));
    }
    let mut plan = plan.change(change).with("system", params.system).with("create_home", params.create_home);
    if let Some(groups) = params.wanted_groups() {
        plan = plan.with("groups", groups.join(","));
    }
    plan.result.extend(entry_keys(&entry));
    let plan = key::plan(params, view, plan, &entry)?;
    Ok(age(params, view, plan, &entry))
}

/// Makes the directories above a home directory that are not there.
fn parents(view: &View<'_>, mut plan: Plan, home: &str) -> Result<Plan, Halt> {
    let mut missing = Vec::new();
    let mut above = home.trim_end_matches('/');
    while let Some((parent, _)) = above.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        if view.stat(parent, Follow::Yes)?.is_some() {
            break;
        }
        missing.push(parent.to_owned());
        above = parent;
    }
    for path in missing.into_iter().rev() {
        plan = plan.change(Change::new(Action::MakeDirectory { path, attributes: Attributes::default() }));
    }
    Ok(plan)
}

fn members(mut change: Change, groups: Vec<GroupEntry>, user: &str) -> Change {
    for mut group in groups {
        if !group.members.iter().any(|member| member == user) {
            group.members.push(user.to_owned());
            change = change.effect(Effect::Group(group.name.clone(), Some(group)));
        }
    }
    change
}

fn modify(params: &UserParams, view: &View<'_>, entry: UserEntry) -> Result<Plan, Halt> {
    let name = &params.name;
    let subject = format!("user {name}");
    let mut after = entry.clone();
    let mut diffs = Vec::new();
    let mut arguments = Vec::new();
    push(&mut arguments, ["usermod"]);
    if let Some(uid) = params.uid.filter(|uid| entry.uid != Some(*uid)) {
        push(&mut arguments, ["-u".to_owned(), uid.to_string()]);
        if params.non_unique {
            push(&mut arguments, ["-o"]);
        }
        diffs.push(Diff::attribute(&subject, "uid", text(entry.uid), uid));
        after.uid = Some(uid);
    }
    if let Some(wanted) = params.group.as_deref().map(|name| group(view, name)).transpose()? {
        let same = match (wanted.gid, entry.gid) {
            (Some(wanted), Some(is)) => wanted == is,
            _ => entry.group.as_deref() == Some(wanted.name.as_str()),
        };
        if !same {
            let number = wanted.gid.map_or_else(|| wanted.name.clone(), |gid| gid.to_string());
            push(&mut arguments, ["-g".to_owned(), number]);
            diffs.push(Diff::attribute(
                &subject,
                "group",
                entry.group.clone().unwrap_or_default(),
                &wanted.name,
            ));
            (after.gid, after.group) = (wanted.gid, Some(wanted.name));
        }
    }
    let mut joined = Vec::new();
    if let Some(names) = params.wanted_groups() {
        let wanted = groups(view, &names)?;
        let lacking = wanted.iter().any(|group| !entry.groups.contains(&group.name));
        let surplus = entry.groups.iter().any(|is| !wanted.iter().any(|group| &group.name == is));
        if lacking || (surplus && !params.append) {
            let mut names: Vec<String> = wanted.iter().map(|group| group.name.clone()).collect();
            if params.append {
                push(&mut arguments, ["-a"]);
            }
            push(&mut arguments, ["-G".to_owned(), names.join(",")]);
            if params.append {
                names.extend(entry.groups.iter().cloned());
            }
            names.sort();
            names.dedup();
            diffs.push(Diff::attribute(&subject, "groups", entry.groups.join(","), names.join(",")));
            after.groups = names;
            joined = wanted;
        }
    }
    for (flag, attribute, wanted, is) in [
        ("-c", "comment", params.comment.as_ref(), &mut after.comment),
        ("-d", "home", params.home.as_ref().map(|home| &home.0), &mut after.home),
        ("-s", "shell", params.shell.as_ref().map(|shell| &shell.0), &mut after.shell),
    ] {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
            push(&mut arguments, [flag, wanted]);
            if attribute == "home" && params.move_home {
                push(&mut arguments, ["-m"]);
            }
            diffs.push(Diff::attribute(&subject, attribute, &*is, wanted));
            is.clone_from(wanted);
        }
    }
    if let Some(wanted) = params.expires.map(expiry).filter(|wanted| wanted.day != entry.expires) {
        push(&mut arguments, ["-e".to_owned(), wanted.text.clone()]);
        let is = entry.expires.map_or_else(String::new, day);
        diffs.push(Diff::attribute(&subject, "expires", is, &wanted.text));
        after.expires = wanted.day;
    }
    if let Some(days) = params.password_expire_account_disable {
        // as the original: it is set every time
        push(&mut arguments, ["-f".to_owned(), days.to_string()]);
    }
    let secret = password(params, &subject, &mut after, &mut arguments, &mut diffs);
    let moved = after.home != entry.home && params.move_home;

    let mut plan = Plan::default().with("append", params.append).with("move_home", params.move_home);
    plan.diffs = diffs;
    if arguments.len() > 1 {
        push(&mut arguments, [name.as_str()]);
        let mut change = Change::new(Action::Run(command(view, &arguments, secret.as_deref())))
            .effect(Effect::User(name.clone(), Some(after.clone())));
        change = members(change, joined, name);
        if moved && view.stat(&entry.home, Follow::No)?.is_some() {
            let stat = directory(&after, 0o755);
            change = change
                .effect(Effect::Path(entry.home.clone(), None))
                .effect(Effect::Path(after.home.clone(), Some(stat)));
        }
        plan = plan.change(change);
    }
    if let Some(groups) = params.wanted_groups() {
        plan = plan.with("groups", groups.join(","));
    }
    plan.result.extend(entry_keys(&after));
    if params.create_home && !moved && view.stat(&after.home, Follow::Yes)?.is_none() {
        plan = make_home(params, view, plan, &after)?;
    }
    let plan = key::plan(params, view, plan, &after)?;
    let mut plan = age(params, view, plan, &after);
    plan.summary = if plan.changes.is_empty() {
        format!("already present, uid {}", text(entry.uid))
    } else {
        format!("change user {name}")
    };
    Ok(plan)
}

fn text(number: Option<u32>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// Locks, unlocks or sets the password; gives the secret argument.
fn password(
    params: &UserParams,
    subject: &str,
    after: &mut UserEntry,
    arguments: &mut Vec<Option<String>>,
    diffs: &mut Vec<Diff>,
) -> Option<String> {
    let is = after.password.as_ref().map_or_else(String::new, |hash| hash.open().to_owned());
    if let Some(hash) = &params.password
        && params.update_password == UpdatePassword::Always
        && is.trim_start_matches('!') != hash.trim_start_matches('!')
    {
        push(arguments, ["-p"]);
        arguments.push(None);
        diffs.push(Diff::attribute(subject, "password", "(hidden)", "(hidden, another)"));
        let hash = locked(params, hash);
        after.password = Some(Sealed::text(&hash));
        return Some(hash);
    }
    match params.password_lock {
        Some(true) if !is.starts_with('!') => {
            push(arguments, ["-L"]);
            diffs.push(Diff::attribute(subject, "password", "unlocked", "locked"));
            after.password = Some(Sealed::text(format!("!{is}")));
        }
        Some(false) if is.starts_with('!') => {
            push(arguments, ["-U"]);
            diffs.push(Diff::attribute(subject, "password", "locked", "unlocked"));
            after.password = Some(Sealed::text(is.strip_prefix('!').unwrap_or_default()));
        }
        _ => {}
    }
    None
}

fn locked(params: &UserParams, hash: &str) -> String {
    if params.password_lock == Some(true) { format!("!{hash}") } else { hash.to_owned() }
}

/// When an account expires: as `usermod -e` takes it, and as shadow(5) keeps it.
struct Expiry {
    text: String,
    day: Option<i64>,
}

fn expiry(seconds: f64) -> Expiry {
    if seconds < 0.0 {
        return Expiry { text: String::new(), day: None };
    }
    let number = (seconds / 86_400.0).floor() as i64;
    Expiry { text: day(number), day: Some(number) }
}

fn day(number: i64) -> String {
    let time = jiff::Timestamp::from_second(number.saturating_mul(86_400));
    time.map_or_else(|_| number.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// The ages of the password.
fn age(params: &UserParams, view: &View<'_>, mut plan: Plan, entry: &UserEntry) -> Plan {
    let Some((least, most, warn)) = entry.password_days else { return plan };
    let mut arguments = vec!["chage".to_owned()];
    let mut after = (least, most, warn);
    for (flag, name, wanted, is) in [
        ("-m", "password_expire_min", params.password_expire_min, &mut after.0),
        ("-M", "password_expire_max", params.password_expire_max, &mut after.1),
        ("-W", "password_expire_warn", params.password_expire_warn, &mut after.2),
    ] {
        if let Some(wanted) = wanted.filter(|wanted| *is != Some(*wanted)) {
            arguments.extend([flag.to_owned(), wanted.to_string()]);
            let before = is.map_or_else(String::new, |days| days.to_string());
            plan.diffs.push(Diff::attribute(format!("user {}", params.name), name, before, wanted));
            *is = Some(wanted);
        }
    }
    if arguments.len() == 1 {
        return plan;
    }
    arguments.push(params.name.clone());
    let after = UserEntry { password_days: Some(after), ..entry.clone() };
    plan.change(
        Change::new(Action::Run(run::argv(view, arguments)))
            .effect(Effect::User(params.name.clone(), Some(after))),
    )
}

/// Makes the home directory of a user that has none, as `useradd -m` would have.
fn make_home(params: &UserParams, view: &View<'_>, plan: Plan, entry: &UserEntry) -> Result<Plan, Halt> {
    let home = &entry.home;
    let plan = parents(view, plan, home)?;
    let mode = LoginDefs::read(view)?.home_mode();
    let mode = match params.umask.as_deref().map(|mask| u32::from_str_radix(mask, 8)) {
        Some(Ok(mask)) => 0o777 & !mask,
        _ => mode,
    };
    let (path, skeleton) =
        (words::quote(home), words::quote(params.skeleton.as_deref().unwrap_or("/etc/skel")));
    let owner = words::quote(&format!("{}:{}", params.name, text(entry.gid)));
    let script = format!(
        "mkdir -p -- {path} && {{ [ ! -d {skeleton} ] || cp -RP {skeleton}/. {path}/; }} \
         && chmod {mode:04o} -- {path} && chown -hR {owner} -- {path}"
    );
    let effect = Effect::Path(home.clone(), Some(directory(entry, mode)));
    let change = Change::new(Action::Run(run::within(view, Command::shell(script)))).effect(effect);
    Ok(plan.change(change).diff(Diff::attribute(home, "state", "absent", "directory")))
}

/// A new directory of a user's.
pub(super) fn directory(entry: &UserEntry, mode: u32) -> Stat {
    Stat {
        uid: entry.uid.unwrap_or_default(),
        gid: entry.gid.unwrap_or_default(),
        group: entry.group.clone(),
        size: 4096,
        links: 2,
        ..Stat::predicted(FileKind::Directory, mode, &entry.name)
    }
}

/// The user is not to be there.
pub(super) fn absent(params: &UserParams, view: &View<'_>) -> Result<Plan, Halt> {
    let name = &params.name;
    view.want([Query::User { name: name.clone() }, Query::Group { name: name.clone() }]);
    let Some(entry) = view.user(name)? else {
        return Ok(Plan::nothing("already absent"));
    };
    let mut arguments = vec!["userdel"];
    arguments.extend(params.force.then_some("-f"));
    arguments.extend(params.remove.then_some("-r"));
    arguments.push(name);
    let mut change = Change::new(Action::Run(run::argv(view, arguments)));
    change = change.effect(Effect::User(name.clone(), None));
    // userdel takes the user's own group along where nobody else is in it
    if let Some(own) = view.group(name)?
        && own.gid == entry.gid
        && own.members.iter().all(|member| member == name)
    {
        change = change.effect(Effect::Group(name.clone(), None));
    }
    let mut plan = Plan::nothing(format!("remove user {name}")).diff(Diff::attribute(
        format!("user {name}"),
        "state",
        "present",
        "absent",
    ));
    if params.remove && !entry.home.is_empty() {
        plan = plan.diff(Diff::attribute(&entry.home, "state", "directory", "absent"));
        change = change.effect(Effect::Path(entry.home, None));
    }
    Ok(plan.change(change).with("force", params.force).with("remove", Value::Bool(params.remove)))
}
