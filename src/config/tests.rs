//! Files and environments in, settings and reports out.

use super::*;

fn read(text: &str, variables: &[(&str, &str)]) -> (Config, Vec<String>) {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let surroundings =
        Surroundings { environment, home: "/home/me".into(), directory: "/work/project".into() };
    let file = ConfigFile {
        path: "/work/project/cfg/ansible.cfg".into(),
        source: Source::new("cfg/ansible.cfg", text),
    };
    let (config, diagnostics) = load(&surroundings, Some(&file));
    let told = diagnostics.0.iter().map(|found| {
        let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{found}{hint}")
    });
    (config, told.collect())
}

#[test]
fn defaults_are_ansibles() {
    let (config, told) = read("", &[]);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!((*config.forks, *config.timeout, *config.host_key_checking), (5, 10, true));
    assert_eq!(config.inventory.value, CommaPaths(vec!["/etc/ansible/hosts".into()]));
    assert_eq!(config.roles_path.first().unwrap(), Path::new("/home/me/.ansible/roles"));
    assert_eq!(*config.gathering, Gathering::Implicit);
    assert_eq!(config.forks.origin, Origin::Default);
}

#[test]
fn the_environment_wins_over_the_file_and_both_say_where_they_are() {
    let text = "[defaults]\ninventory = hosts, ~/more\nforks = 7\nremote_user='me'\n[ssh_connection]\ntimeout = 30\n";
    let (config, told) = read(text, &[("ANSIBLE_FORKS", "9"), ("ANSIBLE_TIMEOUT", "")]);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!((*config.forks, config.forks.origin.to_string()), (9, "ANSIBLE_FORKS".to_owned()));
    assert_eq!(
        config.inventory.value,
        CommaPaths(vec!["/work/project/cfg/hosts".into(), "/home/me/more".into()])
    );
    assert_eq!(config.inventory.origin.to_string(), "cfg/ansible.cfg:2:1");
    assert_eq!(config.remote_user.as_deref(), Some("me"));
    // a variable that is empty is as good as none, but it does win
    assert_eq!(*config.timeout, 10);
    let (config, _) = read(text, &[]);
    assert_eq!(*config.timeout, 30);
}

#[test]
fn of_several_options_the_last_wins() {
    let text = "[defaults]\nhost_key_checking = true\n[ssh_connection]\nhost_key_checking = no\n";
    assert!(!*read(text, &[]).0.host_key_checking);
    assert!(*read(text, &[("ANSIBLE_HOST_KEY_CHECKING", "1")]).0.host_key_checking);
}

#[test]
fn bad_values_are_errors_with_their_place() {
    let text = "[defaults]\nforks = many\ngathering = never\n";
    assert_eq!(
        read(text, &[("ANSIBLE_TIMEOUT", "x")]).1,
        [
            "cfg/ansible.cfg:2:1: `forks` must be a whole number, not `many`",
            "`ANSIBLE_TIMEOUT` must be a whole number, not `x`",
            "cfg/ansible.cfg:3:1: `gathering` must be one of `implicit`, `explicit`, `smart`, not `never`",
        ]
    );
}

#[test]
fn what_is_not_honoured_or_not_known_is_told_and_what_is_harmless_is_not() {
    let text = "[defaults]\nnocows = 1\nlookup_plugins = /x\njinja2_native = true\nlbrary = /y\nssh_args = -v\n\
                [deflts]\nforks = 2\n[colors]\nok = green\n";
    let (_, told) = read(text, &[("ANSIBLE_HOST_KEY_CHEKING", "no"), ("ANSIBLE_MY_OWN", "x")]);
    assert_eq!(
        told,
        [
            "cfg/ansible.cfg:3:1: the setting `lookup_plugins` is not honoured: fleet runs no Python on the controller",
            "cfg/ansible.cfg:5:1: `[defaults] lbrary` is not a setting, and changes nothing (did you mean `library`?)",
            "cfg/ansible.cfg:6:1: `[defaults] ssh_args` is not a setting, and changes nothing (`ssh_args` belongs into \
             `[ssh_connection]`)",
            "cfg/ansible.cfg:8:1: `[deflts] forks` is not a setting, and changes nothing (did you mean `defaults`?)",
            "the variable `ANSIBLE_HOST_KEY_CHEKING` is not a setting, and changes nothing (did you mean \
             `ANSIBLE_HOST_KEY_CHECKING`?)",
        ]
    );
}

#[test]
fn names_are_given_once() {
    let rows: Vec<&str> =
        settings::ROWS.iter().chain(others::OTHERS).flat_map(|row| row.options).copied().collect();
    let mut seen = std::collections::BTreeSet::new();
    for option in &rows {
        assert!(option.contains('.'), "{option}");
        assert!(seen.insert(option), "{option} is there twice");
    }
    let names: Vec<&str> = others::OTHERS.iter().map(|row| row.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted, "not alphabetical");
}

#[test]
fn candidates_are_in_ansibles_order() {
    let surroundings = Surroundings {
        environment: [("ANSIBLE_CONFIG".to_owned(), "x.cfg".to_owned())].into(),
        home: "/home/me".into(),
        directory: "/work".into(),
    };
    assert_eq!(
        candidates(&surroundings),
        [
            Candidate::Named("/work/x.cfg".into()),
            Candidate::Here("/work/ansible.cfg".into()),
            Candidate::Usual("/home/me/.ansible.cfg".into()),
            Candidate::Usual("/etc/ansible/ansible.cfg".into()),
        ]
    );
}
