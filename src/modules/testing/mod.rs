//! The harness of the modules' tests: runs case files (`cases/MODULE/NAME.json`), each parameters and observations
//! in, plan or failure out, and holds every plan to the law "apply it, and nothing is left to do".
//!
//! The fields of a case:
//!
//! | field | |
//! |---|---|
//! | `params` | the task's parameters |
//! | `context` | `check` (default false), `diff` (default true), `user` (default `root`), `peer` (of `synchronize`) |
//! | `host`, `users`, `groups`, `answers`, `docker` | the host, see [`host`] |
//! | `project`, `values` | the controller, see [`controller`] |
//! | `after` | tasks (`{module: params}`) whose changes are predicted first |
//! | `actions`, `diffs` | what is planned and shown, one line each, see [`shown`] |
//! | `summary`, `changed`, `skipped`, `rounds` | where given: exactly that |
//! | `warnings` | exactly these |
//! | `result` | keys that the result must have with these values; `null`: must not have |
//! | `fails` | the message of the failure |
//! | `unknown` | the task that the answer hangs on |
//! | `no_law` | why the law does not hold |
//!
//! Reading something that the case does not supply fails it. `rounds` counts the exchanges that the reads took.

mod controller;
mod host;
mod shown;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};

pub use controller::Project;
pub use host::{Host, Seen};

use super::contract::{AnyModule, Halt, Plan, Step};
use super::params::Given;
use super::registry;
use super::view::{Context, View};
use crate::base::Value;
use crate::wire::Overlay;

/// How a task ended.
#[derive(Debug)]
pub enum Ended {
    /// With a step.
    Step(Box<Step>),
    /// With a failure's message.
    Failed(String),
    /// Hanging on that task.
    Unknown(String),
}

/// A task that was planned.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// Exchanges that its reads took.
    pub rounds: usize,
}

/// A case, ready to run.
#[derive(Debug)]
pub struct Case {
    module: String,
    given: Given,
    context: Context,
    host: Host,
    project: Project,
    after: Vec<(String, Given)>,
    expected: JsonMap<String, Json>,
}

const EXPECTATIONS: &[&str] = &[
    "actions", "diffs", "summary", "changed", "skipped", "tainted", "rounds", "warnings", "result", "fails",
    "unknown", "no_law",
];

impl Case {
    /// Reads a case; what is wrong with it is a panic.
    pub fn read(module: &str, json: Json) -> Self {
        let Json::Object(mut fields) = json else { panic!("a case is an object") };
        let mut take = |name: &str| fields.remove(name).unwrap_or(Json::Null);
        let context = take("context");
        let flag = |name: &str, default| context.get(name).and_then(Json::as_bool).unwrap_or(default);
        let user = context.get("user").and_then(Json::as_str).unwrap_or("root").to_owned();
        let context = Context {
            shows_secrets: false,
            check_mode: flag("check", false),
            diff: flag("diff", true),
            user,
            home: context.get("home").and_then(Json::as_str).map(str::to_owned),
            host: "web1".to_owned(),
            environment: Vec::new(),
            verbosity: 0,
            packed: None,
            peer: context.get("peer").map(peer),
        };
        let after = match take("after") {
            Json::Null => Vec::new(),
            Json::Array(tasks) => tasks.iter().flat_map(tasks_of).collect(),
            other => panic!("`after` is a list, not {other}"),
        };
        let case = Self {
            module: module.to_owned(),
            given: given(&take("params")),
            context,
            host: Host::read(
                &take("host"),
                &take("users"),
                &take("groups"),
                &take("answers"),
                &take("docker"),
            ),
            project: Project::read(&take("project"), &take("values")),
            after,
            expected: fields,
        };
        for name in case.expected.keys() {
            assert!(EXPECTATIONS.contains(&name.as_str()), "a case has no field `{name}`");
        }
        case
    }

    /// Runs it and compares; every disagreement is a line.
    pub fn run(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut overlay = Overlay::default();
        for (name, given) in &self.after {
            match self.plan(name, given, &overlay).ended {
                Ended::Step(step) => {
                    if let Step::Plan(plan) = *step {
                        self.lay(&mut overlay, &plan);
                    }
                }
                other => wrong.push(format!("the task `{name}` before it: {other:?}")),
            }
        }
        let ran = self.plan(&self.module, &self.given, &overlay);
        match &ran.ended {
            Ended::Failed(message) => self.text("fails", Some(message), &mut wrong),
            Ended::Unknown(task) => self.text("unknown", Some(task), &mut wrong),
            Ended::Step(step) => {
                self.text("fails", None, &mut wrong);
                self.text("unknown", None, &mut wrong);
                match &**step {
                    Step::Plan(plan) => self.compare(plan, &overlay, &mut wrong),
                    Step::Wait(wait) => self.lines("actions", vec![format!("wait {wait:?}")], &mut wrong),
                    Step::Flow(flow) => self.lines("actions", vec![format!("flow {flow:?}")], &mut wrong),
                    Step::Errand(errand) => {
                        self.lines("actions", vec![format!("errand {errand:?}")], &mut wrong);
                    }
                }
            }
        }
        if let Some(rounds) = self.expected.get("rounds") {
            same("rounds", rounds, &Json::from(ran.rounds), &mut wrong);
        }
        wrong
    }

    /// Plans one task on the host with an overlay over it.
    pub fn plan(&self, name: &str, given: &Given, overlay: &Overlay) -> Ran {
        let module = registry::find(name).unwrap_or_else(|| panic!("no module `{name}`"));
        let seen = Seen::new(&self.host, overlay);
        let mut rounds = 0;
        loop {
            match self.step(module, given, &seen) {
                Ok(step) => return Ran { ended: Ended::Step(Box::new(step)), rounds },
                Err(Halt::Failed(failed)) => return Ran { ended: Ended::Failed(failed.message), rounds },
                Err(Halt::Unknown(unknown)) => {
                    return Ran { ended: Ended::Unknown(unknown.task.to_string()), rounds };
                }
                Err(Halt::Deferred) => return Ran { ended: Ended::Failed("deferred".to_owned()), rounds },
                Err(Halt::Needed) => seen.fetch().unwrap_or_else(|lacking| panic!("{lacking}")),
            }
            rounds += 1;
            assert!(rounds < 10, "the module asks and asks");
        }
    }

    fn step(&self, module: &dyn AnyModule, given: &Given, seen: &Seen<'_>) -> Result<Step, Halt> {
        module.plan(given, &View::new(seen, &self.project, &self.context))
    }

    fn lay(&self, overlay: &mut Overlay, plan: &Plan) {
        for planned in &plan.changes {
            let below = |query: &crate::wire::Query| self.host.observe(query).ok();
            overlay.apply(&planned.change, &self.context.user, &below);
        }
    }

    fn compare(&self, plan: &Plan, overlay: &Overlay, wrong: &mut Vec<String>) {
        let Plan {
            changes,
            changed: _,
            summary,
            diffs,
            result,
            facts: _,
            warnings,
            opaque,
            skipped,
            tainted,
        } = plan;
        let digest = |path: &str| self.host.sha1(path, overlay);
        self.lines("actions", changes.iter().map(|planned| shown::action(planned, &digest)).collect(), wrong);
        if self.expected.contains_key("diffs") || !diffs.is_empty() {
            self.lines("diffs", diffs.iter().map(shown::diff).collect(), wrong);
        }
        self.lines("warnings", warnings.clone(), wrong);
        if let Some(expected) = self.expected.get("summary") {
            same("summary", expected, &Json::from(summary.as_str()), wrong);
        }
        if let Some(expected) = self.expected.get("changed") {
            same("changed", expected, &Json::from(plan.is_changed()), wrong);
        }
        let expected = self.expected.get("tainted").cloned().unwrap_or(Json::Bool(false));
        same("tainted", &expected, &Json::from(*tainted), wrong);
        if let Some(expected) = self.expected.get("skipped") {
            same("skipped", expected, &Json::from(*skipped), wrong);
        }
        for (key, value) in self.expected.get("result").and_then(Json::as_object).into_iter().flatten() {
            let found = result.get(key.as_str()).map_or(Json::Null, Value::to_json);
            same(&format!("result.{key}"), value, &found, wrong);
        }
        if summary.is_empty() {
            wrong.push("the plan has no summary".to_owned());
        }
        if !opaque && !changes.is_empty() && !self.expected.contains_key("no_law") {
            self.law(plan, overlay, wrong);
        }
    }

    /// Plan, apply, plan again: nothing is left to do.
    fn law(&self, plan: &Plan, overlay: &Overlay, wrong: &mut Vec<String>) {
        let mut after = overlay.clone();
        self.lay(&mut after, plan);
        match self.plan(&self.module, &self.given, &after).ended {
            Ended::Step(step) => match &*step {
                Step::Plan(again) if again.changes.is_empty() && !again.is_changed() => {}
                Step::Plan(again) => {
                    let left: Vec<_> = again.changes.iter().map(|p| shown::action(p, &|_| None)).collect();
                    wrong.push(format!("the law: applied and planned again there is left: {left:?}"));
                }
                Step::Wait(_) | Step::Flow(_) | Step::Errand(_) => wrong.push("the law: it waits".to_owned()),
            },
            other => wrong.push(format!("the law: planned again it ends with {other:?}")),
        }
    }

    fn text(&self, name: &str, found: Option<&str>, wrong: &mut Vec<String>) {
        let found = found.map_or(Json::Null, Json::from);
        same(name, self.expected.get(name).unwrap_or(&Json::Null), &found, wrong);
    }

    fn lines(&self, name: &str, found: Vec<String>, wrong: &mut Vec<String>) {
        let expected = self.expected.get(name).cloned().unwrap_or_else(|| Json::Array(Vec::new()));
        same(name, &expected, &Json::from(found), wrong);
    }
}

fn same(name: &str, expected: &Json, found: &Json, wrong: &mut Vec<String>) {
    if expected != found {
        wrong.push(format!("{name}:\n    expected {expected:#}\n    found    {found:#}"));
    }
}

/// The other side of `synchronize`: `host`, `user`, `become`.
fn peer(json: &Json) -> Arc<super::Peer> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    Arc::new(super::Peer {
        place: super::SynchronizePlace::Controller,
        host: text("host").unwrap_or_default(),
        user: text("user"),
        elevation: text("become").map(|user| ("sudo".to_owned(), user)),
        ..super::Peer::default()
    })
}

fn given(json: &Json) -> Given {
    let entries = json.as_object().into_iter().flatten();
    entries.map(|(name, value)| (Arc::from(name.as_str()), Value::from_json(value))).collect()
}

fn tasks_of(json: &Json) -> Vec<(String, Given)> {
    let entries = json.as_object().into_iter().flatten();
    entries.map(|(name, params)| (name.clone(), given(params))).collect()
}

/// Runs all cases of a folder below `cases/`; the tests of modules that stand in other rooms of the tree use it too.
fn run_folder(folder: &Path) -> (usize, Vec<String>) {
    let module = folder.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let ran = std::panic::catch_unwind(|| Case::read(&module, json).run());
        let found = ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            vec![text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()]
        });
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        wrong.extend(found.into_iter().map(|line| format!("{module}/{name}: {line}")));
    }
    (files.len(), wrong)
}

#[test]
fn every_case_holds() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/modules/cases");
    let (mut count, mut wrong) = (0, Vec::new());
    for folder in std::fs::read_dir(cases).unwrap() {
        let (ran, found) = run_folder(&folder.unwrap().path());
        count += ran;
        wrong.extend(found);
    }
    assert!(count > 0, "there are no cases");
    assert!(wrong.is_empty(), "{} disagreements in {count} cases\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_case_that_reads_what_it_does_not_supply_fails() {
    let case = |json| Case::read("ping", json).run();
    assert_eq!(case(serde_json::json!({"summary": "the host answers", "result": {"ping": "pong"}})), [""; 0]);
    assert_eq!(case(serde_json::json!({"result": {"ping": "peng"}})).len(), 1);
    assert_eq!(case(serde_json::json!({"actions": ["remove /x"]})).len(), 1);
    let seen = Host::default().observe(&crate::wire::Query::User { name: "app".to_owned() });
    assert!(seen.unwrap_err().contains("does not say"));
}
