//! ssh_config(5): patterns, Match, Include, tokens, refusals.

use super::*;
use crate::transport::Surroundings;

fn surroundings(home: &Path) -> Surroundings {
    Surroundings {
        user: "ada".to_owned(),
        uid: 1000,
        home: home.to_path_buf(),
        agent: None,
        system_config: home.join("etc/ssh_config"),
    }
}

fn configured(host: &str, text: &str) -> Result<Configured, Box<Diagnostic>> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    std::fs::write(&file, text).unwrap();
    let here = surroundings(home.path());
    let query = Query { host, overrides: &[], file: Some(&file), surroundings: &here };
    evaluate(&query, &Files::default())
}

fn value(host: &str, text: &str, keyword: &str) -> String {
    configured(host, text)
        .unwrap()
        .get(keyword)
        .map_or_else(String::new, |setting| setting.arguments.join(" "))
}

#[test]
fn the_first_value_of_a_matching_block_counts() {
    let text = "Host web* !web9\n Port 2201\nHost *\n Port 2202\n User deploy\n";
    assert_eq!(value("web1", text, "port"), "2201");
    assert_eq!(value("web9", text, "port"), "2202");
    assert_eq!(value("db", text, "user"), "deploy");
}

#[test]
fn identity_files_add_up_in_order() {
    let out =
        configured("a", "Host a\nIdentityFile one\nHost *\nIdentityFile two\nIdentityFile one\n").unwrap();
    let files: Vec<&str> = out.all("identityfile").iter().map(Setting::first).collect();
    assert_eq!(files[..2], ["one", "two"]);
}

#[test]
fn match_criteria() {
    let text = "Match host *.example user deploy\n Port 1\nMatch originalhost web localuser ada\n Port 2\n\
                Match !originalhost web\n Port 3\nMatch all\n Port 4\n";
    assert_eq!(value("x.example", &format!("User deploy\n{text}"), "port"), "1");
    assert_eq!(value("web", text, "port"), "2");
    assert_eq!(value("db", text, "port"), "3");
    assert_eq!(
        value("web", "HostName web.example\nUser deploy\nMatch host=web.example user=deploy\nPort 5", "port"),
        "5"
    );
}

#[test]
fn match_final_is_a_second_pass_over_the_final_name() {
    let text = "Match final host real.example\n Port 7\nHost web\n HostName real.example\n";
    assert_eq!(value("web", text, "port"), "7");
    assert_eq!(value("web", "Match canonical\n Port 7\n", "port"), "");
}

#[test]
fn what_would_change_the_connection_is_refused_with_its_place() {
    for (text, wanted) in [
        ("Host a\n  KnownHostsCommand /bin/x\n", ":2:3: `KnownHostsCommand /bin/x` is not supported"),
        ("CanonicalizeHostname yes", ":1:1: `CanonicalizeHostname yes` is not supported"),
        ("Match exec true\nPort 1", ":1:7: `Match exec` is not supported"),
        ("Frobnicate yes", ":1:1: `Frobnicate` is not an SSH option that fleet knows"),
        ("Port", ":1:1: `Port` has no value"),
    ] {
        let error = configured("a", text).unwrap_err().to_string();
        assert!(error.ends_with(wanted), "{error}");
    }
    // … but not in a block that does not apply, and not when it is harmless
    assert!(configured("b", "Host a\n KnownHostsCommand /bin/x\n Frobnicate\n").is_ok());
    assert!(configured("b", "Match host a exec true\n Port 1\n").is_ok());
    assert!(
        configured("a", "ForwardAgent no\nControlMaster auto\nCanonicalizeHostname no\nProxyUseFdpass no\n")
            .is_ok()
    );
    assert!(configured("a", "IgnoreUnknown Use*\nUseKeychain yes\n").is_ok());
}

#[test]
fn the_first_of_jump_and_command_shuts_out_the_other() {
    let out = configured("a", "ProxyJump none\nProxyCommand nc %h %p\n").unwrap();
    assert_eq!(out.get("proxyjump").unwrap().first(), "none");
    assert!(out.get("proxycommand").is_none());
    let out = configured("a", "ProxyCommand nc \"%h\" %p # x\nProxyJump b\n").unwrap();
    assert_eq!(out.get("proxycommand").unwrap().rest, "nc \"%h\" %p # x");
    assert!(out.get("proxyjump").is_none());
}

#[test]
fn includes_are_read_in_order_within_their_block() {
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join(".ssh");
    std::fs::create_dir_all(ssh.join("config.d")).unwrap();
    std::fs::create_dir_all(home.path().join("etc")).unwrap();
    std::fs::write(ssh.join("config"), "Host web\n Include config.d/*.conf\nUser late\nHost *\nPort 9\n")
        .unwrap();
    std::fs::write(ssh.join("config.d/10.conf"), "HostName one.example\nHost other\nUser wrong\n").unwrap();
    std::fs::write(ssh.join("config.d/20.conf"), "HostName two.example\nUser right\n").unwrap();
    std::fs::write(ssh.join("config.d/.hidden.conf"), "HostName zero.example\n").unwrap();
    std::fs::write(home.path().join("etc/ssh_config"), "SendEnv LANG LC_*\nPort 10\n").unwrap();
    let here = surroundings(home.path());
    let files = Files::default();
    let get = |host: &str| {
        let query = Query { host, overrides: &[], file: None, surroundings: &here };
        evaluate(&query, &files).unwrap()
    };
    let web = get("web");
    assert_eq!(web.get("hostname").unwrap().first(), "one.example");
    assert_eq!(web.get("user").unwrap().first(), "right");
    assert_eq!(web.get("port").unwrap().first(), "9");
    assert_eq!(web.all("sendenv").len(), 1);
    assert!(get("db").get("hostname").is_none());
}

#[test]
fn overrides_count_before_the_files() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    std::fs::write(&file, "Port 1\nUser file\n").unwrap();
    let here = surroundings(home.path());
    let lines = overrides("ansible_ssh_common_args of `web1`", &["Port=2".to_owned()]).unwrap();
    let query = Query { host: "a", overrides: &lines, file: Some(&file), surroundings: &here };
    let out = evaluate(&query, &Files::default()).unwrap();
    assert_eq!(out.get("port").unwrap().first(), "2");
    assert_eq!(out.get("user").unwrap().first(), "file");
    let lines = overrides("ansible_ssh_common_args of `web1`", &["Nonsense=2".to_owned()]).unwrap();
    let query = Query { host: "a", overrides: &lines, file: Some(&file), surroundings: &here };
    let error = evaluate(&query, &Files::default()).unwrap_err().to_string();
    assert!(error.starts_with("<ansible_ssh_common_args of `web1`>:1:1:"), "{error}");
}

#[test]
fn a_missing_file_that_was_asked_for_is_an_error() {
    let here = surroundings(Path::new("/nonexistent"));
    let query = Query {
        host: "a",
        overrides: &[],
        file: Some(Path::new("/nonexistent/config")),
        surroundings: &here,
    };
    assert!(evaluate(&query, &Files::default()).unwrap_err().to_string().contains("/nonexistent/config"));
}
