//! A program on the controller whose standard streams are the pipe: `docker exec`, `sudo`, a `ProxyCommand`.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{oneshot, watch};

use super::pipe::{Ending, Errors, Exit, Pipe, Stop};
use super::stream::{Metered, Stream, Tally};

/// Starts a program in a process group of its own.
pub(super) fn start(argv: &[String], errors: Arc<Errors>, tally: &Arc<Tally>) -> io::Result<Pipe> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let broken = io::ErrorKind::BrokenPipe;
    let (stdin, stdout) = (child.stdin.take().ok_or(broken)?, child.stdout.take().ok_or(broken)?);
    let stderr = child.stderr.take().ok_or(broken)?;
    let (exit_sender, exit) = watch::channel(None);
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(collect(stderr, Arc::clone(&errors)));
    let group = leader(&child);
    tokio::spawn(supervise(child, Arc::clone(&group), exit_sender, stopped));
    Ok(Pipe {
        reader: Box::new(Metered::new(stdout, Arc::clone(tally))),
        writer: Box::new(Metered::new(Closing(Some(stdin)), Arc::clone(tally))),
        errors,
        exit: Ending(exit),
        stop: Stop::group(stop, &group),
    })
}

/// Starts a `ProxyCommand` through the shell. The program is ended when the stream is dropped.
pub(super) fn proxy(command: &str) -> io::Result<Stream> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let broken = io::ErrorKind::BrokenPipe;
    let (stdin, stdout) = (child.stdin.take().ok_or(broken)?, child.stdout.take().ok_or(broken)?);
    let (stop, stopped) = oneshot::channel();
    let group = leader(&child);
    tokio::spawn(supervise(child, Arc::clone(&group), watch::channel(None).0, stopped));
    Ok(Box::new(Held {
        stream: tokio::io::join(stdout, Closing(Some(stdin))),
        _stop: Stop::group(stop, &group),
    }))
}

async fn collect(mut from: impl AsyncRead + Unpin, errors: Arc<Errors>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        errors.push(buffer.get(..count).unwrap_or_default());
    }
    errors.finish();
}

/// The child's process group.
fn leader(child: &Child) -> Arc<AtomicI32> {
    Arc::new(AtomicI32::new(child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0)))
}

async fn supervise(
    mut child: Child,
    group: Arc<AtomicI32>,
    exit: watch::Sender<Option<Exit>>,
    stopped: oneshot::Receiver<()>,
) {
    use std::os::unix::process::ExitStatusExt as _;
    let status = tokio::select! {
        status = child.wait() => status,
        _ = stopped => {
            // it has had its SIGTERM
            if tokio::time::timeout(std::time::Duration::from_secs(2), child.wait()).await.is_err() {
                let leader = Pid::from_raw(group.load(Ordering::Acquire));
                let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
            }
            group.store(0, Ordering::Release);
            let _ = exit.send(Some(Exit::Lost("it was stopped".to_owned())));
            return;
        }
    };
    group.store(0, Ordering::Release);
    let ended = match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Lost("it ended in an unknown way".to_owned()),
        },
        Err(error) => Exit::Lost(error.to_string()),
    };
    let _ = exit.send(Some(ended));
}

/// Standard input of a program, which sees its end at the shutdown (tokio's own leaves it open).
struct Closing(Option<ChildStdin>);

impl AsyncWrite for Closing {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(stdin) => Pin::new(stdin).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().map_or(Poll::Ready(Ok(())), |stdin| Pin::new(stdin).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

/// The streams of a program that ends with them.
struct Held<S> {
    stream: S,
    _stop: Stop,
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
