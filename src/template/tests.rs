//! Tests of the room as a whole; the table of cases was taken from ansible-core 2.19.14.

use std::sync::Arc;

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;
use crate::base::{Kind, Secret, TemplateText, TextForm};
use crate::map;
use crate::yaml::has_markers;

#[derive(Debug, Default)]
struct Fixed {
    values: IndexMap<Arc<str>, Value>,
    hosts: IndexMap<Arc<str>, Arc<dyn Variables>>,
}

impl Variables for Fixed {
    fn get(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }
    fn place(&self, name: &str) -> Option<Place> {
        match self.values.get(name)? {
            Value::Template(template) => template.place.clone(),
            Value::Str(text) if text.contains("host says") => None,
            _ => Some(Place::start_of(&Source::new("vars.yml", ""))),
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.values.keys().cloned().collect()
    }
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.hosts.get(name).cloned()
    }
    fn hosts(&self) -> Vec<Arc<str>> {
        self.hosts.keys().cloned().collect()
    }
}

#[derive(Debug, Default)]
struct World {
    vault: Arc<Vault>,
}

impl Lookups for World {
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        _: &Map,
        _: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError> {
        match name {
            "env" => Ok(Value::list([Value::from("/root")])),
            "pipe" => Err(LookupError::Deferred),
            "file" => Err(LookupError::Failed(format!(
                "no file {}",
                terms.first().map(Value::to_text).unwrap_or_default()
            ))),
            "fleet.path_test" => Ok(Value::Bool(terms.last() == Some(&Value::from("/etc")))),
            _ => Err(LookupError::NoSuchLookup),
        }
    }
    fn now(&self) -> i64 {
        1_700_000_000_000_000
    }
    fn template(&self, name: &str) -> Option<Arc<Source>> {
        let text = match name {
            "macros.j2" => "{% macro hi(x, y='!') %}hi {{ x }}{{ y }}{% endmacro %}{% set answer = 42 %}",
            "sight.j2" => "{% macro who() %}{{ name | default('nobody') }}{% endmacro %}",
            "sees.j2" => "[{{ x | default('no') }}]",
            "part.j2" => "part {{ who }}\n",
            "base.j2" => "<{% block a %}base{% endblock %}|{% block b %}b{% endblock %}>",
            _ => return None,
        };
        Some(Source::new(name, text))
    }
    fn vault(&self) -> Option<&Arc<Vault>> {
        Some(&self.vault)
    }
}

/// As the project's files are read: texts with markers are templates.
fn trusted(value: Value) -> Value {
    match value {
        Value::Str(text) if has_markers(&text) => {
            Value::Template(Arc::new(TemplateText { text, place: None, form: TextForm::Template }))
        }
        Value::List(items) => Value::list(items.iter().cloned().map(trusted)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), trusted(value.clone()))).collect())
        }
        other => other,
    }
}

fn variables(map: Map) -> Arc<dyn Variables> {
    let values = map.into_iter().map(|(key, value)| (Arc::from(key.to_string()), trusted(value))).collect();
    Arc::new(Fixed { values, hosts: IndexMap::new() })
}

fn lookups() -> Arc<dyn Lookups> {
    Arc::new(World::default())
}

fn render(text: &str, map: Map) -> Result<Rendered, TemplateError> {
    Templar::new().render(&trusted(Value::from(text)), &variables(map), &lookups())
}

fn value(text: &str, map: Map) -> Value {
    render(text, map).unwrap_or_else(|error| panic!("{text}: {error:?}")).value
}

fn failure(text: &str, map: Map) -> Diagnostic {
    match render(text, map) {
        Err(TemplateError::Failed(diagnostic)) => *diagnostic,
        other => panic!("{text}: {other:?}"),
    }
}

fn condition(condition: Value, map: Map) -> Result<Truth, TemplateError> {
    Templar::new().condition(&condition, None, &variables(map), &lookups())
}

#[test]
fn the_cases_agree_with_ansible() {
    let mut cases = Vec::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/template/cases");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        cases.extend(file["cases"].as_array().unwrap().iter().cloned());
    }
    let mut wrong = Vec::new();
    assert!(cases.len() > 300, "{} cases", cases.len());
    for case in &cases {
        let text = case["t"].as_str().unwrap();
        let map = case.get("v").map_or_else(Map::new, |v| Value::from_json(v).as_map().unwrap().clone());
        let vars = variables(map);
        let result = match case.get("k").and_then(|kind| kind.as_str()) {
            Some("expr") => Templar::new().expression(text, None, &vars, &lookups()),
            Some("cond") => {
                Templar::new().condition(&trusted(Value::from(text)), None, &vars, &lookups()).map(|truth| {
                    Rendered { value: Value::Bool(truth == Truth::Yes), unknown: None, tainted: false }
                })
            }
            _ => Templar::new().render(&trusted(Value::from(text)), &vars, &lookups()),
        };
        let agrees = match (&result, case.get("ok")) {
            (Ok(rendered), Some(expected)) => same(&rendered.value.to_json(), expected),
            (Err(TemplateError::Failed(_)), None) => true,
            _ => false,
        };
        if !agrees {
            wrong.push(format!(
                "{text:?} {:?}\n   expected {:?}\n   was {result:?}",
                case.get("v").map(ToString::to_string),
                case.get("ok").map(ToString::to_string)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Equal JSON; of numbers the type counts too.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_i64() == b.as_i64() && a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => a == b,
    }
}

#[test]
fn places_chains_and_near_misses() {
    let source = Source::new("site.yml", "a: \"x {{ b.c }}\"\nb: \"{{ nmae }}\"\n");
    let template = |text: &str, line, column| {
        Value::Template(Arc::new(TemplateText {
            text: Arc::from(text),
            place: Some(Place::new(&source, line, column)),
            form: TextForm::Template,
        }))
    };
    let mut fixed = Fixed::default();
    fixed.values.insert(Arc::from("a"), template("x {{ b.c }}", 1, 5));
    fixed.values.insert(Arc::from("b"), template("{{ nmae }}", 2, 5));
    fixed.values.insert(Arc::from("name"), Value::from(1));
    let vars: Arc<dyn Variables> = Arc::new(fixed);
    let Err(TemplateError::Failed(error)) = Templar::new().expression("a", None, &vars, &lookups()) else {
        panic!()
    };
    assert_eq!(error.kind, Kind::Undefined);
    assert_eq!(error.to_string(), "site.yml:2:8: `nmae` is undefined");
    assert_eq!(error.hint.as_deref(), Some("did you mean `name`?"));
    let notes: Vec<_> =
        error.notes.iter().map(|n| format!("{} {}", n.message, n.place.as_ref().unwrap())).collect();
    assert_eq!(notes, ["`b` is defined here site.yml:2:5", "`a` is defined here site.yml:1:5"]);
}

#[test]
fn template_files_have_lines() {
    let source = Source::new("t.j2", "one\n{% if x %}\n  {{ y.z }}\n{% endif %}\n");
    let run = |map: Map| Templar::new().file(&source, &FileOptions::default(), &variables(map), &lookups());
    let Err(TemplateError::Failed(error)) = run(map! {"x" => true, "y" => map! {}}) else { panic!() };
    assert_eq!(error.to_string(), "t.j2:3:6: object of type 'dict' has no attribute 'z'");
    assert_eq!(run(map! {"x" => true, "y" => map! {"z" => 5}}).unwrap().value, Value::from("one\n  5\n"));
    assert_eq!(run(map! {"x" => false}).unwrap().value, Value::from("one\n"));
    let broken = Source::new("t.j2", "one\n{% if x %}\n{{ 1 | uper }}{% endif %}");
    let error = Templar::new().check_file(&broken, &FileOptions::default()).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.hint.as_deref()),
        ("t.j2:3:8: there is no filter `uper`", Some("did you mean `upper`?"))
    );
    let header = Source::new("t.j2", "#jinja2: trim_blocks: False\n{% if true %}\n{{ nope }}{% endif %}");
    let Err(TemplateError::Failed(error)) =
        Templar::new().file(&header, &FileOptions::default(), &variables(Map::new()), &lookups())
    else {
        panic!()
    };
    assert_eq!(error.to_string(), "t.j2:3:4: `nope` is undefined");
}

#[test]
fn files_keep_or_translate_line_breaks_and_take_other_markers() {
    let options = FileOptions {
        markers: Markers { variable_start: "[[".into(), variable_end: "]]".into(), ..Markers::default() },
        newline_sequence: "\r\n".into(),
        lstrip_blocks: true,
        ..FileOptions::default()
    };
    let source = Source::new("t.j2", "a\r\n  {% if true %}\n[[ x ]] {{ x }}\n  {% endif %}\n");
    let rendered = Templar::new().file(&source, &options, &variables(map! {"x" => 1}), &lookups()).unwrap();
    assert_eq!(rendered.value, Value::from("a\r\n1 {{ x }}\r\n"));
}

#[test]
fn a_file_ends_with_as_many_line_breaks_as_its_template() {
    let ending = |text: &str, x: &str| {
        let source = Source::new("t.j2", text);
        let options = FileOptions::default();
        let vars = variables(map! {"x" => x});
        Templar::new().file(&source, &options, &vars, &lookups()).unwrap().value.to_text()
    };
    assert_eq!(ending("a\n{{ x }}\n", "b"), "a\nb\n");
    assert_eq!(ending("a\n{{ x }}\n", "b\n"), "a\nb\n");
    assert_eq!(ending("a\n{{ x }}\n", ""), "a\n");
    assert_eq!(ending("a\n{{ x }}\n\n", ""), "a\n\n");
    assert_eq!(ending("a\n{{ x }}", "b\n\n"), "a\nb\n\n");
    assert_eq!(ending("#jinja2: keep_trailing_newline: True\na\n{{ x }}\n", "b\n"), "a\nb\n\n");
}

#[test]
fn loops_of_templates_are_named() {
    let error = failure("{{ a }}", map! {"a" => "{{ b }}", "b" => "x{{ a }}"});
    assert!(error.message.contains("`a` → `b` → `a`"), "{error:?}");
    let error = failure("{{ d.x }}", map! {"d" => map! {"x" => "{{ d.x }}"}});
    assert!(error.message.starts_with("recursive loop"), "{error:?}");
    assert_eq!(value("{{ d.y }}", map! {"d" => map! {"x" => 1, "y" => "{{ d.x }}"}}), Value::from(1));
}

fn unknown() -> Value {
    Value::Unknown(Arc::new(Unknown { task: Arc::from("build"), place: None }))
}

#[test]
fn unknowns_spread_and_are_never_guessed() {
    let vars = || map! {"r" => unknown(), "x" => 1, "m" => map! {"changed" => unknown(), "rc" => 0}};
    assert_eq!(value("{{ r }}", vars()), unknown());
    assert_eq!(value("{{ r.stdout_lines[0].x }}", vars()), unknown());
    assert_eq!(value("{{ r.stdout | trim | upper }}", vars()), unknown());
    assert_eq!(value("{{ r.rc == 0 }}", vars()), unknown());
    assert_eq!(value("{{ r.stdout | default('x') }}", vars()), unknown());
    assert_eq!(value("{{ 1 if r else 2 }}", vars()), unknown());
    assert_eq!(value("{{ r.x() + 1 }}", vars()), unknown());
    assert_eq!(value("v={{ r.stdout }}", vars()), Value::from("v=‹known after 'build'›"));
    assert!(render("v={{ r.stdout }}", vars()).unwrap().unknown.is_some());
    assert!(render("v={{ x }}", vars()).unwrap().unknown.is_none());
    assert!(render("{% if r.a %}a{% endif %}b", vars()).unwrap().unknown.is_some());
    assert!(render("{% for i in r.items %}a{% endfor %}b", vars()).unwrap().unknown.is_some());
    assert_eq!(value("{{ [r, x] | length }}", vars()), Value::from(2));
    assert_eq!(value("{{ [r.a, x] }}", vars()), Value::list([unknown(), Value::from(1)]));
    assert_eq!(value("{{ r.a ~ nosuch }}", vars()), unknown());
    assert_eq!(value("{{ r is defined }}", vars()), Value::Bool(true));
    assert_eq!(render("{{ r is defined }}", vars()).unwrap().unknown, None);
    assert_eq!(value("{{ m is changed }}", vars()), unknown());
    assert_eq!(value("{{ m.rc }}", vars()), Value::from(0));
    let truth = |text: &str| condition(Value::from(text), vars()).unwrap();
    let is_unknown = |text: &str| matches!(truth(text), Truth::Unknown(_));
    assert!(
        is_unknown("r is changed")
            && is_unknown("r.rc != 0")
            && is_unknown("not r.x")
            && is_unknown("r is failed")
    );
    assert!(
        is_unknown("r is skipped")
            && is_unknown("r.x and true")
            && is_unknown("r.x or false")
            && is_unknown("r.x in [1]")
    );
    assert_eq!(truth("r is defined"), Truth::Yes);
    assert_eq!(truth("r.x and false"), Truth::No);
    assert_eq!(truth("r.x or true"), Truth::Yes);
    assert_eq!(truth("x == 2 and r.x"), Truth::No);
    assert_eq!(
        condition(Value::list([Value::from("r.x"), Value::from("x == 2")]), vars()).unwrap(),
        Truth::No
    );
}

#[test]
fn secrets_taint_and_stay_secrets_where_they_are_no_template() {
    let vars =
        || map! {"s" => Value::Secret(Secret::new("hunter2")), "l" => vec![Value::Secret(Secret::new("q"))]};
    let rendered = render("p={{ s }}", vars()).unwrap();
    assert_eq!((rendered.value, rendered.tainted), (Value::from("p=hunter2"), true));
    assert!(render("{{ l | join }}", vars()).unwrap().tainted);
    assert!(!render("{{ 1 }}", vars()).unwrap().tainted);
    let plain = Templar::new().render(&Value::map(vars()), &variables(vars()), &lookups()).unwrap();
    assert_eq!((plain.value, plain.tainted), (Value::map(vars()), true));
}

#[test]
fn what_hosts_say_is_never_templated() {
    let mut fixed = Fixed::default();
    fixed.values.insert(Arc::from("evil"), Value::from("{{ 1 + 1 }}"));
    let vars: Arc<dyn Variables> = Arc::new(fixed);
    let rendered = Templar::new().expression("evil", None, &vars, &lookups()).unwrap();
    assert_eq!(rendered.value, Value::from("{{ 1 + 1 }}"));
    assert_eq!(value("{{ '[\"{{ 1 }}\"]' | from_yaml }}", Map::new()), Value::list([Value::from("{{ 1 }}")]));
}

#[test]
fn other_hosts_are_rendered_with_their_own_variables() {
    let mut fixed = Fixed::default();
    fixed.values.insert(Arc::from("x"), Value::from("here"));
    fixed.hosts.insert(Arc::from("web"), variables(map! {"x" => "there", "y" => "{{ x }}!"}));
    let vars: Arc<dyn Variables> = Arc::new(fixed);
    let run = |text: &str| Templar::new().expression(text, None, &vars, &lookups()).unwrap().value;
    assert_eq!(run("hostvars['web'].y ~ x"), Value::from("there!here"));
    assert_eq!(run("hostvars.web['y']"), Value::from("there!"));
    assert_eq!(run("hostvars['nope'] is defined"), Value::Bool(false));
    assert_eq!(run("hostvars | list"), Value::list([Value::from("web")]));
    assert_eq!(run("['web'] | map('extract', hostvars, 'y') | list"), Value::list([Value::from("there!")]));
    assert_eq!(run("vars['x'] ~ ('web' in hostvars)"), Value::from("hereTrue"));
}

#[test]
fn omit_leaves_things_out() {
    assert_eq!(value("{{ zz | default(omit) }}", Map::new()), Value::Omit);
    assert_eq!(value("{{ [1, omit] }}", Map::new()), Value::list([Value::from(1)]));
    let args = Value::from(map! {"a" => "{{ omit }}", "b" => 1});
    let rendered = Templar::new().render(&trusted(args), &variables(Map::new()), &lookups()).unwrap();
    assert_eq!(rendered.value, Value::from(map! {"b" => 1}));
}

#[test]
fn templates_include_import_and_extend() {
    assert_eq!(value("{% include 'part.j2' %}!", map! {"who" => "me"}), Value::from("part me!"));
    assert_eq!(value("{% include ['no.j2', 'part.j2'] %}!", map! {"who" => "me"}), Value::from("part me!"));
    assert_eq!(value("a{% include 'no.j2' ignore missing %}b", Map::new()), Value::from("ab"));
    assert_eq!(failure("{% include 'no.j2' %}", Map::new()).kind, Kind::Template);
    assert_eq!(
        value("{% import 'macros.j2' as m %}{{ m.hi(1) }}{{ m.answer }}", Map::new()),
        Value::from("hi 1!42")
    );
    assert_eq!(
        value("{% from 'macros.j2' import hi as h %}{{ h(1, y='?') }}", Map::new()),
        Value::from("hi 1?")
    );
    assert_eq!(
        value("{% import 'sight.j2' as m %}{{ m.who() }}", map! {"name" => "me"}),
        Value::from("nobody")
    );
    assert_eq!(
        value("{% from 'sight.j2' import who as w with context %}{{ w() }}", map! {"name" => "me"}),
        Value::from("me")
    );
    assert_eq!(
        value("{% set name = 'it' %}{% import 'sight.j2' as m with context %}{{ m.who() }}", Map::new()),
        Value::from("it")
    );
    assert_eq!(
        value("{% include 'sees.j2' without context %}{% include 'sees.j2' %}", map! {"x" => 1}),
        Value::from("[no][1]")
    );
    let child = "{% extends 'base.j2' %}{% block a %}[{{ super() }}]{% endblock %}";
    assert_eq!(value(child, Map::new()), Value::from("<[base]|b>"));
}

#[test]
fn the_world_outside_is_asked() {
    assert_eq!(render("{{ lookup('pipe', 'date') }}", Map::new()), Err(TemplateError::Deferred));
    assert_eq!(value("{{ lookup('env', 'HOME') }}", Map::new()), Value::from("/root"));
    assert_eq!(
        failure("{{ lookup('file', 'x') }}", Map::new()).message,
        "the lookup `file` failed: no file x"
    );
    assert_eq!(value("{{ lookup('file', 'x', errors='ignore') }}", Map::new()), Value::Null);
    assert_eq!(value("{{ '/etc' is directory }}", Map::new()), Value::Bool(true));
    assert_eq!(value("{{ '~/x' | expanduser }}", Map::new()), Value::from("/root/x"));
    assert_eq!(value("{{ now(utc=true, fmt='%Y') }}", Map::new()), Value::from("2023"));
}

#[test]
fn conditions_must_be_booleans() {
    let Err(TemplateError::Failed(error)) = condition(Value::from("a"), map! {"a" => "yes"}) else {
        panic!()
    };
    assert!(
        error.message.starts_with("conditional result (True) was derived from a value of type 'str'"),
        "{error:?}"
    );
    let lenient = Templar::new();
    lenient.allow_broken_conditionals();
    let ask = |text: &str| {
        lenient.condition(&Value::from(text), None, &variables(map! {"a" => "yes", "b" => ""}), &lookups())
    };
    assert_eq!((ask("a").unwrap(), ask("b").unwrap()), (Truth::Yes, Truth::No));
    assert_eq!(condition(Value::Bool(false), Map::new()).unwrap(), Truth::No);
    let indirect = || trusted(Value::from("{{ a }}"));
    assert_eq!(condition(indirect(), map! {"a" => "b == 2", "b" => 2}).unwrap(), Truth::Yes);
    assert!(condition(indirect(), map! {"a" => "'host says' != ''"}).is_err());
    assert_eq!(
        condition(Value::list([Value::Bool(true), Value::from("1 == 1")]), Map::new()).unwrap(),
        Truth::Yes
    );
}

#[test]
fn extensions_that_ansible_can_switch_on() {
    assert_eq!(
        value("{% set l = [] %}{% do l.append(1) %}{{ l }}", Map::new()),
        Value::list([Value::from(1)])
    );
    assert_eq!(
        value(
            "{% for i in [1,2,3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
            Map::new()
        ),
        Value::from("13")
    );
    assert_eq!(
        value("{% for i in [1,2,3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}x", Map::new()),
        Value::from("1x")
    );
}

fn survives(text: &str) {
    let vars = map! {"a" => 1, "l" => vec![Value::from(1)], "m" => map! {"x" => "{{ a }}"}};
    let _ = render(text, vars.clone());
    let _ = Templar::new().expression(text, None, &variables(vars.clone()), &lookups());
    let source = Source::new("t", text);
    let _ = Templar::new().file(&source, &FileOptions::default(), &variables(vars), &lookups());
}

#[test]
fn deep_and_long_templates_are_refused_without_exhausting_the_stack() {
    for text in [
        format!("{{{{ {}a }}}}", "not ".repeat(100_000)),
        format!("{{{{ a{} }}}}", " + a".repeat(100_000)),
        format!("{{{{ a{} }}}}", " | abs".repeat(119)),
        format!("{{{{ {}a{} }}}}", "[".repeat(59), "]".repeat(59)),
        format!("{{{{ {}a{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        "{% if a %}".repeat(10_000),
        format!("{}{}", "{% if a %}".repeat(59), "{% endif %}".repeat(59)),
        format!("{{% if a == 0 %}}{}{{% endif %}}", "{% elif a == 2 %}".repeat(5_000)),
        format!("{{{{ {} }}}}", "a if a else ".repeat(200) + "a"),
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(),
    ] {
        survives(&text);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        survives(&text);
    }

    #[test]
    fn no_template_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "if ", "else ", "endif", "for i in ", "endfor", "set x = ", "a", "l",
        "m.x", "[", "]", "(", ")", "'s'", "\"", "|", "upper", "join(',')", "is ", "defined", "not ", "1", "0.5", "**", "%", "~",
        "==", "<", " in ", ".", ",", ":", "\n", "\\", "{", "}", "raw", "endraw", "é", "regex_replace('(', 'x')", "sort", "random",
    ]), 0..30)) {
        survives(&parts.concat());
    }
}

#[test]
fn encrypted_values_are_plain_texts_that_are_read_when_they_are_used() {
    let sealed = |text: &str, line| {
        let source = Source::new("vars.yml", "a: !vault |\n  …\nb: !vault |\n  …\n");
        Value::Template(Arc::new(TemplateText {
            text: Arc::from(text),
            place: Some(Place::new(&source, line, 3)),
            form: TextForm::Sealed,
        }))
    };
    let prod = crate::secrets::Password::new("prod", "tr0ubador".as_bytes());
    let marked = prod.seal(b"{{ nothing }}", Some("prod"), b"salt").unwrap();
    let mut fixed = Fixed::default();
    fixed.values.insert(Arc::from("a"), sealed(include_str!("../secrets/tests/prod.vault"), 2));
    fixed.values.insert(Arc::from("b"), sealed(include_str!("../secrets/tests/plain.vault"), 4));
    fixed.values.insert(Arc::from("c"), sealed(&marked, 2));
    let scope: Arc<dyn Variables> = Arc::new(fixed);
    let vault = Arc::new(Vault::new(vec![prod], false));
    let lookups: Arc<dyn Lookups> = Arc::new(World { vault });
    let templar = Templar::new();
    let value = |text: &str| templar.expression(text, None, &scope, &lookups);
    let text = |text: &str| value(text).map(|rendered| (rendered.value.to_text(), rendered.tainted));
    assert_eq!(text("a ~ '!'"), Ok(("exactly 16 bytes!".to_owned(), true)));
    assert_eq!(text("a | length"), Ok(("16".to_owned(), true)));
    assert_eq!(text("a == 'exactly 16 bytes'"), Ok(("True".to_owned(), true)));
    assert_eq!(text("c"), Ok(("{{ nothing }}".to_owned(), true)));
    assert_eq!(text("1 if true else b"), Ok(("1".to_owned(), false)));
    assert_eq!(
        text("[a is vault_encrypted, b is vault_encrypted, 'x' is vault_encrypted]"),
        Ok(("[True, True, False]".to_owned(), true))
    );
    assert_eq!(text("b | unvault('correct horse')"), Ok(("first\nline two\n".to_owned(), true)));
    assert_eq!(text("'x' | vault('pw', 'salt') | unvault('pw')"), Ok(("x".to_owned(), true)));
    assert!(
        text("[a] | to_nice_yaml").unwrap().0.starts_with("- !vault |\n    $ANSIBLE_VAULT;1.2;AES256;prod\n")
    );
    let Err(TemplateError::Failed(error)) = value("b is defined") else { panic!("it is read") };
    assert_eq!(error.place.as_ref().map(|place| (place.line, place.column)), Some((4, 3)));
    assert_eq!(error.kind, Kind::Vault);
}
