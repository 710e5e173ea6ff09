//! Paths on a host, as texts: a module never touches a file system, so these are rules of spelling only.

use super::contract::{Halt, fail};

/// A path that a task gives: absolute, from a home directory, or from that of the session, without environment variables.
pub fn checked(parameter: &str, path: &str) -> Result<String, Halt> {
    let variable = |at: usize| {
        path.get(at + 1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{'))
    };
    if path.match_indices('$').any(|(at, _)| variable(at)) {
        return fail(format!(
            "environment variables in parameter `{parameter}` are not supported yet: `{path}`"
        ));
    }
    // a relative one starts where a session does
    Ok(if path.starts_with(['/', '~']) { path.to_owned() } else { format!("~/{path}") })
}

/// Without trailing slashes.
pub fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        trimmed => trimmed,
    }
}

/// The last component, as Python's `os.path.basename`: empty after a trailing slash.
pub fn basename(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The directory of a path without trailing slashes; of a home directory itself.
pub fn parent(path: &str) -> &str {
    match trimmed(path).rsplit_once('/') {
        Some(("", _)) => "/",
        Some((above, _)) => trimmed(above),
        None => path,
    }
}

/// A path below another; an absolute one stands for itself.
pub fn join(directory: &str, below: &str) -> String {
    if below.starts_with('/') {
        below.to_owned()
    } else if directory.ends_with('/') || directory.is_empty() {
        format!("{directory}{below}")
    } else {
        format!("{directory}/{below}")
    }
}

/// The directories above a path, the nearest first, without the root or home directory.
pub fn ancestors(path: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut above = parent(path);
    while above.contains('/') && above != "/" {
        all.push(above);
        above = parent(above);
    }
    all
}

/// A path for a shell's text: quoted, a leading `~` or `~user` left to the shell.
pub fn shell_word(path: &str) -> String {
    let (home, rest) = match path.strip_prefix('~') {
        Some(_) => path.split_at(path.find('/').unwrap_or(path.len())),
        None => ("", path),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "~._-".contains(c);
    if !home.chars().all(plain) {
        return quoted(path);
    }
    if rest.is_empty() { home.to_owned() } else { format!("{home}{}", quoted(rest)) }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_pythons() {
        assert_eq!((trimmed("/a/b//"), trimmed("/"), trimmed("~")), ("/a/b", "/", "~"));
        assert_eq!((basename("/a/b"), basename("/a/"), basename("a")), ("b", "", "a"));
        assert_eq!((parent("/a/b/"), parent("/a"), parent("~/x"), parent("/")), ("/a", "/", "~", "/"));
        assert_eq!(
            (join("/a", "b"), join("/a/", "b"), join("/a", "/b")),
            ("/a/b".into(), "/a/b".into(), "/b".into())
        );
        assert_eq!(ancestors("/a/b/c"), ["/a/b", "/a"]);
        assert_eq!(ancestors("~/a/b"), ["~/a"]);
    }

    #[test]
    fn words_reach_the_shell_whole() {
        assert_eq!(shell_word("/etc/a.conf"), "/etc/a.conf");
        assert_eq!(shell_word("/it's here"), r"'/it'\''s here'");
        assert_eq!(shell_word("~bob/a b"), "~bob'/a b'");
        assert_eq!(shell_word("~$(x)/a"), "'~$(x)/a'");
    }

    #[test]
    fn what_the_host_would_have_to_expand_is_refused() {
        assert!(checked("path", "/x/$HOME").is_err());
        assert_eq!(checked("path", "etc/x").unwrap(), "~/etc/x");
        assert!(checked("path", "~/x").is_ok() && checked("path", "/x/$1").is_ok());
    }
}
