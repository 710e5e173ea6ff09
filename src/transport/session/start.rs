//! Starts `fleet remote` for a session.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::unbounded_channel;

use super::reader::{self, Event};
use super::talk::Stop;
use super::{Failed, Live, Session};
use crate::base::Secret;
use crate::transport::bootstrap::{Runner, Through};
use crate::transport::connection::{Invocation, Link};
use crate::transport::error::{BecomeProblem, ConnectError, SessionError};
use crate::transport::pipe::{Errors, Pipe};
use crate::transport::{bootstrap, elevate, local, upload};

/// Of standard error this much is kept for messages.
const ERRORS: usize = 64 << 10;

impl Session {
    /// Starts it. Where no password can be asked for, nothing is waited for: the first program follows at once. Else the
    /// program must not be taken for a password, so the marker is waited for.
    pub(super) async fn start(&self) -> Result<Live, Stop> {
        let failed = |error: SessionError| Stop::Failed(Failed { error, usable: false });
        let inner = &self.inner;
        let uploads = *inner.uploads.lock().await;
        let errors = Errors::new(ERRORS);
        let pipe = match (&inner.link, &self.elevation) {
            (Link::Local, None) => {
                inner.tell("fleet remote (in this process)");
                local::start(inner.shared.local, &inner.tally).map_err(|error| {
                    failed(SessionError::Lost { host: inner.name.clone(), cause: error.to_string() })
                })?
            }
            // root gets everywhere; other users are given a copy like on any host
            (Link::Local, Some(elevation)) if upload::runner(self.who.as_ref()) == Runner::LoginOrRoot => {
                let program = inner.shared.payloads.local().display().to_string();
                let mut words = Vec::new();
                if elevation.terminal {
                    words.extend([program.clone(), "remote".to_owned(), "terminal".to_owned()]);
                }
                words.extend(elevation.argv.iter().cloned());
                words.extend([program, "remote".to_owned()]);
                inner.start(Invocation::Words(words), errors).await.map_err(|error| match error {
                    // the host is there, only not what becomes another user
                    SessionError::Connect(cause) if matches!(*cause, ConnectError::Program { .. }) => {
                        failed(self.refused(BecomeProblem::Missing, cause.to_string()))
                    }
                    error => failed(error),
                })?
            }
            (Link::Ssh(_) | Link::Pipe(_) | Link::Local, elevation) => {
                let names = inner.shared.payloads.names().await.map_err(failed)?;
                let runner = upload::runner(self.who.as_ref());
                let terminal = elevation.as_ref().is_some_and(|elevation| elevation.terminal);
                let through = if terminal { Through::Terminal } else { Through::Nothing };
                let script = bootstrap::start_script(&names, inner.remote_tmp.as_deref(), runner, through);
                let mut words = ["/bin/sh", "-c", &script, "fleet"].map(str::to_owned).to_vec();
                words.extend(elevation.iter().flat_map(|elevation| elevation.argv.clone()));
                inner.start(Invocation::Words(words), errors).await.map_err(failed)?
            }
        };
        let Pipe { reader, writer, errors, exit, stop } = pipe;
        let (to, events) = unbounded_channel();
        tokio::spawn(reader::read(reader, to));
        let sent = HashSet::new();
        let mut live = Live { writer, events, errors, exit, sent, greeted: false, uploads, _stop: stop };
        let password = self.who.as_ref().and_then(|who| who.password.as_ref()).map(Secret::reveal);
        if let Some(prompt) = self.elevation.as_ref().and_then(|elevation| elevation.prompt.as_ref()) {
            let wait = self.give_password(&mut live, prompt, password);
            let waited = tokio::time::timeout(inner.patience, wait).await;
            let detail = || live_words(&live.errors, prompt);
            waited.map_err(|_| failed(self.refused(BecomeProblem::Timeout, detail())))??;
        }
        Ok(live)
    }

    async fn give_password(&self, live: &mut Live, prompt: &str, password: Option<&str>) -> Result<(), Stop> {
        let mut given = false;
        loop {
            let said = live.errors.text();
            let asked = elevate::times_asked(&said, prompt) > usize::from(given);
            let wrong = given && elevate::problem(&said, Some(prompt)) == Some(BecomeProblem::PasswordWrong);
            if asked || wrong {
                if given {
                    let error = self.refused(BecomeProblem::PasswordWrong, String::new());
                    return Err(Stop::Failed(Failed { error, usable: false }));
                }
                given = true;
                let Some(password) = password else {
                    let error = self.refused(BecomeProblem::PasswordRequired, String::new());
                    return Err(Stop::Failed(Failed { error, usable: false }));
                };
                let _ = live.writer.write_all(format!("{password}\n").as_bytes()).await;
            }
            let errors = Arc::clone(&live.errors);
            tokio::select! {
                () = errors.grown() => {}
                event = live.events.recv() => match event {
                    Some(Event::Ready) => return Ok(()),
                    Some(Event::Missing(missing)) => return Err(Stop::Missing(missing, live.uploads)),
                    Some(Event::Ended { preamble, broken }) => {
                        return Err(self.ended(live, &preamble, broken).await);
                    }
                    Some(Event::Frame(_)) => {}
                    None => return Err(self.ended(live, "", None).await),
                },
            }
        }
    }

    /// The error of a `become` that did not work.
    pub(super) fn refused(&self, problem: BecomeProblem, detail: String) -> SessionError {
        let (method, user) =
            self.who.as_ref().map_or(("become", String::new()), |who| (who.method.name(), who.user.clone()));
        SessionError::Become { host: self.inner.name.clone(), method, user, problem, detail }
    }
}

/// What was said on standard error, without our prompt.
pub(super) fn live_words(errors: &Errors, prompt: &str) -> String {
    errors.text().replace(prompt, "").trim().to_owned()
}
