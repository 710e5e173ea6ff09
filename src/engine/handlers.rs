//! Handlers: who is meant by a notification, when they run, and what an interrupted run has left.

use std::sync::Arc;

use super::ahead::Ahead;
use super::event::{Event, Outcome, Status};
use super::play::{Handler, Host, Hosts, PlayRun, lock};
use super::run::Run;
use crate::lang::Task;

impl Run {
    pub(super) fn handler_name(&self, play: &PlayRun, host: &Host, handler: &Task) -> Arc<str> {
        let lookups = self.lookups(play, handler);
        self.binder(&lookups, self.variables(play, host, handler)).name(handler)
    }

    /// The handlers that a name in `notify` means: those that listen to it, else the last with that name.
    pub(super) fn handlers_named(&self, play: &PlayRun, host: &Host, name: &str) -> Vec<usize> {
        let mut named = None;
        let mut listening = Vec::new();
        for (index, handler) in play.handlers().iter().enumerate() {
            if handler.listen.iter().any(|topic| topic.value.to_text() == name) {
                listening.push(index);
            }
            let own = self.handler_name(play, host, handler);
            let qualified = handler.scope.role().map(|role| format!("{} : {own}", role.name));
            if *own == *name || qualified.as_deref() == Some(name) {
                named = Some(index);
            }
        }
        named.into_iter().chain(listening).collect()
    }

    /// Runs the handlers that are notified, in the order in which they stand.
    pub(super) async fn flush(&self, play: &PlayRun, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        self.recall(play, &hosts.live);
        for (index, handler) in play.handlers().iter().enumerate() {
            let on: Vec<Host> = {
                let mut notified = lock(&play.notified);
                hosts
                    .live
                    .iter()
                    .filter(|host| notified.get_mut(*host).is_some_and(|set| set.shift_remove(&index)))
                    .cloned()
                    .collect()
            };
            self.maybe_run(play, index, handler, &hosts.live, &on);
            if on.is_empty() {
                continue;
            }
            let mut inner = Hosts { live: on.clone(), failed: Vec::new() };
            self.module(play, handler, &mut inner, ahead, Handler::Yes).await;
            for host in inner.live {
                for name in self.names_of(play, &host, handler) {
                    self.forget(&host, &play.journal, &format!("{host}/{name}"));
                }
            }
            hosts.live.retain(|host| !inner.failed.contains(host) && !self.is_gone(host));
            hosts.failed.extend(inner.failed);
        }
    }

    /// Check mode: a handler that a task notifies only perhaps.
    fn maybe_run(&self, play: &PlayRun, index: usize, handler: &Arc<Task>, hosts: &[Host], certain: &[Host]) {
        for host in hosts {
            let unknown = lock(&play.maybe).get_mut(host).and_then(|maybe| maybe.remove(&index));
            let Some(unknown) = unknown.filter(|_| !certain.contains(host)) else { continue };
            let label = self.label(play, host, handler, Handler::Yes);
            self.finish(host, &label, Outcome::plain(Status::MayChange(unknown)));
        }
    }

    fn names_of(&self, play: &PlayRun, host: &Host, handler: &Task) -> Vec<String> {
        let own = self.handler_name(play, host, handler).to_string();
        let mut names: Vec<String> = handler.listen.iter().map(|topic| topic.value.to_text()).collect();
        names.extend(handler.scope.role().map(|role| format!("{} : {own}", role.name)));
        names.push(own);
        names
    }

    /// Takes up what an interrupted run has left notified.
    fn recall(&self, play: &PlayRun, hosts: &[Host]) {
        for (_, machine) in self.machines() {
            for (_, name) in machine.take_remembered(&play.journal) {
                let Some((host, handler)) = name.split_once('/') else { continue };
                let Some(host) = hosts.iter().find(|known| &***known == host) else { continue };
                let found = self.handlers_named(play, host, handler);
                if found.is_empty() {
                    self.forget(host, &play.journal, &name);
                    self.tell(Event::Warning {
                        message: format!(
                            "host `{host}`: an interrupted run has notified the handler '{handler}', which is not \
                             there any more"
                        ),
                        diagnostic: None,
                    });
                    continue;
                }
                let mut notified = lock(&play.notified);
                let set = notified.entry(Arc::clone(host)).or_default();
                if found.iter().any(|index| !set.contains(index)) {
                    self.tell(Event::HandlerLeft { host: Arc::clone(host), handler: handler.to_owned() });
                }
                set.extend(found);
            }
        }
    }
}
