//! Makes an HTTP request from the host.
//!
//! ```yaml
//! - name: The application is healthy
//!   ansible.builtin.uri:
//!     url: http://127.0.0.1:8080/health
//!     return_content: true
//!   register: health
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{PathText, Raw, Rule};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::action::HttpRequest;
use crate::wire::outcome::HttpAnswer;
use crate::wire::{Action, Change, Done, Failure, Follow, Footprint};
use crate::{choices, params};

use super::web::credentials;

mod answer;
mod body;

/// As `ansible.builtin.uri`.
pub struct Uri;

choices! {
    /// How a body is written.
    pub enum BodyFormat {
        Urlencoded = "form-urlencoded", Json = "json", Raw = "raw", Multipart = "form-multipart",
    }
}

choices! {
    /// Which redirects are followed.
    pub enum Redirects {
        All = "all", No = "no", None = "none", Safe = "safe", Urllib2 = "urllib2", Yes = "yes",
    }
}

params! {
    /// Parameters of `uri`.
    pub struct UriParams {
        /// The URL, `http://` or `https://`.
        url: String;
        /// The method, in capitals.
        method: String = "GET";
        /// The body: a text, or a mapping or list that `body_format` writes.
        body: Option<Raw>;
        /// How the body is written, and its `Content-Type`.
        body_format: BodyFormat = BodyFormat::Raw;
        /// A file that is sent as body, found as `copy` finds it.
        src: Option<String>;
        /// Whether `src` is on the host.
        remote_src: bool = false;
        /// Headers.
        headers: Map = Map::new();
        /// Status codes that are successes.
        status_code: Vec<u16> = vec![200u16];
        /// Whether the result holds the answer's body.
        return_content: bool = false;
        /// User name for basic authentication; it is sent with the first request.
        url_username: Option<String>, aliases ["user"];
        /// Password for basic authentication.
        url_password: Option<String>, aliases ["password"], @secret;
        /// Whether the credentials are sent with the first request; they always are.
        force_basic_auth: bool = false;
        /// Seconds for the whole exchange.
        timeout: u32 = 30u32;
        /// Which redirects are followed: `safe` those of GET and HEAD, `all`, or `none`.
        follow_redirects: Redirects = Redirects::Safe;
        /// Whether certificates are checked.
        validate_certs: bool = true;
        /// A socket on the host that is connected to instead of the URL's host.
        unix_socket: Option<PathText>;
        /// The `User-Agent`.
        http_agent: String = "ansible-httpget";
        /// Whether caches on the way are told not to answer.
        force: bool = false;
        /// A path on the host; where it is there, no request is made.
        creates: Option<PathText>;
        /// A path on the host; where it is not there, no request is made.
        removes: Option<PathText>;
        /// A path on the host that the answer is written to.
        dest: Option<PathText>;
        /// Certificates of authorities.
        ca_path: Option<PathText>;
        /// Ciphers of TLS.
        ciphers: Option<Vec<String>>;
        /// A client certificate.
        client_cert: Option<PathText>;
        /// Key of the client certificate.
        client_key: Option<PathText>;
        /// Whether a compressed answer is unpacked.
        decompress: bool = true;
        /// Names of headers that are left out after a redirect.
        unredirected_headers: Vec<String>;
        /// Whether Kerberos authenticates.
        use_gssapi: bool = false;
        /// Whether `~/.netrc` is used; it is not.
        use_netrc: bool = true;
        /// Whether a proxy is used.
        use_proxy: bool = true;
        /// Mode of `dest`.
        mode: Option<Raw>;
        /// Owner of `dest`.
        owner: Option<String>;
        /// Group of `dest`.
        group: Option<String>;
        /// Attributes of `dest` as `chattr` sets them.
        attributes: Option<String>, aliases ["attr"];
        /// SELinux user of `dest`.
        seuser: Option<String>;
        /// SELinux role of `dest`.
        serole: Option<String>;
        /// SELinux type of `dest`.
        setype: Option<String>;
        /// SELinux level of `dest`.
        selevel: Option<String>;
        /// Whether `dest` may be written in place.
        unsafe_writes: bool = false;
    }
    rules [Rule::MutuallyExclusive(&["body", "src"])]
}

/// Most bytes of an answer.
const BODY_LIMIT: u64 = 32 << 20;

impl Module for Uri {
    type Params = UriParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "uri",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("uri.rs"),
        returns: &[
            ("status", "status code; -1 where there was no answer"),
            ("url", "the URL, after redirects"),
            ("msg", "the status in words"),
            ("redirected", "whether a redirect was followed"),
            ("elapsed", "seconds that it took"),
            ("cookies", "cookies that the answer sets"),
            ("cookies_string", "the same as a text for a header"),
            ("content", "the answer's body, with `return_content`"),
            ("json", "the answer's body as data, where it is JSON"),
        ],
    };

    fn plan(params: &UriParams, view: &View<'_>) -> Result<Step, Halt> {
        params.check()?;
        if let Some(path) = &params.creates
            && view.stat(path, Follow::Yes)?.is_some()
        {
            return Ok(Step::Plan(skipped(&format!("'{}' exists", &**path))));
        }
        if let Some(path) = &params.removes
            && view.stat(path, Follow::Yes)?.is_none()
        {
            return Ok(Step::Plan(skipped(&format!("'{}' does not exist", &**path))));
        }
        let (url, inline) = credentials(&params.url);
        let (body, content_type) = body::of(params, view)?;
        let request = HttpRequest {
            method: params.method.to_uppercase(),
            headers: params.headers(inline, content_type)?,
            body,
            timeout: params.timeout,
            follow_redirects: match params.follow_redirects {
                Redirects::All | Redirects::Yes => "all",
                Redirects::None | Redirects::No => "none",
                Redirects::Safe => "safe",
                Redirects::Urllib2 => "urllib2",
            }
            .to_owned(),
            validate_certs: params.validate_certs,
            unix_socket: params.unix_socket.as_ref().map(|path| path.0.clone()),
            body_limit: BODY_LIMIT,
            authorities: params.ca_path.as_ref().map(|path| path.0.clone()),
            certificate: params.client_cert.as_ref().map(|path| path.0.clone()),
            key: params.client_key.as_ref().map(|path| path.0.clone()),
            ..HttpRequest::get(url)
        };
        let reads = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let summary = format!("{} {}", request.method, request.url);
        let mut change = Change::new(Action::Http(request));
        if reads {
            change.footprint = Footprint::Nothing;
        }
        let plan = Plan { summary, opaque: true, changed: Some(false), ..Plan::default() };
        Ok(Step::Plan(plan.change(change)))
    }

    fn result(params: &UriParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        match outcomes.first() {
            Some(Done::Answered(answer)) => params.judge(answer),
            _ => Ok(plan.result.clone()),
        }
    }

    fn failure(params: &UriParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let accepted = params.accepted();
        let (url, _) = credentials(&params.url);
        let result = crate::map! {"status" => -1, "url" => url, "redirected" => false, "elapsed" => 0};
        let cause = &failure.message;
        let message = format!("Status code was -1 and not {accepted}: Request failed: {cause}");
        Failed { message, result, ..Failed::default() }
    }
}

fn skipped(because: &str) -> Plan {
    let why = because.replace('\'', "`");
    Plan::nothing(why).with("stdout", format!("skipped, since {because}"))
}

impl UriParams {
    fn check(&self) -> Result<(), Halt> {
        let unsupported = [
            ("dest", self.dest.is_some()),
            ("ciphers", self.ciphers.is_some()),
            ("decompress", !self.decompress),
            ("unredirected_headers", !self.unredirected_headers.is_empty()),
            ("use_gssapi", self.use_gssapi),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, given)| *given) {
            return fail(format!("parameter `{name}` of `uri` is not supported yet"));
        }
        let method = self.method.to_uppercase();
        if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
            return fail("Parameter 'method' needs to be a single word in uppercase, like GET or POST.");
        }
        Ok(())
    }

    /// The accepted codes as Python prints the list.
    fn accepted(&self) -> String {
        Value::list(self.status_code.iter().map(|code| Value::from(u32::from(*code)))).to_text()
    }

    /// The result of an answer; another status code than the accepted ones is a failure.
    fn judge(&self, answer: &HttpAnswer) -> Result<Map, Halt> {
        let (asked, _) = credentials(&self.url);
        let mut keys = answer::keys(answer, &asked);
        let accepted = self.status_code.contains(&answer.status);
        let (content, json) = answer::content(answer);
        if let Some(json) = json {
            keys.insert("json".into(), json);
        }
        if self.return_content {
            keys.insert("content".into(), content.into());
        }
        if accepted {
            return Ok(keys);
        }
        let message = keys.get("msg").map(Value::to_text).unwrap_or_default();
        let message = format!("Status code was {} and not {}: {message}", answer.status, self.accepted());
        keys.insert("msg".into(), message.as_str().into());
        Err(Failed { message, result: keys, ..Failed::default() }.into())
    }
}

#[cfg(test)]
mod tests;
