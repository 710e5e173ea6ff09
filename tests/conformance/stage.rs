//! What a target is run in, as ansible-test would have it: a copy of the integration tests with an inventory beside
//! them, ansible's command names first in `PATH`, an empty configuration, and a script that runs the target.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::must;
use crate::package;
use crate::target::{Style, Target};

/// ansible's command names, all of which lead to the program that is tested.
const NAMES: [&str; 10] = [
    "ansible",
    "ansible-config",
    "ansible-connection",
    "ansible-console",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-inventory",
    "ansible-playbook",
    "ansible-pull",
    "ansible-vault",
];

/// The programs of the virtual environment that targets call on the controller.
const TOOLS: [&str; 4] = ["python", "python3", "pip", "pip3"];

/// How long a target may take, in seconds.
pub const SECONDS: u32 = 600;

/// Where things are on the machine that runs the target.
pub struct Layout<'a> {
    /// The directory of this run.
    pub work: PathBuf,
    /// The directory of the virtual environment.
    pub environment: PathBuf,
    /// The program under test; ansible-core itself if none.
    pub program: Option<PathBuf>,
    /// The home directory. Ansible expands `~` on a host as its user's, so it is another than the user's only where
    /// the targets must not write into that.
    pub home: PathBuf,
    /// The connection variables of `testhost`.
    pub testhost: &'a str,
}

/// The files of a run, in a local directory that stands for `layout.work`.
///
/// # Errors
/// If something cannot be written.
pub fn prepare(target: &Target, layout: &Layout<'_>, local: &Path) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", local.display());
    for directory in ["names", "tools", "python", "output", "home", "integration"] {
        fs::create_dir_all(local.join(directory)).map_err(wrong)?;
    }
    fs::set_permissions(local, fs::Permissions::from_mode(0o755)).map_err(wrong)?;
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(package::directory().join("test/integration/targets")).arg(local.join("integration"));
    must(&mut copy, "the targets cannot be copied")?;
    for name in NAMES {
        let program = layout.program.clone().unwrap_or_else(|| layout.environment.join("bin").join(name));
        symlink(program, local.join("names").join(name)).map_err(wrong)?;
    }
    for name in TOOLS {
        // a link would lose the environment: Python looks for it beside the name it was started by
        let tool = local.join("tools").join(name);
        let program = layout.environment.join("bin").join(name);
        fs::write(&tool, format!("#!/bin/sh\nexec {} \"$@\"\n", program.display())).map_err(wrong)?;
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).map_err(wrong)?;
    }
    symlink(layout.environment.join("ansible"), local.join("python/ansible")).map_err(wrong)?;
    let virtualenv = "test/lib/ansible_test/_util/target/injector/virtualenv.sh";
    fs::copy(package::directory().join(virtualenv), local.join("tools/virtualenv.sh")).map_err(wrong)?;
    fs::write(local.join("ansible.cfg"), "").map_err(wrong)?;
    let inventory = format!("[testgroup]\ntesthost {}\n", layout.testhost);
    fs::write(local.join("integration/inventory"), inventory).map_err(wrong)?;
    if target.style == Style::Role {
        let file = local.join("integration").join(format!("{}.yml", target.name));
        fs::write(file, play(target, &layout.work)).map_err(wrong)?;
    }
    fs::write(local.join("run.sh"), script(target, layout)).map_err(wrong)
}

/// The play that ansible-test makes for a role, as JSON.
fn play(target: &Target, work: &Path) -> String {
    let play = serde_json::json!([{
        "hosts": "testhost",
        "gather_facts": !has_alias(target, "gather_facts/no"),
        "vars_files": [],
        "vars": {"output_dir": work.join("output")},
        "roles": [target.name],
    }]);
    format!("{play:#}\n")
}

fn has_alias(target: &Target, alias: &str) -> bool {
    let text = fs::read_to_string(package::target(&target.name).join("aliases")).unwrap_or_default();
    text.lines().any(|line| line.split('#').next().is_some_and(|line| line.trim() == alias))
}

fn script(target: &Target, layout: &Layout<'_>) -> String {
    let at = |name: &str| layout.work.join(name).display().to_string();
    let (directory, command) = match target.style {
        Style::Role => (at("integration"), format!("ansible-playbook {}.yml -i inventory -v", target.name)),
        Style::Script => (at(&format!("integration/targets/{}", target.name)), "./runme.sh -v".to_owned()),
    };
    let path = format!(
        "{}:{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        at("names"),
        at("tools")
    );
    let python = layout.environment.join("bin/python").display().to_string();
    let mut variables = vec![
        ("PATH", path),
        ("HOME", layout.home.display().to_string()),
        ("USER", "root".to_owned()),
        ("SHELL", "/bin/bash".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("PYTHONPATH", at("python")),
        ("PAGER", "/bin/cat".to_owned()),
        ("OUTPUT_DIR", at("output")),
        ("INVENTORY_PATH", at("integration/inventory")),
        ("ANSIBLE_PLAYBOOK_DIR", directory.clone()),
        ("ANSIBLE_CONFIG", at("ansible.cfg")),
        ("ANSIBLE_INVENTORY", "/dev/null".to_owned()),
        ("ANSIBLE_LIBRARY", "/dev/null".to_owned()),
        ("ANSIBLE_FORCE_COLOR", "false".to_owned()),
        ("ANSIBLE_FORCE_HANDLERS", "true".to_owned()),
        ("ANSIBLE_HOST_PATTERN_MISMATCH", "error".to_owned()),
        ("ANSIBLE_DEPRECATION_WARNINGS", "false".to_owned()),
        ("ANSIBLE_HOST_KEY_CHECKING", "false".to_owned()),
        ("ANSIBLE_RETRY_FILES_ENABLED", "false".to_owned()),
        ("ANSIBLE_DEVEL_WARNING", "false".to_owned()),
        ("ANSIBLE_PYTHON_INTERPRETER", "/set/ansible_python_interpreter/in/inventory".to_owned()),
        ("ANSIBLE_SSH_CONTROL_PATH_DIR", at("ssh")),
        ("FLEET_PYTHON", python.clone()),
        ("ANSIBLE_TEST_PYTHON_INTERPRETER", python),
        ("ANSIBLE_TEST_PYTHON_VERSION", "3".to_owned()),
    ];
    if target.style == Style::Role {
        variables.push(("ANSIBLE_ROLES_PATH", at("integration/targets")));
    }
    let given: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| name.starts_with("PIP_")).collect();
    let given = given.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let mut text = format!("cd '{directory}' && exec env -i");
    for (name, value) in variables.into_iter().chain(given) {
        text += &format!(" \\\n  {name}='{value}'");
    }
    text + &format!(" \\\n  setsid -w timeout -k 5 {SECONDS} {command}\n")
}
