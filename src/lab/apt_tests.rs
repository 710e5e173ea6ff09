//! Tests of what is carried over from this machine's apt.

use super::*;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

#[test]
fn mirrors_come_from_either_form() {
    let stanzas = parse_stanzas(
        "# a comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-updates\n\
         Components: main\n contrib\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
         Types: deb\nURIs: http://other.example/node\nSuites: nodistro\nComponents: main\n\n\
         Types: deb\nURIs: http://off.example/debian-security\nSuites: bookworm-security\nComponents: main\nEnabled: no\n",
    );
    assert_eq!(stanzas.len(), 2);
    assert_eq!(stanzas[0].components, ["main", "contrib"]);
    let lines: Vec<Source> = "deb-src http://x/debian bookworm main\n# deb http://y/debian bookworm main\n\
         deb [arch=amd64 trusted=yes] https://s.example/sec bookworm-security main # why\n"
        .lines()
        .filter_map(parse_line)
        .collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].trusted);
    let all: Vec<Source> = stanzas.into_iter().chain(lines).collect();
    assert_eq!(
        Mirrors::among(&all, "bookworm", "http://usual.example/debian"),
        Mirrors {
            archive: "http://mirror.example/debian".into(),
            security: "https://s.example/sec".into(),
            trusted: false
        }
    );
}

#[test]
fn another_system_gets_debians_own_mirrors() {
    let ubuntu = parse_line("deb http://other.example/ubuntu jammy main").into_iter().collect::<Vec<_>>();
    let usual = usual_archive("set -e\nDEF_MIRROR=\"http://usual.example/debian\"\n");
    let mirrors = Mirrors::among(&ubuntu, "jammy", &usual);
    assert_eq!(mirrors.archive, "http://usual.example/debian");
    assert_eq!(
        mirrors.sources_list(Release::Trixie),
        "deb http://usual.example/debian trixie main\n\
         deb http://usual.example/debian trixie-updates main\n\
         deb http://usual.example/debian-security trixie-security main\n"
    );
}

#[test]
fn a_list_of_mirrors_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("debian.list");
    fs::write(&list, "https://list.example/debian/ priority:1\nhttp://b\n").unwrap();
    let uri = format!("mirror+file:{}", list.display());
    assert_eq!(web_address(&uri).as_deref(), Some("https://list.example/debian"));
    assert_eq!(web_address("cdrom:[Debian]/"), None);
}

#[test]
fn only_what_concerns_the_network_is_carried_over() {
    let dump = "Acquire \"\";\nAcquire::cdrom::mount \"/media/cdrom/\";\nAcquire::Check-Date \"false\";\n\
                Acquire::http::Proxy \"http://127.0.0.1:3142\";\nAcquire::https::CaInfo \"/etc/x.pem\";\n\
                Acquire::http::Proxy-Auto-Detect \"/usr/bin/detect\";\nDPkg::Options:: \"--force-confold\";\n";
    let variables = vec![
        ("https_proxy".to_string(), "http://me:pw@proxy.example:3128/".to_string()),
        ("no_proxy".to_string(), "localhost".to_string()),
    ];
    let access = Access::from(dump, &variables, GATEWAY);
    assert_eq!(
        access.apt_conf,
        "Acquire::Check-Date \"false\";\nAcquire::http::Proxy \"http://10.99.0.1:3142\";\n\
         Acquire::https::Proxy \"http://me:pw@proxy.example:3128/\";\n"
    );
    assert_eq!(access.environment, "https_proxy=http://me:pw@proxy.example:3128/\nno_proxy=localhost\n");
    assert_eq!(access.relays, [Relay { to: Ipv4Addr::LOCALHOST, port: 3142 }]);
}

#[test]
fn loopback_proxies_are_relayed() {
    assert_eq!(
        relay("http://u:p@localhost:3128/x", GATEWAY),
        Some(("http://u:p@10.99.0.1:3128/x".into(), Relay { to: Ipv4Addr::LOCALHOST, port: 3128 }))
    );
    assert_eq!(
        relay("https://127.0.0.2", GATEWAY).unwrap().1,
        Relay { to: Ipv4Addr::new(127, 0, 0, 2), port: 443 }
    );
    assert_eq!(relay("http://10.0.0.1:3128", GATEWAY), None);
    assert_eq!(relay("DIRECT", GATEWAY), None);
}
