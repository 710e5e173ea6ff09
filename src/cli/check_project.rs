//! `fleet check-project`: everything in a tree of playbooks and roles that fleet will not run, once, with its places.
//! Connects to nothing: the first thing that a team runs.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use indexmap::IndexMap;

use super::discover::{Found, discover};
use super::exit::Exit;
use super::inventory::Manner;
use super::options::TaskArgs;
use super::prepare::{ground, settings};
use super::vault_options::VaultOptions;
use super::{extra, scrubbed};
use crate::base::names::count;
use crate::base::{Diagnostic, Place, Severity};
use crate::engine::file_checks::FileChecks;
use crate::report::style::{Label, paint};

/// Arguments of `fleet check-project`.
#[derive(Debug, Args)]
pub struct CheckProjectArgs {
    /// The directory that is searched for playbooks and roles
    #[arg(value_name = "DIRECTORY", default_value = ".")]
    directory: PathBuf,
    /// Variables that names of imports need: `name=value`, YAML or JSON, or `@file`
    #[arg(short, long, value_name = "VARS")]
    extra_vars: Vec<String>,
    /// Show every place, not only the first ones of each problem
    #[arg(long)]
    all: bool,
    /// Leave warnings out
    #[arg(long)]
    no_warnings: bool,
    #[command(flatten)]
    vault: VaultOptions,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// How many places of one problem are shown.
const MOST_PLACES: usize = 5;

/// One kind of problem with all its places.
struct Problem {
    first: Diagnostic,
    places: Vec<Place>,
}

/// Runs `fleet check-project`.
pub fn run(args: CheckProjectArgs) -> Result<Exit> {
    let CheckProjectArgs { directory, extra_vars, all, no_warnings, vault, json } = args;
    let ground = ground(&vault, Manner::Fleet)?;
    let directory = std::path::absolute(&directory).context("cannot tell where the directory is")?;
    let found = discover(&ground.project, &directory);
    let extra = extra::read(&extra_vars, &ground.project)?;
    let mut problems: IndexMap<(Severity, String), Problem> = IndexMap::new();
    let mut seen = HashSet::new();
    let mut take = |diagnostics: crate::base::Diagnostics| {
        for diagnostic in diagnostics.0 {
            let place = diagnostic.place.clone();
            let at = place.as_ref().map(Place::to_string);
            if !seen.insert((diagnostic.message.clone(), at)) {
                continue;
            }
            let key = (diagnostic.severity, diagnostic.message.clone());
            let problem =
                problems.entry(key).or_insert_with(|| Problem { first: diagnostic, places: Vec::new() });
            problem.places.extend(place);
        }
    };
    let mut modules: IndexMap<String, Vec<Place>> = IndexMap::new();
    let mut note = |checks: FileChecks<'_>| {
        for (file, place) in checks.files() {
            let places = modules.entry(file.name.to_string()).or_default();
            if !places.iter().any(|known| known.to_string() == place.to_string()) {
                places.push(place);
            }
        }
    };
    for playbook in &found.playbooks {
        let settings = settings(playbook, &ground.config, &TaskArgs::default());
        let mut checks = FileChecks::new(&ground.project, &settings, extra.clone());
        take(checks.playbook(playbook));
        note(checks);
    }
    for role in &found.roles {
        // roles find each other as they would beside a playbook
        let beside =
            role.parent().and_then(std::path::Path::parent).unwrap_or(&directory).join("playbook.yml");
        let settings = settings(&beside, &ground.config, &TaskArgs::default());
        let mut checks = FileChecks::new(&ground.project, &settings, extra.clone());
        take(checks.role(role));
        note(checks);
    }
    modules.sort_keys();
    problems.sort_by(|a, left, b, right| {
        b.0.cmp(&a.0).then(right.places.len().cmp(&left.places.len())).then(a.1.cmp(&b.1))
    });
    if no_warnings {
        problems.retain(|(severity, _), _| *severity == Severity::Error);
    }
    let errors = problems.keys().filter(|(severity, _)| *severity == Severity::Error).count();
    let mut out = scrubbed::stdout();
    if json {
        show_json(&mut out, &found, &problems, &modules)?;
    } else {
        let most = if all { usize::MAX } else { MOST_PLACES };
        show_modules(&mut out, &modules, most).context("cannot write")?;
        show(&mut out, &found, &problems, most).context("cannot write")?;
    }
    Ok(if errors > 0 { Exit::Files } else { Exit::Fine })
}

/// The modules that are run on hosts by an interpreter there.
fn show_modules(
    out: &mut impl Write,
    modules: &IndexMap<String, Vec<Place>>,
    most: usize,
) -> std::io::Result<()> {
    for (name, places) in modules {
        writeln!(
            out,
            "{}: `{name}` is run on hosts by an interpreter there",
            paint(Label::Heading, "module")
        )?;
        for place in places.iter().take(most) {
            writeln!(out, "  {}", paint(Label::Dim, &place.to_string()))?;
        }
        if places.len() > most {
            writeln!(out, "  and {} more", count(places.len() - most, "place"))?;
        }
    }
    Ok(())
}

fn show(
    out: &mut impl Write,
    found: &Found,
    problems: &IndexMap<(Severity, String), Problem>,
    most: usize,
) -> std::io::Result<()> {
    for ((severity, message), Problem { first, places }) in problems {
        let (label, word) = match severity {
            Severity::Error => (Label::Failed, "error"),
            Severity::Warning => (Label::Warning, "warning"),
        };
        writeln!(out, "{}: {message}", paint(label, word))?;
        for place in places.iter().take(most) {
            writeln!(out, "  {}", paint(Label::Dim, &place.to_string()))?;
        }
        if places.len() > most {
            writeln!(out, "  and {} more", count(places.len() - most, "place"))?;
        }
        if let Some(hint) = &first.hint {
            writeln!(out, "  hint: {hint}")?;
        }
    }
    let errors = problems.keys().filter(|(severity, _)| *severity == Severity::Error).count();
    let looked =
        format!("{} and {}", count(found.playbooks.len(), "playbook"), count(found.roles.len(), "role"));
    let warnings = problems.len() - errors;
    if errors == 0 {
        writeln!(
            out,
            "{looked}: fleet runs all of it ({})",
            if warnings == 1 { "1 kind of warning".to_owned() } else { count(warnings, "warning") }
        )
    } else {
        let kinds =
            if errors == 1 { "1 kind of error".to_owned() } else { format!("{errors} kinds of errors") };
        writeln!(out, "{looked}: {kinds}; fleet refuses the playbooks that have them")
    }
}

fn show_json(
    out: &mut impl Write,
    found: &Found,
    problems: &IndexMap<(Severity, String), Problem>,
    modules: &IndexMap<String, Vec<Place>>,
) -> Result<()> {
    let shown = |paths: &[PathBuf]| -> Vec<String> {
        paths.iter().map(|path| crate::project::shown(path).display().to_string()).collect()
    };
    let problems: Vec<_> = problems
        .iter()
        .map(|((severity, message), Problem { first, places })| {
            serde_json::json!({
                "severity": match severity { Severity::Error => "error", Severity::Warning => "warning" },
                "kind": first.kind.name(),
                "message": message,
                "hint": first.hint,
                "places": places.iter().map(Place::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let report = serde_json::json!({
        "playbooks": shown(&found.playbooks), "roles": shown(&found.roles), "problems": problems,
        "interpreted": modules
            .iter()
            .map(|(name, places)| (name.clone(), places.iter().map(Place::to_string).collect::<Vec<_>>().into()))
            .collect::<serde_json::Map<String, serde_json::Value>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &report).context("cannot write")?;
    writeln!(out).context("cannot write")
}
