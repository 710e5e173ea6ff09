//! Whether the lab can run here at all.

use std::fs;
use std::path::Path;

/// The capabilities that booting hosts takes, by their numbers (capability.h).
const CAPABILITIES: [(u32, &str); 9] = [
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (5, "CAP_KILL"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (12, "CAP_NET_ADMIN"),
    (18, "CAP_SYS_CHROOT"),
    (21, "CAP_SYS_ADMIN"),
    (27, "CAP_MKNOD"),
];

/// Whether this process can run a lab here.
///
/// # Errors
/// The reason why not, for people: not Linux, not root, a capability or overlayfs missing.
pub fn can_run() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("it needs Linux".to_string());
    }
    if !rustix::process::geteuid().is_root() {
        return Err("it needs root".to_string());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(missing) = missing_capability(&status) {
        return Err(format!("root lacks {missing} here (is this a container?)"));
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let listed = known.lines().any(|line| line.split_whitespace().last() == Some("overlay"));
    // A kernel with modules loads it at the first mount.
    if listed || Path::new("/lib/modules").join(kernel_release()).exists() {
        return Ok(());
    }
    Err("this kernel has no overlayfs".to_string())
}

fn kernel_release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_string()
}

/// The first capability that the effective set in a process's status lacks.
fn missing_capability(status: &str) -> Option<&'static str> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let set = u64::from_str_radix(set.trim(), 16).ok()?;
    CAPABILITIES.iter().find(|(number, _)| set & (1 << number) == 0).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_capability_is_named() {
        assert_eq!(missing_capability("Name:\tx\nCapEff:\t000001fffeffffff\n"), None);
        // Docker's default set.
        assert_eq!(missing_capability("CapEff:\t00000000a80425fb\n"), Some("CAP_NET_ADMIN"));
        assert_eq!(missing_capability(""), None);
    }
}
