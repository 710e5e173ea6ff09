//! Puts fleet on a host that does not have it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::bootstrap::{self, DAMAGED, Place, READY, REFUSED, Runner, STORED, Upload};
use super::connection::{Inner, Invocation};
use super::destination::Become;
use super::elevate::{self, Elevation};
use super::error::SessionError;
use super::pipe::{Errors, Pipe};
use crate::base::Secret;

/// Bytes that are written at once; each must get through in time.
const PIECE: usize = 256 << 10;
/// An upload during which nothing moves for this long is given up.
const STALLED: Duration = Duration::from_mins(1);

/// What a host said when it had no upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// Whether it has gzip.
    pub(super) gzip: bool,
    /// `uname -sm`.
    pub(super) system: String,
}

impl Missing {
    /// Reads the rest of the line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (gzip, system) = line.strip_prefix(bootstrap::MISSING)?.trim().split_once(' ')?;
        Some(Self { gzip: gzip == "gzip", system: system.trim().to_owned() })
    }
}

/// Uploads what the host's system needs: as the login user, or if no place is good for that and root is to be become
/// anyway, as root. `seen` is how many uploads there were when it was found missing: a later one may have helped.
pub(super) async fn upload(
    inner: &Inner,
    missing: &Missing,
    who: Option<&Become>,
    seen: u32,
) -> Result<(), SessionError> {
    let mut uploads = inner.uploads.lock().await;
    if *uploads > seen {
        return Ok(());
    }
    let payload = inner.shared.payloads.for_system(&inner.name, &missing.system).await?;
    let bytes = payload.bytes(missing.gzip).await?;
    let runner = runner(who);
    let script = |place| {
        let Missing { gzip: packed, system: _ } = *missing;
        bootstrap::upload_script(&Upload {
            name: &payload.name,
            sha256: &payload.sha256,
            packed,
            place,
            runner,
        })
    };
    let usual = script(Place::Usual { remote_tmp: inner.remote_tmp.as_deref() });
    let mut reasons = match send(inner, None, &usual, &bytes).await? {
        Ok(()) => {
            *uploads += 1;
            return Ok(());
        }
        Err(reasons) => reasons,
    };
    // one that asks on a terminal would need fleet there first
    let elevation = who.filter(|who| who.user == "root").map(|who| (who, elevate::elevation(who)));
    if let Some((who, elevation)) = elevation.filter(|(_, elevation)| !elevation.terminal) {
        let password = who.password.as_ref().map(Secret::reveal);
        match send(inner, Some((elevation, password)), &script(Place::Root), &bytes).await? {
            Ok(()) => {
                *uploads += 1;
                return Ok(());
            }
            Err(more) => reasons.extend(more),
        }
    }
    Err(SessionError::Upload { host: inner.name.clone(), reasons })
}

/// Who will run it.
pub(super) fn runner(who: Option<&Become>) -> Runner {
    match who {
        Some(who) if who.user != "root" => Runner::Other,
        _ => Runner::LoginOrRoot,
    }
}

type Reasons = Vec<String>;

async fn send(
    inner: &Inner,
    become_root: Option<(Elevation, Option<&str>)>,
    script: &str,
    bytes: &[u8],
) -> Result<Result<(), Reasons>, SessionError> {
    let (mut words, asks) = match become_root {
        Some((Elevation { argv, prompt, terminal: _ }, password)) => (argv, prompt.zip(password)),
        None => (Vec::new(), None),
    };
    words.extend(["/bin/sh", "-c", script, "fleet"].map(str::to_owned));
    let mut pipe = inner.start(Invocation::Words(words), Errors::new(16 << 10)).await?;
    let late = |stage| SessionError::Timeout { host: inner.name.clone(), stage, after: STALLED };
    if let Some((prompt, password)) = asks {
        let asked = async {
            while elevate::times_asked(&pipe.errors.text(), &prompt) == 0 {
                pipe.errors.grown().await;
            }
        };
        // not asked: it is not needed
        if timeout(Duration::from_secs(5), asked).await.is_ok() {
            let _ = pipe.writer.write_all(format!("{password}\n").as_bytes()).await;
        }
    }
    let mut output = String::new();
    let ready = timeout(STALLED, answer(&mut pipe, &mut output, READY))
        .await
        .map_err(|_| late("finding a place for fleet"))?;
    if ready {
        for piece in bytes.chunks(PIECE) {
            match timeout(STALLED, pipe.writer.write_all(piece)).await {
                Ok(Ok(())) => {}
                // it has an answer for us
                Ok(Err(_)) => break,
                Err(_) => return Err(late("uploading fleet")),
            }
        }
        let _ = timeout(STALLED, pipe.writer.shutdown()).await;
        let stored = timeout(STALLED, answer(&mut pipe, &mut output, STORED)).await;
        if stored.map_err(|_| late("storing fleet"))? {
            return Ok(Ok(()));
        }
    }
    let line = |prefix: &str| output.lines().find_map(|line| line.strip_prefix(prefix)).map(str::to_owned);
    if let Some(reasons) = line(REFUSED) {
        let reasons = reasons.split('|').map(str::trim).filter(|reason| !reason.is_empty());
        return Ok(Err(reasons.map(str::to_owned).collect()));
    }
    if line(DAMAGED).is_some() {
        return Ok(Err(vec!["the upload arrived damaged".to_owned()]));
    }
    let exit = pipe.exit.within(Duration::from_secs(2)).await;
    let said = format!("{}{}", output, pipe.errors.text());
    Ok(Err(vec![format!("the upload ended with {exit}: {}", said.trim())]))
}

/// Reads until a line begins with a word; `false` when the output ends, or another answer of ours comes first.
async fn answer(pipe: &mut Pipe, output: &mut String, wanted: &str) -> bool {
    let mut buffer = [0; 1024];
    loop {
        let complete = output.rsplit_once('\n').map_or("", |(lines, _)| lines);
        if complete.lines().any(|line| line.starts_with(wanted)) {
            return true;
        }
        if complete.lines().any(|line| line.starts_with(REFUSED) || line.starts_with(DAMAGED)) {
            return false;
        }
        match pipe.reader.read(&mut buffer).await {
            Ok(count @ 1..) => {
                output.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()));
            }
            Ok(0) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_without_an_upload_says() {
        let missing = Missing::parse("fleet-missing gzip Linux x86_64").unwrap();
        assert_eq!(missing, Missing { gzip: true, system: "Linux x86_64".to_owned() });
        assert!(!Missing::parse("fleet-missing none Linux aarch64").unwrap().gzip);
        assert!(Missing::parse("welcome").is_none());
        assert_eq!(runner(Some(&Become::sudo("root"))), Runner::LoginOrRoot);
        assert_eq!(runner(Some(&Become::sudo("app"))), Runner::Other);
    }
}
