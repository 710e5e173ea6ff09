//! What `zypper --xmlout` says: packages and messages.

use crate::modules::diff::Diff;

/// A package in a list of zypper's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Solvable {
    /// Its name.
    pub(super) name: String,
    version: String,
    old_version: String,
    /// The list: `to-install`, `to-upgrade`, `to-remove`, `solvable-list` …
    group: String,
}

impl Solvable {
    /// What becomes of it.
    pub(super) fn diff(&self) -> Diff {
        let subject = format!("package {}", self.name);
        if self.group.starts_with("to-remove") {
            return Diff::attribute(subject, "version", self.version.clone(), "");
        }
        Diff::attribute(subject, "version", self.old_version.clone(), self.version.clone())
    }
}

/// The tags of a text, each with the text that follows it.
fn tags(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('<').skip(1).filter_map(|piece| piece.split_once('>'))
}

/// The packages.
pub(super) fn solvables(text: &str) -> Vec<Solvable> {
    let mut found: Vec<Solvable> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for (tag, _) in tags(text) {
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('/') {
            groups.pop();
            continue;
        }
        if name == "solvable" {
            let value = |name: &str| attribute(tag, name).unwrap_or_default();
            let solvable = Solvable {
                name: value("name"),
                version: value("edition"),
                old_version: value("edition-old"),
                group: groups.last().copied().unwrap_or_default().to_owned(),
            };
            found.retain(|known| known.name != solvable.name);
            found.push(solvable);
        }
        if !tag.starts_with(['?', '!']) && !tag.ends_with('/') {
            groups.push(name);
        }
    }
    found
}

/// The messages.
pub(super) fn messages(text: &str) -> Vec<String> {
    let messages = tags(text).filter(|(tag, _)| tag.starts_with("message ") || *tag == "message");
    messages.map(|(_, text)| plain(text.trim())).collect()
}

/// The value of ` NAME="value"`.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| plain(value))
}

/// A text without the references of XML.
fn plain(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_messages_are_read() {
        let text = "<?xml version='1.0'?>\n<stream>\n<message type=\"info\">Reading &quot;x&quot;...</message>\n\
                    <install-summary download-size=\"1\">\n<to-upgrade>\n<solvable type=\"package\" name=\"a\" \
                    edition=\"2-1\" arch=\"noarch\" edition-old=\"1-1\" arch-old=\"noarch\"/>\n</to-upgrade>\n\
                    <to-install>\n<solvable type=\"package\" name=\"b\" edition=\"3\" summary=\"x &amp; y\"/>\n\
                    </to-install>\n<to-remove>\n<solvable name=\"c\" edition=\"4\">d</solvable>\n</to-remove>\n\
                    </install-summary>\n</stream>\n";
        let diffs: Vec<Diff> = solvables(text).iter().map(Solvable::diff).collect();
        assert_eq!(
            diffs,
            [
                Diff::attribute("package a", "version", "1-1", "2-1"),
                Diff::attribute("package b", "version", "", "3"),
                Diff::attribute("package c", "version", "4", ""),
            ]
        );
        assert_eq!(messages(text), ["Reading \"x\"..."]);
        assert!(solvables("<?xml version='1.0'?>\n<stream>\n</stream>\n").is_empty());
    }
}
