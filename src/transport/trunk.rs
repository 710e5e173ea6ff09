//! One authenticated SSH connection, and how many channels are open on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure, Disconnect, Error};

use super::channel::Slot;
use super::handshake::{Goodbye, Verifier};

/// An SSH connection.
pub(super) struct Trunk {
    handle: Handle<Verifier>,
    goodbye: Goodbye,
    open: Arc<AtomicUsize>,
    /// How many sessions the server allows (`MaxSessions`), as far as it has been met.
    limit: AtomicUsize,
}

impl Trunk {
    pub(super) fn new(handle: Handle<Verifier>, goodbye: Goodbye) -> Self {
        Self { handle, goodbye, open: Arc::default(), limit: AtomicUsize::new(usize::MAX) }
    }

    /// Whether it is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Why it is gone.
    pub(super) fn last_words(&self) -> String {
        self.goodbye.text().unwrap_or_else(|| "the server closed it".to_owned())
    }

    /// A session channel; `None` when the server allows no more of them on this connection.
    pub(super) async fn session(&self) -> Result<Option<(Channel<Msg>, Slot)>, Error> {
        let slot = Slot::new(&self.open);
        let others = self.open.load(Ordering::Relaxed).saturating_sub(1);
        if others >= self.limit.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.handle.channel_open_session().await {
            Ok(channel) => Ok(Some((channel, slot))),
            Err(Error::ChannelOpenFailure(_)) if others > 0 => {
                self.limit.fetch_min(others, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A channel to a further server, as `ssh -W`.
    pub(super) async fn forward(&self, host: &str, port: u16) -> Result<Channel<Msg>, String> {
        let opened = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await;
        opened.map_err(|error| match error {
            Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited) => {
                "it does not allow forwarding (`AllowTcpForwarding`)".to_owned()
            }
            Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed) => "it could not connect".to_owned(),
            Error::Disconnect | Error::SendError => self.last_words(),
            other => other.to_string(),
        })
    }

    /// Says goodbye.
    pub(super) async fn disconnect(&self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}
