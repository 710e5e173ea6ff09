//! What is sent: headers and the body in its formats.

use base64::Engine;

use super::{BodyFormat, UriParams};
use crate::base::{Key, Value};
use crate::modules::contract::{Halt, fail};
use crate::modules::params::{ParamValue, Raw};
use crate::modules::view::{Search, View};
use crate::wire::action::Bytes;
use crate::wire::{Content, Sealed};

/// The body and the content type that its format brings.
pub(super) fn of(params: &UriParams, view: &View<'_>) -> Result<(Option<Sealed>, Option<String>), Halt> {
    if let Some(src) = &params.src {
        return Ok((Some(Sealed::text(file(params, view, src)?)), None));
    }
    let Some(Raw(body)) = params.body.as_ref() else { return Ok((None, None)) };
    let plain = match body {
        Value::Str(text) => Some(text.to_string()),
        Value::Secret(secret) => Some(secret.reveal().to_owned()),
        _ => None,
    };
    let (text, content_type) = match (params.body_format, plain) {
        (BodyFormat::Raw, _) if *body == Value::Null => return Ok((None, None)),
        (BodyFormat::Raw, plain) => (plain.unwrap_or_else(|| body.to_text()), None),
        (BodyFormat::Json, plain) => {
            let text = plain.map_or_else(|| serde_json::to_string(&reveal(body)), Ok);
            (text.or_else(|error| fail(error.to_string()))?, Some("application/json".to_owned()))
        }
        (BodyFormat::Urlencoded, plain) => {
            let text = plain.map_or_else(|| urlencoded(body), Ok)?;
            (text, Some("application/x-www-form-urlencoded".to_owned()))
        }
        (BodyFormat::Multipart, _) => {
            let (text, content_type) = multipart(view, body)?;
            (text, Some(content_type))
        }
    };
    Ok((Some(Sealed::text(text)), content_type))
}

fn file(params: &UriParams, view: &View<'_>, src: &str) -> Result<String, Halt> {
    let bytes = if params.remote_src {
        match view.content(src)? {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge { .. } => return fail(format!("`{src}` is too large for a request's body")),
            Content::Absent | Content::NotAFile(_) => {
                return fail(format!("Unable to open source file {src}"));
            }
        }
    } else {
        controller_file(view, src)?
    };
    String::from_utf8(bytes).or_else(|_| fail(format!("`{src}` is not UTF-8: not supported as a body yet")))
}

fn controller_file(view: &View<'_>, name: &str) -> Result<Vec<u8>, Halt> {
    let path = view.controller().find(Search::Files, name)?;
    match view.controller().read(&path)?.0 {
        Bytes::Inline(bytes) => Ok(bytes),
        Bytes::Sent { .. } | Bytes::OnHost { .. } => {
            fail(format!("`{name}` is too large for a request's body"))
        }
    }
}

/// A value with its secrets, for the host that needs them.
fn reveal(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Secret(secret) => Json::String(secret.reveal().to_owned()),
        Value::List(items) => Json::Array(items.iter().map(reveal).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.to_string(), reveal(value))).collect())
        }
        other => other.to_json(),
    }
}

fn plain(value: &Value) -> String {
    String::read(value).unwrap_or_default()
}

/// As `urllib.parse.urlencode` with `doseq`.
fn urlencoded(body: &Value) -> Result<String, Halt> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, value: &Value| match value.as_list() {
        Some(items) => pairs.extend(items.iter().map(|item| (name.clone(), plain(item)))),
        None => pairs.push((name, plain(value))),
    };
    match body {
        Value::Map(entries) => entries.iter().for_each(|(key, value)| add(Key::to_string(key), value)),
        Value::List(items) => {
            for item in items.iter() {
                match item.as_list() {
                    Some([name, value]) => add(plain(name), value),
                    _ => return fail("failed to parse body as form_urlencoded: not a list of pairs"),
                }
            }
        }
        _ => return fail("failed to parse body as form_urlencoded: not a mapping or a list of pairs"),
    }
    let encoded = pairs.iter().map(|(name, value)| format!("{}={}", quote(name), quote(value)));
    Ok(encoded.collect::<Vec<_>>().join("&"))
}

/// As `urllib.parse.quote_plus`.
fn quote(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"_.-~".contains(&b) => out.push(char::from(b)),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
        out
    })
}

/// A form with parts: texts, or mappings of `content` or `filename`, and `mime_type`.
fn multipart(view: &View<'_>, body: &Value) -> Result<(String, String), Halt> {
    let Some(fields) = body.as_map() else {
        return fail("failed to parse body as form-multipart: Mapping is required, cannot be type str");
    };
    let mut parts = Vec::new();
    for (name, value) in fields {
        let mut head = format!("Content-Disposition: form-data; name=\"{name}\"");
        let text = match value {
            Value::Map(part) => {
                let of = |key: &str| part.get(key).map(plain);
                let (content, filename) = (of("content"), of("filename"));
                if let Some(filename) = &filename {
                    let base = filename.rsplit('/').next().unwrap_or(filename);
                    head.push_str(&format!("; filename=\"{base}\""));
                }
                let default = if filename.is_some() { "application/octet-stream" } else { "text/plain" };
                let mime = of("mime_type").unwrap_or_else(|| default.to_owned());
                head.push_str(&format!("\r\nContent-Type: {mime}"));
                match (content, filename) {
                    (Some(content), _) => content,
                    (None, Some(filename)) => {
                        // as the original: files are sent in base64
                        head.push_str("\r\nContent-Transfer-Encoding: base64");
                        base64::engine::general_purpose::STANDARD.encode(controller_file(view, &filename)?)
                    }
                    (None, None) => {
                        return fail(
                            "failed to parse body as form-multipart: at least one of filename or content must be provided",
                        );
                    }
                }
            }
            other => plain(other),
        };
        parts.push(format!("{head}\r\n\r\n{text}\r\n"));
    }
    // derived from what is sent, so that the same task sends the same bytes
    let sum = Bytes::Inline(parts.concat().into_bytes()).sha256().unwrap_or_default();
    let boundary = format!("==============={}==", sum.get(..32).unwrap_or(&sum));
    let body = parts.iter().fold(String::new(), |all, part| format!("{all}--{boundary}\r\n{part}"));
    Ok((format!("{body}--{boundary}--\r\n"), format!("multipart/form-data; boundary=\"{boundary}\"")))
}

impl UriParams {
    /// The headers: the task's own, and what credentials, body and agent bring.
    pub(super) fn headers(
        &self,
        inline: Option<(String, String)>,
        content_type: Option<String>,
    ) -> Result<Vec<(String, Sealed)>, Halt> {
        let mut headers: Vec<(String, Sealed)> = Vec::new();
        for (name, value) in &self.headers {
            headers.push((name.to_string(), Sealed::text(plain(value))));
        }
        let username =
            self.url_username.clone().map(|user| (user, self.url_password.clone().unwrap_or_default()));
        if let Some((user, password)) = username.or(inline) {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            add(&mut headers, "Authorization", &format!("Basic {text}"));
        }
        if let Some(content_type) = content_type {
            add(&mut headers, "Content-Type", &content_type);
        }
        if self.force {
            add(&mut headers, "cache-control", "no-cache");
        }
        add(&mut headers, "User-Agent", &self.http_agent);
        if headers.iter().any(|(_, value)| value.open().contains(['\r', '\n'])) {
            return fail("a header's value must not have line breaks");
        }
        Ok(headers)
    }
}

fn add(headers: &mut Vec<(String, Sealed)>, name: &str, value: &str) {
    if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
        headers.push((name.to_owned(), Sealed::text(value)));
    }
}
