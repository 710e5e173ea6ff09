//! Where Ansible's text goes: standard output and standard error, perhaps in colours, and a log.

use std::collections::HashSet;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Ansible's colours, by what they are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "colours")]
pub enum Colour {
    Green,
    Yellow,
    Red,
    Cyan,
    Blue,
    DarkGray,
    BrightRed,
    BrightPurple,
    Purple,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Green => "0;32",
            Self::Yellow => "0;33",
            Self::Red => "0;31",
            Self::Cyan => "0;36",
            Self::Blue => "0;34",
            Self::DarkGray => "1;30",
            Self::BrightRed => "1;31",
            Self::BrightPurple => "1;35",
            Self::Purple => "0;35",
        }
    }
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Text as it is.
    Plain,
    /// In colours.
    Coloured,
}

impl Palette {
    /// A text in a colour, line by line.
    pub fn paint(self, colour: Colour, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => {
                let code = colour.code();
                let lines: Vec<String> =
                    text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect();
                lines.join("\n")
            }
        }
    }
}

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// A stream that a text goes to.
pub type Sink = Box<dyn Write + Send>;

/// The streams, and what has been said on them.
pub struct Display {
    out: Sink,
    err: Sink,
    log: Option<Sink>,
    /// Whether there are colours.
    pub palette: Palette,
    columns: usize,
    said: HashSet<String>,
}

impl Display {
    /// Streams of a width of `columns` characters. Ansible's is one less than the terminal's, and 79 without one.
    pub fn new(out: Sink, err: Sink, log: Option<Sink>, palette: Palette, columns: usize) -> Self {
        Self { out, err, log, palette, columns: columns.max(79), said: HashSet::new() }
    }

    pub(super) fn line(&mut self, text: &str, colour: Option<Colour>, stream: Stream) -> io::Result<()> {
        let text = text.replace("\r\n", "\n");
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let shown = colour.map_or_else(|| body.to_owned(), |colour| self.palette.paint(colour, body));
        match stream {
            Stream::Out => {
                writeln!(self.out, "{shown}")?;
                self.out.flush()?;
            }
            Stream::Err => writeln!(self.err, "{shown}")?,
        }
        self.log(&text, colour)
    }

    /// A line that is on the screen only.
    pub(super) fn screen(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    pub(super) fn log(&mut self, text: &str, colour: Option<Colour>) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let level = match colour {
            Some(Colour::Red | Colour::BrightRed) => "ERROR",
            Some(Colour::BrightPurple) => "WARNING",
            Some(Colour::DarkGray) => "DEBUG",
            _ => "INFO",
        };
        let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        let user =
            std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".into());
        let process = std::process::id();
        writeln!(log, "{now} p={process} u={user} n=ansible {level}| {}", text.trim_start_matches('\n'))
    }

    /// A heading with stars up to the width.
    pub(super) fn banner(&mut self, text: &str) -> io::Result<()> {
        let text = text.trim();
        let stars = self.columns.saturating_sub(text.width()).max(3);
        self.line(&format!("\n{text} {}", "*".repeat(stars)), None, Stream::Out)
    }

    /// A message of several lines ends with an empty one; each is said once.
    fn once(&mut self, kind: &str, text: &str, colour: Colour, stream: Stream) -> io::Result<()> {
        let text = text.trim();
        let message = format!("[{kind}]: {text}\n{}", if text.contains('\n') { "\n" } else { "" });
        if !self.said.insert(message.clone()) {
            return Ok(());
        }
        self.line(&message, Some(colour), stream)
    }

    /// A warning, on standard error.
    pub fn warning(&mut self, text: &str) -> io::Result<()> {
        self.once("WARNING", text, Colour::BrightPurple, Stream::Err)
    }

    /// A warning of what will be given up, on standard error; before the first one, how to be rid of them.
    pub(super) fn deprecation(&mut self, text: &str) -> io::Result<()> {
        let advice =
            "Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.";
        self.warning(advice)?;
        self.once("DEPRECATION WARNING", text, Colour::Purple, Stream::Err)
    }

    /// A task's error.
    pub(super) fn error(&mut self, text: &str, stream: Stream) -> io::Result<()> {
        self.once("ERROR", text, Colour::Red, stream)
    }
}
