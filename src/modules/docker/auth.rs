//! Logins to registries, as `~/.docker/config.json` and credential helpers keep them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value as Json, json};

use crate::modules::contract::{Halt, fail};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::{Command, Content, Sealed};

/// The key of Docker's own registry.
pub const DEFAULT_REGISTRY: &str = "https://index.docker.io/v1/";

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password, or the token where `is_token`.
    pub password: Sealed,
    /// Whether the password is a token that stands for both.
    pub is_token: bool,
}

/// Where the user's logins are.
pub fn default_path(view: &View<'_>) -> String {
    let directory = view.context().environment.iter().find(|(name, _)| name == "DOCKER_CONFIG");
    match directory {
        Some((_, directory)) => format!("{directory}/config.json"),
        None => "~/.docker/config.json".to_owned(),
    }
}

/// A file of logins: its bytes, where it is there, and what it holds.
///
/// # Errors
/// If it cannot be read.
pub fn read(view: &View<'_>, path: &str) -> Result<(Option<Vec<u8>>, Json), Halt> {
    match view.content(path)? {
        Content::Absent => Ok((None, json!({}))),
        Content::Bytes(bytes) => {
            let held: Json = serde_json::from_slice(&bytes).unwrap_or_default();
            Ok((Some(bytes), if held.is_object() { held } else { json!({}) }))
        }
        Content::NotAFile(_) => fail(format!("`{path}` is not a file")),
        Content::TooLarge { .. } => fail(format!("`{path}` is too large")),
    }
}

/// The credential helper that keeps the login of a registry, if one does.
pub fn helper<'a>(config: &'a Json, registry: &str) -> Option<&'a str> {
    let key = if host(registry) == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
    let own = config.get("credHelpers").and_then(|all| all.get(key).or_else(|| all.get(host(registry))));
    let found = own.or_else(|| config.get("credsStore")).and_then(Json::as_str);
    found.filter(|name| !name.is_empty())
}

/// A call of a credential helper; the registry goes to its standard input.
pub fn call(view: &View<'_>, helper: &str, verb: &str, input: impl AsRef<str>) -> Command {
    let mut command = run::argv(view, [format!("docker-credential-{helper}").as_str(), verb]);
    command.stdin = Some(Sealed::text(input));
    command
}

/// The login that a helper keeps.
///
/// # Errors
/// If it cannot be run.
pub fn from_helper(view: &View<'_>, helper: &str, registry: &str) -> Result<Option<Login>, Halt> {
    let output = view.run(call(view, helper, "get", registry).may_fail())?;
    if output.status != 0 {
        return Ok(None);
    }
    let told: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |name: &str| told.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let username = text("Username");
    let is_token = username == "<token>";
    Ok(Some(Login { username, password: Sealed::text(text("Secret")), is_token }))
}

/// The login for a registry in a file's own list.
pub fn from_file(config: &Json, registry: &str) -> Option<Login> {
    let auths = config.get("auths").and_then(Json::as_object)?;
    let named = auths.get(registry);
    let found =
        named.or_else(|| auths.iter().find(|(key, _)| host(key) == host(registry)).map(|(_, e)| e))?;
    let text = |name: &str| found.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    if let Some(token) = text("identitytoken") {
        return Some(Login { username: String::new(), password: Sealed::text(token), is_token: true });
    }
    if let Some(auth) = text("auth") {
        let bytes = STANDARD.decode(auth).ok()?;
        let decoded = String::from_utf8_lossy(&bytes);
        let (username, password) = decoded.split_once(':')?;
        let password = Sealed::text(password.trim_end_matches('\0'));
        return Some(Login { username: username.to_owned(), password, is_token: false });
    }
    let (username, password) = (text("username")?, text("password").unwrap_or_default());
    Some(Login { username: username.to_owned(), password: Sealed::text(password), is_token: false })
}

/// The header that a request about a registry's images needs; nothing where there is no login.
///
/// # Errors
/// If what the user's logins are cannot be read.
pub fn header(view: &View<'_>, registry: &str) -> Result<Option<(String, Sealed)>, Halt> {
    let (_, config) = read(view, &default_path(view))?;
    let key = if registry == "docker.io" { DEFAULT_REGISTRY } else { registry };
    let login = match helper(&config, key) {
        Some(name) => from_helper(view, name, key)?,
        None => from_file(&config, key),
    };
    Ok(login.map(|Login { username, password, is_token }| {
        let told = if is_token {
            json!({"identitytoken": password.open(), "serveraddress": registry})
        } else {
            json!({"username": username, "password": password.open(), "serveraddress": registry})
        };
        encoded(&told)
    }))
}

/// The header of a request by nobody: newer Engines want one for a push.
pub fn nobody() -> (String, Sealed) {
    encoded(&json!({}))
}

fn encoded(login: &Json) -> (String, Sealed) {
    ("X-Registry-Auth".to_owned(), Sealed::text(URL_SAFE.encode(login.to_string())))
}

/// The entry for a login in a file's list.
pub fn entry(username: &str, password: &str) -> Json {
    json!({"auth": STANDARD.encode(format!("{username}:{password}"))})
}

/// A registry's key without scheme and path.
fn host(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let name = rest.split('/').next().unwrap_or(rest);
    if name == "docker.io" { "index.docker.io" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_by_registry() {
        let config = json!({
            "auths": {
                "https://reg.example/v2/": entry("ada", "p:w"),
                DEFAULT_REGISTRY: {"username": "joe", "password": "x"},
                "token.example": {"identitytoken": "t"},
            },
            "credHelpers": {"gcr.io": "gcr"},
        });
        let found = |registry: &str| {
            from_file(&config, registry).map(|l| (l.username, l.password.open().to_owned(), l.is_token))
        };
        assert_eq!(found("reg.example"), Some(("ada".to_owned(), "p:w".to_owned(), false)));
        assert_eq!(found("docker.io"), Some(("joe".to_owned(), "x".to_owned(), false)));
        assert_eq!(found("token.example"), Some((String::new(), "t".to_owned(), true)));
        assert_eq!(found("other.example"), None);
        assert_eq!((helper(&config, "gcr.io"), helper(&config, "reg.example")), (Some("gcr"), None));
        assert_eq!(helper(&json!({"credsStore": "pass"}), "reg.example"), Some("pass"));
    }
}
