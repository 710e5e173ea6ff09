//! The image that a container shall be of, and whether it is pulled first.

use serde_json::{Value as Json, json};

use super::parameters::{DockerContainerParams, ImageComparison};
use crate::base::Value;
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::image::{ImageName, is_id};
use crate::modules::docker::{Engine, images};

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pull {
    Never,
    Missing,
    Always,
}

/// The images of a task.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// The image that is wanted, as it is here after the pull.
    pub wanted: Option<Json>,
    /// The container's.
    pub of_container: Option<Json>,
    /// That which the options are compared with.
    pub compared: Option<Json>,
    /// What is pulled first.
    pub pull: Option<ImageName>,
    /// What was looked at and need not be pulled.
    pub latest: Option<ImageName>,
}

impl DockerContainerParams {
    fn pulls(&self) -> Result<Pull, Halt> {
        match self.pull.as_ref().map(|raw| &raw.0) {
            None | Some(Value::Null) => Ok(Pull::Missing),
            Some(Value::Bool(true)) => Ok(Pull::Always),
            Some(Value::Bool(false)) => Ok(Pull::Missing),
            Some(value) => match value.to_text().as_str() {
                "never" => Ok(Pull::Never),
                "missing" | "False" | "false" | "no" => Ok(Pull::Missing),
                "always" | "True" | "true" | "yes" => Ok(Pull::Always),
                other => fail(format!(
                    "value of pull must be one of: never, missing, always, True, False, got: {other}"
                )),
            },
        }
    }

    /// The image's name with its tag.
    pub(super) fn image_name(&self) -> Option<ImageName> {
        self.image
            .as_deref()
            .filter(|name| !name.is_empty())
            .map(|name| ImageName::parse(name).or_tag("latest"))
    }
}

/// What is known of the images, and what is to be pulled.
///
/// # Errors
/// The image is not there and must not be pulled; the registry does not have it.
pub fn of(
    params: &DockerContainerParams,
    engine: &Engine<'_>,
    container: Option<&Json>,
) -> Result<Images, Halt> {
    let id = container.and_then(|container| container.get("Image")).and_then(Json::as_str);
    let of_container = id.map(|id| ImageName { repository: id.to_owned(), tag: None });
    let name = params.image_name();
    let wants_own = name.is_none() || params.image_comparison == ImageComparison::Current;
    let needs_own = wants_own || params.platform.is_some();
    let own_path = of_container.as_ref().filter(|_| needs_own).map(images::path);
    let path = name.as_ref().map(images::path);
    engine.want(path.iter().chain(&own_path).map(String::as_str));
    let mut all = Images::default();
    if let Some(own) = of_container.as_ref().filter(|_| needs_own) {
        all.of_container = images::local(engine, own)?;
    }
    let Some(name) = name else {
        all.compared.clone_from(&all.of_container);
        return Ok(all);
    };
    let found = images::local(engine, &name)?;
    let pull = params.pulls()?;
    let platform = params.platform.as_deref();
    let missing = found.is_none();
    if is_id(&name.repository) {
        if missing {
            return fail(format!("Cannot find image with ID {}", name.repository));
        }
    } else if missing && pull == Pull::Never {
        return fail(format!("Cannot find image with name {}, and pull=never", name.told()));
    } else if missing || pull == Pull::Always {
        let stale = match &found {
            Some(image) => images::is_stale(engine, &name, image, platform)?,
            None => true,
        };
        let target = if stale { &mut all.pull } else { &mut all.latest };
        *target = Some(name.clone());
    }
    all.wanted = match (&all.pull, found) {
        // nobody knows its id before, unless the container is of it
        (Some(name), _) => match &of_container {
            Some(own) => Some(pulled(engine, name, own, platform)?),
            None => Some(unknown()),
        },
        (None, found) => found,
    };
    all.compared = if wants_own { all.of_container.clone() } else { all.wanted.clone() };
    Ok(all)
}

/// The image that a pull brings: the container's own, where the registry has that.
fn pulled(
    engine: &Engine<'_>,
    name: &ImageName,
    own: &ImageName,
    platform: Option<&str>,
) -> Result<Json, Halt> {
    match images::local(engine, own)? {
        Some(image) if !images::is_stale(engine, name, &image, platform)? => Ok(image),
        _ => Ok(unknown()),
    }
}

fn unknown() -> Json {
    json!({"Id": "the image that is pulled"})
}
