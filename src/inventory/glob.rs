//! Shell patterns as Python's `fnmatch` reads them, and Ansible's `~` regular expressions.

use fancy_regex::Regex;

/// What a pattern matches.
pub(super) struct Matcher(Regex);

impl Matcher {
    /// A shell pattern, or a regular expression after `~`, which has to match at the start.
    ///
    /// # Errors
    /// What is wrong with the regular expression.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let regex = match pattern.strip_prefix('~') {
            Some(regex) => format!("\\A(?:{})", regex.replace("\\Z", "\\z")),
            None => translate(pattern),
        };
        Regex::new(&regex).map(Self).map_err(|error| error.to_string())
    }

    /// Whether a name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name).unwrap_or(false)
    }
}

fn translate(pattern: &str) -> String {
    let mut regex = "\\A(?s:".to_owned();
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => match set(rest) {
                Some((set, after)) => {
                    regex.push_str(&set);
                    rest = after;
                }
                None => regex.push_str("\\["),
            },
            character => regex.push_str(&fancy_regex::escape(character.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(")\\z");
    regex
}

/// A set of characters up to its bracket. A bracket directly at the start belongs to the set.
fn set(text: &str) -> Option<(String, &str)> {
    let (negated, members) = match text.strip_prefix('!') {
        Some(members) => ("^", members),
        None => ("", text),
    };
    let first = members.chars().next()?.len_utf8();
    let end = first + members.get(first..)?.find(']')?;
    let escaped: String = members
        .get(..end)?
        .chars()
        .flat_map(|c| if matches!(c, '\\' | '[' | ']' | '^' | '&' | '~') { vec!['\\', c] } else { vec![c] })
        .collect();
    Some((format!("[{negated}{escaped}]"), members.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_fnmatchs() {
        let table = [
            ("web*", "web1", true),
            ("web*", "myweb", false),
            ("w?b", "web", true),
            ("web[12]", "web2", true),
            ("web[!12]", "web2", false),
            ("web[!12]", "web3", true),
            ("web[1-3]", "web2", true),
            ("a.b", "axb", false),
            ("[", "[", true),
            ("[]a]", "]", true),
            ("~web\\d", "web12", true),
            ("~eb", "web", false),
            ("~(web|db)$", "db", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(Matcher::new(pattern).unwrap().matches(name), expected, "{pattern:?} {name:?}");
        }
        assert!(Matcher::new("~(").is_err());
    }
}
