//! Jump hosts, load shedding, servers that hang or go away.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::net::TcpListener;

use super::remote::ask;
use super::server::{Server, free_port};
use crate::transport::{ConnectError, Connector, Destination};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_behind_a_jump_host_share_its_connection() {
    let (Some(jump), Some(server)) = (Server::start(""), Server::start("")) else { return };
    let mut destination = server.destination("web1");
    let mut known = std::fs::read_to_string(server.at("known_hosts")).unwrap();
    std::fmt::Write::write_fmt(
        &mut known,
        format_args!("[127.0.0.1]:{} {}\n", jump.port, jump.host_key.public_key().to_openssh().unwrap()),
    )
    .unwrap();
    std::fs::write(server.at("known_hosts"), known).unwrap();
    let config = format!(
        "Host bastion\n HostName 127.0.0.1\n Port {}\n User root\n IdentityFile {}\n",
        jump.port,
        jump.at("user_key").display()
    );
    std::fs::write(server.at("ssh_config"), config).unwrap();
    destination.proxy_jump = Some("bastion".to_owned());
    let connector = server.connector();
    let connections = join_all((0..6).map(|_| connector.connect(&destination))).await;
    for connection in connections {
        let connection = connection.unwrap();
        assert_eq!(connection.raw("echo through", None, None, None).await.unwrap().stdout, b"through\n");
        assert_eq!(connection.counters().connections, 1);
    }
    assert_eq!(jump.logged("Accepted publickey"), 1);
    assert_eq!(server.logged("Accepted publickey"), 6);

    // two in a row, the second one reached through the first
    destination.proxy_jump = Some("bastion,bastion".to_owned());
    let twice = connector.connect(&destination).await.unwrap();
    assert_eq!(twice.raw("echo twice", None, None, None).await.unwrap().stdout, b"twice\n");

    destination.port = Some(free_port());
    destination.proxy_jump = Some("bastion".to_owned());
    let error = connector.connect(&destination).await.err().unwrap();
    assert!(error.to_string().contains("cannot reach 127.0.0.1"), "{error}");
    connector.close().await;
}

#[tokio::test]
async fn jump_hosts_that_lead_in_a_circle_are_a_mistake_in_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    std::fs::write(&config, "Host *\n ProxyJump bastion\n").unwrap();
    let mut destination = Destination::ssh("web1", "127.0.0.1");
    destination.ssh_config = Some(config);
    let connector = Connector::new(crate::transport::Options::new(super::remote::serve_local));
    let error = connector.connect(&destination).await.err().unwrap();
    assert!(matches!(error, ConnectError::Config { .. }) && error.to_string().contains("circle"), "{error}");
    assert!(connector.check(&destination).is_err());
}

#[tokio::test]
async fn through_a_proxy_command() {
    let Some(server) = Server::start("") else { return };
    let mut destination = server.destination("web1");
    destination.common_args = vec![
        "-o".to_owned(),
        "ProxyCommand=bash -c \"exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill $!\"".to_owned(),
    ];
    let connection = server.connector().connect(&destination).await.unwrap();
    assert_eq!(connection.raw("echo through", None, None, None).await.unwrap().stdout, b"through\n");
    destination.common_args = vec!["-oProxyCommand=false".to_owned()];
    let error = server.connector().connect(&destination).await.err().unwrap();
    assert!(error.to_string().contains("cannot run `false`"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sheds_load_is_asked_again() {
    let Some(server) = Server::start("MaxStartups 2:100:2") else { return };
    let connector = server.connector();
    let destination = server.destination("web1");
    let results = join_all((0..20).map(|_| connector.connect(&destination))).await;
    for result in results {
        result.map(drop).unwrap();
    }
    assert!(server.logged("drop connection") > 0, "nothing was shed");
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_nobody() {
    let Some(server) = Server::start("") else { return };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = server.options();
    options.handshakes = 1;
    let connector = Connector::new(options);
    let mut hung = server.destination("hung");
    hung.port = Some(silent.local_addr().unwrap().port());
    hung.connect_timeout = Duration::from_secs(2);
    let good = server.destination("good");
    let begun = Instant::now();
    let (hung, good) = tokio::join!(async { (connector.connect(&hung).await, begun.elapsed()) }, async {
        (connector.connect(&good).await, begun.elapsed())
    });
    let error = hung.0.err().unwrap();
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error}");
    assert!(hung.1 >= Duration::from_secs(2) && hung.1 < Duration::from_secs(4), "{:?}", hung.1);
    good.0.map(drop).unwrap();
    assert!(good.1 < Duration::from_millis(1500), "{:?}", good.1);
}

#[tokio::test]
async fn nobody_listens_and_no_such_name() {
    let connector = Connector::new(crate::transport::Options::new(super::remote::serve_local));
    let mut destination = Destination::ssh("web1", "127.0.0.1");
    destination.port = Some(free_port());
    destination.ssh_config = Some("none".into());
    let error = connector.connect(&destination).await.err().unwrap();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    destination.common_args = vec!["-6".to_owned()];
    let error = connector.connect(&destination).await.err().unwrap();
    assert!(matches!(error, ConnectError::Resolve { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_lost_for_all_its_sessions() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let session = connection.session(None).await.unwrap();
    session.exchange(vec![ask("a")], None).await.unwrap();
    let cut = connection.raw("kill -9 $PPID; sleep 5", None, None, Some(Duration::from_secs(10))).await;
    assert!(cut.as_ref().is_err_and(crate::transport::SessionError::is_unreachable), "{cut:?}");
    let error = session.exchange(vec![ask("b")], None).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert!(connection.is_lost());
    assert!(connection.raw("true", None, None, None).await.is_err());
}

#[tokio::test]
async fn the_configuration_of_openssh_is_obeyed() {
    let Some(server) = Server::start("AcceptEnv FLEET_*\nAllowTcpForwarding no") else { return };
    let mut destination = server.destination("web1");
    let config = format!(
        "Host web\n HostName 127.0.0.1\n Port {}\n User root\n IdentityFile {}\n UserKnownHostsFile {}\n HostKeyAlias the-web\n SetEnv FLEET_A=1\n Ciphers chacha20-poly1305@openssh.com\n",
        server.port,
        server.at("user_key").display(),
        server.at("aliased").display(),
    );
    std::fs::write(server.at("ssh_config"), config).unwrap();
    let key = server.host_key.public_key().to_openssh().unwrap();
    std::fs::write(server.at("aliased"), format!("the-web {key}\n")).unwrap();
    destination.host = "web".to_owned();
    (destination.port, destination.user, destination.known_hosts) = (None, None, None);
    (destination.private_keys, destination.host_key_checking) = (Vec::new(), None);
    let connection = server.connector().connect(&destination).await.unwrap();
    assert_eq!(connection.raw("echo $FLEET_A", None, None, None).await.unwrap().stdout, b"1\n");
    std::fs::write(server.at("ssh_config"), "Host web\n\n  KnownHostsCommand /bin/true\n").unwrap();
    let error = server.connector().connect(&destination).await.err().unwrap();
    assert!(
        error.to_string().contains("ssh_config:3:3: `KnownHostsCommand /bin/true` is not supported"),
        "{error}"
    );
}
