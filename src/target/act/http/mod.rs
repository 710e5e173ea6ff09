//! HTTP requests from the host. Every status is an answer; what fails is the connection.
//!
//! Redirects are followed here, not by the client library, because Ansible's policies differ from any library's.

mod trust;
mod unix;

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use ureq::tls::{ClientCert, RootCerts, TlsConfig};
use ureq::unversioned::transport::{Connector, RustlsConnector};
use ureq::{Agent, Body};

use crate::wire::action::{Accepts, HttpRequest};
use crate::wire::outcome::HttpAnswer;
use crate::wire::{Failure, FailureKind};

/// How many redirects are followed, as Python's `urllib`.
const MOST_REDIRECTS: usize = 10;

/// Makes a request and reads the answer.
///
/// # Errors
/// The request cannot be made, the connection fails, time runs out, or the body is over the limit.
pub fn request(request: &HttpRequest) -> Result<HttpAnswer, Failure> {
    exchange(request, |hop, response, started| answer(hop, response, request.body_limit, started))
}

/// Makes a request that is a change: as often as it says, and its answer must be one that it accepts.
///
/// # Errors
/// As [`request`]; the answer is not accepted; it stays the same for too long.
pub fn demand(order: &HttpRequest) -> Result<HttpAnswer, Failure> {
    let started = Instant::now();
    loop {
        let answer = request(order)?;
        judge(&order.accepts, &answer)?;
        let Some(again) = &order.again else { return Ok(answer) };
        if !holds_one_of(&answer.body, &again.texts) {
            return Ok(answer);
        }
        if started.elapsed() >= Duration::from_secs(again.timeout.into()) {
            let message = format!("`{}` still answers the same after {} seconds", order.url, again.timeout);
            return Err(Failure::new(FailureKind::Timeout, message));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn judge(accepts: &Accepts, answer: &HttpAnswer) -> Result<(), Failure> {
    let Accepts::Success { also, without } = accepts else { return Ok(()) };
    let HttpAnswer { status, reason, body, .. } = answer;
    let failed = *status >= 400 && !also.contains(status);
    if !failed && !holds_one_of(body, without) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(body);
    let message = format!("{status} {reason}: {}", body.trim());
    Err(Failure::new(FailureKind::Status, message))
}

fn holds_one_of(body: &[u8], texts: &[String]) -> bool {
    let body = String::from_utf8_lossy(body);
    texts.iter().any(|text| body.contains(text))
}

/// Makes a request; the body of an answer with status 200 goes to `keep`, which gives what is made of it.
///
/// # Errors
/// As [`request`], and what `keep` gives.
pub fn download<T>(
    request: &HttpRequest,
    keep: impl FnOnce(&mut dyn Read) -> Result<T, Failure>,
) -> Result<(HttpAnswer, Option<T>), Failure> {
    let mut keep = Some(keep);
    exchange(request, |hop, response, started| {
        if response.status().as_u16() != 200 {
            return Ok((answer(hop, response, request.body_limit, started)?, None));
        }
        let (parts, body) = response.into_parts();
        let mut reader = body.into_with_config().limit(u64::MAX).reader();
        let kept = keep.take().map(|keep| keep(&mut reader)).transpose()?;
        let empty = Response::from_parts(parts, Body::builder().data(Vec::new()));
        Ok((answer(hop, empty, 0, started)?, kept))
    })
}

fn exchange<T>(
    request: &HttpRequest,
    mut done: impl FnMut(&Hop, Response<Body>, Instant) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let HttpRequest {
        method,
        url,
        headers,
        body,
        timeout,
        follow_redirects,
        validate_certs,
        unix_socket,
        body_limit: _,
        authorities,
        certificate,
        key,
        accepts: _,
        again: _,
    } = request;
    let started = Instant::now();
    let deadline = started + Duration::from_secs((*timeout).max(1).into());
    let policy = Policy::named(follow_redirects)?;
    let mut hop = Hop {
        method: Method::from_bytes(method.as_bytes())
            .map_err(|_| invalid(format!("`{method}` is no method")))?,
        uri: url.parse().map_err(|error| invalid(format!("`{url}` is no URL: {error}")))?,
        headers: header_map(headers.iter().map(|(name, value)| (name.as_str(), value.open())))?,
        body: body.as_ref().map(|body| body.open().as_bytes().to_vec()),
    };
    let client = certificate.as_ref().map(|path| trust::client(path, key.as_deref())).transpose()?;
    let roots = authorities.as_ref().map(|path| trust::of_file(path)).transpose()?;
    let agent = agent(*validate_certs, unix_socket.as_deref(), &hop.uri, client, roots);
    for _ in 0..=MOST_REDIRECTS {
        let response = send(&agent, &hop, deadline)?;
        match next_hop(&policy, &hop, &response)? {
            Some(next) => hop = next,
            None => return done(&hop, response, started),
        }
    }
    Err(Failure::new(FailureKind::Network, format!("`{url}` redirects more than {MOST_REDIRECTS} times")))
}

/// One request of a chain of redirects.
struct Hop {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// Ansible's `follow_redirects`.
enum Policy {
    None,
    Safe,
    All,
    Urllib2,
}

impl Policy {
    fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "all" | "yes" => Ok(Self::All),
            "none" | "no" => Ok(Self::None),
            "safe" => Ok(Self::Safe),
            "urllib2" | "urllib" => Ok(Self::Urllib2),
            other => Err(invalid(format!("`{other}` is no way to follow redirects"))),
        }
    }

    /// Whether a redirect with this status is followed.
    fn follows(&self, method: &Method, status: u16) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Self::None => false,
            Self::Safe => reads,
            Self::All => true,
            Self::Urllib2 => reads || (*method == Method::POST && matches!(status, 301..=303)),
        }
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(FailureKind::Other, message)
}

fn header_map<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value)
            .or_else(|_| HeaderValue::from_bytes(value.as_bytes()))
            // the value may be a secret: it is not shown
            .map_err(|_| invalid(format!("the header `{name}` has a value that cannot be sent")))?;
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("`{name}` is no header")))?;
        map.append(name, value);
    }
    Ok(map)
}

fn agent(
    validate_certs: bool,
    unix_socket: Option<&str>,
    uri: &Uri,
    client: Option<ClientCert>,
    roots: Option<RootCerts>,
) -> Agent {
    let may_need_tls = unix_socket.is_none() || uri.scheme_str() == Some("https");
    let mut tls = TlsConfig::builder().disable_verification(!validate_certs);
    if validate_certs && may_need_tls {
        tls = tls.root_certs(roots.unwrap_or_else(trust::roots));
    }
    tls = tls.client_cert(client);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .user_agent(concat!("fleet/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections(0)
        .tls_config(tls.build());
    match unix_socket {
        None => config.build().new_agent(),
        Some(path) => {
            let connector = unix::UnixConnector::new(path).chain(RustlsConnector::default());
            Agent::with_parts(config.proxy(None).build(), connector, unix::NoResolver)
        }
    }
}

fn send(agent: &Agent, hop: &Hop, deadline: Instant) -> Result<Response<Body>, Failure> {
    let Hop { method, uri, headers, body } = hop;
    let failed = |error: ureq::Error| connection_failure(uri, error);
    let mut request = Request::builder().method(method.clone()).uri(uri.clone());
    if let Some(map) = request.headers_mut() {
        map.clone_from(headers);
    }
    let rest = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let takes_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    match body.clone().or_else(|| takes_body.then(Vec::new)) {
        Some(body) => {
            let request = request.body(body).map_err(|error| failed(error.into()))?;
            agent.run(agent.configure_request(request).timeout_global(Some(rest)).build()).map_err(failed)
        }
        None => {
            let request = request.body(()).map_err(|error| failed(error.into()))?;
            agent.run(agent.configure_request(request).timeout_global(Some(rest)).build()).map_err(failed)
        }
    }
}

/// The request that a redirect asks for, if it is followed. Methods and bodies change as Ansible changes them.
fn next_hop(policy: &Policy, hop: &Hop, response: &Response<Body>) -> Result<Option<Hop>, Failure> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) || !policy.follows(&hop.method, status) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(header::LOCATION) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes()).replace(' ', "%20");
    let uri = resolve(&hop.uri, &location)?;
    let mut headers = hop.headers.clone();
    if uri.authority() != hop.uri.authority() || uri.scheme() != hop.uri.scheme() {
        // credentials are for the host that they were given for
        for name in [header::AUTHORIZATION, header::COOKIE, header::HOST] {
            headers.remove(name);
        }
    }
    let keeps_body = matches!(status, 307 | 308);
    let becomes_get = match (policy, status) {
        _ if hop.method == Method::HEAD || keeps_body => false,
        (Policy::Urllib2, _) | (_, 302 | 303) => true,
        _ => hop.method == Method::POST,
    };
    if !keeps_body {
        for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
    }
    Ok(Some(Hop {
        method: if becomes_get { Method::GET } else { hop.method.clone() },
        uri,
        headers,
        body: hop.body.clone().filter(|_| keeps_body),
    }))
}

/// A `Location` against the URL that it came from (RFC 3986 §5.3).
fn resolve(base: &Uri, location: &str) -> Result<Uri, Failure> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let text = if location.starts_with("http://") || location.starts_with("https://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.contains("://") {
        return Err(Failure::new(
            FailureKind::Network,
            format!("`{base}` redirects to `{location}`, which is not HTTP"),
        ));
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') || location.is_empty() {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{}", without_dots(&format!("{directory}/{location}")))
    };
    text.parse()
        .map_err(|error| Failure::new(FailureKind::Network, format!("`{base}` redirects to no URL: {error}")))
}

fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

fn answer(hop: &Hop, response: Response<Body>, limit: u64, started: Instant) -> Result<HttpAnswer, Failure> {
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut reader = body.into_with_config().limit(u64::MAX).reader().take(limit.saturating_add(1));
    reader.read_to_end(&mut bytes).map_err(|error| connection_failure(&hop.uri, error.into()))?;
    if bytes.len() as u64 > limit {
        let message = format!("`{}` answered with more than {limit} bytes", hop.uri);
        return Err(Failure::new(FailureKind::Other, message));
    }
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Ok(HttpAnswer {
        status: parts.status.as_u16(),
        reason: parts.status.canonical_reason().unwrap_or_default().to_owned(),
        url: hop.uri.to_string(),
        headers: headers.collect(),
        body: bytes,
        elapsed: started.elapsed().as_micros() as u64,
    })
}

fn connection_failure(uri: &Uri, error: ureq::Error) -> Failure {
    let (kind, errno) = match &error {
        ureq::Error::Timeout(_) => (FailureKind::Timeout, Some(libc::ETIMEDOUT)),
        ureq::Error::Io(error) => (FailureKind::Network, error.raw_os_error()),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => (FailureKind::Other, None),
        _ => (FailureKind::Network, None),
    };
    let cause = match error {
        ureq::Error::Io(error) => crate::target::cause::words(&error),
        ureq::Error::Timeout(_) => "timed out".to_owned(),
        ureq::Error::HostNotFound => "Name or service not known".to_owned(),
        other => other.to_string(),
    };
    Failure { kind, message: format!("cannot get an answer from `{uri}`: {cause}"), errno, output: None }
}

#[cfg(test)]
mod tests;
