//! A conformance suite of fleet's own for what needs no host but the controller: variables, inventories, templates,
//! handlers, errors, command lines. Each command of each case of `cases/` runs with ansible-core and with fleet under
//! ansible's command names; what they print and their exit codes must be equal, save for what `differences.txt` lists.
//!
//! What Ansible answered is kept under the target directory by the contents of the case, so that Ansible runs only when
//! a case is new or was changed.
//!
//! - `FLEET_LANGUAGE_WRITE=1` writes `docs/agreement.md`.
//! - `FLEET_LAB=require` makes a failure of an oracle that cannot be installed.

mod answer;
mod case;
mod compare;
mod differences;
mod normal;
mod table;

#[path = "../common/listed.rs"]
mod listed;
#[path = "../common/page.rs"]
mod page;

#[path = "../oracle/environment.rs"]
mod environment;
#[path = "../oracle/program.rs"]
mod program;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use differences::Differences;

/// The trial that compares the documentation's table.
const TABLE: &str = "the_table_is_fresh";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let read = Case::all().and_then(|cases| Ok((Differences::read(&cases)?, cases)));
    let (differences, cases) = match read {
        Ok((differences, cases)) => (Arc::new(differences), cases),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let missing = if arguments.list { None } else { answer::prepare().err() };
    let required = std::env::var("FLEET_LAB").as_deref() == Ok("require");
    let mut trials: Vec<Trial> = Vec::new();
    for case in &cases {
        let (name, case, differences) = (case.name.clone(), case.clone(), Arc::clone(&differences));
        trials.push(match &missing {
            Some(reason) if !required => {
                Trial::test(name, || Ok(())).with_kind(format!("skipped: {reason}")).with_ignored_flag(true)
            }
            Some(reason) => {
                let reason = format!("the oracle is required: {reason}");
                Trial::test(name, || Err(Failed::from(reason)))
            }
            None => Trial::test(name, move || judge(&case, &differences).map_err(Failed::from)),
        });
    }
    trials.push(Trial::test(TABLE, move || table::check(&cases, &differences).map_err(Failed::from)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs a case with both and says what differs without being listed.
fn judge(case: &Case, differences: &Differences) -> Result<(), String> {
    let expected = answer::ansible(case)?;
    let actual = answer::fleet(case)?;
    let found = compare::compare(case, &expected, &actual);
    let problems = differences.judge(case, &found);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
