//! Keeps a static glibc from loading name service modules.

/// Restricts glibc's name service switch to files (and DNS for hosts). Has to be called first of all in `main`.
///
/// In a static binary `getpwnam` and `getaddrinfo` would else load the modules that `/etc/nsswitch.conf` names,
/// built against another libc: a missing user crashes the process through `libnss_systemd`.
pub fn nss_setup() {
    #[cfg(target_env = "gnu")]
    for (database, sources) in [
        (c"passwd", c"files"),
        (c"group", c"files"),
        (c"shadow", c"files"),
        (c"initgroups", c"files"),
        (c"hosts", c"files dns"),
    ] {
        configure(database, sources);
    }
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc offers this as a C function only")]
fn configure(database: &std::ffi::CStr, sources: &std::ffi::CStr) {
    use std::ffi::{c_char, c_int};
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, sources: *const c_char) -> c_int;
    }
    // SAFETY: both are NUL-terminated texts that live longer than the call, which copies what it keeps; glibc
    // takes its own lock. A failure leaves the default, which is no worse than not calling it.
    let _ = unsafe { __nss_configure_lookup(database.as_ptr(), sources.as_ptr()) };
}
