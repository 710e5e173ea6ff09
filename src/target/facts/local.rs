//! Local facts: `*.fact` files, run if they are executable, read if not; JSON or INI.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::base::{Key, Map, Value};
use crate::map;

use super::ini;
use super::system::{System, spawn, wait};

/// `local`: one entry for each file, by its name without `.fact`. What goes wrong with a file is its value, in
/// Ansible's words.
pub(super) fn facts(system: &System, fact_path: &str) -> Map {
    let mut local = Map::new();
    for name in system.names(fact_path) {
        // as Python's glob, which passes over hidden files
        let stem = name.strip_suffix(".fact");
        if stem.is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.')) {
            let path = format!("{}/{name}", fact_path.trim_end_matches('/'));
            let value = read(system, &path).unwrap_or_else(Value::from);
            local.insert(Key::from(name.replace(".fact", "")), value);
        }
    }
    map! {"local" => local}
}

fn read(system: &System, path: &str) -> Result<Value, String> {
    let real = system.path(path);
    let mode = std::fs::metadata(&real)
        .map_err(|error| format!("Could not stat fact ({path}): {}", python_error(&error, path)))?
        .permissions()
        .mode();
    let content = if mode & 0o100 == 0 {
        // get_file_content: stripped, and empty if it cannot be read
        system.bytes(path).unwrap_or_default().trim_ascii().to_vec()
    } else {
        run(&real, path)?
    };
    let text = String::from_utf8(content)
        .map_err(|_| format!("error loading fact - output of running \"{path}\" was not utf-8"))?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(_) => from_ini(&text, path),
    }
}

/// Runs a fact script. It may take as long as it likes, as in Ansible: the task's time-out bounds it.
fn run(program: &Path, path: &str) -> Result<Vec<u8>, String> {
    let child = spawn(&mut Command::new(program))
        .map_err(|error| format!("Could not execute fact script ({path}): {}", python_error(&error, path)))?;
    let answer = wait(child, None).ok_or_else(|| format!("Could not execute fact script ({path})"))?;
    if answer.status != 0 {
        let errors = String::from_utf8_lossy(&answer.stderr);
        return Err(format!("Failure executing fact script ({path}), rc: {}, err: {errors}", answer.status));
    }
    Ok(answer.stdout)
}

fn from_ini(text: &str, path: &str) -> Result<Value, String> {
    let sections = ini::parse(text)
        .map_err(|()| format!("error loading facts as JSON or ini - please check content: {path}"))?;
    let mut facts = Map::new();
    for (section, options) in &sections {
        let mut values = Map::new();
        for (option, _) in options {
            let value = ini::interpolate(section, option, options).map_err(|error| {
                format!("error loading facts as ini - please check content: {path} ({error})")
            })?;
            values.insert(Key::str(option), Value::from(value));
        }
        facts.insert(Key::str(section), Value::map(values));
    }
    Ok(Value::map(facts))
}

/// An error as Python prints it: `[Errno 8] Exec format error: '/path'`.
fn python_error(error: &std::io::Error, path: &str) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.split_once(" (os error")) {
        (Some(number), Some((words, _))) => format!("[Errno {number}] {words}: '{path}'"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn files_are_read_and_scripts_are_run() {
        let machine = machine(&[
            ("facts.d/app.fact", "{\"version\": 3, \"tags\": [\"a\", null, 1.5]}"),
            ("facts.d/site.fact", "[general]\nName = Web\n"),
            ("facts.d/bad.fact", "nonsense"),
            ("facts.d/empty.fact", ""),
            ("facts.d/percent.fact", "[a]\nb = 5%\n"),
            ("facts.d/script.fact", "#!/bin/sh\necho '{\"ok\": true}'\n"),
            ("facts.d/fails.fact", "#!/bin/sh\necho oops >&2\nexit 3\n"),
            ("facts.d/no-program.fact", "no interpreter"),
            ("facts.d/.hidden.fact", "{}"),
            ("facts.d/readme.txt", "no fact"),
        ]);
        for name in ["script", "fails", "no-program"] {
            let path = machine.system.path(format!("/facts.d/{name}.fact"));
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let facts = facts(&machine.system, "/facts.d");
        let local = facts.get("local").unwrap();
        let text = |name: &str| local.get(name).unwrap().to_text();
        assert_eq!(text("app"), "{'version': 3, 'tags': ['a', None, 1.5]}");
        assert_eq!(text("site"), "{'general': {'name': 'Web'}}");
        assert_eq!(
            text("bad"),
            "error loading facts as JSON or ini - please check content: /facts.d/bad.fact"
        );
        assert_eq!(text("empty"), "{}");
        assert!(
            text("percent")
                .starts_with("error loading facts as ini - please check content: /facts.d/percent.fact (")
        );
        assert_eq!(text("script"), "{'ok': True}");
        assert_eq!(text("fails"), "Failure executing fact script (/facts.d/fails.fact), rc: 3, err: oops\n");
        assert_eq!(
            text("no-program"),
            "Could not execute fact script (/facts.d/no-program.fact): [Errno 8] Exec format error: \
             '/facts.d/no-program.fact'"
        );
        assert_eq!(local.as_map().unwrap().len(), 8);
    }

    #[test]
    fn a_missing_directory_is_no_facts() {
        assert_eq!(
            Value::map(facts(&machine(&[]).system, "/etc/ansible/facts.d")).to_text(),
            "{'local': {}}"
        );
    }
}
