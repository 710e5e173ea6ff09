//! Which tasks run under `--tags` and `--skip-tags`, as Ansible's "Tags" page says.

use crate::base::Value;

/// The tags that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--tags`; empty is `all`.
    pub only: Vec<String>,
    /// `--skip-tags`.
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether a task with these tags (its own and inherited ones) runs.
    pub fn runs(&self, tags: &[String]) -> bool {
        let has = |wanted: &str| tags.iter().any(|tag| tag == wanted);
        let any = |list: &[String]| list.iter().any(|tag| has(tag));
        let tagged = tags.iter().any(|tag| tag != "untagged");
        let chosen = if self.only.is_empty() || self.only.iter().any(|tag| tag == "all") {
            !has("never") || any(&self.only)
        } else {
            let special = |name: &str, holds: bool| holds && self.only.iter().any(|tag| tag == name);
            has("always")
                || any(&self.only)
                || (special("tagged", tagged) && !has("never"))
                || special("untagged", !tagged)
        };
        let skipped = if self.skip.iter().any(|tag| tag == "all") {
            !has("always") || self.skip.iter().any(|tag| tag == "always")
        } else {
            any(&self.skip)
                || (tagged && self.skip.iter().any(|tag| tag == "tagged"))
                || (!tagged && self.skip.iter().any(|tag| tag == "untagged"))
        };
        chosen && !skipped
    }
}

/// The tags in a value: a list, or a text with commas between them.
pub fn tags_of(value: &Value) -> Vec<String> {
    match value {
        // as Ansible: a tag of a list is one, whatever is in it
        Value::List(items) => items.iter().flat_map(one_tag).collect(),
        Value::Null => Vec::new(),
        other => other
            .to_text()
            .split(',')
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect(),
    }
}

fn one_tag(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().flat_map(one_tag).collect(),
        Value::Null => Vec::new(),
        other => vec![other.to_text().trim().to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_commas_and_lists_have_not() {
        assert_eq!(tags_of(&Value::from("a, b")), ["a", "b"]);
        assert_eq!(tags_of(&Value::list(["a,b", "c"].map(Value::from))), ["a,b", "c"]);
    }

    #[test]
    fn tags_select_as_in_ansible() {
        let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        for (only, skip, tags, runs) in [
            (&[][..], &[][..], &[][..], true),
            (&[], &[], &["never"], false),
            (&["never"], &[], &["never"], true),
            (&["a"], &[], &["never", "a"], true),
            (&["a"], &[], &["b"], false),
            (&["a"], &[], &["always"], true),
            (&["a"], &["always"], &["always"], false),
            (&["tagged"], &[], &["b"], true),
            (&["tagged"], &[], &[], false),
            (&["untagged"], &[], &[], true),
            (&["untagged"], &[], &["b"], false),
            (&[], &["b"], &["b", "c"], false),
            (&[], &["tagged"], &["b"], false),
            (&["all"], &["untagged"], &[], false),
        ] {
            let selection = Selection { only: texts(only), skip: texts(skip) };
            assert_eq!(selection.runs(&texts(tags)), runs, "{only:?} {skip:?} {tags:?}");
        }
    }
}
