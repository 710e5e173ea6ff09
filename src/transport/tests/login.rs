//! Host keys and ways to log in.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::Auth;
use russh::{MethodKind, MethodSet};

use super::server::{Server, new_key, write_key};
use crate::base::Secret;
use crate::transport::{ConnectError, Connector, Destination, HostKeyChecking, Options};

#[tokio::test]
async fn a_wrong_key_is_named_with_what_the_server_accepts() {
    let Some(server) = Server::start("") else { return };
    let mut destination = server.destination("web1");
    write_key(&server.at("wrong"), &new_key());
    destination.private_keys = vec![server.at("wrong"), server.at("none")];
    destination.password = Some(Secret::new("hunter2"));
    let error = server.connector().connect(&destination).await.err().unwrap();
    let ConnectError::Auth { tried, remaining, .. } = &error else { panic!("{error}") };
    assert!(tried[0].ends_with("/wrong"), "{tried:?}");
    assert!(tried[1].contains("/none: there is no such file"), "{tried:?}");
    assert_eq!(remaining, &["publickey"]);
    let shown = format!("{error} {:?} {:?}", error.hint(), error);
    assert!(shown.contains("root@127.0.0.1") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn unknown_accepted_and_changed_host_keys() {
    let Some(server) = Server::start("") else { return };
    let mut destination = server.destination("web1");
    std::fs::remove_file(server.at("known_hosts")).unwrap();
    let error = server.connector().connect(&destination).await.err().unwrap();
    let fingerprint = server.host_key.fingerprint(russh::keys::HashAlg::Sha256).to_string();
    assert!(matches!(error, ConnectError::HostKeyUnknown { .. }), "{error}");
    assert!(error.to_string().contains(&fingerprint), "{error}");
    assert!(error.hint().unwrap().contains("accept-new"));

    destination.host_key_checking = Some(HostKeyChecking::AcceptNew);
    server.connector().connect(&destination).await.unwrap();
    destination.host_key_checking = Some(HostKeyChecking::Strict);
    server.connector().connect(&destination).await.unwrap();

    let name = format!("[127.0.0.1]:{}", server.port);
    let other = new_key().public_key().to_openssh().unwrap();
    std::fs::write(server.at("known_hosts"), format!("# head\n{name} {other}\n")).unwrap();
    for checking in [HostKeyChecking::Strict, HostKeyChecking::AcceptNew] {
        destination.host_key_checking = Some(checking);
        let error = server.connector().connect(&destination).await.err().unwrap();
        let ConnectError::HostKeyChanged { line: 2, .. } = &error else { panic!("{error}") };
        assert!(error.to_string().contains("known_hosts:2"), "{error}");
    }
    destination.host_key_checking = Some(HostKeyChecking::Off);
    server.connector().connect(&destination).await.unwrap();

    let revoked = server.host_key.public_key().to_openssh().unwrap();
    std::fs::write(server.at("known_hosts"), format!("@revoked * {revoked}\n")).unwrap();
    let error = server.connector().connect(&destination).await.err().unwrap();
    assert!(matches!(error, ConnectError::HostKeyRevoked { .. }), "{error}");
}

#[tokio::test]
async fn host_certificates_of_a_known_authority() {
    let authority = new_key();
    let Some(server) = Server::start("HostCertificate /run/sshd/fleet-test-cert.pub") else { return };
    drop(server);
    // sshd reads the certificate at its start, so its key has to be there before
    let directory = tempfile::tempdir().unwrap();
    let (key, path) = (new_key(), directory.path().join("cert_key"));
    write_key(&path, &key);
    let mut builder =
        Builder::new_with_random_nonce(&mut safe_rng(), key.public_key().key_data().clone(), 0, u64::MAX / 4)
            .unwrap();
    builder.cert_type(CertType::Host).unwrap().valid_principal("127.0.0.1").unwrap();
    let certificate = builder.sign(&authority).unwrap().to_openssh().unwrap();
    let at = directory.path().join("cert_key-cert.pub");
    std::fs::write(&at, certificate).unwrap();
    let more = format!("HostKey {}\nHostCertificate {}", path.display(), at.display());
    let Some(server) = Server::start(&more) else { return };
    let destination = server.destination("web1");
    let line = format!("@cert-authority [127.0.0.1]:* {}\n", authority.public_key().to_openssh().unwrap());
    std::fs::write(server.at("known_hosts"), line).unwrap();
    server.connector().connect(&destination).await.unwrap();
    let other = format!("@cert-authority [127.0.0.1]:* {}\n", new_key().public_key().to_openssh().unwrap());
    std::fs::write(server.at("known_hosts"), other).unwrap();
    let error = server.connector().connect(&destination).await.err().unwrap();
    assert!(matches!(error, ConnectError::HostKeyUnknown { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_beside_the_key() {
    let Some(server) = Server::start("TrustedUserCAKeys /run/sshd/fleet-test-ca.pub") else { return };
    let authority = new_key();
    std::fs::write("/run/sshd/fleet-test-ca.pub", authority.public_key().to_openssh().unwrap()).unwrap();
    let key = new_key();
    write_key(&server.at("signed"), &key);
    let mut builder =
        Builder::new_with_random_nonce(&mut safe_rng(), key.public_key().key_data().clone(), 0, u64::MAX / 4)
            .unwrap();
    builder.cert_type(CertType::User).unwrap().valid_principal("root").unwrap();
    let certificate = builder.sign(&authority).unwrap().to_openssh().unwrap();
    std::fs::write(server.at("signed-cert.pub"), certificate).unwrap();
    let mut destination = server.destination("web1");
    destination.private_keys = vec![server.at("signed")];
    let result = server.connector().connect(&destination).await;
    std::fs::remove_file("/run/sshd/fleet-test-ca.pub").unwrap();
    result.map(drop).unwrap();
}

#[tokio::test]
async fn keys_of_an_agent_rsa_included() {
    let Some(server) = Server::start("") else { return };
    let socket = server.at("agent");
    let started = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
    let Ok(mut agent) = started else {
        println!("skipped: there is no ssh-agent");
        return;
    };
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let rsa = PrivateKey::random(&mut safe_rng(), Algorithm::Rsa { hash: None }).unwrap();
    let mut client = russh::keys::agent::client::AgentClient::connect_uds(&socket).await.unwrap();
    client.add_identity(&new_key(), &[]).await.unwrap();
    client.add_identity(&rsa, &[]).await.unwrap();
    let mut allowed = std::fs::OpenOptions::new().append(true).open(server.at("authorized_keys")).unwrap();
    std::io::Write::write_all(
        &mut allowed,
        format!("\n{}\n", rsa.public_key().to_openssh().unwrap()).as_bytes(),
    )
    .unwrap();

    let mut destination = server.destination("web1");
    destination.private_keys = Vec::new();
    let mut options = server.options();
    options.surroundings.agent = Some(socket.clone());
    let result = Connector::new(options.clone()).connect(&destination).await;
    let by_hand = server.log();
    // a key file whose private half is only in the agent
    std::fs::write(server.at("only.pub"), rsa.public_key().to_openssh().unwrap()).unwrap();
    destination.private_keys = vec![server.at("only")];
    destination.common_args = vec!["-oIdentitiesOnly=yes".to_owned()];
    let only = Connector::new(options).connect(&destination).await;
    let _ = agent.kill();
    let _ = agent.wait();
    assert!(result.is_ok(), "{:?}\n{by_hand}", result.err());
    only.map(drop).unwrap();
    assert!(server.log().contains("Accepted publickey for root") && server.log().contains("RSA SHA256"));
}

#[tokio::test]
async fn an_encrypted_key_with_and_without_its_passphrase() {
    let Some(server) = Server::start("") else { return };
    let locked = server.user_key.encrypt(&mut safe_rng(), "open sesame").unwrap();
    write_key(&server.at("locked"), &locked);
    let mut destination = server.destination("web1");
    destination.private_keys = vec![server.at("locked")];
    let error = server.connector().connect(&destination).await.err().unwrap();
    assert!(error.to_string().contains("it is encrypted"), "{error}");
    destination.key_passphrase = Some(Secret::new("open sesame"));
    server.connector().connect(&destination).await.unwrap();
}

/// A server that takes the password `right`, asked for in one way or the other.
#[derive(Clone)]
struct Passwords {
    method: MethodKind,
}

impl russh::server::Handler for Passwords {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, russh::Error> {
        let right = self.method == MethodKind::Password && password == "right";
        Ok(if right { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<russh::server::Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(mut answers) = response else {
            let prompts = std::borrow::Cow::Owned(vec![("Password: ".into(), false)]);
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let right = answers.next().is_some_and(|answer| &answer[..] == b"right");
        Ok(if right { Auth::Accept } else { Auth::reject() })
    }
}

#[tokio::test]
async fn passwords_and_keyboard_interactive() {
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let key = new_key();
        let known = key.public_key().to_openssh().unwrap();
        let config = Arc::new(russh::server::Config {
            keys: vec![key],
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: Duration::from_millis(10),
            ..Default::default()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, Passwords { method }).await
                    {
                        let _ = session.await;
                    }
                });
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, format!("[127.0.0.1]:{port} {known}\n")).unwrap();
        let mut destination = Destination::ssh("web1", "127.0.0.1");
        (destination.port, destination.user) = (Some(port), Some("ada".to_owned()));
        (destination.known_hosts, destination.ssh_config) = (Some(file.clone()), Some("none".into()));
        let mut options = Options::new(super::remote::serve_local);
        options.surroundings.agent = None;
        options.surroundings.home = directory.path().to_path_buf();
        let connector = || Connector::new(options.clone());
        let none = connector().connect(&destination).await.err().unwrap();
        assert!(none.to_string().contains("nothing to offer"), "{none}");
        destination.password = Some(Secret::new("wrong"));
        let wrong = connector().connect(&destination).await.err().unwrap();
        let wanted = if method == MethodKind::Password { "tried password" } else { "keyboard-interactive" };
        assert!(wrong.to_string().contains(wanted) && !wrong.to_string().contains("wrong"), "{wrong}");
        destination.password = Some(Secret::new("right"));
        connector().connect(&destination).await.map(drop).unwrap();

        // a changed key gets no password, even where keys are not checked
        std::fs::write(
            &file,
            format!("[127.0.0.1]:{port} {}\n", new_key().public_key().to_openssh().unwrap()),
        )
        .unwrap();
        destination.host_key_checking = Some(HostKeyChecking::Off);
        let changed = connector().connect(&destination).await.err().unwrap();
        assert!(changed.to_string().contains("not the password"), "{changed}");
    }
}
