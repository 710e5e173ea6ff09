//! The programs of this machine that the lab runs, and the Debian packages that bring them.

use std::path::Path;

use super::Progress;
use super::command::{command, find, follow};
use super::error::{LabError, Result};

/// Programs and their packages.
const PROGRAMS: [(&str, &str); 8] = [
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("setpriv", "util-linux"),
    ("chroot", "coreutils"),
];

/// The keys that Debian's packages are signed with.
const KEYRING: (&str, &str) = ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring");

/// Installs what is missing with apt-get; where there is none, names it.
pub(super) fn ensure(log: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let Ok(mut update) = command("apt-get", ["-q", "update"]) else {
        return Err(LabError::new(format!("the lab needs these Debian packages: {list}"))
            .with_hint("this machine has no `apt-get`: install what corresponds to them by hand"));
    };
    progress(Progress::Installing { packages: packages.iter().map(ToString::to_string).collect() });
    let mut install = command(
        "apt-get",
        ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "install"],
    )?;
    install.args(&packages);
    let failed =
        |error: LabError| error.with_hint(format!("install the packages by hand: apt-get install {list}"));
    for step in [&mut update, &mut install] {
        step.env("DEBIAN_FRONTEND", "noninteractive");
    }
    let mut say = |line: &str| progress(Progress::Detail { line: line.to_string() });
    follow(update, log, &mut say).and_then(|()| follow(install, log, &mut say)).map_err(failed)?;
    let still = missing();
    if still.is_empty() {
        return Ok(());
    }
    Err(LabError::new(format!("still missing after their installation: {}", still.join(" "))))
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if !Path::new(KEYRING.0).exists() {
        packages.push(KEYRING.1);
    }
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_listed_once() {
        let mut names: Vec<&str> = PROGRAMS.iter().map(|(program, _)| *program).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PROGRAMS.len());
    }
}
