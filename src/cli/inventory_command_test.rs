//! What is shown of the fixtures of `tests/fixtures/inventory`: the files in `shown/` were printed by ansible-inventory
//! 2.19.14 (TOML with tomli-w 1.2).

use std::path::Path;

use super::*;

/// The options that give each file in `shown/`.
const FILES: [(&str, &[&str]); 6] = [
    ("list.json", &["--list"]),
    ("export.json", &["--list", "--export"]),
    ("list.yml", &["--list", "--yaml"]),
    ("export.yml", &["--list", "--yaml", "--export"]),
    ("export.toml", &["--list", "--toml", "--export"]),
    ("graph.txt", &["--graph", "--vars"]),
];

fn parse(arguments: &[&str]) -> InventoryArgs {
    let all = std::iter::once("ansible-inventory").chain(arguments.iter().copied());
    AnsibleInventory::try_parse_from(all).unwrap().args
}

fn text(arguments: &[&str]) -> Option<String> {
    shown(&parse(arguments), Manner::Ansible).unwrap()
}

/// The options that name a fixture's inventories.
fn inventories(dir: &Path) -> Vec<String> {
    let case = std::fs::read_to_string(dir.join("case.json")).unwrap();
    let case: serde_json::Value = serde_json::from_str(&case).unwrap();
    let mut options = Vec::new();
    for source in case["sources"].as_array().unwrap() {
        let source = source.as_str().unwrap();
        options.push("-i".to_owned());
        options.push(if source.contains(',') {
            source.to_owned()
        } else {
            dir.join(source).display().to_string()
        });
    }
    if let Some(playbook_dir) = case["playbook_dir"].as_str() {
        options.push(format!("--playbook-dir={}", dir.join(playbook_dir).display()));
    }
    options
}

#[test]
fn what_is_shown_is_what_ansible_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inventory");
    let mut compared = 0;
    for dir in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        for (file, options) in FILES {
            let Ok(expected) = std::fs::read_to_string(dir.join("shown").join(file)) else { continue };
            let mut arguments = inventories(&dir);
            arguments.extend(options.iter().map(|option| (*option).to_owned()));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let text = text(&arguments).unwrap();
            assert_eq!(text.trim_end(), expected.trim_end(), "{}: {file}", dir.display());
            compared += 1;
        }
    }
    assert!(compared >= 45, "{compared}");
}

#[test]
fn limits_and_hosts_choose() {
    let listed = text(&["-i", "a,b,", "--list", "-l", "b"]).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["ungrouped"]["hosts"], serde_json::json!(["b"]));
    assert_eq!(
        text(&["-i", "a,b,", "--graph", "-l", "b"]).unwrap(),
        "@all:\n  |--@ungrouped:\n  |  |--a\n  |  |--b"
    );
    assert_eq!(text(&["-i", "a,b,", "--host", "a", "-e", "x=1"]).unwrap(), "{\n    \"x\": \"1\"\n}");
    for wrong in [&["-i", "a,b,", "--host", "all"][..], &["-i", "a,"], &["-i", "a,", "--graph", "ungruoped"]]
    {
        assert!(shown(&parse(wrong), Manner::Ansible).is_err(), "{wrong:?}");
    }
}
