//! Tells of a Docker volume.
//!
//! ```yaml
//! - name: Look at the volume
//!   community.docker.docker_volume_info:
//!     name: database
//!   register: volume
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Step};
use super::docker::{DockerParams, Engine, api};
use super::view::View;
use crate::params;

/// As `community.docker.docker_volume_info`.
pub struct DockerVolumeInfo;

params! {
    /// Parameters of `docker_volume_info`.
    pub struct DockerVolumeInfoParams {
        /// The volume.
        name: String, aliases ["volume_name"];
    }
    include { docker: DockerParams }
}

impl Module for DockerVolumeInfo {
    type Params = DockerVolumeInfoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_volume_info",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_volume_info.rs"),
        returns: &[
            ("exists", "whether it is there"),
            ("volume", "the volume as `docker volume inspect` shows it; null where there is none"),
        ],
    };

    fn plan(params: &DockerVolumeInfoParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = format!("/volumes/{}", api::escape(&params.name));
        let found = Engine::of(&params.docker, view)?.look(&path)?;
        Ok(Step::Plan(api::told_of("volume", &params.name, found)))
    }
}
