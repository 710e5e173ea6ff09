//! `-e`: extra variables as `key=value`, YAML or JSON, or `@file`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::exit::{FilesAreWrong, WrongOptions};
use crate::base::{Diagnostics, Source, Value};
use crate::project::Project;
use crate::vars::{VarMap, Variable};
use crate::yaml::{NodeKind, parse_single};

/// Reads all `-e` options in their order; the later one wins.
pub fn read(options: &[String], project: &Project) -> Result<VarMap> {
    let mut vars = VarMap::new();
    for option in options {
        let text = option.trim();
        if let Some(path) = text.strip_prefix('@') {
            let source = project.read(Path::new(path)).map_err(|d| FilesAreWrong(Diagnostics(vec![d])))?;
            let mut read = VarMap::new();
            mapping(&source, &mut read)?;
            if project.is_sealed(Path::new(path)) {
                for (name, Variable { value, place }) in &mut read {
                    *value = project.vault().hidden(name, value, place.as_ref());
                }
            }
            vars.extend(read);
        } else if text.starts_with(['{', '[']) {
            mapping(&Source::new("<extra vars>", text), &mut vars)?;
        } else {
            pairs(text, &mut vars)?;
        }
    }
    Ok(vars)
}

fn mapping(source: &Arc<Source>, vars: &mut VarMap) -> Result<()> {
    let parsed = parse_single(source);
    if parsed.diagnostics.has_errors() {
        return Err(FilesAreWrong(parsed.diagnostics).into());
    }
    match parsed.documents.first().map(|node| (node, &node.kind)) {
        None | Some((_, NodeKind::Null)) => Ok(()),
        Some((_, NodeKind::Map(entries))) => {
            for (name, value) in entries.iter() {
                let name = name.as_str().unwrap_or_default();
                let variable = Variable { value: value.to_value(), place: Some(value.place.clone()) };
                vars.insert(Arc::from(name), variable);
            }
            Ok(())
        }
        Some((node, _)) => {
            let path = source.path.display();
            Err(WrongOptions(format!(
                "the extra variables of {path} must be a mapping, not {}",
                node.describe()
            ))
            .into())
        }
    }
}

fn pairs(text: &str, vars: &mut VarMap) -> Result<()> {
    let source = Source::new("<extra vars>", text);
    let unbalanced =
        || WrongOptions(format!("a quote or a template in the extra variables `{text}` does not end"));
    let (pairs, rest) = crate::lang::key_values(text).ok_or_else(unbalanced)?;
    if let Some(rest) = rest.filter(|rest| !rest.trim().is_empty()) {
        let message = format!("extra variables are `name=value`, YAML or `@file`, not `{}`", rest.trim());
        return Err(WrongOptions(message).into());
    }
    for (name, value) in pairs {
        // as Ansible: the value of a pair is a text, never a number or a boolean
        let place = crate::base::Place::start_of(&source);
        let value = if crate::yaml::has_markers(&value) {
            Value::Template(Arc::new(crate::base::TemplateText {
                text: Arc::from(value),
                place: Some(place),
                form: crate::base::TextForm::Template,
            }))
        } else {
            Value::from(value)
        };
        vars.insert(Arc::from(name), Variable { value, place: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(options: &[&str]) -> Vec<(String, Value)> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let vars = read(&options, &Project::new()).unwrap();
        vars.into_iter().map(|(name, variable)| (name.to_string(), variable.value)).collect()
    }

    #[test]
    fn pairs_are_texts_and_yaml_is_typed() {
        assert_eq!(
            get(&["a=1 b='x y'", "{\"c\": 2, \"a\": true}"]),
            [
                ("a".to_owned(), Value::Bool(true)),
                ("b".to_owned(), Value::from("x y")),
                ("c".to_owned(), Value::from(2)),
            ]
        );
    }

    #[test]
    fn a_template_is_one_word() {
        let found = get(&["python={{ ansible_playbook_python }} b=c"]);
        assert!(
            matches!(&found[0], (name, Value::Template(text)) if name == "python" && &*text.text == "{{ ansible_playbook_python }}"),
            "{found:?}"
        );
        assert_eq!(found[1], ("b".to_owned(), Value::from("c")));
        assert!(read(&["a='b".to_owned()], &Project::new()).is_err());
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert!(read(&["abc".to_owned()], &Project::new()).is_err());
    }
}
