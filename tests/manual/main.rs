//! The manual: its pages are those that the modules make now, enough of the originals' parameters are there, and the JSON
//! schemas accept what is right and refuse what is not.
//!
//! - `FLEET_DOCS_WRITE=1` writes `docs/modules/`.
//! - `FLEET_ORIGINALS_WRITE=1` asks the originals for their parameters anew, and writes `originals.tsv`.
//!
//! The schemas are judged by Python's `jsonschema`, in an environment of its own: where that cannot be made its trials are
//! ignored, with the reason; `FLEET_LAB=require` makes that a failure.

mod checked;
mod originals;
mod pages;
mod schemas;
mod support;

#[path = "../oracle/environment.rs"]
mod environment;
#[path = "../oracle/program.rs"]
#[expect(dead_code, reason = "fleet itself is not run here")]
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Judges something in the environment with the validator.
type Judge = fn(&Path) -> Result<(), String>;

/// What makes the pages.
const MADE: &str = "FLEET_DOCS_WRITE=1 cargo test --test manual";

/// A path of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether what is generated is written.
fn writes(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // the other trials go by what is written
    if let Err(problem) = originals::refresh() {
        eprintln!("{problem}");
        return ExitCode::FAILURE;
    }
    let judge = |judged: fn() -> Result<(), String>| move || judged().map_err(Failed::from);
    let mut trials = vec![
        Trial::test("the_originals_are_those_of_the_modules", judge(originals::check)),
        Trial::test("enough_parameters_are_there", judge(support::check_share)),
        Trial::test("the_pages_are_fresh", judge(pages::check)),
    ];
    let required = std::env::var("FLEET_LAB").as_deref() == Ok("require");
    // one environment for all
    let environment = if arguments.list { Ok(PathBuf::new()) } else { schemas::environment() };
    let schema_trials: [(&str, Judge); 3] = [
        ("schemas_accept_the_projects_files", schemas::accepts_the_project),
        ("schemas_accept_the_examples", schemas::accepts_the_examples),
        ("schemas_refuse_mistakes", schemas::refuses_mistakes),
    ];
    for (name, judged) in schema_trials {
        trials.push(match &environment {
            Ok(environment) => {
                let environment = environment.clone();
                Trial::test(name, move || judged(&environment).map_err(Failed::from))
            }
            Err(reason) if required => {
                let reason = reason.clone();
                Trial::test(name, || Err(Failed::from(reason)))
            }
            Err(reason) => {
                Trial::test(name, || Ok(())).with_kind(format!("skipped: {reason}")).with_ignored_flag(true)
            }
        });
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
