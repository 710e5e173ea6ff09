//! What is done so that a container is there, as it shall be.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::compare::{Compared, Comparisons};
use super::image::Images;
use super::networks::{self, Network};
use super::parameters::{ContainerState, DockerContainerParams, NameMismatch};
use super::settings::{Place, Setting, Settings};
use super::{detached, image};
use crate::base::Value;
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::docker::{Comparison, Differences, Engine, Kind, api, images};
use crate::wire::action::{Accepts, Again};
use crate::wire::{Change, HttpRequest};

/// Whether a container runs.
pub fn is_running(container: &Json) -> bool {
    container.pointer("/State/Running") == Some(&Json::Bool(true))
}

fn is_paused(container: &Json) -> bool {
    container.pointer("/State/Paused") == Some(&Json::Bool(true))
}

fn is_removing(container: &Json) -> bool {
    container.pointer("/State/Status").is_some_and(|status| status == "removing")
}

/// The changes so far, and what the original says of them.
pub struct Work<'a> {
    params: &'a DockerContainerParams,
    engine: &'a Engine<'a>,
    /// The changes.
    pub plan: Plan,
    /// What was done, in the original's words.
    pub actions: Vec<Json>,
    /// In a few words.
    doing: Vec<String>,
}

impl<'a> Work<'a> {
    /// Nothing yet.
    pub fn new(params: &'a DockerContainerParams, engine: &'a Engine<'a>) -> Self {
        Self { params, engine, plan: Plan::default(), actions: Vec::new(), doing: Vec::new() }
    }

    fn path(&self, rest: &str) -> String {
        format!("/containers/{}{rest}", api::escape(&self.params.name))
    }

    fn request(&mut self, request: HttpRequest) {
        self.plan = std::mem::take(&mut self.plan).change(api::change(request));
    }

    fn post(&mut self, rest: &str, body: Option<&Json>, more_seconds: u32) {
        let mut request = self.engine.post(&self.path(rest), body);
        request.timeout = request.timeout.saturating_add(more_seconds);
        self.request(request);
    }

    /// Stops the container, or kills it.
    pub fn stop(&mut self, container: &Json) {
        let id = container.get("Id").cloned().unwrap_or_default();
        if is_paused(container) {
            self.post("/unpause", None, 0);
        }
        if self.params.force_kill {
            let signal = self.params.kill_signal.as_deref();
            let rest =
                signal.map_or_else(|| "/kill".to_owned(), |s| format!("/kill?signal={}", images::query(s)));
            self.post(&rest, None, 0);
            self.actions.push(json!({"killed": id, "signal": signal}));
            self.doing.push("kill".to_owned());
            return;
        }
        let seconds = self.params.stop_timeout;
        let rest = seconds.filter(|s| *s > 0).map_or_else(|| "/stop".to_owned(), |s| format!("/stop?t={s}"));
        self.post(&rest, None, seconds.unwrap_or(10));
        self.actions.push(json!({"stopped": id, "timeout": seconds}));
        self.doing.push("stop".to_owned());
    }

    /// Stops the container where it runs, and removes it.
    pub fn end(&mut self, container: &Json) {
        if is_running(container) {
            self.stop(container);
        }
        let volumes = !self.params.keep_volumes;
        let mut request = self.engine.delete(&self.path(&format!("?v={volumes}&link=false&force=false")));
        // one that removes itself when it ends is being removed already
        let removes_itself = container.pointer("/HostConfig/AutoRemove") == Some(&Json::Bool(true));
        if removes_itself {
            request.accepts = Accepts::Success { also: vec![404, 409], without: Vec::new() };
        }
        self.request(request);
        if removes_itself {
            self.wait_until_removed();
        }
        let id = container.get("Id").cloned().unwrap_or_default();
        self.actions.push(json!({"removed": id, "volume_state": volumes, "link": false, "force": false}));
        self.doing.push("remove".to_owned());
    }

    fn wait_until_removed(&mut self) {
        let mut request = self.engine.post(&self.path("/wait?condition=removed"), None);
        request.accepts = Accepts::Success { also: vec![404], without: Vec::new() };
        request.timeout =
            self.params.removal_wait_timeout.map_or(api::LONG, |seconds| seconds.ceil().max(1.0) as u32);
        self.request(request);
    }

    fn create(&mut self, image: &str, body: &Json) {
        let first =
            self.params.networks.iter().flatten().take(1).filter(|_| self.params.networks_cli_compatible);
        let endpoints: JsonMap<String, Json> = first.map(|n| (n.name.clone(), n.endpoint())).collect();
        let mut told = body.clone();
        let mut sent = body.clone();
        if let (Some(told), Some(sent)) = (told.as_object_mut(), sent.as_object_mut()) {
            told.insert("Image".to_owned(), image.into());
            sent.insert("Image".to_owned(), image.into());
            if !endpoints.is_empty() {
                sent.insert("NetworkingConfig".to_owned(), json!({"EndpointsConfig": endpoints}));
            }
        }
        let mut path = format!("/containers/create?name={}", images::query(&self.params.name));
        if let Some(platform) = &self.params.platform {
            path.push_str(&format!("&platform={}", images::query(platform)));
        }
        let request = self.engine.post(&path, Some(&sent));
        self.request(request);
        self.actions
            .push(json!({"created": "Created container", "create_parameters": told, "networks": endpoints}));
        self.doing.push("create".to_owned());
    }

    fn connect(&mut self, network: &Network) {
        let body = json!({"Container": self.params.name, "EndpointConfig": network.endpoint()});
        let request = self.engine.post(&format!("{}/connect", networks::path(&network.name)), Some(&body));
        self.request(request);
        self.actions
            .push(json!({"added_to_network": network.name, "network_parameters": network.endpoint()}));
    }

    fn disconnect(&mut self, network: &str) {
        let body = json!({"Container": self.params.name});
        let request = self.engine.post(&format!("{}/disconnect", networks::path(network)), Some(&body));
        self.request(request);
        self.actions.push(json!({"removed_from_network": network}));
    }

    fn wait_until_healthy(&mut self) {
        let mut request = self.engine.post(&self.path("/json"), None);
        "GET".clone_into(&mut request.method);
        let texts =
            ["starting", "unhealthy"].map(|status| format!("\"Health\":{{\"Status\":\"{status}\"")).to_vec();
        let seconds = self.params.healthy_wait_timeout;
        let timeout = if seconds > 0.0 { seconds.ceil() as u32 } else { api::LONG };
        request.again = Some(Again { texts, timeout });
        self.request(request);
    }
}

/// What a change that failed was doing.
pub fn doing(params: &DockerContainerParams, change: &Change) -> String {
    let (name, path) = (&params.name, detached::path_of(change).unwrap_or_default());
    let ends = |end: &str| path.ends_with(end);
    match path {
        _ if ends("/images/create") => {
            format!("pulling image {}", params.image_name().map(|name| name.told()).unwrap_or_default())
        }
        _ if ends("/containers/create") => "creating container".to_owned(),
        _ if ends("/start") => format!("starting container {name}"),
        _ if ends("/restart") => format!("restarting container {name}"),
        _ if ends("/stop") => format!("stopping container {name}"),
        _ if ends("/kill") => format!("killing container {name}"),
        _ if ends("/update") => format!("updating container {name}"),
        _ if ends("/pause") => format!("pausing container {name}"),
        _ if ends("/unpause") => format!("unpausing container {name}"),
        _ if ends("/connect") => "connecting container to network".to_owned(),
        _ if ends("/disconnect") => "disconnecting container from network".to_owned(),
        _ if ends("/json") => format!("waiting for container \"{name}\""),
        _ if ends("/wait") => format!("waiting for container {name}"),
        _ => format!("removing container {name}"),
    }
}

/// Plans it.
///
/// # Errors
/// The image or a network is not there, or a parameter has no meaning.
pub fn plan(params: &DockerContainerParams, engine: &Engine<'_>) -> Result<Plan, Halt> {
    let comparisons = Comparisons::of(params)?;
    let path = params.path();
    let paths: Vec<String> =
        params.networks.iter().flatten().map(|network| networks::path(&network.name)).collect();
    let of_image = params.image_name().map(|name| images::path(&name));
    engine.want(std::iter::once(&path).chain(&paths).chain(&of_image).map(String::as_str));
    let container = engine.look(&path)?;
    for network in params.networks.iter().flatten() {
        networks::look(engine, &network.name)?;
    }
    let removing = container.as_ref().is_some_and(is_removing);
    let there = container.as_ref().filter(|_| !removing);
    let all = image::of(params, engine, there)?;
    let mut settings = Settings::of(params, engine, there, all.compared.as_ref(), all.of_container.as_ref())?;
    namespaces(params, engine, &mut settings)?;
    let mut task =
        Task { params, engine, comparisons, settings, images: &all, shown: Differences::default() };
    let mut work = Work::new(params, engine);
    if let Some(name) = task.images.pull.clone() {
        let pull = api::change(images::pull(engine, &name, params.platform.as_deref())?);
        let then = engine.will_answer(&images::path(&name), task.images.wanted.as_ref());
        work.plan = std::mem::take(&mut work.plan).change(pull.effect(then));
        work.actions.push(json!({"pulled_image": name.told(), "changed": true}));
        work.doing.push("pull the image".to_owned());
        task.shown.add("pulled", "", name.told());
    } else if let Some(name) = &task.images.latest {
        work.actions.push(json!({"pulled_image": name.told(), "changed": false}));
    }
    if removing {
        work.wait_until_removed();
    }
    let after = task.bring(&mut work, there)?;
    task.finish(work, there, after)
}

/// Namespaces that may be those of another container.
fn namespaces(
    params: &DockerContainerParams,
    engine: &Engine<'_>,
    all: &mut Settings<'_>,
) -> Result<(), Halt> {
    let of = |mode: Option<&String>| mode.map(|mode| networks::namespace(engine, mode)).transpose();
    let modes = [
        ("network_mode", "NetworkMode", params.network_mode(engine)?),
        ("ipc_mode", "IpcMode", of(params.ipc_mode.as_ref())?),
        ("pid_mode", "PidMode", of(params.pid_mode.as_ref())?),
    ];
    for (name, key, value) in modes {
        let Some(value) = value else { continue };
        let found = all.host(key);
        // newer Engines write what the default is
        let is_default = name == "network_mode" && value == "default" && found == "bridge";
        let expected = if is_default { found.clone() } else { Json::from(value.as_str()) };
        let sent = vec![(Place::Host(key), value.into())];
        all.add(Setting { expected: Some(expected), found, sent, ..Setting::new(name, Kind::Value) });
    }
    Ok(())
}

struct Task<'a> {
    params: &'a DockerContainerParams,
    engine: &'a Engine<'a>,
    comparisons: Comparisons,
    settings: Settings<'a>,
    images: &'a Images,
    shown: Differences,
}

impl Task<'_> {
    /// What the Engine is given to make the container.
    fn body(&self) -> Json {
        let (mut body, mut host) = (JsonMap::new(), JsonMap::new());
        for (place, value) in self.settings.all.iter().flat_map(|setting| &setting.sent) {
            match place {
                Place::Config(key) => body.insert((*key).to_owned(), value.clone()),
                Place::Host(key) => host.insert((*key).to_owned(), value.clone()),
            };
        }
        if !host.is_empty() {
            body.insert("HostConfig".to_owned(), host.into());
        }
        body.into()
    }

    /// Makes the container, or changes it; gives what it will be like.
    fn bring(&mut self, work: &mut Work<'_>, there: Option<&Json>) -> Result<Json, Halt> {
        let params = self.params;
        let Some(container) = there else {
            let Some(image) = params.image.as_deref().filter(|image| !image.is_empty()) else {
                return fail("Cannot create container when image is not specified!");
            };
            self.shown.add("state", "absent", "present");
            self.shown.add("image", "", image);
            for setting in &self.settings.all {
                if let Some(value) = setting.given() {
                    self.shown.add(setting.name, Json::Null, value.clone());
                }
            }
            let body = self.body();
            work.create(image, &body);
            return Ok(self.predicted(image, &body));
        };
        let Compared { fixed, updatable } = self.settings.compare(params, &self.comparisons)?;
        let mut differs = params.recreate || !fixed.is_empty();
        let mut shown = fixed;
        if self.comparisons.get("image") == Comparison::Strict {
            let id = self.images.wanted.as_ref().map(images::id).filter(|id| !id.is_empty());
            let is = container.get("Image").and_then(Json::as_str).unwrap_or_default();
            let name = container.pointer("/Config/Image").and_then(Json::as_str).unwrap_or_default();
            if let Some(id) = id.filter(|id| *id != is) {
                shown.add("image", is, id);
                differs = true;
            }
            let wanted = params.image.as_deref().filter(|wanted| *wanted != name);
            if let Some(wanted) = wanted.filter(|_| params.image_name_mismatch == NameMismatch::Recreate) {
                shown.add("image_name", name, wanted);
                differs = true;
            }
        }
        if !differs {
            let mut after = container.clone();
            self.update(work, &updatable, &mut after);
            return Ok(after);
        }
        if shown.is_empty() {
            shown.add("state", "present", "made anew");
        }
        shown.0.extend(updatable.0);
        self.shown.0.extend(shown.0);
        let own = container.get("Image").and_then(Json::as_str).unwrap_or_default();
        let image = params.image.as_deref().filter(|image| !image.is_empty()).unwrap_or(own);
        if image.is_empty() {
            return fail(
                "Cannot recreate container when image is not specified or cannot be extracted from current container!",
            );
        }
        work.end(container);
        let body = self.body();
        work.create(image, &body);
        Ok(self.predicted(image, &body))
    }

    /// Changes what can be changed.
    fn update(&mut self, work: &mut Work<'_>, differences: &Differences, after: &mut Json) {
        if differences.is_empty() {
            return;
        }
        let updates = self.settings.all.iter().filter_map(|setting| setting.update.clone());
        let body: JsonMap<String, Json> = updates.map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(host) = after.pointer_mut("/HostConfig").and_then(Json::as_object_mut) {
            host.extend(body.clone());
        }
        let body = Json::Object(body);
        work.post("/update", Some(&body), 0);
        let id = after.get("Id").cloned().unwrap_or_default();
        work.actions.push(json!({"updated": id, "update_parameters": body}));
        work.doing.push("update".to_owned());
        self.shown.0.extend(differences.0.clone());
    }

    /// How a container that is made will be inspected.
    fn predicted(&self, image: &str, body: &Json) -> Json {
        let wanted = self.images.wanted.as_ref();
        let mut config = body.clone();
        let host = config
            .as_object_mut()
            .and_then(|fields| fields.remove("HostConfig"))
            .unwrap_or_else(|| json!({}));
        if let (Some(fields), Some(of_image)) =
            (config.as_object_mut(), wanted.and_then(|image| image.get("Config")).and_then(Json::as_object))
        {
            for (key, value) in of_image.iter().filter(|(_, value)| !value.is_null()) {
                match fields.get_mut(key) {
                    Some(Json::Object(own)) => {
                        for (name, value) in value.as_object().into_iter().flatten() {
                            own.entry(name.clone()).or_insert_with(|| value.clone());
                        }
                    }
                    Some(own) if !own.is_null() && *own != json!([]) => {}
                    _ => {
                        fields.insert(key.clone(), value.clone());
                    }
                }
            }
            let env = self.settings.all.iter().find(|setting| setting.name == "env");
            if let Some(expected) = env.and_then(|env| env.expected.clone()) {
                fields.insert("Env".to_owned(), expected);
            }
            fields.insert("Image".to_owned(), image.into());
        } else if let Some(fields) = config.as_object_mut() {
            fields.insert("Image".to_owned(), image.into());
        }
        let mode = host.get("NetworkMode").and_then(Json::as_str).unwrap_or_default();
        let first =
            self.params.networks.iter().flatten().take(1).filter(|_| self.params.networks_cli_compatible);
        let connected: JsonMap<String, Json> =
            first.map(|network| (network.name.clone(), network.endpoint())).collect();
        let connected =
            if connected.is_empty() { networks::default_networks(mode) } else { connected.into() };
        json!({
            "Id": "",
            "Name": format!("/{}", self.params.name),
            "Image": wanted.map(images::id).unwrap_or_default(),
            "State": {"Status": "created", "Running": false, "Paused": false},
            "Config": config,
            "HostConfig": host,
            "NetworkSettings": {"Networks": connected},
        })
    }

    /// Connects it and disconnects it.
    fn connect(&mut self, work: &mut Work<'_>, is_new: bool, after: &mut Json) {
        let comparison = self.comparisons.get("networks");
        let mut connected = networks::connected(after);
        if comparison != Comparison::Ignore || is_new {
            for network in self.params.networks.iter().flatten() {
                let name = &network.name;
                let differences = connected.get(name).map(|is| network.differences(is));
                if differences.as_ref().is_some_and(Vec::is_empty) {
                    continue;
                }
                match differences {
                    None => self.shown.add(format!("network.{name}"), "", "connected"),
                    Some(all) => {
                        work.disconnect(name);
                        for (option, is, wanted) in all {
                            self.shown.add(format!("network.{name}.{option}"), is, wanted);
                        }
                    }
                }
                work.connect(network);
                connected.insert(name.clone(), network.endpoint());
                work.doing.push(format!("connect it to {name}"));
            }
        }
        if comparison == Comparison::Strict && self.params.networks.is_some() {
            let keeps =
                |name: &str| self.params.networks.iter().flatten().any(|network| network.name == name);
            let gone: Vec<String> = connected.keys().filter(|name| !keeps(name)).cloned().collect();
            for name in gone {
                work.disconnect(&name);
                connected.remove(&name);
                self.shown.add(format!("network.{name}"), "connected", "");
                work.doing.push(format!("disconnect it from {name}"));
            }
        }
        if let Some(networks) = after.pointer_mut("/NetworkSettings/Networks") {
            *networks = connected.into();
        }
    }

    /// Starts it, stops it, pauses it, waits for it.
    fn run(&mut self, work: &mut Work<'_>, was: Option<&Json>, after: &mut Json) {
        let params = self.params;
        let runs = matches!(params.state, ContainerState::Started | ContainerState::Healthy);
        let was_running = was.is_some_and(is_running);
        let running = is_running(after);
        let id = after.get("Id").cloned().unwrap_or_default();
        let word = |running: bool| if running { "running" } else { "stopped" };
        let mut restarted = false;
        if runs && !running {
            if !was_running {
                self.shown.add("state", word(was_running), "running");
            }
            work.post("/start", None, 0);
            work.actions.push(json!({"started": id}));
            work.doing.push("start".to_owned());
            restarted = true;
            if params.detach == Some(false) {
                for request in detached::changes(params, self.engine) {
                    work.request(request);
                }
            }
        } else if runs && params.restart {
            let seconds = params.stop_timeout.filter(|seconds| *seconds > 0).unwrap_or(10);
            work.post(&format!("/restart?t={seconds}"), None, seconds);
            work.actions.push(json!({"restarted": id, "timeout": params.stop_timeout}));
            work.doing.push("restart".to_owned());
            self.shown.add("state", "running", "restarted");
            restarted = true;
        } else if params.state == ContainerState::Stopped && running {
            let container = after.clone();
            work.stop(&container);
            self.shown.add("state", "running", "stopped");
        }
        let running = if runs { true } else { running && params.state != ContainerState::Stopped };
        let mut paused = is_paused(after) && !restarted && running;
        if let Some(wanted) = params.paused.filter(|wanted| runs && *wanted != paused) {
            work.post(if wanted { "/pause" } else { "/unpause" }, None, 0);
            work.actions.push(json!({"set_paused": wanted}));
            work.doing.push(if wanted { "pause" } else { "unpause" }.to_owned());
            self.shown.add("paused", paused, wanted);
            paused = wanted;
        }
        let health = after.pointer("/State/Health/Status").and_then(Json::as_str);
        let may_be_sick = restarted || matches!(health, Some("starting" | "unhealthy"));
        if params.state == ContainerState::Healthy && may_be_sick {
            let only_waits = work.plan.changes.is_empty();
            work.wait_until_healthy();
            if only_waits {
                work.plan.changed = Some(false);
            }
        }
        let state = after.pointer_mut("/State").and_then(Json::as_object_mut);
        if let Some(state) = state.filter(|_| !work.plan.changes.is_empty()) {
            state.insert("Running".to_owned(), running.into());
            state.insert("Paused".to_owned(), paused.into());
            let status = if paused {
                "paused"
            } else if running {
                "running"
            } else {
                "exited"
            };
            state.insert("Status".to_owned(), status.into());
            state.shift_remove("Health");
        }
    }

    fn finish(mut self, mut work: Work<'_>, there: Option<&Json>, mut after: Json) -> Result<Plan, Halt> {
        let is_new = after.get("Id").is_some_and(|id| id == "");
        self.connect(&mut work, is_new, &mut after);
        self.run(&mut work, there, &mut after);
        let Work { mut plan, actions, doing, .. } = work;
        plan.summary = match doing.as_slice() {
            [] if plan.changes.is_empty() => "already as it should be".to_owned(),
            [] => "wait until it is healthy".to_owned(),
            doing => format!("{} container {}", doing.join(", "), self.params.name),
        };
        plan.diffs = self.shown.shown(&self.params.subject());
        plan.warnings = std::mem::take(&mut self.settings.warnings);
        let path = self.params.path();
        if let Some(last) = plan.changes.last_mut() {
            last.change.effects.push(self.engine.will_answer(&path, Some(&after)));
        }
        let plan = plan.with("container", Value::from_json(&after));
        Ok(self.params.with_actions(self.engine, plan, actions))
    }
}
