//! The lab's hosts are like real ones.

use std::time::{Duration, Instant};

use crate::world::{Project, World, fleet, ran};

pub fn reboot(world: &World) {
    let before = world.ssh("boot1", "cat /etc/machine-id; stat -c %Y /proc/1; echo kept > /root/kept");
    let _ = world.try_ssh("boot1", "systemctl reboot");
    let begun = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = world.try_ssh("boot1", "cat /etc/machine-id; stat -c %Y /proc/1");
        if now.code == 0 && now.stdout != before {
            assert_eq!(now.stdout.lines().next(), before.lines().next(), "it is the same machine");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "the host has come back");
    }
    assert_eq!(world.ssh("boot1", "cat /root/kept"), "kept\n");
    // names resolve among the hosts
    assert!(world.ssh("boot1", "getent hosts web1").contains(&world.address("web1").0));
}

pub fn second_lab(world: &World) {
    let name = format!("{}b", world.name());
    ran(fleet().args(["lab", "run", "--name", &name, "other1"])).expect(0);
    let lab = fleet::lab::open(&name).unwrap().unwrap();
    let address = lab.host("other1").unwrap().address.to_string();
    assert_ne!(address, world.address("web1").0);
    let status = ran(fleet().args(["lab", "status"])).expect(0).stdout;
    assert!(status.contains("other1") && status.contains("web1"), "{status}");
    ran(fleet().args(["lab", "down", "--name", &name])).expect(0);
    assert!(fleet::lab::open(&name).unwrap().is_none());
    assert!(!ran(std::process::Command::new("ip").args(["addr"])).stdout.contains(&address));
    assert_eq!(world.ssh("web2", "hostname"), "web2\n", "the first lab is as it was");
}

const RAW: &str = "- hosts: raw1\n  gather_facts: false\n  tasks:\n    - raw: echo from raw; uname -s\n      register: said\n    \
                   - assert: {that: [\"'from raw' in said.stdout\", \"'Linux' in said.stdout\"]}\n";

pub fn raw(world: &World) {
    // nothing can be uploaded anywhere
    world.ssh("raw1", "mkdir -p /home/fleet/.cache && mount -t tmpfs -o ro tmpfs /home/fleet/.cache && mount -o bind,ro /var/tmp /var/tmp");
    let project = Project::new(&[("site.yml", RAW), ("hosts.yml", "all: {hosts: {raw1: }}\n")]);
    let inventory = project.path("hosts.yml");
    let run = world
        .run("apply", &project.path("site.yml"), &["-i", inventory.to_str().unwrap(), "--json"])
        .expect(0);
    assert_eq!(run.recap("raw1", "failed"), 0);
    assert_eq!(
        world.ssh("raw1", "find / -xdev -name 'fleet-*' -type f -size +1M 2>/dev/null | wc -l"),
        "0\n"
    );
}
