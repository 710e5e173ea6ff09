//! Keys typed on the terminal that is standard input, one by one, as `pause` needs them: a line, or only Ctrl+C within
//! a time.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

/// Ctrl+C.
const INTERRUPT: u8 = 3;
/// What erases a character, beside the terminal's own key.
const ERASE: [u8; 2] = [8, 127];

/// What ends the input.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// Keys that complete it, in small letters.
    pub complete: &'a [u8],
    /// Keys that break it off, beside Ctrl+C.
    pub refuse: &'a [u8],
    /// How long it may take; for ever without it.
    pub time: Option<Duration>,
}

/// How the input has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// With this text.
    Text(String),
    /// Broken off.
    Refused,
    /// The time is over, or nobody is there any more.
    Over,
}

/// Whether somebody can type: standard input is a terminal, and this process has it.
pub fn can_type() -> bool {
    let input = io::stdin();
    input.is_terminal() && tcgetpgrp(&input).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The terminal as it is while single keys are read; afterwards it is as it was.
struct Raw {
    before: Termios,
}

impl Raw {
    fn set() -> io::Result<Self> {
        let input = io::stdin();
        let before = tcgetattr(&input)?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(&input, OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Reads keys until one of `ends`; `echo` is what shows them.
pub fn read(ends: Ends<'_>, echo: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Typed> {
    let raw = Raw::set()?;
    let erase = raw.before.special_codes[SpecialCodeIndex::VERASE];
    let typed = read_from(io::stdin().as_fd(), erase, ends, echo);
    drop(raw);
    typed
}

fn read_from(
    input: std::os::fd::BorrowedFd<'_>,
    erase: u8,
    ends: Ends<'_>,
    mut echo: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Typed> {
    let deadline = ends.time.and_then(|time| Instant::now().checked_add(time));
    let mut text = Vec::new();
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let wait = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], wait.as_ref()) {
            Ok(0) => return Ok(Typed::Over),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut key = [0];
        if rustix::io::read(input, &mut key)? == 0 {
            return Ok(Typed::Over);
        }
        let [key] = key;
        let small = key.to_ascii_lowercase();
        if key == INTERRUPT || ends.refuse.contains(&small) {
            return Ok(Typed::Refused);
        }
        if ends.complete.contains(&small) {
            return Ok(Typed::Text(String::from_utf8_lossy(&text).into_owned()));
        }
        if key == erase || ERASE.contains(&key) {
            erase_last(&mut text);
            echo(b"\x08 \x08")?;
        } else {
            text.push(key);
            echo(&[key])?;
        }
    }
}

/// Takes the last character off a text in UTF-8.
fn erase_last(text: &mut Vec<u8>) {
    while let Some(last) = text.pop() {
        // the bytes after a character's first are 0b10……
        if last & 0xc0 != 0x80 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LINE: Ends<'_> = Ends { complete: b"\r\n", refuse: b"", time: None };

    fn typed(keys: &str, ends: Ends<'_>) -> (Typed, String) {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        drop(writer);
        let mut shown = Vec::new();
        let typed = read_from(reader.as_fd(), 127, ends, |keys| {
            shown.extend_from_slice(keys);
            Ok(())
        });
        (typed.unwrap(), String::from_utf8(shown).unwrap())
    }

    #[test]
    fn a_line_can_be_edited() {
        let (found, shown) = typed("hello\u{7f}\u{7f}p\u{e9}\u{7f}!\rmore", LINE);
        assert_eq!(found, Typed::Text("help!".to_owned()));
        assert!(shown.starts_with("hello\u{8} \u{8}"), "{shown:?}");
    }

    #[test]
    fn it_is_broken_off_by_its_keys_and_over_where_nobody_types() {
        assert_eq!(typed("ab\u{3}c", LINE).0, Typed::Refused);
        assert_eq!(typed("A", Ends { complete: b"c", refuse: b"a", time: None }).0, Typed::Refused);
        assert_eq!(
            typed("xC", Ends { complete: b"c", refuse: b"a", time: None }).0,
            Typed::Text("x".to_owned())
        );
        assert_eq!(typed("\r\n", Ends { complete: b"", refuse: b"", time: None }).0, Typed::Over);
        let (reader, _writer) = io::pipe().unwrap();
        let soon = Ends { time: Some(Duration::from_millis(1)), ..LINE };
        assert_eq!(read_from(reader.as_fd(), 127, soon, |_| Ok(())).unwrap(), Typed::Over);
    }
}
