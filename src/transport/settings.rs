//! Everything that counts for one SSH connection: the inventory, then the arguments, then OpenSSH's configuration.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, cipher, kex, mac};

use super::args::{self, quoted};
use super::destination::{Destination, HostKeyChecking};
use super::ssh_config::pattern::matches_any;
use super::ssh_config::{self, Configured, Files, Setting, Tokens};
use super::surroundings::Surroundings;
use crate::base::{Diagnostic, Secret};

/// A server that stays silent this long is asked whether it is still there …
const DEFAULT_ALIVE: Duration = Duration::from_secs(15);
/// … and given up after this many questions.
const DEFAULT_ALIVE_MAX: usize = 3;
/// Keys that are tried when no other is named, as ssh_config(5) `IdentityFile`.
const DEFAULT_KEYS: &[&str] = &["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// A TCP connection.
    Direct,
    /// Through these jump hosts in order.
    Jump(Vec<JumpHost>),
    /// Through the standard streams of a command.
    Command(String),
}

/// One element of `ProxyJump`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JumpHost {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl std::fmt::Display for JumpHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

/// IPv4, IPv6 or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    Inet,
    Inet6,
}

/// The effective settings.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The inventory's name.
    pub(super) name: String,
    /// Host name or address to connect to.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) key_passphrase: Option<Secret>,
    pub(super) route: Route,
    /// The name under which the host's key is known, where it is not the host's own.
    pub(super) alias: Option<String>,
    /// Keys that somebody named.
    pub(super) identities: Vec<PathBuf>,
    /// Keys that are tried without being named.
    pub(super) default_identities: Vec<PathBuf>,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) identities_only: bool,
    pub(super) agent: Option<PathBuf>,
    pub(super) checking: HostKeyChecking,
    /// The user's files of known keys; the first one is written to.
    pub(super) known_hosts: Vec<PathBuf>,
    /// The system's files of known keys.
    pub(super) known_hosts_global: Vec<PathBuf>,
    pub(super) hash_known_hosts: bool,
    pub(super) keepalive: Option<Duration>,
    pub(super) keepalive_max: usize,
    pub(super) family: Family,
    pub(super) bind: Option<String>,
    pub(super) timeout: Duration,
    /// Attempts in all.
    pub(super) attempts: u32,
    pub(super) publickey: bool,
    pub(super) password_login: bool,
    pub(super) keyboard_interactive: bool,
    pub(super) preferred: Preferred,
    /// Environment variables for the remote commands (`SetEnv`, `SendEnv`).
    pub(super) environment: Vec<(String, String)>,
}

impl Settings {
    /// `host:port` for messages.
    pub(super) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The name under which known_hosts has the host.
    pub(super) fn known_name(&self) -> String {
        match &self.alias {
            Some(alias) => alias.clone(),
            None if self.port == 22 => self.host.to_lowercase(),
            None => format!("[{}]:{}", self.host.to_lowercase(), self.port),
        }
    }

    /// All that counts for a destination.
    pub(super) fn resolve(
        destination: &Destination,
        surroundings: &Surroundings,
        files: &Files,
    ) -> Result<Self, Box<Diagnostic>> {
        let Destination {
            name,
            kind: _,
            host,
            port,
            user,
            private_keys,
            key_passphrase,
            password,
            host_key_checking,
            known_hosts,
            proxy_jump,
            ssh_config,
            common_args,
            connect_timeout,
            retries,
            remote_tmp: _,
        } = destination;
        let arguments = args::parse(name, common_args)?;
        let mut lines = Vec::new();
        lines.extend(port.map(|port| format!("Port {port}")));
        lines.extend(user.as_ref().map(|user| format!("User {}", quoted(user))));
        lines.extend(proxy_jump.as_ref().map(|jump| format!("ProxyJump {}", quoted(jump))));
        let mut overrides = ssh_config::overrides(&format!("connection variables of `{name}`"), &lines)?;
        overrides.extend(ssh_config::overrides(&format!("ssh arguments of `{name}`"), &arguments.lines)?);
        let file = ssh_config
            .as_ref()
            .or(arguments.file.as_ref())
            .map(|path| surroundings.expand(&path.to_string_lossy()));
        let query = ssh_config::Query { host, overrides: &overrides, file: file.as_deref(), surroundings };
        let configured = ssh_config::evaluate(&query, files)?;

        let mut reader = Reader { configured: &configured, surroundings, tokens: Tokens::default() };
        reader.tokens = Tokens {
            host: host.clone(),
            original: host.clone(),
            port: reader.number("port")?.unwrap_or(22),
            user: reader.text("user").unwrap_or(&surroundings.user).to_owned(),
            local_user: surroundings.user.clone(),
            uid: surroundings.uid,
            home: surroundings.home.display().to_string(),
            local_host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            jump: reader.text("proxyjump").filter(|jump| *jump != "none").unwrap_or_default().to_owned(),
            alias: reader.text("hostkeyalias").unwrap_or(host).to_owned(),
        };
        if let Some(setting) = configured.get("hostname") {
            reader.tokens.host = reader.expand(setting, setting.first())?;
        }

        let mut identities: Vec<PathBuf> = Vec::new();
        let named = private_keys.iter().map(|path| surroundings.expand(&path.to_string_lossy()));
        for path in named.chain(reader.paths(configured.all("identityfile"))?) {
            if !identities.contains(&path) {
                identities.push(path);
            }
        }
        let no_defaults = !identities.is_empty() || !configured.all("identityfile").is_empty();
        let ssh_directory = surroundings.home.join(".ssh");
        let default_identities = if no_defaults {
            Vec::new()
        } else {
            DEFAULT_KEYS.iter().map(|key| ssh_directory.join(key)).collect()
        };

        let known = match known_hosts {
            Some(path) => vec![surroundings.expand(&path.to_string_lossy())],
            None => reader.path_list("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])?,
        };
        let global: &[&str] = if known_hosts.is_some() {
            &[]
        } else {
            &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
        };
        let known_hosts_global = match known_hosts {
            Some(_) => Vec::new(),
            None => reader.path_list("globalknownhostsfile", global)?,
        };
        let methods = reader.text("preferredauthentications").map(str::to_owned);
        let allowed =
            |method: &str| methods.as_ref().is_none_or(|list| list.split(',').any(|known| known == method));
        let keyboard = reader.flag("kbdinteractiveauthentication", true)?
            && reader.flag("challengeresponseauthentication", true)?;
        let keepalive: Option<u64> = reader.number("serveraliveinterval")?;
        let attempts: u32 = reader.number("connectionattempts")?.unwrap_or(1);
        Ok(Self {
            name: name.clone(),
            host: reader.tokens.host.clone(),
            port: reader.tokens.port,
            user: reader.tokens.user.clone(),
            password: password.clone(),
            key_passphrase: key_passphrase.clone(),
            route: reader.route()?,
            alias: reader.text("hostkeyalias").map(str::to_owned),
            identities,
            default_identities,
            certificates: reader.paths(configured.all("certificatefile"))?,
            identities_only: reader.flag("identitiesonly", false)?,
            agent: reader.agent()?,
            checking: match host_key_checking {
                Some(checking) => *checking,
                None => reader.checking()?,
            },
            known_hosts: known,
            known_hosts_global,
            hash_known_hosts: reader.flag("hashknownhosts", false)?,
            keepalive: match keepalive {
                Some(0) => None,
                Some(seconds) => Some(Duration::from_secs(seconds)),
                None => Some(DEFAULT_ALIVE),
            },
            keepalive_max: reader.number("serveralivecountmax")?.unwrap_or(DEFAULT_ALIVE_MAX),
            family: reader.family()?,
            bind: reader.text("bindaddress").filter(|bind| *bind != "*").map(str::to_owned),
            timeout: *connect_timeout,
            attempts: attempts.max(1).saturating_add(*retries),
            publickey: reader.flag("pubkeyauthentication", true)? && allowed("publickey"),
            password_login: reader.flag("passwordauthentication", true)? && allowed("password"),
            keyboard_interactive: keyboard && allowed("keyboard-interactive"),
            preferred: reader.preferred()?,
            environment: reader.environment(),
        })
    }
}

struct Reader<'a> {
    configured: &'a Configured,
    surroundings: &'a Surroundings,
    tokens: Tokens,
}

type Read<T> = Result<T, Box<Diagnostic>>;

impl Reader<'_> {
    fn text(&self, keyword: &str) -> Option<&str> {
        self.configured.get(keyword).map(Setting::first)
    }

    fn number<T: std::str::FromStr>(&self, keyword: &str) -> Read<Option<T>> {
        let Some(setting) = self.configured.get(keyword) else { return Ok(None) };
        let number = setting.first().parse();
        number
            .map(Some)
            .map_err(|_| setting.refuse(format!("`{}` is not a number that fits here", setting.first())))
    }

    fn flag(&self, keyword: &str, otherwise: bool) -> Read<bool> {
        let Some(setting) = self.configured.get(keyword) else { return Ok(otherwise) };
        match setting.first().to_ascii_lowercase().as_str() {
            "yes" | "true" | "unbound" | "host-bound" => Ok(true),
            "no" | "false" => Ok(false),
            other => Err(setting.refuse(format!("`{other}` is neither `yes` nor `no`"))),
        }
    }

    fn expand(&self, setting: &Setting, text: &str) -> Read<String> {
        self.tokens.expand(text).map_err(|message| setting.refuse(message))
    }

    fn path(&self, setting: &Setting, text: &str) -> Read<PathBuf> {
        let text = self.expand(setting, text)?;
        let text = ssh_config::environment(&text, |name| std::env::var(name).ok());
        Ok(self.surroundings.expand(&text.map_err(|message| setting.refuse(message))?))
    }

    fn paths(&self, settings: &[Setting]) -> Read<Vec<PathBuf>> {
        let named = settings.iter().filter(|setting| !setting.first().eq_ignore_ascii_case("none"));
        named.map(|setting| self.path(setting, setting.first())).collect()
    }

    fn path_list(&self, keyword: &str, otherwise: &[&str]) -> Read<Vec<PathBuf>> {
        match self.configured.get(keyword) {
            Some(setting) if setting.first().eq_ignore_ascii_case("none") => Ok(Vec::new()),
            Some(setting) => setting.arguments.iter().map(|path| self.path(setting, path)).collect(),
            None => Ok(otherwise.iter().map(|path| self.surroundings.expand(path)).collect()),
        }
    }

    fn agent(&self) -> Read<Option<PathBuf>> {
        let Some(setting) = self.configured.get("identityagent") else {
            return Ok(self.surroundings.agent.clone());
        };
        match setting.first() {
            "none" => Ok(None),
            "SSH_AUTH_SOCK" => Ok(self.surroundings.agent.clone()),
            text => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => Ok(std::env::var(name).ok().map(PathBuf::from)),
                None => self.path(setting, text).map(Some),
            },
        }
    }

    fn checking(&self) -> Read<HostKeyChecking> {
        let Some(setting) = self.configured.get("stricthostkeychecking") else {
            return Ok(HostKeyChecking::Strict);
        };
        match setting.first().to_ascii_lowercase().as_str() {
            // there is nobody to ask
            "yes" | "true" | "ask" => Ok(HostKeyChecking::Strict),
            "accept-new" => Ok(HostKeyChecking::AcceptNew),
            "no" | "off" | "false" => Ok(HostKeyChecking::Off),
            other => Err(setting.refuse(format!("`{other}` is not one of `yes`, `accept-new`, `no`, `ask`"))),
        }
    }

    fn family(&self) -> Read<Family> {
        let Some(setting) = self.configured.get("addressfamily") else { return Ok(Family::Any) };
        match setting.first().to_ascii_lowercase().as_str() {
            "any" => Ok(Family::Any),
            "inet" => Ok(Family::Inet),
            "inet6" => Ok(Family::Inet6),
            other => Err(setting.refuse(format!("`{other}` is not one of `any`, `inet`, `inet6`"))),
        }
    }

    fn route(&self) -> Read<Route> {
        if let Some(setting) = self.configured.get("proxyjump") {
            if setting.first().eq_ignore_ascii_case("none") {
                return Ok(Route::Direct);
            }
            let list = self.expand(setting, setting.first())?;
            let hosts = list.split(',').map(|host| {
                jump_host(host.trim())
                    .ok_or_else(|| setting.refuse(format!("`{host}` is not `[user@]host[:port]`")))
            });
            return hosts.collect::<Read<Vec<_>>>().map(Route::Jump);
        }
        match self.configured.get("proxycommand") {
            Some(setting) if setting.first().eq_ignore_ascii_case("none") => Ok(Route::Direct),
            Some(setting) => self.expand(setting, &setting.rest).map(Route::Command),
            None => Ok(Route::Direct),
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = Vec::new();
        let set = self.configured.all("setenv").iter().flat_map(|setting| &setting.arguments);
        for (name, value) in set.filter_map(|pair| pair.split_once('=')) {
            if !out.iter().any(|(known, _)| known == name) {
                out.push((name.to_owned(), value.to_owned()));
            }
        }
        let patterns: Vec<&str> = self
            .configured
            .all("sendenv")
            .iter()
            .flat_map(|setting| &setting.arguments)
            .map(String::as_str)
            .collect();
        let positive: Vec<&str> =
            patterns.iter().copied().filter(|pattern| !pattern.starts_with('-')).collect();
        if !positive.is_empty() {
            let here = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            for (name, value) in here.filter(|(name, _)| matches_any(positive.iter().copied(), name)) {
                if !out.iter().any(|(known, _)| *known == name) {
                    out.push((name, value));
                }
            }
        }
        out
    }

    fn preferred(&self) -> Read<Preferred> {
        const CIPHERS: &[cipher::Name] =
            &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];
        // only on request: russh's is a tenth as fast
        const MORE_CIPHERS: &[cipher::Name] =
            &[cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
        let default = Preferred::DEFAULT;
        let mut supported = CIPHERS.to_vec();
        supported.extend_from_slice(MORE_CIPHERS);
        let ciphers = self.choose("ciphers", CIPHERS, &supported, |name| name.as_ref().to_owned())?;
        let mut macs = default.mac.to_vec();
        macs.extend([mac::HMAC_SHA1_ETM, mac::HMAC_SHA1]);
        let macs = self.choose("macs", &default.mac, &macs, |name| name.as_ref().to_owned())?;

        let is_extension = |name: &kex::Name| {
            name.as_ref().starts_with("ext-info") || name.as_ref().starts_with("kex-strict")
        };
        let (extensions, exchanges): (Vec<_>, Vec<_>) =
            default.kex.iter().partition(|name| is_extension(name));
        let mut more = exchanges.clone();
        more.extend([
            kex::ECDH_SHA2_NISTP256,
            kex::ECDH_SHA2_NISTP384,
            kex::ECDH_SHA2_NISTP521,
            kex::DH_G14_SHA1,
        ]);
        let mut ours = exchanges;
        ours.extend([kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521]);
        let mut exchanges = self.choose("kexalgorithms", &ours, &more, |name| name.as_ref().to_owned())?;
        exchanges.extend(extensions);

        let keys: Vec<Algorithm> =
            default.key.iter().filter(|key| !matches!(key, Algorithm::Rsa { hash: None })).cloned().collect();
        let keys = self.choose("hostkeyalgorithms", &keys, &default.key, Algorithm::to_string)?;
        Ok(Preferred {
            kex: Cow::Owned(exchanges),
            key: Cow::Owned(keys),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(ciphers),
            mac: Cow::Owned(macs),
            compression: Cow::Borrowed(&[russh::compression::NONE]),
        })
    }

    /// The algorithms that a list allows, in our order: plain, or with `+`, `-`, `^` before it as ssh_config(5).
    fn choose<T: Clone + PartialEq>(
        &self,
        keyword: &str,
        default: &[T],
        supported: &[T],
        name: impl Fn(&T) -> String,
    ) -> Read<Vec<T>> {
        let Some(setting) = self.configured.get(keyword) else { return Ok(default.to_vec()) };
        let (mode, list) = match setting.first().split_at_checked(1) {
            Some((mode @ ("+" | "-" | "^"), list)) => (mode, list),
            _ => ("", setting.first()),
        };
        let listed = |algorithm: &T| matches_any(list.split(','), &name(algorithm));
        let chosen: Vec<T> = match mode {
            "-" => default.iter().filter(|algorithm| !listed(algorithm)).cloned().collect(),
            "" => supported.iter().filter(|algorithm| listed(algorithm)).cloned().collect(),
            _ => supported
                .iter()
                .filter(|algorithm| default.contains(algorithm) || listed(algorithm))
                .cloned()
                .collect(),
        };
        if chosen.is_empty() {
            let ours: Vec<String> = supported.iter().map(name).collect();
            let message = format!("none of `{}` is supported", setting.first());
            return Err(Box::new((*setting.refuse(message)).hint(format!("fleet has {}", ours.join(", ")))));
        }
        Ok(chosen)
    }
}

/// `[user@]host[:port]`, or the same after `ssh://`.
fn jump_host(text: &str) -> Option<JumpHost> {
    let text = text.strip_prefix("ssh://").map_or(text, |rest| rest.trim_end_matches('/'));
    let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None if rest.matches(':').count() > 1 => (rest, None),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
        None => None,
    };
    let (host, user) = (host.to_owned(), user.map(str::to_owned));
    (!host.is_empty() && user.as_deref() != Some("")).then_some(JumpHost { user, host, port })
}

/// The algorithm with which an RSA key signs nowadays.
pub(super) fn is_rsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { .. })
}

/// What an RSA key signs with when the server does not say what it can verify.
pub(super) const RSA_HASH: HashAlg = HashAlg::Sha512;

#[cfg(test)]
mod tests;
