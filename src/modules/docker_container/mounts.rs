//! `mounts` and `volumes`.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::parameters::DockerContainerParams;
use super::settings::{Place, Setting, Settings};
use crate::base::{Map, Value};
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::options::{Entries, bytes};
use crate::modules::docker::{Kind, api};
use crate::modules::params::ParamValue;

/// One of `mounts`: its entries in the original's names, those that are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    target: String,
    kind: String,
    entries: JsonMap<String, Json>,
}

const TYPES: &[&str] = &["bind", "volume", "tmpfs", "npipe", "cluster", "image"];
const CONSISTENCIES: &[&str] = &["default", "consistent", "cached", "delegated"];
const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// The types of mounts that an entry is for, where it is not for all.
const FOR: &[(&str, &[&str])] = &[
    ("create_mountpoint", &["bind"]),
    ("labels", &["volume"]),
    ("no_copy", &["volume"]),
    ("non_recursive", &["bind"]),
    ("propagation", &["bind"]),
    ("read_only_force_recursive", &["bind"]),
    ("read_only_non_recursive", &["bind"]),
    ("subpath", &["volume", "image"]),
    ("tmpfs_size", &["tmpfs"]),
    ("tmpfs_mode", &["tmpfs"]),
    ("tmpfs_options", &["tmpfs"]),
    ("volume_driver", &["volume"]),
    ("volume_options", &["volume"]),
];

const FLAGS: &[&str] = &[
    "read_only",
    "no_copy",
    "non_recursive",
    "create_mountpoint",
    "read_only_non_recursive",
    "read_only_force_recursive",
];

impl ParamValue for Mount {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let others = ["target", "source", "type", "consistency", "read_only"];
        let known: Vec<&str> = FOR.iter().map(|(name, _)| *name).chain(others).collect();
        let given = Entries::of(value, &known)?;
        let target: String = given.need("target")?;
        let kind = given.choice("type", TYPES)?.unwrap_or_else(|| "volume".to_owned());
        let mut entries = JsonMap::new();
        let mut put = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                entries.insert(name.to_owned(), value);
            }
        };
        put("target", Some(target.as_str().into()));
        put("type", Some(kind.as_str().into()));
        put("consistency", given.choice("consistency", CONSISTENCIES)?.map(Json::from));
        put("propagation", given.choice("propagation", PROPAGATIONS)?.map(Json::from));
        for name in ["source", "volume_driver", "subpath"] {
            put(name, given.get::<String>(name)?.map(Json::from));
        }
        for name in FLAGS {
            put(name, given.get::<bool>(name)?.map(Json::from));
        }
        for name in ["labels", "volume_options"] {
            put(name, given.get::<Map>(name)?.map(|all| api::object(&all, api::plain)));
        }
        if let Some(size) = given.get::<String>("tmpfs_size")? {
            let size = bytes(&size)
                .map_err(|e| format!("Failed to convert tmpfs_size of mount \"{target}\" to bytes: {e}"))?;
            put("tmpfs_size", Some(size.into()));
        }
        if let Some(mode) = given.get::<String>("tmpfs_mode")? {
            let mode = u32::from_str_radix(&mode, 8)
                .map_err(|_| format!("tmp_fs mode of mount \"{target}\" is not an octal string!"))?;
            put("tmpfs_mode", Some(mode.into()));
        }
        if let Some(options) = given.get::<Vec<Map>>("tmpfs_options")? {
            let options: Result<Vec<Json>, String> =
                options.iter().map(|o| tmpfs_option(o, &target)).collect();
            put("tmpfs_options", Some(options?.into()));
        }
        Ok(Self { target, kind, entries })
    }
}

fn tmpfs_option(option: &Map, target: &str) -> Result<Json, String> {
    match option.iter().next() {
        Some((key, value)) if option.len() == 1 => Ok(match value {
            Value::Null => json!([key.to_value().to_text()]),
            value => json!([key.to_value().to_text(), api::json(value)]),
        }),
        _ => {
            Err(format!("an entry of tmpfs_options of mount \"{target}\" must be a one-element dictionary!"))
        }
    }
}

impl Mount {
    fn check(&self) -> Result<(), Halt> {
        let Self { target, kind, entries } = self;
        if !entries.contains_key("source")
            && !matches!(kind.as_str(), "tmpfs" | "volume" | "image" | "cluster")
        {
            return fail(format!("source must be specified for mount \"{target}\" of type \"{kind}\""));
        }
        for (name, kinds) in FOR {
            if entries.contains_key(*name) && !kinds.contains(&kind.as_str()) {
                let plural = if kinds.len() == 1 { "" } else { "s" };
                return fail(format!(
                    "{name} cannot be specified for mount \"{target}\" of type \"{kind}\" (needs type{plural} \"{}\")",
                    kinds.join("\", \"")
                ));
            }
        }
        Ok(())
    }

    /// As it is compared: options of a driver count with a driver only.
    fn expected(&self) -> Json {
        let mut entries = self.entries.clone();
        if !entries.contains_key("volume_driver") {
            entries.remove("volume_options");
        }
        Json::Object(entries)
    }

    /// As the Engine takes it.
    fn body(&self) -> Json {
        let entry = |name: &str| self.entries.get(name).cloned();
        let mut body = json!({
            "Target": self.target, "Source": entry("source"), "Type": self.kind, "ReadOnly": entry("read_only"),
        });
        let driver = entry("volume_driver").map(|name| {
            let mut driver = json!({"Name": name});
            add(&mut driver, "Options", entry("volume_options"));
            driver
        });
        let truth = |name: &str| entry(name).filter(|value| *value == true);
        let (name, options): (&str, Vec<(&str, Option<Json>)>) = match self.kind.as_str() {
            "bind" => (
                "BindOptions",
                vec![
                    ("Propagation", entry("propagation")),
                    ("NonRecursive", entry("non_recursive")),
                    ("CreateMountpoint", entry("create_mountpoint")),
                    ("ReadOnlyNonRecursive", entry("read_only_non_recursive")),
                    ("ReadOnlyForceRecursive", entry("read_only_force_recursive")),
                ],
            ),
            "volume" => (
                "VolumeOptions",
                vec![
                    ("NoCopy", truth("no_copy")),
                    ("Labels", entry("labels")),
                    ("DriverConfig", driver),
                    ("Subpath", entry("subpath")),
                ],
            ),
            "tmpfs" => (
                "TmpfsOptions",
                vec![
                    ("Mode", entry("tmpfs_mode")),
                    ("SizeBytes", entry("tmpfs_size")),
                    ("Options", entry("tmpfs_options")),
                ],
            ),
            _ => ("ImageOptions", vec![("Subpath", entry("subpath"))]),
        };
        let mut filled = json!({});
        for (name, value) in options {
            add(&mut filled, name, value);
        }
        add(&mut body, "Consistency", entry("consistency"));
        if filled.as_object().is_some_and(|filled| !filled.is_empty()) {
            add(&mut body, name, Some(filled));
        }
        body
    }
}

fn add(to: &mut Json, name: &str, value: Option<Json>) {
    if let (Some(fields), Some(value)) = (to.as_object_mut(), value) {
        fields.insert(name.to_owned(), value);
    }
}

/// A mount of a container in the original's names.
fn found(mount: &Json) -> Json {
    let at = |pointer: &str| mount.pointer(pointer).cloned().unwrap_or_default();
    let flag = |pointer: &str| mount.pointer(pointer).and_then(Json::as_bool).unwrap_or(false);
    let map = |pointer: &str| mount.pointer(pointer).cloned().unwrap_or_else(|| json!({}));
    let volume_path =
        mount.pointer("/VolumeOptions/Subpath").or_else(|| mount.pointer("/ImageOptions/Subpath"));
    json!({
        "type": at("/Type"),
        "source": at("/Source"),
        "target": at("/Target"),
        "read_only": flag("/ReadOnly"),
        "consistency": at("/Consistency"),
        "propagation": at("/BindOptions/Propagation"),
        "no_copy": flag("/VolumeOptions/NoCopy"),
        "labels": map("/VolumeOptions/Labels"),
        "volume_driver": at("/VolumeOptions/DriverConfig/Name"),
        "volume_options": map("/VolumeOptions/DriverConfig/Options"),
        "tmpfs_size": at("/TmpfsOptions/SizeBytes"),
        "tmpfs_mode": at("/TmpfsOptions/Mode"),
        "tmpfs_options": at("/TmpfsOptions/Options"),
        "non_recursive": flag("/BindOptions/NonRecursive"),
        "create_mountpoint": flag("/BindOptions/CreateMountpoint"),
        "read_only_non_recursive": flag("/BindOptions/ReadOnlyNonRecursive"),
        "read_only_force_recursive": flag("/BindOptions/ReadOnlyForceRecursive"),
        "subpath": volume_path.cloned().unwrap_or_default(),
    })
}

const MODES: &[&str] = &[
    "rw",
    "ro",
    "z",
    "Z",
    "consistent",
    "delegated",
    "cached",
    "rprivate",
    "private",
    "rshared",
    "shared",
    "rslave",
    "slave",
    "nocopy",
];

fn is_mode(text: &str) -> bool {
    text.split(',').all(|part| MODES.contains(&part))
}

/// `SOURCE:TARGET:MODE`, or nothing for an anonymous volume.
struct Volume {
    text: String,
    target: String,
    bind: Option<String>,
}

fn volume(text: &str) -> Result<Volume, Halt> {
    let parts: Vec<&str> = text.split(':').collect();
    let named = |source: &str, target: &str, mode: &str, given: String| {
        let relative = source.starts_with(['.', '~']);
        if source.starts_with('.') || (source.starts_with('~') && !source.starts_with("~/") && source != "~")
        {
            return fail(format!(
                "the volume source `{source}` must be an absolute path or the name of a volume"
            ));
        }
        let bind = format!("{source}:{target}:{mode}");
        let text = if relative { bind.clone() } else { given };
        Ok(Volume { text, target: target.to_owned(), bind: Some(bind) })
    };
    match parts.as_slice() {
        [source, target, mode] => {
            if !is_mode(mode) {
                return fail(format!("Found invalid volumes mode: {mode}"));
            }
            named(source, target, mode, text.to_owned())
        }
        [source, target] if !is_mode(target) => named(source, target, "rw", text.to_owned()),
        parts => {
            let target = parts.get(1).or(parts.first()).copied().unwrap_or_default().to_owned();
            Ok(Volume { text: text.to_owned(), target, bind: None })
        }
    }
}

impl Settings<'_> {
    /// `mounts`, `volumes` and what is made of them.
    pub(super) fn mounts(&mut self, params: &DockerContainerParams) -> Result<(), Halt> {
        let mut targets: Vec<(String, &str)> = Vec::new();
        let mut taken =
            |target: &str, by: &'static str| match targets.iter().find(|(known, _)| known == target) {
                Some((_, other)) if *other == by => {
                    fail(format!("The mount point \"{target}\" appears twice in the {by} option"))
                }
                Some((_, other)) => {
                    fail(format!("The mount point \"{target}\" appears both in the {by} and {other} option"))
                }
                None => {
                    targets.push((target.to_owned(), by));
                    Ok(())
                }
            };
        if let Some(mounts) = &params.mounts {
            for mount in mounts {
                taken(&mount.target, "mounts")?;
                mount.check()?;
            }
        }
        let volumes: Option<Vec<Volume>> = match &params.volumes {
            Some(volumes) => {
                Some(volumes.iter().map(|text| volume(&self.at_home(text)?)).collect::<Result<_, _>>()?)
            }
            None => None,
        };
        for volume in volumes.iter().flatten() {
            taken(&volume.target, "volumes")?;
        }
        if let Some(mounts) = &params.mounts {
            let there = self.container.and_then(|c| c.pointer("/HostConfig/Mounts")).and_then(Json::as_array);
            self.add(Setting {
                expected: Some(mounts.iter().map(Mount::expected).collect()),
                found: there.map(|all| all.iter().map(found).collect()).unwrap_or_default(),
                sent: vec![(Place::Host("Mounts"), mounts.iter().map(Mount::body).collect())],
                ..Setting::new("mounts", Kind::Maps)
            });
        }
        let keys = |json: Option<&Json>| -> Vec<String> {
            json.and_then(Json::as_object).into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        let anonymous: Option<Vec<String>> = volumes.as_ref().map(|all| {
            all.iter().filter(|volume| volume.bind.is_none()).map(|volume| volume.text.clone()).collect()
        });
        let mut expected = keys(self.image.and_then(|image| image.pointer("/Config/Volumes")));
        expected.extend(
            anonymous.iter().flatten().filter(|name| !expected.contains(name)).cloned().collect::<Vec<_>>(),
        );
        let there = self.container.and_then(|c| c.pointer("/Config/Volumes")).filter(|all| !all.is_null());
        let sent = anonymous.map(|all| Json::Object(all.into_iter().map(|name| (name, json!({}))).collect()));
        self.add(Setting {
            expected: (!expected.is_empty()).then(|| Json::from(expected)),
            found: there.map(|all| Json::from(keys(Some(all)))).unwrap_or_default(),
            sent: sent.into_iter().map(|sent| (Place::Config("Volumes"), sent)).collect(),
            ..Setting::new("volumes", Kind::Set)
        });
        let binds: Option<Json> =
            volumes.map(|all| all.into_iter().filter_map(|volume| volume.bind).collect::<Vec<_>>().into());
        self.add(Setting {
            expected: Some(binds.clone().unwrap_or_else(|| json!([]))),
            found: self.host("Binds"),
            sent: binds.into_iter().map(|binds| (Place::Host("Binds"), binds)).collect(),
            ..Setting::new("volume_binds", Kind::Set)
        });
        Ok(())
    }

    /// A volume whose source is in the home directory of the task's user.
    fn at_home(&self, text: &str) -> Result<String, Halt> {
        let Some(rest) = text.strip_prefix("~/") else { return Ok(text.to_owned()) };
        let name = &self.view.context().user;
        match self.view.user(name)? {
            Some(user) => Ok(format!("{}/{rest}", user.home)),
            None => fail(format!("there is no user `{name}` for the volume `{text}`")),
        }
    }
}
