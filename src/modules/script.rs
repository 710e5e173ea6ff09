//! Runs a script of the project on the host.
//!
//! ```yaml
//! - name: The schema is there
//!   ansible.builtin.script:
//!     cmd: setup-schema.sh --quiet
//!     creates: /var/lib/app/schema
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{PathText, Rule};
use super::paths;
use super::run::{self, Ends};
use super::view::{Search, View};
use super::words;
use super::write_file;
use crate::base::Map;
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Action, Change, Command, Done, Failure, Follow};

/// As `ansible.builtin.script`.
pub struct Script;

params! {
    /// Parameters of `script`.
    pub struct ScriptParams {
        /// The script, found as `copy` finds its files, and its arguments, as free text.
        _raw_params: Option<String>;
        /// The script and its arguments.
        cmd: Option<String>;
        /// A path on the host; where it is there, the script does not run.
        creates: Option<PathText>;
        /// A path on the host; where it is not there, the script does not run.
        removes: Option<PathText>;
        /// The absolute path of the directory that the script runs in.
        chdir: Option<PathText>;
        /// The program that runs the script. Left out, it is the script's own first line that says it.
        executable: Option<String>;
        /// Whether a script that is encrypted with Ansible's vault is decrypted.
        decrypt: bool = true;
    }
    rules [
        Rule::RequiredOneOf(&["_raw_params", "cmd"]),
        Rule::MutuallyExclusive(&["_raw_params", "cmd"]),
    ]
}

impl Module for Script {
    type Params = ScriptParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "script",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw("_raw_params"),
        source: include_str!("script.rs"),
        returns: &[
            ("rc", "exit status"),
            ("stdout", "standard output"),
            ("stdout_lines", "standard output, line by line"),
            ("stderr", "standard error"),
            ("stderr_lines", "standard error, line by line"),
        ],
    };

    fn plan(params: &ScriptParams, view: &View<'_>) -> Result<Step, Halt> {
        let ScriptParams { _raw_params: raw, cmd, creates, removes, chdir, executable, decrypt } = params;
        for (path, wanted, says) in [
            (creates, true, "exists, matching creates option"),
            (removes, false, "does not exist, matching removes option"),
        ] {
            let Some(path) = path.as_deref().filter(|path| !path.is_empty()) else { continue };
            let at = if path.starts_with(['/', '~']) { path.to_owned() } else { format!("~/{path}") };
            if view.stat(&at, Follow::Yes)?.is_some() == wanted {
                let message = format!("{path} {says}");
                let plan = Plan { skipped: true, ..Plan::nothing(message.clone()) };
                return Ok(Step::Plan(plan.with("msg", message)));
            }
        }
        let chdir = chdir.as_deref().filter(|path| !path.is_empty());
        if let Some(chdir) = chdir.filter(|chdir| !chdir.starts_with('/')) {
            return fail(format!("chdir {chdir} must be an absolute path for a Unix-aware remote node"));
        }
        let text = raw.as_deref().or(cmd.as_deref()).unwrap_or_default().trim();
        let parts = words::split(text).or_else(fail)?;
        let Some(name) = parts.first() else { return fail("no script given") };
        let source = view.controller().find(Search::Files, name)?;
        let (mut content, _) = view.controller().read(&source)?;
        let shown = source.display().to_string();
        if *decrypt {
            content = write_file::decrypted(content, &source, view)?.0;
        }
        if view.controller().looking_ahead() && matches!(content, Bytes::Sent { .. }) {
            return Err(Halt::Deferred);
        }
        let file = paths::basename(&shown).to_owned();
        let line = text.replace(name.as_str(), &format!("{FILES}/{file}"));
        let line = match executable {
            Some(executable) => format!("{executable} {line}"),
            None => line,
        };
        let mut command = run::within(view, Command::shell(line).file(file, content));
        command.directory = chdir.map(str::to_owned);
        let plan = Plan {
            summary: format!("run the script `{text}`"),
            opaque: true,
            changed: Some(true),
            ..Plan::default()
        };
        Ok(Step::Plan(plan.change(Change::new(Action::Run(command)))))
    }

    fn result(_: &ScriptParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        match outcomes.first() {
            Some(Done::Ran(output)) => Ok(keys(output)),
            _ => Ok(plan.result.clone()),
        }
    }

    fn failure(_: &ScriptParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        match &failure.output {
            Some(output) => {
                let mut result = keys(output);
                result.insert("changed".into(), true.into());
                Failed { message: "non-zero return code".to_owned(), result, ..Failed::default() }
            }
            None => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}

fn keys(output: &crate::wire::CommandOutput) -> Map {
    let mut keys = run::timed_keys(output, Ends::Kept);
    for name in ["start", "end", "delta"] {
        keys.shift_remove(name);
    }
    keys
}
