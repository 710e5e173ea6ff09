//! The release files one by one: the first that names its distribution corrects the guess.

use regex::Regex;

use crate::target::facts::system::System;

use super::{Distribution, ReleaseFile};

/// How a file is read.
enum Reader {
    /// The file is enough, even if it is empty.
    Exists,
    /// The text names the distribution; else its first word is the distribution's name.
    Search(&'static str),
    /// The text has to be in the file.
    Contains(&'static str),
    /// Reads the text; `false` if it is about another distribution.
    Parse(fn(&mut Distribution, &File<'_>) -> bool),
}

/// A release file and the machine that it is on.
struct File<'a> {
    system: &'a System,
    path: &'static str,
    text: &'a str,
}

const OS_RELEASE: &str = "/etc/os-release";

const FILES: &[(&str, &str, Reader)] = &[
    ("/etc/altlinux-release", "Altlinux", Reader::Search("ALT")),
    ("/etc/oracle-release", "OracleLinux", Reader::Search("Oracle Linux")),
    ("/etc/slackware-version", "Slackware", Reader::Parse(slackware)),
    ("/etc/centos-release", "CentOS", Reader::Parse(centos)),
    ("/etc/redhat-release", "RedHat", Reader::Search("Red Hat")),
    ("/etc/vmware-release", "VMwareESX", Reader::Exists),
    ("/etc/openwrt_release", "OpenWrt", Reader::Parse(openwrt)),
    (OS_RELEASE, "Amazon", Reader::Parse(amazon)),
    ("/etc/system-release", "Amazon", Reader::Parse(amazon)),
    ("/etc/alpine-release", "Alpine", Reader::Parse(alpine)),
    ("/etc/arch-release", "Archlinux", Reader::Exists),
    (OS_RELEASE, "Archlinux", Reader::Contains("Arch Linux")),
    (OS_RELEASE, "SUSE", Reader::Parse(suse)),
    ("/etc/SuSE-release", "SUSE", Reader::Parse(suse)),
    (OS_RELEASE, "Debian", Reader::Parse(debian)),
    ("/etc/lsb-release", "Debian", Reader::Parse(debian)),
    ("/etc/lsb-release", "Mandriva", Reader::Parse(mandriva)),
    ("/etc/sourcemage-release", "SMGL", Reader::Search("Source Mage GNU/Linux")),
    ("/usr/lib/os-release", "ClearLinux", Reader::Parse(clear_linux)),
    ("/etc/coreos/update.conf", "Coreos", Reader::Parse(coreos)),
    (OS_RELEASE, "Flatcar", Reader::Parse(flatcar)),
    (OS_RELEASE, "NA", Reader::Parse(any)),
];

/// Corrects the guess by the first file that fits.
pub(super) fn refine(system: &System, guess: Distribution) -> Distribution {
    for (path, variety, reader) in FILES {
        let file = |parsed| Some(ReleaseFile { path, variety, parsed });
        let named = Distribution { name: (*variety).to_owned(), file: file(true), ..guess.clone() };
        if let Reader::Exists = reader {
            if system.path(path).is_file() {
                return Distribution { file: file(false), ..named };
            }
            continue;
        }
        let Some(content) = system.text(path) else { continue };
        let text = content.trim_matches(['\'', '"', '\\']);
        match reader {
            Reader::Exists => {}
            Reader::Search(name) if text.contains(name) => {
                return Distribution { search_string: Some(name), ..named };
            }
            Reader::Search(_) => {
                let name = text.split_whitespace().next().unwrap_or_default().to_owned();
                return Distribution { name, ..named };
            }
            Reader::Contains(name) if text.contains(name) => return named,
            Reader::Contains(_) => {}
            Reader::Parse(parse) => {
                // the parsers look at the guess and write what they know better
                let mut refined = named;
                if parse(&mut refined, &File { system, path, text }) {
                    return refined;
                }
            }
        }
    }
    guess
}

/// The first group of a pattern in a text, `$` and `^` at its lines.
fn find(pattern: &str, text: &str) -> Option<String> {
    let found = Regex::new(&format!("(?m){pattern}")).ok()?.captures(text)?;
    Some(found.get(1)?.as_str().to_owned())
}

fn major(version: &str) -> String {
    version.split('.').next().unwrap_or_default().to_owned()
}

fn set(field: &mut String, value: Option<String>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn slackware(known: &mut Distribution, file: &File<'_>) -> bool {
    set(&mut known.version, find(r"(\w+[.]\w+\+?)", file.text));
    file.text.contains("Slackware")
}

fn centos(known: &mut Distribution, file: &File<'_>) -> bool {
    if file.text.contains("CentOS Stream") {
        "Stream".clone_into(&mut known.release);
        return true;
    }
    "TencentOS".clone_into(&mut known.name);
    file.text.contains("TencentOS Server")
}

fn openwrt(known: &mut Distribution, file: &File<'_>) -> bool {
    set(&mut known.version, find("DISTRIB_RELEASE=\"(.*)\"", file.text));
    set(&mut known.release, find("DISTRIB_CODENAME=\"(.*)\"", file.text));
    file.text.contains("OpenWrt")
}

fn amazon(known: &mut Distribution, file: &File<'_>) -> bool {
    if !file.text.contains("Amazon") {
        return false;
    }
    if file.path == OS_RELEASE {
        if let Some(version) = find("VERSION_ID=\"(.*)\"", file.text) {
            known.major_version = major(&version);
            known.minor_version = Some(version.split_once('.').map_or("NA", |(_, minor)| minor).to_owned());
            known.version = version;
        }
    } else {
        let number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        file.text.split_whitespace().find(number).unwrap_or("NA").clone_into(&mut known.version);
    }
    true
}

fn alpine(known: &mut Distribution, file: &File<'_>) -> bool {
    file.text.clone_into(&mut known.version);
    true
}

fn mandriva(known: &mut Distribution, file: &File<'_>) -> bool {
    set(&mut known.version, find("DISTRIB_RELEASE=\"(.*)\"", file.text));
    set(&mut known.release, find("DISTRIB_CODENAME=\"(.*)\"", file.text));
    file.text.contains("Mandriva")
}

fn clear_linux(known: &mut Distribution, file: &File<'_>) -> bool {
    if let Some(name) = find("NAME=\"(.*)\"", file.text) {
        if !name.contains("Clear Linux") {
            return false;
        }
        known.name = name;
    }
    if let Some(version) = find("VERSION_ID=(.*)", file.text) {
        known.major_version.clone_from(&version);
        known.version = version;
    }
    set(&mut known.release, find("ID=(.*)", file.text));
    true
}

fn coreos(known: &mut Distribution, file: &File<'_>) -> bool {
    set(&mut known.release, find(r"\AGROUP=(.*)", file.text).map(unquoted));
    super::guess::guess(file.system).name.eq_ignore_ascii_case("coreos")
}

fn flatcar(known: &mut Distribution, file: &File<'_>) -> bool {
    if let Some(version) = find("VERSION=(.*)", file.text).map(unquoted) {
        known.major_version = major(&version);
        known.version = version;
    }
    super::guess::guess(file.system).name.eq_ignore_ascii_case("flatcar")
}

/// What no other reader wanted: the name that os-release gives.
fn any(known: &mut Distribution, file: &File<'_>) -> bool {
    set(&mut known.name, find("^NAME=(.*)", file.text).map(unquoted));
    if known.version == "NA" {
        set(&mut known.version, find("^VERSION=(.*)", file.text).map(unquoted));
    }
    true
}

fn unquoted(text: String) -> String {
    text.trim_matches('"').to_owned()
}

fn suse(known: &mut Distribution, file: &File<'_>) -> bool {
    let lower = file.text.to_lowercase();
    if !lower.contains("suse") {
        return false;
    }
    let (is_open, is_enterprise) = (lower.contains("open"), lower.contains("enterprise"));
    if file.path == OS_RELEASE {
        set(&mut known.name, find("^NAME=(.*)", file.text).map(unquoted));
        if let Some(version) = find(r#"^VERSION_ID="?([0-9]+\.?[0-9]*)"?"#, file.text) {
            known.major_version = major(&version);
            known.version = version;
        }
        let minor = find(r#"^VERSION_ID="?[0-9]+\.?([0-9]*)"?"#, file.text);
        if is_open {
            set(&mut known.release, minor);
        } else if is_enterprise {
            set(&mut known.release, minor.map(|minor| if minor.is_empty() { "0".to_owned() } else { minor }));
        }
    } else if is_open {
        set(&mut known.name, file.text.split_whitespace().next().map(str::to_owned));
        set(&mut known.release, find("CODENAME *= *([^\n]+)", file.text).map(|name| name.trim().to_owned()));
    } else if is_enterprise {
        if file.text.contains("Server") {
            "SLES".clone_into(&mut known.name);
        } else if file.text.contains("Desktop") {
            "SLED".clone_into(&mut known.name);
        }
        if let Some(level) = find("PATCHLEVEL = ([0-9]+)", file.text) {
            known.version = format!("{}.{level}", known.version);
            known.release = level;
        }
    }
    let product = match find("^VARIANT_ID=\"?([^\"\n]*)\"?", file.text) {
        Some(variant) => match variant.as_str() {
            "server-sap" | "sles-sap" => Some("SLES_SAP"),
            "transactional" => Some("SL-Micro"),
            _ => None,
        },
        // older SLES 15
        None => file.system.link("/etc/products.d/baseproduct").and_then(|product| {
            let names = [("SLES_SAP.prod", "SLES_SAP"), ("SL-Micro.prod", "SL-Micro")];
            names.iter().find(|(file, _)| product.ends_with(file)).map(|(_, name)| *name)
        }),
    };
    set(&mut known.name, product.map(str::to_owned));
    true
}

fn debian(known: &mut Distribution, file: &File<'_>) -> bool {
    let text = file.text;
    let contains = |names: &[&str]| names.iter().any(|name| text.contains(name));
    let version_id = || find("VERSION_ID=\"(.*)\"", text);
    let mut name = |name: &str| name.clone_into(&mut known.name);
    if contains(&["Debian", "Raspbian"]) {
        name("Debian");
        if known.release == "NA" && text.contains("Debian") {
            set(&mut known.release, tzdata_release(file.system));
        }
        set(&mut known.release, find(r"PRETTY_NAME=[^(]+ \(?([^)]+?)\)", text));
        let versions = file.system.text("/etc/debian_version").unwrap_or_default();
        known.minor_version = find(r"[0-9]+\.([0-9]+)", &versions);
    } else if text.contains("Ubuntu") {
        name("Ubuntu");
    } else if text.contains("SteamOS") {
        name("SteamOS");
    } else if contains(&["Kali", "Parrot"]) {
        name(if text.contains("Kali") { "Kali" } else { "Parrot" });
        set(&mut known.release, find("DISTRIB_RELEASE=(.*)", text));
    } else if text.contains("Devuan") {
        name("Devuan");
        set(&mut known.release, find(r#"PRETTY_NAME="?[^("]+ \(?([^) "]+)\)?"#, text));
        if let Some(version) = version_id() {
            known.major_version.clone_from(&version);
            known.version = version;
        }
    } else if text.contains("Cumulus") {
        name("Cumulus Linux");
        if let Some(version) = find("VERSION_ID=(.*)", text) {
            known.major_version = major(&version);
            known.version = version;
        }
        set(&mut known.release, find("VERSION=\"(.*)\"", text));
    } else if text.contains("Mint") {
        name("Linux Mint");
        set_version(known, version_id());
    } else if contains(&["UOS", "Uos", "uos", "Deepin", "deepin"]) {
        name(if contains(&["UOS", "Uos", "uos"]) { "Uos" } else { "Deepin" });
        set(&mut known.release, find("VERSION_CODENAME=\"?([^\"\n]+)\"?", text));
        set_version(known, version_id());
    } else if text.contains("LMDE") {
        name("Linux Mint Debian Edition");
    } else {
        return false;
    }
    true
}

fn set_version(known: &mut Distribution, version: Option<String>) {
    if let Some(version) = version {
        known.major_version = major(&version);
        known.version = version;
    }
}

/// The release that Debian's tzdata says that it is for (`Provides: tzdata-trixie`), where os-release is silent.
fn tzdata_release(system: &System) -> Option<String> {
    let status = system.text("/var/lib/dpkg/status")?;
    let paragraph = status.split("\n\n").find(|paragraph| paragraph.starts_with("Package: tzdata\n"))?;
    find("^Provides: [^-\n]*-([^-\n]*)", paragraph)
}
