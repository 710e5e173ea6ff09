//! Files of the controller that are streamed ahead of the program that names them.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::wire::action::{Action, Bytes, hex};
use crate::wire::{Query, Step, ToTarget, frame};

/// Bytes of one piece.
const PIECE: usize = 1 << 20;

/// A file to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

/// Why it was not sent.
#[derive(Debug)]
pub(super) enum NotSent {
    /// The file cannot be read.
    Read(PathBuf, std::io::Error),
    /// The file is not what was hashed.
    Changed(PathBuf),
    /// The pipe broke.
    Pipe(std::io::Error),
    /// A frame cannot be made.
    Frame(frame::FrameError),
}

/// The files that the steps need, each once.
pub(super) fn needed(steps: &[Step]) -> Vec<Content> {
    let mut contents = Vec::new();
    for step in steps {
        match step {
            Step::Observe(Query::Command(command)) => {
                contents.extend(command.files.iter().map(|(_, content)| content));
            }
            Step::Observe(_) => {}
            Step::Change(action) => add(action, &mut contents),
        }
    }
    let mut out: Vec<Content> = Vec::new();
    for bytes in contents {
        if let Bytes::Sent { sha256, sha1: _, size, path: Some(path) } = bytes
            && !out.iter().any(|known| known.sha256 == *sha256)
        {
            out.push(Content { sha256: sha256.clone(), size: *size, path: path.clone() });
        }
    }
    out
}

/// The contents that an action names.
fn add<'a>(action: &'a Action, contents: &mut Vec<&'a Bytes>) {
    match action {
        Action::WriteFile { content, .. } => contents.push(content),
        Action::Run(command) => contents.extend(command.files.iter().map(|(_, content)| content)),
        Action::StartJob(job) => job.actions.iter().for_each(|action| add(action, contents)),
        Action::SetAttributes { .. }
        | Action::MakeDirectory { .. }
        | Action::Symlink { .. }
        | Action::HardLink { .. }
        | Action::Touch { .. }
        | Action::Remove { .. }
        | Action::Converse(_)
        | Action::Http(_)
        | Action::Raw { .. }
        | Action::Remember { .. }
        | Action::Forget { .. } => {}
    }
}

/// Streams a file. `begun` becomes true when a part of it is out: then the other side waits for the rest, and a
/// failure leaves the pipe unusable. The last piece is held back until the whole is known to be right.
pub(super) async fn send(
    content: &Content,
    to: &mut (impl AsyncWrite + Unpin),
    begun: &mut bool,
) -> Result<(), NotSent> {
    let Content { sha256, size, path } = content;
    let read = |error| NotSent::Read(path.clone(), error);
    let mut file = tokio::fs::File::open(path).await.map_err(read)?;
    let mut digest = Sha256::new();
    let mut total = 0_u64;
    let mut held = Vec::new();
    loop {
        let mut piece = Vec::new();
        (&mut file).take(PIECE as u64).read_to_end(&mut piece).await.map_err(read)?;
        total += piece.len() as u64;
        digest.update(&piece);
        if piece.is_empty() {
            break;
        }
        if total > *size {
            return Err(NotSent::Changed(path.clone()));
        }
        let before = std::mem::replace(&mut held, piece);
        if !before.is_empty() {
            *begun = true;
            write(content, before, to).await?;
        }
    }
    if total != *size || hex(&digest.finalize()) != *sha256 {
        return Err(NotSent::Changed(path.clone()));
    }
    *begun = true;
    write(content, held, to).await?;
    *begun = false;
    Ok(())
}

async fn write(content: &Content, piece: Vec<u8>, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), NotSent> {
    let message = ToTarget::Content { sha256: content.sha256.clone(), size: content.size, piece };
    let bytes = frame::encode(&message).map_err(NotSent::Frame)?;
    to.write_all(&bytes).await.map_err(NotSent::Pipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Attributes, Expect, Follow};

    fn content(path: &std::path::Path, bytes: &[u8]) -> Content {
        Content { sha256: hex(&Sha256::digest(bytes)), size: bytes.len() as u64, path: path.to_owned() }
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_a_changed_file_is_not_completed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("big");
        let bytes: Vec<u8> = (0..(PIECE * 2 + 17)).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let (mut out, mut begun) = (Vec::new(), false);
        send(&content(&path, &bytes), &mut out, &mut begun).await.unwrap();
        assert!(!begun);
        let (mut from, mut got) = (out.as_slice(), Vec::new());
        while let Some(ToTarget::Content { size, piece, .. }) = frame::read(&mut from).unwrap() {
            assert_eq!(size, bytes.len() as u64);
            assert!(piece.len() <= PIECE);
            got.extend(piece);
        }
        assert_eq!(got, bytes);

        let mut other = bytes.clone();
        other[5] ^= 1;
        let (mut out, mut begun) = (Vec::new(), false);
        let error = send(&content(&path, &other), &mut out, &mut begun).await.unwrap_err();
        assert!(matches!(error, NotSent::Changed(_)) && begun);
        let (mut out, mut begun) = (Vec::new(), false);
        let error = send(&content(&path, b"short"), &mut out, &mut begun).await.unwrap_err();
        assert!(matches!(error, NotSent::Changed(_)) && !begun && out.is_empty());
    }

    #[tokio::test]
    async fn an_empty_file_is_one_empty_piece() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("empty");
        std::fs::write(&path, "").unwrap();
        let (mut out, mut begun) = (Vec::new(), false);
        send(&content(&path, b""), &mut out, &mut begun).await.unwrap();
        let message: Option<ToTarget> = frame::read(&mut out.as_slice()).unwrap();
        assert!(matches!(message, Some(ToTarget::Content { size: 0, .. })));
    }

    #[test]
    fn each_content_is_needed_once() {
        let write = |path: Option<&str>| {
            let sent =
                Bytes::Sent { sha256: "x".into(), sha1: "y".into(), size: 3, path: path.map(PathBuf::from) };
            Step::Change(Action::WriteFile {
                path: "/a".into(),
                content: sent,
                attributes: Attributes::default(),
                expect: Expect::Anything,
                backup: false,
                validate: None,
                follow: Follow::Yes,
                in_place: false,
            })
        };
        assert_eq!(needed(&[write(Some("/l")), write(None), write(Some("/l"))]).len(), 1);
        assert!(needed(&[write(None)]).is_empty());
    }
}
