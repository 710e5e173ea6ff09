//! Argument specs of roles: the task that checks them in front of a role's tasks, and what is wrong with a spec.

use std::sync::Arc;

use super::entries::Entry;
use super::load::Load;
use super::{Arguments, Item, Keyword, Keywords, Located, Role, Scope, Task};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Map, Place, Severity, Value};
use crate::yaml::{Node, NodeKind};

/// The types of options.
const TYPES: &[&str] =
    &["str", "int", "float", "bool", "list", "dict", "raw", "path", "json", "jsonarg", "bytes", "bits"];

/// Attributes of an entry point.
const ENTRY: &[&str] = &[
    "short_description",
    "description",
    "options",
    "author",
    "version_added",
    "version_added_collection",
    "seealso",
    "examples",
    "notes",
    "deprecated",
    "attributes",
];

/// Rules between the options of an option.
const RULES: &[&str] =
    &["mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by"];

/// Attributes of an option, besides the rules.
const OPTION: &[&str] = &[
    "type",
    "elements",
    "required",
    "default",
    "choices",
    "options",
    "aliases",
    "deprecated_aliases",
    "no_log",
    "apply_defaults",
    "description",
    "short_description",
    "version_added",
    "version_added_collection",
    "removed_in_version",
    "removed_at_date",
    "removed_from_collection",
    "deprecated",
    "context",
];

/// When a mistake makes the check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    /// Always: it is an error.
    Always,
    /// With some arguments only, or it has no effect: it is a warning.
    Sometimes,
}

impl Load<'_, '_> {
    /// The task that checks a role's arguments, where the entry point has a spec. As Ansible, a file of specs beats
    /// what the meta of the role says.
    pub(super) fn validation_task(
        &mut self,
        role: &Arc<Role>,
        in_meta: Option<&Node>,
        entry_point: &str,
        scope: &Arc<Scope>,
    ) -> Option<Item> {
        let own = self.meta_file(&role.path, Some("argument_specs"), &role.place);
        let own = own.as_ref().map(|root| root.get("argument_specs"));
        let specs = own.unwrap_or(in_meta)?;
        if specs.is_nothing() {
            return None;
        }
        if specs.as_map().is_none() {
            let message =
                format!("`argument_specs` must be a mapping of entry points, not {}", specs.describe());
            self.error(Kind::Structure, &specs.place, message);
            return None;
        }
        let spec = specs.get(entry_point)?;
        if spec.is_nothing() {
            return None;
        }
        let options = self.entry_point(spec)?;
        Some(validation(role, spec, options, entry_point, scope))
    }

    /// An entry point: its options.
    fn entry_point(&mut self, spec: &Node) -> Option<Located> {
        let mut options = Located { value: Value::from(Map::new()), place: spec.place.clone() };
        for entry in self.entries(spec, "an entry point of an argument spec")? {
            match entry.name {
                "options" => {
                    self.spec_options(entry.value, Fails::Always);
                    options = Located::of(entry.value);
                }
                "short_description" if entry.value.as_str().is_none() => {
                    let message =
                        format!("`short_description` must be a text, not {}", entry.value.describe());
                    self.error(Kind::BadValue, &entry.value.place, message);
                }
                name if ENTRY.contains(&name) => {}
                _ => self.no_effect(entry, "an entry point", ENTRY),
            }
        }
        Some(options)
    }

    /// The options of an entry point or of an option.
    fn spec_options(&mut self, node: &Node, fails: Fails) {
        if node.as_map().is_none() {
            let message = format!("`options` must be a mapping, not {}", node.describe());
            self.spec_mistake(fails, &node.place, message, None);
            return;
        }
        for option in self.entries(node, "`options`").unwrap_or_default() {
            if option.value.as_map().is_none() {
                let message = format!(
                    "the option `{}` must be a mapping, not {}",
                    option.name,
                    option.value.describe()
                );
                let hint =
                    option.value.as_str().map(|kind| format!("write `{}: {{type: {kind}}}`", option.name));
                self.spec_mistake(fails, &option.value.place, message, hint);
                continue;
            }
            self.spec_option(option, fails);
        }
    }

    fn spec_option(&mut self, option: Entry<'_>, fails: Fails) {
        let node = option.value;
        let is_required =
            node.get("required").is_some_and(|required| required.to_value().to_bool() == Some(true));
        let kind = |name: &str| node.get(name).and_then(Node::as_str);
        let holds_options = kind("type") == Some("dict")
            || (kind("type") == Some("list") && kind("elements") == Some("dict"));
        for entry in self.entries(node, "an option").unwrap_or_default() {
            let given = !matches!(entry.value.kind, NodeKind::Null);
            match entry.name {
                "type" | "elements" if given => {
                    let surely = if is_required && entry.name == "type" { fails } else { Fails::Sometimes };
                    self.spec_type(entry, surely);
                    let of_list =
                        matches!(kind("type"), Some("list")) || !entry.value.to_value().is_literal();
                    if entry.name == "elements" && !of_list {
                        let message = "`elements` is for options of `type: list`";
                        self.spec_mistake(Fails::Sometimes, &entry.key.place, message.to_owned(), None);
                    }
                }
                "choices" | "aliases" if given => {
                    if entry.value.as_seq().is_none() && entry.value.to_value().is_literal() {
                        let message =
                            format!("`{}` must be a list, not {}", entry.name, entry.value.describe());
                        self.spec_mistake(fails, &entry.value.place, message, None);
                    }
                }
                "required" => {
                    if entry.value.as_str().is_some() && entry.value.to_value().is_literal() {
                        let message = "`required` must be a boolean: a text counts as true".to_owned();
                        self.spec_mistake(Fails::Sometimes, &entry.value.place, message, None);
                    }
                }
                "default" if given && is_required => {
                    let message = format!("the option `{}` is required and has a default", option.name);
                    let hint = "take one of them away".to_owned();
                    self.spec_mistake(fails, &entry.key.place, message, Some(hint));
                }
                "options" if given => {
                    if !holds_options {
                        let message = "`options` has no effect here".to_owned();
                        let hint =
                            "it is for `type: dict`, and for `type: list` with `elements: dict`".to_owned();
                        self.spec_mistake(Fails::Sometimes, &entry.key.place, message, Some(hint));
                    }
                    self.spec_options(entry.value, Fails::Sometimes);
                }
                name if RULES.contains(&name) => self.spec_rule(entry, node.get("options")),
                name if OPTION.contains(&name) => {}
                _ => self.no_effect(entry, "an option", &[OPTION, RULES].concat()),
            }
        }
    }

    fn spec_type(&mut self, entry: Entry<'_>, fails: Fails) {
        let value = entry.value.to_value();
        let Some(name) = value.as_str() else {
            if value.is_literal() {
                let message =
                    format!("`{}` must be the name of a type, not {}", entry.name, entry.value.describe());
                self.spec_mistake(Fails::Always, &entry.value.place, message, None);
            }
            return;
        };
        if TYPES.contains(&name) {
            return;
        }
        let usual = match name {
            "string" | "text" => Some("str"),
            "boolean" => Some("bool"),
            "integer" | "number" => Some("int"),
            "array" => Some("list"),
            "dictionary" | "object" | "mapping" | "map" => Some("dict"),
            "any" => Some("raw"),
            _ => None,
        };
        let hint = usual.map(|usual| format!("did you mean `{usual}`?"));
        let hint = hint.or_else(|| did_you_mean(name, TYPES.iter().copied()));
        let message = format!("there is no type `{name}`: any value given for it is wrong");
        self.spec_mistake(fails, &entry.value.place, message, hint);
    }

    /// A rule between options: its form, and the names in it.
    fn spec_rule(&mut self, entry: Entry<'_>, options: Option<&Node>) {
        let form = match entry.name {
            "required_by" => "a mapping of an option to the options that it needs",
            "required_if" => "a list of lists `[option, value, [options that it needs]]`",
            _ => "a list of lists of options",
        };
        let mut names: Vec<&Node> = Vec::new();
        let fits = match (&entry.value.kind, entry.name) {
            (NodeKind::Null, _) => true,
            (NodeKind::Map(pairs), "required_by") => {
                for (name, needed) in pairs.iter() {
                    names.push(name);
                    names.extend(needed.as_seq().unwrap_or(std::slice::from_ref(needed)));
                }
                true
            }
            (NodeKind::Seq(rules), "required_if") => rules.iter().all(|rule| match rule.as_seq() {
                Some([name, _, needed] | [name, _, needed, _]) => {
                    names.push(name);
                    names.extend(needed.as_seq().unwrap_or_default());
                    needed.as_seq().is_some()
                }
                _ => false,
            }),
            (NodeKind::Seq(groups), "mutually_exclusive" | "required_together" | "required_one_of") => {
                groups.iter().all(|group| {
                    names.extend(group.as_seq().unwrap_or_default());
                    group.as_seq().is_some()
                })
            }
            _ => false,
        };
        if !fits {
            let message = format!("`{}` must be {form}", entry.name);
            self.spec_mistake(Fails::Sometimes, &entry.value.place, message, None);
            return;
        }
        let known: Vec<&str> = options
            .and_then(Node::as_map)
            .unwrap_or_default()
            .iter()
            .filter_map(|(name, _)| name.as_str())
            .collect();
        for name in names {
            if let Some(text) = name.as_str().filter(|text| !known.contains(text)) {
                let message = format!("`{text}` in `{}` is none of the options", entry.name);
                let hint = did_you_mean(text, known.iter().copied());
                self.spec_mistake(Fails::Sometimes, &name.place, message, hint);
            }
        }
    }

    fn no_effect(&mut self, entry: Entry<'_>, of: &str, known: &[&str]) {
        let message = format!("`{}` is not an attribute of {of}: it has no effect", entry.name);
        let hint = did_you_mean(entry.name, known.iter().copied());
        self.spec_mistake(Fails::Sometimes, &entry.key.place, message, hint);
    }

    fn spec_mistake(&mut self, fails: Fails, place: &Place, message: String, hint: Option<String>) {
        let mut diagnostic = Diagnostic::error(Kind::BadValue, message).at(place).maybe_hint(hint);
        if fails == Fails::Sometimes {
            diagnostic.severity = Severity::Warning;
        }
        self.push(diagnostic);
    }
}

fn validation(
    role: &Arc<Role>,
    spec: &Node,
    options: Located,
    entry_point: &str,
    scope: &Arc<Scope>,
) -> Item {
    let place = spec.place.clone();
    let at = |value: Value| Located { value, place: place.clone() };
    let mut keywords = Keywords::new();
    keywords.insert(Keyword::Tags, at(Value::list([Value::str("always")])));
    let provided: Map = role
        .params
        .vars
        .iter()
        .map(|(name, variable)| (crate::base::Key::Str(Arc::clone(name)), variable.value.clone()))
        .collect();
    let context = crate::map! {
        "type" => "role",
        "name" => Arc::clone(&role.name),
        "argument_spec_name" => entry_point,
        "path" => role.path.display().to_string(),
    };
    let mut args = Arguments::default();
    args.named.insert(Arc::from("argument_spec"), options);
    args.named.insert(Arc::from("provided_arguments"), at(Value::from(provided)));
    args.named.insert(Arc::from("validate_args_context"), at(Value::from(context)));
    let title = format!("Validating arguments against arg spec '{entry_point}'");
    let short = spec.get("short_description").and_then(Node::as_str);
    let title = short.map_or_else(|| title.clone(), |short| format!("{title} - {short}"));
    Item::Task(Arc::new(Task {
        place: place.clone(),
        name: Some(at(Value::from(title))),
        module: Arc::from("ansible.builtin.validate_argument_spec"),
        module_place: place.clone(),
        file: None,
        args,
        keywords,
        vars: None,
        looped: None,
        scope: Arc::clone(scope),
        listen: Vec::new(),
        directory: scope.directory.clone(),
    }))
}
