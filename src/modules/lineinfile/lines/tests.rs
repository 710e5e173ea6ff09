//! Edits as the original makes them; the expected contents were taken from ansible-core 2.19.14.

use std::sync::Arc;

use super::*;
use crate::base::Value;
use crate::modules::params::{Given, parse};

fn edited(params: &[(&str, &str)], before: &str) -> Edited {
    let mut given: Given = params.iter().map(|(n, v)| (Arc::from(*n), Value::from(*v))).collect();
    given.insert(Arc::from("path"), Value::from("/x"));
    edit(&parse::<LineParams>(&given).unwrap(), before.as_bytes()).unwrap()
}

fn text(params: &[(&str, &str)], before: &str) -> (String, String) {
    let Edited { bytes, message, found: _ } = edited(params, before);
    (String::from_utf8(bytes).unwrap(), message)
}

#[test]
fn a_line_is_put_in_its_place() {
    for (params, before, after, message) in [
        (&[("line", "c")][..], "a\nb\n", "a\nb\nc\n", "line added"),
        (&[("line", "c")], "a\nb", "a\nb\nc\n", "line added"),
        (&[("line", "c")], "", "c\n", "line added"),
        (&[("line", "b")], "a\nb\n", "a\nb\n", ""),
        (&[("line", "b")], "a\nb", "a\nb\n", "line replaced"),
        (&[("line", "b")], "b\r\na\r\n", "b\na\r\n", "line replaced"),
        (&[("line", "x=2"), ("regexp", "^x=")], "x=1\ny\nx=3\n", "x=1\ny\nx=2\n", "line replaced"),
        (
            &[("line", "x=2"), ("regexp", "^x="), ("firstmatch", "true")],
            "x=1\nx=3\n",
            "x=2\nx=3\n",
            "line replaced",
        ),
        (&[("line", "x=2"), ("regexp", "^x=")], "x=2\n", "x=2\n", ""),
        (&[("line", "x=2"), ("regexp", "^z=")], "x=2\ny\n", "x=2\ny\n", ""),
        (&[("line", "x=2"), ("search_string", "x=")], "# x=\n", "x=2\n", "line replaced"),
        (&[("line", "n"), ("insertafter", "^a")], "a\nb\na\nc\n", "a\nb\na\nn\nc\n", "line added"),
        (
            &[("line", "n"), ("insertafter", "^a"), ("firstmatch", "yes")],
            "a\nb\na\nc\n",
            "a\nn\nb\na\nc\n",
            "line added",
        ),
        (&[("line", "n"), ("insertafter", "^z")], "a\nb\n", "a\nb\nn\n", "line added"),
        (&[("line", "n"), ("insertafter", "^b")], "a\nb\n", "a\nb\nn\n", "line added"),
        (&[("line", "n"), ("insertbefore", "^b")], "a\nb\n", "a\nn\nb\n", "line added"),
        (&[("line", "n"), ("insertbefore", "^z")], "a\nb\n", "a\nb\nn\n", "line added"),
        (&[("line", "n"), ("insertbefore", "BOF")], "a\n", "n\na\n", "line added"),
        (&[("line", "n"), ("insertafter", "BOF")], "a\n", "n\na\n", "line added"),
        (&[("line", "n"), ("insertafter", "EOF")], "a\n", "a\nn\n", "line added"),
        (
            &[("line", r"\1=2"), ("regexp", r"^(\w+)=\d$"), ("backrefs", "true")],
            "x=1\n",
            "x=2\n",
            "line replaced",
        ),
        (&[("line", r"\1=2"), ("regexp", r"^(\w+)=$"), ("backrefs", "true")], "x=1\n", "x=1\n", ""),
        (&[("line", r"\1=2"), ("regexp", "^x")], "x\n", "\\1=2\n", "line replaced"),
        (&[("line", "größe=2"), ("regexp", "^größe")], "größe=1\nä\n", "größe=2\nä\n", "line replaced"),
    ] {
        assert_eq!(text(params, before), (after.to_owned(), message.to_owned()), "{params:?} on {before:?}");
    }
}

#[test]
fn a_break_that_is_missing_before_the_new_line_is_made() {
    // the original glues the line to the last one here: `a\nbn\n`
    assert_eq!(text(&[("line", "n"), ("insertafter", "^b")], "a\nb").0, "a\nb\nn\n");
}

#[test]
fn lines_are_removed() {
    for (params, before, after, message) in [
        (&[("line", "b")][..], "a\nb\nb\r\nc", "a\nc", "2 line(s) removed"),
        (&[("regexp", "^#")], "#a\nb\n#c\n", "b\n", "2 line(s) removed"),
        (&[("search_string", "b")], "abc\nd\n", "d\n", "1 line(s) removed"),
        (&[("regexp", "^z")], "a\n", "a\n", ""),
    ] {
        let params: Vec<_> = params.iter().copied().chain([("state", "absent")]).collect();
        assert_eq!(text(&params, before), (after.to_owned(), message.to_owned()), "{params:?} on {before:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_come_back_whole() {
    let mut given = Given::new();
    for (name, value) in [("path", "/x"), ("line", "b"), ("regexp", "^a.$")] {
        given.insert(Arc::from(name), Value::from(value));
    }
    let params = parse::<LineParams>(&given).unwrap();
    assert_eq!(edit(&params, b"\xff\xfe\na\xe9\n").unwrap().bytes, b"\xff\xfe\nb\n");
}
