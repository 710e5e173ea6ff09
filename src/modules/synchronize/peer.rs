//! The other side of a synchronization, and how rsync's OpenSSH logs in there.

use super::SynchronizeParams;
use crate::base::Secret;
use crate::modules::contract::{Halt, fail};

/// Where rsync runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Where both ends are.
    #[default]
    Same,
    /// On the controller; the host is at the other end.
    Controller,
    /// On a host that the task is delegated to; the task's host is at the other end.
    Delegate,
}

/// The other side, as fleet itself connects to it.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Where rsync runs.
    pub place: Place,
    /// The host's name or address.
    pub host: String,
    /// The login user.
    pub user: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Files with private keys.
    pub private_keys: Vec<String>,
    /// Options of OpenSSH: its configuration, host keys, time-outs.
    pub options: Vec<String>,
    /// Options that the host's variables give.
    pub common_args: Vec<String>,
    /// The password, or the passphrase of the private key.
    pub secret: Option<Secret>,
    /// The method and the user that the task becomes on the other side.
    pub elevation: Option<(String, String)>,
}

impl Peer {
    /// A path of the other side as rsync takes it.
    pub(super) fn path(&self, path: &str, with_user: bool) -> String {
        if path.starts_with("rsync://") {
            return path.to_owned();
        }
        let user = self.user.as_deref().filter(|user| with_user && !user.is_empty());
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        if self.host.contains(':') {
            return format!("{user}[{}]:{path}", self.host);
        }
        match (path.contains(':'), path.contains('@')) {
            (false, _) => format!("{user}{}:{path}", self.host),
            (true, false) => format!("{user}{path}"),
            (true, true) => path.to_owned(),
        }
    }

    /// The words of `ssh`.
    pub(super) fn ssh(&self, params: &SynchronizeParams) -> Vec<String> {
        let Self { place, host: _, user: _, port, private_keys, options, common_args, secret, elevation: _ } =
            self;
        let mut words = vec!["ssh".to_owned()];
        let mut option = |text: &str| words.extend(["-o".to_owned(), text.to_owned()]);
        if params.verify_host {
            option("StrictHostKeyChecking=yes");
        } else if *place == Place::Delegate {
            // nothing is known of the keys that the other host knows
            option("StrictHostKeyChecking=no");
            option("UserKnownHostsFile=/dev/null");
        }
        option(if secret.is_some() { "NumberOfPasswordPrompts=1" } else { "BatchMode=yes" });
        if let Some(port) = params.dest_port.or(*port) {
            option(&format!("Port={port}"));
        }
        if !params.ssh_connection_multiplexing {
            words.extend(["-S", "none"].map(str::to_owned));
        }
        let keys = match &params.private_key {
            Some(key) => std::slice::from_ref(key),
            None => private_keys.as_slice(),
        };
        words.extend(keys.iter().flat_map(|key| ["-i".to_owned(), key.clone()]));
        if *place == Place::Controller {
            words.extend(options.iter().cloned());
        }
        if *place == Place::Controller || params.use_ssh_args {
            words.extend(common_args.iter().cloned());
        }
        words
    }

    /// How rsync is started on the other side as the user that the task becomes.
    pub(super) fn elevated(&self) -> Result<Option<String>, Halt> {
        let Some((method, user)) = &self.elevation else { return Ok(None) };
        match method.rsplit('.').next() {
            Some("sudo") => Ok(Some(format!("sudo -u {user} rsync"))),
            Some("doas") => Ok(Some(format!("doas -u {user} rsync"))),
            _ => fail(format!(
                "`synchronize` cannot become `{user}` by `{method}` on the other side: give `rsync_path` a command \
                 that does"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_other_side_name_it() {
        let peer = Peer { host: "web1".to_owned(), user: Some("root".to_owned()), ..Peer::default() };
        assert_eq!(peer.path("/srv", true), "root@web1:/srv");
        assert_eq!(peer.path("/srv", false), "web1:/srv");
        assert_eq!(peer.path("rsync://a/b", true), "rsync://a/b");
        assert_eq!(peer.path("other:/srv", true), "root@other:/srv");
        assert_eq!(peer.path("me@other:/srv", true), "me@other:/srv");
        let peer = Peer { host: "::1".to_owned(), ..peer };
        assert_eq!(peer.path("/srv", true), "root@[::1]:/srv");
    }

    #[test]
    fn only_what_can_start_rsync_elevates() {
        let with =
            |method: &str| Peer { elevation: Some((method.to_owned(), "app".to_owned())), ..Peer::default() };
        let told = |method: &str| with(method).elevated().ok().flatten();
        assert_eq!(told("sudo").as_deref(), Some("sudo -u app rsync"));
        assert_eq!(told("community.general.doas").as_deref(), Some("doas -u app rsync"));
        assert!(with("su").elevated().is_err());
        assert_eq!(Peer::default().elevated().ok().flatten(), None);
    }
}
