//! Keeps the keys of hosts in a user's `known_hosts`.
//!
//! ```yaml
//! - name: The build server is known
//!   ansible.builtin.known_hosts:
//!     name: build.example.com
//!     key: "build.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF9ouFFFvf0QWAxYVdPeIhWMVpV4KBWqtrJc9HWDaa6H"
//! ```

use base64::Engine as _;
use sha1::Digest as _;

use super::attributes::FileAttributes;
use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::Editing;
use super::params::PathText;
use super::paths;
use super::view::View;
use crate::base::Value;
use crate::wire::Follow;
use crate::{choices, params};

/// As `ansible.builtin.known_hosts`.
pub struct KnownHosts;

choices! {
    /// Whether the key shall be there.
    pub enum HostState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `known_hosts`.
    pub struct KnownHostsParams {
        /// The host, with a port as `[host]:port`.
        name: String, aliases ["host"];
        /// The line with the key, as it stands in the file. With `absent` and without it all keys of the host go.
        key: Option<String>;
        /// The file.
        path: PathText = PathText("~/.ssh/known_hosts".to_owned());
        /// Whether the host's name is hashed.
        hash_host: bool = false;
        /// Whether the key shall be there.
        state: HostState = HostState::Present;
    }
}

impl Module for KnownHosts {
    type Params = KnownHostsParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "known_hosts",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("known_hosts.rs"),
        returns: &[("name", "the host"), ("key", "the line"), ("path", "the file")],
    };

    fn plan(params: &KnownHostsParams, view: &View<'_>) -> Result<Step, Halt> {
        let host = params.name.to_lowercase();
        let present = params.state == HostState::Present;
        let key = params.key.as_deref().filter(|key| !key.is_empty());
        if key.is_none() && present {
            return fail("No key specified when adding a host");
        }
        if key.is_some() && host.split_whitespace().collect::<String>().trim_start_matches(',').contains(',')
        {
            return fail(
                "Comma separated list of names is not supported. Please pass a single name to lookup in the \
                 known_hosts file.",
            );
        }
        if let Some(key) = key
            && !key.lines().any(|line| is_about(line, &host))
        {
            return fail("Host parameter does not match hashed host field in supplied key");
        }
        let path = paths::checked("path", &params.path)?;
        let attributes = FileAttributes::default();
        let mut editing = Editing::open("known_hosts", &path, &attributes, view)?;
        editing.follow = Follow::No;
        let text = editing.text();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let found: Vec<usize> =
            lines.iter().enumerate().filter(|(_, line)| is_about(line, &host)).map(|(at, _)| at).collect();
        let changed = match (key, present) {
            (Some(key), true) => add(&mut lines, key, &found, params.hash_host.then_some(host.as_str())),
            (Some(key), false) => {
                let wanted = Line::read(key, Some(&host));
                let at = found
                    .iter()
                    .find(|at| lines.get(**at).and_then(|line| Line::read(line, Some(&host))) == wanted);
                at.is_some_and(|at| lines.get(*at).is_some() && !lines.remove(*at).is_empty())
            }
            (None, _) => {
                for at in found.iter().rev() {
                    lines.remove(*at);
                }
                !found.is_empty()
            }
        };
        let diff = crate::map! {
            "before" => text.as_str(), "after" => lines.concat(),
            "before_header" => if editing.before.is_some() { path.as_str() } else { "/dev/null" },
            "after_header" => path.as_str(),
        };
        let mut plan = Plan::nothing(if present { "the key is there" } else { "no such key is there" });
        if changed {
            editing.write(&mut plan, lines.concat(), view)?;
        }
        plan.changed = Some(changed);
        plan.result = crate::map! {
            "name" => params.name.as_str(), "key" => params.key.as_deref().map_or(Value::Null, Value::from),
            "path" => path, "hash_host" => params.hash_host, "state" => params.state.text(), "diff" => diff,
        };
        Ok(Step::Plan(plan))
    }
}

/// A line, without a comment; the host as it is asked for, so that a hash equals a name.
#[derive(Debug, PartialEq)]
struct Line {
    marker: String,
    host: String,
    kind: String,
    key: String,
}

impl Line {
    fn read(line: &str, host: Option<&str>) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut first = words.next()?;
        let mut marker = "";
        if first.starts_with('@') {
            marker = first;
            first = words.next()?;
        }
        let is_hashed = first.starts_with("|1|");
        Some(Self {
            marker: marker.to_owned(),
            host: if is_hashed { host.unwrap_or(first).to_owned() } else { first.to_owned() },
            kind: words.next()?.to_owned(),
            key: words.next()?.to_owned(),
        })
    }
}

/// Adds a key, in place of another of its type; whether anything changed.
fn add(lines: &mut Vec<String>, key: &str, found: &[usize], hashed: Option<&str>) -> bool {
    let Some(wanted) = Line::read(key, None) else { return false };
    let host_of = |line: &str| line.split_whitespace().find(|word| !word.starts_with('@')).map(str::to_owned);
    let mut replaced = None;
    for at in found {
        let Some(line) = lines.get(*at) else { continue };
        let Some(is) = Line::read(line, None) else { continue };
        let both_hashed = is.host.starts_with("|1|") && (hashed.is_some() || wanted.host.starts_with("|1|"));
        let same_host = both_hashed || (hashed.is_none() && is.host == wanted.host);
        let same =
            same_host && (&is.marker, &is.kind, &is.key) == (&wanted.marker, &wanted.kind, &wanted.key);
        if same {
            return false;
        }
        if is.marker.is_empty() && is.kind == wanted.kind && replaced.is_none() {
            replaced = Some(*at);
        }
    }
    if let Some(at) = replaced {
        lines.remove(at);
    }
    let mut line = key.trim_end_matches('\n').to_owned();
    if let (Some(host), Some(plain)) = (hashed, host_of(key)) {
        line = key.trim().replacen(&plain, &hash(host, key), 1);
    }
    lines.push(line + "\n");
    true
}

/// Whether a line is about a host, as `ssh-keygen -F` finds it.
fn is_about(line: &str, host: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return false;
    }
    let Some(hosts) = line.split_whitespace().find(|word| !word.starts_with('@')) else { return false };
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        let Some((salt, sum)) = hashed.split_once('|') else { return false };
        let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).ok();
        let (Some(salt), Some(sum)) = (decode(salt), decode(sum)) else { return false };
        return hmac(&salt, host.as_bytes()) == sum.as_slice();
    }
    let mut is = false;
    for pattern in hosts.split(',') {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern),
        };
        if glob(&pattern.to_lowercase(), host) {
            if negated {
                return false;
            }
            is = true;
        }
    }
    is
}

/// `*` and `?` only: brackets are those of a port.
fn glob(pattern: &str, text: &str) -> bool {
    let escaped: String =
        pattern.chars().map(|c| if c == '[' { "[[]".to_owned() } else { c.to_string() }).collect();
    super::patterns::matches(&escaped, text)
}

/// A hashed name. The salt hangs on host and key alone: a module has no dice, and it stands beside the hash anyway.
fn hash(host: &str, key: &str) -> String {
    let salt = sha1::Sha1::digest(format!("{host}\n{key}"));
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("|1|{}|{}", encode(&salt), encode(&hmac(&salt, host.as_bytes())))
}

/// HMAC-SHA1 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { sha1::Sha1::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(move |byte| byte ^ with).collect::<Vec<u8>>();
    let inner = sha1::Sha1::digest([pad(0x36).as_slice(), text].concat());
    sha1::Sha1::digest([pad(0x5c).as_slice(), inner.as_slice()].concat()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_known_again() {
        let line = format!("{} ssh-rsa AAAA", hash("a.example", "x"));
        assert!(is_about(&line, "a.example") && !is_about(&line, "b.example"));
        // RFC 2202, test case 2
        assert_eq!(
            crate::wire::action::hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }

    #[test]
    fn patterns_and_ports_are_known() {
        assert!(is_about("*.example,!b.example ssh-rsa A", "a.example"));
        assert!(!is_about("*.example,!b.example ssh-rsa A", "b.example"));
        assert!(is_about("[h]:22 ssh-rsa A", "[h]:22") && !is_about("# h ssh-rsa A", "h"));
        assert!(is_about("@cert-authority *.x ssh-rsa A", "y.x"));
    }
}
