//! Work that outlives the connection, and connections that end before the work.

use std::time::{Duration, Instant};

use crate::world::{Project, World};

const START: &str = r#"
- hosts: job1
  gather_facts: false
  tasks:
    - name: by the login user
      shell: sleep 4; id -un; echo done > /tmp/by-user
      async: 60
      poll: 0
      register: user
    - name: by root
      shell: sleep 4; id -un; cat /proc/self/cgroup
      async: 60
      poll: 0
      become: true
      register: root
    - copy: {content: "{{ user.ansible_job_id }}\n{{ root.ansible_job_id }}\n", dest: /tmp/jobs}
"#;

const COLLECT: &str = r#"
- hosts: job1
  gather_facts: false
  tasks:
    - command: cat /tmp/jobs
      register: jobs
    - async_status: {jid: "{{ jobs.stdout_lines[0] }}"}
      register: user
      until: user is finished
      retries: 60
      delay: 1
    - async_status: {jid: "{{ jobs.stdout_lines[1] }}"}
      become: true
      register: root
      until: root is finished
      retries: 60
      delay: 1
    - assert:
        that:
          - user.stdout == 'fleet' and user.rc == 0 and user is changed
          - root.stdout_lines[0] == 'root'
          - root.stdout is search('fleet-job-' ~ jobs.stdout_lines[1])
"#;

fn project(name: &str, site: &str, host: &str) -> Project {
    Project::new(&[(name, site), ("hosts.yml", &format!("all: {{hosts: {{{host}: }}}}\n"))])
}

pub fn outlives(world: &World) {
    let project = project("start.yml", START, "job1");
    project.write("collect.yml", COLLECT);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    world.run("apply", &project.path("start.yml"), &json).expect(0);
    // the run is over, its connection closed, and the jobs go on
    assert_eq!(
        world.ssh("job1", "pgrep -fc '[s]leep 4; id'; ls /tmp/by-user 2>&1 | grep -c cannot"),
        "2\n1\n"
    );
    world.run("apply", &project.path("collect.yml"), &json).expect(0);
    assert_eq!(world.ssh("job1", "cat /tmp/by-user; ls /var/lib/fleet/jobs | wc -l"), "done\n0\n");
}

const TIMEOUT: &str = r#"
- hosts: job1
  gather_facts: false
  become: true
  tasks:
    - name: with a child, and deaf to the first signal
      shell: trap '' TERM; sleep 3001 & sleep 3002
      timeout: 1
      ignore_errors: true
      register: late
    - name: in the same session
      command: echo well
      register: well
    - assert:
        that:
          - 'late.msg == "Task failed: Timed out after 1 second(s)."'
          - late.timedout.period == 1
          - well.stdout == 'well'
    - name: a job
      shell: sleep 3003 & sleep 3004
      async: 1
      poll: 1
      ignore_errors: true
      register: job
    # whichever of the two clocks is the first, the controller's or the job's
    - assert:
        that:
          - job.msg in ['async task did not complete within the requested time - 1s', 'Timeout exceeded']
"#;

pub fn timeout(world: &World) {
    let project = project("site.yml", TIMEOUT, "job1");
    let inventory = project.path("hosts.yml");
    let run = world
        .run("apply", &project.path("site.yml"), &["-i", inventory.to_str().unwrap(), "--json"])
        .expect(0);
    assert_eq!(run.cost("job1", "connections"), 1);
    let begun = Instant::now();
    while world.try_ssh("job1", "pgrep -f 'sleep 300[1-4]'").code == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "all have ended");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The lab's hosts share a kernel, and so its boot id.
const REBOOT: &str = r#"
- hosts: job2
  gather_facts: false
  become: true
  tasks:
    - reboot: {boot_time_command: stat -c %Y /proc/1, reboot_timeout: 120, connect_timeout: 5}
      register: rebooted
    - assert: {that: rebooted.rebooted and rebooted is changed and rebooted.elapsed is defined}
    - name: one that is not waited for
      shell: (sleep 1; systemctl reboot) >/dev/null 2>&1 &
    - wait_for_connection: {delay: 4, timeout: 120, connect_timeout: 5}
      register: waited
    - name: after it
      copy: {content: "after\n", dest: /root/after}
    - assert: {that: waited.elapsed >= 4}
"#;

pub fn reboot(world: &World) {
    let before = world.ssh("job2", "stat -c %Y /proc/1");
    let project = project("site.yml", REBOOT, "job2");
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let plan = world.run("plan", &project.path("site.yml"), &json);
    assert_eq!(world.ssh("job2", "stat -c %Y /proc/1"), before, "a plan reboots nothing: {}", plan.stdout);
    let run = world.run("apply", &project.path("site.yml"), &json).expect(0);
    assert_ne!(world.ssh("job2", "stat -c %Y /proc/1"), before);
    assert_eq!(world.ssh("job2", "cat /root/after"), "after\n");
    assert!(run.cost("job2", "connections") >= 3, "each wait has connected anew");
}

const SU: &str = r"
- hosts: job1
  gather_facts: false
  become: true
  become_method: su
  tasks:
    - command: id -un
      register: who
    - assert: {that: who.stdout == 'root'}
";

pub fn su(world: &World) {
    world.ssh("job1", "echo root:lab-password | chpasswd");
    let project = project("site.yml", SU, "job1");
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let site = project.path("site.yml");
    world
        .run("apply", &site, &[&json[..], &["-e", "ansible_become_password=lab-password"]].concat())
        .expect(0);
    let wrong = world.run("apply", &site, &[&json[..], &["-e", "ansible_become_password=other"]].concat());
    assert!(wrong.code != 0 && wrong.stdout.contains("the password is wrong"), "{}", wrong.stdout);
    let none = world.run("apply", &site, &json);
    assert!(none.code != 0 && none.stdout.contains("a password is required"), "{}", none.stdout);
}
