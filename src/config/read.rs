//! Puts the configuration together from a file's options and the environment, and reports what is wrong in them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::ini::{self, Entry};
use super::others::{OTHERS, QUIET_SECTIONS, QUIET_VARIABLES, REFUSED};
use super::settings::{Config, ROWS};
use super::value::{Base, Read};
use super::{ConfigFile, Loaded, Origin, Setting, Surroundings};
use crate::base::{Diagnostic, Diagnostics, Kind, names};

/// What fleet makes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Honour {
    /// It does what it says.
    Yes,
    /// It cannot change what fleet does: colours of cowsay, Python's own ways, collections' downloads.
    Harmless,
    /// It would change something, and fleet does not do it; why.
    No(&'static str),
}

/// How a setting is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) honour: Honour,
    /// Of several that are set the last wins.
    pub(super) variables: &'static [&'static str],
    /// `section.key`; of several that are set the last wins.
    pub(super) options: &'static [&'static str],
}

/// Where a setting may be set, for who asks for it by name.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What it is where nobody has set it.
    pub default: Option<&'static str>,
    /// Its variables; of several that are set the last wins.
    pub variables: &'static [&'static str],
    /// Its options in the file, each `section.key`.
    pub options: &'static [&'static str],
}

/// The setting of that name.
pub fn known(name: &str) -> Option<Known> {
    let Row { name: _, default, honour: _, variables, options } = rows().find(|row| row.name == name)?;
    Some(Known { default: *default, variables, options })
}

/// Reads the configuration.
pub fn load(surroundings: &Surroundings, file: Option<&ConfigFile>) -> Loaded {
    let mut diagnostics = Diagnostics::default();
    let mut entries = Vec::new();
    if let Some(file) = file {
        let (found, told) = ini::parse(&file.source);
        entries = found;
        diagnostics.extend(told);
    }
    let directory =
        file.map_or_else(|| surroundings.directory.clone(), |file| file.directory().to_path_buf());
    let mut reader = Reader { surroundings, directory, entries: &entries, diagnostics };
    let config = Config::read(&mut reader, file.map(|file| file.path.clone()));
    reader.others();
    reader.unknown_options();
    reader.unknown_variables();
    (config, reader.diagnostics)
}

/// Reads single settings.
pub(super) struct Reader<'a> {
    surroundings: &'a Surroundings,
    directory: PathBuf,
    entries: &'a [Entry],
    diagnostics: Diagnostics,
}

/// What somebody sets who wants a path to be none.
const NOTHING: &str = "/dev/null";

impl Reader<'_> {
    /// A setting's text and where it stands.
    fn given(&self, row: &Row) -> Option<(&str, Origin)> {
        let environment = &self.surroundings.environment;
        let variable = row.variables.iter().rev().find_map(|name| {
            environment.get(*name).map(|text| (text.as_str(), Origin::Variable((*name).into())))
        });
        variable.or_else(|| {
            row.options.iter().rev().find_map(|option| {
                let entry = self.option(option)?;
                Some((entry.value.as_str(), Origin::File(entry.place.clone())))
            })
        })
    }

    fn option(&self, option: &str) -> Option<&Entry> {
        let (section, key) = option.rsplit_once('.')?;
        let within =
            |wanted: &str| self.entries.iter().find(|entry| entry.section == wanted && entry.key == key);
        // as `configparser`: what stands in [DEFAULT] holds for every section that is there
        let there = || self.entries.iter().any(|entry| entry.section == section);
        within(section).or_else(|| there().then(|| within("DEFAULT")).flatten())
    }

    fn base(&self, origin: &Origin) -> Base<'_> {
        let directory = match origin {
            Origin::File(_) => &self.directory,
            Origin::Default | Origin::Variable(_) => &self.surroundings.directory,
        };
        Base { surroundings: self.surroundings, directory }
    }

    /// A setting of the typed configuration.
    pub(super) fn setting<T: Read + PartialEq>(&mut self, row: &Row) -> Setting<T> {
        let otherwise = || {
            let base = self.base(&Origin::Default);
            row.default.and_then(|text| T::read(text, base).ok()).unwrap_or_else(T::absent)
        };
        let Some((text, origin)) = self.given(row) else {
            return Setting { value: otherwise(), origin: Origin::Default };
        };
        match T::read(text, self.base(&origin)) {
            Ok(value) => {
                if let Honour::No(why) = row.honour
                    && value != otherwise()
                    && text != NOTHING
                {
                    let told = not_honoured(row, &origin, why);
                    self.diagnostics.push(told);
                }
                Setting { value, origin }
            }
            // as Ansible: a variable that is empty is as good as none
            Err(_) if text.is_empty() && matches!(origin, Origin::Variable(_)) => {
                Setting { value: otherwise(), origin: Origin::Default }
            }
            Err(wanted) => {
                let value = otherwise();
                let message = format!("`{}` must be {wanted}, not `{text}`", shown_name(row, &origin));
                self.diagnostics.push(placed(Diagnostic::error(Kind::BadValue, message), &origin));
                Setting { value, origin: Origin::Default }
            }
        }
    }

    /// Settings without a field: those that would change something are reported.
    fn others(&mut self) {
        let mut told = Vec::new();
        for row in OTHERS {
            let Honour::No(why) = row.honour else { continue };
            let Some((text, origin)) = self.given(row) else { continue };
            let base = self.base(&origin);
            let default = row.default.unwrap_or_default();
            let same = match (bool::read(text, base), bool::read(default, base)) {
                (Ok(given), Ok(default)) => given == default,
                _ => text == default,
            };
            if !same && text != NOTHING {
                told.push(not_honoured(row, &origin, why));
            }
        }
        self.diagnostics.0.extend(told);
    }

    fn unknown_options(&mut self) {
        let known: BTreeSet<&str> = rows().flat_map(|row| row.options).copied().collect();
        let sections: BTreeSet<&str> =
            known.iter().filter_map(|option| option.rsplit_once('.')).map(|(section, _)| section).collect();
        for entry in self.entries {
            let Entry { section, key, value: _, place } = entry;
            let option = format!("{section}.{key}");
            let quiet =
                QUIET_SECTIONS.iter().any(|prefix| section.starts_with(prefix)) || section == "DEFAULT";
            if quiet || known.contains(option.as_str()) {
                continue;
            }
            if let Some((_, _, why)) = REFUSED.iter().find(|(refused, _, _)| refused == section) {
                let message = format!("the setting `[{section}] {key}` is not honoured: {why}");
                self.diagnostics.push(Diagnostic::warning(Kind::Unsupported, message).at(place));
                continue;
            }
            let near = if sections.contains(section.as_str()) {
                let keys = known.iter().filter_map(|option| option.strip_prefix(&format!("{section}.")));
                names::did_you_mean(key, keys).or_else(|| elsewhere(key, &known))
            } else {
                names::did_you_mean(section, sections.iter().copied())
            };
            let message = format!("`[{section}] {key}` is not a setting, and changes nothing");
            let found = Diagnostic::warning(Kind::UnknownKeyword, message).at(place).maybe_hint(near);
            self.diagnostics.push(found);
        }
    }

    /// Variables that nearly are one of Ansible's: other programs have `ANSIBLE_*` variables of their own.
    fn unknown_variables(&mut self) {
        let known: BTreeSet<&str> = rows().flat_map(|row| row.variables).copied().collect();
        for name in self.surroundings.environment.keys() {
            if !name.starts_with("ANSIBLE_") || known.contains(name.as_str()) || name == "ANSIBLE_CONFIG" {
                continue;
            }
            if let Some((_, _, why)) = REFUSED.iter().find(|(_, start, _)| name.starts_with(start)) {
                let message = format!("the setting `{name}` is not honoured: {why}");
                self.diagnostics.push(Diagnostic::warning(Kind::Unsupported, message));
                continue;
            }
            if QUIET_VARIABLES.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            let near = known.iter().copied().find(|known| is_slip(name, known));
            if let Some(near) = near {
                let message = format!("the variable `{name}` is not a setting, and changes nothing");
                let hint = format!("did you mean `{near}`?");
                self.diagnostics.push(Diagnostic::warning(Kind::UnknownKeyword, message).hint(hint));
            }
        }
    }
}

/// Whether a name is another one with at most two slips.
fn is_slip(name: &str, known: &str) -> bool {
    name.len().abs_diff(known.len()) <= 2 && strsim::damerau_levenshtein(name, known) <= 2
}

fn elsewhere(key: &str, known: &BTreeSet<&str>) -> Option<String> {
    let option =
        known.iter().find(|option| option.rsplit_once('.').is_some_and(|(_, known)| known == key))?;
    let (section, _) = option.rsplit_once('.')?;
    Some(format!("`{key}` belongs into `[{section}]`"))
}

fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(OTHERS)
}

fn shown_name(row: &Row, origin: &Origin) -> String {
    match origin {
        Origin::Variable(name) => name.to_string(),
        Origin::File(_) | Origin::Default => row.name.to_owned(),
    }
}

fn not_honoured(row: &Row, origin: &Origin, why: &str) -> Diagnostic {
    let message = format!("the setting `{}` is not honoured: {why}", shown_name(row, origin));
    placed(Diagnostic::warning(Kind::Unsupported, message), origin)
}

fn placed(diagnostic: Diagnostic, origin: &Origin) -> Diagnostic {
    match origin {
        Origin::File(place) => diagnostic.at(place),
        Origin::Default | Origin::Variable(_) => diagnostic,
    }
}
