//! The Docker Engine's API: where it is, questions, changes, and what failed.

use serde_json::Value as Json;

use crate::base::{Map, Value};
use crate::modules::contract::{Failed, Halt, Plan, fail};
use crate::modules::params::{PathText, Rule};
use crate::modules::view::View;
use crate::params;
use crate::wire::action::{Accepts, HttpRequest};
use crate::wire::{Action, Change, Effect, Failure, HttpAnswer, Observation, Query, Sealed};

params! {
    /// How the Docker Engine is reached.
    pub struct DockerParams {
        /// Where it listens: `unix:///PATH` or `tcp://HOST:PORT`; without it the environment's `DOCKER_HOST`, else
        /// `unix:///var/run/docker.sock`.
        docker_host: Option<String>, aliases ["docker_url"];
        /// The name in the Engine's certificate; only that of `docker_host` is supported.
        tls_hostname: Option<String>;
        /// The version of the API that is spoken; `auto` is the Engine's own.
        api_version: Option<String>, aliases ["docker_api_version"];
        /// Seconds for each request; 60 without it.
        timeout: Option<u32>;
        /// A file of the host with the certificates of authorities.
        ca_path: Option<PathText>, aliases ["ca_cert", "tls_ca_cert", "cacert_path"];
        /// A file of the host with the client's certificate.
        client_cert: Option<PathText>, aliases ["tls_client_cert", "cert_path"];
        /// A file of the host with the key of the client's certificate.
        client_key: Option<PathText>, aliases ["tls_client_key", "key_path"];
        /// Whether TLS is spoken, without checking certificates.
        tls: Option<bool>;
        /// Whether the program `ssh` reaches an `ssh://` address; not supported.
        use_ssh_client: bool = false;
        /// Whether TLS is spoken and certificates are checked.
        validate_certs: Option<bool>, aliases ["tls_verify"];
        /// Whether results hold what was done.
        debug: bool = false;
    }
    rules [Rule::RequiredTogether(&["client_cert", "client_key"])]
}

/// Most bytes of an answer.
const BODY_LIMIT: u64 = 32 << 20;

/// Seconds for what may take long: a pull, a push, waiting for a container's end.
pub const LONG: u32 = 24 * 3600;

/// The Engine of a host, as a task reaches it.
pub struct Engine<'a> {
    view: &'a View<'a>,
    template: HttpRequest,
}

/// A variable of the task's environment.
fn environment<'a>(view: &'a View<'_>, name: &str) -> Option<&'a str> {
    let found = view.context().environment.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn is_on(text: &str) -> bool {
    Value::str(text).to_bool().unwrap_or(!text.is_empty())
}

impl<'a> Engine<'a> {
    /// The Engine that the parameters name.
    ///
    /// # Errors
    /// If it is to be reached in a way that is not supported.
    pub fn of(params: &DockerParams, view: &'a View<'a>) -> Result<Self, Halt> {
        if params.use_ssh_client {
            return fail(
                "parameter `use_ssh_client` is not supported yet; run the task on the Docker host itself",
            );
        }
        let env = |name| environment(view, name);
        let host = params.docker_host.as_deref().or_else(|| env("DOCKER_HOST"));
        let host = host.unwrap_or("unix:///var/run/docker.sock");
        let verify = params.validate_certs.unwrap_or_else(|| env("DOCKER_TLS_VERIFY").is_some_and(is_on));
        let tls = verify || params.tls.unwrap_or_else(|| env("DOCKER_TLS").is_some_and(is_on));
        let directory = env("DOCKER_CERT_PATH");
        let file = |given: &Option<PathText>, name: &str| {
            let beside = || directory.map(|directory| format!("{directory}/{name}"));
            given.as_ref().map(|path| path.0.clone()).or_else(beside).filter(|_| tls)
        };
        let mut template = HttpRequest { body_limit: BODY_LIMIT, ..HttpRequest::get("") };
        template.follow_redirects = "none".to_owned();
        let timeout = params.timeout.or_else(|| env("DOCKER_TIMEOUT").and_then(|text| text.parse().ok()));
        template.timeout = timeout.unwrap_or(60);
        template.validate_certs = verify;
        if let Some(path) = host.strip_prefix("unix://").or_else(|| host.strip_prefix("http+unix://")) {
            template.url = "http://localhost".to_owned();
            template.unix_socket = Some(path.to_owned());
        } else if let Some((_, rest)) = host.split_once("://").filter(|(scheme, _)| is_network(scheme)) {
            let scheme = if tls || host.starts_with("https:") { "https" } else { "http" };
            template.url = format!("{scheme}://{}", rest.trim_end_matches('/'));
            template.authorities = file(&params.ca_path, "ca.pem");
            template.certificate = file(&params.client_cert, "cert.pem");
            template.key = file(&params.client_key, "key.pem");
            let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
            if params.tls_hostname.as_deref().is_some_and(|given| given != name) && verify {
                return fail("`tls_hostname` must be the name in `docker_host`");
            }
        } else {
            return fail(format!("`{host}` is not supported as `docker_host`: unix:// and tcp:// are"));
        }
        let version = params.api_version.as_deref().or_else(|| env("DOCKER_API_VERSION"));
        if let Some(version) = version.filter(|version| *version != "auto") {
            template.url = format!("{}/v{version}", template.url);
        }
        Ok(Self { view, template })
    }

    /// What surrounds the task.
    pub fn view(&self) -> &'a View<'a> {
        self.view
    }

    /// The variables that the `docker` program needs to reach the same Engine.
    pub fn for_program(params: &DockerParams, view: &View<'_>) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        if let Some(host) = &params.docker_host {
            all.push(("DOCKER_HOST", host.clone()));
        }
        let version = params.api_version.as_ref().filter(|version| *version != "auto");
        if let Some(version) = version {
            all.push(("DOCKER_API_VERSION", version.clone()));
        }
        if params.validate_certs == Some(true) && environment(view, "DOCKER_TLS_VERIFY").is_none() {
            all.push(("DOCKER_TLS_VERIFY", "1".to_owned()));
        }
        all
    }

    fn request(&self, method: &str, path: &str) -> HttpRequest {
        let mut request = self.template.clone();
        method.clone_into(&mut request.method);
        request.url.push_str(path);
        request
    }

    /// The question that a path answers.
    pub fn query(&self, path: &str) -> Query {
        Query::Http(Box::new(self.request("GET", path)))
    }

    /// Notes several questions, so that they are asked in one exchange.
    pub fn want<'p>(&self, paths: impl IntoIterator<Item = &'p str>) {
        self.view.want(paths.into_iter().map(|path| self.query(path)));
    }

    /// What is at a path; `None` where there is nothing.
    ///
    /// # Errors
    /// The Engine cannot be reached; it answers otherwise.
    pub fn look(&self, path: &str) -> Result<Option<Json>, Halt> {
        self.look_with(self.request("GET", path))
    }

    /// As [`Self::look`], with a header.
    pub fn look_as(&self, path: &str, header: Option<(String, Sealed)>) -> Result<Option<Json>, Halt> {
        let mut request = self.request("GET", path);
        request.headers.extend(header);
        self.look_with(request)
    }

    /// What is answered to a question that is posted.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn look_posted(&self, path: &str, body: &Json) -> Result<Option<Json>, Halt> {
        let mut request = self.post(path, Some(body));
        request.accepts = Accepts::Any;
        self.look_with(request)
    }

    fn look_with(&self, request: HttpRequest) -> Result<Option<Json>, Halt> {
        let answer = match self.view.ask(&Query::Http(Box::new(request))) {
            Ok(observation) => match &*observation {
                Observation::Http(answer) => answer.clone(),
                other => return fail(format!("the target gave an answer of another kind: {other:?}")),
            },
            Err(Halt::Failed(failed)) => {
                let cause = failed.message.rsplit_once("`: ").map_or("", |(_, cause)| cause);
                let cause = if cause.is_empty() { failed.message.as_str() } else { cause };
                let message = format!("Error connecting: Error while fetching server API version: {cause}");
                let hint = Some("is the Docker Engine installed and running on the host?".to_owned());
                return Err(Failed { message, hint, ..Failed::default() }.into());
            }
            Err(halt) => return Err(halt),
        };
        match answer.status {
            404 => Ok(None),
            200..400 => Ok(Some(parsed(&answer))),
            status => {
                let said = String::from_utf8_lossy(&answer.body);
                fail(format!("{status} {} (\"{}\")", answer.reason, message_of(&said)))
            }
        }
    }

    /// A change: a request that must succeed.
    pub fn post(&self, path: &str, body: Option<&Json>) -> HttpRequest {
        let mut request = self.request("POST", path);
        request.accepts = Accepts::Success { also: Vec::new(), without: Vec::new() };
        if let Some(body) = body {
            request.headers.push(("Content-Type".to_owned(), Sealed::text("application/json")));
            request.body = Some(Sealed::text(body.to_string()));
        }
        request
    }

    /// A change: what is at a path is removed; that it is not there is fine.
    pub fn delete(&self, path: &str) -> HttpRequest {
        let mut request = self.request("DELETE", path);
        request.accepts = Accepts::Success { also: vec![404], without: Vec::new() };
        request
    }

    /// The effect that a path will then answer this.
    pub fn will_answer(&self, path: &str, json: Option<&Json>) -> Effect {
        Effect::Answer(self.query(path), answer(if json.is_some() { 200 } else { 404 }, json))
    }
}

fn answer(status: u16, json: Option<&Json>) -> Observation {
    Observation::Http(HttpAnswer {
        status,
        reason: String::new(),
        url: String::new(),
        headers: Vec::new(),
        body: json.map(|json| json.to_string().into_bytes()).unwrap_or_default(),
        elapsed: 0,
    })
}

/// A question to the default Engine with its answer, for case files: `null` is nothing there, a number is a status.
/// `POST PATH BODY` is one that is posted.
#[cfg(test)]
pub fn answered(path: &str, json: &Json) -> (Query, Observation) {
    let posted = path.strip_prefix("POST ").and_then(|rest| rest.split_once(' '));
    let path = posted.map_or(path, |(path, _)| path);
    let mut request =
        HttpRequest { body_limit: BODY_LIMIT, ..HttpRequest::get(format!("http://localhost{path}")) };
    request.follow_redirects = "none".to_owned();
    request.timeout = 60;
    request.validate_certs = false;
    request.unix_socket = Some("/var/run/docker.sock".to_owned());
    if let Some((_, body)) = posted {
        "POST".clone_into(&mut request.method);
        request.headers.push(("Content-Type".to_owned(), Sealed::text("application/json")));
        request.body = Some(Sealed::text(body));
    }
    let status = json.as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.unwrap_or(if json.is_null() { 404 } else { 200 });
    (Query::Http(Box::new(request)), answer(status, Some(json).filter(|json| !json.is_null())))
}

fn is_network(scheme: &str) -> bool {
    matches!(scheme, "tcp" | "http" | "https")
}

/// What an information module tells of one thing.
pub fn told_of(kind: &'static str, name: &str, found: Option<Json>) -> Plan {
    let exists = found.is_some();
    let why = if exists { format!("looked at {kind} {name}") } else { format!("there is no {kind} {name}") };
    Plan::nothing(why).with("exists", exists).with(kind, Value::from_json(&found.unwrap_or_default()))
}

/// A request as a change.
pub fn change(request: HttpRequest) -> Change {
    Change::new(Action::Http(request))
}

/// The body of an answer; `null` where it is not JSON.
pub fn parsed(answer: &HttpAnswer) -> Json {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The values of a stream of JSON texts.
pub fn stream(answer: &HttpAnswer) -> Vec<Json> {
    let texts = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Json>();
    texts.map_while(Result::ok).collect()
}

/// What the Engine says of a failure: `message`, or what went wrong in a stream.
pub fn message_of(body: &str) -> String {
    let texts = serde_json::Deserializer::from_str(body).into_iter::<Json>();
    let mut told = None;
    for json in texts.map_while(Result::ok) {
        let detail = json.pointer("/errorDetail/message").or_else(|| json.get("error"));
        told = detail.or_else(|| json.get("message")).and_then(Json::as_str).map(str::to_owned).or(told);
    }
    told.unwrap_or_else(|| body.trim().to_owned())
}

/// The failure of a request, in words: `409 Conflict ("name is in use")`.
pub fn told(failure: &Failure) -> String {
    match failure.message.split_once(": ") {
        Some((status, body)) if status.as_bytes().first().is_some_and(u8::is_ascii_digit) => {
            match status.split_once(' ') {
                Some((code, _)) if code.starts_with(['2', '3']) => message_of(body),
                _ => format!("{status} (\"{}\")", message_of(body)),
            }
        }
        _ => failure.message.clone(),
    }
}

/// A segment of a path, or a name that holds some; what has a meaning in URLs is escaped.
pub fn escape(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A value as JSON for the Engine; unlike what is shown it has secrets in it.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Secret(secret) => Json::from(secret.reveal()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => object(entries, json),
        other => other.to_json(),
    }
}

/// A mapping as JSON, each value as `of` makes it.
pub fn object(entries: &Map, of: impl Fn(&Value) -> Json) -> Json {
    Json::Object(entries.iter().map(|(key, value)| (key.to_value().to_text(), of(value))).collect())
}

/// A value as the text that the Engine wants where it only takes texts.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Bool(true) => Json::from("true"),
        Value::Bool(false) => Json::from("false"),
        Value::Secret(secret) => Json::from(secret.reveal()),
        other => Json::from(other.to_text()),
    }
}

/// The value of a variable of a container's environment: a text, as the original wants it.
///
/// # Errors
/// If it is of another type.
pub fn env_value(name: &str, value: &Value) -> Result<String, Halt> {
    match value {
        Value::Str(text) => Ok(text.to_string()),
        Value::Secret(secret) => Ok(secret.reveal().to_owned()),
        _ => fail(format!(
            "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to avoid them being \
             interpreted. Key: {name}"
        )),
    }
}

/// Labels, each a text.
///
/// # Errors
/// If a name is no text, or a value is one that texts are not made of.
pub fn labels(labels: &Map) -> Result<Json, Halt> {
    for (key, value) in labels {
        if key.as_str().is_none() {
            return fail(format!("The key {} of labels is not a string!", key.to_value().to_repr()));
        }
        if matches!(value, Value::Bool(_) | Value::Float(_)) {
            let (value, key) = (value.to_repr(), key.to_value().to_repr());
            return fail(format!(
                "The value {value} for {key} of labels is not a string or something than can be safely converted to a \
                 string!"
            ));
        }
    }
    Ok(object(labels, plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FailureKind;

    #[test]
    fn failures_are_told_in_the_engines_words() {
        let cases = [
            ("409 Conflict: {\"message\":\"in use\"}", "409 Conflict (\"in use\")"),
            ("500 Internal Server Error: oh", "500 Internal Server Error (\"oh\")"),
            (
                "200 OK: {\"status\":\"a\"}\r\n{\"errorDetail\":{\"message\":\"denied\"},\"error\":\"denied\"}",
                "denied",
            ),
            ("cannot get an answer from `x`: timed out", "cannot get an answer from `x`: timed out"),
        ];
        for (said, expected) in cases {
            assert_eq!(told(&Failure::new(FailureKind::Status, said)), expected);
        }
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escape("registry:5000/a/b:v1@sha256:x y?#"), "registry:5000/a/b:v1@sha256:x%20y%3F%23");
    }
}
