//! Labels for what is printed; only here they become colours. Streams that are no terminal strip them.

use anstyle::{AnsiColor, Style};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Something changed or will.
    Changed,
    /// As it should be.
    Ok,
    /// Skipped, or secondary text.
    Dim,
    /// Failed.
    Failed,
    /// Cannot be reached.
    Unreachable,
    /// A warning, or a change that is not certain.
    Warning,
    /// A removed line.
    Removed,
    /// An added line.
    Added,
    /// A part of a removed line that is different.
    RemovedPart,
    /// A part of an added line that is different.
    AddedPart,
    /// The position of a hunk.
    Hunk,
    /// A heading.
    Heading,
}

impl Label {
    /// Its style.
    pub fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Changed | Self::Warning => colour(AnsiColor::Yellow),
            Self::Ok => colour(AnsiColor::Green),
            Self::Dim => Style::new().dimmed(),
            Self::Failed => colour(AnsiColor::Red).bold(),
            Self::Unreachable => colour(AnsiColor::Magenta).bold(),
            Self::Removed => colour(AnsiColor::Red),
            Self::Added => colour(AnsiColor::Green),
            Self::RemovedPart => colour(AnsiColor::Red).invert(),
            Self::AddedPart => colour(AnsiColor::Green).invert(),
            Self::Hunk => colour(AnsiColor::Cyan),
            Self::Heading => Style::new().bold(),
        }
    }
}

/// A text with its label's style around it.
pub fn paint(label: Label, text: &str) -> String {
    let style = label.style();
    format!("{style}{text}{style:#}")
}
