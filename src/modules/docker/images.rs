//! Images: what is there, what a registry offers, pulls and pushes.

use serde_json::Value as Json;

use super::api::{self, Engine};
use super::auth;
use super::image::ImageName;
use crate::modules::contract::{Failed, Halt, fail};
use crate::wire::HttpRequest;
use crate::wire::action::Accepts;

/// The path that tells of an image.
pub fn path(name: &ImageName) -> String {
    format!("/images/{}/json", api::escape(&name.full()))
}

/// The image that is there under a name.
///
/// # Errors
/// If the Engine does not tell.
pub fn local(engine: &Engine<'_>, name: &ImageName) -> Result<Option<Json>, Halt> {
    engine.look(&path(name))
}

/// The id of an image.
pub fn id(image: &Json) -> &str {
    image.get("Id").and_then(Json::as_str).unwrap_or_default()
}

/// The digest that the registry has under a name. It is asked by the Engine, at the task's turn only.
///
/// # Errors
/// The registry cannot be reached, or has no such image.
pub fn offered(engine: &Engine<'_>, name: &ImageName) -> Result<String, Halt> {
    if engine.view().controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    let header = auth::header(engine.view(), name.registry().0)?;
    let path = format!("/distribution/{}/json", api::escape(&name.full()));
    let told = engine.look_as(&path, header)?;
    let digest = told.as_ref().and_then(|told| told.pointer("/Descriptor/digest")).and_then(Json::as_str);
    match digest {
        Some(digest) => Ok(digest.to_owned()),
        None => fail(format!("{} is not found", name.told())),
    }
}

/// Whether pulling a name would bring another image than this one.
///
/// # Errors
/// As [`offered`], in the words of a pull that fails.
pub fn is_stale(
    engine: &Engine<'_>,
    name: &ImageName,
    image: &Json,
    platform: Option<&str>,
) -> Result<bool, Halt> {
    let architecture = image.get("Architecture").and_then(Json::as_str).unwrap_or_default();
    if platform.is_some_and(|platform| !platform.split('/').any(|part| part == architecture)) {
        return Ok(true);
    }
    match offered(engine, name) {
        Ok(digest) => Ok(!has_digest(image, &digest)),
        Err(Halt::Failed(failed)) => {
            let message = format!("Error pulling image {} - {}", name.told(), failed.message);
            Err(Failed { message, ..*failed }.into())
        }
        Err(halt) => Err(halt),
    }
}

/// Whether an image is known under a digest.
pub fn has_digest(image: &Json, digest: &str) -> bool {
    let known = image.get("RepoDigests").and_then(Json::as_array).into_iter().flatten();
    known
        .filter_map(Json::as_str)
        .any(|known| known.rsplit_once('@').is_some_and(|(_, known)| known == digest))
}

/// Whether an image is known under a digest in that repository.
pub fn is_in_repository(image: &Json, repository: &str, digest: &str) -> bool {
    let known = image.get("RepoDigests").and_then(Json::as_array).into_iter().flatten();
    let wanted = format!("{repository}@{digest}");
    known.filter_map(Json::as_str).any(|known| known == wanted)
}

/// A pull.
///
/// # Errors
/// If the user's logins cannot be read.
pub fn pull(engine: &Engine<'_>, name: &ImageName, platform: Option<&str>) -> Result<HttpRequest, Halt> {
    let mut path = format!("/images/create?fromImage={}", query(&name.repository));
    if let Some(tag) = &name.tag {
        path.push_str(&format!("&tag={}", query(tag)));
    }
    if let Some(platform) = platform {
        path.push_str(&format!("&platform={}", query(platform)));
    }
    let mut request = streamed(engine.post(&path, None));
    request.headers.extend(auth::header(engine.view(), name.registry().0)?);
    Ok(request)
}

/// A push.
///
/// # Errors
/// If the user's logins cannot be read.
pub fn push(engine: &Engine<'_>, name: &ImageName) -> Result<HttpRequest, Halt> {
    let tag = name.tag.as_deref().unwrap_or("latest");
    let path = format!("/images/{}/push?tag={}", api::escape(&name.repository), query(tag));
    let mut request = streamed(engine.post(&path, None));
    let header = auth::header(engine.view(), name.registry().0)?;
    request.headers.push(header.unwrap_or_else(auth::nobody));
    Ok(request)
}

/// A request whose answer is a stream that may end in a failure.
fn streamed(mut request: HttpRequest) -> HttpRequest {
    request.accepts = Accepts::Success { also: Vec::new(), without: vec!["\"errorDetail\"".to_owned()] };
    request.timeout = api::LONG;
    request
}

/// A value in a URL's query.
pub fn query(text: &str) -> String {
    api::escape(text).replace('/', "%2F").replace(':', "%3A").replace('@', "%40")
}
