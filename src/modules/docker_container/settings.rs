//! The options as they are compared with a container, and as the Engine takes them.

use serde_json::{Value as Json, json};

use super::parameters::{CommandHandling, DefaultBehavior, DockerContainerParams, LabelMismatch};
use crate::base::{Map, Value, shlex};
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::options::{Entries, bytes, nanoseconds};
use crate::modules::docker::{Engine, Kind, api};
use crate::modules::params::{ParamValue, Raw};
use crate::modules::view::View;
use crate::wire::Content;

/// Where the Engine takes an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the container's own configuration.
    Config(&'static str),
    /// In that of the host.
    Host(&'static str),
}

/// An option.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// How its values are compared.
    pub kind: Kind,
    /// What it shall be; `None` where it is not compared.
    pub expected: Option<Json>,
    /// What it is.
    pub found: Json,
    /// What makes it so in a new container.
    pub sent: Vec<(Place, Json)>,
    /// What makes it so in one that is there, where that can be changed.
    pub update: Option<(&'static str, Json)>,
    /// Whether it is one that can be changed.
    pub updatable: bool,
}

impl Setting {
    /// An option that is not given.
    pub fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            expected: None,
            found: Json::Null,
            sent: Vec::new(),
            update: None,
            updatable: false,
        }
    }

    /// What the task gives, without what the image has besides.
    pub fn given(&self) -> Option<&Json> {
        match (self.name, self.sent.first()) {
            ("env" | "labels" | "exposed_ports" | "volumes", sent) => sent.map(|(_, value)| value),
            _ => self.expected.as_ref(),
        }
    }
}

/// All options of a task against a container.
pub struct Settings<'a> {
    /// What is seen of the host.
    pub view: &'a View<'a>,
    /// The container, where there is one.
    pub container: Option<&'a Json>,
    /// The image that the options are compared with.
    pub image: Option<&'a Json>,
    /// The image of the container.
    pub container_image: Option<&'a Json>,
    /// The options.
    pub all: Vec<Setting>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// One of `device_read_bps` and the like.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRate {
    path: String,
    rate: String,
}

impl ParamValue for DeviceRate {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let given = Entries::of(value, &["path", "rate"])?;
        let rate: String = given.need("rate")?;
        bytes(&rate)?;
        Ok(Self { path: given.need("path")?, rate })
    }
}

/// One of `device_requests`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRequest(Json);

impl ParamValue for DeviceRequest {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let given = Entries::of(value, &["capabilities", "count", "device_ids", "driver", "options"])?;
        Ok(Self(json!({
            "Driver": given.get::<String>("driver")?,
            "Count": given.get::<i64>("count")?,
            "DeviceIDs": given.get::<Vec<String>>("device_ids")?,
            "Capabilities": given.get::<Vec<Vec<String>>>("capabilities")?,
            "Options": given.get::<Map>("options")?.map(|all| api::object(&all, api::plain)),
        })))
    }
}

/// `healthcheck`, as the Engine takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Healthcheck(Json);

impl ParamValue for Healthcheck {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let known = [
            "test",
            "test_cli_compatible",
            "interval",
            "timeout",
            "start_period",
            "start_interval",
            "retries",
        ];
        let given = Entries::of(value, &known)?;
        let compatible: bool = given.get("test_cli_compatible")?.unwrap_or(false);
        let test = match given.get::<Raw>("test")?.map(|raw| raw.0) {
            Some(Value::List(words)) if !words.is_empty() || compatible => {
                Some(words.iter().map(api::plain).collect::<Json>())
            }
            None | Some(Value::List(_)) => None,
            Some(text) if text.to_text().is_empty() => None,
            Some(text) => Some(json!(["CMD-SHELL", api::plain(&text)])),
        };
        let mut check = serde_json::Map::new();
        let is_off = test.is_none() && !compatible;
        if is_off {
            return Ok(Self(json!({"Test": ["NONE"]})));
        }
        if let Some(test) = test {
            check.insert("Test".to_owned(), test);
        }
        let durations = [
            ("interval", "Interval"),
            ("timeout", "Timeout"),
            ("start_period", "StartPeriod"),
            ("start_interval", "StartInterval"),
        ];
        for (name, field) in durations {
            let time = given.get::<String>(name)?.map(|text| nanoseconds(&text)).transpose()?;
            if let Some(time) = time.filter(|time| *time != 0) {
                check.insert(field.to_owned(), time.into());
            }
        }
        if let Some(retries) = given.get::<i64>("retries")?.filter(|retries| *retries != 0) {
            check.insert("Retries".to_owned(), retries.into());
        }
        Ok(Self(check.into()))
    }
}

fn list(values: Option<&Vec<String>>) -> Option<Json> {
    values.map(|values| Json::from(values.clone()))
}

fn text(value: Option<&String>) -> Option<Json> {
    value.map(|value| Json::from(value.as_str()))
}

fn map(value: Option<&Map>) -> Option<Json> {
    value.map(|all| api::object(all, api::plain))
}

/// A size option in bytes.
fn size(name: &str, value: Option<&String>, unlimited: bool) -> Result<Option<Json>, Halt> {
    let Some(text) = value else { return Ok(None) };
    if unlimited && matches!(text.as_str(), "unlimited" | "-1") {
        return Ok(Some(Json::from(-1)));
    }
    match bytes(text) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(message) => fail(format!("Failed to convert {name} to bytes: {message}")),
    }
}

impl<'a> Settings<'a> {
    /// The options that the parameters give.
    ///
    /// # Errors
    /// If one has no meaning.
    pub fn of(
        params: &DockerContainerParams,
        engine: &Engine<'a>,
        container: Option<&'a Json>,
        image: Option<&'a Json>,
        container_image: Option<&'a Json>,
    ) -> Result<Self, Halt> {
        let view = engine.view();
        let mut all = Self { view, container, image, container_image, all: Vec::new(), warnings: Vec::new() };
        all.plain(params)?;
        all.lists(params)?;
        all.limits(params)?;
        all.command(params)?;
        all.environment(params)?;
        all.labels(params)?;
        all.groups_of_options(params);
        all.platform(params);
        all.mounts(params)?;
        all.ports(params, engine)?;
        Ok(all)
    }

    /// Adds an option.
    pub fn add(&mut self, setting: Setting) {
        self.all.push(setting);
    }

    /// An entry of the container's own configuration.
    pub fn config(&self, key: &str) -> Json {
        self.of_container("Config", key)
    }

    /// An entry of the host's configuration of the container.
    pub fn host(&self, key: &str) -> Json {
        self.of_container("HostConfig", key)
    }

    fn of_container(&self, part: &str, key: &str) -> Json {
        let found = self.container.and_then(|container| container.get(part)).and_then(|part| part.get(key));
        found.cloned().unwrap_or_default()
    }

    fn simple(&mut self, name: &'static str, kind: Kind, place: Place, value: Option<Json>) {
        let Some(value) = value else { return };
        let found = match place {
            Place::Config(key) => self.config(key),
            Place::Host(key) => self.host(key),
        };
        let sent = vec![(place, value.clone())];
        self.add(Setting { expected: Some(value), found, sent, ..Setting::new(name, kind) });
    }

    fn limit(&mut self, name: &'static str, key: &'static str, value: Option<Json>) {
        let Some(value) = value else { return };
        self.add(Setting {
            expected: Some(value.clone()),
            found: self.host(key),
            sent: vec![(Place::Host(key), value.clone())],
            update: Some((key, value)),
            updatable: true,
            ..Setting::new(name, Kind::Value)
        });
    }

    fn plain(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        use Place::{Config, Host};
        let old = |value: Option<bool>| {
            value.or((params.container_default_behavior == DefaultBehavior::Compatibility).then_some(false))
        };
        let flag = |value: Option<bool>| value.map(Json::from);
        let number = |value: Option<i64>| value.map(Json::from);
        let cpus = params.cpus.map(|cpus| Json::from((cpus * 1e9).round() as i64));
        let all = [
            ("auto_remove", Host("AutoRemove"), flag(old(params.auto_remove))),
            ("cgroupns_mode", Host("CgroupnsMode"), params.cgroupns_mode.map(|mode| mode.text().into())),
            ("cgroup_parent", Host("CgroupParent"), text(params.cgroup_parent.as_ref())),
            ("cpus", Host("NanoCpus"), cpus),
            ("domainname", Config("Domainname"), text(params.domainname.as_ref())),
            ("hostname", Config("Hostname"), text(params.hostname.as_ref())),
            ("init", Host("Init"), flag(old(params.init))),
            (
                "mac_address",
                Config("MacAddress"),
                params.mac_address.as_ref().map(|mac| mac.replace('-', ":").into()),
            ),
            ("memory_swappiness", Host("MemorySwappiness"), number(params.memory_swappiness)),
            ("oom_killer", Host("OomKillDisable"), flag(params.oom_killer)),
            ("oom_score_adj", Host("OomScoreAdj"), number(params.oom_score_adj)),
            ("pids_limit", Host("PidsLimit"), number(params.pids_limit)),
            ("privileged", Host("Privileged"), flag(old(params.privileged))),
            ("read_only", Host("ReadonlyRootfs"), flag(old(params.read_only))),
            ("runtime", Host("Runtime"), text(params.runtime.as_ref())),
            ("shm_size", Host("ShmSize"), size("shm_size", params.shm_size.as_ref(), false)?),
            ("stop_signal", Config("StopSignal"), text(params.stop_signal.as_ref())),
            ("stop_timeout", Config("StopTimeout"), params.stop_timeout.map(Json::from)),
            ("tty", Config("Tty"), flag(old(params.tty))),
            ("user", Config("User"), text(params.user.as_ref())),
            ("userns_mode", Host("UsernsMode"), text(params.userns_mode.as_ref())),
            ("uts", Host("UTSMode"), text(params.uts.as_ref())),
            ("volume_driver", Host("VolumeDriver"), text(params.volume_driver.as_ref())),
            ("working_dir", Config("WorkingDir"), text(params.working_dir.as_ref())),
        ];
        for (name, place, value) in all {
            self.simple(name, Kind::Value, place, value);
        }
        Ok(())
    }

    fn lists(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        use Place::Host;
        let rates = |rates: Option<&Vec<DeviceRate>>| {
            rates.map(|rates| {
                let rate =
                    |rate: &DeviceRate| json!({"Path": rate.path, "Rate": bytes(&rate.rate).unwrap_or(0)});
                rates.iter().map(rate).collect::<Json>()
            })
        };
        let devices =
            params.devices.as_ref().map(|all| all.iter().map(|text| device(text)).collect::<Json>());
        let requests =
            params.device_requests.as_ref().map(|all| all.iter().map(|r| r.0.clone()).collect::<Json>());
        let links = params.links.as_ref().map(|all| {
            let link = |link: &String| {
                let (name, alias) = link.split_once(':').unwrap_or((link, link));
                Json::from(format!("/{name}:/{}/{alias}", params.name))
            };
            all.iter().map(link).collect::<Json>()
        });
        let hosts = params.etc_hosts.as_ref().map(|all| {
            let entry = |(name, address): (&crate::base::Key, &Value)| {
                Json::from(format!(
                    "{}:{}",
                    name.to_value().to_text(),
                    api::plain(address).as_str().unwrap_or_default()
                ))
            };
            all.iter().map(entry).collect::<Json>()
        });
        let ulimits = params
            .ulimits
            .as_ref()
            .map(|all| all.iter().map(|text| ulimit(text)).collect::<Result<Json, _>>());
        let tmpfs = params.tmpfs.as_ref().map(|all| {
            let parts = all.iter().map(|text| text.split_once(':').unwrap_or((text, "")));
            Json::Object(parts.map(|(path, options)| (path.to_owned(), options.into())).collect())
        });
        let all = [
            ("capabilities", Kind::Set, "CapAdd", list(params.capabilities.as_ref())),
            ("cap_drop", Kind::Set, "CapDrop", list(params.cap_drop.as_ref())),
            ("devices", Kind::Maps, "Devices", devices),
            ("device_read_bps", Kind::Maps, "BlkioDeviceReadBps", rates(params.device_read_bps.as_ref())),
            ("device_write_bps", Kind::Maps, "BlkioDeviceWriteBps", rates(params.device_write_bps.as_ref())),
            ("device_read_iops", Kind::Maps, "BlkioDeviceReadIOps", rates(params.device_read_iops.as_ref())),
            (
                "device_write_iops",
                Kind::Maps,
                "BlkioDeviceWriteIOps",
                rates(params.device_write_iops.as_ref()),
            ),
            ("device_requests", Kind::Maps, "DeviceRequests", requests),
            (
                "device_cgroup_rules",
                Kind::List,
                "DeviceCgroupRules",
                list(params.device_cgroup_rules.as_ref()),
            ),
            ("dns_servers", Kind::List, "Dns", list(params.dns_servers.as_ref())),
            ("dns_opts", Kind::Set, "DnsOptions", list(params.dns_opts.as_ref())),
            ("dns_search_domains", Kind::List, "DnsSearch", list(params.dns_search_domains.as_ref())),
            ("etc_hosts", Kind::Set, "ExtraHosts", hosts),
            ("groups", Kind::Set, "GroupAdd", list(params.groups.as_ref())),
            ("links", Kind::Set, "Links", links),
            ("security_opts", Kind::Set, "SecurityOpt", list(params.security_opts.as_ref())),
            ("storage_opts", Kind::Map, "StorageOpt", map(params.storage_opts.as_ref())),
            ("sysctls", Kind::Map, "Sysctls", map(params.sysctls.as_ref())),
            ("tmpfs", Kind::Map, "Tmpfs", tmpfs),
            ("ulimits", Kind::Maps, "Ulimits", ulimits.transpose()?),
            ("volumes_from", Kind::Set, "VolumesFrom", list(params.volumes_from.as_ref())),
        ];
        for (name, kind, key, value) in all {
            self.simple(name, kind, Host(key), value);
        }
        // the Engine writes them with their prefix, and takes them with and without
        for setting in self.all.iter_mut().filter(|s| matches!(s.name, "capabilities" | "cap_drop")) {
            setting.expected = setting.expected.take().map(|all| capabilities(&all));
            setting.found = capabilities(&setting.found);
        }
        Ok(())
    }

    fn limits(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        let compatible = params.container_default_behavior == DefaultBehavior::Compatibility;
        let memory = params.memory.clone().or_else(|| compatible.then(|| "0".to_owned()));
        let all = [
            ("blkio_weight", "BlkioWeight", params.blkio_weight.map(Json::from)),
            ("cpu_period", "CpuPeriod", params.cpu_period.map(Json::from)),
            ("cpu_quota", "CpuQuota", params.cpu_quota.map(Json::from)),
            ("cpuset_cpus", "CpusetCpus", text(params.cpuset_cpus.as_ref())),
            ("cpuset_mems", "CpusetMems", text(params.cpuset_mems.as_ref())),
            ("cpu_shares", "CpuShares", params.cpu_shares.map(Json::from)),
            ("kernel_memory", "KernelMemory", size("kernel_memory", params.kernel_memory.as_ref(), false)?),
            ("memory", "Memory", size("memory", memory.as_ref(), false)?),
            (
                "memory_reservation",
                "MemoryReservation",
                size("memory_reservation", params.memory_reservation.as_ref(), false)?,
            ),
            ("memory_swap", "MemorySwap", size("memory_swap", params.memory_swap.as_ref(), true)?),
        ];
        for (name, key, value) in all {
            self.limit(name, key, value);
        }
        let Some(policy) = params.restart_policy else { return Ok(()) };
        let wanted = json!({"Name": policy.text(), "MaximumRetryCount": params.restart_retries});
        let there = self.host("RestartPolicy");
        let found = |key: &str| there.get(key).cloned().unwrap_or_default();
        let (name, retries) = (found("Name"), found("MaximumRetryCount"));
        // a policy that was never set is no policy
        let name = if name == "" { Json::from("no") } else { name };
        self.add(Setting {
            expected: Some(policy.text().into()),
            found: name,
            sent: vec![(Place::Host("RestartPolicy"), wanted.clone())],
            update: Some(("RestartPolicy", wanted)),
            updatable: true,
            ..Setting::new("restart_policy", Kind::Value)
        });
        self.add(Setting {
            expected: params.restart_retries.map(Json::from),
            found: retries,
            updatable: true,
            ..Setting::new("restart_retries", Kind::Value)
        });
        Ok(())
    }

    fn command(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        let split = |text: &str| match shlex::split(text) {
            Ok(words) => Ok(words),
            Err(_) => fail(format!("cannot take the command apart: {text}")),
        };
        let correct = params.command_handling == CommandHandling::Correct;
        let words: Option<Vec<String>> = match params.command.as_ref().map(|raw| &raw.0) {
            None | Some(Value::Null) => None,
            Some(Value::List(words)) => {
                let words: Vec<String> = words
                    .iter()
                    .map(|word| api::plain(word).as_str().unwrap_or_default().to_owned())
                    .collect();
                if correct { Some(words) } else { Some(split(&words.join(" "))?) }
            }
            Some(text) => Some(split(api::plain(text).as_str().unwrap_or_default())?),
        };
        if let Some(words) = words.filter(|words| correct || !words.is_empty()) {
            let own = self.image.and_then(|image| image.pointer("/Config/Cmd")).filter(|cmd| !cmd.is_null());
            let expected = match own {
                Some(own) if words.is_empty() => own.clone(),
                _ => Json::from(words.clone()),
            };
            let found = self.config("Cmd");
            let sent = vec![(Place::Config("Cmd"), Json::from(words))];
            self.add(Setting {
                expected: Some(expected),
                found,
                sent,
                ..Setting::new("command", Kind::List)
            });
        }
        let entrypoint = match &params.entrypoint {
            Some(words) if !correct => Some(split(&words.join(" "))?).filter(|words| !words.is_empty()),
            words => words.clone(),
        };
        self.simple("entrypoint", Kind::List, Place::Config("Entrypoint"), list(entrypoint.as_ref()));
        Ok(())
    }

    fn environment(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        let mut own: Vec<(String, String)> = Vec::new();
        let mut put = |name: String, value: String| match own.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => own.push((name, value)),
        };
        if let Some(path) = &params.env_file {
            let text = match self.view.content(path)? {
                Content::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                _ => return fail(format!("[Errno 2] No such file or directory: '{}'", &**path)),
            };
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                let Some((name, value)) = line.split_once('=') else {
                    return fail(format!("Invalid line in environment file {}:\n{line}", &**path));
                };
                put(name.to_owned(), value.to_owned());
            }
        }
        for (name, value) in params.env.iter().flatten() {
            let name = name.to_value().to_text();
            let value = api::env_value(&name, value)?;
            put(name, value);
        }
        let given = params.env.is_some() || params.env_file.is_some();
        let lines =
            |all: &[(String, String)]| -> Json { all.iter().map(|(n, v)| format!("{n}={v}")).collect() };
        let sent = if given { vec![(Place::Config("Env"), lines(&own))] } else { Vec::new() };
        let image = self.image.and_then(|image| image.pointer("/Config/Env")).and_then(Json::as_array);
        let of_image =
            image.into_iter().flatten().filter_map(Json::as_str).filter_map(|entry| entry.split_once('='));
        let mut expected: Vec<(String, String)> =
            of_image.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        expected.retain(|(name, _)| !own.iter().any(|(known, _)| known == name));
        expected.extend(own);
        let (expected, found) = (Some(lines(&expected)), self.config("Env"));
        self.add(Setting { expected, found, sent, ..Setting::new("env", Kind::Set) });
        Ok(())
    }

    fn labels(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        let Some(labels) = &params.labels else { return Ok(()) };
        let own = api::labels(labels)?;
        let mut expected = serde_json::Map::new();
        if params.image_label_mismatch == LabelMismatch::Ignore {
            let of_image = self.image.and_then(|image| image.pointer("/Config/Labels"));
            expected.extend(of_image.and_then(Json::as_object).cloned().unwrap_or_default());
        }
        expected.extend(own.as_object().cloned().unwrap_or_default());
        let found = self.config("Labels");
        let sent = vec![(Place::Config("Labels"), own)];
        self.add(Setting {
            expected: Some(expected.into()),
            found,
            sent,
            ..Setting::new("labels", Kind::Map)
        });
        Ok(())
    }

    /// Options that the Engine takes together.
    fn groups_of_options(&mut self, params: &DockerContainerParams) {
        let compatible = params.container_default_behavior == DefaultBehavior::Compatibility;
        let detach = params.detach.or(compatible.then_some(true));
        let interactive = params.interactive.or(compatible.then_some(false));
        let (attached, open) = (detach != Some(true), interactive == Some(true));
        let is = |settings: &Self, key: &str| settings.config(key) == true;
        let found = !(is(self, "AttachStderr") && is(self, "AttachStdout"));
        self.add(Setting {
            expected: detach.map(Json::from),
            found: found.into(),
            sent: vec![
                (Place::Config("AttachStdout"), attached.into()),
                (Place::Config("AttachStderr"), attached.into()),
                (Place::Config("AttachStdin"), (attached && open).into()),
                (Place::Config("StdinOnce"), (attached && open).into()),
                (Place::Config("OpenStdin"), interactive.map_or(Json::Null, Json::from)),
            ],
            ..Setting::new("detach", Kind::Value)
        });
        self.add(Setting {
            expected: interactive.map(Json::from),
            found: is(self, "OpenStdin").into(),
            ..Setting::new("interactive", Kind::Value)
        });
        if let Some(Healthcheck(check)) = &params.healthcheck {
            let none = json!({"Test": ["NONE"]});
            let found = match self.config("Healthcheck") {
                Json::Null => none,
                found => found,
            };
            self.add(Setting {
                expected: Some(check.clone()),
                found,
                sent: vec![(Place::Config("Healthcheck"), check.clone())],
                ..Setting::new("healthcheck", Kind::Map)
            });
        }
        if let Some(driver) = &params.log_driver {
            let options = params.log_options.as_ref();
            for (key, value) in
                options.into_iter().flatten().filter(|(_, v)| !matches!(v, Value::Str(_) | Value::Secret(_)))
            {
                self.warnings.push(format!(
                    "Non-string value found for log_options option '{}'. The value is automatically converted to '{}'. If \
                     this is not correct, or you want to avoid such warnings, please quote the value.",
                    key.to_value().to_text(),
                    value.to_text()
                ));
            }
            let written = |value: &Value| match value {
                Value::Secret(_) => api::plain(value),
                value => Json::from(value.to_text()),
            };
            let options = options.map(|all| api::object(all, written));
            let there = self.host("LogConfig");
            let found = |key: &str| there.get(key).cloned().unwrap_or_default();
            let body = json!({"Type": driver, "Config": options.clone().unwrap_or_else(|| json!({}))});
            let (kind, config) = (found("Type"), found("Config"));
            self.add(Setting {
                expected: Some(driver.as_str().into()),
                found: kind,
                sent: vec![(Place::Host("LogConfig"), body)],
                ..Setting::new("log_driver", Kind::Value)
            });
            self.add(Setting { expected: options, found: config, ..Setting::new("log_options", Kind::Map) });
        }
    }

    /// The platform of the image that the container is of, as far as the option names it.
    fn platform(&mut self, params: &DockerContainerParams) {
        let Some(wanted) = &params.platform else { return };
        let of_image = |key: &str| {
            let found = self.container_image.and_then(|image| image.get(key)).and_then(Json::as_str);
            found.unwrap_or_default().to_lowercase()
        };
        let (os, architecture, variant) = (of_image("Os"), of_image("Architecture"), of_image("Variant"));
        let fits = wanted.to_lowercase().split('/').all(|part| match part {
            "x86_64" | "x86-64" => architecture == "amd64",
            "aarch64" => architecture == "arm64",
            "v8" if architecture == "arm64" => true,
            part => part == os || part == architecture || part == variant,
        });
        let is = [os, architecture, variant]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        let found = if fits { wanted.clone() } else { is };
        self.add(Setting {
            expected: Some(wanted.as_str().into()),
            found: found.into(),
            ..Setting::new("platform", Kind::Value)
        });
    }
}

/// Capabilities as the kernel names them, without the prefix.
fn capabilities(all: &Json) -> Json {
    let name = |entry: &Json| {
        let upper = entry.as_str().unwrap_or_default().to_uppercase();
        Json::from(upper.strip_prefix("CAP_").unwrap_or(&upper))
    };
    all.as_array().map_or(Json::Null, |all| all.iter().map(name).collect())
}

fn device(text: &str) -> Json {
    let parts: Vec<&str> = text.split(':').collect();
    let on_host = parts.first().copied().unwrap_or_default();
    json!({
        "PathOnHost": on_host,
        "PathInContainer": parts.get(1).copied().unwrap_or(on_host),
        "CgroupPermissions": parts.get(2).copied().unwrap_or("rwm"),
    })
}

fn ulimit(text: &str) -> Result<Json, Halt> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: Option<&&str>| part.and_then(|part| part.parse::<i64>().ok());
    match (parts.first(), number(parts.get(1)), parts.len()) {
        (Some(name), Some(soft), 2) => Ok(json!({"Name": name, "Soft": soft, "Hard": soft})),
        (Some(name), Some(soft), 3) if let Some(hard) = number(parts.get(2)) => {
            Ok(json!({"Name": name, "Soft": soft, "Hard": hard}))
        }
        _ => fail(format!("invalid ulimit `{text}`: NAME:SOFT[:HARD] is expected")),
    }
}
