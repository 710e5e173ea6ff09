//! Against a real sshd on the loopback interface, with keys and configuration of its own. Where there is none, or the
//! tests do not run as root, they say so and pass.

mod login;
mod remote;
mod robust;
mod server;
mod sessions;
