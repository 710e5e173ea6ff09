//! Tells of Docker images.
//!
//! ```yaml
//! - name: Look at the image
//!   community.docker.docker_image_info:
//!     name: registry.example.com/shop:1.4
//!   register: shop
//! ```

use serde_json::Value as Json;

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::docker::image::ImageName;
use super::docker::{DockerParams, Engine, images};
use super::view::View;
use crate::base::Value;
use crate::params;

/// As `community.docker.docker_image_info`.
pub struct DockerImageInfo;

params! {
    /// Parameters of `docker_image_info`.
    pub struct DockerImageInfoParams {
        /// Names with tags, or ids, of images; without it all.
        name: Option<Vec<String>>;
    }
    include { docker: DockerParams }
}

impl Module for DockerImageInfo {
    type Params = DockerImageInfoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_image_info",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_image_info.rs"),
        returns: &[("images", "the images that are there, as `docker image inspect` shows them")],
    };

    fn plan(params: &DockerImageInfoParams, view: &View<'_>) -> Result<Step, Halt> {
        let engine = Engine::of(&params.docker, view)?;
        let names: Vec<ImageName> = match params.name.as_ref().filter(|names| !names.is_empty()) {
            Some(names) => names.iter().map(|name| ImageName::parse(name).or_tag("latest")).collect(),
            None => {
                let all = engine.look("/images/json?only_ids=0&all=0")?.unwrap_or_default();
                let ids = all.as_array().into_iter().flatten().map(|image| images::id(image).to_owned());
                ids.map(|id| ImageName { repository: id, tag: None }).collect()
            }
        };
        let paths: Vec<String> = names.iter().map(images::path).collect();
        engine.want(paths.iter().map(String::as_str));
        let found: Vec<Option<Json>> =
            names.iter().map(|name| images::local(&engine, name)).collect::<Result<_, _>>()?;
        let found: Vec<Value> = found.iter().flatten().map(Value::from_json).collect();
        let plan = Plan::nothing(format!("looked at {} images", found.len()));
        Ok(Step::Plan(plan.with("images", Value::list(found))))
    }
}
