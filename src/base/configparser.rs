//! INI files as Python's `configparser` reads them.

use indexmap::IndexMap;

/// What an option is set to; nothing where it stands alone.
type Setting = Option<String>;

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether the case of options counts.
    pub case_sensitive: bool,
    /// Whether an option may stand without a value.
    pub allow_no_value: bool,
}

/// A file taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    rules: Rules,
    /// `[DEFAULT]`, which is seen in every section.
    pub defaults: IndexMap<String, Setting>,
    /// The other sections in order.
    pub sections: IndexMap<String, IndexMap<String, Setting>>,
}

/// Why a file or a value of it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An option before the first section.
    #[error("the file has no section headers (line {0})")]
    NoSection(usize),
    /// A line that is neither a section nor an option.
    #[error("line {0} cannot be read: {1}")]
    Line(usize, String),
    /// A section that is there already.
    #[error("the section `{1}` already exists (line {0})")]
    DuplicateSection(usize, String),
    /// An option that is there already.
    #[error("the option `{2}` in the section `{1}` already exists (line {0})")]
    DuplicateOption(usize, String, String),
    /// `%(…)s` that cannot be replaced.
    #[error("{0}")]
    Interpolation(String),
}

/// How deep `%(…)s` may nest.
const MAX_DEPTH: usize = 10;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn parse(text: &str, rules: Rules) -> Result<Self, Error> {
        let mut config = Self { rules, ..Self::default() };
        let mut section: Option<String> = None;
        // the option that a deeper line continues, and how deep its own line is
        let mut open: Option<(String, usize)> = None;
        for (index, raw) in text.lines().enumerate() {
            let number = index + 1;
            let line = raw.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.len() - raw.trim_start().len();
            if line.is_empty() {
                if let (Some((option, _)), Some(section)) = (&open, &section)
                    && let Some(Some(value)) = config.options(section).get_mut(option)
                {
                    value.push('\n');
                }
                continue;
            }
            if let (Some((option, depth)), Some(section)) = (&open, &section)
                && indent > *depth
                && let Some(value) = config.options(section).get_mut(option)
            {
                let value = value.get_or_insert_default();
                value.push('\n');
                value.push_str(line);
                continue;
            }
            open = None;
            if let Some(name) =
                line.strip_prefix('[').and_then(|rest| rest.rfind(']').and_then(|at| rest.get(..at)))
            {
                if name != "DEFAULT" {
                    if config.sections.contains_key(name) {
                        return Err(Error::DuplicateSection(number, name.to_owned()));
                    }
                    config.sections.insert(name.to_owned(), IndexMap::new());
                }
                section = Some(name.to_owned());
                continue;
            }
            let Some(section) = &section else { return Err(Error::NoSection(number)) };
            let (option, value) = match line.find(['=', ':']) {
                Some(at) => {
                    let (option, value) = line.split_at(at);
                    (option.trim_end(), Some(value.get(1..).unwrap_or_default().trim().to_owned()))
                }
                None if rules.allow_no_value => (line, None),
                None => return Err(Error::Line(number, line.to_owned())),
            };
            if option.is_empty() {
                return Err(Error::Line(number, line.to_owned()));
            }
            let option = config.option_name(option);
            if config.options(section).insert(option.clone(), value).is_some() {
                return Err(Error::DuplicateOption(number, section.clone(), option));
            }
            open = Some((option, indent));
        }
        for options in config.sections.values_mut().chain([&mut config.defaults]) {
            for value in options.values_mut().flatten() {
                value.truncate(value.trim_end_matches('\n').len());
            }
        }
        Ok(config)
    }

    fn option_name(&self, name: &str) -> String {
        if self.rules.case_sensitive { name.to_owned() } else { name.to_lowercase() }
    }

    fn options(&mut self, section: &str) -> &mut IndexMap<String, Setting> {
        match section {
            "DEFAULT" => &mut self.defaults,
            other => self.sections.entry(other.to_owned()).or_default(),
        }
    }

    /// The options of a section with the defaults, not interpolated; nothing where there is no such section.
    pub fn items(&self, section: &str) -> Option<IndexMap<String, Setting>> {
        let own = match section {
            "DEFAULT" => None,
            other => Some(self.sections.get(other)?),
        };
        let mut items = self.defaults.clone();
        items.extend(own.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        Some(items)
    }

    /// The value of an option of a section, not interpolated.
    pub fn get(&self, section: &str, option: &str) -> Option<&Setting> {
        let name = self.option_name(option);
        self.sections.get(section).and_then(|options| options.get(&name)).or_else(|| self.defaults.get(&name))
    }

    /// A value with `%(option)s` replaced and `%%` made one, as `BasicInterpolation`.
    ///
    /// # Errors
    /// An option that is not there, or a lone `%`.
    pub fn interpolated(&self, section: &str, value: &str) -> Result<String, Error> {
        self.interpolate(section, value, 0)
    }

    fn interpolate(&self, section: &str, value: &str, depth: usize) -> Result<String, Error> {
        let failed = |message: String| Err(Error::Interpolation(message));
        if depth > MAX_DEPTH {
            return failed(format!("`%(…)s` nests too deeply: {value}"));
        }
        let mut text = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            text.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            if let Some(after) = rest.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(")s")) else {
                return failed(format!("'%' must be followed by '%' or '(', found: '%{rest}'"));
            };
            let Some(found) = self.get(section, name) else {
                return failed(format!("`{name}`, which `{value}` refers to, is not there"));
            };
            text.push_str(&self.interpolate(section, found.as_deref().unwrap_or_default(), depth + 1)?);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_defaults_and_continued_values() {
        let text = "[DEFAULT]\nhome=/srv\n# no\n[Web]\nPort: 80\ndir = %(home)s/x\nlong = a\n  b\n\n  c\n\n[other]\nn=1\n";
        let config = Config::parse(text, Rules::default()).unwrap();
        assert_eq!(config.get("Web", "PORT"), Some(&Some("80".to_owned())));
        assert_eq!(config.get("Web", "long"), Some(&Some("a\nb\n\nc".to_owned())));
        assert_eq!(config.get("other", "home"), Some(&Some("/srv".to_owned())));
        assert_eq!(config.interpolated("Web", "%(dir)s 5%%"), Ok("/srv/x 5%".to_owned()));
        assert!(config.interpolated("Web", "%(nope)s").is_err() && config.interpolated("Web", "5%").is_err());
        assert_eq!(config.items("other").unwrap().len(), 2);
        assert_eq!(config.items("nope"), None);
    }

    #[test]
    fn mistakes_have_their_line() {
        let parse = |text: &str| Config::parse(text, Rules::default()).unwrap_err();
        assert_eq!(parse("a=1"), Error::NoSection(1));
        assert_eq!(parse("[s]\na"), Error::Line(2, "a".into()));
        assert_eq!(parse("[s]\na=1\nA=2"), Error::DuplicateOption(3, "s".into(), "a".into()));
        assert_eq!(parse("[s]\n[s]"), Error::DuplicateSection(2, "s".into()));
        let rules = Rules { case_sensitive: true, allow_no_value: true };
        let config = Config::parse("[s]\na\nA=2", rules).unwrap();
        assert_eq!((config.get("s", "a"), config.get("s", "A")), (Some(&None), Some(&Some("2".into()))));
    }
}
