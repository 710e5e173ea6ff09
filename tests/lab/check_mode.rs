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
    - name: may set a variable
      set_fact: {colour: "{{ 'red' }}"}
      when: built.rc == 0
    - name: may have a file's
      include_vars: more.yml
      when: built.rc == 0
    - name: hangs on the variables
      copy: {content: "{{ colour }} {{ from_file }}", dest: /tmp/unknown-built}
"#;

pub fn unknown(world: &World) {
    let project = Project::new(&[
        ("site.yml", UNKNOWN),
        ("more.yml", "from_file: 1\n"),
        ("hosts.yml", "all: {hosts: {fault1: }}\n"),
    ]);
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
    assert_eq!(status("may set a variable"), ("may_change".to_owned(), "build".to_owned()));
    assert_eq!(status("hangs on the variables"), ("may_change".to_owned(), "build".to_owned()));
    assert!(["ok", "skipped"].contains(&status("predicted by creates").0.as_str()));
    assert_eq!(world.ssh("fault1", "ls /tmp/unknown-built 2>/dev/null || echo none"), "none\n");
}

const BROUGHT: &str = r#"
- hosts: fault1
  become: true
  gather_facts: false
  tasks:
    - name: before
      lineinfile: {path: /etc/brought/before.conf, line: a, create: false}
      ignore_errors: true
    - name: makes it
      command: touch /srv/made
    - name: fails without what it makes
      file: {path: /srv/made, mode: "0600"}
    - name: package
      apt: {name: locales, update_cache: true}
    - name: fails without it
      lineinfile: {path: /etc/locale.gen, line: "en_GB.UTF-8 UTF-8", create: false}
    - name: removes what it brings
      file: {path: /etc/locale.gen, state: absent}
    - name: its program
      command: locale-gen --version
      check_mode: false
      changed_when: false
      register: version
    - name: hangs on its program
      debug: {msg: "{{ version.stderr }}"}
    - name: has nothing to do with it
      assert: {that: 1 + 1 == 2}
    - name: as who is not there yet
      file: {path: /srv/brought, state: directory}
      become_user: brought
    - name: fails by itself
      fail: {msg: for good}
      ignore_errors: true
"#;

pub fn brought(world: &World) {
    let project = Project::new(&[("site.yml", BROUGHT), ("hosts.yml", "all: {hosts: {fault1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let plan = world.run("plan", &project.path("site.yml"), &json).expect(0);
    let told: Vec<(String, String, String)> = plan
        .events()
        .into_iter()
        .filter(|event| event["event"] == "task_finished")
        .map(|event| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let (outcome, task) = (&event["outcome"], &event["task"]);
            (text(&task["name"]), text(&outcome["status"]), text(&outcome["because"]))
        })
        .collect();
    let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(
        told,
        [
            ("before", "ignored", ""),
            ("makes it", "may_change", "makes it"),
            ("fails without what it makes", "may_change", "makes it"),
            ("package", "changed", ""),
            ("fails without it", "may_change", "package"),
            ("removes what it brings", "may_change", "package"),
            ("its program", "may_change", "package"),
            ("hangs on its program", "ok", ""),
            ("has nothing to do with it", "ok", ""),
            ("as who is not there yet", "may_change", "package"),
            ("fails by itself", "ignored", ""),
        ]
    );
    assert_eq!(world.ssh("fault1", "ls /etc/locale.gen 2>/dev/null || echo none"), "none\n");
}
