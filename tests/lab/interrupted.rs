//! A run that is killed in its middle leaves nothing half done, and the next run finishes it, handlers included.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{Project, World};

const SITE: &str = r#"
- hosts: kill1
  become: true
  gather_facts: false
  tasks:
    - name: configuration
      copy: {content: "{{ 'x' * 1000 }}\n", dest: /etc/killed.conf}
      notify: restart it
    - name: slow
      command: sleep 5
      when: not (fast | default(false) | bool)
    - name: after
      copy: {content: "after\n", dest: /etc/killed.after}
  handlers:
    - name: restart it
      shell: echo restarted >> /var/log/killed.log
"#;

pub fn handler(world: &World) {
    let project = Project::new(&[("site.yml", SITE), ("hosts.yml", "all: {hosts: {kill1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let site = project.path("site.yml");

    let mut running = world.command("apply", &site, &json);
    let mut child = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("fleet starts");
    let begun = Instant::now();
    while world.try_ssh("kill1", "pgrep -x sleep").code != 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the slow task has started");
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    assert_eq!(
        world.ssh("kill1", "wc -c < /etc/killed.conf; ls /var/log/killed.log 2>/dev/null || echo none"),
        "1001\nnone\n"
    );
    assert_eq!(world.ssh("kill1", "ls /etc/killed.after 2>/dev/null || echo none"), "none\n");

    let next = world.run("apply", &site, &[&json[..], &["-e", "fast=true"]].concat()).expect(0);
    assert_eq!(next.changed("kill1"), ["after", "restart it"]);
    assert!(
        next.events().iter().any(|event| event["event"] == "handler_left"),
        "it says why the handler runs"
    );
    assert_eq!(world.ssh("kill1", "cat /var/log/killed.log /etc/killed.after"), "restarted\nafter\n");

    let last = world.run("apply", &site, &[&json[..], &["-e", "fast=true"]].concat()).expect(0);
    assert_eq!(last.changed("kill1"), Vec::<String>::new());
    assert_eq!(
        world.ssh("kill1", "cat /var/log/killed.log; ls -A /etc | grep -c '^.fleet' || true"),
        "restarted\n0\n"
    );
}

const HOMELESS: &str = r#"
- hosts: nohome1
  gather_facts: false
  become: true
  become_user: daemon
  tasks:
    - name: by a user whose home is not its own
      copy: {content: "x\n", dest: /tmp/homeless}
      notify: tell
  handlers:
    - name: tell
      shell: echo told >> /tmp/homeless.told
"#;

pub fn homeless(world: &World) {
    let project = Project::new(&[("site.yml", HOMELESS), ("hosts.yml", "all: {hosts: {nohome1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let run = world.run("apply", &project.path("site.yml"), &json).expect(0);
    assert_eq!(run.changed("nohome1"), ["by a user whose home is not its own", "tell"]);
    assert_eq!(world.ssh("nohome1", "stat -c %U /tmp/homeless; cat /tmp/homeless.told"), "daemon\ntold\n");
}
