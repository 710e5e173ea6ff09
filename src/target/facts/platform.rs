//! Kernel, architecture, host names, machine id.

use std::ffi::CStr;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::base::{Key, Map, Value};
use crate::map;

use super::network::reverse;
use super::system::System;

/// The facts of Ansible's `platform` collector, but `python_version`.
pub(super) fn facts(system: &System) -> Map {
    let uname = rustix::system::uname();
    let text = |part: &CStr| part.to_string_lossy().into_owned();
    let machine = text(uname.machine());
    let node = text(uname.nodename());
    let fqdn = full_name(system, &node);
    let mut facts = map! {
        "system" => text(uname.sysname()),
        "kernel" => text(uname.release()),
        "kernel_version" => text(uname.version()),
        "machine" => machine.as_str(),
        "hostname" => node.split('.').next().unwrap_or_default(),
        "nodename" => node.as_str(),
        "domain" => fqdn.split_once('.').map_or("", |(_, domain)| domain),
        "fqdn" => fqdn.as_str(),
    };
    facts.extend(architecture_facts(&machine, userspace_bits(system)));
    let machine_id = system.text("/var/lib/dbus/machine-id").or_else(|| system.text("/etc/machine-id"));
    if let Some(id) = machine_id.as_deref().and_then(|id| id.lines().next()) {
        facts.insert(Key::str("machine_id"), Value::str(id));
    }
    facts
}

/// `architecture`, and on x86 the architecture of the programs, which may be 32-bit under a 64-bit kernel.
fn architecture_facts(machine: &str, bits: &str) -> Map {
    let bytes = machine.as_bytes();
    let is_i86 = matches!(bytes, [b'i', b'3'..=b'6', b'8', b'6']) || machine == "i86pc";
    let architecture = if is_i86 { "i386" } else { machine };
    let mut facts = map! {"architecture" => architecture, "userspace_bits" => bits};
    if is_i86 || machine == "x86_64" {
        let userspace = if bits == "64" { "x86_64" } else { "i386" };
        facts.insert(Key::str("userspace_architecture"), Value::str(userspace));
    }
    facts
}

/// The word size of the machine's programs, from the header of its shell.
fn userspace_bits(system: &System) -> &'static str {
    use std::io::Read;
    let mut header = [0u8; 5];
    let read = std::fs::File::open(system.path("/bin/sh")).and_then(|mut file| file.read_exact(&mut header));
    match (read, header) {
        (Ok(()), [0x7f, b'E', b'L', b'F', 1]) => "32",
        (Ok(()), [0x7f, b'E', b'L', b'F', 2]) => "64",
        _ if cfg!(target_pointer_width = "32") => "32",
        _ => "64",
    }
}

/// The processor architecture that the kernel names.
pub(super) fn machine() -> String {
    rustix::system::uname().machine().to_string_lossy().into_owned()
}

/// The host's full name as Python's `socket.getfqdn()` finds it: the first name with a dot among the names of
/// its name's address, else that address's main name, else the host name.
fn full_name(system: &System, node: &str) -> String {
    let hosts = system.text("/etc/hosts").unwrap_or_default();
    let switch = system.text("/etc/nsswitch.conf").unwrap_or_default();
    if knows_its_own_name(&switch) && !is_in_hosts(&hosts, node) {
        return node.to_owned();
    }
    let names = address_of(node, system.timeout)
        .map(|address| {
            let names = names_in_hosts(&hosts, address);
            if names.is_empty() { reverse::names(system, address) } else { names }
        })
        .unwrap_or_default();
    names
        .iter()
        .find(|name| name.contains('.'))
        .or_else(|| names.first())
        .map_or_else(|| node.to_owned(), Clone::clone)
}

/// Whether the name service answers for the host's own name before it asks DNS (nss-myhostname(8),
/// nss-resolve(8)). Our resolver has no such modules, and would wait for DNS in vain.
fn knows_its_own_name(switch: &str) -> bool {
    switch
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("hosts:"))
        .and_then(|services| {
            services.split_whitespace().find(|service| matches!(*service, "dns" | "myhostname" | "resolve"))
        })
        .is_some_and(|service| service != "dns")
}

fn is_in_hosts(hosts: &str, name: &str) -> bool {
    hosts
        .lines()
        .filter_map(|line| line.split('#').next())
        .any(|line| line.split_ascii_whitespace().skip(1).any(|known| known.eq_ignore_ascii_case(name)))
}

/// The address of a name, by the system's resolver; a resolver that hangs is left behind.
fn address_of(name: &str, timeout: Duration) -> Option<IpAddr> {
    let (sender, receiver) = mpsc::channel();
    let query = (name.to_owned(), 0u16);
    thread::spawn(move || {
        let address = query.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let _ = sender.send(address);
    });
    receiver.recv_timeout(timeout).ok().flatten().map(|address| address.ip())
}

/// The names of the first line of a hosts file for that address.
fn names_in_hosts(hosts: &str, address: IpAddr) -> Vec<String> {
    hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().split_ascii_whitespace())
        .find_map(|mut words| {
            let found = words.next()?.parse::<IpAddr>().ok()? == address;
            let names: Vec<String> = words.map(str::to_owned).collect();
            (found && !names.is_empty()).then_some(names)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_first_line_of_the_address() {
        let hosts = "# 127.0.1.1 no.example\n127.0.0.1 localhost\n127.0.1.1\tweb1 web1.example.org # main\n\
                     127.0.1.1 other.example\n::1 localhost ip6-localhost\n";
        assert_eq!(names_in_hosts(hosts, "127.0.1.1".parse().unwrap()), ["web1", "web1.example.org"]);
        assert_eq!(names_in_hosts(hosts, "::1".parse().unwrap()), ["localhost", "ip6-localhost"]);
        assert!(names_in_hosts(hosts, "10.0.0.1".parse().unwrap()).is_empty());
    }

    #[test]
    fn some_name_services_know_the_host() {
        assert!(knows_its_own_name(
            "passwd: files\nhosts:  files myhostname resolve [!UNAVAIL=return] dns\n"
        ));
        assert!(knows_its_own_name("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n"));
        assert!(!knows_its_own_name("hosts: files dns myhostname\n"));
        assert!(!knows_its_own_name(""));
        assert!(is_in_hosts("127.0.1.1 web1.example Web1 # not db1\n", "web1"));
        assert!(!is_in_hosts("127.0.1.1 web1.example # db1\n", "db1"));
    }

    #[test]
    fn architectures_are_ansibles() {
        let text = |machine: &str, bits: &str| Value::map(architecture_facts(machine, bits)).to_text();
        assert_eq!(
            text("x86_64", "32"),
            "{'architecture': 'x86_64', 'userspace_bits': '32', 'userspace_architecture': 'i386'}"
        );
        assert_eq!(
            text("i686", "32"),
            "{'architecture': 'i386', 'userspace_bits': '32', 'userspace_architecture': 'i386'}"
        );
        assert_eq!(text("aarch64", "64"), "{'architecture': 'aarch64', 'userspace_bits': '64'}");
    }
}
