//! Where `synchronize` runs, and what it is told of the host at the other end.

use std::path::Path;
use std::sync::Arc;

use super::destination;
use super::machine::{Machine, User};
use super::single::Single;
use super::task::Turn;
use crate::base::{Diagnostic, Kind, Unknown};
use crate::modules::{Peer, SynchronizePlace as Place};
use crate::plan::bind::{Binder, Stop};
use crate::transport::{Destination, HostKeyChecking, Kind as Way};

/// A task that runs beside its host.
pub(super) struct Beside {
    /// What it is told of the other end.
    pub(super) peer: Arc<Peer>,
    /// Where it runs.
    machine: Arc<Machine>,
    /// The task's host, at the other end or the same.
    host: Arc<Machine>,
}

impl Beside {
    /// The machine that rsync runs on, and the user: where the host is at the other end the task becomes its user there.
    pub(super) fn runs_on(&self, user: &User) -> (Arc<Machine>, User) {
        let user = if self.peer.place == Place::Same { user.clone() } else { User::new(None) };
        (Arc::clone(&self.machine), user)
    }

    /// The host at the other end is not any more what it was.
    pub(super) fn note(&self, single: &Single, check_mode: bool, me: &Arc<Unknown>) {
        if !single.changed && !single.failed {
            return;
        }
        if check_mode {
            self.host.store.not_run(me);
        } else {
            self.host.store.spoil();
        }
    }
}

impl Turn<'_> {
    /// Where `synchronize` runs; nothing for other modules. `machine` is the one of the host, or of the host that the
    /// task is delegated to.
    pub(super) fn beside(
        &self,
        module: &str,
        binder: &Binder<'_>,
        delegate: Option<&str>,
        machine: &Arc<Machine>,
    ) -> Result<Option<Beside>, Stop> {
        if module != "synchronize" {
            return Ok(None);
        }
        let refuse = |message: String| {
            let diagnostic = Diagnostic::error(Kind::Unsupported, message).at(&self.task.place);
            Err(Stop::Failed(Box::new(diagnostic)))
        };
        let defaults = &self.run.options.become_;
        let (host, user) = self.run.machine(self.host, None, binder, Some(self.task))?;
        let (there, _) = destination::of(self.host, binder, Some(self.task), &self.run.options.connect)?;
        let is_local = machine.destination.kind == Way::Local;
        let is_same = match delegate {
            None => is_local,
            Some(to) => to == &**self.host || to == there.host,
        };
        if is_same {
            let peer = Arc::new(Peer::default());
            return Ok(Some(Beside { peer, machine: Arc::clone(machine), host }));
        }
        if there.kind != Way::Ssh {
            return refuse(format!(
                "synchronize uses rsync to function. rsync needs to connect to the remote host via ssh, docker client \
                 or a direct filesystem copy: `{}` is not reached over SSH",
                self.host
            ));
        }
        let place = if is_local || delegate.is_none() { Place::Controller } else { Place::Delegate };
        let elevation = match user.spec {
            None => None,
            Some(_) => binder.become_spec(self.task, None, defaults)?.map(|spec| (spec.method, spec.user)),
        };
        let machine = if place == Place::Controller { self.run.here() } else { Arc::clone(machine) };
        let peer = Arc::new(peer(there, place, elevation));
        Ok(Some(Beside { peer, machine, host }))
    }
}

/// The other end as OpenSSH reaches it.
fn peer(there: Destination, place: Place, elevation: Option<(String, String)>) -> Peer {
    let Destination {
        name: _,
        kind: _,
        host,
        port,
        user,
        private_keys,
        key_passphrase,
        password,
        host_key_checking,
        known_hosts,
        proxy_jump,
        ssh_config,
        common_args,
        connect_timeout,
        retries: _,
        remote_tmp: _,
    } = there;
    let shown = |path: &Path| path.display().to_string();
    let mut options = Vec::new();
    if let Some(config) = &ssh_config {
        options.extend(["-F".to_owned(), shown(config)]);
    }
    if let Some(jump) = &proxy_jump {
        options.extend(["-J".to_owned(), jump.clone()]);
    }
    let mut option = |text: String| options.extend(["-o".to_owned(), text]);
    option(format!("ConnectTimeout={}", connect_timeout.as_secs().max(1)));
    match host_key_checking {
        None => {}
        Some(HostKeyChecking::Strict) => option("StrictHostKeyChecking=yes".to_owned()),
        Some(HostKeyChecking::AcceptNew) => option("StrictHostKeyChecking=accept-new".to_owned()),
        Some(HostKeyChecking::Off) => option("StrictHostKeyChecking=no".to_owned()),
    }
    match &known_hosts {
        Some(file) => option(format!("UserKnownHostsFile={}", shown(file))),
        None if host_key_checking == Some(HostKeyChecking::Off) => {
            option("UserKnownHostsFile=/dev/null".to_owned());
        }
        None => {}
    }
    Peer {
        place,
        host,
        user,
        port,
        private_keys: private_keys.iter().map(|path| shown(path)).collect(),
        options,
        common_args,
        secret: password.or(key_passphrase),
        elevation,
    }
}
