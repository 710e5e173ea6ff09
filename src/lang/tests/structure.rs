//! What plays, tasks and roles become.

use super::*;

fn value_of(task: &Task, name: &str) -> String {
    let located = &task.args.named[name];
    format!("{} @{}:{}", located.value.to_text(), located.place.line, located.place.column)
}

#[test]
fn a_play_runs_its_lists_in_order() {
    let playbook = sound(&[(
        "site.yml",
        "- hosts: [web, db]
  post_tasks: [{ping: , name: post}]
  tasks: [{ping: , name: task}]
  pre_tasks: [{ping: , name: pre}]
  handlers: [{ping: , name: h, listen: topic}]
",
    )]);
    let play = &playbook.plays[0];
    assert_eq!(play.name.value, Value::str("web,db"));
    assert_eq!(
        outline(&play.items),
        "ansible.builtin.setup Gathering Facts\nping pre\nflush\nping task\nflush\nping post\nflush\n"
    );
    let Item::Task(handler) = &play.handlers[0] else { panic!() };
    assert_eq!(handler.listen[0].value, Value::str("topic"));
    let Item::Task(facts) = &play.items[0] else { panic!() };
    assert_eq!(facts.keywords[&Keyword::Tags].value, Value::list([Value::str("always")]));
}

#[test]
fn facts_are_gathered_as_the_play_says() {
    let first = |gather: &str| {
        let text = format!("- hosts: all\n  gather_facts: {gather}\n");
        let playbook = sound(&[("site.yml", &text)]);
        match &playbook.plays[0].items[0] {
            Item::Task(task) => Some(task.keywords.get(&Keyword::When).map(|when| when.value.to_text())),
            _ => None,
        }
    };
    assert_eq!(first("no"), None);
    assert_eq!(first("'off'"), None);
    assert_eq!(first("true"), Some(None));
    assert_eq!(first("\"{{ wanted }}\""), Some(Some("(wanted) | bool".to_owned())));
}

#[test]
fn keywords_are_inherited_and_added_up() {
    let playbook = sound(&[(
        "site.yml",
        "- hosts: all
  gather_facts: false
  become: true
  tags: play
  tasks:
    - when: outer
      tags: [block]
      become_user: app
      vars: {here: 1}
      block:
        - ping:
          when: inner
          tags: task
          become: false
      rescue:
        - ping:
      always:
        - ping:
",
    )]);
    let tasks = all_tasks(&playbook.plays[0].items);
    let task = &tasks[0];
    assert_eq!(task.keyword(Keyword::Become).unwrap().value, Value::Bool(false));
    assert_eq!(task.keyword(Keyword::BecomeUser).unwrap().value, Value::str("app"));
    assert_eq!(tasks[1].keyword(Keyword::Become).unwrap().value, Value::Bool(true));
    let chain =
        |keyword| task.keyword_chain(keyword).iter().map(|one| one.value.to_text()).collect::<Vec<_>>();
    assert_eq!(chain(Keyword::When), ["outer", "inner"]);
    assert_eq!(chain(Keyword::Tags), ["play", "['block']", "task"]);
    assert_eq!(task.scope.vars.as_ref().unwrap().vars["here"].value, Value::Int(1));
    assert_eq!(
        outline(&playbook.plays[0].items),
        "flush\nblock:\n  ping \nrescue:\n  ping \nalways:\n  ping \nflush\nflush\n"
    );
}

#[test]
fn parameters_in_every_form() {
    let tasks = sound_tasks(
        "    - copy: src=a dest=\"b c\" content={{ x }}
    - copy:
        src: a
    - ansible.builtin.command: echo hi chdir=/tmp a=b
    - action: copy src=a
    - local_action: command echo hi
    - action:
        module: copy
        src: a
    - command: ls
      args:
        chdir: /tmp
    - copy: \"{{ all }}\"
    - copy:
      args: \"{{ all }}\"
    - set_fact: a=1 b=2
    - shell: |
        one
        two creates=/x
",
    );
    assert_eq!(value_of(&tasks[0], "src"), "a @4:17");
    assert_eq!(value_of(&tasks[0], "dest"), "b c @4:25");
    assert_eq!(value_of(&tasks[0], "content"), "{{ x }} @4:38");
    assert!(matches!(tasks[0].args.named["content"].value, Value::Template(_)));
    assert_eq!(tasks[0].args.name_places["dest"].column, 19);
    assert_eq!(value_of(&tasks[1], "src"), "a @6:14");
    assert_eq!(tasks[2].args.free_form.as_ref().unwrap().value, Value::str("echo hi a=b"));
    assert_eq!(value_of(&tasks[2], "chdir"), "/tmp @7:46");
    assert_eq!((&*tasks[3].module, tasks[3].module_place.column), ("copy", 15));
    assert_eq!(value_of(&tasks[3], "src"), "a @8:24");
    assert_eq!(tasks[4].keywords[&Keyword::DelegateTo].value, Value::str("localhost"));
    assert_eq!(tasks[4].args.free_form.as_ref().unwrap().value, Value::str("echo hi"));
    assert_eq!(value_of(&tasks[5], "src"), "a @12:14");
    assert_eq!(value_of(&tasks[6], "chdir"), "/tmp @15:16");
    assert!(tasks[7].args.whole.is_some() && tasks[8].args.whole.is_some());
    assert_eq!(value_of(&tasks[9], "b"), "2 @19:23");
    assert_eq!(tasks[10].args.free_form.as_ref().unwrap().value, Value::str("one\ntwo"));
    assert_eq!(value_of(&tasks[10], "creates"), "/x @22:21");
}

#[test]
fn unsafe_texts_are_never_templates() {
    let tasks = sound_tasks("    - command: !unsafe echo {{ x }}\n    - debug: !unsafe msg={{ x }}\n");
    assert_eq!(tasks[0].args.free_form.as_ref().unwrap().value, Value::str("echo {{ x }}"));
    assert_eq!(tasks[1].args.named["msg"].value, Value::str("{{ x }}"));
}

#[test]
fn loops() {
    let tasks = sound_tasks(
        "    - ping:
      loop: [1, 2]
      loop_control: {loop_var: x, label: \"{{ x }}\"}
    - ping:
      with_dict: {a: 1}
    - ping:
      with_community.general.cartesian: [[1]]
",
    );
    let looped = tasks[0].looped.as_ref().unwrap();
    assert_eq!(looped.kind, LoopKind::Loop);
    assert_eq!(looped.control["loop_var"].value, Value::str("x"));
    assert_eq!(tasks[1].looped.as_ref().unwrap().kind, LoopKind::With("dict".into()));
    assert_eq!(tasks[2].looped.as_ref().unwrap().kind, LoopKind::With("community.general.cartesian".into()));
}

const ROLES: &[(&str, &str)] = &[
    (
        "site.yml",
        "- hosts: all
  gather_facts: false
  vars: {which: app}
  roles:
    - role: \"{{ which }}\"
      when: wanted
      tags: t
      listen_on: 80
      vars: {x: 1}
    - shared_one
  tasks: [{ping: , name: task}]
  handlers: [{ping: , name: own}]
",
    ),
    ("roles/app/tasks/main.yml", "- ping:\n  name: app\n- import_tasks: more.yml\n  become: true\n"),
    ("roles/app/tasks/more.yml", "- ping:\n  name: more\n- import_tasks: sub/deep.yml\n"),
    ("roles/app/tasks/sub/deep.yml", "- ping:\n  name: deep\n- import_tasks: deeper.yml\n"),
    ("roles/app/tasks/sub/deeper.yml", "- ping:\n  name: deeper\n"),
    ("roles/app/handlers/main.yaml", "- ping:\n  name: app handler\n"),
    ("roles/app/meta/main.yml", "dependencies:\n  - {role: base, level: 2}\ngalaxy_info: {}\n"),
    ("roles/app/defaults/main/a.yml", "listen_on: 1\na: 1\n"),
    ("roles/app/defaults/main/b.yml", "a: 2\n"),
    ("roles/base/tasks/main.yml", "- ping:\n  name: base\n"),
    ("roles/base/vars/main", "from_base: 1\n"),
    ("roles/base/handlers/main.yml", "- ping:\n  name: base handler\n"),
    ("shared/shared_one/tasks/main.yml", "- import_role: {name: base, tasks_from: other, public: false}\n"),
    ("roles/base/tasks/other.yml", "- ping:\n  name: other\n"),
];

#[test]
fn roles_with_dependencies_imports_and_handlers() {
    let playbook = sound(ROLES);
    let play = &playbook.plays[0];
    assert_eq!(
        outline(&play.items),
        "flush
role base:
  ping base
end of base
role app:
  ping app
  include:
    ping more
    include:
      ping deep
      include:
        ping deeper
end of app
role shared_one:
  include:
    role base:
      ping other
    end of base
end of shared_one
ping task
flush
flush
"
    );
    let handlers: Vec<String> = outline(&play.handlers).lines().map(str::to_owned).collect();
    assert_eq!(handlers, ["ping base handler", "ping app handler", "ping own", "ping base handler"]);
    let names: Vec<&str> = play.roles.iter().map(|role| &*role.name).collect();
    assert_eq!(names, ["base", "app", "shared_one"]);

    let base = &play.roles[0];
    assert_eq!(base.params.vars["level"].value, Value::Int(2));
    assert_eq!(base.vars.vars["from_base"].value, Value::Int(1));
    assert_eq!(base.dependant.as_ref().map(|role| &*role.name), Some("app"));
    let app = &play.roles[1];
    assert_eq!(app.defaults.vars["a"].value, Value::Int(2));
    assert_eq!(app.params.vars["listen_on"].value, Value::Int(80));
    assert_ne!(app.identity, base.identity);

    let tasks = all_tasks(&play.items);
    let when = |task: &Task| task.keyword_chain(Keyword::When).len();
    assert_eq!((when(&tasks[0]), when(&tasks[1]), when(&tasks[6])), (1, 1, 0), "dependencies inherit");
    assert_eq!(tasks[2].keyword(Keyword::Become).unwrap().value, Value::Bool(true));
    assert!(tasks[3].directory.ends_with("roles/app/tasks/sub"));
    assert_eq!(tasks[0].scope.role().unwrap().name, base.name);
}

#[test]
fn imported_playbooks_get_what_is_imposed() {
    let playbook = sound(&[
        (
            "site.yml",
            "- import_playbook: sub/one.yml\n  when: a\n  tags: x, y\n  vars: {v: 2}\n- hosts: last\n",
        ),
        (
            "sub/one.yml",
            "- hosts: first\n  tags: own\n  vars: {v: 1, w: 1}\n- import_playbook: two.yml\n  when: b\n",
        ),
        ("sub/two.yml", "- hosts: second\n"),
    ]);
    let hosts: Vec<String> = playbook.plays.iter().map(|play| play.hosts.value.to_text()).collect();
    assert_eq!(hosts, ["first", "second", "last"]);
    let keyword = |play: usize, keyword| {
        playbook.plays[play].scope.keywords.get(&keyword).map(|located| located.value.to_text())
    };
    assert_eq!(keyword(0, Keyword::Tags).unwrap(), "['own', 'x', 'y']");
    assert_eq!(keyword(1, Keyword::When).unwrap(), "['a', 'b']");
    assert_eq!(keyword(2, Keyword::When), None);
    let vars = &playbook.plays[0].scope.vars.as_ref().unwrap().vars;
    assert_eq!((&vars["v"].value, &vars["w"].value), (&Value::Int(2), &Value::Int(1)));
    assert!(playbook.plays[0].directory.ends_with("sub"));
}

#[test]
fn names_of_imports_know_vars_files_and_the_role() {
    let playbook = sound(&[
        (
            "site.yml",
            "- hosts: all\n  gather_facts: false\n  vars_files: [v.yml]\n  tasks:\n    - import_tasks: \"{{ f }}.yml\"\n",
        ),
        ("v.yml", "f: tasks/a\n"),
        ("tasks/a.yml", "- import_tasks: b.yml\n- import_tasks: c.yml\n"),
        ("tasks/b.yml", "- ping:\n  name: beside\n"),
        ("c.yml", "- ping:\n  name: playbook\n"),
    ]);
    let tasks = all_tasks(&playbook.plays[0].items);
    assert_eq!(
        tasks.iter().map(|task| task.name.as_ref().unwrap().value.to_text()).collect::<Vec<_>>(),
        ["beside", "playbook"]
    );
}

#[test]
fn handlers_in_blocks_and_imports_stand_alone() {
    let playbook = sound(&[
        (
            "site.yml",
            "- hosts: all
  handlers:
    - become: true
      block:
        - ping:
          name: one
    - import_tasks: h.yml
",
        ),
        ("h.yml", "- ping:\n  name: two\n  listen: [a, b]\n"),
    ]);
    assert_eq!(outline(&playbook.plays[0].handlers), "ping one\nping two\n");
    let Item::Task(one) = &playbook.plays[0].handlers[0] else { panic!() };
    assert_eq!(one.keyword(Keyword::Become).unwrap().value, Value::Bool(true));
}

#[test]
fn files_and_roles_at_run_time() {
    let files = Files::new(ROLES);
    files.with_loader(|loader| {
        let (playbook, _) = loader.playbook(&files.path("site.yml"));
        let play = &playbook.unwrap().plays[0];
        let task = all_tasks(&play.items)[6].clone();
        let apply = Value::from(crate::map! {"become" => true, "vars" => crate::map! {"z" => 1}});
        let scope = include_scope(&task, Some(&apply), crate::vars::VarMap::new(), &play.directory);
        assert_eq!(scope.keywords[&Keyword::Become].value, Value::Bool(true));
        assert_eq!(scope.vars.as_ref().unwrap().vars["z"].value, Value::Int(1));

        let path =
            loader.find_task_file("roles/app/tasks/more.yml", &task.place, &scope, Section::Tasks).unwrap();
        assert_eq!(relative(&path, &files), "roles/app/tasks/more.yml");
        let name = Located { value: Value::str("base"), place: task.place.clone() };
        let from = FromFiles { tasks: Some("other.yml".into()), ..FromFiles::default() };
        let request = RoleRequest { name, from, allow_duplicates: true, validate: true };
        let (loaded, diagnostics) = loader.role(&request, &scope);
        assert_eq!(files.told(&diagnostics), "");
        let loaded = loaded.unwrap();
        assert_eq!(outline(&loaded.items), "role base:\n  ping other\nend of base\n");
        assert!(loaded.role.allow_duplicates);
        assert_eq!(loaded.handlers.len(), 1);

        let (tasks, diagnostics) =
            loader.task_file(&files.path("shared/shared_one/tasks/main.yml"), &scope, Section::Tasks);
        assert_eq!(files.told(&diagnostics), "");
        assert_eq!((tasks.items.len(), tasks.handlers.len(), tasks.roles.len()), (1, 1, 0));
    });
}

#[test]
fn encrypted_values_wait_and_encrypted_files_need_their_password() {
    let files = Files::new(&[
        (
            "site.yml",
            "- hosts: all\n  vars:\n    secret: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n  roles: [r]\n",
        ),
        ("roles/r/vars/main.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
    ]);
    let (_, diagnostics) = files.load();
    let told = files.told(&diagnostics);
    // the value is read when it is used; the file cannot be read at all
    assert_eq!(
        told.lines().next(),
        Some(
            "roles/r/vars/main.yml:1:1: error vault: `roles/r/vars/main.yml` cannot be decrypted: the vault text is damaged: it is cut off"
        ),
        "{told}"
    );
    assert_eq!(told.matches("error").count(), 1, "{told}");
}

#[test]
fn what_the_engine_does_not_carry_out_is_refused() {
    #[derive(Debug)]
    struct None;
    impl ModuleNames for None {
        fn is_module(&self, _: &str) -> bool {
            false
        }
        fn free_form(&self, _: &str) -> bool {
            false
        }
        fn names(&self) -> Vec<&str> {
            Vec::new()
        }
    }
    let files = Files::new(&[
        ("site.yml", "- hosts: all\n  tasks:\n    - include_role: {name: r}\n    - import_role: {name: r}\n"),
        ("roles/r/tasks/main.yml", "[]\n"),
    ]);
    let (project, settings) = (Project::new(), Settings::default());
    let loader = Loader::new(&project, &settings, &None, &Substitution);
    let (_, diagnostics) = loader.playbook(&files.path("site.yml"));
    assert_eq!(
        files.told(&diagnostics),
        "site.yml:3:7: error unsupported: `include_role` is not supported yet\n"
    );
}
