//! Measures the converged deploy beside what a user would pick instead, in turn on the same lab hosts: fleet,
//! ansible-core (pipelining, ControlPersist, forks = hosts), and ten parallel `ssh host true`.
//!
//! `cargo bench --bench converged` prints a table; with `--write` it becomes `docs/benchmark.md`. Needs root, and a
//! Python with pip for ansible-core.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it panics to fail")]

mod peers;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use peers::{ansible_playbook, quietly, said, surroundings};

const ROUNDS: usize = 7;
const LAB: &str = "bench";

fn main() {
    if let Err(reason) = fleet::lab::can_run() {
        println!("the benchmark needs the lab: {reason}");
        return;
    }
    let result = std::panic::catch_unwind(measure);
    let _ = fleet().args(["lab", "down", "--name", LAB]).status();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn fleet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.env("NO_COLOR", "1").env_remove("ANSIBLE_INVENTORY");
    command
}

fn deploy() -> Command {
    let mut command = fleet();
    command.args(["apply", "playbooks/deploy.yml", "-i", "inventory", "--lab", "--lab-name", LAB]);
    command
}

fn measure() {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).expect("the project's directory");
    quietly(&mut deploy(), "the first deploy");
    let lab = fleet::lab::open(LAB).expect("the lab can be read").expect("the lab is up");
    let ansible = ansible_playbook();
    let mut playbook = Command::new(&ansible);
    playbook
        .args(["playbooks/deploy.yml", "-i", "inventory", "-f", "3", "-u", "fleet"])
        .arg("--ssh-common-args")
        .arg(format!("-F {} -o ControlMaster=auto -o ControlPersist=60s", lab.ssh_config.display()))
        .env("ANSIBLE_PIPELINING", "True")
        .env("ANSIBLE_ROLES_PATH", "roles")
        .env("ANSIBLE_NOCOWS", "1");
    quietly(&mut playbook, "Ansible's first run");
    let hosts: Vec<String> = lab.hosts.iter().map(|host| host.name.clone()).collect();

    let (mut ours, mut theirs, mut logins) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(|| quietly(&mut deploy(), "fleet")));
        theirs.push(timed(|| quietly(&mut playbook, "ansible-playbook")));
        logins.push(timed(|| ten_logins(&lab.ssh_config, &hosts)));
    }
    let (ours, theirs, logins) = (median(ours), median(theirs), median(logins));
    let report = report(ours, theirs, logins, &ansible);
    println!("{report}");
    if std::env::args().any(|argument| argument == "--write") {
        std::fs::write("docs/benchmark.md", report).expect("docs/benchmark.md is written");
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ten_logins(config: &Path, hosts: &[String]) {
    let mut running: Vec<_> = (0..10)
        .map(|number| {
            let host = &hosts[number % hosts.len()];
            let mut ssh = Command::new("ssh");
            ssh.arg("-F").arg(config).args(["-o", "ControlPath=none", host, "true"]);
            ssh.stdin(Stdio::null()).spawn().expect("ssh starts")
        })
        .collect();
    for ssh in &mut running {
        assert!(ssh.wait().expect("ssh ends").success(), "a login failed");
    }
}

fn report(ours: Duration, theirs: Duration, logins: Duration, ansible: &Path) -> String {
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
    let ratio = |time: Duration| format!("{:.1}", time.as_secs_f64() / ours.as_secs_f64());
    let mut text = String::from("# Benchmark: a converged deploy\n\n");
    let _ = writeln!(
        text,
        "`playbooks/deploy.yml` on three lab hosts on which there is nothing to change; medians of {ROUNDS} rounds, each round \
         one after the other on the same hosts. Written by `cargo bench --bench converged -- --write`.\n"
    );
    let _ = writeln!(text, "| what | time | times fleet's |\n|---|---|---|");
    let _ = writeln!(text, "| fleet, the whole playbook | {} | 1 |", ms(ours));
    let _ = writeln!(text, "| ten `ssh host true` in parallel | {} | {} |", ms(logins), ratio(logins));
    let _ = writeln!(
        text,
        "| ansible-core, the whole playbook (pipelining, ControlPersist, 3 forks) | {} | {} |\n",
        ms(theirs),
        ratio(theirs)
    );
    text.push_str(&surroundings(&ansible.display().to_string()));
    let _ = writeln!(text, "- OpenSSH: {}", said("ssh", &["-V"]));
    text
}
