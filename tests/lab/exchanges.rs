//! A converged play costs a handful of exchanges, whatever the number of its tasks.

use std::fmt::Write;

use crate::world::{Project, World};

/// Two hundred tasks that mix the modules, loops, `register` with `when`, and two become users.
fn many(host: &str, commands: usize) -> String {
    let mut play = format!(
        "- hosts: {host}\n  tasks:\n    - ping:\n    - setup: {{gather_subset: min}}\n      become: true\n    - apt: {{name: [procps, \
         sudo], state: present}}\n      become: true\n    - package: {{name: curl, state: present}}\n      become: true\n    \
         - group: {{name: staff, state: present}}\n      become: true\n    - user: {{name: daemon, state: \
         present}}\n      become: true\n    - systemd_service: {{name: ssh.service, state: started, enabled: \
         true}}\n      become: true\n    - service: {{name: ssh, state: started}}\n      become: true\n    - wait_for: {{port: 22, \
         timeout: 5}}\n    - set_fact: {{colour: green}}\n    - fail: {{msg: never}}\n      when: colour == \
         'red'\n    - assert: {{that: colour == 'green'}}\n"
    );
    let mut tasks = 12;
    let mut number = 0;
    while tasks + 6 + commands <= 200 {
        number += 1;
        let user = if number % 2 == 0 { "root" } else { "daemon" };
        let _ = write!(
            play,
            "    - file: {{path: /tmp/many-{user}, state: directory, mode: '0755'}}\n      become: true\n      become_user: {user}\n    \
             - copy: {{content: \"{number}\\n\", dest: /tmp/many-{user}/f{number}, mode: '0644'}}\n      become: true\n      become_user: \
             {user}\n      register: copied\n    - debug: {{msg: 'changed {number}'}}\n      when: copied is changed\n    \
             - lineinfile: {{path: /tmp/many-{user}/l{number}, line: 'n={{{{ item }}}}', create: true, mode: \
             '0644'}}\n      become: true\n      become_user: {user}\n      loop: [1, 2, 3]\n    - template: {{src: t.j2, dest: \
             /tmp/many-{user}/t{number}, mode: '0644'}}\n      become: true\n      become_user: {user}\n      vars: {{number: \
             {number}}}\n    - stat: {{path: /tmp/many-{user}/f{number}, get_mime: false, get_attributes: false}}\n      \
             become: true\n      become_user: {user}\n"
        );
        tasks += 6;
    }
    for number in 0..commands {
        let _ = write!(play, "    - command: 'true {number}'\n      changed_when: false\n");
        tasks += 1;
    }
    while tasks < 200 {
        tasks += 1;
        let _ = writeln!(play, "    - debug: {{msg: filler}}");
    }
    play
}

fn converged(world: &World, host: &str, commands: usize) -> crate::world::Ran {
    let play = many(host, commands);
    let hosts = format!("all: {{hosts: {{{host}: }}}}\n");
    let project = Project::new(&[
        ("site.yml", &play),
        ("templates/t.j2", "{{ number }} on {{ inventory_hostname }}\n"),
        ("hosts.yml", &hosts),
    ]);
    let inventory = project.path("hosts.yml");
    let json = ["-i", inventory.to_str().unwrap(), "--json"];
    let first = world.run("apply", &project.path("site.yml"), &json).expect(0);
    assert!(first.recap(host, "changed") > 80, "{} changed", first.recap(host, "changed"));
    let second = world.run("apply", &project.path("site.yml"), &json).expect(0);
    assert_eq!(second.recap(host, "changed"), 0, "{:?}", second.changed(host));
    let tasks = second.events().iter().filter(|event| event["event"] == "task_finished").count();
    assert!(tasks > 200, "{tasks} tasks");
    second
}

pub fn two_hundred(world: &World) {
    let run = converged(world, "many1", 0);
    assert_eq!(run.cost("many1", "connections"), 1);
    assert!(run.cost("many1", "exchanges") <= 6, "{} exchanges", run.cost("many1", "exchanges"));
}

pub fn commands(world: &World) {
    let run = converged(world, "many2", 10);
    assert_eq!(run.cost("many2", "connections"), 1);
    assert!(run.cost("many2", "exchanges") <= 16, "{} exchanges", run.cost("many2", "exchanges"));
}
