//! Python's escapes in texts.

/// What Python's `unicode-escape` reads; what is no escape stays as it stands.
pub(super) fn python(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = after.get(1..).unwrap_or("");
        let Some(c) = after.chars().next() else {
            out.push('\\');
            return out;
        };
        let mut used = c.len_utf8();
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            '0'..='7' => {
                used = after.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                push_code(after.get(..used).unwrap_or(""), 8, &mut out);
            }
            'x' | 'u' | 'U' => {
                let digits = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                match after.get(1..=digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit())) {
                    Some(code) => {
                        push_code(code, 16, &mut out);
                        used = 1 + digits;
                    }
                    None => {
                        out.push('\\');
                        out.push(c);
                    }
                }
            }
            _ => {
                out.push('\\');
                out.push(c);
            }
        }
        rest = after.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

fn push_code(digits: &str, radix: u32, out: &mut String) {
    out.push(
        u32::from_str_radix(digits, radix)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    );
}

#[cfg(test)]
mod tests {
    use super::python;

    #[test]
    fn as_python_reads_them() {
        assert_eq!(python(r"a\nb\.c\x41\u00e9\101\q\\"), "a\nb\\.cAéA\\q\\");
        assert_eq!(python(r"\xg\"), r"\xg\");
    }
}
