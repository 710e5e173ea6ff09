//! The fixtures of `tests/fixtures/inventory` (their expectations were taken from ansible-core 2.19.14), and what is
//! said about mistakes.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::build::Builder;
use super::*;
use crate::base::{Diagnostics, Severity, Source};
use crate::vars::Layers;

fn strings(json: &Json) -> Vec<String> {
    json.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn names(names: &[Arc<str>]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The variables of a host as JSON, each from the layer that wins.
fn vars_of(inventory: &Inventory, project: &Project, host: &str, playbook_dirs: &[PathBuf]) -> Json {
    let mut layers = Layers::default();
    layers.extend(inventory.host_layers(project, host, playbook_dirs).unwrap());
    let mut vars: Vec<(String, Json)> = layers
        .names()
        .iter()
        .filter(|name| !matches!(&***name, "inventory_file" | "inventory_dir"))
        .map(|name| (name.to_string(), layers.get(name).unwrap().value.to_json()))
        .collect();
    vars.sort_by(|a, b| a.0.cmp(&b.0));
    Json::Object(vars.into_iter().collect())
}

/// Compares numbers by value: the expectations were printed by Python.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn read(project: &Project, sources: &[InventorySource]) -> Loaded {
    let options = Options::default();
    load(&Reading { project, sources, options: &options, outside: &Nothing, extra: &VarMap::new() })
}

fn check_fixture(dir: &Path) {
    let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
    let case: Json = serde_json::from_str(&std::fs::read_to_string(dir.join("case.json")).unwrap()).unwrap();
    let project = Project::new();
    let sources: Vec<InventorySource> = strings(&case["sources"])
        .iter()
        .map(|source| {
            if source.contains(',') {
                InventorySource::Hosts(source.clone())
            } else {
                InventorySource::Path(dir.join(source))
            }
        })
        .collect();
    let playbook_dirs: Vec<PathBuf> =
        case["playbook_dir"].as_str().map(|path| dir.join(path)).into_iter().collect();
    let Loaded { inventory, diagnostics, .. } = read(&project, &sources);
    assert!(!diagnostics.has_errors(), "{name}: {diagnostics:?}");
    let hosts: Vec<&str> = inventory.hosts.keys().map(|host| &**host).collect();
    let expected: Vec<&str> = case["hosts"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(hosts, expected, "{name}: hosts");
    for (host, expected) in case["hosts"].as_object().unwrap() {
        assert_eq!(
            names(&inventory.groups_of(host)),
            strings(&expected["group_names"]),
            "{name}: groups of {host}"
        );
        let vars = vars_of(&inventory, &project, host, &playbook_dirs);
        assert!(same(&vars, &expected["vars"]), "{name}: {host}\n{vars:#}\n{:#}", expected["vars"]);
    }
    let groups: Vec<&str> = inventory.groups.keys().map(|group| &**group).collect();
    let expected: Vec<&str> = case["groups"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(groups, expected, "{name}: groups");
    for (group_name, expected) in case["groups"].as_object().unwrap() {
        let group = &inventory.groups[group_name.as_str()];
        let found = json!({
            "members": names(&inventory.group_members(group_name)),
            "children": names(&group.children),
            "depth": group.depth,
            "priority": group.priority,
        });
        assert_eq!(&found, expected, "{name}: {group_name}");
    }
    for (pattern, expected) in case["patterns"].as_object().unwrap() {
        let matches = inventory.match_pattern(&[pattern], None);
        if expected == "error" {
            assert!(matches.diagnostics.has_errors(), "{name}: {pattern}");
        } else {
            assert_eq!(names(&matches.hosts), strings(expected), "{name}: {pattern}");
        }
    }
}

#[test]
fn fixtures_are_read_as_ansible_reads_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inventory");
    let mut dirs: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    assert!(dirs.len() >= 20, "{}", dirs.len());
    for dir in dirs {
        check_fixture(&dir);
    }
}

/// Loads files that are written into a temporary directory; the first is the inventory.
fn load_files(files: &[(&str, &str)]) -> (tempfile::TempDir, Project, Inventory, Diagnostics) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let project = Project::new();
    let sources = [InventorySource::Path(dir.path().join(files[0].0))];
    let Loaded { inventory, diagnostics, .. } = read(&project, &sources);
    (dir, project, inventory, diagnostics)
}

/// What is said about an inventory: severity, line:column, message, hint.
fn said(name: &str, text: &str) -> Vec<String> {
    let (_dir, _, _, diagnostics) = load_files(&[(name, text)]);
    diagnostics.0.iter().map(line).collect()
}

fn line(diagnostic: &crate::base::Diagnostic) -> String {
    let severity = if diagnostic.severity == Severity::Error { "E" } else { "W" };
    let place =
        diagnostic.place.as_ref().map_or_else(|| "-".to_owned(), |p| format!("{}:{}", p.line, p.column));
    let hint = diagnostic.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{severity} {place} {}{hint}", diagnostic.message)
}

#[test]
fn mistakes_in_yaml_have_places_and_hints() {
    let table: &[(&str, &[&str])] = &[
        (
            "all:\n  childern:\n    web:\n",
            &["W 2:3 `childern` in group `all` is ignored (did you mean `children`?)"],
        ),
        (
            "all:\n  web:\n    hosts: {a: }\n",
            &["W 2:3 `web` in group `all` is ignored (a group has `hosts`, `vars` and `children`; \
               groups below it belong into `children`)"],
        ),
        (
            "web:\n  hosts:\n  - a\n",
            &["E 3:3 `hosts` of group `web` has to be a mapping, not a list (write `a:` in place of `- a`)"],
        ),
        (
            "web:\n  hosts:\n    a: 5\n",
            &["E 3:8 the variables of host `a` have to be a mapping, not a number"],
        ),
        ("web:\n  hosts:\n    12:\n", &["E 3:5 host pattern 12 must be a string (put it in quotes)"]),
        ("5:\n", &["E 1:1 a group is named by a text, not by a number (put it in quotes)"]),
        (
            "web: 3\n",
            &["W 1:6 group `web` has to be a mapping with `hosts`, `vars` and `children`, not a number"],
        ),
        (
            "- hosts: all\n",
            &["E 1:1 an inventory has to be a mapping of groups, not a list (this looks like a playbook)"],
        ),
        ("", &["W 1:1 this inventory is empty"]),
        (
            "plugin: amazon.aws.aws_ec2\n",
            &["E 1:9 the inventory plugin `amazon.aws.aws_ec2` is not supported \
               (save what `ansible-inventory --list --yaml` prints and use that file)"],
        ),
        (
            "a: {children: {b: {children: {c: {children: {a: }}}}}}\n",
            &["E 1:16 group `b` cannot be a child of `a`: that makes a loop, `a` → `b` → `c` → `a`"],
        ),
        ("a: {children: {a: }}\n", &["E 1:16 group `a` is its own child"]),
        ("g: {hosts: {'w[3:1]': }}\n", &["E 1:13 the range in `w[3:1]` ends before it begins"]),
        (
            "g: {vars: {ansible_group_priority: high}}\n",
            &["E 1:36 `ansible_group_priority` has to be an integer"],
        ),
        (
            "g: {vars: {a-b: 1}}\n",
            &["W 1:17 `a-b` is not a valid name for a variable \
               (use letters, digits and underscores, and start with a letter or an underscore)"],
        ),
        (
            "a-b: {hosts: {h: }}\n",
            &["W 1:1 the group name `a-b` has characters that names of variables cannot have \
               (in templates they need brackets: `groups['a-b']`)"],
        ),
        ("web: {hosts: {web: }}\n", &["W 1:15 `web` is both a group and a host"]),
        (
            "g: {hosts: {h: {x: {{ y }}}}}\n",
            &["E 1:20 a value that starts with a template has to be in quotes (write \"{{ y }}\")"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(said("hosts.yml", text), *expected, "{text:?}");
    }
}

#[test]
fn mistakes_in_ini_have_places_and_hints() {
    let table: &[(&str, &[&str])] = &[
        ("[web\n", &["E 1:1 the range in `[web` has to be `[begin:end]` or `[begin:end:step]`"]),
        (
            "[we b]\na\n",
            &[
                "E 1:1 `[we b]` is not a section (a section is `[group]`, `[group:vars]` or `[group:children]`, without spaces)",
            ],
        ),
        ("[web:var]\n", &["E 1:1 a section `[web:var]` is unknown (did you mean `vars`?)"]),
        (
            "[web]\nh1 h2\n",
            &["E 2:1 `h2` is not `variable=value` (one host per line, followed by its variables)"],
        ),
        ("[web]\nh1 a='b\n", &["E 2:1 No closing quotation: `h1 a='b`"]),
        (
            "[web]\nh1:\n",
            &["E 2:1 the host `h1:` ends with a colon (a colon announces a port; \
               in YAML inventories hosts end with a colon, in INI files not)"],
        ),
        (
            "[web]\n[wbe:vars]\na=1\n",
            &["E 2:1 `[wbe:vars]` gives variables to a group that does not exist (did you mean `web`?)"],
        ),
        (
            "[web]\n[site:children]\nwbe\n",
            &["E 3:1 `[site:children]` names the group `wbe`, which does not exist (did you mean `web`?)"],
        ),
        ("[web:vars]\nnonsense\n[web]\n", &["E 2:1 `nonsense` is not `variable=value`"]),
        (
            "[a:children]\nb x=1\n",
            &[
                "E 2:1 `b x=1` is not the name of a group (below `[group:children]` stands one group per line, without variables)",
            ],
        ),
        (
            "[a:children]\nb\n[b:children]\na\n",
            &["E 4:1 group `a` cannot be a child of `b`: that makes a loop, `b` → `a` → `b`"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(said("hosts.ini", text), *expected, "{text:?}");
    }
    let (_dir, _, _, diagnostics) = load_files(&[("hosts", "#!/bin/sh\necho {}\n")]);
    assert_eq!(
        diagnostics.0[0].notes[0].message,
        "this looks like an inventory script; such a file has to be executable"
    );
    assert_eq!(said("hosts", "all:\n  hosts:\n\th1:\n").len(), 1, "a broken YAML file is not read as INI");
    let diagnostics =
        read(&Project::new(), &[InventorySource::Path(PathBuf::from("/nonexistent/hosts"))]).diagnostics;
    assert!(diagnostics.has_errors());
}

#[test]
fn variables_keep_their_places_and_layers_are_shared() {
    let (dir, project, inventory, diagnostics) = load_files(&[
        ("hosts.yml", "web:\n  hosts:\n    a: {x: 1}\n    b:\n  vars:\n    y: 2\n"),
        ("group_vars/web.yml", "z: \"{{ y }}\"\n"),
    ]);
    assert!(diagnostics.0.is_empty(), "{diagnostics:?}");
    let a = inventory.host_layers(&project, "a", &[dir.path().to_owned()]).unwrap();
    let b = inventory.host_layers(&project, "b", &[dir.path().to_owned()]).unwrap();
    let levels: Vec<_> = a.iter().map(|layer| layer.level.describe()).collect();
    assert_eq!(
        levels,
        [
            "inventory group variables",
            "inventory group_vars",
            "playbook group_vars",
            "inventory host variables"
        ]
    );
    assert!(a.iter().zip(&b).take(3).all(|(a, b)| Arc::ptr_eq(a, b)));
    let place = |layer: usize, name: &str| {
        let place = a[layer].vars[name].place.clone().unwrap();
        (place.line, place.column)
    };
    assert_eq!(place(0, "y"), (6, 8));
    assert_eq!(place(1, "z"), (1, 4));
    assert_eq!(place(3, "x"), (3, 12));
    let file = a[3].vars["inventory_file"].value.to_text();
    assert_eq!(Path::new(&file), dir.path().join("hosts.yml"));
}

#[test]
fn mistakes_in_files_of_variables_are_found() {
    let (_dir, project, inventory, _) = load_files(&[
        ("hosts.yml", "web: {hosts: {a: , b: }}\n"),
        ("group_vars/wbe.yml", "x: 1\n"),
        ("group_vars/web.yml", "- a\n"),
        ("host_vars/a.yml", "x: [\n"),
        ("host_vars/b.yml", "x: 1\nx: 2\n"),
    ]);
    let found = inventory.check_vars_files(&project, &[]);
    let messages: Vec<&str> = found.0.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(messages[0], "a file of variables has to be a mapping, not a list");
    assert!(messages[1].ends_with("group_vars/wbe.yml` belongs to nothing in the inventory"), "{messages:?}");
    assert_eq!(found.0[1].hint.as_deref(), Some("did you mean `web`?"));
    assert_eq!(messages[3], "the key `x` is given twice");
    assert_eq!(messages.len(), 4, "{messages:?}");
    assert!(inventory.host_layers(&project, "a", &[]).is_err());
}

#[test]
fn patterns_that_match_nothing_are_warned_of_once() {
    let (_dir, project, inventory, _) =
        load_files(&[("hosts.yml", "web: {hosts: {w1: , w2: }}\ndb: {hosts: {d1: }}\n")]);
    let matches = inventory.match_pattern(&["wbe", "db", "wbe"], None);
    assert_eq!(names(&matches.hosts), ["d1"]);
    let said: Vec<String> = matches.diagnostics.0.iter().map(line).collect();
    assert_eq!(said, ["W - the host pattern `wbe` matches nothing (did you mean `web`?)"]);
    let matches = inventory.match_pattern(&["web[7]"], None);
    assert_eq!(
        matches.diagnostics.0.iter().map(line).collect::<Vec<_>>(),
        ["E - `web[7]` is out of range: `web` has 2 hosts"]
    );
    assert!(inventory.match_pattern(&["~("], None).diagnostics.has_errors());
    let limit = Limit::parse(&project, "w2:db").unwrap();
    assert_eq!(names(&inventory.match_pattern(&["all"], Some(&limit)).hosts), ["w2", "d1"]);
    assert_eq!(names(&inventory.match_pattern(&["web", "!w1"], Some(&limit)).hosts), ["w2"]);
}

#[test]
fn a_limit_may_be_a_file() {
    let (dir, project, inventory, _) =
        load_files(&[("hosts.yml", "web: {hosts: {w1: , w2: , w3: }}\n"), ("retry", "w3\n\nw1\n")]);
    let limit = Limit::parse(&project, &format!("@{}", dir.path().join("retry").display())).unwrap();
    assert_eq!(names(&inventory.match_pattern(&["web"], Some(&limit)).hosts), ["w1", "w3"]);
    assert!(Limit::parse(&project, "@/nonexistent").is_err());
    assert!(Limit::parse(&project, "@/").is_err());
}

#[test]
fn localhost_is_implicit_and_not_among_all() {
    let (_dir, project, inventory, _) =
        load_files(&[("hosts.yml", "all: {vars: {v: 1}}\nweb: {hosts: {w1: }}\n")]);
    assert_eq!(names(&inventory.match_pattern(&["localhost"], None).hosts), ["localhost"]);
    assert_eq!(names(&inventory.match_pattern(&["all"], None).hosts), ["w1"]);
    assert!(inventory.is_implicit("localhost") && !inventory.is_implicit("w1"));
    assert_eq!(
        vars_of(&inventory, &project, "localhost", &[]),
        json!({"ansible_connection": "local", "v": 1})
    );
    assert!(inventory.host("nobody").is_none());
}

#[test]
fn an_argument_is_a_list_or_a_path() {
    let project = Project::new();
    assert_eq!(InventorySource::from_argument(&project, "a,"), InventorySource::Hosts("a,".to_owned()));
    assert_eq!(
        InventorySource::from_argument(&project, "hosts"),
        InventorySource::Path(PathBuf::from("hosts"))
    );
}

proptest! {
    #[test]
    fn any_text_gives_an_inventory_or_errors(
        text in "(\\[?[ab]{1,2}(:(vars|children))?\\]?|[ab]( [xy]=(\\PC|[\\[({'\"#1,:)}\\]]){0,6})?|\\PC{0,8}|\n){0,12}"
    ) {
        let mut builder = Builder::new();
        builder.add_ini(&Source::new("hosts", text));
        let (inventory, _) = builder.finish();
        for group in inventory.groups.keys() {
            prop_assert!(inventory.group_members(group).iter().all(|host| inventory.hosts.contains_key(host)));
        }
        prop_assert_eq!(inventory.group_members("all").len(), inventory.hosts.len());
    }

    #[test]
    fn any_pattern_matches_hosts_or_says_why(pattern in "[ab*?\\[\\]!&:,~0-9.-]{0,10}|\\PC{0,10}") {
        let mut builder = Builder::new();
        builder.add_ini(&Source::new("hosts", "[a]\na1\na2\n[b]\nb1\na2\n"));
        let (inventory, _) = builder.finish();
        let matches = inventory.match_pattern(&[&pattern], None);
        prop_assert!(matches.hosts.iter().all(|host| inventory.host(host).is_some()));
    }
}
