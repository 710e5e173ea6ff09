//! Tells of a Docker network.
//!
//! ```yaml
//! - name: Look at the network
//!   community.docker.docker_network_info:
//!     name: shop
//!   register: network
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Step};
use super::docker::{DockerParams, Engine, api};
use super::view::View;
use crate::params;

/// As `community.docker.docker_network_info`.
pub struct DockerNetworkInfo;

params! {
    /// Parameters of `docker_network_info`.
    pub struct DockerNetworkInfoParams {
        /// The network.
        name: String;
    }
    include { docker: DockerParams }
}

impl Module for DockerNetworkInfo {
    type Params = DockerNetworkInfoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_network_info",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_network_info.rs"),
        returns: &[
            ("exists", "whether it is there"),
            ("network", "the network as `docker network inspect` shows it; null where there is none"),
        ],
    };

    fn plan(params: &DockerNetworkInfoParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = format!("/networks/{}", api::escape(&params.name));
        let found = Engine::of(&params.docker, view)?.look(&path)?;
        Ok(Step::Plan(api::told_of("network", &params.name, found)))
    }
}
