//! `build` and `pull`: their entries, and the command that builds.

use serde_json::Value as Json;

use super::DockerImageParams;
use crate::base::{Map, Value};
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::options::{Entries, bytes};
use crate::modules::docker::{Engine, api};
use crate::modules::params::{ParamValue, PathText};
use crate::modules::view::View;
use crate::modules::{paths, run, words};
use crate::wire::{Command, FileKind, Follow};

/// `pull`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullOptions {
    /// The platform that is pulled.
    pub platform: Option<String>,
}

impl ParamValue for PullOptions {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        Ok(Self { platform: Entries::of(value, &["platform"])?.get("platform")? })
    }
}

/// `build`: the directory, and the options of `docker build`.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// The directory of the build's context.
    pub path: PathText,
    dockerfile: Option<String>,
    http_timeout: Option<u32>,
    args: Vec<(String, Json)>,
    options: Vec<String>,
}

const KNOWN: &[&str] = &[
    "cache_from",
    "container_limits",
    "dockerfile",
    "http_timeout",
    "network",
    "nocache",
    "path",
    "pull",
    "rm",
    "args",
    "use_config_proxy",
    "target",
    "etc_hosts",
    "platform",
    "shm_size",
    "labels",
];

fn pairs(map: Option<Map>) -> Vec<(String, Json)> {
    let all = map.map(|map| api::object(&map, api::plain)).unwrap_or_default();
    all.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn size(name: &str, text: Option<String>) -> Result<Option<String>, String> {
    let read =
        |text: String| bytes(&text).map_err(|e| format!("Failed to convert build.{name} to bytes: {e}"));
    Ok(text.map(read).transpose()?.map(|bytes| bytes.to_string()))
}

impl ParamValue for Build {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let given = Entries::of(value, KNOWN)?;
        let mut options = Vec::new();
        let mut add = |option: &str, value: Option<String>| {
            options.extend(value.map(|value| format!("--{option}={value}")));
        };
        if given.get::<bool>("use_config_proxy")? == Some(false) {
            for name in ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
                add("build-arg", Some(format!("{name}=")));
            }
        }
        add("network", given.get("network")?);
        add("target", given.get("target")?);
        add("platform", given.get("platform")?);
        add("shm-size", size("shm_size", given.get("shm_size")?)?);
        let flag = |on: bool| on.then(|| "true".to_owned());
        add("no-cache", flag(given.get("nocache")?.unwrap_or(false)));
        add("pull", flag(given.get("pull")?.unwrap_or(false)));
        let rm: bool = given.get("rm")?.unwrap_or(true);
        add("rm", Some(rm.to_string()));
        add("force-rm", Some(rm.to_string()));
        for image in given.get::<Vec<String>>("cache_from")?.unwrap_or_default() {
            add("cache-from", Some(image));
        }
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        for (name, value) in pairs(given.get("labels")?) {
            add("label", Some(format!("{name}={}", text(&value))));
        }
        for (name, address) in pairs(given.get("etc_hosts")?) {
            add("add-host", Some(format!("{name}:{}", text(&address))));
        }
        if let Some(limits) = given.get::<Map>("container_limits")?.map(Value::map) {
            let limits = Entries::of(&limits, &["memory", "memswap", "cpushares", "cpusetcpus"])?;
            add("memory", size("container_limits.memory", limits.get("memory")?)?);
            let swap: Option<String> = limits.get("memswap")?;
            match swap.as_deref() {
                Some("-1" | "unlimited") => add("memory-swap", Some("-1".to_owned())),
                _ => add("memory-swap", size("container_limits.memswap", swap)?),
            }
            add("cpu-shares", limits.get::<i64>("cpushares")?.map(|shares| shares.to_string()));
            add("cpuset-cpus", limits.get("cpusetcpus")?);
        }
        Ok(Self {
            path: given.need("path")?,
            dockerfile: given.get("dockerfile")?,
            http_timeout: given.get("http_timeout")?,
            args: pairs(given.get("args")?),
            options,
        })
    }
}

/// The `docker` program, with what it needs to reach the Engine.
pub fn docker(params: &DockerImageParams, view: &View<'_>, text: &str) -> Command {
    let mut command = Command::shell(format!("docker {text}"));
    for (name, value) in Engine::for_program(&params.docker, view) {
        command = command.env(name, value);
    }
    run::within(view, command.env("LC_ALL", "C"))
}

/// The command that builds an image.
///
/// # Errors
/// If the directory is not there.
pub fn command(params: &DockerImageParams, view: &View<'_>, name: &str) -> Result<Command, Halt> {
    let Some(build) = &params.build else {
        return fail("If \"source\" is set to \"build\", the \"build.path\" option must be specified.");
    };
    let Build { path, dockerfile, http_timeout, args, options } = build;
    let path = paths::trimmed(path);
    if view.stat(path, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
        return fail(format!("Requested build path {path} could not be found or you do not have access."));
    }
    let mut parts = vec!["build".to_owned(), "-t".to_owned(), words::quote(name)];
    parts.extend(options.iter().map(|option| words::quote(option)));
    // values of arguments may be secrets: they go through the environment, unless the program would take them for its own
    let own = |name: &str| matches!(name, "PATH" | "HOME") || name.starts_with("DOCKER_");
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    for (name, value) in args {
        let argument = if own(name) { format!("{name}={}", text(value)) } else { name.clone() };
        parts.push(format!("--build-arg={}", words::quote(&argument)));
    }
    if let Some(file) = dockerfile {
        let file = if file.starts_with(['/', '~']) { file.clone() } else { format!("{path}/{file}") };
        parts.push(format!("-f {}", paths::shell_word(&file)));
    }
    parts.push(paths::shell_word(path));
    let mut command = docker(params, view, &parts.join(" "));
    for (name, value) in args.iter().filter(|(name, _)| !own(name)) {
        command = command.env(name.as_str(), text(value));
    }
    command.timeout = *http_timeout;
    // as the API builds
    Ok(command.env("DOCKER_BUILDKIT", "0"))
}
