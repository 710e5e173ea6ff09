//! Keywords with their values, and names: what plays, roles, blocks and tasks have in common.

use std::path::Path;

use super::entries::{Entry, Level};
use super::keyword::Support;
use super::{Keyword, Keywords, Located, shape};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Key, Kind, Map, Value};
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
        let located = match keyword {
            Keyword::ModuleDefaults => self.with_action_groups(located, entry),
            _ => located,
        };
        keywords.insert(keyword, located);
    }

    /// `module_defaults` with the modules of each `group/…` in its place.
    fn with_action_groups(&mut self, located: Located, entry: Entry<'_>) -> Located {
        let Located { value, place } = located;
        let value = match value {
            Value::List(items) => {
                Value::list(items.iter().map(|item| self.with_modules_of_groups(item.clone(), entry)))
            }
            other => self.with_modules_of_groups(other, entry),
        };
        Located { value, place }
    }

    fn with_modules_of_groups(&mut self, value: Value, entry: Entry<'_>) -> Value {
        let is_group = |key: &Key| key.as_str().is_some_and(|name| name.starts_with("group/"));
        let Value::Map(entries) = &value else { return value };
        if !entries.keys().any(is_group) {
            return value;
        }
        let mut all = Map::new();
        for (key, given) in entries.iter() {
            let Some(group) = key.as_str().and_then(|name| name.strip_prefix("group/")) else {
                // what is said of a module itself wins
                let of_group = all.get(key).cloned();
                all.insert(key.clone(), of_group.map_or_else(|| given.clone(), |below| over(&below, given)));
                continue;
            };
            let full =
                if group.contains('.') { group.to_owned() } else { format!("ansible.builtin.{group}") };
            let directory = entry.key.place.source.path.parent().unwrap_or(Path::new("")).to_owned();
            let Some(modules) = self.action_group(&full, &directory, &mut Vec::new()) else {
                let message = format!("there is no group of modules `{group}` for `module_defaults`");
                let told = format!(
                    "Error loading module_defaults: could not resolve the module_defaults group {group}"
                );
                let diagnostic = Diagnostic::error(Kind::UnknownModule, message).at(&entry.key.place);
                let hint = "groups are defined in the `meta/runtime.yml` of their collection, which has to be installed";
                self.push(diagnostic.hint(hint).told_in_full(told));
                continue;
            };
            for module in modules {
                let key = Key::Str(module);
                let own = entries.get(&key).and_then(|_| all.get(&key)).cloned();
                all.insert(key, own.map_or_else(|| given.clone(), |own| over(given, &own)));
            }
        }
        Value::map(all)
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

/// Parameters over others; a template of either hides the others.
fn over(below: &Value, own: &Value) -> Value {
    match (below, own) {
        (Value::Map(below), Value::Map(own)) => {
            let mut all = (**below).clone();
            all.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
            Value::map(all)
        }
        (_, own) => own.clone(),
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
