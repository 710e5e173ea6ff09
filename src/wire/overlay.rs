//! What planned changes would do to observations: the overlay that check mode and look-ahead read through.
//!
//! `apply` is each action's pure prediction. `answer` says what a query would give after the changes: known,
//! unknown, or "ask the host this" (the same query, or the one that it comes to when links made by the plan are
//! followed).

use std::collections::{BTreeMap, HashMap};

use super::action::{Action, Attributes, Bytes, Change, Effect, Owner};
use super::observation::{
    Content, Digest, Entry, GroupEntry, Observation, PackageState, PackageStatus, Stat, UnitState, UserEntry,
};
use super::query::{Algorithm, FileKind, Follow, Query};

/// How a query stands with the overlay.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlaid {
    /// The plan decides the answer.
    Known(Observation),
    /// The plan makes it unknowable before it has run.
    Unknown,
    /// The plan does not touch it: the host's answer to this query is the answer.
    Ask(Query),
}

/// The predicted state of one path.
#[derive(Clone, Debug, PartialEq)]
enum PathState {
    Absent,
    Present { stat: Box<Stat>, inside: Inside },
}

/// What is known of what a path holds.
#[derive(Clone, Debug, PartialEq)]
enum Inside {
    /// As it is on the host.
    AsObserved,
    /// These bytes.
    Bytes(Bytes),
    /// A directory that the plan makes: only what the plan puts there is in it.
    Fresh,
    /// Cannot be known.
    Unknown,
}

/// Predictions that lie over the observations of one machine.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    paths: BTreeMap<String, PathState>,
    users: HashMap<String, Option<UserEntry>>,
    groups: HashMap<String, Option<GroupEntry>>,
    packages: HashMap<String, PackageState>,
    units: HashMap<String, UnitState>,
    answers: HashMap<Query, Option<Observation>>,
}

/// How prediction looks up what is known of the host below the overlay.
pub type Observed<'a> = &'a dyn Fn(&Query) -> Option<Observation>;

impl Overlay {
    /// Whether nothing is predicted.
    pub fn is_empty(&self) -> bool {
        let Self { paths, users, groups, packages, units, answers } = self;
        paths.is_empty()
            && users.is_empty()
            && groups.is_empty()
            && packages.is_empty()
            && units.is_empty()
            && answers.is_empty()
    }

    /// What a query would give after the planned changes.
    pub fn answer(&self, query: &Query, observed: Observed<'_>) -> Overlaid {
        if self.is_empty() {
            return Overlaid::Ask(query.clone());
        }
        if let Some(answer) = self.answers.get(query) {
            return answer.clone().map_or(Overlaid::Unknown, Overlaid::Known);
        }
        let led = self.led_elsewhere(query, observed);
        let query = led.as_ref().unwrap_or(query);
        let known =
            |found: Option<Observation>| found.map_or_else(|| Overlaid::Ask(query.clone()), Overlaid::Known);
        match query {
            Query::User { name } => known(self.users.get(name).cloned().map(Observation::User)),
            Query::Group { name } => known(self.groups.get(name).cloned().map(Observation::Group)),
            Query::Package { name } => known(self.packages.get(name).cloned().map(Observation::Package)),
            Query::Unit { name, user: None } => match self.units.get(name) {
                Some(state) => Overlaid::Known(Observation::Unit(state.clone())),
                None if self.may_be_brought(name) && is_not_found(observed(query)) => Overlaid::Unknown,
                None => Overlaid::Ask(query.clone()),
            },
            Query::Stat { path, follow } => self.stat(path, *follow),
            Query::Digest { path, algorithm, limit } => match self.reach(path, Follow::Yes) {
                Reach::Elsewhere(path) => {
                    Overlaid::Ask(Query::Digest { path, algorithm: *algorithm, limit: *limit })
                }
                Reach::Absent => Overlaid::Known(Observation::Digest(Digest::Absent)),
                Reach::Unknown => Overlaid::Unknown,
                Reach::Here(stat, inside, path) => match (stat.kind, inside) {
                    (FileKind::File, Inside::Bytes(bytes)) => match digest_of(bytes, *algorithm) {
                        Some(hex) => {
                            Overlaid::Known(Observation::Digest(Digest::Hash { hex, size: bytes.size() }))
                        }
                        None => Overlaid::Unknown,
                    },
                    (FileKind::File, Inside::AsObserved) => {
                        Overlaid::Ask(Query::Digest { path, algorithm: *algorithm, limit: *limit })
                    }
                    (FileKind::File, _) => Overlaid::Unknown,
                    (kind, _) => Overlaid::Known(Observation::Digest(Digest::NotAFile(kind))),
                },
            },
            Query::Content { path, limit } => match self.reach(path, Follow::Yes) {
                Reach::Elsewhere(path) => Overlaid::Ask(Query::Content { path, limit: *limit }),
                Reach::Absent => Overlaid::Known(Observation::Content(Content::Absent)),
                Reach::Unknown => Overlaid::Unknown,
                Reach::Here(stat, inside, path) => match (stat.kind, inside) {
                    (FileKind::File, Inside::Bytes(bytes)) if bytes.size() > *limit => {
                        Overlaid::Known(Observation::Content(Content::TooLarge { size: bytes.size() }))
                    }
                    (FileKind::File, Inside::Bytes(Bytes::Inline(bytes))) => {
                        Overlaid::Known(Observation::Content(Content::Bytes(bytes.clone())))
                    }
                    (FileKind::File, Inside::AsObserved) => {
                        Overlaid::Ask(Query::Content { path, limit: *limit })
                    }
                    (FileKind::File, _) => Overlaid::Unknown,
                    (kind, _) => Overlaid::Known(Observation::Content(Content::NotAFile(kind))),
                },
            },
            Query::List { path } => self.list(path, observed),
            Query::Tree { path } => self.tree(path, observed),
            Query::Unit { user: Some(_), .. }
            | Query::PackageListsAge
            | Query::Command(_)
            | Query::Http(_)
            | Query::Download(_)
            | Query::Facts { .. }
            | Query::Port { .. }
            | Query::Remembered { .. } => Overlaid::Ask(query.clone()),
        }
    }

    /// Whether a package that the plan installs may bring a unit: it does if nothing else in the plan does.
    fn may_be_brought(&self, unit: &str) -> bool {
        let written =
            ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
                .iter()
                .any(|directory| self.paths.contains_key(&format!("{directory}/{unit}")));
        !written && self.packages.values().any(|state| state.status == PackageStatus::Installed)
    }

    /// Lays a change over what is known. `user` is the name of the user whose session runs it.
    pub fn apply(&mut self, change: &Change, user: &str, observed: Observed<'_>) {
        let Change { action, effects, footprint: _ } = change;
        self.predict(action, user, observed);
        for effect in effects {
            match effect.clone() {
                Effect::User(name, entry) => drop(self.users.insert(name, entry)),
                Effect::Group(name, entry) => drop(self.groups.insert(name, entry)),
                Effect::Package(name, state) => drop(self.packages.insert(name, state)),
                Effect::Unit(name, state) => drop(self.units.insert(name, state)),
                Effect::Path(path, None) => self.remove(&path),
                Effect::Path(path, Some(stat)) => {
                    let inside =
                        if stat.kind == FileKind::Directory { Inside::Fresh } else { Inside::Unknown };
                    self.paths.insert(clean(&path), PathState::Present { stat: Box::new(stat), inside });
                }
                Effect::Unknown(query) => drop(self.answers.insert(query, None)),
                Effect::Answer(query, answer) => drop(self.answers.insert(query, Some(answer))),
            }
        }
    }

    fn predict(&mut self, action: &Action, user: &str, observed: Observed<'_>) {
        match action {
            Action::WriteFile {
                path,
                content,
                attributes,
                follow,
                expect: _,
                backup: _,
                validate: _,
                in_place: _,
            } => {
                let path = self.final_path(path, *follow, observed);
                let mut stat = self
                    .current(&path, observed)
                    .filter(|stat| stat.kind == FileKind::File)
                    .unwrap_or_else(|| Stat::predicted(FileKind::File, 0o644, user));
                stat.size = content.size();
                set(&mut stat, attributes);
                self.put(path, stat, Inside::Bytes(content.clone()));
            }
            Action::SetAttributes { path, attributes, follow } => {
                let path = self.final_path(path, *follow, observed);
                if let Some(mut stat) = self.current(&path, observed) {
                    set(&mut stat, attributes);
                    let inside = match self.paths.get(&path) {
                        Some(PathState::Present { inside, .. }) => inside.clone(),
                        _ => Inside::AsObserved,
                    };
                    self.put(path, stat, inside);
                }
            }
            Action::MakeDirectory { path, attributes } => {
                let path = self.over_links(path, Follow::No, observed);
                let existing = self.current(&path, observed).filter(|stat| stat.kind == FileKind::Directory);
                let inside = match (&existing, self.paths.get(&path)) {
                    (Some(_), Some(PathState::Present { inside, .. })) => inside.clone(),
                    (Some(_), _) => Inside::AsObserved,
                    (None, _) => Inside::Fresh,
                };
                let mut stat = existing.unwrap_or_else(|| Stat::predicted(FileKind::Directory, 0o755, user));
                set(&mut stat, attributes);
                self.put(path, stat, inside);
            }
            Action::Symlink { path, target, attributes } => {
                let mut stat = Stat::predicted(FileKind::Symlink, 0o777, user);
                stat.size = target.len() as u64;
                stat.target = Some(target.clone());
                set(&mut stat, &Attributes { mode: None, ..attributes.clone() });
                let path = self.over_links(path, Follow::No, observed);
                self.remove(&path);
                self.put(path, stat, Inside::AsObserved);
            }
            Action::HardLink { path, target } => {
                let target = self.over_links(target, Follow::No, observed);
                let inside = match self.paths.get(&target) {
                    Some(PathState::Present { inside: Inside::Bytes(bytes), .. }) => {
                        Inside::Bytes(bytes.clone())
                    }
                    _ => Inside::Unknown,
                };
                let mut stat = self
                    .current(&target, observed)
                    .unwrap_or_else(|| Stat::predicted(FileKind::File, 0o644, user));
                stat.links = stat.links.saturating_add(1);
                let path = self.over_links(path, Follow::No, observed);
                self.put(path, stat, inside);
            }
            Action::Touch { path, accessed, modified, attributes } => {
                let path = self.over_links(path, Follow::No, observed);
                let existing = self.current(&path, observed);
                let inside = match (&existing, self.paths.get(&path)) {
                    (Some(_), Some(PathState::Present { inside, .. })) => inside.clone(),
                    (Some(_), _) => Inside::AsObserved,
                    (None, _) => Inside::Bytes(Bytes::Inline(Vec::new())),
                };
                let mut stat = existing.unwrap_or_else(|| Stat::predicted(FileKind::File, 0o644, user));
                set(&mut stat, attributes);
                stat.accessed = accessed.flatten().unwrap_or(stat.accessed);
                stat.modified = modified.flatten().unwrap_or(stat.modified);
                self.put(path, stat, inside);
            }
            Action::Remove { path } => {
                let path = self.over_links(path, Follow::No, observed);
                self.remove(&path);
            }
            // what these do to the host is declared by the module, as effects
            Action::Run(_)
            | Action::Converse(_)
            | Action::Http(_)
            | Action::Raw { .. }
            | Action::StartJob(_) => {}
            Action::Remember { .. } | Action::Forget { .. } => {}
        }
    }

    fn put(&mut self, path: String, mut stat: Stat, inside: Inside) {
        stat.predicted = true;
        self.paths.insert(path, PathState::Present { stat: Box::new(stat), inside });
    }

    fn remove(&mut self, path: &str) {
        let path = clean(path);
        let below = format!("{}/", path.trim_end_matches('/'));
        self.paths.retain(|known, _| !known.starts_with(&below));
        self.paths.insert(path, PathState::Absent);
    }

    /// Where a write to a path goes when its last component may be a link.
    fn final_path(&self, path: &str, follow: Follow, observed: Observed<'_>) -> String {
        let path = self.over_links(path, follow, observed);
        if follow == Follow::No {
            return path;
        }
        match self.reach(&path, Follow::Yes) {
            Reach::Here(_, _, path) => path,
            Reach::Elsewhere(path) => match observed(&Query::Stat { path: path.clone(), follow: Follow::No })
            {
                Some(Observation::Stat(Some(Stat { resolved: Some(resolved), .. }))) => resolved,
                _ => path,
            },
            Reach::Absent | Reach::Unknown => path,
        }
    }

    fn current(&self, path: &str, observed: Observed<'_>) -> Option<Stat> {
        match self.reach(path, Follow::No) {
            Reach::Here(stat, ..) => Some(stat.clone()),
            Reach::Elsewhere(path) => {
                let ask = |follow| match observed(&Query::Stat { path: path.clone(), follow }) {
                    Some(Observation::Stat(stat)) => stat,
                    _ => None,
                };
                ask(Follow::No).or_else(|| ask(Follow::Yes))
            }
            Reach::Absent | Reach::Unknown => None,
        }
    }

    fn stat(&self, path: &str, follow: Follow) -> Overlaid {
        match self.reach(path, follow) {
            Reach::Here(stat, ..) => Overlaid::Known(Observation::Stat(Some(stat.clone()))),
            Reach::Absent => Overlaid::Known(Observation::Stat(None)),
            Reach::Unknown => Overlaid::Unknown,
            Reach::Elsewhere(path) => Overlaid::Ask(Query::Stat { path, follow }),
        }
    }

    /// A path with the host's own links resolved as far as they have been observed and the plan leaves them.
    fn over_links(&self, path: &str, follow: Follow, observed: Observed<'_>) -> String {
        let mut path = clean(path);
        let mut from = 1;
        while let Some(rest) = path.get(from..).filter(|rest| !rest.is_empty()) {
            let end = rest.find('/').map_or(path.len(), |at| from + at);
            let prefix = path.get(..end).unwrap_or_default().to_owned();
            if (end == path.len() && follow == Follow::No) || self.paths.contains_key(&prefix) {
                break;
            }
            from = end + 1;
            let resolved = [Follow::No, Follow::Yes].into_iter().find_map(|follow| {
                match observed(&Query::Stat { path: prefix.clone(), follow }) {
                    Some(Observation::Stat(Some(stat))) => stat.resolved,
                    _ => None,
                }
            });
            if let Some(resolved) = resolved.filter(|resolved| *resolved != prefix) {
                path = clean(&format!("{resolved}{}", path.get(end..).unwrap_or_default()));
                from = resolved.len() + 1;
            }
        }
        path
    }

    /// The same query at the place that the plan touches, where links on the host lead there.
    fn led_elsewhere(&self, query: &Query, observed: Observed<'_>) -> Option<Query> {
        let follow = match query {
            Query::Stat { follow, .. } => *follow,
            _ => Follow::Yes,
        };
        let asked = clean(query.path()?);
        let place = self.over_links(&asked, follow, observed);
        let below = format!("{}/", place.trim_end_matches('/'));
        let is_touched = || {
            !matches!(self.reach(&place, follow), Reach::Elsewhere(end) if end == place)
                || self.paths.keys().any(|known| known.starts_with(&below))
        };
        (place != asked && is_touched()).then(|| match query.clone() {
            Query::Stat { follow, .. } => Query::Stat { path: place, follow },
            Query::Digest { algorithm, limit, .. } => Query::Digest { path: place, algorithm, limit },
            Query::Content { limit, .. } => Query::Content { path: place, limit },
            Query::List { .. } => Query::List { path: place },
            Query::Tree { .. } => Query::Tree { path: place },
            other => other,
        })
    }

    /// Follows a path through what the plan makes and removes.
    fn reach(&self, path: &str, follow: Follow) -> Reach<'_> {
        let mut path = clean(path);
        for _ in 0..40 {
            if let Some(state) = self.paths.get(&path) {
                match state {
                    PathState::Absent => return Reach::Absent,
                    PathState::Present { stat, inside } => match (&stat.target, follow) {
                        (Some(target), Follow::Yes) if stat.kind == FileKind::Symlink => {
                            path = join(parent(&path), target);
                            continue;
                        }
                        _ => return Reach::Here(stat, inside, path),
                    },
                }
            }
            let mut above = parent(&path);
            let nearest = loop {
                if let Some(state) = self.paths.get(above) {
                    break Some((above.to_owned(), state));
                }
                if above == "/" || above.is_empty() {
                    break None;
                }
                above = parent(above);
            };
            match nearest {
                None => return Reach::Elsewhere(path),
                Some((_, PathState::Absent)) => return Reach::Absent,
                Some((above, PathState::Present { stat, inside })) => match (stat.kind, inside) {
                    (FileKind::Directory, Inside::AsObserved) => return Reach::Elsewhere(path),
                    (FileKind::Directory, Inside::Fresh) => return Reach::Absent,
                    (FileKind::Directory, _) => return Reach::Unknown,
                    (FileKind::Symlink, _) => {
                        let target = stat.target.as_deref().unwrap_or_default();
                        let rest = path.get(above.len()..).unwrap_or_default().trim_start_matches('/');
                        path = clean(&format!("{}/{rest}", join(parent(&above), target)));
                    }
                    _ => return Reach::Absent,
                },
            }
        }
        Reach::Unknown
    }

    fn list(&self, path: &str, observed: Observed<'_>) -> Overlaid {
        let (path, host) = match self.reach(path, Follow::Yes) {
            Reach::Absent => return Overlaid::Known(Observation::Entries(None)),
            Reach::Unknown => return Overlaid::Unknown,
            Reach::Here(stat, _, _) if stat.kind != FileKind::Directory => {
                return Overlaid::Known(Observation::Entries(None));
            }
            Reach::Here(_, Inside::Fresh, path) => (path, false),
            Reach::Here(_, Inside::AsObserved, path) | Reach::Elsewhere(path) => (path, true),
            Reach::Here(..) => return Overlaid::Unknown,
        };
        let children: Vec<_> = self.paths.iter().filter(|(known, _)| parent(known) == path).collect();
        let ask = Query::List { path };
        let mut entries = match (host, children.is_empty()) {
            (false, _) => BTreeMap::new(),
            (true, true) => return Overlaid::Ask(ask),
            (true, false) => match entries_of(&ask, observed) {
                Ok(entries) => entries,
                Err(answer) => return answer,
            },
        };
        for (known, state) in children {
            let name = known.rsplit('/').next().unwrap_or_default().to_owned();
            match state {
                PathState::Absent => drop(entries.remove(&name)),
                PathState::Present { stat, .. } => {
                    entries.insert(name.clone(), Entry { name, stat: (**stat).clone() });
                }
            }
        }
        Overlaid::Known(Observation::Entries(Some(entries.into_values().collect())))
    }

    fn tree(&self, path: &str, observed: Observed<'_>) -> Overlaid {
        let (path, host) = match self.reach(path, Follow::Yes) {
            Reach::Absent => return Overlaid::Known(Observation::Entries(None)),
            Reach::Unknown => return Overlaid::Unknown,
            Reach::Here(_, inside, path) => (path, *inside != Inside::Fresh),
            Reach::Elsewhere(path) => (path, true),
        };
        let below = format!("{}/", path.trim_end_matches('/'));
        let planned: Vec<_> = self.paths.iter().filter(|(known, _)| known.starts_with(&below)).collect();
        let ask = Query::Tree { path };
        let mut entries = match (host, planned.is_empty()) {
            (false, _) => BTreeMap::new(),
            (true, true) => return Overlaid::Ask(ask),
            (true, false) => match entries_of(&ask, observed) {
                Ok(entries) => entries,
                Err(answer) => return answer,
            },
        };
        for (known, state) in planned {
            let name = known.get(below.len()..).unwrap_or_default().to_owned();
            let kept = matches!(state, PathState::Present { stat, inside: Inside::AsObserved } if stat.kind == FileKind::Directory);
            if !kept {
                let inside = format!("{name}/");
                entries.retain(|name, _| !name.starts_with(&inside));
            }
            match state {
                PathState::Absent => drop(entries.remove(&name)),
                PathState::Present { stat, .. } => {
                    entries.insert(name.clone(), Entry { name, stat: (**stat).clone() });
                }
            }
        }
        Overlaid::Known(Observation::Entries(Some(entries.into_values().collect())))
    }
}

enum Reach<'a> {
    /// The plan says what is there; the path is the one reached.
    Here(&'a Stat, &'a Inside, String),
    /// Nothing is there.
    Absent,
    /// The plan does not touch it; this is the path to ask the host for.
    Elsewhere(String),
    /// Cannot be known.
    Unknown,
}

/// The entries on the host by name; where they are not known or there are none, that is the answer.
fn entries_of(ask: &Query, observed: Observed<'_>) -> Result<BTreeMap<String, Entry>, Overlaid> {
    match observed(ask) {
        None => Err(Overlaid::Ask(ask.clone())),
        Some(Observation::Entries(Some(found))) => {
            Ok(found.into_iter().map(|entry| (entry.name.clone(), entry)).collect())
        }
        Some(other) => Err(Overlaid::Known(other)),
    }
}

fn is_not_found(observed: Option<Observation>) -> bool {
    matches!(observed, Some(Observation::Unit(state)) if state.load == "not-found")
}

fn digest_of(bytes: &Bytes, algorithm: Algorithm) -> Option<String> {
    use sha2::Digest as _;
    match (algorithm, bytes) {
        (Algorithm::Sha256, bytes) => bytes.sha256(),
        (Algorithm::Sha1, bytes) => Some(bytes.sha1()),
        (_, Bytes::Sent { .. } | Bytes::OnHost { .. }) => None,
        (Algorithm::Md5, Bytes::Inline(bytes)) => Some(super::action::hex(&md5::Md5::digest(bytes))),
        (Algorithm::Sha224, Bytes::Inline(bytes)) => Some(super::action::hex(&sha2::Sha224::digest(bytes))),
        (Algorithm::Sha384, Bytes::Inline(bytes)) => Some(super::action::hex(&sha2::Sha384::digest(bytes))),
        (Algorithm::Sha512, Bytes::Inline(bytes)) => Some(super::action::hex(&sha2::Sha512::digest(bytes))),
    }
}

fn set(stat: &mut Stat, attributes: &Attributes) {
    let Attributes { mode, owner, group } = attributes;
    if let Some(mode) = mode {
        stat.mode = *mode;
        stat.executable = stat.kind == FileKind::Directory || mode & 0o111 != 0;
    }
    match owner {
        Some(Owner::Name(name)) => stat.owner = Some(name.clone()),
        Some(Owner::Id(id)) => (stat.uid, stat.owner) = (*id, None),
        None => {}
    }
    match group {
        Some(Owner::Name(name)) => stat.group = Some(name.clone()),
        Some(Owner::Id(id)) => (stat.gid, stat.group) = (*id, None),
        None => {}
    }
}

fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if path.starts_with('/') { format!("/{}", parts.join("/")) } else { parts.join("/") }
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((above, _)) => above,
        None => "",
    }
}

fn join(directory: &str, target: &str) -> String {
    if target.starts_with('/') { clean(target) } else { clean(&format!("{directory}/{target}")) }
}

#[cfg(test)]
mod tests;
