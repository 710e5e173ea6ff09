//! ansible-core is the oracle: each playbook of `cases/` runs with fleet and with Ansible on twin hosts, twice each.
//! Then the results of every task and the twins' end states must be equal, save for what `differences.txt` lists.
//!
//! What Ansible answered is kept under the target directory by the contents of the case, so that Ansible runs only
//! when a case is new or was changed. Where the lab cannot run the cases are reported as ignored, by name and reason;
//! `FLEET_LAB=require` makes that a failure.

#![expect(clippy::indexing_slicing, reason = "a key that an event does not have is null")]

mod ansible;
mod answer;
mod case;
mod collections;
mod compare;
mod differences;
mod environment;
mod fleet;
mod normal;
mod program;
mod state;
mod world;

#[path = "../common/listed.rs"]
mod listed;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use differences::Differences;
use world::World;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // as many cases at once as there are pairs of twins
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(world::PAIRS).min(world::PAIRS));
    let cases = match Case::all() {
        Ok(cases) => cases,
        Err(problem) => return refuse(&problem),
    };
    let differences = match Differences::read(&cases) {
        Ok(differences) => Arc::new(differences),
        Err(problem) => return refuse(&problem),
    };
    let wanted: Vec<&Case> = cases
        .iter()
        .filter(|case| match &arguments.filter {
            Some(filter) if arguments.exact => case.name == *filter,
            Some(filter) => case.name.contains(filter.as_str()),
            None => true,
        })
        .filter(|case| !arguments.skip.iter().any(|skip| case.name.contains(skip.as_str())))
        .collect();
    let world = if arguments.list || wanted.is_empty() { None } else { Some(World::boot(&wanted)) };
    let (world, reason) = match world {
        None => (None, None),
        Some(Ok(world)) => (Some(Arc::new(world)), None),
        Some(Err(reason)) => (None, Some(reason)),
    };
    let required = std::env::var("FLEET_LAB").as_deref() == Ok("require");
    let trials = cases.iter().map(|case| {
        let name = case.name.clone();
        match (&world, &reason) {
            (_, Some(reason)) if required => {
                let reason = reason.clone();
                Trial::test(name, move || Err(Failed::from(format!("the oracle is required: {reason}"))))
            }
            (_, Some(reason)) => {
                Trial::test(name, || Ok(())).with_kind(format!("skipped: {reason}")).with_ignored_flag(true)
            }
            (None, None) => Trial::test(name, || Ok(())),
            (Some(world), None) => {
                let (world, case, differences) = (Arc::clone(world), case.clone(), Arc::clone(&differences));
                Trial::test(name, move || run(&world, &case, &differences).map_err(Failed::from))
            }
        }
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if let Some(world) = world
        && std::env::var_os("FLEET_ORACLE_KEEP").is_none()
    {
        world.down();
    }
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One case: asks Ansible or remembers what it said, runs fleet, compares.
fn run(world: &World, case: &Case, differences: &Differences) -> Result<(), String> {
    let pair = world.take();
    let expected = ansible::answer(&pair, case)?;
    let actual = fleet::answer(&pair, case)?;
    drop(pair);
    let found = compare::compare(&expected, &actual);
    let problems = differences.judge(case, found);
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{} differences from Ansible\n{}\n{}", problems.len(), problems.join("\n"), actual.told()))
}

fn refuse(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::FAILURE
}
