//! Whether something listens.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Whether a TCP connection to any address of a host succeeds within `timeout` milliseconds.
pub fn is_open(host: &str, port: u16, timeout: u32) -> bool {
    let deadline = Instant::now() + Duration::from_millis(timeout.max(1).into());
    let Ok(addresses) = (host, port).to_socket_addrs() else { return false };
    for address in addresses {
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return false;
        }
        if TcpStream::connect_timeout(&address, rest).is_ok() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_and_none() {
        // an address that no other test listens on
        let listener = std::net::TcpListener::bind(("127.0.0.2", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_open("127.0.0.2", port, 1000));
        drop(listener);
        assert!(!is_open("127.0.0.2", port, 1000));
        assert!(!is_open("no such host", port, 1000));
    }
}
