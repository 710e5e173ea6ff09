//! A module's parameters in all the forms they are written in: a mapping, `key=value` texts, `args`, free-form text.

use std::sync::Arc;

use super::freeform::{self, FreeForm, Pairs, Part};
use super::load::Load;
use super::locate::place_in;
use super::task::{is_language_action, short_name};
use super::{Arguments, Located, ModuleFile};
use crate::base::{Diagnostic, Kind, Place};
use crate::yaml::{Node, NodeKind, Text};

/// A module as a task names it.
#[derive(Clone, Debug)]
pub(super) struct Named<'n> {
    /// The name as written.
    pub(super) name: Arc<str>,
    /// Where it stands.
    pub(super) place: Place,
    /// The module's file, where fleet does not have the module itself.
    pub(super) file: Option<Arc<ModuleFile>>,
    /// What is given to it.
    pub(super) given: Given<'n>,
}

/// What is given to a module.
#[derive(Clone, Debug)]
pub(super) enum Given<'n> {
    /// The value below its name.
    Node(&'n Node),
    /// The rest of the text of `action` or `local_action`, starting at a byte of it.
    Text { node: &'n Node, text: Text, rest: Part },
    /// A mapping of `action` with the text after the module's name.
    Mapping { node: &'n Node, text: Text, rest: Part },
}

/// How a module takes free-form text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The text is a command line.
    CommandLine,
    /// Text besides parameters.
    Text,
    /// Only parameters.
    Parameters,
}

const COMMAND_LINES: &[&str] = &["command", "shell", "script", "raw", "win_command", "win_shell"];

/// Actions of Ansible's own that take text besides parameters.
const TEXTS: &[&str] = &[
    "include_vars",
    "include_tasks",
    "include_role",
    "import_tasks",
    "import_role",
    "add_host",
    "group_by",
    "set_fact",
    "meta",
];

impl Load<'_, '_> {
    /// The module of `action` or `local_action`.
    pub(super) fn action<'n>(&mut self, keyword: &str, node: &'n Node) -> Option<Named<'n>> {
        let mapping = node.as_map().is_some();
        let module = if mapping { node.get("module") } else { Some(node) };
        let text = match module.map(|module| &module.kind) {
            Some(NodeKind::Str(text)) => text.clone(),
            Some(_) if !mapping => {
                let message = format!("`{keyword}` must be a text, not {}", node.describe());
                self.error(Kind::Structure, &node.place, message);
                return None;
            }
            other => {
                let message = match other {
                    None => format!("`{keyword}` has no `module`"),
                    Some(_) => format!("the `module` of `{keyword}` must be a text"),
                };
                self.error(Kind::Structure, &node.place, message);
                return None;
            }
        };
        match freeform::first_word(&text.text) {
            Ok(Some((name, rest))) => {
                let place = place_in(&text, name.at, name.text.chars().count());
                let given = if mapping {
                    Given::Mapping { node, text, rest }
                } else {
                    Given::Text { node, text, rest }
                };
                Some(Named { name: Arc::from(name.text), place, file: None, given })
            }
            Ok(None) => {
                self.error(Kind::Structure, &node.place, format!("`{keyword}` names no module"));
                None
            }
            Err(unbalanced) => {
                self.unbalanced(&text, unbalanced);
                None
            }
        }
    }

    /// The parameters of a task: what is given to its module, over `args`.
    pub(super) fn arguments(&mut self, named: &Named<'_>, args: Option<&Node>) -> Arguments {
        let mut arguments = Arguments::default();
        if let Some(args) = args {
            self.args_keyword(&mut arguments, args);
        }
        match &named.given {
            Given::Node(node) => self.given_node(&mut arguments, named, node),
            Given::Text { node, text, rest } => {
                self.given_text(&mut arguments, named, Texted { node, text, rest: Some(rest) });
            }
            Given::Mapping { node, text, rest } => {
                for (key, value) in node.as_map().unwrap_or_default() {
                    match key.as_str() {
                        Some("module") => {}
                        Some("args") => self.args_keyword(&mut arguments, value),
                        _ => self.parameter(&mut arguments, key, value),
                    }
                }
                self.given_text(&mut arguments, named, Texted { node, text, rest: Some(rest) });
            }
        }
        arguments
    }

    fn args_keyword(&mut self, arguments: &mut Arguments, args: &Node) {
        match &args.kind {
            NodeKind::Map(entries) => {
                for (key, value) in entries.iter() {
                    self.parameter(arguments, key, value);
                }
            }
            NodeKind::Null => self.warn(Kind::Structure, &args.place, "`args` is empty: it has no effect"),
            NodeKind::Str(text) if is_whole_template(&text.text) => arguments.whole = Some(Located::of(args)),
            _ => {
                let message =
                    format!("`args` must be a mapping or a template that gives one, not {}", args.describe());
                self.error(Kind::Structure, &args.place, message);
            }
        }
    }

    fn given_node(&mut self, arguments: &mut Arguments, named: &Named<'_>, node: &Node) {
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Map(entries) => {
                for (key, value) in entries.iter() {
                    self.parameter(arguments, key, value);
                }
            }
            NodeKind::Str(text) if !node.is_sealed() => {
                self.given_text(arguments, named, Texted { node, text, rest: None });
            }
            NodeKind::Str(_)
            | NodeKind::Bool(_)
            | NodeKind::Int(_)
            | NodeKind::Float(_)
            | NodeKind::Seq(_) => {
                let message = format!(
                    "the parameters of `{}` must be a mapping or a text, not {}",
                    named.name,
                    node.describe()
                );
                let hint = node.as_seq().map(|_| "write `name: value` without `- ` before it".to_owned());
                self.push(Diagnostic::error(Kind::Structure, message).at(&node.place).maybe_hint(hint));
            }
        }
    }

    /// One parameter of a mapping. What is given twice is told; what comes later wins, as in Ansible.
    fn parameter(&mut self, arguments: &mut Arguments, key: &Node, value: &Node) {
        let Some(name) = key.as_str() else {
            let message = format!("the name of a parameter must be a text, not {}", key.describe());
            self.error(Kind::Structure, &key.place, message);
            return;
        };
        if name == "_raw_params" {
            arguments.free_form = Some(Located::of(value));
            return;
        }
        self.insert(arguments, name, &key.place, Located::of(value));
    }

    fn insert(&mut self, arguments: &mut Arguments, name: &str, place: &Place, value: Located) {
        if name.starts_with("_ansible_") {
            let message = format!("`{name}` is not a parameter: names with `_ansible_` are Ansible's own");
            self.failure(Diagnostic::error(Kind::Parameters, message).at(place));
        }
        let name: Arc<str> = Arc::from(name);
        if let Some(before) = arguments.name_places.insert(Arc::clone(&name), place.clone()) {
            self.push(
                Diagnostic::warning(
                    Kind::Parameters,
                    format!("`{name}` is given twice: the later one is used"),
                )
                .at(place)
                .note("given here before", Some(&before)),
            );
        }
        arguments.named.insert(name, value);
    }

    fn given_text(&mut self, arguments: &mut Arguments, named: &Named<'_>, given: Texted<'_>) {
        let Texted { node, text, rest } = given;
        let (start, content) = rest.map_or((0, &*text.text), |rest| (rest.at, rest.text.as_str()));
        let style = self.style(&named.name);
        let pairs = if style == Style::CommandLine { Pairs::OfCommands } else { Pairs::All };
        let FreeForm { pairs, rest } = match freeform::parse(content, pairs) {
            Ok(form) => form,
            Err(freeform::Unbalanced(at)) => {
                self.unbalanced(text, freeform::Unbalanced(start + at));
                return;
            }
        };
        for pair in pairs {
            let place = place_in(text, start + pair.key.at, pair.key.text.chars().count());
            let value = part_value(node, text, &pair.value, start);
            self.insert(arguments, &pair.key.text, &place, value);
        }
        let Some(rest) = rest else { return };
        let located = part_value(node, text, &rest, start);
        if style != Style::Parameters {
            arguments.free_form = Some(located);
        } else if is_whole_template(&rest.text) {
            arguments.whole = Some(located);
        } else if !rest.text.trim().is_empty() {
            let word = rest.text.split_whitespace().next().unwrap_or_default();
            let message = format!("`{}` takes no free-form text: `{word}` is not `name=value`", named.name);
            self.failure(Diagnostic::error(Kind::Parameters, message).at(&located.place));
            arguments.free_form = Some(located);
        }
    }

    fn style(&self, module: &str) -> Style {
        let short = short_name(module);
        let bare = module.rsplit('.').next().unwrap_or(module);
        if COMMAND_LINES.contains(&short) || matches!(bare, "win_command" | "win_shell") {
            Style::CommandLine
        } else if TEXTS.contains(&short)
            || is_language_action(module)
            || self.loader.modules.free_form(module)
        {
            Style::Text
        } else if module.contains("{{") {
            // what it takes shows only when its name is rendered
            Style::Text
        } else {
            Style::Parameters
        }
    }

    fn unbalanced(&mut self, text: &Text, unbalanced: freeform::Unbalanced) {
        let freeform::Unbalanced(at) = unbalanced;
        self.error(Kind::Structure, &place_in(text, at, 1), "a quote or a Jinja2 block does not end");
    }
}

/// A text node and the part of it that holds parameters.
struct Texted<'t> {
    node: &'t Node,
    text: &'t Text,
    rest: Option<&'t Part>,
}

/// A part of a text as a value: a template where it has markers and the text may be templated.
fn part_value(node: &Node, text: &Text, part: &Part, start: usize) -> Located {
    let skipped = part.text.len() - part.text.trim_start().len();
    let length = part.text.trim().lines().next().unwrap_or_default().chars().count();
    let place = if part.text.trim().is_empty() {
        place_in(text, 0, 1)
    } else {
        place_in(text, start + part.at + skipped, length)
    };
    let inner = Text::new(Arc::from(part.text.as_str()), place.clone());
    let node = Node { place: place.clone(), tag: node.tag.clone(), kind: NodeKind::Str(inner) };
    Located { value: node.to_value(), place }
}

/// Whether a text is one template and nothing else.
pub(super) fn is_whole_template(text: &str) -> bool {
    let text = text.trim();
    [("{{", "}}"), ("{%", "%}")].iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}
