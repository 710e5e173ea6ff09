//! The forms in which programs write a text down: escaped as JSON, URLs, YAML, Python and the shell do it, and in base64.

use base64::Engine as _;

/// Shorter forms would be found by chance.
const SHORTEST: usize = 4;
/// Digits of base64 that are too few to be told from words.
const SHORTEST_BASE64: usize = 5;
/// The widths of lines of base64: MIME's, and PEM's.
const WIDTHS: [usize; 2] = [76, 64];

/// The forms of a text, the text itself among them.
pub(super) fn of(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![text.to_owned()];
    for json in [json(text), ascii_json(text)] {
        // a JSON text within a JSON text
        forms.push(self::json(&json));
        forms.push(json);
    }
    for quoted in [r#"'"'"'"#, r"'\''", "''", r"\'"] {
        forms.push(text.replace('\'', quoted));
    }
    // Python's repr
    forms.push(text.replace('\\', r"\\"));
    forms.push(text.replace('\\', r"\\").replace('\'', r"\'"));
    forms.push(before(text, |c| matches!(c, '"' | '$' | '`' | '\\')));
    forms.push(before(text, |c| !(c.is_alphanumeric() || "_-./,:=@%+".contains(c))));
    for keep in ["-_.~", "-_.~/", "-_.!~*'()"] {
        let escaped = url(text, keep);
        for escaped in [escaped.replace("%20", "+"), escaped] {
            forms.push(lower_escapes(&escaped));
            forms.push(escaped);
        }
    }
    forms.push(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;"));
    forms.retain(|form| form.chars().count() >= SHORTEST);
    forms.extend(base64(text.as_bytes()));
    forms.sort_unstable();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// JSON as Python writes it: `\u00e9` in place of `é`.
fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in json(text).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out += &format!("\\u{unit:04x}");
            }
        }
    }
    out
}

/// With a backslash before some characters.
fn before(text: &str, escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if escaped(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn url(text: &str, keep: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric() || keep.contains(character) {
            out.push(character);
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// `%2f` in place of `%2F`.
fn lower_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut escape = 0;
    for c in text.chars() {
        escape = if c == '%' { 2 } else { escape };
        out.push(if escape > 0 { c.to_ascii_lowercase() } else { c });
        if c != '%' && escape > 0 {
            escape -= 1;
        }
    }
    out
}

/// The digits that a text has in base64 wherever it stands: at each of the three offsets, without the digits that hang
/// on what is around it. One that fills several lines is found line by line where nothing stands before it.
fn base64(text: &[u8]) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = Vec::new();
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for (offset, from) in [(0, 0), (1, 2), (2, 3)] {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(text);
            let digits = engine.encode(&bytes);
            // the first digits have bits of what stands before, the last one of what stands behind
            forms.push(digits.get(from..bytes.len() * 8 / 6).unwrap_or_default().to_owned());
        }
        let whole = engine.encode(text);
        for width in WIDTHS {
            if whole.len() > width {
                let lines = whole.as_bytes().chunks(width).filter(|line| line.len() >= 16);
                forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
            }
        }
    }
    forms.retain(|form| form.len() >= SHORTEST_BASE64);
    forms
}
