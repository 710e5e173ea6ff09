//! Reading and checking of parameters.

use super::*;

choices! {
    /// A state.
    pub enum State { Present = "present", Absent = "absent", Yes = "yes" }
}

params! {
    /// Shared.
    pub struct Shared {
        /// An owner.
        owner: Option<String>;
    }
}

params! {
    /// An example.
    pub struct Example {
        /// The path.
        path: PathText, aliases ["dest", "name"];
        /// The state.
        state: State = State::Present;
        /// Names.
        groups: Vec<String>;
        /// A number.
        count: u32 = 3u32;
        /// A content.
        content: Option<Raw>;
        /// A type.
        r#type: Option<String>, @secret;
    }
    include { shared: Shared }
    rules [Rule::MutuallyExclusive(&["content", "type"]), Rule::RequiredIf("state", "absent", &["owner"])]
}

fn given(pairs: &[(&str, Value)]) -> Given {
    pairs.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
}

fn messages(pairs: &[(&str, Value)]) -> Vec<String> {
    parse::<Example>(&given(pairs)).unwrap_err().into_iter().map(|p| p.message).collect()
}

#[test]
fn good_parameters_are_read() {
    let read = parse::<Example>(&given(&[
        ("dest", "/x".into()),
        ("groups", "a, b".into()),
        ("state", true.into()),
        ("owner", 0.into()),
    ]))
    .unwrap();
    assert_eq!(&*read.path, "/x");
    assert_eq!(read.groups, ["a", "b"]);
    assert_eq!((read.state, read.count, read.shared.owner.as_deref()), (State::Yes, 3, Some("0")));
}

#[test]
fn every_problem_is_told() {
    assert_eq!(messages(&[]), ["missing required arguments: path"]);
    let found = messages(&[
        ("path", "/x".into()),
        ("state", "presnt".into()),
        ("count", "many".into()),
        ("ownr", "x".into()),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("unsupported parameter `ownr`"));
    assert_eq!(found[1], "value of state must be one of: present, absent, yes, got: presnt");
    assert_eq!(
        found[2],
        "argument 'count' is of type str and we were unable to convert to int: \"'many'\" cannot be converted to an int"
    );
    assert_eq!(
        messages(&[
            ("path", "/x".into()),
            ("content", "a".into()),
            ("type", "b".into()),
            ("state", "absent".into())
        ]),
        [
            "parameters are mutually exclusive: content|type",
            "state is absent but all of the following are missing: owner"
        ]
    );
}

#[test]
fn what_is_not_literal_is_not_judged_before_the_run() {
    let template = Value::Template(Arc::new(crate::base::TemplateText {
        text: "{{ x }}".into(),
        place: None,
        form: crate::base::TextForm::Template,
    }));
    let problems = check::<Example>(&given(&[
        ("path", template.clone()),
        ("state", template.clone()),
        ("count", template.clone()),
    ]));
    assert_eq!(problems, []);
    let excluding = [("path", "/x".into()), ("content", template), ("type", "b".into())];
    assert_eq!(check::<Example>(&given(&excluding)), [], "a template may turn out to be `omit`");
    let problems = check::<Example>(&given(&[("path", "/x".into()), ("stat", "absent".into())]));
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `state`?"));
}

#[test]
fn a_boolean_is_the_one_choice_that_it_can_mean() {
    assert_eq!(boolean_choice(&true.into(), &["dist", "no", "yes"]), Some("yes"));
    assert_eq!(boolean_choice(&false.into(), &["0", "1"]), Some("0"));
    assert_eq!(boolean_choice(&false.into(), &["off", "no"]), None);
    assert_eq!(boolean_choice(&"yes".into(), &["yes"]), None);
}

#[test]
fn fields_tell_what_they_are() {
    let fields = Example::fields();
    let of = |name: &str| fields.iter().find(|f| f.name == name).unwrap().clone();
    assert!(of("path").required && !of("state").required && !of("groups").required);
    let default = |name: &str| of(name).default.map(|default| default());
    assert_eq!(default("count").as_deref(), Some("3"));
    assert_eq!(default("state").as_deref(), Some("present"));
    assert_eq!(of("groups").elements, Some("str"));
    assert!(of("type").secret);
    assert_eq!(of("owner").doc.trim(), "An owner.");
}
