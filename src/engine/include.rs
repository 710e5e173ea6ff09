//! `include_tasks`: files that are known only at run time.

use std::sync::Arc;

use indexmap::IndexMap;

use super::ahead::Ahead;
use super::event::{Event, Outcome, Status};
use super::play::{Handler, Host, Hosts, PlayRun};
use super::run::Run;
use super::single::Single;
use crate::base::{Key, Map, Value, names};
use crate::lang::{LoadedTasks, Task};
use crate::plan::bind::{Binder, Stop, When};

impl Run {
    /// `include_tasks`: each host's file and variables; hosts with the same ones run them together.
    pub(super) async fn include(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        hosts: &mut Hosts,
        ahead: &Ahead<'_>,
    ) {
        let lookups = self.lookups(play, task);
        let mut groups: IndexMap<usize, (Arc<LoadedTasks>, Vec<Host>)> = IndexMap::new();
        let mut first = true;
        for host in hosts.live.clone() {
            let binder = self.binder(&lookups, self.variables(play, &host, task));
            let label = self.label(play, &host, task, Handler::No);
            if first {
                self.tell(Event::TaskStarted { task: Arc::clone(&label), hosts: hosts.live.clone() });
                first = false;
            }
            match self.include_on(play, task, &host, &binder) {
                Ok(included) => {
                    let (status, summary) = if included.is_empty() {
                        (Status::Skipped { reason: "nothing is included".to_owned() }, String::new())
                    } else {
                        (Status::Ok, format!("included {}", names::count(included.len(), "file")))
                    };
                    let skipped = match binder.when(task) {
                        Ok(When::Skip { condition }) if included.is_empty() && task.looped.is_none() => {
                            Some(condition)
                        }
                        _ => None,
                    };
                    let result = skipped.map_or_else(
                        || Value::map(crate::map! {"changed" => false}),
                        |condition| Single::condition(&condition).value(),
                    );
                    for loaded in included {
                        play.add_handlers(&loaded.handlers);
                        let key = Arc::as_ptr(&loaded) as usize;
                        groups.entry(key).or_insert_with(|| (loaded, Vec::new())).1.push(Arc::clone(&host));
                    }
                    self.finish(&host, &label, Outcome { summary, result, ..Outcome::plain(status) });
                }
                Err(stop) => self.stopped(play, &label, &host, hosts, stop),
            }
        }
        for (loaded, on) in groups.into_values() {
            let live: Vec<Host> = on.into_iter().filter(|host| hosts.live.contains(host)).collect();
            let mut inner = Hosts { live: live.clone(), failed: Vec::new() };
            self.items(play, &loaded.items, &mut inner, Some(ahead)).await;
            hosts.live.retain(|host| !live.contains(host) || inner.live.contains(host));
            hosts.failed.extend(inner.failed);
        }
    }

    fn include_on(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        host: &Host,
        binder: &Binder<'_>,
    ) -> Result<Vec<Arc<LoadedTasks>>, Stop> {
        let load = |binder: &Binder<'_>, vars: &Map| -> Result<Option<Arc<LoadedTasks>>, Stop> {
            self.included(task, binder, vars).map_err(|mut diagnostics| {
                let first = diagnostics.0.iter().position(|d| d.severity == crate::base::Severity::Error);
                match first {
                    Some(at) => Stop::from(diagnostics.0.swap_remove(at)),
                    None => Stop::Deferred,
                }
            })
        };
        let runs = |binder: &Binder<'_>| -> Result<bool, Stop> {
            match binder.when(task)? {
                When::Run => Ok(true),
                When::Skip { .. } => Ok(false),
                When::Unknown(unknown) => Err(Stop::Unknown(unknown)),
            }
        };
        let items = match binder.loop_items(task) {
            Ok(None) => {
                return Ok(if runs(binder)? {
                    load(binder, &Map::new())?.into_iter().collect()
                } else {
                    Vec::new()
                });
            }
            Ok(Some(items)) => items,
            Err(stop) => return if runs(binder)? { Err(stop) } else { Ok(Vec::new()) },
        };
        let (name, index_name) = binder.loop_names(task)?;
        let mut included = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let mut vars = Map::new();
            vars.insert(Key::from(name.as_str()), item.clone());
            let mut variables = self.variables(play, host, task).with(&name, item);
            if let Some(index_name) = &index_name {
                vars.insert(Key::from(index_name.as_str()), Value::from(index));
                variables = variables.with(index_name, Value::from(index));
            }
            let binder =
                Binder { templar: binder.templar, lookups: binder.lookups, variables: Arc::new(variables) };
            if runs(&binder)? {
                included.extend(load(&binder, &vars)?);
            }
        }
        Ok(included)
    }
}
