//! Measures loading and templating at scale: a generated project of 300 roles, 10,000 tasks and 5,000 hosts, listed by
//! fleet and by ansible-playbook, one after the other on the same tree.
//!
//! `cargo bench --bench scale` prints a table; with `--write` it becomes `docs/benchmark-scale.md`. Needs a Python with pip
//! for ansible-core.

#![expect(clippy::expect_used, clippy::panic, reason = "it panics to fail")]

mod peers;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use peers::{ansible_playbook, surroundings};

const ROLES: usize = 300;
const TASKS: usize = 10_000;
const HOSTS: usize = 5_000;
const PLAYS: usize = 10;
const ROUNDS: usize = 3;

/// What a run cost.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// Peak resident memory in KiB.
    memory: u64,
}

fn main() {
    let room = tempfile::tempdir().expect("a directory");
    generate(room.path());
    let ansible = ansible_playbook();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut fleet = Command::new(env!("CARGO_BIN_EXE_fleet"));
        fleet.args(["apply", "site.yml", "-i", "hosts.yml", "--list-tasks"]);
        ours.push(measured(&mut fleet, room.path()));
        let mut playbook = Command::new(&ansible);
        playbook.args(["site.yml", "-i", "hosts.yml", "--list-tasks"]);
        theirs.push(measured(&mut playbook, room.path()));
    }
    let report = report(best(&ours), best(&theirs), &ansible.display().to_string());
    println!("{report}");
    if std::env::args().any(|argument| argument == "--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmark-scale.md");
        std::fs::write(path, report).expect("docs/benchmark-scale.md is written");
    }
}

/// Runs a command and looks at its memory while it runs.
fn measured(command: &mut Command, directory: &Path) -> Cost {
    let begun = Instant::now();
    let mut child = command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let ended = loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let number = peak.and_then(|peak| peak.split_whitespace().next()).and_then(|n| n.parse().ok());
            memory = number.unwrap_or(memory);
        }
        if let Some(ended) = child.try_wait().expect("it can be waited for") {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = begun.elapsed();
    assert!(ended.success(), "{command:?} failed");
    Cost { time, memory }
}

fn best(costs: &[Cost]) -> Cost {
    *costs.iter().min_by_key(|cost| cost.time).expect("there were rounds")
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, text).expect("a file");
}

fn generate(room: &Path) {
    for role in 0..ROLES {
        let base = room.join(format!("roles/role{role:03}"));
        // the tasks are spread as evenly as they go
        let count = TASKS * (role + 1) / ROLES - TASKS * role / ROLES;
        let mut tasks = String::new();
        for task in 0..count {
            let _ = writeln!(
                tasks,
                "- name: \"Role {role} task {task} for {{{{ role{role:03}_name }}}}\"\n  ansible.builtin.copy:\n    content: \"{{{{ \
                 role{role:03}_items | join(',') }}}} on {{{{ inventory_hostname }}}}\"\n    dest: \"/srv/{{{{ role{role:03}_name \
                 }}}}/{task}.conf\"\n    mode: \"0644\"\n  when: role{role:03}_enabled | bool\n  tags: [role{role:03}, t{}]",
                task % 7
            );
        }
        write(&base.join("tasks/main.yml"), &tasks);
        write(
            &base.join("defaults/main.yml"),
            &format!(
                "role{role:03}_name: role{role:03}\nrole{role:03}_enabled: true\nrole{role:03}_items: [a, b, c]\n"
            ),
        );
        write(
            &base.join("handlers/main.yml"),
            &format!("- name: restart role{role:03}\n  ansible.builtin.debug: {{msg: restarted}}\n"),
        );
    }
    let mut hosts = String::from("all:\n  children:\n");
    for group in 0..50 {
        let _ = writeln!(hosts, "    group{group:02}:\n      hosts:");
        for host in (group..HOSTS).step_by(50) {
            let _ = writeln!(
                hosts,
                "        host{host:04}: {{ansible_host: 192.0.2.{}, rack: r{}}}",
                host % 250,
                host % 40
            );
        }
        write(
            &room.join(format!("group_vars/group{group:02}.yml")),
            &format!("group_number: {group}\nservice_port: \"{{{{ 8000 + group_number }}}}\"\n"),
        );
    }
    write(&room.join("hosts.yml"), &hosts);
    let mut site = String::new();
    for play in 0..PLAYS {
        let _ = writeln!(site, "- name: Play {play}\n  hosts: group0{play}:group1{play}\n  roles:");
        for role in (play..ROLES).step_by(PLAYS) {
            let _ = writeln!(site, "    - role: role{role:03}");
        }
    }
    write(&room.join("site.yml"), &site);
}

fn report(ours: Cost, theirs: Cost, ansible: &str) -> String {
    let ratio = |a: f64, b: f64| format!("{:.1}", a / b);
    let mib = |cost: Cost| cost.memory as f64 / 1024.0;
    let mut text = String::from("# Benchmark: loading at scale\n\n");
    let _ = writeln!(
        text,
        "A generated project of {ROLES} roles, {TASKS} tasks in {PLAYS} plays and {HOSTS} hosts: `--list-tasks` by both on the same \
         tree, the best of {ROUNDS} rounds. Written by `cargo bench --bench scale -- --write`.\n"
    );
    let _ = writeln!(
        text,
        "| what | time | times fleet's | peak memory | times fleet's |\n|---|---|---|---|---|"
    );
    let _ = writeln!(
        text,
        "| `fleet apply --list-tasks` | {:.2} s | 1 | {:.0} MiB | 1 |",
        ours.time.as_secs_f64(),
        mib(ours)
    );
    let _ = writeln!(
        text,
        "| `ansible-playbook --list-tasks` | {:.2} s | {} | {:.0} MiB | {} |\n",
        theirs.time.as_secs_f64(),
        ratio(theirs.time.as_secs_f64(), ours.time.as_secs_f64()),
        mib(theirs),
        ratio(mib(theirs), mib(ours))
    );
    text.push_str(&surroundings(ansible));
    text
}
