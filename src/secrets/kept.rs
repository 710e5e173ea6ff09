//! The names under which passwords are kept, and which of them counts for a host.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::Secret;

/// What a password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Logging in.
    Ssh,
    /// Becoming another user.
    Become,
}

impl Purpose {
    /// How names begin.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Become => "become",
        }
    }
}

/// The name of a password: `ssh` or `become`, of one host (`ssh/HOST`), of one login user (`ssh/USER@`) or of both
/// (`ssh/USER@HOST`); `vault`, or `vault/ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// In words, if nothing would look for it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, scope) = text.split_once('/').map_or((text, None), |(word, scope)| (word, Some(scope)));
        let plain =
            |scope: &str| !scope.is_empty() && !scope.contains(|c: char| c.is_whitespace() || c.is_control());
        let valid = match (word, scope) {
            ("ssh" | "become" | "vault", None) => true,
            ("vault", Some(id)) => plain(id) && !id.contains(';'),
            ("ssh" | "become", Some(scope)) => plain(scope) && scope != "@",
            _ => false,
        };
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err("the names are `ssh`, `ssh/HOST`, `ssh/USER@`, `ssh/USER@HOST`, the same with `become`, `vault` and \
             `vault/ID`"
            .to_owned())
    }

    /// The name of the password of a vault id.
    pub fn of_vault(id: &str) -> Self {
        Self(if id == super::DEFAULT_ID { "vault".to_owned() } else { format!("vault/{id}") })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The passwords for one purpose, by the source that they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passwords {
    /// From the environment, a file or a program: for all hosts.
    pub given: Option<Secret>,
    /// From the keyring or the encrypted file, by name.
    pub kept: BTreeMap<String, Secret>,
    /// What somebody has typed: for all hosts.
    pub asked: Option<Secret>,
}

impl Passwords {
    /// The password for a user on a host, which may have several names: what is given counts first, then what is kept for
    /// both, for the host, for the user and for all, then what was typed.
    pub fn of(&self, purpose: Purpose, user: Option<&str>, hosts: &[&str]) -> Option<Secret> {
        let word = purpose.word();
        let both = hosts.iter().filter_map(|host| Some(format!("{word}/{}@{host}", user?)));
        let host = hosts.iter().map(|host| format!("{word}/{host}"));
        let user = user.map(|user| format!("{word}/{user}@"));
        let mut names = both.chain(host).chain(user).chain([word.to_owned()]);
        self.given
            .clone()
            .or_else(|| names.find_map(|name| self.kept.get(&name).cloned()))
            .or_else(|| self.asked.clone())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        self.given.iter().chain(self.kept.values()).chain(&self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in ["ssh", "become", "vault", "ssh/web1", "ssh/deploy@web1", "become/deploy@", "vault/prod"]
        {
            assert_eq!(Name::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "sh", "ssh/", "ssh/@", "ssh/a b", "vault/", "vault/a;b", "x/y"] {
            assert!(Name::parse(name).is_err(), "{name}");
        }
        assert_eq!(Name::of_vault("default").to_string(), "vault");
        assert_eq!(Name::of_vault("prod").to_string(), "vault/prod");
    }

    #[test]
    fn the_narrowest_name_counts() {
        let kept = ["ssh", "ssh/ada@", "ssh/web1", "ssh/10.0.0.2", "ssh/ada@web1", "become"];
        let all = Passwords {
            kept: kept.iter().map(|name| ((*name).to_owned(), Secret::new(*name))).collect(),
            asked: Some(Secret::new("typed")),
            ..Passwords::default()
        };
        let of = |purpose, user: Option<&str>, hosts: &[&str]| {
            all.of(purpose, user, hosts).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(of(Purpose::Ssh, Some("ada"), &["web1"]).as_deref(), Some("ssh/ada@web1"));
        assert_eq!(of(Purpose::Ssh, Some("bob"), &["web1"]).as_deref(), Some("ssh/web1"));
        assert_eq!(of(Purpose::Ssh, None, &["web2", "10.0.0.2"]).as_deref(), Some("ssh/10.0.0.2"));
        assert_eq!(of(Purpose::Ssh, Some("ada"), &["web2"]).as_deref(), Some("ssh/ada@"));
        assert_eq!(of(Purpose::Ssh, None, &["web2"]).as_deref(), Some("ssh"));
        assert_eq!(of(Purpose::Become, Some("ada"), &["web1"]).as_deref(), Some("become"));
        let given = Passwords { given: Some(Secret::new("given")), ..all.clone() };
        assert_eq!(given.of(Purpose::Ssh, Some("ada"), &["web1"]), Some(Secret::new("given")));
        let typed = Passwords { kept: BTreeMap::new(), ..all };
        assert_eq!(typed.of(Purpose::Become, None, &["web1"]), Some(Secret::new("typed")));
    }
}
