//! The manual as pages in Markdown.

use std::fmt::Write as _;

use super::Manual;

/// The head of a generated page; `made` is the command that makes it.
fn head(made: &str, title: &str) -> String {
    format!("<!-- Made by `{made}`; do not edit. -->\n\n# {title}\n\n")
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The page of a module; `made` is the command that makes it.
pub fn module(manual: &Manual, made: &str) -> String {
    let Manual { doc, parameters, rules, free_form, check, difference } = manual;
    let mut text = head(made, &doc.full_name());
    let _ = writeln!(text, "{}", doc.summary());
    let short: Vec<String> = manual.names().iter().skip(1).map(|name| format!("`{name}`")).collect();
    let _ = writeln!(text, "\nA task may call it {} too.\n", short.join(", "));
    if !parameters.is_empty() || !rules.is_empty() || free_form.is_some() {
        text.push_str("## Parameters\n\n");
    }
    if !parameters.is_empty() {
        text.push_str("| parameter | type | default | |\n|---|---|---|---|\n");
    }
    for parameter in parameters {
        let default = match parameter.default_shown() {
            Some(default) => format!("`{default}`"),
            None if parameter.required => "**required**".to_owned(),
            None => String::new(),
        };
        let quoted = |all: &[&str]| all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        let mut told = parameter.text.clone();
        if !parameter.choices.is_empty() {
            let _ = write!(told, " One of {}.", quoted(parameter.choices));
        }
        if !parameter.aliases.is_empty() {
            let _ = write!(told, " Also {}.", quoted(parameter.aliases));
        }
        if parameter.refused {
            told.insert_str(0, "**Not supported yet.** ");
        }
        if parameter.secret {
            told.push_str(" Kept out of everything that is shown.");
        }
        let (name, kind) = (parameter.name, &parameter.kind);
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {} |", cell(&default), cell(&told));
    }
    for (at, sentence) in free_form.iter().chain(rules).enumerate() {
        let gap = if at == 0 && !parameters.is_empty() { "\n" } else { "" };
        let _ = writeln!(text, "{gap}- {sentence}");
    }
    let _ =
        write!(text, "\n## Check mode\n\n{}\n\n## Differences\n\n{}\n", check.words(), difference.words());
    if !doc.returns.is_empty() {
        text.push_str("\n## Result\n\nBeside what every task gives (`changed`, `failed`, `msg` …):\n\n");
    }
    for (key, meaning) in doc.returns {
        let _ = writeln!(text, "- `{key}`: {meaning}");
    }
    let _ = write!(text, "\n## Example\n\n```yaml\n{}```\n", doc.example());
    text
}

/// The list of all modules; `made` is the command that makes it.
pub fn index(manuals: &[Manual], made: &str) -> String {
    let mut text = head(made, "Modules");
    text.push_str(
        "The modules that fleet has itself. `fleet doc MODULE` shows the same on the terminal. Other modules of an \
         installed Ansible and of collections are run by the host's Python; `ansible-doc` has their text. What of the \
         originals' parameters is supported stands in [support.md](support.md), how editors check files in \
         [editors.md](../editors.md).\n",
    );
    let mut collections: Vec<&str> = manuals.iter().map(|manual| manual.doc.collection).collect();
    collections.sort_unstable();
    collections.dedup();
    for collection in collections {
        let _ = write!(text, "\n## {collection}\n\n| module | |\n|---|---|\n");
        for Manual { doc, .. } in manuals.iter().filter(|manual| manual.doc.collection == collection) {
            let (name, summary) = (doc.name, cell(doc.summary()));
            let _ = writeln!(text, "| [{name}]({name}.md) | {summary} |");
        }
    }
    text
}
