//! Whole files: playbooks, tasks, inventories, variables.

use serde_json::{Value, json};

use super::{Entries, Subject, described, keywords, modules, of, words};
use crate::lang::Keyword;
use crate::lang::keyword::{STRUCTURAL_BLOCK, STRUCTURAL_IMPORT, STRUCTURAL_PLAY, STRUCTURAL_TASK};

/// Full names of modules of other collections; of ansible.builtin all names are known.
const FULL_NAME: &str =
    r"^(?!ansible\.(builtin|legacy)\.)[A-Za-z_]\w*\.[A-Za-z_]\w*\.[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$";
/// Loops over lookups by their full names.
const FULL_LOOKUP: &str = r"^with_[A-Za-z_]\w*\.[A-Za-z_]\w*\.[A-Za-z_]\w*$";
/// A whole file that is encrypted.
const ENCRYPTED: &str = r"^\$ANSIBLE_VAULT;";
const IMPORTS: [&str; 3] =
    ["import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"];

/// The schema of the whole file.
pub(super) fn top(subject: Subject) -> Value {
    match subject {
        Subject::Playbook => of("playbook"),
        Subject::Tasks => of("tasks_file"),
        Subject::Inventory => of("inventory"),
        Subject::Vars => of("vars"),
        Subject::Any => {
            let play = json!({"anyOf": required_one_of(&["hosts", IMPORTS[0], IMPORTS[1], IMPORTS[2]])});
            let sections = ["hosts", "vars", "children"].map(|name| (name.to_owned(), json!({})));
            let group = json!({
                "type": ["object", "null"],
                "properties": Entries::from_iter(sections),
                "additionalProperties": false,
            });
            let groups = json!({"type": "object", "minProperties": 1, "additionalProperties": group});
            let inventory = json!({"anyOf": [groups, {"type": "object", "required": ["all"]}]});
            let mapping = json!({"if": inventory, "then": of("inventory"), "else": of("vars")});
            json!({
                "if": {"type": "array"},
                "then": {"if": {"contains": play}, "then": of("playbook"), "else": of("tasks_file")},
                "else": mapping,
            })
        }
    }
}

fn required_one_of(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"type": "object", "required": [name]})).collect()
}

fn variables_value() -> Value {
    json!({"$ref": "#/definitions/vars"})
}

/// Words with a structure of their own, each with its value.
fn structural(all: &[&str]) -> Entries {
    let value = |word: &str| match word {
        "name" | "listen_to" => of("text"),
        "vars" => variables_value(),
        "hosts" => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        "vars_files" => json!({
            "type": ["array", "string", "null"],
            "items": {"type": ["string", "array", "null"], "items": {"type": "string"}},
        }),
        "roles" => json!({"type": ["array", "null"], "items": of("role")}),
        "pre_tasks" | "tasks" | "post_tasks" | "block" | "rescue" | "always" => of("tasks"),
        "handlers" => of("handlers"),
        "import_playbook" => json!({"type": "string"}),
        "action" | "local_action" => json!({
            "type": ["string", "object"],
            "required": ["module"],
            "properties": {"module": {"type": "string"}},
        }),
        "args" => json!({"type": ["object", "string", "null"], "pattern": r"\{\{|\{%"}),
        "listen" => json!({"type": ["string", "array", "null"], "items": {"type": "string"}}),
        _ => json!({}),
    };
    all.iter().map(|word| ((*word).to_owned(), described(value(word), words::structural(word)))).collect()
}

/// Variables, and how a host is reached.
pub(super) fn variables() -> Entries {
    let known = words::CONNECTION
        .iter()
        .map(|(name, kind, text)| ((*name).to_owned(), described(of(kind), text)))
        .collect::<Entries>();
    let vars = json!({"type": ["object", "null", "string"], "pattern": ENCRYPTED, "properties": known});
    Entries::from_iter([("vars".to_owned(), vars)])
}

/// Playbooks, and what they are made of.
pub(super) fn playbooks(others: &[String]) -> Entries {
    let either = |what: &str| json!({"if": {"required": ["block"]}, "then": of("block"), "else": of(what)});
    let list = |what: &str| json!({"type": ["array", "null"], "items": either(what)});
    let file = |what: &str| json!({"type": ["array", "null", "string"], "pattern": ENCRYPTED, "items": either(what)});
    let names = modules::names(others);
    let defaults: Entries = names.clone();
    let imports = json!({"anyOf": IMPORTS.map(|name| json!({"required": [name]}))});
    let entries = [
        (
            "playbook",
            json!({
                "type": ["array", "string"],
                "pattern": ENCRYPTED,
                "minItems": 1,
                "items": {"type": "object", "if": imports, "then": of("import"), "else": of("play")},
            }),
        ),
        ("tasks_file", file("handler")),
        ("tasks", list("task")),
        ("handlers", list("handler")),
        ("task", task(&names, false)),
        ("handler", task(&names, true)),
        ("play", play()),
        ("import", import()),
        ("block", block()),
        ("role", role()),
        ("applied", applied()),
        (
            "module_defaults",
            json!({
                "type": ["object", "array", "string", "null"],
                "pattern": r"\{\{|\{%",
                "properties": defaults,
                "items": {"type": ["object", "string"], "properties": {}},
            }),
        ),
    ];
    entries.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// A mapping of these words and no others.
fn strict(what: &str, properties: Entries) -> Value {
    json!({"description": what, "type": "object", "properties": properties, "additionalProperties": false})
}

fn task(names: &Entries, handler: bool) -> Value {
    let mut properties = structural(STRUCTURAL_TASK);
    if !handler {
        properties.remove("listen");
    }
    properties.extend(keywords::allowed(|on| on.task));
    properties.extend(keywords::loops());
    // offered where nothing shows yet which of both it will be
    properties.insert("block".to_owned(), described(of("tasks"), words::structural("block")));
    properties.extend(names.clone());
    let mut schema = strict(if handler { "A handler." } else { "A task." }, properties);
    if let Some(entries) = schema.as_object_mut() {
        entries.insert("patternProperties".to_owned(), json!({FULL_NAME: {}, FULL_LOOKUP: {}}));
    }
    schema
}

fn play() -> Value {
    let mut properties = structural(STRUCTURAL_PLAY);
    properties.extend(keywords::allowed(|on| on.play));
    properties.insert("user".to_owned(), described(of("text"), "The same as `remote_user`."));
    properties
        .insert(IMPORTS[0].to_owned(), described(json!({"type": "string"}), words::structural(IMPORTS[0])));
    let mut schema = strict("A play.", properties);
    if let Some(entries) = schema.as_object_mut() {
        entries.insert("required".to_owned(), json!(["hosts"]));
    }
    schema
}

fn import() -> Value {
    let mut properties = structural(STRUCTURAL_IMPORT);
    for keyword in STRUCTURAL_IMPORT.iter().filter_map(|word| Keyword::parse(word)) {
        let value = described(keywords::value(keyword), words::keyword(keyword));
        properties.insert(keyword.name().to_owned(), value);
    }
    // what has no effect on an import is only warned of
    let mild = keywords::allowed(|on| on.play);
    let mild = mild.into_iter().filter(|(name, _)| Keyword::parse(name).is_some_and(Keyword::inherited));
    for (name, value) in mild {
        properties.entry(name).or_insert(value);
    }
    for name in &IMPORTS[1..] {
        let value = described(json!({"type": "string"}), words::structural(IMPORTS[0]));
        properties.insert((*name).to_owned(), value);
    }
    strict("The plays of another playbook.", properties)
}

fn block() -> Value {
    let mut properties = structural(STRUCTURAL_BLOCK);
    properties.extend(keywords::allowed(|on| on.block));
    strict("Tasks that belong together.", properties)
}

/// Keywords that an include hands to its tasks.
fn applied() -> Value {
    let mut properties = structural(&["name", "vars"]);
    properties.extend(keywords::allowed(|on| on.block));
    let mut schema = strict("Keywords for the included tasks.", properties);
    if let Some(entries) = schema.as_object_mut() {
        entries.insert("type".to_owned(), json!(["object", "string"]));
    }
    schema
}

/// A role in `roles`: what is no keyword is a variable for it.
fn role() -> Value {
    let mut properties = structural(&["name", "vars"]);
    properties.insert("role".to_owned(), described(json!({"type": "string"}), "The role's name."));
    properties.extend(keywords::allowed(|on| on.role));
    json!({
        "type": ["string", "integer", "object"],
        "properties": properties,
        "anyOf": [
            {"type": ["string", "integer"]}, {"required": ["role"]}, {"required": ["name"]}, {"required": ["src"]},
        ],
    })
}

/// An inventory in YAML, or the file of an inventory plugin.
pub(super) fn inventory() -> Entries {
    let hosts = json!({
        "description": "Hosts, each with its variables; `web[01:20]` stands for many.",
        "type": ["object", "string", "null"],
        "additionalProperties": variables_value(),
    });
    let children = json!({
        "description": "Groups in this group.",
        "type": ["object", "string", "null"],
        "additionalProperties": of("group"),
    });
    let group = json!({
        "description": "A group of hosts.",
        "type": ["object", "null"],
        "properties": {
            "hosts": hosts,
            "children": children,
            "vars": described(variables_value(), "Variables of all hosts of the group."),
        },
        "additionalProperties": false,
    });
    let inventory = json!({
        "type": ["object", "string"],
        "pattern": ENCRYPTED,
        "if": {"required": ["plugin"], "properties": {"plugin": {"type": "string"}}},
        "then": {},
        "else": {
            "properties": {"all": of("group"), "ungrouped": of("group")},
            "additionalProperties": of("group"),
        },
    });
    [("group", group), ("inventory", inventory)]
        .into_iter()
        .map(|(name, one)| (name.to_owned(), one))
        .collect()
}
