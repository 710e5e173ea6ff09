//! How a setting's text becomes its value, as Ansible's configuration types do it.

use std::path::{Component, Path, PathBuf};

use super::Surroundings;

/// What a text is read against: relative paths start at the file that names them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base<'a> {
    pub(super) surroundings: &'a Surroundings,
    /// Where relative paths start.
    pub(super) directory: &'a Path,
}

/// A type that a setting can have.
pub(super) trait Read: Sized {
    /// The value where neither a text nor a default is given.
    fn absent() -> Self;
    /// Reads a text.
    ///
    /// # Errors
    /// What the text should have been.
    fn read(text: &str, base: Base<'_>) -> Result<Self, String>;
}

impl<T: Read> Read for Option<T> {
    fn absent() -> Self {
        None
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        T::read(text, base).map(Some)
    }
}

impl Read for bool {
    fn absent() -> Self {
        false
    }

    fn read(text: &str, _: Base<'_>) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "1" | "true" | "t" | "y" | "1.0" => Ok(true),
            "no" | "off" | "0" | "false" | "f" | "n" | "0.0" | "" => Ok(false),
            _ => Err("a boolean".to_owned()),
        }
    }
}

impl Read for i64 {
    fn absent() -> Self {
        0
    }

    fn read(text: &str, _: Base<'_>) -> Result<Self, String> {
        let whole = text.trim().strip_suffix(".0").unwrap_or(text.trim());
        whole.parse().map_err(|_| "a whole number".to_owned())
    }
}

impl Read for u64 {
    fn absent() -> Self {
        0
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        let number = i64::read(text, base)?;
        number.try_into().map_err(|_| "a whole number that is not negative".to_owned())
    }
}

impl Read for u16 {
    fn absent() -> Self {
        0
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        let number = i64::read(text, base)?;
        number.try_into().map_err(|_| "a whole number from 0 to 65535".to_owned())
    }
}

impl Read for f64 {
    fn absent() -> Self {
        0.0
    }

    fn read(text: &str, _: Base<'_>) -> Result<Self, String> {
        text.trim().parse().map_err(|_| "a number".to_owned())
    }
}

impl Read for String {
    fn absent() -> Self {
        Self::new()
    }

    fn read(text: &str, _: Base<'_>) -> Result<Self, String> {
        Ok(unquoted(text).to_owned())
    }
}

/// Items with commas between them.
impl Read for Vec<String> {
    fn absent() -> Self {
        Self::new()
    }

    fn read(text: &str, _: Base<'_>) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::new());
        }
        Ok(text.split(',').map(|item| unquoted(item.trim()).to_owned()).collect())
    }
}

impl Read for PathBuf {
    fn absent() -> Self {
        Self::new()
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        Ok(path(unquoted(text), base))
    }
}

/// Paths with colons between them.
impl Read for Vec<PathBuf> {
    fn absent() -> Self {
        Self::new()
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        Ok(unquoted(text).split(':').filter(|item| !item.is_empty()).map(|item| path(item, base)).collect())
    }
}

/// Inventories with commas between them: paths, or names of hosts, which no comma can be in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommaPaths(pub Vec<PathBuf>);

impl Read for CommaPaths {
    fn absent() -> Self {
        Self::default()
    }

    fn read(text: &str, base: Base<'_>) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(Self(items.map(|item| path(unquoted(item), base)).collect()))
    }
}

/// A path, absolute: `~`, variables of the environment and `{{CWD}}` replaced.
fn path(text: &str, base: Base<'_>) -> PathBuf {
    let text = text.replace("{{CWD}}", &base.surroundings.directory.display().to_string());
    let text = variables(&text, base.surroundings);
    let joined = match text.strip_prefix('~') {
        Some("") => base.surroundings.home.clone(),
        Some(rest) if rest.starts_with('/') => base.surroundings.home.join(rest.trim_start_matches('/')),
        _ => base.directory.join(&text),
    };
    let mut plain = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// `$NAME` and `${NAME}` replaced where the environment has them, as Python's `os.path.expandvars`.
fn variables(text: &str, surroundings: &Surroundings) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, whole) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (after.get(..end).unwrap_or_default(), end)
            }
        };
        match surroundings.environment.get(name) {
            Some(value) => out.push_str(value),
            None => {
                out.push('$');
                out.push_str(after.get(..whole).unwrap_or_default());
            }
        }
        rest = after.get(whole..).unwrap_or_default();
    }
    out + rest
}

/// Without a pair of quotes around it, as Ansible's `unquote`.
pub(super) fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            && !inner.ends_with('\\')
        {
            return inner;
        }
    }
    text
}

/// A setting with a few names to choose from.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Its name in Ansible's configuration.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl $crate::config::value::Read for $name {
            fn absent() -> Self {
                [$(Self::$variant),+][0]
            }

            fn read(text: &str, _: $crate::config::value::Base<'_>) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("one of {}", [$(concat!("`", $text, "`")),+].join(", "))),
                }
            }
        }
    };
}
pub(super) use choice;

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            environment: [("HERE".to_owned(), "/env".to_owned())].into(),
            home: "/home/me".into(),
            directory: "/work".into(),
        }
    }

    #[test]
    fn paths_are_absolute() {
        let surroundings = surroundings();
        let base = Base { surroundings: &surroundings, directory: Path::new("/etc/ansible") };
        let read = |text: &str| PathBuf::read(text, base).unwrap().display().to_string();
        assert_eq!(read("hosts"), "/etc/ansible/hosts");
        assert_eq!(read("./a/../hosts"), "/etc/ansible/hosts");
        assert_eq!(read("~/x"), "/home/me/x");
        assert_eq!(read("$HERE/x"), "/env/x");
        assert_eq!(read("${HERE}y"), "/envy");
        assert_eq!(read("/$NOT/x"), "/$NOT/x");
        assert_eq!(read("{{CWD}}/x"), "/work/x");
        let many: Vec<PathBuf> = Read::read("a:/b:", base).unwrap();
        assert_eq!(many, [Path::new("/etc/ansible/a"), Path::new("/b")]);
    }

    #[test]
    fn texts_lose_their_quotes() {
        assert_eq!(unquoted("\"a b\""), "a b");
        assert_eq!(unquoted("'a"), "'a");
        assert_eq!(unquoted("\""), "\"");
    }

    #[test]
    fn numbers_and_booleans() {
        let surroundings = surroundings();
        let base = Base { surroundings: &surroundings, directory: Path::new("/") };
        assert_eq!(u64::read("5.0", base), Ok(5));
        assert!(u64::read("-1", base).is_err());
        assert!(u64::read("five", base).is_err());
        assert_eq!(bool::read("Yes", base), Ok(true));
        assert!(bool::read("perhaps", base).is_err());
    }
}
