//! Look-ahead: what the tasks that follow will ask of the host, so that it can be asked in one exchange.
//!
//! It binds the following tasks as far as their parameters do not hang on a result still to come, through a copy of
//! the host's variables and an overlay of what their plans would do. It evaluates nothing impure, and whatever goes
//! wrong is left for the task's turn.

use std::cell::RefCell;
use std::sync::Arc;

use super::controller::TaskController;
use super::known::{Look, Wanted};
use super::lookups;
use super::machine::{Machine, User};
use super::play::Handler;
use super::task::Turn;
use crate::base::{Key, Unknown, Value};
use crate::lang::{Item, Keyword, Task};
use crate::modules::{Context, FreeForm, Halt, Plan, Step, View, registry};
use crate::plan::bind::{Binder, When};
use crate::plan::check::engine_action;
use crate::plan::variables::{HostVars, TaskVariables};
use crate::template::Lookups;
use crate::wire::{Change, Overlay};

/// How many tasks it looks at, and how many items of a loop.
const MOST_TASKS: usize = 400;
const MOST_ITEMS: usize = 256;
/// How many questions one exchange may have.
const MOST_QUERIES: usize = 4000;

/// What follows the current task: the rest of its list, then of the lists around it.
#[derive(Clone, Copy)]
pub(super) struct Ahead<'a> {
    /// The items that follow in this list.
    pub(super) items: &'a [Item],
    /// What follows this list.
    pub(super) then: Option<&'a Ahead<'a>>,
}

/// What the tasks after this turn's will ask of a machine, by session, after these changes by this user.
pub(super) fn wanted(
    turn: &Turn<'_>,
    machine: &Arc<Machine>,
    user: &User,
    changes: &[Change],
    user_name: &str,
) -> (Wanted, Vec<User>) {
    let mut overlay = machine.store.overlay();
    let observed = |query: &crate::wire::Query| machine.store.observed(&user.key, query);
    for change in changes {
        overlay.apply(change, user_name, &observed);
    }
    let mut looker = Looker {
        turn,
        machine,
        overlay: RefCell::new(overlay),
        state: turn.run.world.host(turn.host).unwrap_or_else(super::run::unknown_host),
        wanted: Wanted::default(),
        users: Vec::new(),
        tasks: 0,
        queries: 0,
        changed: !changes.is_empty(),
    };
    if let Some(located) = turn.task.keyword(Keyword::Register) {
        // this task's own result is still to come
        looker.state.set(&located.value.to_text(), Value::Unknown(unknown(turn.task)));
    }
    let mut next = Some(turn.ahead);
    while let Some(ahead) = next {
        if !looker.items(ahead.items) {
            break;
        }
        next = ahead.then;
    }
    (looker.wanted, looker.users)
}

fn unknown(task: &Task) -> Arc<Unknown> {
    Arc::new(Unknown { task: Arc::clone(&task.module), place: Some(task.place.clone()) })
}

struct Looker<'a> {
    turn: &'a Turn<'a>,
    machine: &'a Arc<Machine>,
    overlay: RefCell<Overlay>,
    state: HostVars,
    wanted: Wanted,
    users: Vec<User>,
    tasks: usize,
    queries: usize,
    /// Everything known will be spoiled: what is used has to be asked again, not only what is missing.
    changed: bool,
}

impl Looker<'_> {
    /// Looks at items; false when enough was seen.
    fn items(&mut self, items: &[Item]) -> bool {
        items.iter().all(|item| match item {
            Item::Task(task) => {
                self.tasks += 1;
                self.task(task);
                self.tasks < MOST_TASKS && self.queries < MOST_QUERIES
            }
            Item::Block(block) => self.items(&block.tasks) && self.items(&block.always),
            Item::FlushHandlers | Item::RoleEnd(_) => true,
        })
    }

    fn task(&mut self, task: &Arc<Task>) {
        let run = self.turn.run;
        let play = self.turn.play;
        if !run.selected(play, Some(self.turn.host), task) {
            return;
        }
        let lookups: Arc<dyn Lookups> = Arc::new(lookups::World {
            project: Arc::clone(&run.project),
            search: play.search(task),
            ahead: true,
            clock: lookups::Clock::set_to(run.now()),
            warnings: Arc::default(),
        });
        let variables = TaskVariables::new(&run.world, &play.vars, self.turn.host, &self.state, task);
        let binder =
            Binder { templar: &run.templar, lookups: &lookups, variables: Arc::new(variables.clone()) };
        let first = play.vars.batch.first() == Some(self.turn.host);
        if !first && binder.flag(task, Keyword::RunOnce).ok().flatten() == Some(true) {
            return;
        }
        if let Some("include_tasks" | "include_role") = engine_action(&task.module) {
            if task.looped.is_none()
                && let Ok(When::Run) = binder.when(task)
                && let Ok(loaded) = run.bundle(task, &binder, Handler::No)
            {
                self.items(&loaded.items);
            }
            return;
        }
        if engine_action(&task.module).is_some() {
            return;
        }
        match binder.loop_items(task) {
            Ok(None) => {
                let value = self.once(task, &variables, &lookups);
                self.register(task, value);
            }
            Ok(Some(items)) => {
                let Ok((name, index_name)) = binder.loop_names(task) else { return };
                let mut results = Vec::new();
                let mut changed = false;
                let mut unknown = items.len() > MOST_ITEMS;
                for (index, item) in items.into_iter().take(MOST_ITEMS).enumerate() {
                    let mut variables =
                        TaskVariables::new(&run.world, &play.vars, self.turn.host, &self.state, task)
                            .with(&name, item.clone());
                    if let Some(index_name) = &index_name {
                        variables = variables.with(index_name, Value::from(index));
                    }
                    match self.once(task, &variables, &lookups) {
                        Some(Value::Map(entries)) => {
                            let mut entries = (*entries).clone();
                            changed |= entries.get("changed").and_then(Value::as_bool) == Some(true);
                            entries.insert(Key::from(name.as_str()), item);
                            results.push(Value::map(entries));
                        }
                        _ => unknown = true,
                    }
                }
                let value = crate::map! {"results" => results, "changed" => changed, "failed" => false};
                self.register(task, (!unknown).then(|| Value::map(value)));
            }
            Err(_) => self.register(task, None),
        }
    }

    fn register(&mut self, task: &Task, value: Option<Value>) {
        if let Some(located) = task.keyword(Keyword::Register) {
            let value = value.unwrap_or_else(|| Value::Unknown(unknown(task)));
            self.state.set(&located.value.to_text(), value);
        }
    }

    /// One run of the module as far as it can be seen: its predicted result, where there is one.
    fn once(
        &mut self,
        task: &Arc<Task>,
        variables: &TaskVariables,
        lookups: &Arc<dyn Lookups>,
    ) -> Option<Value> {
        let run = self.turn.run;
        let binder = Binder { templar: &run.templar, lookups, variables: Arc::new(variables.clone()) };
        match binder.when(task) {
            Ok(When::Run) => {}
            Ok(When::Skip { .. }) => {
                return Some(Value::map(crate::map! {"changed" => false, "skipped" => true}));
            }
            Ok(When::Unknown(_)) | Err(_) => return None,
        }
        if task.file.is_some() {
            return None;
        }
        let module = registry::find(&task.module)?;
        let free_form = match module.doc().free_form {
            FreeForm::Raw(parameter) => Some(parameter),
            FreeForm::Pairs => None,
        };
        let bound = binder.arguments(task, free_form).ok().filter(|bound| bound.unknown.is_none())?;
        let delegate = binder.text(task, Keyword::DelegateTo).ok()?;
        let (machine, user) = run.machine(self.turn.host, delegate.as_deref(), &binder, Some(task)).ok()?;
        if !Arc::ptr_eq(&machine, self.machine) {
            return None;
        }
        if !self.users.contains(&user) {
            self.users.push(user.clone());
        }
        let context = Context {
            shows_secrets: run.options.check_apart,
            check_mode: run.options.check_mode,
            diff: run.options.diff,
            user: machine.user_name(&user),
            home: machine.known_home(&user),
            environment: binder.environment(task).ok()?,
            host: self.turn.host.to_string(),
            verbosity: run.options.verbosity,
            packed: None,
            peer: None,
        };
        let controller = TaskController {
            binder: binder.clone(),
            project: &run.project,
            files: &run.files,
            search: self.turn.play.search(task),
            ahead: true,
        };
        let (step, needed, used) = {
            let look = Look::ahead(&self.machine.store, &user.key, &self.overlay);
            let step = module.plan(&bound.given, &View::new(&look, &controller, &context));
            (step, look.needed(), look.used())
        };
        let asked = if self.changed { used } else { needed };
        self.queries += asked.len();
        self.wanted.add(&user.key, asked);
        match step {
            Ok(Step::Plan(plan)) => self.predicted(&user, &context, plan, module.doc().name),
            Ok(Step::Wait(wait)) => {
                if wait.delay <= 0.0
                    && (self.changed || self.machine.store.observed(&user.key, &wait.query).is_none())
                {
                    self.queries += 1;
                    self.wanted.add(&user.key, [wait.query]);
                }
                None
            }
            Ok(Step::Flow(_) | Step::Errand(_))
            | Err(Halt::Needed | Halt::Unknown(_) | Halt::Deferred | Halt::Failed(_)) => None,
        }
    }

    fn predicted(&mut self, user: &User, context: &Context, plan: Plan, module: &str) -> Option<Value> {
        let changed = plan.is_changed();
        let Plan {
            changes,
            changed: _,
            summary: _,
            diffs: _,
            mut result,
            facts,
            warnings: _,
            opaque,
            skipped: _,
            tainted: _,
        } = plan;
        let observed = |query: &crate::wire::Query| self.machine.store.observed(&user.key, query);
        for planned in changes.iter().filter(|planned| planned.side == crate::modules::Side::Host) {
            self.overlay.borrow_mut().apply(&planned.change, &context.user, &observed);
        }
        if module == "set_fact" {
            for (key, value) in &facts {
                if let Some(name) = key.as_str() {
                    self.state.set(name, value.clone());
                }
            }
        } else if !facts.is_empty() {
            self.state.add_facts(&facts);
        }
        if opaque && !changes.is_empty() {
            return None;
        }
        result.insert(Key::str("changed"), Value::Bool(changed));
        result.insert(Key::str("failed"), Value::Bool(false));
        Some(Value::map(result))
    }
}
