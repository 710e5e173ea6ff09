//! A container whose end is waited for (`detach: false`).

use serde_json::{Value as Json, json};

use super::parameters::DockerContainerParams;
use crate::base::{Map, Value};
use crate::modules::contract::{Failed, Halt, Plan};
use crate::modules::docker::{Engine, api};
use crate::wire::{Action, Change, Done, HttpRequest};

/// What waits for the end, what reads what it printed, and what cleans up.
pub fn changes(params: &DockerContainerParams, engine: &Engine<'_>) -> Vec<HttpRequest> {
    let name = api::escape(&params.name);
    let mut wait = engine.post(&format!("/containers/{name}/wait"), None);
    wait.timeout = api::LONG;
    let mut all = vec![wait];
    if params.auto_remove != Some(true) {
        let mut logs =
            engine.post(&format!("/containers/{name}/logs?stderr=1&stdout=1&timestamps=0&tail=all"), None);
        "GET".clone_into(&mut logs.method);
        all.push(logs);
        if params.cleanup {
            let volumes = !params.keep_volumes;
            all.push(engine.delete(&format!("/containers/{name}?v={volumes}&link=false&force=true")));
        }
    }
    all
}

/// Whether a change waits for the end of a container.
pub fn is_end(change: &Change) -> bool {
    path_of(change).is_some_and(|path| path.ends_with("/wait"))
}

/// The path that a change asks for.
pub fn path_of(change: &Change) -> Option<&str> {
    match &change.action {
        Action::Http(request) => Some(request.url.split('?').next().unwrap_or(&request.url)),
        _ => None,
    }
}

/// The result: the exit status and what was printed; a status other than 0 is a failure.
pub fn result(
    params: &DockerContainerParams,
    plan: &Plan,
    outcomes: &[Done],
    container: Option<Json>,
) -> Result<Map, Halt> {
    let answer = |ends: &str| {
        let mut pairs = plan.changes.iter().zip(outcomes);
        pairs.find_map(|(planned, done)| match done {
            Done::Answered(answer) if path_of(&planned.change).is_some_and(|path| path.ends_with(ends)) => {
                Some(answer)
            }
            _ => None,
        })
    };
    let status = answer("/wait").map(api::parsed).unwrap_or_default();
    let status = status.get("StatusCode").and_then(Json::as_i64).unwrap_or(0);
    let driver =
        container.as_ref().and_then(|c| c.pointer("/HostConfig/LogConfig/Type")).and_then(Json::as_str);
    let driver = driver.or(params.log_driver.as_deref()).unwrap_or("json-file");
    let output = match answer("/logs") {
        None => "Cannot retrieve result as auto_remove is enabled".to_owned(),
        Some(_) if !matches!(driver, "json-file" | "journald" | "local") => {
            format!("Result logged using `{driver}` driver")
        }
        Some(answer) if params.tty == Some(true) => String::from_utf8_lossy(&answer.body).into_owned(),
        Some(answer) => apart(&answer.body),
    };
    let mut container = container.unwrap_or_else(|| json!({}));
    if let Some(fields) = container.as_object_mut() {
        fields.insert("Output".to_owned(), output.as_str().into());
    }
    let mut result = plan.result.clone();
    result.insert("container".into(), Value::from_json(&container));
    result.insert("status".into(), status.into());
    result.insert("changed".into(), true.into());
    if status == 0 {
        return Ok(result);
    }
    result.insert("msg".into(), output.as_str().into());
    Err(Failed { message: output, result, ..Failed::default() }.into())
}

/// The texts of a stream in which standard output and error follow one another, each with its length.
fn apart(mut stream: &[u8]) -> String {
    let mut all = Vec::new();
    while let Some((head, rest)) = stream.split_at_checked(8) {
        let length = head.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
        let (text, after) = rest.split_at(rest.len().min(length as usize));
        all.extend_from_slice(text);
        stream = after;
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_taken_apart() {
        let stream = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x02!\n";
        assert_eq!(apart(stream), "one!\n");
        assert_eq!(apart(b"\x01\0\0\0\0\0\0\x09cut"), "cut");
    }
}
