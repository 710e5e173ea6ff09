//! What modules share that fetch something from a URL to the host.

use base64::Engine as _;

use super::contract::{Failed, Halt, fail};
use super::view::View;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::action::HttpRequest;
use crate::wire::outcome::HttpAnswer;
use crate::wire::{Download, Observation, Query, Sealed};

params! {
    /// How something is fetched.
    #[derive(Default)]
    pub struct UrlParams {
        /// User name for basic authentication.
        url_username: Option<String>, aliases ["username"];
        /// Password for basic authentication.
        url_password: Option<String>, aliases ["password"], @secret;
        /// Whether the credentials are sent with the first request; they always are.
        force_basic_auth: bool = false;
        /// Whether certificates are checked.
        validate_certs: bool = true;
        /// The `User-Agent`.
        http_agent: String = "ansible-httpget";
        /// Whether a proxy is used, where the host's environment names one.
        use_proxy: bool = true;
        /// Whether Kerberos authenticates.
        use_gssapi: bool = false;
        /// A file of the host with the client's certificate.
        client_cert: Option<String>;
        /// A file of the host with the key of the client's certificate.
        client_key: Option<String>;
    }
}

/// A URL without the user name and password in it, and these.
pub fn credentials(url: &str) -> (String, Option<(String, String)>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (user, host) = authority.rsplit_once('@')?;
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        Some((format!("{scheme}://{host}{path}"), (name.to_owned(), password.to_owned())))
    });
    match parts {
        Some((url, found)) => (url, Some(found)),
        None => (url.to_owned(), None),
    }
}

impl UrlParams {
    /// A `GET` of a URL.
    pub fn request(&self, url: &str, headers: &Map, timeout: u32) -> Result<HttpRequest, Halt> {
        if self.use_gssapi {
            return fail("parameter `use_gssapi` is not supported yet");
        }
        let (url, inline) = credentials(url);
        let mut all: Vec<(String, Sealed)> =
            headers.iter().map(|(name, value)| (name.to_string(), Sealed::text(text(value)))).collect();
        let given =
            self.url_username.clone().map(|name| (name, self.url_password.clone().unwrap_or_default()));
        let add = |all: &mut Vec<(String, Sealed)>, name: &str, value: String| {
            if !all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                all.push((name.to_owned(), Sealed::text(value)));
            }
        };
        if let Some((name, password)) = given.or(inline) {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
            add(&mut all, "Authorization", format!("Basic {text}"));
        }
        let agent = if self.http_agent.is_empty() { "ansible-httpget" } else { &self.http_agent };
        add(&mut all, "User-Agent", agent.to_owned());
        Ok(HttpRequest {
            headers: all,
            timeout,
            validate_certs: self.validate_certs,
            certificate: self.client_cert.clone(),
            key: self.client_key.clone(),
            ..HttpRequest::get(url)
        })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Secret(secret) => secret.reveal().to_owned(),
        other => other.to_text(),
    }
}

/// The text behind a URL, and its status.
pub fn text_of(request: HttpRequest, view: &View<'_>) -> Result<HttpAnswer, Halt> {
    match &*view.ask(&Query::Http(Box::new(request)))? {
        Observation::Http(answer) => Ok(answer.clone()),
        other => fail(format!("the target gave an answer of another kind: {other:?}")),
    }
}

/// Downloads to the host; look-ahead does not.
pub fn download(request: HttpRequest, view: &View<'_>) -> Result<Download, Halt> {
    let (url, query) = (request.url.clone(), Query::Download(Box::new(request)));
    if view.controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    match view.ask(&query) {
        Ok(answer) => match &*answer {
            Observation::Download(download) => Ok(download.clone()),
            other => fail(format!("the target gave an answer of another kind: {other:?}")),
        },
        Err(Halt::Failed(failed)) => {
            let result = crate::map! {"url" => url, "status_code" => -1, "elapsed" => 0};
            let message = format!("Request failed: {}", failed.message);
            Err(Failed { message, result, ..Failed::default() }.into())
        }
        Err(halt) => Err(halt),
    }
}

/// The status in words, as Ansible's `msg`.
pub fn said(answer: &HttpAnswer) -> String {
    let length = header(answer, "content-length").unwrap_or("unknown");
    match answer.status {
        200..400 if answer.status != 304 => format!("OK ({length} bytes)"),
        status => format!("HTTP Error {status}: {}", answer.reason),
    }
}

/// The value of a header.
pub fn header<'a>(answer: &'a HttpAnswer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The file's name in a URL.
pub fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    match path.rsplit('/').next() {
        None | Some("") => "index.html",
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_names_and_credentials() {
        assert_eq!(file_name("https://a.example/b/c.tar.gz?x=1"), "c.tar.gz");
        assert_eq!(
            (file_name("http://a.example"), file_name("http://a.example/d/")),
            ("index.html", "index.html")
        );
        let (url, found) = credentials("http://me:pass@a.example/x");
        assert_eq!((url.as_str(), found), ("http://a.example/x", Some(("me".into(), "pass".into()))));
    }
}
