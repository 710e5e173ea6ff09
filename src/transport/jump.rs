//! Jump hosts: one connection to each, shared by all hosts behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared as SharedFuture};

use super::connector::Shared;
use super::destination::Destination;
use super::error::ConnectError;
use super::handshake;
use super::settings::{JumpHost, Route, Settings};
use super::stream::Stream;
use super::trunk::Trunk;
use crate::base::{Diagnostic, Kind};

/// More jump hosts than this one after another are taken for a circle.
const MAX_JUMPS: usize = 8;

type Opening = SharedFuture<BoxFuture<'static, Result<Arc<Trunk>, ConnectError>>>;

/// The connections to jump hosts, open or being opened.
#[derive(Default)]
pub(super) struct Jumps(Mutex<HashMap<String, Opening>>);

/// The settings of all jump hosts on the way to a host, in order. As OpenSSH, each has those that the configuration
/// gives it; of the host's own, the configuration file, the checking of host keys and the time-out hold for them too.
pub(super) fn chain(
    shared: &Shared,
    destination: &Destination,
    route: &Route,
) -> Result<Vec<Settings>, Box<Diagnostic>> {
    let mut out: Vec<Settings> = Vec::new();
    let mut route = route.clone();
    while let Route::Jump(mut hosts) = route {
        let Some(last) = hosts.pop() else { break };
        if out.len() >= MAX_JUMPS {
            let message = format!("the jump hosts lead in a circle: {last} again and again");
            return Err(Box::new(
                Diagnostic::error(Kind::BadValue, message)
                    .hint("set `ProxyJump none` for the jump host itself"),
            ));
        }
        let settings = settings_of(shared, destination, &last, !hosts.is_empty())?;
        route = if hosts.is_empty() { settings.route.clone() } else { Route::Jump(hosts) };
        out.push(settings);
    }
    out.reverse();
    Ok(out)
}

fn settings_of(
    shared: &Shared,
    destination: &Destination,
    jump: &JumpHost,
    is_reached_through_another: bool,
) -> Result<Settings, Box<Diagnostic>> {
    let JumpHost { user, host, port } = jump;
    let file = super::args::parse(&destination.name, &destination.common_args)?.file;
    let hop = Destination {
        port: *port,
        user: user.clone(),
        host_key_checking: destination.host_key_checking,
        known_hosts: destination.known_hosts.clone(),
        proxy_jump: is_reached_through_another.then(|| "none".to_owned()),
        ssh_config: destination.ssh_config.clone().or(file),
        connect_timeout: destination.connect_timeout,
        ..Destination::ssh(jump.to_string(), host.clone())
    };
    Settings::resolve(&hop, &shared.surroundings, &shared.ssh_config)
}

/// The connection to the last of these jump hosts, through those before it.
pub(super) fn trunk<'a>(
    shared: &'a Arc<Shared>,
    jumps: &[Settings],
) -> BoxFuture<'a, Result<Arc<Trunk>, ConnectError>> {
    let names: Vec<String> = jumps.iter().map(|jump| format!("{}@{}", jump.user, jump.address())).collect();
    let name = names.join(",");
    let jumps: Vec<Settings> = jumps.to_vec();
    async move {
        let opening = {
            let mut open = shared.jumps.0.lock().unwrap_or_else(PoisonError::into_inner);
            // One that is being opened is waited for; one that failed or was lost is opened anew.
            let usable = open.get(&name).filter(|opening| match opening.peek() {
                None => true,
                Some(Ok(trunk)) => !trunk.is_closed(),
                Some(Err(_)) => false,
            });
            match usable {
                Some(opening) => opening.clone(),
                None => {
                    let opening = connect(Arc::clone(shared), jumps).boxed().shared();
                    open.insert(name, opening.clone());
                    opening
                }
            }
        };
        opening.await
    }
    .boxed()
}

async fn connect(shared: Arc<Shared>, jumps: Vec<Settings>) -> Result<Arc<Trunk>, ConnectError> {
    let Some((last, before)) = jumps.split_last() else {
        let cause = "there is no jump host".to_owned();
        return Err(ConnectError::Forward { jump: String::new(), address: String::new(), cause });
    };
    let tally = Arc::clone(&shared.jump_tally);
    handshake::open(&shared, last, before, &tally).await.map(Arc::new)
}

/// A byte stream to the host through its last jump host.
pub(super) async fn forward(
    jump: &Trunk,
    settings: &Settings,
    jumps: &[Settings],
) -> Result<Stream, ConnectError> {
    let opened = jump.forward(&settings.host, settings.port).await;
    let channel = opened.map_err(|cause| ConnectError::Jump {
        host: settings.name.clone(),
        jump: jumps.last().map_or_else(String::new, Settings::address),
        cause: Arc::new(ConnectError::Forward {
            jump: jumps.last().map_or_else(String::new, |jump| jump.name.clone()),
            address: settings.address(),
            cause,
        }),
    })?;
    Ok(Box::new(channel.into_stream()))
}

impl Jumps {
    /// Says goodbye to all of them.
    pub(super) async fn close(&self) {
        let all: Vec<Opening> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, open)| open).collect();
        for opening in all {
            if let Some(Ok(trunk)) = opening.peek() {
                trunk.disconnect().await;
            }
        }
    }
}
