//! Differences as values: what `register` sees of them where they are asked for.

use crate::base::{Key, Map, Value};
use crate::map;
use crate::modules::Diff;

/// A list as Ansible has it: of each text what it was and will be, and of the attributes of one thing those that
/// differ.
pub(super) fn registered(diffs: &[Diff]) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let mut attributes: Vec<(&str, Map, Map)> = Vec::new();
    for diff in diffs {
        match diff {
            Diff::Text { subject, before, after } => all.push(Value::map(text(subject, before, after))),
            Diff::Opaque { subject: _, before, after } => {
                let sides = [("dst_binary", before), ("src_binary", after)];
                let there = sides.into_iter().filter(|(_, side)| side.is_some());
                all.push(Value::map(there.map(|(name, _)| (Key::str(name), Value::from(1))).collect()));
            }
            Diff::Attribute { subject, name, before, after } => {
                let known = attributes.iter().position(|(known, ..)| known == subject);
                let at = known.unwrap_or_else(|| {
                    let path = || map! {"path" => subject.as_str()};
                    attributes.push((subject, path(), path()));
                    attributes.len() - 1
                });
                if let Some((_, was, is)) = attributes.get_mut(at) {
                    was.insert(Key::str(name), Value::from(before.as_str()));
                    is.insert(Key::str(name), Value::from(after.as_str()));
                }
            }
        }
    }
    all.extend(attributes.into_iter().map(|(_, was, is)| Value::map(map! {"before" => was, "after" => is})));
    Value::list(all)
}

type Text = Option<std::sync::Arc<str>>;

fn text(subject: &str, before: &Text, after: &Text) -> Map {
    let mut told = map! {
        "before" => before.as_deref().unwrap_or_default(),
        "after" => after.as_deref().unwrap_or_default(),
    };
    for (name, side) in [("before_header", before), ("after_header", after)] {
        if side.is_some() {
            told.insert(Key::str(name), Value::from(subject));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_one_thing_are_told_together() {
        let diffs = [
            Diff::content("/a", None, Some(b"x\n")),
            Diff::attribute("/a", "mode", "", "0600"),
            Diff::attribute("/b", "owner", "root", "ann"),
            Diff::attribute("/a", "owner", "", "ann"),
            Diff::content("/c", Some(b"\0"), None),
        ];
        let told = registered(&diffs).to_json().to_string();
        assert_eq!(
            told,
            r#"[{"before":"","after":"x\n","after_header":"/a"},{"dst_binary":1},{"before":{"path":"/a","mode":"","owner":""},"after":{"path":"/a","mode":"0600","owner":"ann"}},{"before":{"path":"/b","owner":"root"},"after":{"path":"/b","owner":"ann"}}]"#
        );
    }
}
