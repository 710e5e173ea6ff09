//! Handlers: who is meant by a notification, when they run, and what an interrupted run has left.

use std::sync::Arc;

use indexmap::IndexSet;

use super::ahead::Ahead;
use super::event::{Event, Outcome, Status};
use super::play::{Handler, Host, Hosts, PlayRun, lock};
use super::run::Run;
use crate::base::Value;
use crate::lang::{Located, Role, Task};
use crate::plan::check::engine_action;

impl Run {
    /// A handler's name, rendered once in a play.
    pub(super) fn handler_name(&self, play: &PlayRun, host: &Host, index: usize, handler: &Task) -> Arc<str> {
        if let Some(known) = lock(&play.handler_names).get(&index) {
            return Arc::clone(known);
        }
        let lookups = self.lookups(play, handler);
        let name = self.binder(&lookups, self.variables(play, host, handler)).name(handler);
        lock(&play.handler_names).insert(index, Arc::clone(&name));
        name
    }

    /// The handlers that a name in `notify` means: of those with that name the first of the last list that has one, and
    /// those that listen to it, of which several with one name count as one in the same way.
    pub(super) fn handlers_named(&self, play: &PlayRun, host: &Host, name: &str) -> Vec<usize> {
        let handlers = play.handlers();
        // a list is what one file or one section brings
        let mut lists: Vec<(Option<*const Role>, Vec<usize>)> = Vec::new();
        for (index, handler) in handlers.iter().enumerate() {
            let role = handler.scope.role().map(Arc::as_ptr);
            match lists.last_mut() {
                Some((known, list)) if *known == role => list.push(index),
                _ => lists.push((role, vec![index])),
            }
        }
        let mut found = IndexSet::new();
        let mut listening = IndexSet::new();
        let mut seen: Vec<Arc<str>> = Vec::new();
        for index in lists.into_iter().rev().flat_map(|(_, list)| list) {
            let Some(handler) = handlers.get(index) else { continue };
            let own = handler.name.as_ref().map(|_| self.handler_name(play, host, index, handler));
            let role = handler.scope.role();
            let means = |own: &str| {
                own == name || role.is_some_and(|role| role.titles(own).iter().any(|title| title == name))
            };
            if found.is_empty() && own.as_deref().is_some_and(means) {
                found.insert(index);
            }
            if self.topics(play, host, handler).iter().any(|topic| topic == name) {
                if own.as_ref().is_some_and(|own| seen.contains(own)) {
                    continue;
                }
                seen.extend(own);
                listening.insert(index);
            }
        }
        found.extend(listening);
        found.into_iter().collect()
    }

    /// What a handler listens to.
    fn topics(&self, play: &PlayRun, host: &Host, handler: &Task) -> Vec<String> {
        let literal = |located: &Located| located.value.is_literal();
        if handler.listen.iter().all(literal) {
            return handler.listen.iter().map(|topic| topic.value.to_text()).collect();
        }
        let lookups = self.lookups(play, handler);
        let binder = self.binder(&lookups, self.variables(play, host, handler));
        let topics = handler.listen.iter().filter_map(|topic| binder.known(topic).ok());
        topics
            .flat_map(|topic| match topic {
                Value::List(items) => items.iter().map(Value::to_text).collect(),
                other => vec![other.to_text()],
            })
            .collect()
    }

    /// Runs the handlers that are notified, in the order in which they stand.
    pub(super) async fn flush(&self, play: &PlayRun, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        self.recall(play, &hosts.live);
        self.resolve(play, &hosts.live);
        let mut index = 0;
        while let Some(handler) = play.handlers().get(index).cloned() {
            let on: Vec<Host> = {
                let mut notified = lock(&play.notified);
                hosts
                    .live
                    .iter()
                    .filter(|host| notified.get_mut(*host).is_some_and(|set| set.shift_remove(&index)))
                    .cloned()
                    .collect()
            };
            self.maybe_run(play, index, &handler, &hosts.live, &on);
            if !on.is_empty() {
                let mut inner = Hosts { handler: Handler::Yes, ..hosts.part(on.clone()) };
                Box::pin(self.handler(play, &handler, &mut inner, ahead)).await;
                for host in &inner.live {
                    for name in self.names_of(play, host, index, &handler) {
                        self.forget(host, &play.journal, &format!("{host}/{name}"));
                    }
                }
                hosts.absorb(&on, inner);
            }
            index += 1;
        }
    }

    /// Finds the handlers of the names that have been notified: those that are there now count.
    fn resolve(&self, play: &PlayRun, hosts: &[Host]) {
        for host in hosts {
            let names = lock(&play.pending).get_mut(host).map(std::mem::take).unwrap_or_default();
            for (name, unknown) in names {
                let found = self.handlers_named(play, host, &name);
                match unknown {
                    None => lock(&play.notified).entry(Arc::clone(host)).or_default().extend(found),
                    Some(unknown) => {
                        let maybe = found.into_iter().map(|index| (index, Arc::clone(&unknown)));
                        lock(&play.maybe).entry(Arc::clone(host)).or_default().extend(maybe);
                    }
                }
            }
        }
    }

    async fn handler(&self, play: &PlayRun, handler: &Arc<Task>, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        match engine_action(&handler.module) {
            None => self.module(play, handler, hosts, ahead).await,
            Some("meta") => self.meta(play, handler, hosts, ahead).await,
            Some(_) => self.include(play, handler, hosts, ahead).await,
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

    fn names_of(&self, play: &PlayRun, host: &Host, index: usize, handler: &Task) -> Vec<String> {
        let mut names = self.topics(play, host, handler);
        names.push(self.handler_name(play, host, index, handler).to_string());
        if let Some(role) = handler.scope.role() {
            names.extend(names.iter().flat_map(|name| role.titles(name)).collect::<Vec<_>>());
        }
        names
    }

    /// Takes up what an interrupted run has left notified.
    fn recall(&self, play: &PlayRun, hosts: &[Host]) {
        for (_, machine) in self.machines() {
            for (_, name) in machine.take_remembered(&play.journal) {
                let Some((host, handler)) = name.split_once('/') else { continue };
                let Some(host) = hosts.iter().find(|known| &***known == host) else { continue };
                if self.has_remembered(&play.journal, &name) {
                    continue;
                }
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
