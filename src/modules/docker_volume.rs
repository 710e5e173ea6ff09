//! Keeps a Docker volume.
//!
//! ```yaml
//! - name: The database's volume
//!   community.docker.docker_volume:
//!     name: database
//!     labels:
//!       app: shop
//! ```

use serde_json::{Value as Json, json};

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::docker::{Differences, DockerParams, Engine, api};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure};
use crate::{choices, params};

/// As `community.docker.docker_volume`.
pub struct DockerVolume;

choices! {
    /// Whether the volume shall be there.
    pub enum VolumeState { Present = "present", Absent = "absent" }
}

choices! {
    /// When a volume is removed and made anew.
    pub enum VolumeRecreate { Always = "always", Never = "never", OptionsChanged = "options-changed" }
}

params! {
    /// Parameters of `docker_volume`.
    pub struct DockerVolumeParams {
        /// The volume.
        volume_name: String, aliases ["name"];
        /// Whether it shall be there.
        state: VolumeState = VolumeState::Present;
        /// The driver that keeps it.
        driver: String = "local";
        /// Options of the driver.
        driver_options: Map = Map::new();
        /// Labels; those that it has besides stay.
        labels: Option<Map>;
        /// When a volume that is there is removed, with all that is in it, and made anew: `options-changed` where driver,
        /// options or labels differ.
        recreate: VolumeRecreate = VolumeRecreate::Never;
    }
    include { docker: DockerParams }
}

impl Module for DockerVolume {
    type Params = DockerVolumeParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_volume",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_volume.rs"),
        returns: &[
            ("volume", "the volume as `docker volume inspect` shows it"),
            ("actions", "what was done, in check mode and with `debug`"),
        ],
    };

    fn plan(params: &DockerVolumeParams, view: &View<'_>) -> Result<Step, Halt> {
        let engine = Engine::of(&params.docker, view)?;
        let found = engine.look(&params.path())?;
        match params.state {
            VolumeState::Absent => Ok(Step::Plan(params.remove(&engine, found.as_ref()))),
            VolumeState::Present => params.keep(&engine, found).map(Step::Plan),
        }
    }

    fn result(params: &DockerVolumeParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if params.state == VolumeState::Present {
            let found = Engine::of(&params.docker, view)?.look(&params.path())?;
            result.insert("volume".into(), Value::from_json(&found.unwrap_or_default()));
        }
        Ok(result)
    }

    fn failure(_: &DockerVolumeParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        Failed { message: api::told(failure), ..Failed::default() }
    }
}

impl DockerVolumeParams {
    fn path(&self) -> String {
        format!("/volumes/{}", api::escape(&self.volume_name))
    }

    fn subject(&self) -> String {
        format!("volume {}", self.volume_name)
    }

    fn tells_actions(&self, engine: &Engine<'_>) -> bool {
        engine.view().context().check_mode || self.docker.debug
    }

    fn remove(&self, engine: &Engine<'_>, found: Option<&Json>) -> Plan {
        let name = &self.volume_name;
        if found.is_none() {
            return Plan::nothing(format!("there is no volume {name}")).with("actions", Value::list([]));
        }
        let change = api::change(engine.delete(&self.path())).effect(engine.will_answer(&self.path(), None));
        let mut differences = Differences::default();
        differences.add("state", "present", "absent");
        let plan = Plan::nothing(format!("remove volume {name}")).change(change);
        let actions = Value::list([format!("Removed volume {name}").into()]);
        Plan { diffs: differences.shown(&self.subject()), ..plan.with("actions", actions) }
    }

    fn keep(&self, engine: &Engine<'_>, found: Option<Json>) -> Result<Plan, Halt> {
        let name = &self.volume_name;
        let labels = self.labels.as_ref().map(api::labels).transpose()?;
        let options = api::object(&self.driver_options, api::plain);
        let differences = found.as_ref().map(|found| self.differences(found, &options, labels.as_ref()));
        let anew = match self.recreate {
            VolumeRecreate::Always => true,
            VolumeRecreate::Never => false,
            VolumeRecreate::OptionsChanged => differences.as_ref().is_some_and(|all| !all.is_empty()),
        };
        let (mut plan, mut actions) = (Plan::default(), Vec::new());
        if let (Some(found), false) = (&found, anew) {
            let why = match &differences {
                Some(all) if !all.is_empty() => "there already; it differs, and `recreate` is `never`",
                _ => "there already",
            };
            plan = Plan::nothing(why).with("volume", Value::from_json(found));
            if self.tells_actions(engine) {
                plan = plan.with("actions", Value::list([]));
            }
            return Ok(plan);
        }
        if found.is_some() {
            plan = plan.change(api::change(engine.delete(&self.path())));
            actions.push(format!("Removed volume {name}").into());
        }
        let mut body = json!({"Name": name, "Driver": self.driver, "DriverOpts": options});
        if let (Some(labels), Some(fields)) = (&labels, body.as_object_mut()) {
            fields.insert("Labels".to_owned(), labels.clone());
        }
        let predicted = json!({
            "Driver": self.driver,
            "Labels": labels,
            "Mountpoint": format!("/var/lib/docker/volumes/{name}/_data"),
            "Name": name,
            "Options": options,
            "Scope": "local",
        });
        let create = api::change(engine.post("/volumes/create", Some(&body)));
        plan = plan.change(create.effect(engine.will_answer(&self.path(), Some(&predicted))));
        actions.push(format!("Created volume {name} with driver {}", self.driver).into());
        let mut shown = Differences::default();
        if found.is_none() {
            shown.add("state", "absent", "present");
            shown.add("driver", "", self.driver.as_str());
            shown.add("driver_options", Json::Null, options);
            shown.add("labels", Json::Null, labels.unwrap_or_default());
            plan.summary = format!("create volume {name}");
        } else {
            shown = differences.unwrap_or_default();
            if shown.is_empty() {
                shown.add("state", "present", "made anew");
            }
            plan.summary = format!("make volume {name} anew");
        }
        plan.diffs = shown.shown(&self.subject());
        if self.tells_actions(engine) {
            plan = plan.with("actions", Value::list(actions));
        }
        Ok(plan.with("volume", Value::from_json(&predicted)))
    }

    fn differences(&self, found: &Json, options: &Json, labels: Option<&Json>) -> Differences {
        let mut all = Differences::default();
        let driver = found.get("Driver").cloned().unwrap_or_default();
        if driver != self.driver.as_str() {
            all.add("driver", driver, self.driver.as_str());
        }
        let parts = [("driver_options", "Options", Some(options)), ("labels", "Labels", labels)];
        for (name, field, wanted) in parts {
            for (key, value) in wanted.and_then(Json::as_object).into_iter().flatten() {
                let is = found.get(field).and_then(|found| found.get(key)).cloned().unwrap_or_default();
                if is != *value {
                    all.add(format!("{name}.{key}"), is, value.clone());
                }
            }
        }
        all
    }
}
