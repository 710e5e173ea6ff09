//! A command over an SSH channel as a pipe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

use super::pipe::{Ending, Errors, Exit, Pipe, Stop};
use super::stream::Queue;

/// Counts a channel as open until it is dropped.
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    pub(super) fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a command in a channel. The channel is always drained, whatever is read of it.
pub(super) async fn exec(
    channel: Channel<Msg>,
    slot: Slot,
    command: String,
    environment: &[(String, String)],
    errors: Arc<Errors>,
) -> Result<Pipe, russh::Error> {
    for (name, value) in environment {
        channel.set_env(false, name, value).await?;
    }
    channel.exec(true, command).await?;
    let (reading, writing) = channel.split();
    let (pieces, queue) = unbounded_channel();
    let (exit_sender, exit) = watch::channel(None);
    let (stop, stopped) = oneshot::channel();
    let writer = Box::new(writing.make_writer());
    tokio::spawn(pump(reading, writing, pieces, Arc::clone(&errors), exit_sender, stopped, slot));
    Ok(Pipe {
        reader: Box::new(Queue::new(queue)),
        writer,
        errors,
        exit: Ending(exit),
        stop: Stop::new(stop),
    })
}

async fn pump(
    mut reading: ChannelReadHalf,
    writing: ChannelWriteHalf<Msg>,
    pieces: UnboundedSender<Vec<u8>>,
    errors: Arc<Errors>,
    exit: watch::Sender<Option<Exit>>,
    mut stopped: oneshot::Receiver<()>,
    slot: Slot,
) {
    let mut pieces = Some(pieces);
    let end = |how: Exit| exit.send_if_modified(|known| known.is_none() && known.replace(how).is_none());
    loop {
        let message = tokio::select! {
            message = reading.wait() => message,
            _ = &mut stopped => {
                end(Exit::Lost("it was stopped".to_owned()));
                // a command that does not read its input is told by a signal, one that does by its end
                let _ = writing.signal(Sig::TERM).await;
                let _ = writing.close().await;
                break;
            }
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                if let Some(pieces) = &pieces {
                    let _ = pieces.send(data.to_vec());
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => errors.push(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => drop(end(Exit::Code(exit_status as i32))),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => drop(end(Exit::Signal(number(&signal_name)))),
            Some(ChannelMsg::Failure) => {
                end(Exit::Refused);
                let _ = writing.close().await;
                break;
            }
            // no more output; how it ended may still follow
            Some(ChannelMsg::Eof) => {
                pieces = None;
                errors.finish();
            }
            Some(ChannelMsg::Close) => {
                end(Exit::Lost("the server closed the channel without an exit status".to_owned()));
                break;
            }
            None => {
                end(Exit::Lost("the connection was closed".to_owned()));
                break;
            }
            Some(_) => {}
        }
    }
    errors.finish();
    drop(slot);
}

/// The number of a signal that RFC 4254 §6.10 names, on Linux.
fn number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(name) => match name.as_str() {
            "TRAP" => 5,
            "BUS" => 7,
            "USR2" => 12,
            "XCPU" => 24,
            "XFSZ" => 25,
            "SYS" => 31,
            _ => 0,
        },
    }
}
