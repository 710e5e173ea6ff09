//! The text of an ansible.cfg as Python's `configparser` reads it (comments `#` and `;`, a `;` after a space ends a
//! value, indented lines go on with the value before), with the place of every option.

use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics, Kind, Place, Source};

/// One option of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The section as written.
    pub(super) section: String,
    /// The option's name in lower case.
    pub(super) key: String,
    /// The value; further lines joined with line breaks.
    pub(super) value: String,
    /// Where the name stands.
    pub(super) place: Place,
}

/// Reads a file. An option that is given twice in a section is an error, as in Ansible.
pub(super) fn parse(source: &Arc<Source>) -> (Vec<Entry>, Diagnostics) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut diagnostics = Diagnostics::default();
    let mut sections: Vec<String> = Vec::new();
    let mut section: Option<String> = None;
    // the indentation of the option that a more indented line goes on with
    let mut open: Option<usize> = None;
    for (number, line) in (1_u32..).zip(source.text.lines()) {
        let line = if number == 1 { line.trim_start_matches('\u{feff}') } else { line };
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let text = without_comment(line);
        let at = Place::new(source, number, u32::try_from(indent).unwrap_or(0) + 1);
        let error = |message: String| Diagnostic::error(Kind::Structure, message).at(&at);
        if text.is_empty() {
            if let (true, Some(_), Some(entry)) = (line.trim().is_empty(), open, entries.last_mut()) {
                entry.value.push('\n');
            }
            continue;
        }
        if let (Some(before), Some(entry)) = (open, entries.last_mut())
            && indent > before
        {
            entry.value.push('\n');
            entry.value.push_str(text);
            continue;
        }
        if let Some(name) =
            text.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(name, _)| name)
        {
            if sections.iter().any(|known| known == name) {
                diagnostics.push(error(format!("the section `[{name}]` is there twice")));
            }
            sections.push(name.to_owned());
            section = Some(name.to_owned());
            open = None;
            continue;
        }
        let Some(section) = &section else {
            diagnostics.push(error("an option before the first section, such as `[defaults]`".to_owned()));
            continue;
        };
        let Some((key, value)) = text.split_once(['=', ':']) else {
            diagnostics.push(error(format!("`{text}` is neither `option = value` nor a section")));
            open = None;
            continue;
        };
        let key = key.trim_end().to_lowercase();
        let length = u32::try_from(key.chars().count()).unwrap_or(1);
        if let Some(first) = entries.iter().find(|entry| entry.section == *section && entry.key == key) {
            let found = error(format!("the option `{key}` is there twice in `[{section}]`"));
            diagnostics.push(found.note("first given here", Some(&first.place)));
        }
        open = Some(indent);
        let place = at.clone().with_length(length);
        entries.push(Entry { section: section.clone(), key, value: value.trim().to_owned(), place });
    }
    for entry in &mut entries {
        entry.value = entry.value.trim_end().to_owned();
    }
    (entries, diagnostics)
}

/// The line without its comment and the space around it.
fn without_comment(line: &str) -> &str {
    let trimmed = line.trim();
    if trimmed.starts_with(['#', ';']) {
        return "";
    }
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == ';' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default().trim();
        }
        before = c;
    }
    trimmed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String, u32)> {
        let (entries, diagnostics) = parse(&Source::new("ansible.cfg", text));
        assert!(diagnostics.0.is_empty(), "{diagnostics:?}");
        entries.into_iter().map(|e| (e.section, e.key, e.value, e.place.line)).collect()
    }

    fn errors(text: &str) -> Vec<String> {
        parse(&Source::new("ansible.cfg", text)).1.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn options_comments_and_further_lines() {
        let text = "# a comment\n[defaults]\nInventory = hosts ; here\nroles_path: a;b\nfilters = one,\n    two\n\n  \
                    # no value\n[ssh_connection]\nssh_args =\n";
        let entry = |section: &str, key: &str, value: &str, line| {
            (section.to_owned(), key.to_owned(), value.to_owned(), line)
        };
        assert_eq!(
            read(text),
            [
                entry("defaults", "inventory", "hosts", 3),
                entry("defaults", "roles_path", "a;b", 4),
                entry("defaults", "filters", "one,\ntwo", 5),
                entry("ssh_connection", "ssh_args", "", 10),
            ]
        );
    }

    #[test]
    fn mistakes_have_places() {
        assert_eq!(
            errors("forks = 1\n[defaults]\nforks\na = 1\na = 2\n[defaults]\n"),
            [
                "ansible.cfg:1:1: an option before the first section, such as `[defaults]`",
                "ansible.cfg:3:1: `forks` is neither `option = value` nor a section",
                "ansible.cfg:5:1: the option `a` is there twice in `[defaults]`",
                "ansible.cfg:6:1: the section `[defaults]` is there twice",
            ]
        );
    }
}
