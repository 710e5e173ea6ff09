//! The package manager, the service manager, systemd.

use std::path::Path;

use regex::bytes::Regex;

use crate::base::Map;
use crate::map;

use super::distribution::Distribution;
use super::system::System;

/// Programs and the package manager that they stand for; the last one that is there counts.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "dnf"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/usr/pkg/bin/pkgin", "pkgin"),
    ("/opt/local/bin/pkgin", "pkgin"),
    ("/opt/tools/bin/pkgin", "pkgin"),
    ("/opt/local/bin/port", "macports"),
    ("/usr/local/bin/brew", "homebrew"),
    ("/opt/homebrew/bin/brew", "homebrew"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/pkg", "pkgng"),
    ("/usr/sbin/swlist", "swdepot"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/sbin/pkgadd", "svr4pkg"),
    ("/usr/bin/pkg", "pkg5"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/local/sbin/pkg", "pkgng"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/sorcery", "sorcery"),
    ("/usr/bin/installp", "installp"),
];

/// `pkg_mgr`.
pub(super) fn package_manager_facts(system: &System, distribution: &Distribution) -> Map {
    map! {"pkg_mgr" => package_manager(system, distribution.family())}
}

fn package_manager(system: &System, family: &str) -> &'static str {
    let found = PACKAGE_MANAGERS
        .iter()
        // on ALT Linux this is Perl's
        .filter(|(path, _)| family != "Altlinux" || *path != "/usr/bin/pkg")
        .rfind(|(path, _)| system.exists(path))
        .map_or("unknown", |(_, name)| name);
    match family {
        "RedHat" => red_hat_manager(system),
        "Altlinux" if found == "apt" => "apt_rpm",
        "Debian" => apt_flavour(system),
        _ if found == "apt" => apt_flavour(system),
        _ => found,
    }
}

fn red_hat_manager(system: &System) -> &'static str {
    if system.exists("/run/ostree-booted") {
        return "atomic_container";
    }
    let Some(path) = ["/usr/bin/dnf", "/usr/bin/microdnf"].into_iter().find(|path| system.exists(path))
    else {
        return "unknown";
    };
    let real = std::fs::canonicalize(system.path(path)).unwrap_or_default();
    if real == system.path("/usr/bin/dnf5") { "dnf5" } else { "dnf" }
}

/// Whether apt-get belongs to dpkg or to rpm; rpm is only asked where there is no dpkg database.
fn apt_flavour(system: &System) -> &'static str {
    const RPM: &str = "/usr/bin/rpm";
    if system.exists("/var/lib/dpkg/status") || !system.exists(RPM) {
        return "apt";
    }
    match system.run(Path::new(RPM), &["-q", "--whatprovides", "/usr/bin/apt-get"]) {
        Some(answer) if answer.status == 0 => "apt_rpm",
        _ => "apt",
    }
}

/// `service_mgr`.
pub(super) fn service_manager_facts(system: &System, distribution: &Distribution) -> Map {
    map! {"service_mgr" => service_manager(system, distribution.name())}
}

fn service_manager(system: &System, distribution: &str) -> String {
    let first = system
        .text("/proc/1/comm")
        .or_else(|| system.link("/sbin/init"))
        .map(|name| name.rsplit('/').next().unwrap_or_default().trim().to_owned())
        // `init` can be anything, and a shell is what a container was started with
        .filter(|name| name != "init" && !name.ends_with("sh"));
    if let Some(name) = first {
        return match name.as_str() {
            "procd" => "openwrt_init".to_owned(),
            "runit-init" => "runit".to_owned(),
            "svscan" => "svc".to_owned(),
            "openrc-init" => "openrc".to_owned(),
            _ => name,
        };
    }
    let name = match distribution {
        "OpenWrt" => "openwrt_init",
        "SMGL" => "simpleinit_msb",
        _ if is_systemd_running(system) => "systemd",
        _ if system.program("initctl").is_some() && system.exists("/etc/init/") => "upstart",
        _ if system.exists("/sbin/openrc") => "openrc",
        _ if is_systemd_installed(system) => "systemd",
        _ if system.exists("/etc/init.d/") => "sysvinit",
        _ if system.exists("/etc/dinit.d/") => "dinit",
        _ => "service",
    };
    name.to_owned()
}

/// As sd_booted(3), and systemctl is there.
fn is_systemd_running(system: &System) -> bool {
    let canaries = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
    system.program("systemctl").is_some() && canaries.iter().any(|canary| system.exists(canary))
}

fn is_systemd_installed(system: &System) -> bool {
    system.program("systemctl").is_some() && system.link_name("/sbin/init").as_deref() == Some("systemd")
}

/// `systemd`: version and compiled-in features, where systemd runs. Both stand in systemd's library; its own
/// `systemctl --version` is asked if they are not found there.
pub(super) fn systemd_facts(system: &System) -> Map {
    if !is_systemd_running(system) {
        return Map::new();
    }
    let Some((version, features)) = library_version(system).or_else(|| printed_version(system)) else {
        return Map::new();
    };
    map! {"systemd" => map! {"features" => features, "version" => version}}
}

fn library_version(system: &System) -> Option<(i64, String)> {
    let mut directories = vec!["/usr/lib/systemd".to_owned(), "/lib/systemd".to_owned()];
    directories.extend(
        ["/usr/lib", "/usr/lib64"]
            .iter()
            .flat_map(|parent| system.names(parent).into_iter().map(move |name| (parent, name)))
            .filter(|(_, name)| name == "systemd" || name.contains("-linux-"))
            .map(|(parent, name)| {
                if name == "systemd" {
                    format!("{parent}/{name}")
                } else {
                    format!("{parent}/{name}/systemd")
                }
            }),
    );
    directories.iter().find_map(|directory| {
        system.names(directory).iter().find_map(|name| {
            let version = leading_number(name.strip_prefix("libsystemd-shared-")?)?;
            let content = system.bytes(format!("{directory}/{name}"))?;
            Some((version, find_features(&content)?))
        })
    })
}

/// The features as they stand in the library: `+PAM +AUDIT -SELINUX … default-hierarchy=unified`.
fn find_features(content: &[u8]) -> Option<String> {
    let pattern = Regex::new(r"(?-u)[+-]PAM [+-]AUDIT [ -~]+").ok()?;
    Some(String::from_utf8_lossy(pattern.find(content)?.as_bytes()).into_owned())
}

fn printed_version(system: &System) -> Option<(i64, String)> {
    let answer = system.run(&system.program("systemctl")?, &["--version"])?;
    let text = answer.text();
    let version = leading_number(text.split(' ').nth(1)?)?;
    Some((version, text.lines().nth(1)?.to_owned()))
}

fn leading_number(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn the_package_manager_is_the_familys() {
        let debian = machine(&[
            ("usr/bin/apt-get", ""),
            ("usr/bin/dnf5", ""),
            ("usr/bin/rpm", ""),
            ("var/lib/dpkg/status", "x"),
        ]);
        assert_eq!(package_manager(&debian.system, "Debian"), "apt");
        let fedora = machine(&[("usr/bin/dnf", ""), ("usr/bin/yum", "")]);
        assert_eq!(package_manager(&fedora.system, "RedHat"), "dnf");
        let alpine = machine(&[("sbin/apk", "")]);
        assert_eq!(package_manager(&alpine.system, "Alpine"), "apk");
        assert_eq!(package_manager(&machine(&[]).system, "NA"), "unknown");
    }

    #[test]
    fn process_one_names_the_service_manager() {
        for (comm, expected) in [("systemd", "systemd"), ("runit-init", "runit"), ("tini", "tini")] {
            let machine = machine(&[("proc/1/comm", comm)]);
            assert_eq!(service_manager(&machine.system, "Debian"), expected);
        }
        let shell = machine(&[("proc/1/comm", "bash\n"), ("etc/init.d/x", "")]);
        assert_eq!(service_manager(&shell.system, "Debian"), "sysvinit");
        assert_eq!(service_manager(&machine(&[("proc/1/comm", "init")]).system, "OpenWrt"), "openwrt_init");
        assert_eq!(service_manager(&machine(&[]).system, "NA"), "service");
    }

    #[test]
    fn features_are_found_in_the_library() {
        let content = b"x\x00+PAM\x00+PAM +AUDIT -APPARMOR default-hierarchy=unified\x00rest";
        assert_eq!(find_features(content).unwrap(), "+PAM +AUDIT -APPARMOR default-hierarchy=unified");
        assert_eq!(leading_number("254.5-2.fc39.so"), Some(254));
    }
}
