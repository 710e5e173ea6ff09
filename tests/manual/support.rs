//! `docs/modules/support.md`: what of the originals' parameters is there, and how each module is tested.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fleet::base::{Source, Value};
use fleet::lang::{Keyword, keyword, short_name};
use fleet::manual::support::{IN_PART, check, difference, refuses};
use fleet::modules::{AnyModule, find};

use crate::originals::{self, Original};
use crate::{MADE, project};

/// The least share of the originals' parameters, in percent.
const LEAST: usize = 95;

/// What of one original is there.
struct Found {
    original: Original,
    module: &'static dyn AnyModule,
    /// Parameters that are not there.
    missing: Vec<String>,
    /// Other names of parameters that are not there.
    names_missing: Vec<String>,
    /// Parameters that are taken and have no effect.
    idle: Vec<String>,
}

fn found(original: Original) -> Result<Found, String> {
    let module = find(&original.name).ok_or_else(|| format!("there is no `{}`", original.name))?;
    let fields = module.fields();
    let known = |name: &String| {
        module.open() || fields.iter().any(|field| field.name == name || field.aliases.contains(&&**name))
    };
    let short = module.doc().name;
    let (mut missing, mut names_missing) = (Vec::new(), Vec::new());
    for names in &original.parameters {
        match names.split_first() {
            Some((name, _)) if !known(name) || refuses(short, name) => missing.push(name.clone()),
            Some((_, others)) => names_missing.extend(others.iter().filter(|name| !known(name)).cloned()),
            None => {}
        }
    }
    let idle = fields.iter().filter(|field| {
        field.doc.to_lowercase().contains("without effect") || field.doc.contains("Has no effect")
    });
    let idle = idle.map(|field| field.name.to_owned()).collect();
    Ok(Found { original, module, missing, names_missing, idle })
}

fn all() -> Result<Vec<Found>, String> {
    originals::all()?.into_iter().map(found).collect()
}

/// How many of the originals' parameters there are, and of how many.
fn share(all: &[Found]) -> (usize, usize) {
    all.iter().fold((0, 0), |(there, total), found| {
        let of = found.original.parameters.len();
        (there + of - found.missing.len(), total + of)
    })
}

/// Whether enough parameters are there.
///
/// # Errors
/// Too few are.
pub fn check_share() -> Result<(), String> {
    let all = all()?;
    let (there, total) = share(&all);
    if total > 500 && there * 100 >= total * LEAST {
        return Ok(());
    }
    let missing: Vec<String> = all.iter().flat_map(|found| names_of(found, &found.missing)).collect();
    Err(format!("{there} of {total} parameters are there, without {}", missing.join(", ")))
}

fn names_of<'f>(found: &'f Found, names: &'f [String]) -> impl Iterator<Item = String> + 'f {
    names.iter().map(|name| format!("`{}.{name}`", found.module.doc().name))
}

/// The page.
///
/// # Errors
/// What it is made from cannot be read.
pub fn page() -> Result<String, String> {
    let all = all()?;
    let (there, total) = share(&all);
    let tasks = oracle_tasks()?;
    let mut text = format!(
        "<!-- Made by `{MADE}`; do not edit. -->\n\n# What of the originals is supported\n\n\
         fleet's modules beside their originals: how many of the original's parameters fleet's has, by `ansible-doc`; what \
         check mode and differences tell, the original's own word for it after a slash; how many cases the module has (its \
         plan for given observations), and how many tasks with it run with both programs on twin hosts, in \
         `tests/oracle/cases/`.\n\n{there} of {total} parameters are there. A parameter that is not is refused by name.\n\n\
         | module | original | parameters | check mode | differences | cases | oracle tasks |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for found in &all {
        let doc = found.module.doc();
        let Original { name: _, from, check: checks, diff, parameters } = &found.original;
        let _ = writeln!(
            text,
            "| [{name}]({name}.md) | {from} | {} of {} | {} / {checks} | {} / {diff} | {} | {} |",
            parameters.len() - found.missing.len(),
            parameters.len(),
            check(doc.name).word(),
            difference(doc.name).word(),
            cases(doc.name),
            tasks.get(doc.name).copied().unwrap_or_default(),
            name = doc.name,
        );
    }
    let list = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let missing = all.iter().flat_map(|found| names_of(found, &found.missing)).collect();
    let names = all.iter().flat_map(|found| names_of(found, &found.names_missing)).collect();
    let _ = write!(text, "\nParameters that are not there: {}.\n", list(missing));
    let in_part = IN_PART.iter().map(|(parameter, what)| format!("`{parameter}` ({what})")).collect();
    let _ = write!(
        text,
        "\nSupported in part: {}; `selevel`, `serole`, `setype` and `seuser` of all modules that write files are refused where \
         the host has SELinux.\n",
        list(in_part)
    );
    let idle = all.iter().flat_map(|found| names_of(found, &found.idle)).collect();
    let _ = write!(
        text,
        "\nParameters that are taken and have no effect, as nothing needs them here: {}.\n",
        list(idle)
    );
    let _ = write!(text, "\nOther names of parameters that are not there: {}.\n", list(names));
    Ok(text)
}

/// How many cases of its own a module has.
fn cases(module: &str) -> usize {
    let entries = fs::read_dir(project("src/modules/cases").join(module));
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "json"))
        .count()
}

/// How many tasks of the oracle's cases call each module.
fn oracle_tasks() -> Result<BTreeMap<&'static str, usize>, String> {
    let mut counts = BTreeMap::new();
    for path in yaml_files(&project("tests/oracle/cases")) {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for document in fleet::yaml::parse(&Source::new(&path, text)).documents {
            count(&document.to_value(), &mut counts);
        }
    }
    Ok(counts)
}

fn count(value: &Value, counts: &mut BTreeMap<&'static str, usize>) {
    for item in value.as_list().unwrap_or_default() {
        count(item, counts);
    }
    let Some(entries) = value.as_map() else { return };
    let lists = ["hosts", "block", "tasks", "handlers", "pre_tasks", "post_tasks", "rescue", "always"];
    if let Some(module) = entries.keys().find_map(|key| module_of(key.as_str()?)) {
        // what a task has is no task
        *counts.entry(module.doc().name).or_default() += 1;
    }
    for (key, value) in entries {
        if key.as_str().is_some_and(|key| lists.contains(&key)) {
            count(value, counts);
        }
    }
}

fn module_of(key: &str) -> Option<&'static dyn AnyModule> {
    let is_word = Keyword::parse(key).is_some()
        || [keyword::STRUCTURAL_PLAY, keyword::STRUCTURAL_BLOCK, keyword::STRUCTURAL_TASK]
            .concat()
            .contains(&key);
    if is_word { None } else { find(key).or_else(|| find(short_name(key))) }
}

/// The YAML files below a directory, in order.
pub fn yaml_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            found.push(path);
        }
    }
    found
}
