//! Mistakes in files: told before any connection is made. No lab is needed.

use crate::world::{Project, Ran, fleet, ran};

fn apply(project: &Project, more: &[&str]) -> Ran {
    let mut command = fleet();
    command.arg("apply").arg(project.path("site.yml")).arg("-i").arg(project.path("hosts.yml")).args(more);
    ran(&mut command)
}

const HOSTS: &str = "all: {hosts: {h1: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n";

pub fn mistakes() {
    let site = "- hosts: all\n  tsks: []\n  tasks:\n    - name: a\n      coppy: {src: a, dest: b}\n    - name: b\n      \
                copy: {src: a, dets: /b}\n    - name: c\n      debug: {msg: \"{{ x | upperr }}\"}\n    - name: d\n      ping:\n      whn: true\n";
    let project = Project::new(&[("site.yml", site), ("hosts.yml", HOSTS)]);
    let told = apply(&project, &[]).expect(4).stderr;
    for (place, hint) in [
        ("site.yml:2:3", "tasks"),
        ("site.yml:5:7", "did you mean `copy`?"),
        ("site.yml:7:22", "did you mean `dest`?"),
        ("site.yml:9:", "did you mean `upper`?"),
        ("site.yml:12:7", "when"),
    ] {
        assert!(told.contains(place), "{place} is told:\n{told}");
        assert!(told.contains(hint), "{hint} is told:\n{told}");
    }
    assert!(told.contains("no host has been connected to"), "{told}");
}

pub fn pattern() {
    let project = Project::new(&[
        ("site.yml", "- hosts: wbe\n  tasks: [{ping: }]\n"),
        ("hosts.yml", "all: {children: {web: {hosts: {h1: }}}}\n"),
    ]);
    let run = apply(&project, &[]).expect(0);
    assert!(run.stderr.contains("wbe") && run.stderr.contains("did you mean `web`?"), "{}", run.stderr);
}

pub fn template() {
    let site = "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n    - template: {src: a.j2, dest: /tmp/never-written}\n";
    let template = "first\n{% if x %}\nport {{ port }\n{% endif %}\n";
    let project = Project::new(&[
        ("site.yml", site),
        ("templates/a.j2", template),
        ("hosts.yml", "all: {hosts: {h1: }}\n"),
    ]);
    let run = apply(&project, &[]).expect(2);
    assert!(run.stdout.contains("a.j2:3:"), "{}\n{}", run.stdout, run.stderr);
    assert!(!std::path::Path::new("/tmp/never-written").exists());
}

pub fn exit_codes() {
    let project = Project::new(&[
        (
            "site.yml",
            "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks: [{fail: {msg: wanted}}]\n",
        ),
        ("hosts.yml", "all: {hosts: {h1: }}\n"),
    ]);
    assert!(apply(&project, &[]).expect(2).stdout.contains("wanted"));
    apply(&project, &["--no-such-option"]).expect(5);
    project.write("site.yml", "- hosts: all\n  tasks: [\n");
    apply(&project, &[]).expect(4);
    ran(fleet().args(["apply", "no-such-playbook.yml"])).expect(5);
}
