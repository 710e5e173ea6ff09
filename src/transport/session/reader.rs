//! Reads what a session's program writes: anything, then the marker, then frames.

use std::io::Cursor;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc::UnboundedSender;

use super::super::upload::Missing;
use crate::wire::{FromTarget, frame};

/// What `fleet remote` writes before its first frame.
pub(super) const MARKER: &[u8] = b"\0FLEET1\n";
/// More than this before the marker is not a greeting any more.
const PREAMBLE: usize = 1 << 20;
/// Frames from this size on are decoded where they hold up nobody else.
const LARGE: usize = 256 << 10;

/// What was read.
#[derive(Debug)]
pub(super) enum Event {
    /// The marker: from here on all is frames.
    Ready,
    /// There is no upload.
    Missing(Missing),
    /// A frame.
    Frame(Box<FromTarget>),
    /// The output ended, in order or not.
    Ended {
        /// What came before the marker, as long as there was none.
        preamble: String,
        /// What is wrong with a frame.
        broken: Option<String>,
    },
}

/// Reads to the end.
pub(super) async fn read(mut from: Box<dyn AsyncRead + Send + Unpin>, to: UnboundedSender<Event>) {
    let mut seen = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let rest = loop {
        if let Some(at) = find(&seen, MARKER) {
            break seen.split_off(at + MARKER.len());
        }
        if let Some(missing) = missing(&seen) {
            let _ = to.send(Event::Missing(missing));
            return;
        }
        let count = from.read(&mut buffer).await.unwrap_or(0);
        seen.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || seen.len() > PREAMBLE {
            let preamble = String::from_utf8_lossy(&seen).into_owned();
            let _ = to.send(Event::Ended { preamble, broken: None });
            return;
        }
    };
    let _ = to.send(Event::Ready);
    let mut from = Cursor::new(rest).chain(from);
    let broken = loop {
        match one(&mut from).await {
            Ok(Some(message)) => {
                if to.send(Event::Frame(Box::new(message))).is_err() {
                    return;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    let _ = to.send(Event::Ended { preamble: String::new(), broken });
}

async fn one(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<FromTarget>, frame::FrameError> {
    let mut head = [0; 4];
    match from.read(&mut head[..1]).await? {
        0 => return Ok(None),
        _ => from.read_exact(&mut head[1..]).await?,
    };
    let (length, compressed) = frame::header(head)?;
    let mut body = Vec::new();
    if from.take(length as u64).read_to_end(&mut body).await? < length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    if length < LARGE {
        return frame::decode(&body, compressed).map(Some);
    }
    let decoded = tokio::task::spawn_blocking(move || frame::decode(&body, compressed)).await;
    decoded.unwrap_or_else(|error| Err(std::io::Error::other(error).into())).map(Some)
}

/// The line that says that there is no upload, once it is complete.
fn missing(seen: &[u8]) -> Option<Missing> {
    let mut lines = seen.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    lines.find_map(|line| Missing::parse(&String::from_utf8_lossy(line)))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    async fn events(bytes: Vec<u8>) -> Vec<String> {
        let (to, mut events) = unbounded_channel();
        read(Box::new(Cursor::new(bytes)), to).await;
        let mut out = Vec::new();
        while let Some(event) = events.recv().await {
            out.push(format!("{event:?}"));
        }
        out
    }

    #[tokio::test]
    async fn greetings_are_skipped_up_to_the_marker() {
        let message = FromTarget::Fatal { message: "no".to_owned() };
        let mut bytes = b"welcome!\nfleet-missing-not\0\0FLEET1\n".to_vec();
        bytes.extend(frame::encode(&message).unwrap());
        let out = events(bytes).await;
        assert_eq!(out[..2], ["Ready".to_owned(), "Frame(Fatal { message: \"no\" })".to_owned()]);
        assert!(out[2].contains("broken: None"));
    }

    #[tokio::test]
    async fn a_host_without_an_upload_and_one_that_says_nothing_useful() {
        let out = events(b"hello\nfleet-missing gzip Linux x86_64\n".to_vec()).await;
        assert!(out[0].contains("Linux x86_64"), "{out:?}");
        let out = events(b"This account is not available\n".to_vec()).await;
        assert!(out[0].contains("not available"), "{out:?}");
        let mut cut = MARKER.to_vec();
        cut.extend([9, 0, 0, 0, 1]);
        assert!(events(cut).await[1].contains("broken: Some"));
    }
}
