//! What an answer gives to `register`.

use crate::base::{Map, Value};
use crate::wire::outcome::HttpAnswer;

/// The keys of the result, without content; `asked` is the URL that was asked for.
pub(super) fn keys(answer: &HttpAnswer, asked: &str) -> Map {
    let HttpAnswer { status, reason, url, headers, body: _, elapsed } = answer;
    let mut keys = Map::new();
    let mut cookies = Map::new();
    for (name, value) in headers {
        let key = name.replace('-', "_").to_lowercase();
        if key == "set_cookie"
            && let Some((cookie, rest)) = value.split_once('=')
        {
            let content = rest.split(';').next().unwrap_or_default().trim();
            cookies.insert(cookie.trim().into(), content.into());
        }
        let joined = match keys.get(key.as_str()).map(Value::to_text) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        keys.insert(key.into(), joined.into());
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or("unknown", |(_, value)| value.as_str());
    let message = if (200..400).contains(status) {
        format!("OK ({length} bytes)")
    } else {
        format!("HTTP Error {status}: {reason}")
    };
    let pairs: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={}", value.to_text())).collect();
    keys.insert("cookies_string".into(), pairs.join("; ").into());
    keys.insert("cookies".into(), cookies.into());
    keys.insert("status".into(), u32::from(*status).into());
    keys.insert("msg".into(), message.into());
    keys.insert("redirected".into(), (url != asked).into());
    keys.insert("url".into(), url.as_str().into());
    keys.insert("elapsed".into(), (elapsed / 1_000_000).into());
    if let Some(location) = keys.get("location").map(Value::to_text) {
        keys.insert("location".into(), absolute(url, &location).into());
    }
    keys
}

/// A location as seen from a URL.
fn absolute(url: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else { return location.to_owned() };
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        format!("{scheme}://{host}{above}/{location}")
    }
}

/// The body as text, and as data where it is JSON.
pub(super) fn content(answer: &HttpAnswer) -> (String, Option<Value>) {
    let kind = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or("", |(_, value)| value.as_str()).to_lowercase();
    let (kind, parameters) = kind.split_once(';').unwrap_or((&kind, ""));
    let text = if parameters.contains("iso-8859-1") || parameters.contains("latin") {
        answer.body.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let subtype = kind.trim().split_once('/').map_or("", |(_, subtype)| subtype);
    let subtype = subtype.rsplit('+').next().unwrap_or(subtype);
    let json = matches!(subtype, "json" | "javascript")
        .then(|| serde_json::from_str::<serde_json::Value>(&text).ok())
        .flatten();
    (text, json.as_ref().map(Value::from_json))
}
