//! Tells of a Docker container.
//!
//! ```yaml
//! - name: Look at the container
//!   community.docker.docker_container_info:
//!     name: shop
//!   register: container
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Step};
use super::docker::{DockerParams, Engine, api};
use super::view::View;
use crate::params;

/// As `community.docker.docker_container_info`.
pub struct DockerContainerInfo;

params! {
    /// Parameters of `docker_container_info`.
    pub struct DockerContainerInfoParams {
        /// The container.
        name: String;
    }
    include { docker: DockerParams }
}

impl Module for DockerContainerInfo {
    type Params = DockerContainerInfoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_container_info",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_container_info.rs"),
        returns: &[
            ("exists", "whether it is there"),
            ("container", "the container as `docker container inspect` shows it; null where there is none"),
        ],
    };

    fn plan(params: &DockerContainerInfoParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = format!("/containers/{}/json", api::escape(&params.name));
        let found = Engine::of(&params.docker, view)?.look(&path)?;
        Ok(Step::Plan(api::told_of("container", &params.name, found)))
    }
}
