//! Collections: roles, playbooks and modules that are found in them.

use super::*;

const FILES: &[(&str, &str)] = &[
    (
        "site.yml",
        "- hosts: all
  gather_facts: false
  roles: [my.col.app]
  tasks:
    - old_ping:
      collections: [other.one, my.col]
    - my.col.old_ping:
    - block:
        - old_ping:
        - import_role: {name: base}
      collections: my.col
- import_playbook: my.col.site
",
    ),
    (
        "collections/ansible_collections/my/col/meta/runtime.yml",
        "plugin_routing:
  modules:
    old_ping: {redirect: my.col.older_ping}
    older_ping: {redirect: ansible.builtin.ping}
    turning: {redirect: turning}
  role:
    moved: {redirect: my.col.sub.deep}
action_groups:
  all:
    - old_ping
    - ansible.builtin.copy
    - metadata: {extend_group: [my.col.more, all]}
  more: [last]
",
    ),
    ("collections/ansible_collections/my/col/plugins/modules/foreign.py", "\n"),
    (
        "collections/ansible_collections/my/col/playbooks/site.yml",
        "- hosts: all\n  gather_facts: false\n  roles: [base]\n",
    ),
    (
        "collections/ansible_collections/my/col/roles/app/tasks/main.yml",
        "- old_ping:\n- import_role: {name: moved}\n- import_role: {name: my.col.moved}\n",
    ),
    ("collections/ansible_collections/my/col/roles/app/meta/main.yml", "dependencies: [base]\n"),
    ("collections/ansible_collections/my/col/roles/base/tasks/main.yml", "- ping:\n"),
    ("collections/ansible_collections/my/col/roles/moved/tasks/main.yml", "- debug:\n"),
    ("collections/ansible_collections/my/col/roles/sub/deep/tasks/main.yml", "- debug:\n"),
];

#[test]
fn roles_modules_and_playbooks_of_collections() {
    let playbook = sound(FILES);
    assert_eq!(
        outline(&playbook.plays[0].items),
        "flush
role base:
  ping 
end of base
role app:
  ansible.builtin.ping old_ping
  include:
    role moved:
      debug 
    end of moved
  include:
    role moved:
      debug 
    end of moved
end of app
ansible.builtin.ping old_ping
ansible.builtin.ping my.col.old_ping
block:
  ansible.builtin.ping old_ping
  include:
    role base:
      ping 
    end of base
flush
flush
"
    );
    let roles = &playbook.plays[0].roles;
    let titles: Vec<_> = roles.iter().flat_map(|role| role.titles("x")).collect();
    assert!(
        titles.contains(&"app : x".to_owned()) && titles.contains(&"my.col.app : x".to_owned()),
        "{titles:?}"
    );
    let names: Vec<_> = roles.iter().map(|role| (role.full_name(), role.dependant.is_some())).collect();
    assert_eq!(names[0], (Arc::from("my.col.base"), true));
    assert_eq!(names[1], (Arc::from("my.col.app"), false));
    assert_eq!(&*roles[1].name, "app");
    assert_eq!(
        outline(&playbook.plays[1].items),
        "role base:\n  ping \nend of base\n".replace("role", "flush\nrole") + "flush\nflush\n"
    );
}

#[test]
fn redirected_roles() {
    let mut files = FILES.to_vec();
    files.retain(|(path, _)| !path.contains("roles/moved"));
    files[0].1 = "- hosts: all\n  gather_facts: false\n  roles: [my.col.moved]\n";
    let playbook = sound(&files);
    assert_eq!(outline(&playbook.plays[0].items), "flush\nrole deep:\n  debug \nend of deep\nflush\nflush\n");
}

#[test]
fn groups_of_modules() {
    let files = Files::new(FILES);
    files.with_loader(|loader| {
        let group = |name: &str| loader.action_group(name, files.directory.path()).0;
        let all = group("my.col.all").unwrap();
        assert_eq!(all.join(" "), "my.col.old_ping ansible.builtin.copy my.col.last");
        assert_eq!(group("my.col.none"), None);
        assert_eq!(group("no.such.group"), None);
    });
}

#[test]
fn modules_that_cannot_be_had() {
    let mut files = FILES.to_vec();
    files[0].1 = "- hosts: all
  collections: [my.col]
  tasks:
    - foreign:
    - my.col.acting:
    - my.col.turning:
    - my.col.unknown:
    - windows:
";
    files.push((
        "collections/ansible_collections/my/col/plugins/modules/foreign.py",
        "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n",
    ));
    files.push(("collections/ansible_collections/my/col/plugins/modules/acting.py", "#!/usr/bin/python\n"));
    files.push(("collections/ansible_collections/my/col/plugins/action/acting.py", "\n"));
    files.push(("library/windows.ps1", "#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n"));
    let project = Files::new(&files);
    let (_, diagnostics) = project.load();
    assert_eq!(
        project.told(&diagnostics),
        "site.yml:4:7: error unsupported: `my.col.foreign` is a module in Python \
         (`collections/ansible_collections/my/col/plugins/modules/foreign.py`), and ansible-core, which packs it, is not \
         here
site.yml:5:7: error unsupported: `my.col.acting` needs the action plugin \
         `collections/ansible_collections/my/col/plugins/action/acting.py`: Python that runs inside Ansible on the \
         controller
site.yml:6:7: error unknown-module: there is no module `my.col.turning`
  hint: fleet does not have it, and the collection `my.col` is not installed or has no such module
site.yml:7:7: error unknown-module: there is no module `my.col.unknown`
  hint: fleet does not have it, and the collection `my.col` is not installed or has no such module
site.yml:8:7: error unsupported: `windows` is a module for Windows (`library/windows.ps1`), which fleet does not manage
"
    );
}

#[test]
fn modules_of_libraries_and_collections_are_files() {
    let mut files = FILES.to_vec();
    files[0].1 = "- hosts: all
  gather_facts: false
  roles: [one]
  tasks:
    - ping:
    - ansible.builtin.ping:
    - ansible.legacy.ping:
    - debug:
    - of_role: {a: 1}
    - my.col.old_foreign:
";
    files.push(("library/ping.sh", "#!/bin/sh\n"));
    files.push(("library/debug.sh", "#!/bin/sh\n"));
    files.push(("roles/one/library/of_role.py", "#!/usr/bin/python\n# WANT_JSON\n"));
    files.push(("roles/one/library/ping.py", "#!/usr/bin/python\n"));
    files.push(("roles/one/tasks/main.yml", "- of_role:\n"));
    files.push((
        "collections/ansible_collections/my/col/meta/runtime.yml",
        "plugin_routing: {modules: {old_foreign: {redirect: my.col.foreign}}}\n",
    ));
    let project = Files::new(&files);
    let (playbook, diagnostics) = project.load();
    assert_eq!(project.told(&diagnostics), "");
    let mut found = Vec::new();
    for item in playbook.unwrap().plays[0].items.iter() {
        if let Item::Task(task) = item {
            let file = task.file.as_ref().map_or("fleet".to_owned(), |file| {
                let path = file.path.strip_prefix(project.directory.path()).unwrap().display().to_string();
                format!("{} {:?} {path}", file.name, file.style)
            });
            found.push(format!("{}: {file}", task.module));
        }
    }
    assert_eq!(
        found,
        [
            "ping: ping Words library/ping.sh",
            "ansible.builtin.ping: fleet",
            "ping: ping Words library/ping.sh",
            "debug: fleet",
            "of_role: of_role WantJson roles/one/library/of_role.py",
            "my.col.foreign: my.col.foreign Words \
             collections/ansible_collections/my/col/plugins/modules/foreign.py",
        ]
    );
}
