//! The JSON schema of files, for editors: what completes and checks while somebody writes.
//!
//! Draft 7, which yaml-language-server and VS Code know best. It accepts what fleet accepts, with two differences that help
//! an editor: a list or mapping where a text belongs is refused, and modules of a project's own must be named by their full
//! names, or told to [`schema`].

use serde_json::{Map, Value, json};

mod files;
mod keywords;
mod modules;
mod values;
mod words;

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Playbooks.
    Playbook,
    /// Files of tasks and of handlers.
    Tasks,
    /// Inventories in YAML.
    Inventory,
    /// Files of variables.
    Vars,
    /// Any of them: what it is shows in the file.
    Any,
}

impl Subject {
    /// All that have a schema of their own.
    pub const ALL: [Self; 4] = [Self::Playbook, Self::Tasks, Self::Inventory, Self::Vars];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Playbook => "playbook",
            Self::Tasks => "tasks",
            Self::Inventory => "inventory",
            Self::Vars => "vars",
            Self::Any => "any",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Playbook => "A playbook",
            Self::Tasks => "A file of tasks or handlers",
            Self::Inventory => "An inventory",
            Self::Vars => "A file of variables",
            Self::Any => "A playbook, a file of tasks, an inventory or a file of variables",
        }
    }

    fn holds_tasks(self) -> bool {
        !matches!(self, Self::Inventory | Self::Vars)
    }
}

/// Names and schemas, in order.
type Entries = Map<String, Value>;

/// The schema of a subject. `others` are names of modules besides fleet's own, whose parameters are not checked.
pub fn schema(subject: Subject, others: &[String]) -> Value {
    let mut definitions = values::definitions();
    definitions.extend(files::variables());
    if subject.holds_tasks() {
        definitions.extend(modules::definitions());
        definitions.extend(files::playbooks(others));
    }
    if !subject.holds_tasks() || subject == Subject::Any {
        definitions.extend(files::inventory());
    }
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": subject.title(),
        "$comment": "made by `fleet schema`",
    });
    if let (Some(schema), Value::Object(top)) = (schema.as_object_mut(), files::top(subject)) {
        schema.extend(top);
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

/// A reference to a definition.
fn of(definition: &str) -> Value {
    json!({"$ref": format!("#/definitions/{definition}")})
}

/// A schema with a description: what a reference stands beside does not count, so it goes around it.
fn described(schema: Value, text: &str) -> Value {
    let mut entries = match schema {
        Value::Object(entries) if !entries.contains_key("$ref") => entries,
        reference => Entries::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    if text.contains('`') {
        // for editors that would show the marks
        entries.insert("markdownDescription".to_owned(), Value::from(text));
    }
    entries.insert("description".to_owned(), Value::from(text));
    Value::Object(entries)
}
