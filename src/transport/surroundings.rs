//! What fleet takes from the place it is started in: the user, the home directory, the agent.

use std::path::{Path, PathBuf};

/// The local user and environment as far as connections depend on them.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Login name of the local user.
    pub user: String,
    /// Its number.
    pub uid: u32,
    /// Its home directory.
    pub home: PathBuf,
    /// `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
    /// The system's SSH configuration.
    pub system_config: PathBuf,
}

impl Surroundings {
    /// As the process finds them. `HOME` counts before the password file, as for most programs; the password file is
    /// read as a file, because asking the system's name service is not safe in a static binary.
    pub fn of_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let entry = passwd_entry(uid);
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let user = entry.as_ref().map(|(name, _)| name.clone());
        let user = user.or_else(|| variable("USER")).or_else(|| variable("LOGNAME"));
        let home = variable("HOME").map(PathBuf::from).or_else(|| entry.map(|(_, home)| home));
        Self {
            user: user.unwrap_or_else(|| uid.to_string()),
            uid,
            home: home.unwrap_or_else(|| PathBuf::from("/")),
            agent: variable("SSH_AUTH_SOCK").map(PathBuf::from),
            system_config: PathBuf::from("/etc/ssh/ssh_config"),
        }
    }

    /// A path with a leading `~` or `~user` made absolute.
    pub fn expand(&self, path: &str) -> PathBuf {
        let Some(rest) = path.strip_prefix('~') else {
            return PathBuf::from(path);
        };
        let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() || name == self.user {
            return join(&self.home, below);
        }
        home_of(name).map_or_else(|| PathBuf::from(path), |home| join(&home, below))
    }
}

fn join(home: &Path, below: &str) -> PathBuf {
    if below.is_empty() { home.to_path_buf() } else { home.join(below) }
}

fn passwd_entry(uid: u32) -> Option<(String, PathBuf)> {
    fields_where(|name, number, home| {
        (number.parse() == Ok(uid)).then(|| (name.to_owned(), PathBuf::from(home)))
    })
}

fn home_of(user: &str) -> Option<PathBuf> {
    fields_where(|name, _, home| (name == user).then(|| PathBuf::from(home)))
}

fn fields_where<T>(mut wanted: impl FnMut(&str, &str, &str) -> Option<T>) -> Option<T> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number, home) = (fields.next()?, fields.nth(1)?, fields.nth(2)?);
        wanted(name, number, home)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tildes_are_expanded_without_the_name_service() {
        let mut here = Surroundings::of_process();
        here.home = PathBuf::from("/home/ada");
        here.user = "ada".to_owned();
        assert_eq!(here.expand("~/.ssh/id"), PathBuf::from("/home/ada/.ssh/id"));
        assert_eq!(here.expand("~"), PathBuf::from("/home/ada"));
        assert_eq!(here.expand("~ada/x"), PathBuf::from("/home/ada/x"));
        assert_eq!(here.expand("~root/x"), PathBuf::from("/root/x"));
        assert_eq!(here.expand("/a/~b"), PathBuf::from("/a/~b"));
    }
}
