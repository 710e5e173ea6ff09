//! What the JSON schemas accept and refuse, judged by Python's `jsonschema`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fleet::base::{Source, Value};
use fleet::manual::schema::{Subject, schema};
use fleet::manual::{Manual, actions};
use fleet::modules::MODULES;
use serde_json::{Value as Json, json};

use crate::program::{Ran, ran};
use crate::project;
use crate::support::yaml_files;

const VALIDATOR: &str = "4.26.0";

/// Runs a program that has to succeed.
///
/// # Errors
/// The problem, and what the program printed.
pub fn must_run(command: &mut Command, problem: &str) -> Result<(), String> {
    crate::environment::must(command, problem)
}

/// The environment with the validator.
///
/// # Errors
/// It cannot be made.
pub fn environment() -> Result<PathBuf, String> {
    let place = crate::environment::scratch("manual-environment");
    crate::environment::install(&place, &[], &[&format!("jsonschema=={VALIDATOR}")])?;
    Ok(place)
}

/// One file with what it is.
struct Document {
    /// What is told of it.
    name: String,
    subject: Subject,
    content: Json,
}

/// Short names of the modules that the cases bring along.
fn own_modules() -> Vec<String> {
    let cases = project("tests/oracle/cases");
    // `case_debug` is another name of a module, by a redirect
    let mut names = vec!["fleet_sample".to_owned(), "case_debug".to_owned()];
    let mut directories = vec![cases];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if directory.ends_with("library") || directory.ends_with("plugins/modules") {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
    }
    names
}

/// What is wrong with each document; nothing where all is right.
fn judged(environment: &Path, documents: &[Document]) -> Result<Vec<Vec<String>>, String> {
    let room = tempfile::tempdir().map_err(|error| error.to_string())?;
    let subjects = Subject::ALL.into_iter().chain([Subject::Any]);
    let others = own_modules();
    let schemas: serde_json::Map<String, Json> =
        subjects.map(|subject| (subject.name().to_owned(), schema(subject, &others))).collect();
    let documents: Vec<Json> = documents
        .iter()
        .map(|document| json!({"subject": document.subject.name(), "content": document.content}))
        .collect();
    let input = room.path().join("input.json");
    let text = json!({"schemas": schemas, "documents": documents}).to_string();
    fs::write(&input, text).map_err(|error| error.to_string())?;
    let mut python = Command::new(environment.join("bin/python"));
    let Ran { code, stdout, stderr } = ran(python.arg(project("tests/manual/judge.py")).arg(&input))?;
    if code != 0 {
        return Err(format!("the validator failed: {stderr}"));
    }
    serde_json::from_str(&stdout).map_err(|error| format!("the validator's answer: {error}: {stdout}"))
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect())
        }
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.to_json(),
        text => Json::from(text.to_text()),
    }
}

fn read(path: &Path, subject: Subject) -> Result<Document, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let parsed = fleet::yaml::parse(&Source::new(path, text));
    let content = parsed.documents.first().map_or(Json::Null, |document| to_json(&document.to_value()));
    Ok(Document { name: path.display().to_string(), subject, content })
}

/// What a file is, by where it lies.
fn subject(path: &Path) -> Option<Subject> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let below = |name: &str| parts.contains(&name);
    if below("meta") || below("files") || below("templates") || below("collections") {
        None
    } else if below("group_vars") || below("host_vars") || below("defaults") || below("vars") {
        Some(Subject::Vars)
    } else if below("inventory") {
        Some(Subject::Inventory)
    } else if below("tasks") || below("handlers") {
        Some(Subject::Tasks)
    } else {
        Some(Subject::Playbook)
    }
}

fn wrong(environment: &Path, documents: &[Document]) -> Result<(), String> {
    let problems: Vec<String> = judged(environment, documents)?
        .into_iter()
        .zip(documents)
        .flat_map(|(problems, document)| {
            let subject = document.subject.name();
            problems.into_iter().map(move |problem| format!("{} ({subject}): {problem}", document.name))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// The project's own files, and those of the tests that run with Ansible too, are right; for the schema of all files, too.
///
/// # Errors
/// What is refused.
pub fn accepts_the_project(environment: &Path) -> Result<(), String> {
    let mut documents = Vec::new();
    for directory in ["playbooks", "roles", "inventory", "tests/oracle/cases"] {
        for path in yaml_files(&project(directory)) {
            let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path).to_owned();
            let relative = relative.strip_prefix("tests/oracle").unwrap_or(&relative).to_owned();
            let Some(subject) = subject(&relative) else { continue };
            documents.push(read(&path, subject)?);
            documents.push(read(&path, Subject::Any)?);
        }
    }
    if documents.len() < 100 {
        return Err(format!("there are only {} files", documents.len()));
    }
    wrong(environment, &documents)
}

/// The modules' examples are right, under all names of the modules.
///
/// # Errors
/// What is refused.
pub fn accepts_the_examples(environment: &Path) -> Result<(), String> {
    let manuals = MODULES.iter().map(|module| Manual::of(*module)).chain(actions::manuals());
    let mut documents = Vec::new();
    for manual in manuals {
        let full = manual.doc.full_name();
        for name in manual.names() {
            let text = manual.doc.example().replace(&format!("{full}:"), &format!("{name}:"));
            let parsed = fleet::yaml::parse(&Source::new(&*full, text));
            let content = parsed.documents.first().map(|document| to_json(&document.to_value()));
            let play = manual.doc.name == "import_playbook";
            documents.push(Document {
                name: format!("the example of {name}"),
                subject: if play { Subject::Playbook } else { Subject::Tasks },
                content: content.ok_or_else(|| format!("{full} has no example"))?,
            });
        }
    }
    // a playbook is imported by its short name or its full one
    documents.retain(|document| !document.name.contains("legacy"));
    wrong(environment, &documents)
}

/// Each of `mistakes.yml` is refused, and what stands beside it as right is not.
///
/// # Errors
/// What is not refused.
pub fn refuses_mistakes(environment: &Path) -> Result<(), String> {
    let path = project("tests/manual/mistakes.yml");
    let Document { content, .. } = read(&path, Subject::Any)?;
    let entries = content.as_array().cloned().unwrap_or_default();
    let mut documents = Vec::new();
    for entry in &entries {
        let of = entry.get("of").and_then(Json::as_str).unwrap_or_default();
        let subject = Subject::ALL.into_iter().find(|subject| subject.name() == of);
        let subject = subject.ok_or_else(|| format!("there are no files `{of}`: {entry}"))?;
        for side in ["wrong", "right"] {
            for content in entry.get(side).and_then(Json::as_array).into_iter().flatten() {
                documents.push(Document { name: side.to_owned(), subject, content: content.clone() });
            }
        }
    }
    if documents.len() < 60 {
        return Err(format!("there are only {} documents in {}", documents.len(), path.display()));
    }
    let answers = judged(environment, &documents)?;
    let failed: Vec<String> = answers
        .iter()
        .zip(&documents)
        .filter(|(problems, document)| problems.is_empty() == (document.name == "wrong"))
        .map(|(problems, document)| {
            format!("is {} for {}: {} {problems:?}", document.name, document.subject.name(), document.content)
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
