//! Comma-separated values as Python's `csv` reads them (dialect `excel` unless told otherwise).

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: char,
    /// Around fields that contain what would end them; two of them stand for one.
    pub quote: char,
    /// Whether blanks after a delimiter are skipped.
    pub skip_initial_space: bool,
    /// Whether a badly quoted field is an error.
    pub strict: bool,
}

impl Dialect {
    /// Python's `excel`.
    pub const EXCEL: Self = Self { delimiter: ',', quote: '"', skip_initial_space: false, strict: false };

    /// The rows of a text. Empty lines are rows without fields.
    ///
    /// # Errors
    /// A field that is badly quoted, where the dialect is strict.
    pub fn rows(&self, text: &str) -> Result<Vec<Vec<String>>, &'static str> {
        let mut rows = Vec::new();
        let mut chars = text.chars().peekable();
        while chars.peek().is_some() {
            let mut row = Vec::new();
            let mut field = String::new();
            let mut at = At::FieldStart;
            let mut empty = true;
            while let Some(c) = chars.next() {
                if matches!(c, '\n' | '\r') && at != At::Quoted {
                    if c == '\r' && chars.peek() == Some(&'\n') {
                        chars.next();
                    }
                    break;
                }
                empty = false;
                at = match at {
                    At::FieldStart if c == self.quote => At::Quoted,
                    At::FieldStart if c == ' ' && self.skip_initial_space => At::FieldStart,
                    At::FieldStart | At::Plain | At::QuoteEnded if c == self.delimiter => {
                        row.push(std::mem::take(&mut field));
                        At::FieldStart
                    }
                    At::Quoted if c == self.quote => At::QuoteEnded,
                    At::QuoteEnded if c == self.quote => {
                        field.push(c);
                        At::Quoted
                    }
                    At::QuoteEnded if self.strict => return Err("',' expected after '\"'"),
                    At::Quoted => {
                        field.push(c);
                        At::Quoted
                    }
                    At::FieldStart | At::Plain | At::QuoteEnded => {
                        field.push(c);
                        At::Plain
                    }
                };
            }
            if at == At::Quoted && self.strict {
                return Err("unexpected end of data");
            }
            if !empty {
                row.push(field);
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    FieldStart,
    Plain,
    Quoted,
    QuoteEnded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_and_unquoted() {
        let rows = Dialect::EXCEL.rows("a,\"b,\"\"c\"\"\n d\",e\r\n\nx,,\n\"q\"z").unwrap();
        assert_eq!(rows, [vec!["a", "b,\"c\"\n d", "e"], vec![], vec!["x", "", ""], vec!["qz"]]);
        let strict = Dialect { strict: true, ..Dialect::EXCEL };
        assert!(strict.rows("\"q\"z").is_err() && strict.rows("\"q").is_err());
        let spaced = Dialect { skip_initial_space: true, delimiter: '\t', ..Dialect::EXCEL };
        assert_eq!(spaced.rows("a\t \"b\"").unwrap(), [vec!["a", "b"]]);
    }
}
