//! What came of it.

use serde_json::Value as Json;

use super::DockerImageParams;
use crate::base::{Map, Value};
use crate::modules::contract::{Failed, Halt, Plan, fail};
use crate::modules::docker::{Engine, api, images};
use crate::modules::run;
use crate::wire::{Action, CommandOutput, Done, Failure, HttpAnswer};

/// The result.
///
/// # Errors
/// The image is not there after all.
pub fn of(
    params: &DockerImageParams,
    engine: &Engine<'_>,
    plan: &Plan,
    outcomes: &[Done],
) -> Result<Map, Halt> {
    let mut result = plan.result.clone();
    let image = images::local(engine, &params.image())?;
    let Some(mut image) = image else {
        return fail(format!("the image {} is not there after all", params.image().told()));
    };
    let (mut before, mut changed) = (None, false);
    for (planned, done) in plan.changes.iter().zip(outcomes) {
        match (&planned.change.action, done) {
            (Action::Http(request), Done::Answered(answer)) if request.method == "GET" => {
                before = Some(images::id(&api::parsed(answer)).to_owned());
            }
            (Action::Http(request), Done::Answered(answer)) if request.url.contains("/push?") => {
                let (pushed, status) = pushed(answer);
                changed |= pushed;
                if let Some(fields) = image.as_object_mut() {
                    fields.insert("push_status".to_owned(), status);
                }
            }
            (Action::Http(request), _) if request.url.contains("/images/create?") => {
                changed |= before.as_deref() != Some(images::id(&image));
            }
            (Action::Run(command), Done::Ran(output)) if is_build(command) => {
                changed |= before.as_deref() != Some(images::id(&image));
                let text = printed(output);
                result.insert("stdout_lines".into(), Value::list(text.lines().map(Value::from)));
                result.insert("stdout".into(), text.into());
            }
            (Action::Run(_), Done::Ran(output)) if run::stdout(output).contains("Loaded image") => {
                changed |= before.as_deref() != Some(images::id(&image));
            }
            _ => changed = true,
        }
    }
    if let Some(fields) = image.as_object_mut().filter(|_| params.push) {
        fields.entry("push_status").or_insert(Json::Null);
    }
    result.insert("image".into(), Value::from_json(&image));
    result.insert("changed".into(), changed.into());
    Ok(result)
}

fn is_build(command: &crate::wire::Command) -> bool {
    matches!(&command.program, crate::wire::Program::Shell { text, .. } if text.starts_with("docker build "))
}

/// What a build printed, as the API streams it: without what the program says of its context, an empty line after each
/// step.
fn printed(output: &CommandOutput) -> String {
    let text = run::stdout(output);
    let mut lines = Vec::new();
    for line in text.split(['\n', '\r']) {
        if line.is_empty() || line.starts_with("Sending build context") {
            continue;
        }
        lines.push(line);
        if line.starts_with("Step ") {
            lines.push("");
        }
    }
    lines.join("\n")
}

/// Whether a push sent something, and the last status that it told.
fn pushed(answer: &HttpAnswer) -> (bool, Json) {
    let lines = api::stream(answer);
    let sent = lines.iter().any(|line| line.get("status").is_some_and(|status| status == "Pushing"));
    (sent, lines.last().and_then(|line| line.get("status")).cloned().unwrap_or_default())
}

/// A build, a load or an archiving that failed.
pub fn program_failed(params: &DockerImageParams, action: Option<&Action>, failure: &Failure) -> Failed {
    let name = params.image().repository;
    let Some(output) = &failure.output else {
        return Failed { message: failure.message.clone(), ..Failed::default() };
    };
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let hint = (output.status == 127).then(|| {
        "the program `docker` is needed on the host for this; Debian's docker.io or docker-cli brings it"
            .to_owned()
    });
    let logs = printed(output);
    let doing = match action {
        Some(Action::Run(command)) if is_build(command) => {
            let logs = Value::list(logs.lines().map(Value::from)).to_text();
            let message = format!("Error building {name} - code: None, message: {said}, logs: {logs}");
            return Failed { message, hint, ..Failed::default() };
        }
        Some(Action::Run(command)) if params.load_path.is_some() && !is_build(command) => "loading",
        _ => "getting",
    };
    Failed { message: format!("Error {doing} image {name} - {said}"), hint, ..Failed::default() }
}
