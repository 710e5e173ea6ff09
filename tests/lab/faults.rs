//! What goes wrong is told with its place and the host's name, and leaves every file whole.

use crate::world::{Project, Ran, World, fleet, ran};

fn apply(project: &Project, more: &[&str]) -> Ran {
    let mut command = fleet();
    command.arg("apply").arg(project.path("site.yml")).arg("-i").arg(project.path("hosts.yml")).args(more);
    ran(&mut command)
}

const PING: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n";

/// An inventory of hosts that are reached without `--lab`.
fn inventory(world: &World, hosts: &[&str], known_hosts: Option<&str>) -> String {
    let mut text = "all:\n  hosts:\n".to_owned();
    for host in hosts {
        let (address, key, known) = world.address(host);
        let known = known_hosts.map_or_else(|| known.display().to_string(), str::to_owned);
        text += &format!(
            "    {host}:\n      ansible_host: {address}\n      ansible_user: fleet\n      ansible_ssh_private_key_file: \
             {}\n      ansible_ssh_common_args: -F /dev/null -o UserKnownHostsFile={known} -o IdentityAgent=none\n",
            key.display()
        );
    }
    text
}

pub fn unreachable(world: &World) {
    let mut hosts = inventory(world, &["fault1"], None);
    // nothing listens there: the lab's own gateway side has no sshd on port 1
    hosts += "    nowhere: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}\n";
    let project = Project::new(&[("site.yml", PING), ("hosts.yml", &hosts)]);
    let run = apply(&project, &["--json", "-T", "5"]).expect(4);
    assert_eq!((run.recap("fault1", "ok"), run.recap("nowhere", "unreachable")), (1, 1));
    let shown = apply(&project, &["-T", "5"]).expect(4).stdout;
    assert!(shown.contains("unreachable nowhere") && shown.contains("127.0.0.1:1"), "{shown}");
}

pub fn wrong_key(world: &World) {
    let project = Project::new(&[("site.yml", PING)]);
    let key = project.path("other_key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.expect("ssh-keygen runs").success());
    let (_, right, _) = world.address("fault1");
    let hosts = inventory(world, &["fault1"], None).replace(right.to_str().unwrap(), key.to_str().unwrap());
    project.write("hosts.yml", &hosts);
    let run = apply(&project, &[]).expect(4);
    assert!(run.stdout.contains("fault1") && run.stdout.contains("other_key"), "{}", run.stdout);
}

pub fn host_keys(world: &World) {
    let project = Project::new(&[("site.yml", PING), ("known_hosts", "")]);
    let known = project.path("known_hosts");
    project.write("hosts.yml", &inventory(world, &["fault1"], known.to_str()));
    let unknown = apply(&project, &[]).expect(4);
    assert!(unknown.stdout.contains("SHA256:"), "the fingerprint is shown: {}", unknown.stdout);
    assert_eq!(std::fs::read_to_string(&known).unwrap(), "", "nothing is remembered unasked");

    apply(&project, &["--accept-new"]).expect(0);
    let remembered = std::fs::read_to_string(&known).unwrap();
    assert_eq!(remembered.lines().count(), 1, "{remembered}");
    apply(&project, &[]).expect(0);

    // another host's key under this address: that is a changed key
    let (other, ..) = world.address("fault2");
    let (own, _, lab_known) = world.address("fault1");
    let foreign = std::fs::read_to_string(lab_known)
        .unwrap()
        .lines()
        .find(|line| line.contains(&other))
        .and_then(|line| Some(line.split_once(' ')?.1.to_owned()))
        .expect("the lab knows its hosts");
    std::fs::write(&known, format!("{own} {foreign}\n")).unwrap();
    for more in [&[][..], &["--accept-new"][..]] {
        let changed = apply(&project, more).expect(4);
        assert!(
            changed.stdout.contains("known_hosts:1"),
            "the line of the old key is named: {}",
            changed.stdout
        );
    }
}

const FULL: &str = r"
- hosts: fault2
  become: true
  gather_facts: false
  tasks:
    - name: a large file
      copy: {src: big, dest: /mnt/small/file}
";

pub fn full_disk(world: &World) {
    world.ssh(
        "fault2",
        "mkdir -p /mnt/small && mount -t tmpfs -o size=1m tmpfs /mnt/small && echo old > /mnt/small/file",
    );
    let project = Project::new(&[("site.yml", FULL), ("hosts.yml", "all: {hosts: {fault2: }}\n")]);
    project.write("files/big", &"b".repeat(3 << 20));
    let inventory = project.path("hosts.yml");
    let run = world.run("apply", &project.path("site.yml"), &["-i", inventory.to_str().unwrap()]).expect(2);
    assert!(
        run.stdout.contains("/mnt/small/file") && run.stdout.to_lowercase().contains("no space"),
        "{}",
        run.stdout
    );
    assert_eq!(world.ssh("fault2", "cat /mnt/small/file; ls -A /mnt/small"), "old\nfile\n");
}

const SERVICE: &str = r"
- hosts: fault3
  become: true
  gather_facts: false
  tasks:
    - name: the unit
      copy:
        dest: /etc/systemd/system/broken.service
        content: |
          [Service]
          Type=oneshot
          ExecStart=/bin/sh -c 'echo the reason is here >&2; exit 3'
    - name: start it
      systemd_service: {name: broken.service, state: started, daemon_reload: true}
";

pub fn service(world: &World) {
    let project = Project::new(&[("site.yml", SERVICE), ("hosts.yml", "all: {hosts: {fault3: }}\n")]);
    let inventory = project.path("hosts.yml");
    let run = world.run("apply", &project.path("site.yml"), &["-i", inventory.to_str().unwrap()]).expect(2);
    let shown = run.stdout;
    assert!(shown.contains("fault3") && shown.contains("broken.service"), "{shown}");
    assert!(shown.contains("the reason is here"), "the journal is shown: {shown}");
}

const UNDEFINED: &str = r#"
- hosts: fault3
  gather_facts: false
  vars: {application_port: 80}
  tasks:
    - name: first
      copy: {content: "whole\n", dest: /tmp/undefined-first}
    - name: second
      copy:
        dest: /tmp/undefined-second
        content: |
          a line
          port {{ aplication_port }}
"#;

pub fn undefined(world: &World) {
    let project = Project::new(&[("site.yml", UNDEFINED), ("hosts.yml", "all: {hosts: {fault3: }}\n")]);
    let inventory = project.path("hosts.yml");
    let run = world.run("apply", &project.path("site.yml"), &["-i", inventory.to_str().unwrap()]).expect(2);
    let shown = run.stdout;
    assert!(shown.contains("site.yml:13:") && shown.contains("aplication_port"), "{shown}");
    assert!(shown.contains("did you mean `application_port`?"), "{shown}");
    assert_eq!(
        world.ssh("fault3", "cat /tmp/undefined-first; ls /tmp/undefined-second 2>/dev/null || true"),
        "whole\n"
    );
}
