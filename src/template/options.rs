//! How a template file is read: markers, whitespace, line breaks.

use minijinja::syntax::SyntaxConfig;

use super::scan::Backslashes;

/// What stands around expressions, statements and comments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the parameters of `ansible.builtin.template`, without `_string`")]
pub struct Markers {
    pub variable_start: String,
    pub variable_end: String,
    pub block_start: String,
    pub block_end: String,
    pub comment_start: String,
    pub comment_end: String,
}

impl Default for Markers {
    fn default() -> Self {
        Self {
            variable_start: "{{".to_owned(),
            variable_end: "}}".to_owned(),
            block_start: "{%".to_owned(),
            block_end: "%}".to_owned(),
            comment_start: "{#".to_owned(),
            comment_end: "#}".to_owned(),
        }
    }
}

/// How a template file is read, as the parameters of `ansible.builtin.template`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileOptions {
    /// Whether the line break after a statement is removed.
    pub trim_blocks: bool,
    /// Whether blanks before a statement are removed.
    pub lstrip_blocks: bool,
    /// Whether the last line break of the file is kept.
    pub keep_trailing_newline: bool,
    /// The markers.
    pub markers: Markers,
    /// What line breaks become: `\n`, `\r` or `\r\n`.
    pub newline_sequence: String,
    /// What makes a line a statement; empty: nothing does.
    pub line_statement_prefix: String,
    /// What makes the rest of a line a comment; empty: nothing does.
    pub line_comment_prefix: String,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: true,
            markers: Markers::default(),
            newline_sequence: "\n".to_owned(),
            line_statement_prefix: String::new(),
            line_comment_prefix: String::new(),
        }
    }
}

impl FileOptions {
    /// Applies the header `#jinja2: trim_blocks: False, …`, if the text has one. Returns the text after it.
    ///
    /// # Errors
    /// An option that does not exist or has no such value.
    pub(super) fn take_header<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let Some(after) = text.strip_prefix("#jinja2:") else { return Ok(text) };
        let (header, body) = after.split_once('\n').unwrap_or((after, ""));
        for pair in header.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.split_once(':').ok_or_else(|| {
                format!("`{}` is not `option: value`: Missing key-value separator", pair.trim())
            })?;
            self.set(name.trim(), value.trim())?;
        }
        Ok(body)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let text = || value.trim_matches(['\'', '"']).to_owned();
        let flag = || match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            _ => Err(format!("`{name}` is a boolean, not `{value}`")),
        };
        match name {
            "trim_blocks" => self.trim_blocks = flag()?,
            "lstrip_blocks" => self.lstrip_blocks = flag()?,
            "keep_trailing_newline" => self.keep_trailing_newline = flag()?,
            "newline_sequence" => self.newline_sequence = super::escapes::python(&text()),
            "line_statement_prefix" => self.line_statement_prefix = text(),
            "line_comment_prefix" => self.line_comment_prefix = text(),
            "variable_start_string" => self.markers.variable_start = text(),
            "variable_end_string" => self.markers.variable_end = text(),
            "block_start_string" => self.markers.block_start = text(),
            "block_end_string" => self.markers.block_end = text(),
            "comment_start_string" => self.markers.comment_start = text(),
            "comment_end_string" => self.markers.comment_end = text(),
            _ => return Err(format!("`{name}` is not an option of the `#jinja2:` header")),
        }
        Ok(())
    }

    /// As minijinja's configuration.
    pub(super) fn syntax(&self) -> Result<SyntaxConfig, String> {
        let Self {
            trim_blocks,
            lstrip_blocks,
            keep_trailing_newline,
            markers,
            newline_sequence: _,
            line_statement_prefix,
            line_comment_prefix,
        } = self;
        let mut builder = SyntaxConfig::builder();
        builder
            .trim_blocks(*trim_blocks)
            .lstrip_blocks(*lstrip_blocks)
            .keep_trailing_newline(*keep_trailing_newline)
            .line_statement_prefix(line_statement_prefix.clone())
            .line_comment_prefix(line_comment_prefix.clone());
        if *markers != Markers::default() {
            let Markers { variable_start, variable_end, block_start, block_end, comment_start, comment_end } =
                markers.clone();
            if [&variable_start, &variable_end, &block_start, &block_end, &comment_start, &comment_end]
                .iter()
                .any(|marker| marker.is_empty())
            {
                return Err("a marker may not be empty".to_owned());
            }
            builder
                .variable_delimiters(variable_start, variable_end)
                .block_delimiters(block_start, block_end)
                .comment_delimiters(comment_start, comment_end);
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// What a text is compiled as; with the text the key of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// A text from YAML.
    Text,
    /// An expression without markers.
    Expression,
    /// A condition: an expression whose texts may be templates of their own.
    Condition,
    /// A template file.
    File(Box<FileOptions>),
}

impl Mode {
    /// How backslashes are read.
    pub(super) fn backslashes(&self) -> Backslashes {
        match self {
            Self::Text => Backslashes::Literal,
            Self::Expression | Self::Condition | Self::File(_) => Backslashes::Python,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_sets_options() {
        let mut options = FileOptions::default();
        let body =
            options.take_header("#jinja2: trim_blocks: False, variable_start_string: '[['\nx").unwrap();
        assert_eq!(body, "x");
        assert!(!options.trim_blocks);
        assert_eq!(options.markers.variable_start, "[[");
        assert!(options.take_header("#jinja2: frob: 1\n").is_err());
        options.take_header("#jinja2: line_statement_prefix:\":\"\n").unwrap();
        assert_eq!(options.line_statement_prefix, ":");
    }
}
