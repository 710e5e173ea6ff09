//! The lines with which rsync tells what it changes: `<f.st...... name`.

use super::MARK;
use crate::modules::diff::Diff;

/// A path that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    flags: &'a str,
    path: &'a str,
}

/// The paths that change.
pub(super) fn read(said: &str) -> Vec<Item<'_>> {
    let lines = said.lines().filter_map(|line| line.split_once(MARK)).map(|(_, line)| line);
    // `*deleting   name`; all others are eleven marks, some of which may be spaces
    let items = lines.filter_map(|line| {
        let end = if line.starts_with('*') { line.find(' ')? } else { 11 };
        let (flags, path) = line.split_at_checked(end)?;
        Some(Item { flags, path: path.trim_start() })
    });
    items.filter(|item| !item.is_idle()).collect()
}

impl Item<'_> {
    /// Whether it is only told of (`-vv`).
    fn is_idle(&self) -> bool {
        self.flags.starts_with('.') && self.flags.chars().skip(2).all(|mark| matches!(mark, ' ' | '.'))
    }

    /// What differs, below the destination.
    pub(super) fn diff(&self, root: &str) -> Diff {
        let path = self.path.trim_end_matches('/');
        let subject = if matches!(path, "" | ".") { root.to_owned() } else { format!("{root}/{path}") };
        if self.flags.starts_with("*deleting") {
            return Diff::attribute(subject, "state", "present", "absent");
        }
        if self.flags.starts_with('h') {
            return Diff::attribute(subject, "link", "", "to what is equal");
        }
        let mut letters = self.flags.chars().skip(1);
        let kind = match letters.next() {
            Some('d') => "directory",
            Some('L') => "link",
            Some('D') => "device",
            Some('S') => "special",
            _ => "file",
        };
        let marks: Vec<char> = letters.collect();
        if marks.contains(&'+') {
            return Diff::attribute(subject, "state", "absent", kind);
        }
        let named = |mark: &char| match mark.to_ascii_lowercase() {
            'c' => Some("content"),
            's' => Some("size"),
            't' => Some("time"),
            'p' => Some("mode"),
            'o' => Some("owner"),
            'g' => Some("group"),
            'a' => Some("acl"),
            'x' => Some("attributes"),
            _ => None,
        };
        let what: Vec<&str> = marks.iter().filter_map(named).collect();
        Diff::attribute(subject, what.join(", "), "", "as the source")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_line_by_line() {
        let said = "sending incremental file list\n<<CHANGED>>cd+++++++++ sub/\n<<CHANGED>><f.st...... a b\n\
                    <<CHANGED>>*deleting   old\n<<CHANGED>>.d..t...... ./\n\
                    <<CHANGED>>.f          same\n<<CHANGED>>hf          linked\n";
        let diffs: Vec<Diff> = read(said).iter().map(|item| item.diff("/srv")).collect();
        assert_eq!(
            diffs,
            [
                Diff::attribute("/srv/sub", "state", "absent", "directory"),
                Diff::attribute("/srv/a b", "size, time", "", "as the source"),
                Diff::attribute("/srv/old", "state", "present", "absent"),
                Diff::attribute("/srv", "time", "", "as the source"),
                Diff::attribute("/srv/linked", "link", "", "to what is equal"),
            ]
        );
    }
}
