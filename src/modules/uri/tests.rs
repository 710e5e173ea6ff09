//! Bodies, credentials and answers.

use super::*;
use crate::modules::params::parse;
use crate::modules::view::{Context, Fixed};

fn params(pairs: &[(&str, Value)]) -> UriParams {
    let given = pairs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    parse(&given).unwrap()
}

fn request(pairs: &[(&str, Value)]) -> HttpRequest {
    let (known, context) = (Fixed::default(), Context::default());
    let project = crate::modules::testing::Project::default();
    let view = View::new(&known, &project, &context);
    match Uri::plan(&params(pairs), &view).unwrap() {
        Step::Plan(plan) => match plan.changes.first().map(|planned| planned.change.action.clone()) {
            Some(Action::Http(request)) => request,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.open())
}

#[test]
fn bodies_are_written_in_their_formats() {
    let secret = Value::Secret(crate::base::Secret::new("s3"));
    let body =
        Value::from(crate::map! {"a" => "x y", "b" => secret, "c" => Value::list([1.into(), 2.into()])});
    let of = |format: &str| {
        request(&[("url", "http://h/".into()), ("body", body.clone()), ("body_format", format.into())])
    };
    let json = of("json");
    assert_eq!(json.body.as_ref().unwrap().open(), r#"{"a":"x y","b":"s3","c":[1,2]}"#);
    assert_eq!(header(&json, "Content-Type"), Some("application/json"));
    assert!(!format!("{json:?}").contains("s3"));
    assert_eq!(of("form-urlencoded").body.unwrap().open(), "a=x+y&b=s3&c=1&c=2");
    let parts = of("form-multipart");
    let text = parts.body.as_ref().unwrap().open();
    assert!(text.contains("name=\"a\"\r\n\r\nx y\r\n") && text.ends_with("==--\r\n"), "{text}");
}

#[test]
fn credentials_go_into_a_header() {
    let found = request(&[("url", "https://me:pw@host:8443/p?q".into())]);
    assert_eq!(found.url, "https://host:8443/p?q");
    assert_eq!(header(&found, "Authorization"), Some("Basic bWU6cHc="));
    assert_eq!(header(&found, "User-Agent"), Some("ansible-httpget"));
}

#[test]
fn answers_are_judged() {
    let mut answer = HttpAnswer {
        status: 200,
        reason: "OK".to_owned(),
        url: "http://h/".to_owned(),
        headers: vec![
            ("content-type".to_owned(), "application/problem+json; charset=utf-8".to_owned()),
            ("set-cookie".to_owned(), "a=1; Path=/".to_owned()),
        ],
        body: br#"{"ok":true}"#.to_vec(),
        elapsed: 2_500_000,
    };
    let uri = params(&[("url", "http://h/".into())]);
    let result = uri.judge(&answer).unwrap();
    assert_eq!(result.get("json").map(Value::to_text).as_deref(), Some("{'ok': True}"));
    assert_eq!(result.get("cookies").map(Value::to_text).as_deref(), Some("{'a': '1'}"));
    assert_eq!(result.get("elapsed"), Some(&Value::from(2)));
    assert_eq!(result.get("content"), None);
    answer.status = 404;
    answer.reason = "Not Found".to_owned();
    let Err(Halt::Failed(failed)) = uri.judge(&answer) else { panic!("it is a failure") };
    assert_eq!(failed.message, "Status code was 404 and not [200]: HTTP Error 404: Not Found");
}
