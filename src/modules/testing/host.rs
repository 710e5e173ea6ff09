//! The host of a case: a small file system with users and groups, and fixed answers to all other queries.
//!
//! `host` maps absolute paths to what is there: `null` nothing; a text is a file's content (0644, root); an object has
//! `text` or `size` (a file), `directory: true`, `link: TARGET`, and where they are not the defaults `mode`, `owner`,
//! `group`, `links`, `inode`, `context`. Directories above what is named are there (0755, root). A directory that
//! is named is named with all that is in it; what is below a directory that is not named is not known.
//!
//! `docker` maps paths of the Docker Engine's API to what they answer: `null` is nothing there, a number is a status.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::modules::view::{Asked, Known};
use crate::wire::action::{Bytes, hex};
use crate::wire::overlay::Overlaid;
use crate::wire::{
    Algorithm, Content, Digest, Entry, FileKind, Follow, GroupEntry, Observation, Overlay, Query, Stat,
    UserEntry,
};

/// The host of a case.
#[derive(Clone, Debug, Default)]
pub struct Host {
    paths: BTreeMap<String, Option<Node>>,
    users: HashMap<String, Option<u32>>,
    groups: HashMap<String, Option<u32>>,
    answers: HashMap<Query, Observation>,
}

#[derive(Clone, Debug)]
struct Node {
    stat: Stat,
    bytes: Vec<u8>,
}

enum Reached<'a> {
    Node(String, &'a Node),
    Nothing,
}

impl Host {
    /// Reads the fields of a case.
    pub fn read(paths: &Json, users: &Json, groups: &Json, answers: &Json, docker: &Json) -> Self {
        let numbers = |json: &Json| {
            let mut all = HashMap::from([("root".to_owned(), Some(0))]);
            for (name, number) in json.as_object().into_iter().flatten() {
                all.insert(name.clone(), number.as_u64().and_then(|number| u32::try_from(number).ok()));
            }
            all
        };
        let mut host = Self { users: numbers(users), groups: numbers(groups), ..Self::default() };
        host.paths.insert("/".to_owned(), Some(host.node("/", &serde_json::json!({"implied": true}))));
        for (path, json) in paths.as_object().into_iter().flatten() {
            assert!(path.starts_with('/') || path.starts_with('~'), "`{path}` is not absolute");
            let node = (!json.is_null()).then(|| host.node(path, json));
            host.paths.insert(path.clone(), node);
        }
        for (path, json) in docker.as_object().into_iter().flatten() {
            let (query, answer) = crate::modules::docker::api::answered(path, json);
            host.answers.insert(query, answer);
        }
        for pair in answers.as_array().into_iter().flatten() {
            let (query, answer): (Query, Observation) =
                serde_json::from_value(pair.clone()).unwrap_or_else(|e| panic!("answers: {e}: {pair}"));
            host.answers.insert(query, answer);
        }
        host
    }

    fn node(&self, path: &str, json: &Json) -> Node {
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let number = |name: &str| json.get(name).and_then(Json::as_u64);
        let kind = if json.get("directory").is_some() || json.get("implied").is_some() {
            FileKind::Directory
        } else if json.get("link").is_some() {
            FileKind::Symlink
        } else if json.get("fifo").is_some() {
            FileKind::Fifo
        } else {
            FileKind::File
        };
        let bytes = json.as_str().or(text("text")).unwrap_or_default().as_bytes().to_vec();
        let default_mode = match kind {
            FileKind::Directory => 0o755,
            FileKind::Symlink => 0o777,
            _ => 0o644,
        };
        let (owner, group) = (text("owner").unwrap_or("root"), text("group").unwrap_or("root"));
        let id = |all: &HashMap<String, Option<u32>>, name: &str| {
            all.get(name).copied().flatten().unwrap_or(65534)
        };
        let stat = Stat {
            kind,
            mode: text("mode").map_or(default_mode, |mode| u32::from_str_radix(mode, 8).unwrap()),
            uid: id(&self.users, owner),
            gid: id(&self.groups, group),
            owner: Some(owner.to_owned()),
            group: Some(group.to_owned()),
            size: number("size").unwrap_or(bytes.len() as u64),
            inode: number("inode").unwrap_or(path.len() as u64 + 100),
            device: 1,
            links: number("links").unwrap_or(1),
            blocks: 8,
            block_size: 4096,
            device_type: 0,
            accessed: 1_000_000_000,
            modified: 2_000_000_000,
            changed: 2_500_000_000,
            target: text("link").map(str::to_owned),
            resolved: None,
            readable: true,
            writeable: true,
            executable: false,
            context: text("context").map(str::to_owned),
            predicted: false,
        };
        Node { stat, bytes }
    }

    /// What the host answers; the error says what the case lacks.
    pub fn observe(&self, query: &Query) -> Result<Observation, String> {
        if let Some(answer) = self.answers.get(query) {
            return Ok(answer.clone());
        }
        let lacking = || format!("the case does not say what {query:?} gives");
        Ok(match query {
            Query::Stat { path, follow } => Observation::Stat(match self.reach(path, *follow)? {
                Reached::Nothing => None,
                Reached::Node(at, node) => {
                    let mut stat = node.stat.clone();
                    let is_link = matches!(
                        self.reach(path, Follow::No), Ok(Reached::Node(_, node)) if node.stat.kind == FileKind::Symlink
                    );
                    if is_link && let Ok(Reached::Node(to, _)) = self.reach(&at, Follow::Yes) {
                        stat.resolved = Some(to);
                    }
                    Some(stat)
                }
            }),
            Query::Digest { path, algorithm, limit: _ } => {
                Observation::Digest(match self.reach(path, Follow::Yes)? {
                    Reached::Nothing => Digest::Absent,
                    Reached::Node(_, node) if node.stat.kind != FileKind::File => {
                        Digest::NotAFile(node.stat.kind)
                    }
                    Reached::Node(_, node) => {
                        Digest::Hash { hex: digest(&node.bytes, *algorithm), size: node.stat.size }
                    }
                })
            }
            Query::Content { path, limit } => Observation::Content(match self.reach(path, Follow::Yes)? {
                Reached::Nothing => Content::Absent,
                Reached::Node(_, node) if node.stat.kind != FileKind::File => {
                    Content::NotAFile(node.stat.kind)
                }
                Reached::Node(_, node) if node.stat.size > *limit => {
                    Content::TooLarge { size: node.stat.size }
                }
                Reached::Node(_, node) => Content::Bytes(node.bytes.clone()),
            }),
            Query::List { path } => Observation::Entries(self.below(path, Depth::One)?),
            Query::Tree { path } => Observation::Entries(self.below(path, Depth::All)?),
            Query::User { name } => {
                let uid = self.users.get(name).copied().ok_or_else(lacking)?;
                Observation::User(uid.map(|uid| user(name, uid)))
            }
            Query::Group { name } => {
                let gid = self.groups.get(name).copied().ok_or_else(lacking)?;
                Observation::Group(gid.map(|gid| GroupEntry {
                    name: name.clone(),
                    gid: Some(gid),
                    members: Vec::new(),
                    local: true,
                }))
            }
            _ => return Err(lacking()),
        })
    }

    /// The SHA-1 of what is at a path, the overlay included.
    pub fn sha1(&self, path: &str, overlay: &Overlay) -> Option<String> {
        let query = Query::Digest { path: path.to_owned(), algorithm: Algorithm::Sha1, limit: None };
        let found = match overlay.answer(&query, &|query| self.observe(query).ok()) {
            Overlaid::Known(found) => found,
            Overlaid::Ask(query) => self.observe(&query).ok()?,
            Overlaid::Unknown => return None,
        };
        match found {
            Observation::Digest(Digest::Hash { hex, .. }) => Some(hex),
            _ => None,
        }
    }

    fn reach(&self, path: &str, follow: Follow) -> Result<Reached<'_>, String> {
        let mut path = clean(path);
        for _ in 0..20 {
            let (mut at, mut rest) = (String::new(), path.as_str());
            let again = loop {
                let name = if at.is_empty() { "/".to_owned() } else { at.clone() };
                let Some(node) = self.named(&name)? else { return Ok(Reached::Nothing) };
                let left = rest.trim_start_matches('/');
                if node.stat.kind == FileKind::Symlink && (!left.is_empty() || follow == Follow::Yes) {
                    let target = node.stat.target.clone().unwrap_or_default();
                    let above = at.rsplit_once('/').map_or("", |(above, _)| above);
                    let to = if target.starts_with('/') { target } else { format!("{above}/{target}") };
                    break clean(&format!("{to}/{left}"));
                }
                if left.is_empty() {
                    return Ok(Reached::Node(name, node));
                }
                if node.stat.kind != FileKind::Directory {
                    return Ok(Reached::Nothing);
                }
                let (first, after) = left.split_once('/').unwrap_or((left, ""));
                at = format!("{at}/{first}");
                rest = after;
            };
            path = again;
        }
        Ok(Reached::Nothing)
    }

    /// What the case says of a path whose directory is there.
    fn named(&self, path: &str) -> Result<Option<&Node>, String> {
        if let Some(node) = self.paths.get(path) {
            return Ok(node.as_ref());
        }
        let below = format!("{path}/");
        if self.paths.iter().any(|(known, node)| known.starts_with(&below) && node.is_some()) {
            return Ok(self.paths.get("/").and_then(Option::as_ref));
        }
        let above = path.rsplit_once('/').map_or("/", |(above, _)| above);
        if above.is_empty() || !self.paths.contains_key(above) {
            return Err(format!("the case does not say what is at `{path}`"));
        }
        Ok(None)
    }

    fn below(&self, path: &str, depth: Depth) -> Result<Option<Vec<Entry>>, String> {
        let Reached::Node(at, node) = self.reach(path, Follow::Yes)? else { return Ok(None) };
        if node.stat.kind != FileKind::Directory {
            return Ok(None);
        }
        assert!(self.paths.contains_key(&at), "the case does not say what is in `{at}`");
        let root = format!("{}/", at.trim_end_matches('/'));
        let inside = self.paths.iter().filter_map(|(known, node)| {
            let name = known.strip_prefix(&root)?;
            let fits = depth == Depth::All || !name.contains('/');
            Some(Entry { name: name.to_owned(), stat: node.as_ref().filter(|_| fits)?.stat.clone() })
        });
        Ok(Some(inside.collect()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    One,
    All,
}

fn user(name: &str, uid: u32) -> UserEntry {
    UserEntry {
        name: name.to_owned(),
        uid: Some(uid),
        gid: Some(uid),
        group: Some(name.to_owned()),
        comment: String::new(),
        home: format!("/home/{name}"),
        shell: "/bin/sh".to_owned(),
        groups: Vec::new(),
        password: None,
        expires: None,
        password_days: None,
        local: true,
    }
}

fn digest(bytes: &[u8], algorithm: Algorithm) -> String {
    use sha2::Digest as _;
    match algorithm {
        Algorithm::Sha1 => Bytes::Inline(bytes.to_vec()).sha1(),
        Algorithm::Sha256 => Bytes::Inline(bytes.to_vec()).sha256().unwrap_or_default(),
        Algorithm::Md5 => hex(&md5::Md5::digest(bytes)),
        Algorithm::Sha224 => hex(&sha2::Sha224::digest(bytes)),
        Algorithm::Sha384 => hex(&sha2::Sha384::digest(bytes)),
        Algorithm::Sha512 => hex(&sha2::Sha512::digest(bytes)),
    }
}

fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if path.starts_with('~') { parts.join("/") } else { format!("/{}", parts.join("/")) }
}

/// What a module sees of a case's host: what was fetched, read through the overlay.
pub struct Seen<'a> {
    host: &'a Host,
    overlay: &'a Overlay,
    fetched: RefCell<HashSet<Query>>,
    needed: RefCell<Vec<Query>>,
}

impl<'a> Seen<'a> {
    /// Nothing is fetched yet.
    pub fn new(host: &'a Host, overlay: &'a Overlay) -> Self {
        Self { host, overlay, fetched: RefCell::default(), needed: RefCell::default() }
    }

    /// Fetches what was asked for; the error says what the case lacks.
    pub fn fetch(&self) -> Result<(), String> {
        for query in self.needed.take() {
            self.host.observe(&query)?;
            self.fetched.borrow_mut().insert(query);
        }
        Ok(())
    }

    fn observed(&self, query: &Query) -> Option<Observation> {
        self.fetched.borrow().contains(query).then(|| self.host.observe(query).ok()).flatten()
    }
}

impl Known for Seen<'_> {
    fn ask(&self, query: &Query) -> Asked {
        match self.overlay.answer(query, &|query| self.observed(query)) {
            Overlaid::Known(found) => Asked::Known(Arc::new(found)),
            Overlaid::Unknown => Asked::Unknown(Arc::new(crate::base::Unknown {
                task: Arc::from("an earlier task"),
                place: None,
            })),
            Overlaid::Ask(query) => match self.observed(&query) {
                Some(found) => Asked::Known(Arc::new(found)),
                None => {
                    self.needed.borrow_mut().push(query);
                    Asked::Needed
                }
            },
        }
    }
}
