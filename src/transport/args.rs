//! Options of OpenSSH's `ssh` command, as `ansible_ssh_common_args` holds them, read as configuration lines.

use std::path::PathBuf;

use crate::base::{Diagnostic, Kind, Place, Source};

/// What the arguments say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// `Keyword value` lines.
    pub(super) lines: Vec<String>,
    /// `-F`.
    pub(super) file: Option<PathBuf>,
}

/// Flags that take no value and change nothing in where or how fleet connects.
const HARMLESS: &str = "AaCfgGKkMNnqsTtvXxYy";
/// Flags whose value changes nothing either.
const HARMLESS_WITH_VALUE: &str = "eESOQ";
/// Flags with a value, each with the keyword that it stands for.
const KEYWORDS: &[(char, &str)] = &[
    ('p', "Port"),
    ('l', "User"),
    ('i', "IdentityFile"),
    ('J', "ProxyJump"),
    ('b', "BindAddress"),
    ('c', "Ciphers"),
    ('m', "MACs"),
];

/// Reads the arguments. An unknown one, or one that would change what is run or forwarded, is refused.
pub(super) fn parse(host: &str, arguments: &[String]) -> Result<Arguments, Box<Diagnostic>> {
    let source = Source::new(format!("<ssh arguments of `{host}`>"), arguments.join(" "));
    let mut column = 1;
    let mut out = Arguments::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = Place::new(&source, 1, column).with_length(word.chars().count() as u32);
        column += word.chars().count() as u32 + 1;
        let refuse = |message: String| {
            let hint = "`-o`, `-p`, `-l`, `-i`, `-J`, `-F`, `-b`, `-c`, `-m`, `-4` and `-6` are understood";
            Box::new(Diagnostic::error(Kind::Unsupported, message).at(&place).hint(hint))
        };
        let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty() && *flags != "-") else {
            return Err(refuse(format!("`{word}` is not an option of ssh")));
        };
        let mut characters = flags.chars();
        while let Some(flag) = characters.next() {
            match flag {
                '4' => out.lines.push("AddressFamily inet".to_owned()),
                '6' => out.lines.push("AddressFamily inet6".to_owned()),
                flag if HARMLESS.contains(flag) => {}
                flag => {
                    let keyword =
                        KEYWORDS.iter().find(|(known, _)| *known == flag).map(|(_, keyword)| *keyword);
                    let known =
                        keyword.is_some() || matches!(flag, 'o' | 'F') || HARMLESS_WITH_VALUE.contains(flag);
                    if !known {
                        return Err(refuse(format!("the option `-{flag}` of ssh is not supported")));
                    }
                    let attached = characters.as_str().to_owned();
                    let value = if attached.is_empty() {
                        let next = words.next();
                        column += next.map_or(0, |next| next.chars().count() as u32 + 1);
                        next.cloned()
                            .ok_or_else(|| refuse(format!("the option `-{flag}` of ssh has no value")))?
                    } else {
                        attached
                    };
                    match (keyword, flag) {
                        (Some(keyword), _) => out.lines.push(format!("{keyword} {}", quoted(&value))),
                        (None, 'o') => out.lines.push(value),
                        (None, 'F') => out.file = Some(PathBuf::from(value)),
                        _ => {}
                    }
                    break;
                }
            }
        }
    }
    Ok(out)
}

/// A value as one word of a configuration line.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Arguments, String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        parse("web1", &words).map_err(|error| error.to_string())
    }

    #[test]
    fn options_become_lines() {
        let out =
            parsed("-C -o ControlMaster=auto -oUser=ada -p2222 -i /k -J ada@jump -F none -4vvT").unwrap();
        assert_eq!(
            out.lines,
            [
                "ControlMaster=auto",
                "User=ada",
                "Port \"2222\"",
                "IdentityFile \"/k\"",
                "ProxyJump \"ada@jump\"",
                "AddressFamily inet"
            ]
        );
        assert_eq!(out.file, Some(PathBuf::from("none")));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let error = parsed("-C -W a:1").unwrap_err();
        assert_eq!(error, "<ssh arguments of `web1`>:1:4: the option `-W` of ssh is not supported");
        assert!(parsed("host").unwrap_err().contains("`host` is not an option of ssh"));
        assert!(parsed("-p").unwrap_err().contains("has no value"));
    }
}
