//! Runs a program on the host, without a shell.
//!
//! ```yaml
//! - name: Set up the database once
//!   ansible.builtin.command:
//!     argv: [/usr/bin/make_database.sh, --name, "the db"]
//!     chdir: /srv/app
//!     creates: /srv/app/database
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{PathText, Rule};
use super::run::{self, Ends};
use super::view::View;
use super::{patterns, words};
use crate::base::{Map, Value};
use crate::params;
use crate::wire::{
    Command, CommandOutput, Done, Failure, FailureKind, FileKind, Follow, Program, Query, Sealed,
};

/// As `ansible.builtin.command`.
pub struct RunCommand;

params! {
    /// Parameters of `command`.
    pub struct CommandParams {
        /// The command line as free text; it is split into words, no shell sees it.
        _raw_params: Option<String>;
        /// The command line, where it is not given as free text.
        cmd: Option<String>;
        /// The program and its arguments as a list, where nothing is to be split.
        argv: Option<Vec<String>>;
        /// Whether `$NAME`, `${NAME}` and a leading `~` in arguments are replaced with what they mean on the host.
        expand_argument_vars: bool = true;
        /// Has no effect: this module never uses a shell.
        executable: Option<String>;
    }
    include { common: RunParams }
    rules [
        Rule::RequiredOneOf(&["_raw_params", "cmd", "argv"]),
        Rule::MutuallyExclusive(&["_raw_params", "cmd", "argv"]),
    ]
}

params! {
    /// What `command` and `shell` share.
    pub struct RunParams {
        /// The directory in which the command runs. By default where the session starts.
        chdir: Option<PathText>;
        /// A path or pattern: where something matches it, nothing is run. A relative one starts at `chdir`.
        creates: Option<PathText>;
        /// A path or pattern: where nothing matches it, nothing is run. A relative one starts at `chdir`.
        removes: Option<PathText>;
        /// What the command reads from its standard input.
        stdin: Option<String>;
        /// Whether `stdin` is followed by a newline.
        stdin_add_newline: bool = true;
        /// Whether empty lines at the end of the output are left out of the result.
        strip_empty_ends: bool = true;
    }
}

/// What the result of `command` and `shell` holds.
pub const RETURNS: &[(&str, &str)] = &[
    ("cmd", "what was run: a list of words, or a text for the shell"),
    ("rc", "exit status; minus the signal's number where a signal ended it"),
    ("stdout", "standard output"),
    ("stdout_lines", "standard output, line by line"),
    ("stderr", "standard error"),
    ("stderr_lines", "standard error, line by line"),
    ("start", "when it started, in the host's local time"),
    ("end", "when it ended, in the host's local time"),
    ("delta", "how long it took"),
    ("msg", "why nothing was run, or that it failed"),
];

impl Module for RunCommand {
    type Params = CommandParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "command",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw("_raw_params"),
        source: include_str!("command.rs"),
        returns: RETURNS,
    };

    fn plan(params: &CommandParams, view: &View<'_>) -> Result<Step, Halt> {
        let words = words_of(params)?;
        let shown = Value::list(words.iter().map(|word| Value::from(word.as_str())));
        params.common.want(view);
        let words = if params.expand_argument_vars { expand(view, words)? } else { words };
        let summary = format!("run `{}`", words::join(&words));
        let mut plan = params.common.plan(view, Program::Argv(words), shown, summary)?;
        if let Some(executable) = &params.executable {
            plan.warnings.push(format!(
                "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. \
                 Not using '{executable}'."
            ));
        }
        Ok(Step::Plan(plan))
    }

    fn result(params: &CommandParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        Ok(params.common.result(plan, outcomes))
    }

    fn failure(params: &CommandParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        params.common.failure(plan, failure)
    }
}

fn words_of(params: &CommandParams) -> Result<Vec<String>, Halt> {
    let CommandParams { _raw_params, cmd, argv, expand_argument_vars: _, executable: _, common: _ } = params;
    let words = match (_raw_params.as_ref().or(cmd.as_ref()), argv) {
        (Some(text), _) => words::split(text).or_else(fail)?,
        (None, argv) => argv.clone().unwrap_or_default(),
    };
    if words.is_empty() { fail("no command given") } else { Ok(words) }
}

impl RunParams {
    /// Notes what will be read.
    pub fn want(&self, view: &View<'_>) {
        let stat = |path: &str, follow| Query::Stat { path: path.to_owned(), follow };
        view.want(self.chdir.iter().map(|path| stat(path, Follow::Yes)));
        let conditions = [&self.creates, &self.removes].into_iter().flatten();
        view.want(
            conditions
                .filter(|path| !patterns::is_pattern(path))
                .map(|path| stat(&self.at(path), Follow::No)),
        );
    }

    /// A path, seen from where the command runs.
    fn at(&self, path: &str) -> String {
        if path.starts_with(['/', '~']) {
            return path.to_owned();
        }
        let from = self.chdir.as_deref().unwrap_or("~");
        format!("{}/{path}", from.trim_end_matches('/'))
    }

    /// The plan of running a program, or of not running it.
    pub fn plan(
        &self,
        view: &View<'_>,
        program: Program,
        shown: Value,
        summary: String,
    ) -> Result<Plan, Halt> {
        let Self { chdir, creates, removes, stdin, stdin_add_newline, strip_empty_ends: _ } = self;
        if let Some(path) = chdir
            && view.stat(path, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::Directory)
        {
            let mut result = run::empty_keys();
            result.extend([("cmd".into(), shown), ("rc".into(), Value::Null)]);
            let message = "Unable to change directory before execution.".to_owned();
            let hint = Some(format!("`{}` is not a directory on the host", &**path));
            return Err(Failed { message, hint, result, ..Failed::default() }.into());
        }
        let did = if view.context().check_mode { "Would" } else { "Did" };
        if let Some(path) = creates
            && patterns::any_path(view, &self.at(path))?
        {
            return Ok(not_run(shown, did, &format!("'{}' exists", &**path), &format!("{} exists", &**path)));
        }
        if let Some(path) = removes
            && !patterns::any_path(view, &self.at(path))?
        {
            let path = &**path;
            return Ok(not_run(
                shown,
                did,
                &format!("'{path}' does not exist"),
                &format!("{path} does not exist"),
            ));
        }
        let newline = if *stdin_add_newline { "\n" } else { "" };
        let stdin = stdin.as_ref().filter(|text| !text.is_empty());
        let command = Command {
            program,
            directory: chdir.as_ref().map(|path| path.0.clone()),
            stdin: stdin.map(|text| Sealed::text(format!("{text}{newline}"))),
            ..Command::argv([""; 0])
        };
        let mut plan = Plan { summary, opaque: true, changed: Some(true), ..Plan::default() }
            .change(crate::wire::Change::new(crate::wire::Action::Run(run::within(view, command))));
        plan.result.insert("cmd".into(), shown);
        Ok(plan)
    }

    fn ends(&self) -> Ends {
        if self.strip_empty_ends { Ends::Stripped } else { Ends::Kept }
    }

    /// The result once it has run.
    pub fn result(&self, plan: &Plan, outcomes: &[Done]) -> Map {
        match outcomes.first() {
            Some(Done::Ran(output)) => self.keys(plan, output, ""),
            _ => plan.result.clone(),
        }
    }

    fn keys(&self, plan: &Plan, output: &CommandOutput, message: &str) -> Map {
        let mut keys = plan.result.clone();
        keys.extend(run::timed_keys(output, self.ends()));
        keys.insert("msg".into(), message.into());
        keys
    }

    /// The failure when it ended with another status than 0, or could not be started.
    pub fn failure(&self, plan: &Plan, failure: &Failure) -> Failed {
        let Failure { kind, message, errno, output } = failure;
        if let Some(output) = output {
            let message = match kind {
                FailureKind::Timeout => message.as_str(),
                _ => "non-zero return code",
            };
            let mut result = self.keys(plan, output, message);
            result.insert("changed".into(), true.into());
            return Failed { message: message.to_owned(), result, ..Failed::default() };
        }
        let mut result = run::empty_keys();
        let words = plan.result.get("cmd").map(|cmd| match cmd.as_list() {
            Some(words) => words::join(&words.iter().map(Value::to_text).collect::<Vec<_>>()),
            None => cmd.to_text(),
        });
        result.insert("cmd".into(), words.unwrap_or_default().into());
        let not_found = (*kind == FailureKind::NotFound).then_some(2);
        result.insert("rc".into(), errno.or(not_found).map_or(Value::Null, Value::from));
        let message = format!("Error executing command: {message}");
        Failed { message, result, ..Failed::default() }
    }
}

fn not_run(shown: Value, did: &str, because: &str, since: &str) -> Plan {
    let message = format!("{did} not run command since {because}");
    let mut plan = Plan::nothing(because.replace('\'', "`")).with("msg", message);
    let skipped = format!("skipped, since {since}");
    plan.result.extend(run::empty_keys());
    plan.result.insert("stdout_lines".into(), Value::list([Value::from(skipped.as_str())]));
    plan.result.insert("stdout".into(), skipped.into());
    plan.result.insert("cmd".into(), shown);
    plan.result.insert("rc".into(), 0.into());
    for key in ["start", "end", "delta"] {
        plan.result.insert(key.into(), Value::Null);
    }
    plan
}

/// Replaces variables and home directories in arguments as `os.path.expandvars` and `os.path.expanduser` do.
fn expand(view: &View<'_>, words: Vec<String>) -> Result<Vec<String>, Halt> {
    if !words.iter().any(|word| word.contains('$') || word.starts_with('~')) {
        return Ok(words);
    }
    let output = view.run(run::argv(view, ["env", "-0"]))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let variable = |name: &str| {
        text.split('\0')
            .find_map(|pair| pair.split_once('=').filter(|(known, _)| *known == name))
            .map(|(_, v)| v)
    };
    words.into_iter().map(|word| expand_home(view, &expand_variables(&word, &variable), &variable)).collect()
}

fn expand_variables<'a>(word: &str, variable: &dyn Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let plain = after.split_at_checked(end).filter(|(name, _)| !name.is_empty());
        match braced.or(plain) {
            Some((name, left)) if variable(name).is_some() => {
                out.push_str(variable(name).unwrap_or_default());
                rest = left;
            }
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out + rest
}

fn expand_home<'a>(
    view: &View<'_>,
    word: &str,
    variable: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, Halt> {
    let Some(after) = word.strip_prefix('~') else { return Ok(word.to_owned()) };
    let (name, rest) = after.split_at_checked(after.find('/').unwrap_or(after.len())).unwrap_or((after, ""));
    let home = match (name, variable("HOME")) {
        ("", Some(home)) => Some(home.to_owned()),
        ("", None) => view.user(&view.context().user)?.map(|user| user.home),
        (name, _) => view.user(name)?.map(|user| user.home),
    };
    Ok(home.map_or_else(|| word.to_owned(), |home| format!("{}{rest}", home.trim_end_matches('/'))))
}

#[cfg(test)]
mod tests;
