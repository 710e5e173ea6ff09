//! What is told of one module, taken from the module itself.

use super::support::{self, Check, Difference};
use crate::modules::{AnyModule, Field, FreeForm, ModuleDoc, Rule};

/// What is told of one module.
#[derive(Clone, Debug)]
pub struct Manual {
    /// Its names and its text.
    pub doc: ModuleDoc,
    /// Its parameters; what must be given comes first.
    pub parameters: Vec<Parameter>,
    /// The rules between them, each a sentence.
    pub rules: Vec<String>,
    /// What a free-form text means to it, a sentence.
    pub free_form: Option<String>,
    /// Check mode.
    pub check: Check,
    /// Differences.
    pub difference: Difference,
}

/// What is told of one parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Its type: `str`, `list of str` …
    pub kind: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when it is not given, as files write it.
    pub default: Option<String>,
    /// The values it may have, where they are few.
    pub choices: &'static [&'static str],
    /// What it does.
    pub text: String,
    /// Whether its value is kept out of everything that is shown.
    pub secret: bool,
    /// Whether the original has it, and this module refuses it.
    pub refused: bool,
}

impl Parameter {
    fn of(field: Field, module: &str) -> Self {
        let Field { name, aliases, kind, elements, required, default, choices, doc, secret } = field;
        let kind = elements.map_or_else(|| kind.to_owned(), |elements| format!("{kind} of {elements}"));
        let text = doc.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
        let default = default.map(|default| default());
        let refused = support::refuses(module, name);
        Self { name, aliases, kind, required, default, choices, text, secret, refused }
    }

    /// The default as it is quoted: what would not show is written as JSON.
    pub fn default_shown(&self) -> Option<String> {
        let default = self.default.as_deref()?;
        let plain = !default.is_empty() && default.trim() == default && !default.contains(char::is_control);
        Some(if plain { default.to_owned() } else { serde_json::Value::from(default).to_string() })
    }

    /// Type, whether it must be given, default: `str, default present`.
    pub fn facts(&self) -> String {
        let mut facts = vec![self.kind.clone()];
        if self.required {
            facts.push("required".to_owned());
        }
        facts.extend(self.default_shown().map(|default| format!("default {default}")));
        if self.refused {
            facts.push("not supported yet".to_owned());
        }
        if self.secret {
            facts.push("kept secret".to_owned());
        }
        facts.join(", ")
    }
}

/// Names in a sentence: `` `a`, `b` and `c` ``.
fn names(all: &[&str], join: &str) -> String {
    let quoted: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {join} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn sentence(rule: Rule) -> String {
    match rule {
        Rule::MutuallyExclusive(all) => format!("At most one of {} may be given.", names(all, "and")),
        Rule::RequiredTogether(all) => format!("{} are given together or not at all.", names(all, "and")),
        Rule::RequiredOneOf(all) => format!("{} must be given.", names(all, "or")),
        Rule::RequiredIf(name, value, needs) => {
            format!("Where `{name}` is `{value}`, {} must be given.", names(needs, "and"))
        }
        Rule::RequiredBy(name, needs) => {
            format!("Where `{name}` is given, {} must be given too.", names(needs, "and"))
        }
    }
}

impl Manual {
    /// What is told of a module.
    pub fn of(module: &dyn AnyModule) -> Self {
        let doc = module.doc();
        let mut parameters: Vec<Parameter> =
            module.fields().into_iter().map(|field| Parameter::of(field, doc.name)).collect();
        parameters.sort_by_key(|parameter| !parameter.required);
        let mut rules: Vec<String> = module.rules().into_iter().map(sentence).collect();
        if module.open() {
            let meaning = match doc.name {
                "package" => "Every other parameter is handed to the package manager's module.",
                _ => "Every other name is a variable with its value.",
            };
            rules.push(meaning.to_owned());
        }
        let free_form = match doc.free_form {
            FreeForm::Pairs => None,
            FreeForm::Raw(parameter) if parameters.iter().any(|known| known.name == parameter) => {
                Some(format!("A text in place of parameters is `{parameter}`."))
            }
            FreeForm::Raw(_) => Some("A text in place of parameters is what it works on.".to_owned()),
        };
        Self {
            doc,
            parameters,
            rules,
            free_form,
            check: support::check(doc.name),
            difference: support::difference(doc.name),
        }
    }

    /// The names that a task may use: the full one first.
    pub fn names(&self) -> Vec<String> {
        let short = std::iter::once(self.doc.name).chain(self.doc.aliases.iter().copied());
        std::iter::once(self.doc.full_name()).chain(short.map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::{MODULES, find};

    #[test]
    fn every_module_and_parameter_has_its_text() {
        for module in MODULES {
            let manual = Manual::of(*module);
            let name = manual.doc.name;
            assert!(manual.doc.summary().ends_with('.'), "{name}: `{}`", manual.doc.summary());
            assert!(
                manual.doc.returns.iter().all(|(key, meaning)| !key.is_empty() && !meaning.is_empty()),
                "{name}"
            );
            for parameter in &manual.parameters {
                assert!(parameter.text.ends_with('.'), "{name}.{}: `{}`", parameter.name, parameter.text);
                let empty = parameter.default.as_deref() == Some("");
                assert!(
                    !empty || parameter.kind == "str",
                    "{name}.{} does not tell its default",
                    parameter.name
                );
            }
            for called in manual.names() {
                assert_eq!(find(&called).map(|found| found.doc().name), Some(name), "{called}");
            }
        }
    }

    #[test]
    fn parameters_are_told_as_files_write_them() {
        let manual = Manual::of(find("apt").unwrap());
        let of = |name: &str| manual.parameters.iter().find(|found| found.name == name).unwrap();
        assert_eq!(of("name").facts(), "list of str");
        assert_eq!(of("state").facts(), "str, default present");
        assert_eq!(of("lock_timeout").facts(), "int, default 60");
        let manual = Manual::of(find("sysctl").unwrap());
        assert!(manual.rules.contains(&"Where `state` is `present`, `value` must be given.".to_owned()));
    }
}
