//! Patterns as ssh_config(5) "PATTERNS": `*`, `?`, lists and negation.

/// Whether a text matches one pattern. `*` stands for any characters, `?` for one.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(character) = text.get(here) {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, here));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                here += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    here = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

/// Whether a text matches a list: one of its patterns, and none of those with `!` before them.
pub(crate) fn matches_any<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(refused) if matches(refused, text) => return false,
            Some(_) => {}
            None => found = found || matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_lists() {
        assert!(matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(matches("192.168.0.?", "192.168.0.7"));
        assert!(!matches("192.168.0.?", "192.168.0.70"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("*a*b", "xxaxxbxx"));
        assert!(matches("", ""));
        assert!(matches_any(["*", "!dialup.*"], "host"));
        assert!(!matches_any(["*", "!dialup.*"], "dialup.host"));
        assert!(!matches_any(["!dialup.*"], "host"));
    }
}
