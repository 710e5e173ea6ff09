//! Tests of the reader and the printer. Expected values were taken from PyYAML 6.0.2 and ansible-core 2.19.14.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::base::Severity;
use crate::map;

fn read(text: &str) -> Parsed {
    parse_single(&Source::new("x.yml", text))
}

fn node(text: &str) -> Node {
    let parsed = read(text);
    assert!(!parsed.diagnostics.has_errors(), "{text:?}: {:?}", parsed.diagnostics);
    parsed.documents.into_iter().next().unwrap()
}

fn repr(text: &str) -> String {
    node(text).to_value().to_repr()
}

/// The errors and warnings as `line:column message`.
fn said(text: &str) -> Vec<String> {
    read(text)
        .diagnostics
        .0
        .iter()
        .map(|d| {
            d.place.as_ref().map_or_else(String::new, |p| format!("{}:{} {}", p.line, p.column, d.message))
        })
        .collect()
}

fn hint(text: &str) -> String {
    read(text).diagnostics.0.into_iter().find_map(|d| d.hint).unwrap_or_default()
}

#[test]
fn scalars_are_pyyamls() {
    let table = [
        ("12", "12"),
        ("a: on", "{'a': True}"),
        ("[yes, No, TRUE, off, y, n]", "[True, False, True, False, 'y', 'n']"),
        ("[~, null, NULL, '', nUll]", "[None, None, None, '', 'nUll']"),
        (
            "[0x1F, 017, 08, 0b11, 1:30, -1:30, 1_000, 0o17, +1]",
            "[31, 15, '08', 3, 90, -90, 1000, '0o17', 1]",
        ),
        (
            "[1e3, 1.5e3, 1.5e+3, .5, -.5, 1., .inf, -.INF]",
            "['1e3', '1.5e3', 1500.0, 0.5, '-.5', 1.0, inf, -inf]",
        ),
        ("a: 190:20:30.15", "{'a': 685230.15}"),
        ("a: 2001-01-02", "{'a': datetime.date(2001, 1, 2)}"),
        ("=: 1", "{'=': 1}"),
        ("'<<': 1", "{'<<': 1}"),
        ("! 12", "12"),
        ("a: !!str 12", "{'a': '12'}"),
        ("a: !!str", "{'a': ''}"),
        ("a: !!int '12'", "{'a': 12}"),
        ("a: !!float 3", "{'a': 3.0}"),
        ("a: !!null 12", "{'a': None}"),
        ("a: !!bool 'yes'", "{'a': True}"),
        ("a: !unsafe '12'", "{'a': 12}"),
        ("!!map {a: 1}", "{'a': 1}"),
        (
            "a: 99999999999999999999999999999999999999999",
            "{'a': '99999999999999999999999999999999999999999'}",
        ),
        ("a: \"x\\x41\\u00e9\\n\"", "{'a': 'xAé\\n'}"),
        ("a: 'x\n\n  y'", "{'a': 'x\\ny'}"),
        ("a: b\n  c\n\n  d", "{'a': 'b c\\nd'}"),
        ("{\"a\": 1e3}", "{'a': 1000.0}"),
        ("{\"a\": \"\\ud83d\\ude00\"}", "{'a': '😀'}"),
        ("? a\n", "{'a': None}"),
        ("{1: a, true: b}", "{True: 'b'}"),
        ("", "None"),
        ("---", "None"),
        ("# only a comment\n", "None"),
    ];
    for (text, expected) in table {
        assert_eq!(repr(text), expected, "{text:?}");
    }
}

#[test]
fn block_scalars_at_the_end_of_the_text() {
    let table = [
        ("a: |\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |\n  x\n    ", "x\n  "),
        ("a: |+\n  x", "x"),
        ("a: |+\n  x\n\n", "x\n\n"),
        ("a: |-\n  x\n\n", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: >-\n  x\n   ", "x\n "),
        ("a: |2\n    x\n", "  x\n"),
        ("a: |\n  x\n# c", "x\n"),
    ];
    for (text, expected) in table {
        assert_eq!(node(text).get("a").and_then(Node::as_str), Some(expected), "{text:?}");
    }
}

#[test]
fn places_are_exact() {
    let text = "# c\nä: \"q {{ x }}\"\nlist:\n- plain\n- !unsafe 'u'\n- &a |\n\n    two\n  # no\nnull_:\n";
    let root = node(text);
    let at = |node: &Node| (node.place.line, node.place.column, node.place.length);
    let text_at = |node: &Node| match &node.kind {
        NodeKind::Str(text) => (text.place.line, text.place.column),
        _ => panic!("no text"),
    };
    let entries = root.as_map().unwrap();
    assert_eq!(at(&entries[0].0), (2, 1, 1));
    assert_eq!(at(&entries[0].1), (2, 4, 11));
    assert_eq!(text_at(&entries[0].1), (2, 5));
    let items = entries[1].1.as_seq().unwrap();
    assert_eq!((at(&items[0]), text_at(&items[0])), ((4, 3, 5), (4, 3)));
    assert_eq!((at(&items[1]), text_at(&items[1])), ((5, 3, 11), (5, 12)));
    assert_eq!((at(&items[2]), text_at(&items[2])), ((6, 3, 1), (7, 5)));
    assert_eq!(items[2].as_str(), Some("\ntwo\n"));
    assert_eq!(at(&entries[2].1), (10, 7, 1));
    assert_eq!(root.get("list").map(|n| n.place.line), Some(4));
}

#[test]
fn a_byte_order_mark_and_odd_first_characters_are_read() {
    assert_eq!(repr("\u{feff}a: 1"), "{'a': 1}");
    assert_eq!(repr("\u{ff01}: 1"), "{'\u{ff01}': 1}");
    assert_eq!(said("\u{feff}a: @"), ["1:4 a value cannot start with `@`"]);
}

#[test]
fn merge_keys_have_pyyamls_precedence_and_order() {
    let table = [
        ("x: &x {k: 1, l: 2}\ny: {<<: *x, k: 3, m: 4}", "{'k': 3, 'l': 2, 'm': 4}"),
        ("x: &x {k: 1}\nz: &z {k: 2, n: 5}\ny:\n  a: 0\n  <<: [*x, *z]", "{'k': 1, 'n': 5, 'a': 0}"),
        ("x: &x {k: 1}\nz: &z {k: 2, n: 5}\ny:\n  <<: *x\n  <<: *z", "{'k': 2, 'n': 5}"),
        ("x: &x {k: 1}\nz: &z {<<: *x, n: 5}\ny: {<<: *z}", "{'k': 1, 'n': 5}"),
    ];
    for (text, expected) in table {
        let parsed = read(text);
        assert!(parsed.diagnostics.0.is_empty(), "{text:?}: {:?}", parsed.diagnostics);
        let value = parsed.documents[0].get("y").unwrap().to_value();
        assert_eq!(value.to_repr(), expected, "{text:?}");
    }
    assert_eq!(said("a: 1\n<<: 3"), ["2:1 `<<` needs a mapping or a list of mappings, not a number"]);
}

#[test]
fn aliases_share_their_node() {
    let root = node("a: &a [1, 2]\nb: *a\n");
    let (NodeKind::Seq(a), NodeKind::Seq(b)) = (&root.get("a").unwrap().kind, &root.get("b").unwrap().kind)
    else {
        panic!("no lists");
    };
    assert!(Arc::ptr_eq(a, b));
}

#[test]
fn a_key_given_twice_is_a_warning_with_both_places() {
    let parsed = read("a: 1\nb: 2\n\"a\": 3\n");
    let [warning] = parsed.diagnostics.0.as_slice() else { panic!("{:?}", parsed.diagnostics) };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(warning.to_string(), "x.yml:3:1: the key `a` is given twice");
    assert_eq!(warning.notes[0].place.as_ref().map(|p| p.line), Some(1));
    assert_eq!(parsed.documents[0].to_value().to_repr(), "{'a': 3, 'b': 2}");
}

#[test]
fn tags_are_kept_or_refused() {
    let root = node(
        "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nb: !unsafe '{{ x }}'\nc: !unsafe ['{{ y }}']\nd: '{{ z }}'\n",
    );
    assert_eq!(root.get("a").unwrap().tag.as_deref(), Some("!vault"));
    assert_eq!(root.get("a").unwrap().as_str(), None);
    match root.get("a").unwrap().to_value() {
        Value::Template(sealed) => {
            assert_eq!(&*sealed.text, "$ANSIBLE_VAULT;1.1;AES256\n6162\n");
            assert_eq!(sealed.form, crate::base::TextForm::Sealed);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(root.get("b").unwrap().to_value(), Value::from("{{ x }}"));
    assert_eq!(root.get("c").unwrap().to_value(), Value::list([Value::from("{{ y }}")]));
    assert!(matches!(root.get("d").unwrap().to_value(), Value::Template(_)));
    assert_eq!(said("a: !vault 12"), ["1:4 the tag `!vault` needs a text"]);
    assert_eq!(said("a: !vault [1]"), ["1:4 the tag `!vault` needs a text"]);
    assert_eq!(said("a: !!set {x}"), ["1:4 the tag `!!set` is not supported"]);
    assert_eq!(said("a: !unsave x"), ["1:4 unknown tag `!unsave`"]);
    assert_eq!(hint("a: !unsave x"), "did you mean `!unsafe`?");
}

/// Text, what is said, and a part of the hint.
#[test]
fn mistakes_are_named_with_their_place_and_a_remedy() {
    let table = [
        ("a:\n\tb: 1", "2:1 a tab is used for indentation", "spaces"),
        ("a: {{ x }}", "1:4 a value that starts with a template has to be in quotes", "write \"{{ x }}\""),
        (
            "a: {{ x }}/y z",
            "1:4 a value that starts with a template has to be in quotes",
            "write \"{{ x }}/y z\"",
        ),
        (
            "a: [{{ x }}, 1]",
            "1:5 a value that starts with a template has to be in quotes",
            "write \"{{ x }}\"",
        ),
        ("key:value\nb: 1", "1:4 no space after the colon", "write `key: value`"),
        (
            "a: 1\nb:2\nc: 3",
            "2:1 this line is neither `key: value` nor `- item`",
            "write a space after the colon: `b: 2`",
        ),
        ("a: 'x\n", "1:4 this quote is never closed", "close it with `'`"),
        ("a: \"x\nb: 1\n", "1:4 this quote is never closed", "close it with `\"`"),
        ("a: 'it's'", "1:8 text after the closing quote", "the other kind of quote"),
        ("msg: hello: world", "1:11 a second `: ` on one line", "msg: \"hello: world\""),
        ("s: echo \"a: b\"", "1:11 a second `: ` on one line", "s: 'echo \"a: b\"'"),
        ("a: 1\n  b: 2", "2:3 a key is not expected here", "align the two"),
        ("- a\nb: 1", "2:1 this line does not belong to the list above", "start it with `- `"),
        ("a: [1, 2", "1:4 the list that starts with `[` is not closed", "add `]`"),
        ("a: {b: 1\nc: 2\n", "1:4 the mapping that starts with `{` is not closed", "add `}`"),
        ("a: @x", "1:4 a value cannot start with `@`", "quotes"),
        ("a: - b", "1:4 a list cannot start on the line of its key", "a line of its own"),
        ("a: |x\n b", "1:5 text directly behind `|` or `>`", "next line"),
        ("a: \"\\d\"", "1:5 unknown escape sequence", "backslash"),
        ("a: *x", "1:4 the alias `*x` has no anchor before it", "quotes"),
        ("a: *.txt", "1:5 a name is missing after `*` or `&`", "quotes"),
        ("[a, b]: c", "1:1 a list cannot be a key", "keys are texts"),
        ("a: =", "1:4 `=` is not a value that can be read", "quotes"),
        ("a: \0", "1:4 the character U+0000 is not allowed in YAML", "escape"),
        ("a: &x 1\nb: &x 2", "2:4 the anchor `&x` is defined twice", "own name"),
        ("a\n---\nb", "3:1 there is more than one document in this file", "remove it"),
    ];
    for (text, message, remedy) in table {
        assert_eq!(said(text), [message], "{text:?}");
        assert!(read(text).diagnostics.has_errors(), "{text:?}");
        assert!(hint(text).contains(remedy), "{text:?}: {}", hint(text));
    }
    assert_eq!(said("a: &a [*a]"), ["1:8 the alias `*a` lies within its own anchor"]);
    assert_eq!(said("a: !!int x"), ["1:4 `x` does not fit the tag `!!int`"]);
}

#[test]
fn several_mistakes_are_reported_at_once() {
    assert_eq!(
        said("a: {{ x }}\nb: !x y\nc: *d\n"),
        [
            "1:4 a value that starts with a template has to be in quotes",
            "2:4 unknown tag `!x`",
            "3:4 the alias `*d` has no anchor before it",
        ]
    );
}

#[test]
fn hostile_texts_are_refused() {
    let deep = "[".repeat(5000);
    assert_eq!(said(&deep), ["1:101 this is nested more than 100 levels deep"]);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(laughs, "a{level}: &a{level} [{aliases}]");
    }
    let said = said(&laughs);
    assert!(said.iter().any(|message| message.contains("stand for more than 1000000 nodes")), "{said:?}");
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for level in 1..150 {
        let _ = writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(read(&tower).diagnostics.has_errors());
}

#[test]
fn json_is_read_as_json() {
    let parsed = read("{\"a\": 1, \"a\": [1E2, -0.5, true, null, 12345678901234567890]}");
    assert!(parsed.diagnostics.0.is_empty());
    assert_eq!(
        parsed.documents[0].to_value().to_repr(),
        "{'a': [100.0, -0.5, True, None, 12345678901234567890]}"
    );
}

#[test]
fn several_documents_are_read() {
    let parsed = parse(&Source::new("x.yml", "---\na: 1\n...\n---\n- b\n"));
    assert_eq!(parsed.documents.len(), 2);
    assert!(parse(&Source::new("x.yml", "")).documents.is_empty());
}

fn sample() -> Value {
    Value::from(map! {
        "b" => vec![Value::from(1), Value::from("yes"), Value::Null],
        "a" => map! {"x" => "{{ y }}", "list" => vec![Value::from(map! {"k" => 1.5})]},
        "text" => "two\nlines\n",
        "empty" => map! {},
        "wide" => "😀",
        "date" => "2001-01-02",
    })
}

#[test]
fn printing_is_to_yamls() {
    assert_eq!(
        to_yaml(&sample(), &EmitOptions::nice()),
        "a:\n    list:\n    -   k: 1.5\n    x: '{{ y }}'\nb:\n- 1\n- 'yes'\n- null\ndate: '2001-01-02'\n\
         empty: {}\ntext: 'two\n\n    lines\n\n    '\nwide: \"\\U0001F600\"\n"
    );
    assert_eq!(
        to_yaml(&sample(), &EmitOptions::default()),
        "a:\n  list:\n  - {k: 1.5}\n  x: '{{ y }}'\nb: [1, 'yes', null]\ndate: '2001-01-02'\nempty: {}\n\
         text: 'two\n\n  lines\n\n  '\nwide: \"\\U0001F600\"\n"
    );
    let unsorted = EmitOptions { sort_keys: false, width: Some(20), ..EmitOptions::default() };
    let value = Value::from(map! {"z" => "word ".repeat(6), "a" => 1e20});
    assert_eq!(to_yaml(&value, &unsorted), "{z: 'word word word word\n    word word ', a: 1.0e+20}\n");
    assert_eq!(to_yaml(&Value::from("x"), &EmitOptions::default()), "x\n");
    assert_eq!(to_yaml(&Value::Null, &EmitOptions::default()), "null\n");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[ \\n\\t'\"a:#,\\[\\]{}&*!|>%@`=?<~.0-9-]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,6}", inner), 0..4).prop_map(|entries| {
                Value::map(
                    entries.into_iter().map(|(key, value)| (crate::base::Key::from(key), value)).collect(),
                )
            }),
        ]
    })
}

/// Texts as templates would be: the reader decides that by the markers.
fn plain(value: &Value) -> Value {
    match value {
        Value::Template(template) => Value::Str(Arc::clone(&template.text)),
        Value::List(items) => Value::list(items.iter().map(plain)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn any_text_gives_documents_or_errors(text in "\\PC*|[\\s\\-:#,\\[\\]{}&*!|>'\"%@`?~=<a1\\\\.0-9]{0,60}") {
        let parsed = read(&text);
        prop_assert!(parsed.diagnostics.has_errors() || parsed.documents.len() == 1);
    }

    #[test]
    fn what_is_printed_reads_the_same(value in values(), nice in any::<bool>()) {
        let options = if nice { EmitOptions::nice() } else { EmitOptions::default() };
        let text = to_yaml(&value, &options);
        let parsed = read(&text);
        prop_assert!(!parsed.diagnostics.has_errors(), "{text:?}: {:?}", parsed.diagnostics);
        prop_assert_eq!(plain(&parsed.documents[0].to_value()), value, "{:?}", text);
    }
}
