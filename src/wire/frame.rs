//! Frames: a 32-bit little-endian header, then a MessagePack value.
//!
//! The header's top bit says that the value is compressed with zstd; the rest is the number of bytes that follow.
//! A reader refuses more than [`MAX_FRAME`] bytes, before and after decompression.

use std::io::{self, Read};

use serde::{Serialize, de::DeserializeOwned};

/// The most bytes that a frame's value may have, compressed or not.
pub const MAX_FRAME: usize = 64 << 20;
/// Values from this size on are compressed when that makes them smaller.
const COMPRESS_FROM: usize = 4 << 10;
const COMPRESSED: u32 = 1 << 31;

/// Why a frame could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The value cannot be encoded.
    #[error("cannot encode a frame: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    /// The bytes are not the value that is expected.
    #[error("cannot decode a frame: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// Too long.
    #[error("a frame of {0} bytes is over the limit of {MAX_FRAME}")]
    TooLong(usize),
    /// The pipe failed, or ended within a frame.
    #[error("the connection to the target broke: {0}")]
    Io(#[from] io::Error),
}

/// A value as a frame, header included.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, FrameError> {
    let mut plain = vec![0; 4];
    value.serialize(&mut rmp_serde::Serializer::new(&mut plain).with_struct_map())?;
    let length = plain.len() - 4;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    if length >= COMPRESS_FROM {
        let packed = zstd::bulk::compress(plain.get(4..).unwrap_or_default(), 1)?;
        if packed.len() < length {
            let mut out = (packed.len() as u32 | COMPRESSED).to_le_bytes().to_vec();
            out.extend(packed);
            return Ok(out);
        }
    }
    plain.splice(..4, (length as u32).to_le_bytes());
    Ok(plain)
}

/// How many bytes follow a header, and whether they are compressed.
pub fn header(bytes: [u8; 4]) -> Result<(usize, bool), FrameError> {
    let word = u32::from_le_bytes(bytes);
    let length = (word & !COMPRESSED) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    Ok((length, word & COMPRESSED != 0))
}

/// The value of a frame's body.
pub fn decode<T: DeserializeOwned>(body: &[u8], compressed: bool) -> Result<T, FrameError> {
    if compressed {
        let mut plain = Vec::new();
        let limit = MAX_FRAME as u64 + 1;
        zstd::stream::read::Decoder::new(body)?.take(limit).read_to_end(&mut plain)?;
        if plain.len() > MAX_FRAME {
            return Err(FrameError::TooLong(plain.len()));
        }
        return Ok(rmp_serde::from_slice(&plain)?);
    }
    Ok(rmp_serde::from_slice(body)?)
}

/// Reads one frame from a blocking pipe; `None` when the pipe ended before it.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut head = [0; 4];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (length, compressed) = header(head)?;
    let mut body = Vec::new();
    let got = from.take(length as u64).read_to_end(&mut body)?;
    if got < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    decode(&body, compressed).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Query, Step, ToTarget};

    fn program(path: &str) -> ToTarget {
        ToTarget::Program {
            id: 7,
            steps: vec![Step::Observe(Query::List { path: path.to_owned() })],
            limit: None,
        }
    }

    #[test]
    fn small_and_large_frames_come_back() {
        for path in ["/etc".to_owned(), "/x".repeat(20_000)] {
            let bytes = encode(&program(&path)).unwrap();
            assert_eq!(read::<ToTarget>(&mut bytes.as_slice()).unwrap(), Some(program(&path)));
        }
        assert!(encode(&program(&"/x".repeat(20_000))).unwrap().len() < 1000);
    }

    #[test]
    fn a_time_that_is_now_comes_back_as_now() {
        for time in [None, Some(None), Some(Some(5))] {
            let touch = crate::wire::Action::Touch {
                path: "/x".to_owned(),
                accessed: time,
                modified: time,
                attributes: crate::wire::Attributes::default(),
            };
            let bytes = encode(&touch).unwrap();
            assert_eq!(read::<crate::wire::Action>(&mut bytes.as_slice()).unwrap(), Some(touch));
        }
    }

    #[test]
    fn a_cut_frame_is_an_error_and_an_end_is_not() {
        let bytes = encode(&program("/etc")).unwrap();
        assert!(matches!(read::<ToTarget>(&mut &bytes[..bytes.len() - 1]), Err(FrameError::Io(_))));
        assert!(matches!(read::<ToTarget>(&mut &bytes[..2]), Err(FrameError::Io(_))));
        assert!(matches!(read::<ToTarget>(&mut &[][..]), Ok(None)));
        assert!(matches!(header([0xff, 0xff, 0xff, 0x7f]), Err(FrameError::TooLong(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_a_value_or_an_error(bytes: Vec<u8>) {
            let _ = read::<ToTarget>(&mut bytes.as_slice());
        }
    }
}
