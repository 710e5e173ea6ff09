//! What is drawn by chance: `random_choice`, `community.general.random_string`.

use super::ask::Ask;
use super::{Found, failed};
use crate::base::Value;
use crate::template::LookupError;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A source of chance: the system's.
pub(super) struct Dice(std::fs::File);

impl Dice {
    pub(super) fn new() -> Result<Self, LookupError> {
        std::fs::File::open("/dev/urandom")
            .map(Self)
            .map_err(|error| failed(format!("there is no source of random numbers: {error}")))
    }

    /// A number below `limit`, each as likely as the other.
    pub(super) fn below(&mut self, limit: usize) -> Result<usize, LookupError> {
        use std::io::Read;
        let limit = (limit as u64).max(1);
        let fair = u64::MAX - u64::MAX % limit;
        loop {
            let mut bytes = [0; 8];
            self.0
                .read_exact(&mut bytes)
                .map_err(|error| failed(format!("cannot read random numbers: {error}")))?;
            let number = u64::from_le_bytes(bytes);
            if number < fair {
                return Ok(usize::try_from(number % limit).unwrap_or(0));
            }
        }
    }

    /// Characters of an alphabet.
    pub(super) fn text(&mut self, alphabet: &[char], length: usize) -> Result<String, LookupError> {
        let mut text = String::new();
        for _ in 0..length {
            let at = self.below(alphabet.len())?;
            text.extend(alphabet.get(at));
        }
        Ok(text)
    }
}

/// One of the terms.
pub(super) fn random_choice(ask: &Ask<'_>) -> Found {
    if ask.terms.is_empty() {
        return Ok(Vec::new());
    }
    let at = Dice::new()?.below(ask.terms.len())?;
    Ok(ask.terms.get(at).cloned().into_iter().collect())
}

/// As many numbers below 256 as the term says.
pub(super) fn random_bytes(ask: &Ask<'_>) -> Found {
    let count = ask.terms.first().and_then(Value::as_int).and_then(|count| usize::try_from(count).ok());
    let mut dice = Dice::new()?;
    (0..count.unwrap_or(0)).map(|_| Ok(Value::from(dice.below(256)?))).collect()
}

/// Text of some length of chosen kinds of characters.
pub(super) fn random_string(ask: &Ask<'_>) -> Found {
    ask.refuse(&["seed"])?;
    let length = ask.count("length", 8)?;
    let special = ask.text("override_special", PUNCTUATION);
    let ignored = ask.text("ignore_similar_chars", "");
    let similar = ask.text("similar_chars", "il1LoO0");
    let skips_similar = ignored.is_empty() && ask.flag("ignore_similar_chars", false)? || ignored == "True";
    let kept = |alphabet: &str| -> Vec<char> {
        alphabet.chars().filter(|c| !(skips_similar && similar.contains(*c))).collect()
    };
    let mut dice = Dice::new()?;
    let mut all: Vec<char> = Vec::new();
    let mut drawn: Vec<char> = Vec::new();
    if let Some(own) = ask.option("override_all") {
        all = kept(&own.to_text());
    } else {
        for (switch, minimum, alphabet) in [
            ("upper", "min_upper", UPPER),
            ("lower", "min_lower", LOWER),
            ("numbers", "min_numeric", DIGITS),
            ("special", "min_special", special.as_str()),
        ] {
            let alphabet = kept(alphabet);
            let least = ask.count(minimum, 0)?;
            drawn.extend(dice.text(&alphabet, least)?.chars());
            if ask.flag(switch, true)? {
                all.extend(alphabet);
            }
        }
    }
    if all.is_empty() && drawn.len() < length {
        return Err(failed("available characters cannot be empty: all kinds of them are switched off"));
    }
    drawn.extend(dice.text(&all, length.saturating_sub(drawn.len()))?.chars());
    for at in (1..drawn.len()).rev() {
        let other = dice.below(at + 1)?;
        drawn.swap(at, other);
    }
    let text: String = drawn.into_iter().collect();
    if ask.flag("base64", false)? {
        use base64::Engine;
        return Ok(vec![Value::from(base64::engine::general_purpose::STANDARD.encode(text))]);
    }
    Ok(vec![Value::from(text)])
}

/// The characters of a named set of Python's `string`.
pub(super) fn named_set(name: &str) -> Option<String> {
    Some(match name {
        "ascii_letters" => format!("{LOWER}{UPPER}"),
        "ascii_lowercase" => LOWER.to_owned(),
        "ascii_uppercase" => UPPER.to_owned(),
        "digits" => DIGITS.to_owned(),
        "hexdigits" => "0123456789abcdefABCDEF".to_owned(),
        "octdigits" => "01234567".to_owned(),
        "printable" => format!("{DIGITS}{LOWER}{UPPER}{PUNCTUATION} \t\n\r\u{b}\u{c}"),
        "punctuation" => PUNCTUATION.to_owned(),
        "whitespace" => " \t\n\r\u{b}\u{c}".to_owned(),
        _ => return None,
    })
}
