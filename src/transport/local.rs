//! The target's loop in this process, on a thread of its own, over a socket pair.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use super::connector::LocalTarget;
use super::pipe::{Ending, Errors, Exit, Pipe, Stop};
use super::stream::{Metered, Tally};

/// Starts it.
pub(super) fn start(target: LocalTarget, tally: &Arc<Tally>) -> std::io::Result<Pipe> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let ours = tokio::net::UnixStream::from_std(ours)?;
    let (input, output) = (theirs.try_clone()?, theirs);
    let (exit_sender, exit) = watch::channel(None);
    std::thread::Builder::new().name("fleet-local".to_owned()).spawn(move || {
        target(Box::new(input), Box::new(output));
        let _ = exit_sender.send(Some(Exit::Code(0)));
    })?;
    Tally::add(&tally.connections, 1);
    let (reader, writer) = ours.into_split();
    // it ends when its input does
    let (stop, _) = oneshot::channel();
    Ok(Pipe {
        reader: Box::new(Metered::new(reader, Arc::clone(tally))),
        writer: Box::new(Metered::new(writer, Arc::clone(tally))),
        errors: Errors::new(0),
        exit: Ending(exit),
        stop: Stop::new(stop),
    })
}
