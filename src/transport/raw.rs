//! A command to its end over the bare connection.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until};

use super::connection::{Inner, Invocation};
use super::destination::Become;
use super::elevate;
use super::error::{BecomeProblem, SessionError};
use super::pipe::{Errors, Exit, Pipe};
use super::stream::Tally;
use crate::wire::CommandOutput;

/// After a command has ended, its output is over when it is quiet for this long …
const QUIET: Duration = Duration::from_millis(200);
/// … or at the latest after this: a child that stays behind may write for ever.
const AT_THE_LATEST: Duration = Duration::from_secs(5);
/// A password that was not asked for within this is taken for not needed.
const ASKED_WITHIN: Duration = Duration::from_secs(10);
/// Of each stream this much is kept.
const OUTPUT_LIMIT: usize = 64 << 20;

/// Runs a text to its end.
pub(super) async fn run(
    inner: &Inner,
    text: &str,
    who: Option<&Become>,
    stdin: Option<&[u8]>,
    timeout: Option<Duration>,
) -> Result<CommandOutput, SessionError> {
    Tally::add(&inner.tally.exchanges, 1);
    let started = now();
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let refused = |problem, method, user: &str, detail: String| SessionError::Become {
        host: inner.name.clone(),
        method,
        user: user.to_owned(),
        problem,
        detail,
    };
    let (what, prompt) = match who {
        None => (Invocation::Text(text), None),
        Some(who) => {
            let elevation = elevate::elevation(who);
            if elevation.terminal {
                let problem = BecomeProblem::Terminal;
                return Err(refused(problem, who.method.name(), &who.user, String::new()));
            }
            let mut words = elevation.argv;
            words.extend(["/bin/sh", "-c", text].map(str::to_owned));
            (Invocation::Words(words), elevation.prompt)
        }
    };
    let pipe = inner.start(what, Errors::new(OUTPUT_LIMIT)).await?;
    let password = who.and_then(|who| who.password.as_ref()).map(|password| password.reveal().to_owned());
    let asks = prompt.clone().zip(password);
    let finished = collect(pipe, asks, stdin.map(<[u8]>::to_vec), deadline).await;
    let Finished { exit, stdout, stderr, timed_out } = finished;
    let stderr = match &prompt {
        Some(prompt) => String::from_utf8_lossy(&stderr).replace(prompt.as_str(), "").into_bytes(),
        None => stderr,
    };
    let status = match exit {
        _ if timed_out => -15,
        Exit::Code(code) => code,
        Exit::Signal(signal) => -signal,
        Exit::Refused => {
            let cause = "the server refuses to run commands".to_owned();
            return Err(SessionError::Lost { host: inner.name.clone(), cause });
        }
        Exit::Lost(cause) => return Err(SessionError::Lost { host: inner.name.clone(), cause }),
    };
    if let Some(who) = who
        && status != 0
        && stdout.is_empty()
    {
        let words = String::from_utf8_lossy(&stderr).into_owned();
        let missing = (status == 127 && words.contains(who.method.name())).then_some(BecomeProblem::Missing);
        if let Some(problem) = elevate::problem(&words, prompt.as_deref()).or(missing) {
            return Err(refused(problem, who.method.name(), &who.user, words.trim().to_owned()));
        }
    }
    Ok(CommandOutput { status, stdout, stderr, started, ended: now(), utc_offset: 0, timed_out })
}

struct Finished {
    exit: Exit,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    timed_out: bool,
}

/// Feeds the command and gathers what it writes until it is over.
async fn collect(
    pipe: Pipe,
    asks: Option<(String, String)>,
    stdin: Option<Vec<u8>>,
    deadline: Option<Instant>,
) -> Finished {
    let Pipe { mut reader, mut writer, errors, mut exit, stop } = pipe;
    let watched = std::sync::Arc::clone(&errors);
    let feed = async move {
        if let Some((prompt, password)) = asks {
            let asked = async {
                while elevate::times_asked(&watched.text(), &prompt) == 0 {
                    watched.grown().await;
                }
            };
            // It may not be asked for, where it is not needed.
            if tokio::time::timeout(ASKED_WITHIN, asked).await.is_ok() {
                let _ = writer.write_all(format!("{password}\n").as_bytes()).await;
            }
        }
        if let Some(bytes) = stdin.filter(|bytes| !bytes.is_empty()) {
            let _ = writer.write_all(&bytes).await;
        }
        let _ = writer.shutdown().await;
        std::future::pending::<()>().await;
    };
    let mut feed = std::pin::pin!(feed);
    let mut stdout = Vec::new();
    let mut buffer = vec![0; 32 << 10];
    let far = Instant::now() + Duration::from_hours(24 * 365);
    let mut ended: Option<(Exit, Instant)> = None;
    let mut quiet_at = far;
    let mut open = true;
    let mut timed_out = false;
    loop {
        let last = ended.as_ref().map_or(far, |(_, at)| (*at + AT_THE_LATEST).min(quiet_at));
        if ended.is_some() && !open {
            break;
        }
        tokio::select! {
            biased;
            count = reader.read(&mut buffer), if open => match count {
                Ok(count @ 1..) => {
                    let room = OUTPUT_LIMIT.saturating_sub(stdout.len());
                    stdout.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
                    quiet_at = Instant::now() + QUIET;
                }
                Ok(0) | Err(_) => open = false,
            },
            how = exit.wait(), if ended.is_none() => {
                quiet_at = Instant::now() + QUIET;
                ended = Some((how, Instant::now()));
            }
            () = sleep_until(last) => break,
            () = sleep_until(deadline.unwrap_or(far)), if deadline.is_some() && ended.is_none() => {
                timed_out = true;
                break;
            }
            () = &mut feed => {}
        }
    }
    if !open {
        errors.over_within(QUIET).await;
    }
    drop(stop);
    let exit = ended.map_or_else(|| Exit::Lost("it ran out of time".to_owned()), |(how, _)| how);
    Finished { exit, stdout, stderr: errors.bytes(), timed_out }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
