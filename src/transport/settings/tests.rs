//! From a destination and the configuration to settings.

use super::*;

fn resolved(config: &str, change: impl FnOnce(&mut Destination)) -> Result<Settings, Box<Diagnostic>> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    std::fs::write(&file, config).unwrap();
    let mut here = Surroundings::of_process();
    here.home = PathBuf::from("/home/ada");
    here.user = "ada".to_owned();
    here.agent = Some(PathBuf::from("/agent"));
    let mut destination = Destination::ssh("web1", "web");
    destination.ssh_config = Some(file);
    change(&mut destination);
    Settings::resolve(&destination, &here, &Files::default())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn nothing_said() {
    let settings = resolved("", |_| {}).unwrap();
    assert_eq!((settings.host.as_str(), settings.port, settings.user.as_str()), ("web", 22, "ada"));
    assert_eq!(settings.known_name(), "web");
    assert_eq!(settings.known_hosts.first(), Some(&PathBuf::from("/home/ada/.ssh/known_hosts")));
    assert!(settings.default_identities.contains(&PathBuf::from("/home/ada/.ssh/id_ed25519")));
    assert_eq!(settings.agent, Some(PathBuf::from("/agent")));
    assert_eq!(settings.checking, HostKeyChecking::Strict);
    assert_eq!(settings.keepalive, Some(DEFAULT_ALIVE));
    assert_eq!(settings.preferred.cipher.first(), Some(&cipher::AES_128_GCM));
    assert_eq!(settings.attempts, 1);
}

#[test]
fn the_inventory_counts_before_arguments_and_those_before_the_files() {
    let config =
        "HostName %h.example\nPort 1\nUser file\nIdentityFile ~/%r-%p\nStrictHostKeyChecking accept-new\n";
    let settings = resolved(config, |to| {
        to.port = Some(2222);
        to.common_args = words("-p 3 -l args -i /named -o ServerAliveInterval=0");
        to.private_keys = vec![PathBuf::from("~/own")];
        to.retries = 2;
    })
    .unwrap();
    assert_eq!(
        (settings.host.as_str(), settings.port, settings.user.as_str()),
        ("web.example", 2222, "args")
    );
    assert_eq!(settings.known_name(), "[web.example]:2222");
    assert_eq!(settings.identities, ["/home/ada/own", "/named", "/home/ada/args-2222"].map(PathBuf::from));
    assert!(settings.default_identities.is_empty());
    assert_eq!(settings.checking, HostKeyChecking::AcceptNew);
    assert_eq!(settings.keepalive, None);
    assert_eq!(settings.attempts, 3);
}

#[test]
fn routes() {
    let jump =
        |text: &str| resolved("", |to| to.proxy_jump = Some(text.to_owned())).map(|settings| settings.route);
    assert_eq!(jump("none").unwrap(), Route::Direct);
    let Route::Jump(hosts) = jump("ada@a:2222,[::1]:23,ssh://b").unwrap() else { panic!() };
    let shown: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["ada@a:2222", "[::1]:23", "b"]);
    assert!(jump("a:x").is_err());
    let command = resolved("ProxyCommand nc -X 5 %h %p\n", |_| {}).unwrap().route;
    assert_eq!(command, Route::Command("nc -X 5 web 22".to_owned()));
}

#[test]
fn algorithm_lists_restrict_and_keep_the_extensions() {
    let settings = resolved(
        "Ciphers aes256-ctr,chacha20*\nKexAlgorithms curve25519-sha256\nMACs -hmac-sha2-512*\n",
        |_| {},
    )
    .unwrap();
    let ciphers: Vec<&str> = settings.preferred.cipher.iter().map(AsRef::as_ref).collect();
    assert_eq!(ciphers, ["chacha20-poly1305@openssh.com", "aes256-ctr"]);
    assert_eq!(settings.preferred.kex.first(), Some(&kex::CURVE25519));
    assert!(settings.preferred.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
    assert!(settings.preferred.mac.iter().all(|name| name.as_ref().contains("256")));
    let keys = resolved("HostKeyAlgorithms +ssh-rsa\n", |_| {}).unwrap().preferred.key;
    assert!(keys.contains(&Algorithm::Rsa { hash: None }) && keys.contains(&Algorithm::Ed25519));
    let error = resolved("Ciphers 3des-cbc\n", |_| {}).unwrap_err();
    assert!(error.message.contains("none of `3des-cbc`") && error.hint.is_some());
}

#[test]
fn bad_values_are_named() {
    for (config, wanted) in [
        ("Port x", "`x` is not a number"),
        ("StrictHostKeyChecking maybe", "`maybe` is not one of"),
        ("IdentityFile /k/%q", "there is no token `%q`"),
        ("IdentitiesOnly perhaps", "`perhaps` is neither"),
        ("AddressFamily ipx", "`ipx` is not one of"),
    ] {
        let error = resolved(config, |_| {}).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
