//! Keywords with their values, and names: what plays, roles, blocks and tasks have in common.

use super::entries::{Entry, Level};
use super::keyword::Support;
use super::{Keyword, Keywords, Located, shape};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Value};
use crate::lang::load::Load;
use crate::yaml::Node;

/// What `vars_prompt` may say of a question.
pub const PROMPT_KEYS: &[&str] =
    &["confirm", "default", "encrypt", "name", "private", "prompt", "salt", "salt_size", "unsafe"];

/// Whether an entry was a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
}

impl Located {
    /// A node as a value with its place.
    pub(super) fn of(node: &Node) -> Self {
        Self { value: node.to_value(), place: node.place.clone() }
    }
}

impl Load<'_, '_> {
    /// Takes an entry that is a keyword of the table and may stand on `level`: checks its value, refuses it where
    /// fleet does not honour it yet.
    pub(super) fn keyword(&mut self, keywords: &mut Keywords, entry: Entry<'_>, level: Level) -> Taken {
        let Some(keyword) = Keyword::parse(entry.name).filter(|keyword| level.allows(keyword.on())) else {
            return Taken::No;
        };
        self.keyword_value(keywords, keyword, entry);
        Taken::Yes
    }

    /// Takes the value of a keyword, wherever it stands.
    pub(super) fn keyword_value(&mut self, keywords: &mut Keywords, keyword: Keyword, entry: Entry<'_>) {
        let located = Located::of(entry.value);
        if keyword.support() == Support::Refused && !shape::is_default(keyword, &located.value) {
            self.push(
                Diagnostic::error(Kind::Unsupported, format!("`{}` is not supported yet", entry.name))
                    .at(&entry.key.place),
            );
        } else if !shape::fits(keyword, &located.value) {
            self.misfit(keyword, entry);
        } else if keyword == Keyword::VarsPrompt {
            self.prompts(entry.value);
        }
        let condition =
            matches!(keyword, Keyword::When | Keyword::ChangedWhen | Keyword::FailedWhen | Keyword::Until);
        if condition && located.value == Value::Null {
            // Ansible takes an empty condition for none
            self.warn(
                Kind::BadValue,
                &entry.key.place,
                format!("`{}` is empty: it has no effect", entry.name),
            );
            return;
        }
        keywords.insert(keyword, located);
    }

    /// The keys of what `vars_prompt` asks for.
    fn prompts(&mut self, node: &Node) {
        for prompt in node.as_seq().unwrap_or(std::slice::from_ref(node)) {
            let Some(entries) = prompt.as_map() else { continue };
            if !entries.iter().any(|(key, _)| key.as_str() == Some("name")) {
                let message = "an entry of `vars_prompt` needs a `name`";
                let mut diagnostic = Diagnostic::error(Kind::Structure, message).at(&prompt.place);
                diagnostic.told = Some("Invalid vars_prompt data structure, missing 'name' key".to_owned());
                self.push(diagnostic);
            }
            for (key, _) in entries {
                let name = key.to_value().to_text();
                if PROMPT_KEYS.contains(&name.as_str()) {
                    continue;
                }
                let message = format!("`{name}` is not a key of `vars_prompt`");
                let hint = did_you_mean(&name, PROMPT_KEYS.iter().copied());
                let mut diagnostic =
                    Diagnostic::error(Kind::UnknownKeyword, message).at(&key.place).maybe_hint(hint);
                diagnostic.told =
                    Some(format!("Invalid vars_prompt data structure, found unsupported key '{name}'"));
                self.push(diagnostic);
            }
        }
    }

    /// A value that a keyword cannot have: of a list the entries that do not fit.
    fn misfit(&mut self, keyword: Keyword, entry: Entry<'_>) {
        let takes_lists = shape::fits(keyword, &Value::list([]));
        let items = entry.value.as_seq().filter(|_| takes_lists).unwrap_or_default();
        let wrong: Vec<&Node> =
            items.iter().filter(|item| !shape::fits(keyword, &Value::list([item.to_value()]))).collect();
        let wrong = if wrong.is_empty() { vec![entry.value] } else { wrong };
        for node in wrong {
            let value = node.to_value();
            let message = format!(
                "`{}` must be {}, not {}",
                entry.name,
                shape::expected(keyword),
                shape::shown(&value)
            );
            let hint = keyword_hint(keyword, &value);
            let mut diagnostic = Diagnostic::error(Kind::BadValue, message).at(&node.place).maybe_hint(hint);
            if keyword == Keyword::Register {
                let given = value.to_text();
                diagnostic.told =
                    Some(format!("Invalid 'register' specified: Invalid variable name '{given}'."));
            }
            if shape::is_read_when_loading(keyword) {
                self.push(diagnostic);
            } else {
                self.failure(diagnostic);
            }
        }
    }

    /// A name: a scalar.
    pub(super) fn name(&mut self, node: &Node) -> Option<Located> {
        let located = Located::of(node);
        match located.value {
            Value::Null => None,
            Value::List(_) | Value::Map(_) => {
                self.error(
                    Kind::BadValue,
                    &node.place,
                    format!("`name` must be a text, not {}", node.describe()),
                );
                None
            }
            Value::Str(_) | Value::Template(_) => Some(located),
            scalar => Some(Located { value: Value::from(scalar.to_text()), place: located.place }),
        }
    }
}

fn keyword_hint(keyword: Keyword, value: &Value) -> Option<String> {
    let hint = match (keyword, value) {
        (Keyword::When | Keyword::Until | Keyword::ChangedWhen | Keyword::FailedWhen, Value::Map(_)) => {
            "quote the condition: it contains `: ` or starts with `{`"
        }
        (Keyword::Register, Value::Str(_) | Value::Template(_)) => {
            "names consist of letters, digits and underscores and do not start with a digit"
        }
        (Keyword::Environment, Value::Str(_)) => "write `NAME: value`",
        (Keyword::Tags, Value::Map(_)) => "write a list: `[one, two]`",
        _ => return None,
    };
    Some(hint.to_owned())
}
