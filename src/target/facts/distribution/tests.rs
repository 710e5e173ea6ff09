//! Release files of many distributions and what Ansible makes of them.

use super::*;
use crate::target::facts::tests::machine;

/// The facts in the order name, version, major, minor, release, family, path, variety.
fn facts(files: &[(&str, &str)]) -> [String; 8] {
    let machine = machine(files);
    let facts = Distribution::read(&machine.system).facts();
    [
        "distribution",
        "distribution_version",
        "distribution_major_version",
        "distribution_minor_version",
        "distribution_release",
        "os_family",
        "distribution_file_path",
        "distribution_file_variety",
    ]
    .map(|name| facts.get(name).map_or_else(|| "-".to_owned(), Value::to_text))
}

const OS: &str = "etc/os-release";

#[test]
fn debian() {
    let os = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
              VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/debian_version", "12.11\n")]),
        ["Debian", "12.11", "12", "11", "bookworm", "Debian", "/etc/os-release", "Debian"]
    );
}

#[test]
fn debian_testing_has_no_version() {
    let os = "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nNAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=forky\nID=debian\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/debian_version", "forky/sid\n")])[..6],
        ["Debian", "forky/sid", "forky/sid", "-", "forky", "Debian"]
    );
}

#[test]
fn ubuntu() {
    let os = "PRETTY_NAME=\"Ubuntu 22.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n\
              VERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n\
              HOME_URL=\"https://www.ubuntu.com/\"\nUBUNTU_CODENAME=jammy\n";
    // Ubuntu's os-release mentions Debian nowhere but in lower case
    assert_eq!(
        facts(&[(OS, os), ("etc/debian_version", "bookworm/sid\n")]),
        ["Ubuntu", "22.04", "22", "-", "jammy", "Debian", "/etc/os-release", "Debian"]
    );
}

#[test]
fn the_red_hat_family() {
    let os = |name: &str, id: &str, version: &str| {
        format!(
            "NAME=\"{name}\"\nID=\"{id}\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"{version}\"\nVERSION=\"{version} (Blue Onyx)\"\n"
        )
    };
    let cases = [
        ("Rocky Linux", "rocky", "9.3", "Rocky Linux release 9.3 (Blue Onyx)", "Rocky", "Blue Onyx"),
        ("AlmaLinux", "almalinux", "9.3", "AlmaLinux release 9.3 (Shamrock)", "AlmaLinux", "Blue Onyx"),
        (
            "Red Hat Enterprise Linux",
            "rhel",
            "9.3",
            "Red Hat Enterprise Linux release 9.3 (Plow)",
            "RedHat",
            "Blue Onyx",
        ),
        ("Fedora Linux", "fedora", "39", "Fedora release 39 (Thirty Nine)", "Fedora", "Blue Onyx"),
    ];
    for (name, id, version, line, expected, release) in cases {
        let os = os(name, id, version);
        let major = version.split('.').next().unwrap();
        assert_eq!(
            facts(&[(OS, &os), ("etc/redhat-release", line)]),
            [expected, version, major, "-", release, "RedHat", "/etc/redhat-release", "RedHat"],
            "{name}"
        );
    }
}

#[test]
fn red_hat_says_what_was_searched() {
    let machine = machine(&[("etc/redhat-release", "Red Hat Enterprise Linux release 9.3 (Plow)")]);
    let facts = Distribution::read(&machine.system).facts();
    assert_eq!(facts.get("distribution_file_search_string").unwrap(), &Value::from("Red Hat"));
    assert_eq!(facts.get("distribution_file_parsed").unwrap(), &Value::Bool(true));
    assert_eq!(facts.get("distribution_version").unwrap(), &Value::from("9.3"));
    assert_eq!(facts.get("distribution_release").unwrap(), &Value::from("Plow"));
}

#[test]
fn centos_and_its_stream() {
    let os = "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\n";
    let line = "CentOS Linux release 7.9.2009 (Core)\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/centos-release", line), ("etc/redhat-release", line)]),
        ["CentOS", "7.9", "7", "-", "Core", "RedHat", "/etc/redhat-release", "RedHat"]
    );
    let os = "NAME=\"CentOS Stream\"\nVERSION=\"9\"\nID=\"centos\"\nVERSION_ID=\"9\"\n";
    let line = "CentOS Stream release 9\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/centos-release", line), ("etc/redhat-release", line)]),
        ["CentOS", "9", "9", "-", "Stream", "RedHat", "/etc/centos-release", "CentOS"]
    );
}

#[test]
fn oracle_and_amazon() {
    let os = "NAME=\"Oracle Linux Server\"\nVERSION=\"8.9\"\nID=\"ol\"\nVERSION_ID=\"8.9\"\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/oracle-release", "Oracle Linux Server release 8.9\n")]),
        ["OracleLinux", "8.9", "8", "-", "NA", "RedHat", "/etc/oracle-release", "OracleLinux"]
    );
    let os = "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\nPLATFORM_ID=\"platform:al2023\"\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/system-release", "Amazon Linux release 2023")]),
        ["Amazon", "2023", "2023", "NA", "NA", "RedHat", "/etc/os-release", "Amazon"]
    );
}

#[test]
fn the_suse_family() {
    let os = "NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.5\"\n";
    assert_eq!(
        facts(&[(OS, os)]),
        ["openSUSE Leap", "15.5", "15", "-", "5", "Suse", "/etc/os-release", "SUSE"]
    );
    let os = "NAME=\"SLES\"\nVERSION=\"15-SP5\"\nVERSION_ID=\"15.5\"\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP5\"\nID=\"sles\"\n";
    assert_eq!(facts(&[(OS, os)]), ["SLES", "15.5", "15", "-", "5", "Suse", "/etc/os-release", "SUSE"]);
    let os = "NAME=\"SLES\"\nVERSION_ID=\"16\"\nPRETTY_NAME=\"SUSE Linux Enterprise\"\nID=\"sles\"\nVARIANT_ID=\"sles-sap\"\n";
    assert_eq!(facts(&[(OS, os)])[..6], ["SLES_SAP", "16", "16", "-", "0", "Suse"]);
    let os = "NAME=\"openSUSE Tumbleweed\"\nID=\"opensuse-tumbleweed\"\nVERSION_ID=\"20240101\"\n";
    assert_eq!(facts(&[(OS, os)])[..6], ["openSUSE Tumbleweed", "20240101", "20240101", "-", "", "Suse"]);
}

#[test]
fn alpine_arch_and_others() {
    let os = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.0\nPRETTY_NAME=\"Alpine Linux v3.19\"\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/alpine-release", "3.19.0\n")]),
        ["Alpine", "3.19.0", "3", "-", "NA", "Alpine", "/etc/alpine-release", "Alpine"]
    );
    let os = "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n";
    assert_eq!(
        facts(&[(OS, os), ("etc/arch-release", "")]),
        ["Archlinux", "NA", "NA", "-", "NA", "Archlinux", "/etc/arch-release", "Archlinux"]
    );
    assert_eq!(facts(&[(OS, os)])[6..], ["/etc/os-release", "Archlinux"]);
    let os = "NAME=Gentoo\nID=gentoo\nPRETTY_NAME=\"Gentoo Linux\"\nVERSION_ID=\"2.14\"\n";
    assert_eq!(facts(&[(OS, os)])[5..], ["Gentoo", "/etc/os-release", "NA"]);
    let os = "NAME=\"Linux Mint\"\nVERSION=\"21.2 (Victoria)\"\nID=linuxmint\nVERSION_ID=\"21.2\"\nVERSION_CODENAME=victoria\n";
    assert_eq!(facts(&[(OS, os)])[..6], ["Linux Mint", "21.2", "21", "-", "victoria", "Debian"]);
    let os = "NAME=\"NixOS\"\nID=nixos\nVERSION=\"24.05 (Uakari)\"\nVERSION_CODENAME=uakari\nVERSION_ID=\"24.05\"\n";
    assert_eq!(facts(&[(OS, os)])[..6], ["NixOS", "24.05", "24", "-", "uakari", "NixOS"]);
}

#[test]
fn nothing_is_other_linux() {
    assert_eq!(facts(&[]), ["OtherLinux", "NA", "NA", "-", "NA", "OtherLinux", "-", "-"]);
}
