//! `url`: what is at a URL, read from the controller.

use base64::Engine;

use super::ask::Ask;
use super::{Found, failed};
use crate::base::Value;
use crate::target::http_request;
use crate::wire::HttpRequest;
use crate::wire::command::Sealed;

/// The most that is read of one answer.
const MOST_BYTES: u64 = 64 << 20;

/// Options that can be set by variables, with the variables' names.
const BY_VARIABLE: &[&str] = &[
    "validate_certs",
    "use_proxy",
    "username",
    "password",
    "headers",
    "force",
    "timeout",
    "http_agent",
    "force_basic_auth",
    "follow_redirects",
    "unix_socket",
];

pub(super) fn url(ask: &Ask<'_>) -> Found {
    let mut options = ask.options.clone();
    for name in BY_VARIABLE {
        let variable = ask.variables.get(&format!("ansible_lookup_url_{name}"));
        if let (None, Some(value @ (Value::Str(_) | Value::Bool(_) | Value::Int(_)))) =
            (options.get(*name), variable)
        {
            options.insert((*name).into(), value);
        }
    }
    let ask = &Ask { options: &options, ..*ask };
    ask.refuse(&["use_gssapi", "ciphers", "unredirected_headers"])?;
    let mut found = Vec::new();
    for term in ask.texts() {
        let mut headers = vec![("User-Agent".to_owned(), ask.text("http_agent", "ansible-httpget"))];
        if ask.flag("force", false)? {
            headers.push(("Cache-Control".to_owned(), "no-cache".to_owned()));
        }
        if let Some(user) = ask.option("username") {
            let pair = format!("{}:{}", user.to_text(), ask.text("password", ""));
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            headers.push(("Authorization".to_owned(), format!("Basic {encoded}")));
        }
        if let Some(Value::Map(own)) = ask.option("headers") {
            headers.extend(own.iter().map(|(name, value)| (name.to_string(), value.to_text())));
        }
        let request = HttpRequest {
            headers: headers.into_iter().map(|(name, value)| (name, Sealed::text(value))).collect(),
            timeout: u32::try_from(ask.count("timeout", 10)?).unwrap_or(u32::MAX),
            follow_redirects: ask.text("follow_redirects", "urllib2"),
            validate_certs: ask.flag("validate_certs", true)?,
            unix_socket: ask.option("unix_socket").map(Value::to_text),
            body_limit: MOST_BYTES,
            authorities: ask.option("ca_path").map(Value::to_text),
            ..HttpRequest::get(term.clone())
        };
        let answer = http_request(&request)
            .map_err(|failure| failed(format!("failed lookup url for {}: {failure}", masked(&term))))?;
        if answer.status >= 400 {
            return Err(failed(format!(
                "received HTTP error for {}: HTTP Error {}: {}",
                masked(&term),
                answer.status,
                answer.reason
            )));
        }
        let text = String::from_utf8_lossy(&answer.body);
        if ask.flag("split_lines", true)? {
            found.extend(text.lines().map(Value::from));
        } else {
            found.push(Value::from(text.as_ref()));
        }
    }
    Ok(found)
}

/// A URL without the password in it.
fn masked(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.split('/').next()?.rsplit_once('@')?;
        let path = rest.get(user.len() + 1 + host.len()..)?;
        Some(format!("{scheme}://***@{host}{path}"))
    });
    parts.unwrap_or_else(|| url.to_owned())
}
