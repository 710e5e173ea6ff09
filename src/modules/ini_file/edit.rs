//! The edit itself.

use super::{IniParams, IniState};

/// An option that a section must have.
pub(super) struct Condition {
    pub(super) option: String,
    /// One of these values; none: any.
    pub(super) values: Vec<String>,
}

/// What is to be done.
pub(super) struct Edit<'a> {
    pub(super) params: &'a IniParams,
    pub(super) values: Vec<String>,
    pub(super) conditions: Vec<Condition>,
}

/// What came of it.
pub(super) struct Done {
    pub(super) text: String,
    pub(super) changed: bool,
    pub(super) message: &'static str,
}

/// A line of an option: whether it is commented out, and its value.
fn option_of<'a>(line: &'a str, option: &str) -> Option<(bool, &'a str)> {
    let blank = [' ', '\t'];
    let line = line.trim_end_matches('\n').trim_start_matches(blank);
    let (off, rest) = match line.strip_prefix(['#', ';']) {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let rest = rest.trim_start_matches(blank).strip_prefix(option)?.trim_start_matches(blank);
    let value = match rest.strip_prefix('=') {
        Some(value) => value.trim_start_matches(blank),
        None if rest.is_empty() => "",
        None => return None,
    };
    Some((off, value))
}

fn active<'a>(line: &'a str, option: &str) -> Option<&'a str> {
    option_of(line, option).filter(|(off, _)| !off).map(|(_, value)| value)
}

/// The lines of a section while they are edited.
struct Section {
    lines: Vec<(String, bool)>,
    changed: bool,
    message: &'static str,
}

impl Edit<'_> {
    fn assignment(&self, value: &str) -> String {
        let option = self.params.option.as_deref().unwrap_or_default();
        let sign = if self.params.no_extra_spaces { "=" } else { " = " };
        format!("{option}{sign}{value}\n")
    }

    /// The lines of the section: where it starts (its heading) and ends.
    fn find(&self, lines: &[String]) -> Option<std::ops::Range<usize>> {
        let section = self.params.section.as_deref().filter(|section| !section.is_empty());
        let heads = |line: &str| {
            let name =
                line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name.trim());
            name == section.map(str::trim)
        };
        let end_of = |from: usize| {
            lines.iter().skip(from).position(|line| line.starts_with('[')).map_or(lines.len(), |at| from + at)
        };
        if section.is_none() {
            return Some(0..end_of(0));
        }
        let mut from = 0;
        while let Some(at) = lines.iter().skip(from).position(|line| heads(line)).map(|at| from + at) {
            let end = end_of(at + 1);
            if self.fits(lines.get(at..end).unwrap_or_default()) {
                return Some(at..end);
            }
            from = at + 1;
        }
        None
    }

    fn fits(&self, lines: &[String]) -> bool {
        self.conditions.iter().all(|condition| {
            lines.iter().any(|line| {
                option_of(line, &condition.option).is_some_and(|(_, value)| {
                    condition.values.is_empty() || condition.values.iter().any(|wanted| wanted == value)
                })
            })
        })
    }

    /// Edits a text.
    pub(super) fn run(mut self, text: &str) -> Done {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut changed = false;
        if lines.is_empty() {
            lines.push("\n".to_owned());
        }
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push('\n');
            changed = true;
        }
        let Some(range) = self.find(&lines) else {
            return match self.params.state {
                IniState::Present => self.new_section(lines),
                IniState::Absent => Done { text: lines.concat(), changed, message: "OK" },
            };
        };
        let is_headless = self.params.section.as_deref().unwrap_or_default().is_empty();
        let taken: Vec<String> = lines.splice(range.clone(), []).collect();
        let mut section =
            Section { lines: taken.into_iter().map(|line| (line, false)).collect(), changed, message: "OK" };
        match self.params.state {
            IniState::Present => self.present(&mut section, is_headless),
            IniState::Absent => self.absent(&mut section),
        }
        let Section { lines: edited, changed, message } = section;
        lines.splice(range.start..range.start, edited.into_iter().map(|(line, _)| line));
        Done { text: lines.concat(), changed, message }
    }

    fn set(&self, section: &mut Section, at: usize, line: String) {
        let option = self.params.option.as_deref().unwrap_or_default();
        let Some((found, done)) = section.lines.get_mut(at) else { return };
        *done = true;
        let same_but_spaces = self.params.ignore_spaces
            && active(found, option).is_some_and(|is| Some(is) == active(&line, option));
        if *found != line && !same_but_spaces {
            *found = line;
            section.changed = true;
            section.message = "option changed";
        }
    }

    fn present(&mut self, section: &mut Section, is_headless: bool) {
        let IniParams { option, exclusive, allow_no_value, modify_inactive_option, .. } = self.params;
        let bare = option.as_deref().map(|option| format!("{option}\n"));
        let mut has_bare = false;
        if let (Some(option), Some(bare)) = (option, &bare) {
            let matched = |line: &str| {
                option_of(line, option)
                    .filter(|(off, _)| *modify_inactive_option || !off)
                    .map(|(_, value)| value.to_owned())
            };
            // lines that have a wanted value already
            for at in 0..section.lines.len() {
                let Some(is) = section.lines.get(at).and_then(|(line, _)| matched(line)) else { continue };
                if let Some(wanted) = self.values.iter().position(|value| *value == is) {
                    let line = if is.is_empty() && *allow_no_value {
                        has_bare = true;
                        bare.clone()
                    } else {
                        self.assignment(&is)
                    };
                    self.set(section, at, line);
                    self.values.remove(wanted);
                } else if self.values.is_empty() && *allow_no_value && !has_bare {
                    self.set(section, at, bare.clone());
                    has_bare = true;
                    break;
                }
            }
            if *exclusive && !*allow_no_value {
                // others get the values that are left, and the rest of them goes
                for at in 0..section.lines.len() {
                    let is_free =
                        section.lines.get(at).is_some_and(|(line, done)| !done && matched(line).is_some());
                    if is_free && !self.values.is_empty() {
                        let value = self.values.remove(0);
                        self.set(section, at, self.assignment(&value));
                    }
                }
                let first = usize::from(!is_headless);
                for at in (first..section.lines.len()).rev() {
                    if section.lines.get(at).is_some_and(|(line, done)| !done && matched(line).is_some()) {
                        section.lines.remove(at);
                        section.changed = true;
                        section.message = "option changed";
                    }
                }
            }
        }
        let Some(bare) = bare else { return };
        let mut new: Vec<String> = self.values.iter().map(|value| self.assignment(value)).collect();
        if new.is_empty() && *allow_no_value && !has_bare {
            new.push(bare);
        }
        if new.is_empty() {
            return;
        }
        // after the last line that is neither empty nor a comment
        let is_meant = |line: &str| {
            let line = line.trim_matches(['\n', ' ', '\t']);
            !line.is_empty() && !line.starts_with(['#', ';'])
        };
        let at = section.lines.iter().rposition(|(line, _)| is_meant(line)).map_or(0, |at| at + 1);
        section.lines.splice(at..at, new.into_iter().map(|line| (line, true)));
        section.changed = true;
        section.message = "option added";
    }

    fn absent(&self, section: &mut Section) {
        let count = section.lines.len();
        match &self.params.option {
            None => section.lines.clear(),
            Some(option) if self.params.exclusive => {
                section.lines.retain(|(line, _)| active(line, option).is_none());
            }
            Some(option) => section.lines.retain(|(line, _)| {
                active(line, option).is_none_or(|is| !self.values.iter().any(|value| value == is))
            }),
        }
        if section.lines.len() < count {
            section.changed = true;
            section.message = if self.params.option.is_none() { "section removed" } else { "option changed" };
        }
    }

    /// The section at the end of the file.
    fn new_section(mut self, mut lines: Vec<String>) -> Done {
        let IniParams { section, option, exclusive, allow_no_value, no_extra_spaces, .. } = self.params;
        lines.push(format!("[{}]\n", section.as_deref().unwrap_or_default()));
        let sign = if *no_extra_spaces { "=" } else { " = " };
        for condition in &self.conditions {
            if option.as_ref() != Some(&condition.option) {
                let name = &condition.option;
                lines.extend(condition.values.iter().map(|value| format!("{name}{sign}{value}\n")));
                if condition.values.is_empty() && *allow_no_value {
                    lines.push(format!("{name}\n"));
                }
            } else if !exclusive {
                for value in &condition.values {
                    if !self.values.contains(value) {
                        self.values.push(value.clone());
                    }
                }
            }
        }
        let message = match option {
            Some(_) if !self.values.is_empty() => {
                lines.extend(self.values.iter().map(|value| self.assignment(value)));
                "section and option added"
            }
            Some(option) if *allow_no_value => {
                lines.push(format!("{option}\n"));
                "section and option added"
            }
            _ => "only section added",
        };
        Done { text: lines.concat(), changed: true, message }
    }
}
