//! How this machine reaches Debian's packages, carried over to the hosts: mirrors, apt's network options, proxies.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::command::{command, run};
use super::network::Relay;
use super::release::Release;

/// The program that knows where Debian's packages come from if this machine does not say (it may run another system).
const DEBOOTSTRAP: &str = "/usr/sbin/debootstrap";

/// The variables that programs find their proxies in.
const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/// Two mirrors: of the archive and of the security updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrors {
    pub archive: String,
    pub security: String,
    /// Whether this machine takes unsigned packages from them (`trusted=yes`).
    pub trusted: bool,
}

/// One entry of apt's sources, of either form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    trusted: bool,
}

impl Mirrors {
    /// The mirrors in this machine's sources; Debian's own where there are none.
    pub(super) fn of_this_machine() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .map_or("stable", |name| name.trim_matches('"'));
        let usual = usual_archive(&fs::read_to_string(DEBOOTSTRAP).unwrap_or_default());
        Self::among(&sources(Path::new("/etc/apt")), codename, &usual)
    }

    fn among(sources: &[Source], codename: &str, usual: &str) -> Self {
        let usual_security = || format!("{usual}-security");
        let find = |suites: &[&str]| {
            sources
                .iter()
                .filter(|source| source.components.iter().any(|component| component == "main"))
                .filter(|source| source.suites.iter().any(|suite| suites.contains(&suite.as_str())))
                .find_map(|source| {
                    Some((source.uris.iter().find_map(|uri| web_address(uri))?, source.trusted))
                })
        };
        // Ubuntu's archive has `main` too, but none of Debian's code names.
        let debian = codename == "stable" || Release::ALL.iter().any(|release| release.name() == codename);
        if !debian {
            return Self { archive: usual.to_owned(), security: usual_security(), trusted: false };
        }
        let archive = find(&[codename, "stable"]);
        let security = find(&[&format!("{codename}-security"), "stable-security"]);
        let trusted = archive.as_ref().is_some_and(|(_, trusted)| *trusted);
        Self {
            archive: archive.map_or_else(|| usual.to_owned(), |(uri, _)| uri),
            security: security.map_or_else(usual_security, |(uri, _)| uri),
            trusted,
        }
    }

    /// A host's `/etc/apt/sources.list`.
    pub(super) fn sources_list(&self, release: Release) -> String {
        let Self { archive, security, trusted } = self;
        let options = if *trusted { "[trusted=yes] " } else { "" };
        format!(
            "deb {options}{archive} {release} main\n\
             deb {options}{archive} {release}-updates main\n\
             deb {options}{security} {release}-security main\n"
        )
    }
}

/// The mirror that debootstrap uses where it is given none; empty where its text does not say.
fn usual_archive(debootstrap: &str) -> String {
    let line = debootstrap.lines().find_map(|line| line.trim().strip_prefix("DEF_MIRROR="));
    line.unwrap_or_default().trim_matches('"').trim_end_matches('/').to_owned()
}

/// The address itself, or the first in the list that `mirror+file:` names (as Debian's cloud images have it).
fn web_address(uri: &str) -> Option<String> {
    let is_web = |uri: &str| uri.starts_with("http://") || uri.starts_with("https://");
    if is_web(uri) {
        return Some(uri.trim_end_matches('/').to_string());
    }
    let list = fs::read_to_string(uri.strip_prefix("mirror+file:")?).ok()?;
    let first = list.lines().filter_map(|line| line.split_whitespace().next()).find(|word| is_web(word))?;
    Some(first.trim_end_matches('/').to_string())
}

/// All binary sources below `/etc/apt`.
fn sources(directory: &Path) -> Vec<Source> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory.join("sources.list.d"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files.insert(0, directory.join("sources.list"));
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("sources") => parse_stanzas(&text),
                Some("list") => text.lines().filter_map(parse_line).collect(),
                _ => Vec::new(),
            }
        })
        .collect()
}

/// One line as sources.list(5) has it: `deb [option=value …] uri suite component…`.
fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim().strip_prefix("deb")?;
    let line = line.strip_prefix(char::is_whitespace)?.trim_start();
    let (options, rest) = match line.strip_prefix('[') {
        Some(line) => line.split_once(']')?,
        None => ("", line),
    };
    let mut words = rest.split_whitespace().map(str::to_string);
    Some(Source {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        trusted: options.split_whitespace().any(|option| option.eq_ignore_ascii_case("trusted=yes")),
    })
}

/// Stanzas of `Key: value` lines, parted by empty lines (deb822 form).
fn parse_stanzas(text: &str) -> Vec<Source> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).filter_map(parse_stanza).collect()
}

fn parse_stanza(lines: &[&str]) -> Option<Source> {
    let mut source = Source::default();
    let mut key = String::new();
    let (mut binary, mut enabled) = (false, true);
    for line in lines {
        let value = if line.starts_with([' ', '\t']) {
            line
        } else {
            let (name, value) = line.split_once(':')?;
            key = name.trim().to_ascii_lowercase();
            value
        };
        let words = value.split_whitespace().map(str::to_string);
        match key.as_str() {
            "types" => binary |= words.into_iter().any(|word| word == "deb"),
            "uris" => source.uris.extend(words),
            "suites" => source.suites.extend(words),
            "components" => source.components.extend(words),
            "trusted" => source.trusted = value.trim().eq_ignore_ascii_case("yes"),
            "enabled" => enabled = !value.trim().eq_ignore_ascii_case("no"),
            _ => {}
        }
    }
    (binary && enabled && !source.uris.is_empty()).then_some(source)
}

/// What a host needs to reach the network as this machine does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Access {
    /// apt's options that concern the network, in apt.conf's form.
    pub apt_conf: String,
    /// Proxy variables, one `NAME=value` a line, for `/etc/environment`.
    pub environment: String,
    /// What listens on this machine's loopback alone.
    pub relays: Vec<Relay>,
}

impl Access {
    /// This machine's own way, rewritten for hosts behind `gateway`.
    pub(super) fn of_this_machine(gateway: Ipv4Addr) -> Self {
        let dump = command("apt-config", ["dump"]).and_then(run).unwrap_or_default();
        let variables: Vec<(String, String)> = PROXY_VARIABLES
            .iter()
            .flat_map(|name| [(*name).to_string(), name.to_ascii_uppercase()])
            .filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)))
            .filter(|(_, value)| !value.is_empty() && !value.contains(['\n', '"']))
            .collect();
        Self::from(&String::from_utf8_lossy(&dump), &variables, gateway)
    }

    fn from(dump: &str, variables: &[(String, String)], gateway: Ipv4Addr) -> Self {
        let mut access = Self::default();
        let mut options: Vec<(String, String)> = dump.lines().filter_map(network_option).collect();
        // apt heeds the variables too, but a service that runs it does not have them.
        for scheme in ["http", "https"] {
            let key = format!("Acquire::{scheme}::Proxy");
            let variable = format!("{scheme}_proxy");
            let set = options.iter().any(|(name, _)| *name == key);
            if let Some((_, value)) = variables.iter().find(|(name, _)| *name == variable)
                && !set
            {
                options.push((key, value.clone()));
            }
        }
        for (key, value) in options {
            let value = access.relayed(&value, gateway);
            access.apt_conf.extend([&*key, " \"", &*value, "\";\n"]);
        }
        for (name, value) in variables {
            let value = access.relayed(value, gateway);
            access.environment.extend([name, "=", &*value, "\n"]);
        }
        access
    }

    /// A proxy's address as the hosts reach it.
    fn relayed(&mut self, value: &str, gateway: Ipv4Addr) -> String {
        let Some((address, relay)) = relay(value, gateway) else { return value.to_string() };
        if !self.relays.contains(&relay) {
            self.relays.push(relay);
        }
        address
    }
}

/// An option of `apt-config dump` that concerns how packages are fetched, not where this machine keeps files.
fn network_option(line: &str) -> Option<(String, String)> {
    const WANTED: [&str; 6] = [
        "Acquire::http::",
        "Acquire::https::",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
        "Acquire::Retries",
        "Acquire::ForceIPv4",
    ];
    let (key, value) = line.split_once(' ')?;
    let value = value.trim().strip_prefix('"')?.strip_suffix("\";")?;
    let wanted = WANTED.iter().any(|wanted| key.starts_with(wanted)) && !key.ends_with("::");
    (wanted && !value.is_empty() && !value.starts_with('/')).then(|| (key.to_string(), value.to_string()))
}

/// `http://localhost:3128` as `http://GATEWAY:3128` and the relay for it; `None` for any other address.
fn relay(address: &str, gateway: Ipv4Addr) -> Option<(String, Relay)> {
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (host, if scheme == "https" { 443 } else { 80 }),
    };
    let to = if host == "localhost" { Ipv4Addr::LOCALHOST } else { host.parse().ok()? };
    to.is_loopback().then(|| (format!("{scheme}://{user}{gateway}:{port}{path}"), Relay { to, port }))
}

#[cfg(test)]
#[path = "apt_tests.rs"]
mod tests;
