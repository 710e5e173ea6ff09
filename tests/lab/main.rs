//! Drives the real binary on real hosts: a lab that is booted once, shared by all tests, and taken down at the end.
//!
//! Where the lab cannot run the tests are reported as ignored, by name and reason; `FLEET_LAB=require` makes that a
//! failure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics to fail"
)]

mod check_mode;
mod deploy;
mod exchanges;
mod faults;
mod files;
mod hosts;
mod interrupted;
mod jobs;
mod keyring;
mod secrets;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

use world::World;

type Test = fn(&World);

/// Every test with its name. Each uses hosts of its own (see `world::HOSTS`).
const TESTS: &[(&str, Test)] = &[
    ("deploy::first_changes_then_nothing_then_a_reviewed_diff", deploy::converges),
    ("check_mode::a_plan_from_nothing_is_what_the_run_then_does", check_mode::from_nothing),
    ("check_mode::a_command_is_unknown_and_nothing_fails_because_of_it", check_mode::unknown),
    ("check_mode::what_a_package_may_bring_is_no_failure", check_mode::brought),
    ("exchanges::two_hundred_converged_tasks_cost_six", exchanges::two_hundred),
    ("exchanges::each_command_adds_at_most_one", exchanges::commands),
    ("interrupted::a_killed_run_converges_and_its_handler_runs", interrupted::handler),
    ("interrupted::a_user_without_a_directory_of_its_own_can_notify", interrupted::homeless),
    ("faults::an_unreachable_host_does_not_hold_up_the_others", faults::unreachable),
    ("faults::a_wrong_key_says_what_was_tried", faults::wrong_key),
    ("faults::unknown_and_changed_host_keys_are_refused", faults::host_keys),
    ("faults::a_full_disk_leaves_the_old_file_whole", faults::full_disk),
    ("faults::a_service_that_does_not_start_says_why", faults::service),
    ("faults::an_undefined_variable_fails_with_its_place", faults::undefined),
    ("hosts::a_host_that_reboots_comes_back", hosts::reboot),
    ("hosts::a_second_lab_stands_beside_the_first", hosts::second_lab),
    ("hosts::raw_works_where_nothing_can_run", hosts::raw),
    ("jobs::a_job_outlives_the_connection_and_another_run_has_its_result", jobs::outlives),
    ("jobs::what_takes_too_long_is_killed_on_the_host_and_the_session_goes_on", jobs::timeout),
    ("jobs::a_host_is_rebooted_and_waited_for", jobs::reboot),
    ("jobs::su_and_its_password", jobs::su),
    ("secrets::no_artefact_of_a_run_has_one_in_any_form", secrets::artefacts),
    ("secrets::under_ansible_s_name_values_are_shown_and_passwords_are_not", secrets::ansible),
];

/// Tests of files only: no lab is needed.
const FILE_TESTS: &[(&str, fn())] = &[
    ("files::every_mistake_is_told_at_once_with_its_place", files::mistakes),
    ("files::an_unknown_pattern_is_told", files::pattern),
    ("files::a_syntax_error_in_a_template_has_the_templates_line", files::template),
    ("files::exit_codes_are_ansibles", files::exit_codes),
    ("keyring::without_one_passwords_are_kept_in_an_encrypted_file", keyring::file),
    ("keyring::where_nobody_is_there_what_is_missing_is_said", keyring::nobody),
];

/// The test of a real keyring, which may have to be installed.
const KEYRING: &str = "keyring::passwords_are_kept_in_it_and_a_locked_one_is_not_waited_for";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let wanted = |name: &str| match &arguments.filter {
        Some(filter) => name.contains(filter.as_str()),
        None => true,
    };
    let mut trials: Vec<Trial> = FILE_TESTS.iter().map(|(name, test)| trial(name, *test)).collect();
    if arguments.list || wanted(KEYRING) {
        trials.push(keyring_trial(!arguments.list));
    }
    let lab_is_wanted = !arguments.list && TESTS.iter().any(|(name, _)| wanted(name));
    let world = if lab_is_wanted { Some(World::boot()) } else { None };
    let world = match world {
        None => None,
        Some(Ok(world)) => Some(Arc::new(world)),
        Some(Err(reason)) if is_required() => {
            let failing = TESTS.iter().map(|(name, _)| {
                let reason = reason.clone();
                Trial::test(*name, move || Err(Failed::from(format!("the lab is required: {reason}"))))
            });
            trials.extend(failing);
            return finish(libtest_mimic::run(&arguments, trials));
        }
        Some(Err(reason)) => {
            let kind = format!("skipped: {reason}");
            trials.extend(TESTS.iter().map(|(name, _)| {
                Trial::test(*name, || Ok(())).with_kind(kind.clone()).with_ignored_flag(true)
            }));
            return finish(libtest_mimic::run(&arguments, trials));
        }
    };
    trials.extend(TESTS.iter().map(|(name, test)| {
        let (world, test) = (world.clone(), *test);
        trial(name, move || {
            if let Some(world) = &world {
                test(world);
            }
        })
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(world) = world {
        world.down();
    }
    finish(conclusion)
}

fn is_required() -> bool {
    std::env::var("FLEET_LAB").as_deref() == Ok("require")
}

fn keyring_trial(runs: bool) -> Trial {
    match if runs { keyring::ready() } else { Ok(()) } {
        Ok(()) => trial(KEYRING, keyring::keyring),
        Err(reason) if is_required() => {
            Trial::test(KEYRING, move || Err(Failed::from(format!("the keyring is required: {reason}"))))
        }
        Err(reason) => {
            Trial::test(KEYRING, || Ok(())).with_kind(format!("skipped: {reason}")).with_ignored_flag(true)
        }
    }
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Failed::from(text.unwrap_or_else(|| "the test panicked".to_owned()))
        })
    })
}

fn finish(conclusion: Conclusion) -> ExitCode {
    if conclusion.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
