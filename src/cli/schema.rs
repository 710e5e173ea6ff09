//! `fleet schema`: JSON schemas of the files that fleet reads, for editors.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::exit::Exit;
use crate::manual::schema::{Subject, schema};

/// Arguments of `fleet schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// What the schema is of; without it, one schema of all of them, which tells them apart by what is in a file
    #[arg(value_name = "FILES")]
    of: Option<Files>,
    /// Write a schema of each into this directory: playbook.json, tasks.json, inventory.json, vars.json
    #[arg(short, long, value_name = "DIRECTORY", conflicts_with = "of")]
    directory: Option<PathBuf>,
    /// A module of the project's own that tasks call by its short name; its parameters are not checked
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
}

/// What files are.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Files {
    /// Playbooks
    Playbook,
    /// Files of tasks or handlers, in roles and beside playbooks
    Tasks,
    /// Inventories in YAML
    Inventory,
    /// Files of variables: group_vars, host_vars, defaults and vars of roles
    Vars,
}

impl From<Files> for Subject {
    fn from(files: Files) -> Self {
        match files {
            Files::Playbook => Self::Playbook,
            Files::Tasks => Self::Tasks,
            Files::Inventory => Self::Inventory,
            Files::Vars => Self::Vars,
        }
    }
}

/// Runs `fleet schema`.
pub fn run(args: SchemaArgs) -> Result<Exit> {
    let SchemaArgs { of, directory, module } = args;
    match directory {
        Some(directory) => {
            std::fs::create_dir_all(&directory)
                .with_context(|| format!("cannot make `{}`", directory.display()))?;
            for subject in Subject::ALL {
                save(&directory.join(format!("{}.json", subject.name())), &text(subject, &module)?)?;
            }
        }
        None => {
            let text = text(of.map_or(Subject::Any, Subject::from), &module)?;
            match anstream::stdout().lock().write_all(text.as_bytes()) {
                // somebody has seen enough
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                written => written.context("cannot write")?,
            }
        }
    }
    Ok(Exit::Fine)
}

fn text(subject: Subject, others: &[String]) -> Result<String> {
    let mut text =
        serde_json::to_string_pretty(&schema(subject, others)).context("cannot write the schema")?;
    text.push('\n');
    Ok(text)
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
