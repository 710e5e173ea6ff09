//! Sources that are no plain files: scripts, plugins, TOML, and what the settings make of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::*;
use crate::base::{Diagnostic, Severity};

/// Scripts by their file name, as what they print for their arguments; expressions are names of variables.
#[derive(Default)]
struct Scripts(HashMap<&'static str, ScriptOutput>);

impl Scripts {
    fn printing(outputs: &[(&'static str, &str)]) -> Self {
        let output =
            |text: &str| ScriptOutput { stdout: text.as_bytes().to_vec(), ..ScriptOutput::default() };
        Self(outputs.iter().map(|(arguments, text)| (*arguments, output(text))).collect())
    }
}

impl Outside for Scripts {
    fn is_executable(&self, path: &Path) -> bool {
        path.ends_with("script")
    }

    fn script(&self, _: &Path, arguments: &[&str]) -> Result<ScriptOutput, String> {
        self.0.get(arguments.join(" ").as_str()).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn expression(&self, text: &str, place: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic> {
        vars.get(text).map(|variable| variable.value.clone()).ok_or_else(|| {
            Diagnostic::error(crate::base::Kind::Undefined, format!("`{text}` is undefined"))
                .at_if_unplaced(place)
        })
    }

    fn condition(&self, value: &Value, place: Option<&Place>, vars: &VarMap) -> Result<bool, Diagnostic> {
        self.expression(&value.to_text(), place, vars).map(|value| value.to_bool() == Some(true))
    }

    fn render(&self, value: &Value, _: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic> {
        let Value::Template(template) = value else { return Ok(value.clone()) };
        let mut text = template.text.to_string();
        for (name, variable) in vars {
            text = text.replace(&format!("{{{{ {name} }}}}"), &variable.value.to_text());
        }
        Ok(Value::from(text))
    }
}

/// Reads files that are written into a temporary directory, in their order.
fn read(files: &[(&str, &str)], options: &Options, outside: &dyn Outside) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let sources: Vec<InventorySource> = files
        .iter()
        .map(|(name, text)| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            InventorySource::Path(path)
        })
        .collect();
    let extra = VarMap::new();
    load(&Reading { project: &Project::new(), sources: &sources, options, outside, extra: &extra })
}

fn said(loaded: &Loaded) -> Vec<String> {
    let line = |said: &Diagnostic| {
        let severity = if said.severity == Severity::Error { "E" } else { "W" };
        let place = said.place.as_ref().map(|place| format!(" {}:{}", place.line, place.column));
        format!("{severity}{} {}", place.unwrap_or_default(), said.message)
    };
    loaded.diagnostics.0.iter().map(line).collect()
}

fn members(inventory: &Inventory, group: &str) -> Vec<String> {
    inventory.group_members(group).iter().map(ToString::to_string).collect()
}

fn vars(vars: &VarMap) -> Json {
    Json::Object(vars.iter().map(|(name, variable)| (name.to_string(), variable.value.to_json())).collect())
}

#[test]
fn scripts_give_groups_hosts_and_variables() {
    let printed = r#"{
        "web": {"hosts": ["w1", "w2"], "vars": {"t": "{{ x }}", "u": {"__ansible_unsafe": "{{ x }}"}}, "children": ["sub"]},
        "list": ["l1"],
        "bare": {"a": 1},
        "_meta": {"hostvars": {"w1": {"n": 1}}}
    }"#;
    let loaded = read(&[("script", "")], &Options::ansible(), &Scripts::printing(&[("--list", printed)]));
    let inventory = &loaded.inventory;
    assert_eq!(members(inventory, "web"), ["w1", "w2"]);
    assert_eq!(members(inventory, "list"), ["l1"]);
    assert_eq!(members(inventory, "bare"), ["bare"]);
    assert_eq!(&*inventory.groups["web"].children[0], "sub");
    assert_eq!(vars(&inventory.hosts["w1"].vars), json!({"n": 1}));
    assert!(matches!(inventory.groups["web"].vars["t"].value, Value::Template(_)));
    assert!(matches!(inventory.groups["web"].vars["u"].value, Value::Str(_)));
    assert_eq!(
        said(&loaded),
        [
            "W group `list` was converted to `dict` from `list`",
            "W treating malformed group `bare` as the sole host of that group",
            "W `bare` is both a group and a host",
        ]
    );
}

#[test]
fn without_meta_each_host_is_asked_for() {
    let outputs =
        [("--list", r#"{"g": {"hosts": ["a", "b"]}}"#), ("--host a", r#"{"x": 1}"#), ("--host b", "\n")];
    let loaded = read(&[("script", "")], &Options::default(), &Scripts::printing(&outputs));
    assert_eq!(vars(&loaded.inventory.hosts["a"].vars), json!({"x": 1}));
    assert!(loaded.inventory.hosts["b"].vars.is_empty());
    assert_eq!(said(&loaded), ["W inventory scripts should always provide `_meta.hostvars`"]);
}

#[test]
fn mistakes_of_scripts_are_told() {
    let table = [
        ("[1]", "unable to get JSON decoder for inventory script result. Value is `list` instead of `dict`"),
        (
            r#"{"_meta": "x"}"#,
            "unable to get JSON decoder for inventory script result. Value contains `_meta` which is `str` instead of `dict`",
        ),
        (
            r#"{"_meta": {"hostvars": []}}"#,
            "value contains `_meta.hostvars` which is `list` instead of `dict`",
        ),
        (
            r#"{"g": null, "_meta": {"hostvars": {}}}"#,
            "value contains `g.hosts` which is `NoneType` instead of `list`",
        ),
        (
            r#"{"g": {"vars": []}, "_meta": {"hostvars": {}}}"#,
            "value contains `g.vars` which is `list` instead of `dict`",
        ),
    ];
    for (printed, expected) in table {
        let outside = Scripts::printing(&[("--list", printed)]);
        let loaded = read(&[("script", "#!/bin/sh\nx y z\n")], &Options::default(), &outside);
        assert_eq!(loaded.diagnostics.0.last().unwrap().message, expected);
        assert!(loaded.diagnostics.has_errors());
    }
    let failing = ScriptOutput { code: 2, stdout: Vec::new(), stderr: b"no token\n".to_vec() };
    let outside = Scripts([("--list", failing)].into_iter().collect());
    let loaded = read(&[("script", "#!/bin/sh\nx y z\n")], &Options::ansible(), &outside);
    let failed = &loaded.diagnostics.0[0];
    assert!(failed.message.starts_with(
        "failed to parse inventory with `script` plugin: Inventory script returned non-zero exit code 2"
    ));
    assert_eq!(failed.notes[0].message, "standard error of the script: no token");
    assert!(!loaded.diagnostics.has_errors() && loaded.inventory.hosts.is_empty());
}

#[test]
fn constructed_makes_variables_and_groups() {
    let hosts =
        "[web]\nw1 role=app size=3 tags=\"{'env': 'prod', 'zone': ''}\" yes=True\nw2\n[web:vars]\nshared=s\n";
    let constructed = "plugin: constructed\ncompose: {copy: shared, absent: nope}\ngroups: {is-app: yes}\n\
        keyed_groups:\n- {key: role, prefix: r, parent_group: roles}\n- {key: tags, prefix: tag, separator: '-'}\n\
        - {key: tags, trailing_separator: false}\n- {key: inventory_hostname, prefix: '', separator: ''}\n";
    let text = constructed.replace("is-app: yes", "is-app: 'yes'");
    let loaded = read(&[("hosts", hosts), ("c.yml", &text)], &Options::default(), &Scripts::default());
    let inventory = &loaded.inventory;
    assert!(!loaded.diagnostics.has_errors(), "{:?}", said(&loaded));
    assert_eq!(inventory.hosts["w2"].vars["copy"].value, Value::from("s"));
    assert!(!inventory.hosts["w1"].vars.contains_key("absent"));
    assert_eq!(
        inventory.groups_of("w1").iter().map(|name| &**name).collect::<Vec<_>>(),
        ["_env_prod", "_zone", "is_app", "r_app", "roles", "tag_env_prod", "tag_zone_", "w1", "web"]
    );
    assert_eq!(members(inventory, "roles"), ["w1"]);
    let strict = "plugin: constructed\nstrict: true\ncompose:\n  absent: nope\n";
    let loaded = read(&[("hosts", hosts), ("c.yml", strict)], &Options::default(), &Scripts::default());
    assert_eq!(said(&loaded), ["E 4:11 could not set `absent` for host `w1`: `nope` is undefined"]);
    let misspelt = "plugin: constructed\nkeyed_groups:\n- {kye: role}\n";
    let loaded = read(&[("hosts", hosts), ("c.yml", misspelt)], &Options::default(), &Scripts::default());
    assert_eq!(said(&loaded), ["E 3:4 `kye` is not an option of `keyed_groups`"]);
    assert_eq!(loaded.diagnostics.0[0].hint.as_deref(), Some("did you mean `key`?"));
}

#[test]
fn generator_makes_every_combination() {
    let text = "plugin: generator\nhosts:\n  name: '{{ op }}_{{ app }}'\n  parents:\n  - name: '{{ op }}'\n    \
        vars: {op: '{{ op }}'}\n    parents: [{name: ops}]\n  - name: runner\nlayers:\n  op: [build, launch]\n  app: [web, api]\n";
    let loaded = read(&[("g.yml", text)], &Options::default(), &Scripts::default());
    assert!(loaded.diagnostics.0.is_empty(), "{:?}", said(&loaded));
    assert_eq!(members(&loaded.inventory, "runner"), ["build_web", "build_api", "launch_web", "launch_api"]);
    assert_eq!(members(&loaded.inventory, "ops").len(), 4);
    assert_eq!(vars(&loaded.inventory.groups["build"].vars), json!({"op": "build"}));
}

#[test]
fn toml_is_read_with_places() {
    let text = "[all.vars]\na = false\n[web]\nchildren = [\"sub\"]\n[web.hosts]\n\"h[1:2]\" = { n = 1, t = \"{{ a }}\" }\n";
    let loaded = read(&[("hosts.toml", text)], &Options::default(), &Nothing);
    assert!(loaded.diagnostics.0.is_empty(), "{:?}", said(&loaded));
    assert_eq!(members(&loaded.inventory, "web"), ["h1", "h2"]);
    assert_eq!(&*loaded.inventory.groups["web"].children[0], "sub");
    assert!(matches!(loaded.inventory.hosts["h1"].vars["t"].value, Value::Template(_)));
    let place = loaded.inventory.hosts["h2"].vars["n"].place.clone().unwrap();
    assert_eq!((place.line, place.column), (6, 18));
    let loaded = read(&[("hosts.toml", "[web]\nhosts = 3\n")], &Options::default(), &Nothing);
    assert_eq!(said(&loaded), ["E 2:9 `hosts` of group `web` has to be a table, not a number"]);
    let loaded = read(&[("hosts.toml", "[web\n")], &Options::default(), &Nothing);
    assert!(said(&loaded)[0].starts_with("E 1:5 this is not TOML: "), "{:?}", said(&loaded));
}

#[test]
fn settings_decide_what_a_broken_source_is() {
    let broken = [("hosts.yml", "web:\n  hosts: [a]\n")];
    let loaded = read(&broken, &Options::default(), &Nothing);
    assert_eq!(said(&loaded), ["E 2:10 `hosts` of group `web` has to be a mapping, not a list"]);
    let loaded = read(&broken, &Options::ansible(), &Nothing);
    let told = said(&loaded);
    assert!(told.iter().all(|line| line.starts_with('W')), "{told:?}");
    assert!(told[1].starts_with("W 2:10 failed to parse inventory with `yaml` plugin"), "{told:?}");
    assert_eq!(told.last().unwrap(), "W no inventory was parsed, only implicit localhost is available");
    assert_eq!(loaded.inventory.groups.len(), 2);
    let failing = Options { unparsed_is_failed: true, ..Options::ansible() };
    assert!(read(&broken, &failing, &Nothing).diagnostics.has_errors());
    let only = Options { enabled: vec!["toml".to_owned(), "yml".to_owned()], ..Options::default() };
    let told = said(&read(&broken, &only, &Nothing));
    assert!(
        told[0].contains("`yml` of `enable_plugins`") && told[1].starts_with("E no enabled plugin"),
        "{told:?}"
    );
}

#[test]
fn settings_decide_about_names_of_groups() {
    let hosts = [("hosts", "[a-b]\nh1\n")];
    let with = |group_names| read(&hosts, &Options { group_names, ..Options::default() }, &Nothing);
    assert_eq!(members(&with(GroupNames::Silently).inventory, "a_b"), ["h1"]);
    assert_eq!(
        said(&with(GroupNames::Always)),
        ["W 1:1 group names with invalid characters were changed: `a-b`"]
    );
    assert!(with(GroupNames::Ignore).diagnostics.0.is_empty());
    assert_eq!(members(&with(GroupNames::Never).inventory, "a-b"), ["h1"]);
}

#[test]
fn advanced_lists_have_ranges() {
    let options = Options { enabled: vec!["advanced_host_list".to_owned()], ..Options::ansible() };
    let list = |text: &str| {
        let sources = [InventorySource::Hosts(text.to_owned())];
        let project = Project::new();
        load(&Reading {
            project: &project,
            sources: &sources,
            options: &options,
            outside: &Nothing,
            extra: &VarMap::new(),
        })
    };
    assert_eq!(members(&list("a[1:3:2],b:22").inventory, "all"), ["a1", "a3", "b"]);
    assert!(
        said(&list("a[1:j],"))[0].starts_with("W failed to parse inventory with `advanced_host_list` plugin")
    );
    let odd = list("a[1:],");
    assert_eq!(members(&odd.inventory, "all"), ["a[1:]"]);
    assert_eq!(odd.remarks.len(), 1);
}

#[test]
fn directories_pass_over_what_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in
        [("a", "h1\n"), ("b.skip", "h2\n"), ("old-c", "h3\n"), ("d.md", "h4\n"), (".e", "h5\n")]
    {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let sources = [InventorySource::Path(dir.path().to_owned())];
    let options = Options {
        ignore_extensions: vec![".skip".to_owned()],
        ignore_patterns: vec!["^old".to_owned()],
        ..Options::default()
    };
    let extra = VarMap::new();
    let project = Project::new();
    let reading =
        Reading { project: &project, sources: &sources, options: &options, outside: &Nothing, extra: &extra };
    let loaded = load(&reading);
    assert_eq!(members(&loaded.inventory, "all"), ["h1", "h4"]);
    assert_eq!(loaded.diagnostics.0.len(), 1, "{:?}", said(&loaded));
    let strict = Options { empty_is_fine: false, ..options.clone() };
    let told = load(&Reading { options: &strict, ..reading }).diagnostics;
    assert!(told.has_errors(), "the directory `empty` holds nothing");
}

#[test]
fn a_refresh_keeps_what_was_added() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("hosts");
    let load_with = |text: &str, before: Option<&Inventory>| {
        std::fs::write(&path, text).unwrap();
        let sources = [InventorySource::Path(path.clone())];
        let (project, options, extra) = (Project::new(), Options::default(), VarMap::new());
        let reading = Reading {
            project: &project,
            sources: &sources,
            options: &options,
            outside: &Nothing,
            extra: &extra,
        };
        {
            let mut inventory = load(&reading).inventory;
            if let Some(before) = before {
                inventory.carry_over(before);
            }
            inventory
        }
    };
    let mut inventory = load_with("h1\nh2\n", None);
    inventory.add_host("new", &["added"], &VarMap::new()).unwrap();
    inventory.group_by("h2", "two", &["grouped"]).unwrap();
    let refreshed = load_with("h1\nh3\n", Some(&inventory));
    assert_eq!(members(&refreshed, "all"), ["new", "h1", "h3"]);
    assert_eq!(members(&refreshed, "added"), ["new"]);
    assert!(members(&refreshed, "two").is_empty());
    let again = load_with("h2\n", Some(&refreshed));
    assert_eq!(members(&again, "grouped"), ["h2"]);
}
