//! Evaluates the configuration for one host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keywords::{Use, usage};
use super::lexer::{Line, Word};
use super::pattern::{matches, matches_any};
use super::{Configured, Files, Setting};
use crate::base::{Diagnostic, Kind, Place, Source};
use crate::transport::surroundings::Surroundings;

/// As OpenSSH: an `Include` in an `Include` … this deep.
const MAX_DEPTH: usize = 16;

/// For which host, and from where.
pub(crate) struct Query<'a> {
    /// The name that was given.
    pub(crate) host: &'a str,
    /// What counts before all files (`-o`, `-p` …).
    pub(crate) overrides: &'a [Line],
    /// A file instead of the user's and the system's (`-F`); `none` for no file.
    pub(crate) file: Option<&'a Path>,
    /// The user, home directory …
    pub(crate) surroundings: &'a Surroundings,
}

/// What the configuration says for a host.
pub(crate) fn evaluate(query: &Query<'_>, files: &Files) -> Result<Configured, Box<Diagnostic>> {
    let mut walk = Walk {
        query,
        files,
        out: Configured::default(),
        final_pass: false,
        final_wanted: false,
        ignored: Vec::new(),
    };
    walk.everything()?;
    if walk.final_wanted {
        walk.final_pass = true;
        if let Some(name) = walk.out.get("hostname").cloned() {
            let host = Setting { arguments: vec![walk.host_name(&name)?], ..name };
            walk.out.first.insert("hostname".to_owned(), host);
        }
        walk.everything()?;
    }
    Ok(walk.out)
}

struct Walk<'a> {
    query: &'a Query<'a>,
    files: &'a Files,
    out: Configured,
    final_pass: bool,
    final_wanted: bool,
    /// Patterns of `IgnoreUnknown`.
    ignored: Vec<String>,
}

impl Walk<'_> {
    fn everything(&mut self) -> Result<(), Box<Diagnostic>> {
        let mut active = true;
        for line in self.query.overrides {
            self.line(line, &mut active, Path::new("."), 0)?;
        }
        let Surroundings { home, system_config, .. } = self.query.surroundings;
        let user_directory = home.join(".ssh");
        match self.query.file {
            Some(path) if path == Path::new("none") => Ok(()),
            Some(path) => match self.files.read(path)? {
                Some(lines) => self.lines(&lines, &user_directory, true, 0),
                None => {
                    let place = Place::start_of(&Source::new(path, ""));
                    Err(Box::new(
                        Diagnostic::error(Kind::File, "there is no such SSH configuration").at(&place),
                    ))
                }
            },
            None => {
                let system_directory = system_config.parent().unwrap_or(Path::new("/")).to_path_buf();
                for (path, directory) in [
                    (user_directory.join("config"), &user_directory),
                    (system_config.clone(), &system_directory),
                ] {
                    if let Some(lines) = self.files.read(&path)? {
                        self.lines(&lines, directory, true, 0)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn lines(
        &mut self,
        lines: &Arc<Vec<Line>>,
        base: &Path,
        active: bool,
        depth: usize,
    ) -> Result<(), Box<Diagnostic>> {
        // An included file's own blocks end with it, and none of them is active where the `Include` is not.
        let mut inner = active;
        for line in lines.iter() {
            self.line(line, &mut inner, base, depth)?;
            inner = inner && active;
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: &Line,
        active: &mut bool,
        base: &Path,
        depth: usize,
    ) -> Result<(), Box<Diagnostic>> {
        match line.keyword.as_str() {
            "host" => {
                let patterns = line.arguments.iter().map(|word| word.text.as_str());
                *active = matches_any(patterns, self.query.host);
                return Ok(());
            }
            "match" => {
                *active = self.criteria(line)?;
                return Ok(());
            }
            _ if !*active => return Ok(()),
            "include" => return self.include(line, base, depth),
            "ignoreunknown" => {
                let patterns = line.arguments.iter().flat_map(|word| word.text.split(','));
                self.ignored.extend(patterns.map(str::to_ascii_lowercase));
                return Ok(());
            }
            _ => {}
        }
        let Some(usage) = usage(&line.keyword) else {
            if matches_any(self.ignored.iter().map(String::as_str), &line.keyword) {
                return Ok(());
            }
            let message = format!("`{}` is not an SSH option that fleet knows", line.spelled);
            let hint = "take it out, put `IgnoreUnknown` before it, or give fleet a configuration of its own with `-F`";
            return Err(Box::new(Diagnostic::error(Kind::Unsupported, message).at(&line.place).hint(hint)));
        };
        let setting = Setting {
            arguments: line.arguments.iter().map(|word| word.text.clone()).collect(),
            rest: line.rest.clone(),
            place: line.place.clone(),
        };
        match usage {
            Use::Harmless => {}
            Use::Only(values) => {
                if !values.iter().any(|value| value.eq_ignore_ascii_case(setting.first())) {
                    let message = format!("`{} {}` is not supported", line.spelled, line.rest);
                    let hint = "it would change how fleet connects, so it is not ignored";
                    return Err(Box::new(
                        Diagnostic::error(Kind::Unsupported, message).at(&line.place).hint(hint),
                    ));
                }
            }
            Use::First | Use::All if setting.arguments.is_empty() => {
                return Err(setting.refuse(format!("`{}` has no value", line.spelled)));
            }
            Use::First => {
                // whichever of the two stands first shuts the other out
                let other = match line.keyword.as_str() {
                    "proxyjump" => self.out.get("proxycommand"),
                    "proxycommand" => self.out.get("proxyjump"),
                    _ => None,
                };
                if other.is_none() {
                    self.out.set(&line.keyword, setting);
                }
            }
            Use::All => self.out.add(&line.keyword, setting),
        }
        Ok(())
    }

    fn criteria(&mut self, line: &Line) -> Result<bool, Box<Diagnostic>> {
        let unsupported = |word: &Word| {
            let message = format!("`Match {}` is not supported", word.text);
            Err(Box::new(Diagnostic::error(Kind::Unsupported, message).at(&word.place)))
        };
        if line.arguments.is_empty() {
            return Err(Box::new(
                Diagnostic::error(Kind::BadValue, "`Match` has no criteria").at(&line.place),
            ));
        }
        let mut result = true;
        let mut words = line.arguments.iter();
        while let Some(word) = words.next() {
            let (name, attached) = match word.text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.text.as_str(), None),
            };
            let (name, negated) = name.strip_prefix('!').map_or((name, false), |name| (name, true));
            let mut value = || match attached {
                Some(value) => Ok(value),
                None => words.next().map(|word| word.text.as_str()).ok_or_else(|| {
                    let message = format!("`Match {name}` has no value");
                    Box::new(Diagnostic::error(Kind::BadValue, message).at(&word.place))
                }),
            };
            let holds = match name.to_ascii_lowercase().as_str() {
                "all" => true,
                "canonical" => self.final_pass,
                "final" => {
                    self.final_wanted = true;
                    self.final_pass
                }
                "host" => {
                    let host = match self.out.get("hostname") {
                        Some(name) => self.host_name(name)?,
                        None => self.query.host.to_owned(),
                    };
                    matches_any(value()?.split(','), &host)
                }
                "originalhost" => matches_any(value()?.split(','), self.query.host),
                "user" => {
                    let user =
                        self.out.get("user").map_or(self.query.surroundings.user.as_str(), Setting::first);
                    matches_any(value()?.split(','), user)
                }
                "localuser" => matches_any(value()?.split(','), &self.query.surroundings.user),
                // What is certain to be skipped is skipped; what would have to be evaluated is refused.
                "exec" | "localnetwork" | "tagged" | "command" | "version" | "sessiontype" if !result => {
                    value()?;
                    false
                }
                _ => return unsupported(word),
            };
            result = result && holds != negated;
        }
        Ok(result)
    }

    /// `HostName` with `%h` and `%%` replaced.
    fn host_name(&self, name: &Setting) -> Result<String, Box<Diagnostic>> {
        let tokens = super::Tokens { host: self.query.host.to_owned(), ..super::Tokens::default() };
        tokens.expand(name.first()).map_err(|message| name.refuse(message))
    }

    fn include(&mut self, line: &Line, base: &Path, depth: usize) -> Result<(), Box<Diagnostic>> {
        if depth >= MAX_DEPTH {
            let message = "too many `Include` within each other";
            return Err(Box::new(Diagnostic::error(Kind::BadValue, message).at(&line.place)));
        }
        for word in &line.arguments {
            let path = super::environment(&word.text, |name| std::env::var(name).ok())
                .map_err(|message| Box::new(Diagnostic::error(Kind::BadValue, message).at(&word.place)))?;
            let path = base.join(self.query.surroundings.expand(&path));
            for file in glob(&path) {
                if let Some(lines) = self.files.read(&file)? {
                    self.lines(&lines, base, true, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// The files that a path with wildcards stands for, sorted, as glob(7).
fn glob(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        let name = component.as_os_str().to_string_lossy();
        if !name.contains(['*', '?']) {
            for path in &mut found {
                path.push(component);
            }
            continue;
        }
        let mut next = Vec::new();
        for directory in found {
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let visible = names.filter(|entry| name.starts_with('.') || !entry.starts_with('.'));
            next.extend(visible.filter(|entry| matches(&name, entry)).map(|entry| directory.join(entry)));
        }
        next.sort();
        found = next;
    }
    found
}
