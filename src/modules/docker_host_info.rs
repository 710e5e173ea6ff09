//! Tells of the Docker Engine, and of what it has.
//!
//! ```yaml
//! - name: Which containers are there
//!   community.docker.docker_host_info:
//!     containers: true
//!     containers_all: true
//!   register: docker
//! ```

use serde_json::{Value as Json, json};

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::docker::{DockerParams, Engine, filters};
use super::view::View;
use crate::base::{Map, Value};
use crate::params;

/// As `community.docker.docker_host_info`.
pub struct DockerHostInfo;

params! {
    /// Parameters of `docker_host_info`.
    pub struct DockerHostInfoParams {
        /// Whether containers are listed.
        containers: bool = false;
        /// Whether those that do not run are listed too.
        containers_all: bool = false;
        /// Which containers: a mapping from names of filters to values, or lists of them.
        containers_filters: Option<Map>;
        /// Whether images are listed.
        images: bool = false;
        /// Which images.
        images_filters: Option<Map>;
        /// Whether networks are listed.
        networks: bool = false;
        /// Which networks.
        networks_filters: Option<Map>;
        /// Whether volumes are listed.
        volumes: bool = false;
        /// Which volumes.
        volumes_filters: Option<Map>;
        /// Whether it is told how much space is used.
        disk_usage: bool = false;
        /// Whether everything is told that the Engine tells.
        verbose_output: bool = false;
    }
    include { docker: DockerParams }
}

/// What is told of each entry of a list.
const FIELDS: [(&str, &[&str]); 4] = [
    ("volumes", &["Driver", "Name"]),
    ("networks", &["Id", "Driver", "Name", "Scope"]),
    ("containers", &["Id", "Image", "Command", "Created", "Status", "Ports", "Names"]),
    ("images", &["Id", "RepoTags", "Created", "Size"]),
];

impl Module for DockerHostInfo {
    type Params = DockerHostInfoParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_host_info",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_host_info.rs"),
        returns: &[
            ("can_talk_to_docker", "whether the Engine answers"),
            ("host_info", "what `docker info` tells"),
            ("containers", "the containers, with `containers`"),
            ("images", "the images, with `images`"),
            ("networks", "the networks, with `networks`"),
            ("volumes", "the volumes, with `volumes`"),
            ("disk_usage", "the space that is used, with `disk_usage`"),
        ],
    };

    fn plan(params: &DockerHostInfoParams, view: &View<'_>) -> Result<Step, Halt> {
        let engine = Engine::of(&params.docker, view)?;
        let paths: Vec<(&str, &[&str], String)> =
            FIELDS.iter().filter_map(|(name, fields)| Some((*name, *fields, params.path(name)?))).collect();
        let usage = params.disk_usage.then_some("/system/df");
        engine.want(["/info"].into_iter().chain(usage).chain(paths.iter().map(|(_, _, path)| path.as_str())));
        let info = engine.look("/info")?.unwrap_or_default();
        let mut plan = Plan::nothing("looked at the Engine")
            .with("can_talk_to_docker", true)
            .with("host_info", Value::from_json(&info));
        if let Some(path) = usage {
            let used = engine.look(path)?.unwrap_or_default();
            let brief = json!({"LayersSize": used.get("LayersSize").cloned().unwrap_or_default()});
            let told = if params.verbose_output { used } else { brief };
            plan = plan.with("disk_usage", Value::from_json(&told));
        }
        for (name, fields, path) in paths {
            let found = engine.look(&path)?.unwrap_or_default();
            let found = found.get("Volumes").cloned().unwrap_or(found);
            let items = found.as_array().cloned().unwrap_or_default();
            let told =
                items.into_iter().map(|item| if params.verbose_output { item } else { brief(&item, fields) });
            plan = plan.with(name, Value::from_json(&told.collect()));
        }
        Ok(Step::Plan(plan))
    }
}

/// An entry with these fields only.
fn brief(item: &Json, fields: &[&str]) -> Json {
    let field = |name: &&str| ((*name).to_owned(), item.get(*name).cloned().unwrap_or_default());
    Json::Object(fields.iter().map(field).collect())
}

impl DockerHostInfoParams {
    /// The path of a list, where it is wanted.
    fn path(&self, list: &str) -> Option<String> {
        let (wanted, path, given) = match list {
            "volumes" => (self.volumes, "/volumes?", &self.volumes_filters),
            "networks" => (self.networks, "/networks?", &self.networks_filters),
            "images" => (self.images, "/images/json?only_ids=0&all=0&", &self.images_filters),
            _ if self.containers_all => {
                (self.containers, "/containers/json?all=1&", &self.containers_filters)
            }
            _ => (self.containers, "/containers/json?all=0&", &self.containers_filters),
        };
        let path = format!("{path}{}", filters::query(given.as_ref()));
        wanted.then(|| path.trim_end_matches(['?', '&']).to_owned())
    }
}
