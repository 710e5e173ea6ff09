//! ansible-core's own integration targets, from its source package, run with fleet under ansible's command names: each
//! must end as with ansible-core and run as many tasks. `targets.tsv` lists them, `exceptions.txt` those that do not
//! pass yet, with the reason.
//!
//! - `FLEET_CONFORMANCE_PROGRAM=ansible` runs ansible-core itself instead, which shows that the harness is right.
//! - `FLEET_CONFORMANCE_LAB=NAME` uses the lab of that name and leaves it up, for quick repetitions.
//! - `FLEET_CONFORMANCE_WRITE=1` writes `docs/conformance.md`.
//! - `FLEET_LAB=require` makes a failure of a lab that cannot run.

mod exceptions;
mod package;
mod run;
mod stage;
mod table;
mod target;
mod world;

#[path = "../common/page.rs"]
mod page;

#[path = "../oracle/environment.rs"]
mod environment;
#[path = "../oracle/program.rs"]
mod program;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use exceptions::Exceptions;
use run::Program;
use target::Target;
use world::World;

/// The trial that compares the documentation's table.
const TABLE: &str = "the_table_is_fresh";

/// How many lines of a failed target's output are shown.
const TAIL: usize = 40;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // one more than there are hosts: targets that run on this machine
    let threads = world::HOSTS + 1;
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(threads).min(threads));
    let read = Target::all().and_then(|targets| Ok((Exceptions::read(&targets)?, targets)));
    let (exceptions, targets) = match read {
        Ok((exceptions, targets)) => (Arc::new(exceptions), targets),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let program = match std::env::var("FLEET_CONFORMANCE_PROGRAM").as_deref() {
        Ok("ansible") => Program::Ansible,
        _ => Program::Fleet,
    };
    let wanted: Vec<&Target> = targets.iter().filter(|target| is_wanted(&arguments, &target.name)).collect();
    let world = (!arguments.list && !wanted.is_empty()).then(|| World::boot(&wanted).map(Arc::new));
    let required = std::env::var("FLEET_LAB").as_deref() == Ok("require");
    let mut trials: Vec<Trial> = Vec::new();
    for target in &targets {
        let (name, target, exceptions) = (target.name.clone(), target.clone(), Arc::clone(&exceptions));
        trials.push(match &world {
            None => Trial::test(name, || Ok(())),
            Some(Ok(world)) => {
                let world = Arc::clone(world);
                Trial::test(name, move || judge(&world, &target, &exceptions, program).map_err(Failed::from))
            }
            Some(Err(reason)) if required => {
                let reason = format!("the lab is required: {reason}");
                Trial::test(name, || Err(Failed::from(reason)))
            }
            Some(Err(reason)) => {
                Trial::test(name, || Ok(())).with_kind(format!("skipped: {reason}")).with_ignored_flag(true)
            }
        });
    }
    trials.push(Trial::test(TABLE, move || table::check(&targets, &exceptions).map_err(Failed::from)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(Ok(world)) = world {
        world.down();
    }
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    let filtered = match &arguments.filter {
        Some(filter) if arguments.exact => name == filter,
        Some(filter) => name.contains(filter.as_str()),
        None => true,
    };
    filtered && !arguments.skip.iter().any(|skip| name.contains(skip.as_str()))
}

/// Runs a target and says what is wrong with its end.
fn judge(world: &World, target: &Target, exceptions: &Exceptions, program: Program) -> Result<(), String> {
    let reason = exceptions.reason(target);
    if !package::target(&target.name).exists() {
        let absent = format!("`{}` is not in the source package", target.name);
        return reason.map(|_| ()).ok_or(absent);
    }
    let ended = run::run(world, target, program)?;
    let passed = ended.code == 0 && ended.tasks == target.tasks;
    match (passed, reason.filter(|_| program == Program::Fleet)) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(reason)) => Err(format!("it passes, but {} says: {reason}", exceptions::FILE)),
        (false, None) => {
            let lines: Vec<&str> = ended.output.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
            Err(format!(
                "exit code {}, {} tasks instead of {}; the end of {}:\n{tail}",
                ended.code,
                ended.tasks,
                target.tasks,
                ended.log.display()
            ))
        }
    }
}
