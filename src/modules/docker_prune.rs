//! Removes what Docker does not use.
//!
//! ```yaml
//! - name: Nothing that is old and unused stays
//!   community.docker.docker_prune:
//!     containers: true
//!     images: true
//!     images_filters:
//!       until: 240h
//! ```

use serde_json::Value as Json;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::docker::options::bytes;
use super::docker::{DockerParams, Engine, api, filters};
use super::view::View;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::{Action, Done, Failure};

/// As `community.docker.docker_prune`.
pub struct DockerPrune;

params! {
    /// Parameters of `docker_prune`.
    pub struct DockerPruneParams {
        /// Whether containers that do not run are removed.
        containers: bool = false;
        /// Which of them: a mapping from names of filters to values, or lists of them.
        containers_filters: Option<Map>;
        /// Whether images without a name are removed; with the filter `dangling: false` all that no container is of.
        images: bool = false;
        /// Which of them.
        images_filters: Option<Map>;
        /// Whether networks that no container is in are removed.
        networks: bool = false;
        /// Which of them.
        networks_filters: Option<Map>;
        /// Whether volumes that no container has are removed.
        volumes: bool = false;
        /// Which of them.
        volumes_filters: Option<Map>;
        /// Whether the builder's cache is emptied.
        builder_cache: bool = false;
        /// Whether all of it goes, and not only what has no name.
        builder_cache_all: bool = false;
        /// Which of it.
        builder_cache_filters: Option<Map>;
        /// Bytes of the cache that stay: `1G`.
        builder_cache_keep_storage: Option<String>;
    }
    include { docker: DockerParams }
}

impl Module for DockerPrune {
    type Params = DockerPruneParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_prune",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_prune.rs"),
        returns: &[
            ("containers", "ids of the containers that were removed"),
            ("images", "what of images was removed"),
            ("networks", "names of the networks that were removed"),
            ("volumes", "names of the volumes that were removed"),
            ("containers_space_reclaimed", "bytes; `images_…`, `volumes_…` and `builder_cache_…` likewise"),
            ("builder_cache_caches_deleted", "ids of what was removed of the builder's cache"),
        ],
    };

    fn plan(params: &DockerPruneParams, view: &View<'_>) -> Result<Step, Halt> {
        let engine = Engine::of(&params.docker, view)?;
        let (mut plan, mut what) = (Plan { opaque: true, ..Plan::default() }, Vec::new());
        for (name, path) in params.paths()? {
            let mut request = engine.post(&path, None);
            request.timeout = api::LONG;
            plan = plan.change(api::change(request));
            what.push(name);
        }
        if what.is_empty() {
            return Ok(Step::Plan(Plan::nothing("nothing is named that is removed")));
        }
        Ok(Step::Plan(Plan { summary: format!("remove unused {}", what.join(", ")), ..plan }))
    }

    fn result(_: &DockerPruneParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let (mut result, mut changed) = (plan.result.clone(), false);
        for (planned, done) in plan.changes.iter().zip(outcomes) {
            let (Action::Http(request), Done::Answered(answer)) = (&planned.change.action, done) else {
                continue;
            };
            let told = api::parsed(answer);
            let of = |field: &str| told.get(field).filter(|value| !value.is_null()).cloned();
            let kinds = [
                ("/containers/prune", "containers", "ContainersDeleted"),
                ("/images/prune", "images", "ImagesDeleted"),
                ("/networks/prune", "networks", "NetworksDeleted"),
                ("/volumes/prune", "volumes", "VolumesDeleted"),
                ("/build/prune", "builder_cache", "CachesDeleted"),
            ];
            let Some((_, name, field)) = kinds.iter().find(|(path, ..)| request.url.contains(path)) else {
                continue;
            };
            let removed = of(field).unwrap_or_else(|| Json::Array(Vec::new()));
            changed |= removed.as_array().is_some_and(|all| !all.is_empty());
            let key = if *name == "builder_cache" { "builder_cache_caches_deleted" } else { name };
            result.insert(key.into(), Value::from_json(&removed));
            if let Some(space) = of("SpaceReclaimed") {
                changed |= space.as_i64() != Some(0);
                result.insert(format!("{name}_space_reclaimed").into(), Value::from_json(&space));
            }
        }
        result.insert("changed".into(), changed.into());
        Ok(result)
    }

    fn failure(_: &DockerPruneParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let message = format!("An unexpected Docker error occurred: {}", api::told(failure));
        Failed { message, ..Failed::default() }
    }
}

impl DockerPruneParams {
    /// What is asked for, in order.
    fn paths(&self) -> Result<Vec<(&'static str, String)>, Halt> {
        let kinds = [
            ("containers", self.containers, "/containers/prune", &self.containers_filters),
            ("images", self.images, "/images/prune", &self.images_filters),
            ("networks", self.networks, "/networks/prune", &self.networks_filters),
            ("volumes", self.volumes, "/volumes/prune", &self.volumes_filters),
            ("build caches", self.builder_cache, "/build/prune", &self.builder_cache_filters),
        ];
        let mut all = Vec::new();
        for (name, wanted, path, given) in kinds {
            if !wanted {
                continue;
            }
            let mut parts = vec![filters::query(given.as_ref())];
            if name == "build caches" {
                parts.extend(self.builder_cache_all.then(|| "all=true".to_owned()));
                if let Some(text) = &self.builder_cache_keep_storage {
                    match bytes(text) {
                        Ok(bytes) => parts.push(format!("keep-storage={bytes}")),
                        Err(message) => {
                            return fail(format!(
                                "Error while parsing value of builder_cache_keep_storage: {message}"
                            ));
                        }
                    }
                }
            }
            parts.retain(|part| !part.is_empty());
            let query = parts.join("&");
            let query = if query.is_empty() { query } else { format!("?{query}") };
            all.push((name, format!("{path}{query}")));
        }
        Ok(all)
    }
}
