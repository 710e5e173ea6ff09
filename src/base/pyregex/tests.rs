//! Patterns and replacements as Python takes them.

use super::*;

fn finds(pattern: &str, text: &str) -> Option<String> {
    let regex = compile(pattern, Flags::default()).unwrap();
    regex.find(text).unwrap().map(|found| found.as_str().to_owned())
}

#[test]
fn patterns_mean_what_they_mean_in_python() {
    for (pattern, text, found) in [
        (r"^a$", "a\n", Some("a")),
        (r"^a\Z", "a\n", None),
        (r"(?m)^b$", "a\nb\nc", Some("b")),
        (r"^b", "a\nb", None),
        (r"[[]x[]]", "[x]", Some("[x]")),
        (r"[]a]+", "a]", Some("a]")),
        (r"[a&&b]+", "a&b", Some("a&b")),
        (r"[\w.-]+", "a-b.c d", Some("a-b.c")),
        (r"a{,2}b", "aab", Some("aab")),
        (r"{{ x }}", "is {{ x }}", Some("{{ x }}")),
        (r"a{x}", "a{x}", Some("a{x}")),
        (r"\<b\>", "a <b>", Some("<b>")),
        (r#"(?P<q>['"]).*?(?P=q)"#, "say 'it\"s' x", Some("'it\"s'")),
        (r"(a)(?(1)b|c)", "ab", Some("ab")),
        (r"(?x) a # one\n b", "ab", Some("a")),
        ("(?x) a # one\n b", "ab", Some("ab")),
        (r"(?i)ABC", "xabc", Some("abc")),
        (r"\x41\u0042\103", "ABC", Some("ABC")),
        (r"(a)\1", "aa", Some("aa")),
        (r"a(?#comment)b", "ab", Some("ab")),
        (r"(?<=x)y(?!z)", "xyz xy", Some("y")),
        (r"#\s*Port\b.*", "# Port 22", Some("# Port 22")),
        (r"\/etc\/x", "/etc/x", Some("/etc/x")),
        (r"[\d]+\ \-", "12 -", Some("12 -")),
        (r"a~b@c!d%e", "a~b@c!d%e", Some("a~b@c!d%e")),
        (r"^\s*listen(?=\s)", "  listen 80", Some("  listen")),
    ] {
        assert_eq!(finds(pattern, text).as_deref(), found, "{pattern} in {text:?}");
    }
}

#[test]
fn ascii_classes_do_not_match_other_letters() {
    let ascii = |pattern| compile(pattern, Flags { ascii: true, ..Flags::default() }).unwrap();
    assert_eq!(ascii(r"\w+").find("añb").unwrap().map(|m| m.as_str()), Some("a"));
    assert!(ascii(r"\bb").is_match("ñb").unwrap() && ascii(r"[\W]").is_match("ñ").unwrap());
    assert_eq!(finds(r"\w+", "añb").as_deref(), Some("añb"));
}

#[test]
fn bad_patterns_are_told() {
    for pattern in ["(", ")", "[a", r"\", r"\y", "(?P<a", "(?Q)", r"\x4"] {
        let error = compile(pattern, Flags::default()).unwrap_err();
        assert!(error.starts_with("bad regular expression"), "{pattern}: {error}");
    }
}

#[test]
fn replacements_are_expanded() {
    let regex = compile(r"(?P<key>\w+)=(\w+)(x)?", Flags::default()).unwrap();
    let captures = regex.captures("a=b").unwrap().unwrap();
    for (template, expanded) in [
        (r"\1-\2", "a-b"),
        (r"\g<key>\g<2>0", "ab0"),
        (r"[\3]", "[]"),
        (r"\g<0>\n", "a=b\n"),
        (r"\\1 \. \101", r"\1 \. A"),
    ] {
        assert_eq!(expand(template, &regex, &captures).as_deref(), Ok(expanded), "{template}");
    }
    assert!(expand(r"\4", &regex, &captures).is_err() && expand(r"\q", &regex, &captures).is_err());
    assert!(expand(r"\g<key", &regex, &captures).is_err() && expand(r"\g<no>", &regex, &captures).is_err());
}
