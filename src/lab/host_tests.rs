//! Tests of what makes a host the one it is.

use super::*;
use crate::lab::state::Labs;
use crate::lab::{LOGIN_USER, Release};

fn host(name: &str, last: u8) -> HostState {
    HostState { name: name.into(), address: Ipv4Addr::new(10, 99, 0, last) }
}

#[test]
fn names_resolve_among_the_hosts_and_other_lines_stay() {
    let one = hosts_file("", &[host("web1.example.com", 10)]);
    assert_eq!(
        one,
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n# the lab's hosts: begin\n\
         10.99.0.10 web1.example.com web1\n# the lab's hosts: end\n"
    );
    let edited = format!("{one}192.0.2.7 added\n");
    let two = hosts_file(&edited, &[host("web1.example.com", 10), host("db_1", 11)]);
    assert!(two.contains("10.99.0.11 db_1 db-1\n"));
    assert!(two.ends_with("192.0.2.7 added\n"));
    assert_eq!(two.matches("begin").count(), 1);
    assert_eq!(hosts_file("10.0.0.1 x", &[host("a", 10)]).lines().next(), Some("10.0.0.1 x"));
}

#[test]
fn a_name_is_given_once() {
    let lines = host_lines(&[host("web.a", 10), host("web.b", 11), host("web", 12), host("10.1.1.1", 13)]);
    assert_eq!(lines, "10.99.0.10 web.a\n10.99.0.11 web.b\n10.99.0.12 web\n10.99.0.13 host-10-1-1-1\n");
}

#[test]
fn own_files_carry_the_hosts_identity() {
    let mut state = State::new("fleet", Release::Bookworm, "/base".into(), Ipv4Addr::new(10, 99, 0, 0));
    state.hosts.push(host("web1", 10));
    let directory = Labs::of_this_machine().lab("fleet");
    let common = Common {
        state: &state,
        directory: &directory,
        access: &Access::default(),
        resolver: &Resolver::of_this_machine(),
        mtu: Some(1450),
        authorized_key: "ssh-ed25519 AAAA lab\n",
        supervisor: Path::new("/bin/false"),
        boot_timeout: Duration::from_secs(1),
    };
    let identity = Identity {
        host_key: "private\n".into(),
        host_key_public: "public\n".into(),
        machine_id: "0123".into(),
    };
    let files = own_files(&common, &host("web1", 10), &identity);
    let find = |path: &str| files.iter().find(|file| file.path == path).unwrap();
    assert_eq!(find("etc/hostname").content, "web1\n");
    assert_eq!(find("etc/ssh/ssh_host_ed25519_key").mode, 0o600);
    assert_eq!(find(&format!("home/{LOGIN_USER}/.ssh/authorized_keys")).owner, LOGIN_UID);
    let network = &find("etc/systemd/network/10-host0.network").content;
    assert!(
        network.contains("Address=10.99.0.10/24\nGateway=10.99.0.1\n") && network.contains("MTUBytes=1450")
    );
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (outside, link) = (directory.path().join("outside"), directory.path().join("hosts"));
    fs::write(&outside, "outside").unwrap();
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let me = rustix::process::getuid().as_raw();
    replace_inside(&link, "new", 0o640, me).unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "outside");
    assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    assert_eq!(fs::symlink_metadata(&link).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn only_an_ssh_server_answers() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for greeting in ["SSH-2.0-x\r\n", "HTTP/1.1 400\r\n"] {
            listener.accept().unwrap().0.write_all(greeting.as_bytes()).unwrap();
        }
    });
    assert!(answers(address));
    assert!(!answers(address));
    server.join().unwrap();
    assert!(!answers(address));
}
