//! Builds, loads, pulls, tags, pushes, archives and removes images.
//!
//! ```yaml
//! - name: The shop's image, built and pushed
//!   community.docker.docker_image:
//!     name: registry.example.com/shop
//!     tag: "1.4"
//!     source: build
//!     build:
//!       path: /srv/shop
//!       labels:
//!         org.opencontainers.image.version: "1.4"
//!     push: true
//! ```

mod archive;
mod build;
mod present;
mod result;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::docker::image::{ImageName, is_id, is_tag};
use super::docker::{Differences, DockerParams, Engine, api, images};
use super::params::{PathText, Rule};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Done, Failure};
use crate::{choices, params};
use build::{Build, PullOptions};

/// As `community.docker.docker_image`.
pub struct DockerImage;

choices! {
    /// Whether the image shall be there.
    pub enum ImageState { Absent = "absent", Present = "present" }
}

choices! {
    /// Where an image comes from.
    pub enum ImageSource { Build = "build", Load = "load", Pull = "pull", Local = "local" }
}

params! {
    /// Parameters of `docker_image`.
    pub struct DockerImageParams {
        /// The image: a name, which may have a tag, or an id.
        name: String;
        /// Its tag, where the name has none.
        tag: String = "latest";
        /// Whether it shall be there.
        state: ImageState = ImageState::Present;
        /// Where it comes from, where it is not there: it is built, loaded from an archive, pulled, or must be there.
        source: Option<ImageSource>;
        /// How it is built: `path`, `dockerfile`, `args`, `labels`, `target`, `nocache`, `pull`, `rm`, `cache_from`, `network`,
        /// `etc_hosts`, `platform`, `shm_size`, `container_limits`, `http_timeout`, `use_config_proxy`.
        build: Option<Build>;
        /// The archive on the host that it is loaded from.
        load_path: Option<PathText>;
        /// How it is pulled: `platform`.
        pull: Option<PullOptions>;
        /// Whether it is built, loaded or pulled where it is there already. What the registry has already is not pulled.
        force_source: bool = false;
        /// Whether it is removed with everything that uses it.
        force_absent: bool = false;
        /// Whether a tag in `repository` that another image has is moved.
        force_tag: bool = false;
        /// An archive on the host that it is saved to.
        archive_path: Option<PathText>;
        /// Another name that it is tagged with.
        repository: Option<String>;
        /// Whether it is pushed to its registry, or to that of `repository`.
        push: bool = false;
    }
    include { docker: DockerParams }
    rules [
        Rule::RequiredIf("state", "present", &["source"]),
        Rule::RequiredIf("source", "build", &["build"]),
        Rule::RequiredIf("source", "load", &["load_path"]),
    ]
}

impl Module for DockerImage {
    type Params = DockerImageParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_image",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_image.rs"),
        returns: &[
            ("image", "the image as `docker image inspect` shows it"),
            ("actions", "what was done"),
            ("stdout", "what the build printed"),
        ],
    };

    fn plan(params: &DockerImageParams, view: &View<'_>) -> Result<Step, Halt> {
        params.check()?;
        let engine = Engine::of(&params.docker, view)?;
        match params.state {
            ImageState::Absent => params.absent(&engine).map(Step::Plan),
            ImageState::Present => present::plan(params, &engine).map(Step::Plan),
        }
    }

    fn result(
        params: &DockerImageParams,
        view: &View<'_>,
        plan: &Plan,
        outcomes: &[Done],
    ) -> Result<Map, Halt> {
        match params.state {
            ImageState::Absent => Ok(plan.result.clone()),
            ImageState::Present => result::of(params, &Engine::of(&params.docker, view)?, plan, outcomes),
        }
    }

    fn failure(params: &DockerImageParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let action = plan.changes.get(at).map(|planned| &planned.change.action);
        let name = params.image();
        let told = api::told(failure);
        let message = match action {
            Some(Action::Http(request)) if request.url.contains("/images/create?") => {
                format!("Error pulling image {} - {told}", name.told())
            }
            Some(Action::Http(request)) if request.url.contains("/push?") => params.push_failed(&told),
            Some(Action::Http(request)) if request.method == "DELETE" => {
                format!("Error removing image {} - {told}", name.told())
            }
            Some(Action::Http(_)) => format!("Error: failed to tag image - {told}"),
            _ => return result::program_failed(params, action, failure),
        };
        Failed { message, ..Failed::default() }
    }
}

impl DockerImageParams {
    /// The image with its tag.
    fn image(&self) -> ImageName {
        ImageName::parse(&self.name).or_tag(&self.tag)
    }

    /// What it is tagged with besides.
    fn target(&self) -> Option<ImageName> {
        let own = self.image().tag.filter(|tag| !tag.is_empty()).unwrap_or_else(|| "latest".to_owned());
        self.repository.as_deref().map(|repository| ImageName::parse(repository).or_tag(&own))
    }

    fn subject(&self) -> String {
        format!("image {}", self.image().told())
    }

    fn check(&self) -> Result<(), Halt> {
        if !self.tag.is_empty() && !is_tag(&self.tag) {
            return fail(format!("\"{}\" is not a valid docker tag!", self.tag));
        }
        if let Some(repository) = self.repository.as_deref().filter(|repository| is_id(repository)) {
            return fail(format!("`repository` must not be an image ID; got: {repository}"));
        }
        if self.repository.is_none() && self.push && is_id(&self.name) {
            return fail(format!(
                "Cannot push an image by ID; specify `repository` to tag and push the image with ID {} instead",
                self.name
            ));
        }
        Ok(())
    }

    fn absent(&self, engine: &Engine<'_>) -> Result<Plan, Halt> {
        let name = self.image();
        let nothing = Value::map(Map::new());
        if images::local(engine, &name)?.is_none() {
            let plan = Plan::nothing(format!("there is no image {}", name.told()));
            return Ok(plan.with("actions", Value::list([])).with("image", nothing));
        }
        let path = format!("/images/{}?force={}", api::escape(&name.full()), self.force_absent);
        let remove = api::change(engine.delete(&path)).effect(engine.will_answer(&images::path(&name), None));
        let mut shown = Differences::default();
        shown.add("state", "present", "absent");
        let plan = Plan::nothing(format!("remove image {}", name.told())).change(remove);
        let actions = Value::list([format!("Removed image {}", name.told()).into()]);
        let plan =
            plan.with("actions", actions).with("image", Value::map(crate::map! {"state" => "Deleted"}));
        Ok(Plan { diffs: shown.shown(&self.subject()), ..plan })
    }

    fn push_failed(&self, told: &str) -> String {
        let name = self.target().unwrap_or_else(|| self.image());
        let (registry, repository) = name.registry();
        let tag = name.tag.as_deref().unwrap_or_default();
        if !told.contains("unauthorized") {
            return format!("Error pushing image {}: {told}", name.repository);
        }
        let hint = if told.contains("authentication required") {
            format!("Try logging into {registry} first.")
        } else {
            "Does the repository exist?".to_owned()
        };
        format!("Error pushing image {registry}/{repository}:{tag} - {told}. {hint}")
    }
}
