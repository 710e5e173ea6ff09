//! Check mode predicts through its own changes.

use crate::world::{Project, World};

const FROM_NOTHING: &str = r#"
- hosts: plan1
  become: true
  gather_facts: false
  tasks:
    - name: group
      group: {name: rosa, system: true}
    - name: user
      user: {name: rosa, group: rosa, home: /srv/rosa, create_home: false, shell: /bin/sh}
    - name: directory
      file: {path: /srv/rosa, state: directory, owner: rosa, group: rosa, mode: "0750"}
    - name: below
      file: {path: /srv/rosa/conf, state: directory, owner: rosa, group: rosa, mode: "0700"}
    - name: file
      copy: {content: "a=1\n", dest: /srv/rosa/conf/a.conf, owner: rosa, group: rosa, mode: "0640"}
    - name: line
      lineinfile: {path: /srv/rosa/conf/a.conf, regexp: '^a=', line: a=2}
    - name: link
      file: {src: conf/a.conf, dest: /srv/rosa/current, state: link}
    - name: through the link
      stat: {path: /srv/rosa/current, follow: true}
      register: seen
    - name: the link leads to a file
      assert: {that: [seen.stat.exists, seen.stat.isreg]}
"#;

pub fn from_nothing(world: &World) {
    let project = Project::new(&[("site.yml", FROM_NOTHING), ("hosts.yml", "all: {hosts: {plan1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let inventory = ["-i", inventory.to_str().unwrap()];
    let json = [&inventory[..], &["--json"]].concat();
    let site = project.path("site.yml");

    let plan = world.run("plan", &site, &json).expect(0);
    let names = ["group", "user", "directory", "below", "file", "line", "link"];
    assert_eq!(plan.changed("plan1"), names);
    assert_eq!(
        world.ssh("plan1", "getent passwd rosa || ls -d /srv/rosa 2>/dev/null || echo nothing"),
        "nothing\n"
    );

    let apply = world.run("apply", &site, &json).expect(0);
    assert_eq!(apply.changed("plan1"), names);
    let diffs = |run: &crate::world::Ran| -> Vec<serde_json::Value> {
        run.events()
            .into_iter()
            .filter(|event| event["event"] == "task_finished")
            .map(|event| event["outcome"]["diffs"].clone())
            .collect()
    };
    assert_eq!(diffs(&plan), diffs(&apply), "what was planned is what was done");
    assert_eq!(
        world.ssh(
            "plan1",
            "stat -c '%U %G %a' /srv/rosa /srv/rosa/conf /srv/rosa/conf/a.conf; cat /srv/rosa/current"
        ),
        "rosa rosa 750\nrosa rosa 700\nrosa rosa 640\na=2\n"
    );
    // the copy task and the line task disagree: only those two change again
    let again = world.run("apply", &site, &json).expect(0);
    assert_eq!(again.changed("plan1"), ["file", "line"]);
}

const UNKNOWN: &str = r#"
- hosts: fault1
  gather_facts: false
  tasks:
    - name: build
      command: "echo {{ inventory_hostname }}"
      register: built
    - name: depends on it
      copy: {content: "{{ built.stdout }}\n", dest: /tmp/unknown-built}
    - name: conditional on it
      debug: {msg: "it is {{ built.stdout }}"}
      when: built is changed
    - name: does not depend on it
      debug: {msg: independent}
    - name: predicted by creates
      command: {cmd: "false", creates: /etc/passwd}
"#;

pub fn unknown(world: &World) {
    let project = Project::new(&[("site.yml", UNKNOWN), ("hosts.yml", "all: {hosts: {fault1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let plan = world.run("plan", &project.path("site.yml"), &json).expect(0);
    let status = |task: &str| {
        let found = plan
            .events()
            .into_iter()
            .find(|event| event["event"] == "task_finished" && event["task"]["name"] == task);
        let outcome = found.unwrap_or_else(|| panic!("{task} has finished"))["outcome"].clone();
        (
            outcome["status"].as_str().unwrap().to_owned(),
            outcome["because"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(status("build"), ("may_change".to_owned(), "build".to_owned()));
    assert_eq!(status("depends on it"), ("may_change".to_owned(), "build".to_owned()));
    assert_eq!(status("conditional on it"), ("may_change".to_owned(), "build".to_owned()));
    assert_eq!(status("does not depend on it").0, "ok");
    assert!(["ok", "skipped"].contains(&status("predicted by creates").0.as_str()));
    assert_eq!(world.ssh("fault1", "ls /tmp/unknown-built 2>/dev/null || echo none"), "none\n");
}
