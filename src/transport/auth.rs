//! Logging in: agent, keys, certificates, password; in an order that spares the server's `MaxAuthTries`.

use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Certificate, HashAlg, PrivateKeyWithHashAlg, PublicKey, load_openssh_certificate};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;

use super::error::ConnectError;
use super::handshake::Verifier;
use super::keys::{self, KeyProblem, Keys};
use super::settings::{RSA_HASH, Settings, is_rsa};

/// Logs in. Keys that somebody named come first, then the agent's, then the usual files, then the password.
pub(super) async fn log_in(
    handle: &mut Handle<Verifier>,
    settings: &Settings,
    keys: &Keys,
    may_send_password: bool,
    goodbye: impl Fn() -> Option<String>,
) -> Result<(), ConnectError> {
    let mut login = Login {
        handle,
        settings,
        keys,
        tried: Vec::new(),
        offered: Vec::new(),
        remaining: None,
        rsa: RsaHash::NotAsked,
    };
    let done = login.everything(may_send_password).await;
    if done {
        return Ok(());
    }
    let Login { mut tried, remaining, handle, .. } = login;
    if handle.is_closed() {
        tried.push(format!(
            "the server closed the connection: {}",
            goodbye().as_deref().unwrap_or("too many attempts")
        ));
    }
    Err(ConnectError::Auth {
        host: settings.name.clone(),
        user: settings.user.clone(),
        address: settings.address(),
        tried,
        remaining: remaining.iter().flat_map(|methods| methods.iter().map(String::from)).collect(),
    })
}

struct Login<'a> {
    handle: &'a mut Handle<Verifier>,
    settings: &'a Settings,
    keys: &'a Keys,
    /// What was tried, in words.
    tried: Vec<String>,
    /// The public keys that were offered.
    offered: Vec<PublicKey>,
    /// What the server said that it accepts.
    remaining: Option<MethodSet>,
    /// What RSA keys sign with.
    rsa: RsaHash,
}

/// What the server lets RSA keys sign with.
#[derive(Clone, Copy)]
enum RsaHash {
    NotAsked,
    Sha2(HashAlg),
    OnlySha1,
}

type Agent = AgentClient<UnixStream>;

impl Login<'_> {
    async fn everything(&mut self, may_send_password: bool) -> bool {
        let settings = self.settings;
        if settings.publickey && self.public_keys().await {
            return true;
        }
        if let Some(password) = &settings.password {
            if !may_send_password {
                self.tried.push("not the password, because the host key has changed".to_owned());
                return false;
            }
            if settings.password_login && self.accepts(MethodKind::Password) {
                let result = self.handle.authenticate_password(&settings.user, password.reveal()).await;
                if self.note("password".to_owned(), result.map_err(|error| error.to_string())) {
                    return true;
                }
            }
            if settings.keyboard_interactive
                && self.accepts(MethodKind::KeyboardInteractive)
                && self.keyboard_interactive(password.reveal()).await
            {
                return true;
            }
        }
        if self.offered.is_empty() && self.remaining.is_none() {
            // to learn what the server accepts; and some accept anybody
            let result = self.handle.authenticate_none(&settings.user).await;
            return match result {
                Ok(AuthResult::Success) => true,
                Ok(AuthResult::Failure { remaining_methods, .. }) => {
                    self.remaining = Some(remaining_methods);
                    false
                }
                Err(_) => false,
            };
        }
        false
    }

    fn accepts(&self, method: MethodKind) -> bool {
        !self.handle.is_closed() && self.remaining.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    async fn public_keys(&mut self) -> bool {
        let settings = self.settings;
        let (mut agent, identities) = self.agent().await;
        let certificates: Vec<Certificate> =
            settings.certificates.iter().filter_map(|path| load_openssh_certificate(path).ok()).collect();
        for path in &settings.identities {
            if self.file(path, &certificates, &mut agent, &identities, IfMissing::Say).await {
                return true;
            }
        }
        if !settings.identities_only {
            for identity in &identities {
                if let Some(agent) = &mut agent
                    && self.agent_signs(agent, identity, &format!("agent key {}", named(identity))).await
                {
                    return true;
                }
            }
        }
        for path in &settings.default_identities {
            if self.file(path, &certificates, &mut agent, &identities, IfMissing::Skip).await {
                return true;
            }
        }
        false
    }

    async fn agent(&mut self) -> (Option<Agent>, Vec<AgentIdentity>) {
        let Some(path) = &self.settings.agent else { return (None, Vec::new()) };
        let mut agent = match AgentClient::connect_uds(path).await {
            Ok(agent) => agent,
            Err(error) => {
                self.tried.push(format!("no agent at {}: {error}", path.display()));
                return (None, Vec::new());
            }
        };
        if let Some(binding) = self.handle.agent_session_binding() {
            // agents that do not know it do without
            let _ = agent.bind_session(binding, false).await;
        }
        match agent.request_identities().await {
            Ok(identities) => (Some(agent), identities),
            Err(error) => {
                self.tried.push(format!("no keys from the agent: {error}"));
                (None, Vec::new())
            }
        }
    }

    /// Offers the key of a file, with its certificates first; the agent signs if it holds the key.
    async fn file(
        &mut self,
        path: &Path,
        certificates: &[Certificate],
        agent: &mut Option<Agent>,
        identities: &[AgentIdentity],
        if_missing: IfMissing,
    ) -> bool {
        if !self.accepts(MethodKind::PublicKey) {
            return false;
        }
        let public = keys::public(path);
        let is_it = |other: &PublicKey| public.as_ref().is_some_and(|key| key.key_data() == other.key_data());
        let beside = keys::certificate_beside(path);
        let fitting: Vec<&Certificate> = certificates
            .iter()
            .chain(&beside)
            .filter(|certificate| {
                public.as_ref().is_some_and(|key| key.key_data() == certificate.public_key())
            })
            .collect();
        let held: Vec<&AgentIdentity> =
            identities.iter().filter(|identity| is_it(&identity.public_key())).collect();
        if let (Some(agent), false) = (agent.as_mut(), held.is_empty()) {
            for certificate in &fitting {
                let identity = AgentIdentity::from((*certificate).clone());
                if self.agent_signs(agent, &identity, &format!("certificate for {}", path.display())).await {
                    return true;
                }
            }
            for identity in held {
                if self.agent_signs(agent, identity, &format!("{} from the agent", path.display())).await {
                    return true;
                }
            }
            return false;
        }
        let key = match self.keys.private(path, self.settings.key_passphrase.as_ref()).await {
            Ok(key) => key,
            Err(KeyProblem::Missing) if if_missing == IfMissing::Skip => return false,
            Err(problem) => {
                self.tried.push(format!("not {}: {problem}", path.display()));
                return false;
            }
        };
        if self.offered.iter().any(|offered| offered.key_data() == key.public_key().key_data()) {
            return false;
        }
        let Ok(hash) = self.hash(key.public_key(), path.display()).await else { return false };
        for certificate in fitting {
            let result = self
                .handle
                .authenticate_openssh_cert(&self.settings.user, Arc::clone(&key), certificate.clone())
                .await;
            if self.note(
                format!("certificate for {}", path.display()),
                result.map_err(|error| error.to_string()),
            ) {
                return true;
            }
        }
        self.offered.push(key.public_key().clone());
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = self.handle.authenticate_publickey(&self.settings.user, key).await;
        self.note(path.display().to_string(), result.map_err(|error| error.to_string()))
    }

    async fn agent_signs(&mut self, agent: &mut Agent, identity: &AgentIdentity, what: &str) -> bool {
        if !self.accepts(MethodKind::PublicKey) {
            return false;
        }
        let public = identity.public_key().into_owned();
        let user = &self.settings.user;
        match identity {
            AgentIdentity::Certificate { certificate, .. } => {
                let Ok(hash) = self.hash(&public, what).await else { return false };
                let result =
                    self.handle.authenticate_certificate_with(user, certificate.clone(), hash, agent).await;
                self.note(what.to_owned(), result.map_err(|error| error.to_string()))
            }
            AgentIdentity::PublicKey { .. } => {
                if self.offered.iter().any(|offered| offered.key_data() == public.key_data()) {
                    return false;
                }
                let Ok(hash) = self.hash(&public, what).await else { return false };
                self.offered.push(public.clone());
                let result = self.handle.authenticate_publickey_with(user, public, hash, agent).await;
                self.note(what.to_owned(), result.map_err(|error| error.to_string()))
            }
        }
    }

    /// The hash that an RSA key shall sign with. SHA-1 is not used, as in OpenSSH.
    async fn hash(&mut self, key: &PublicKey, what: impl std::fmt::Display) -> Result<Option<HashAlg>, ()> {
        if !is_rsa(&key.algorithm()) {
            return Ok(None);
        }
        if matches!(self.rsa, RsaHash::NotAsked) {
            self.rsa = match self.handle.best_supported_rsa_hash().await {
                Ok(Some(hash)) => hash.map_or(RsaHash::OnlySha1, RsaHash::Sha2),
                Ok(None) | Err(_) => RsaHash::Sha2(RSA_HASH),
            };
        }
        if let RsaHash::Sha2(hash) = self.rsa {
            return Ok(Some(hash));
        }
        self.tried.push(format!("not {what}: the server takes SHA-1 signatures of RSA keys only"));
        Err(())
    }

    async fn keyboard_interactive(&mut self, password: &str) -> bool {
        let what = "keyboard-interactive".to_owned();
        let mut response =
            self.handle.authenticate_keyboard_interactive_start(&self.settings.user, None).await;
        let mut told = false;
        loop {
            match response {
                Ok(KeyboardInteractiveAuthResponse::Success) => return true,
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success }) => {
                    return self.note(what, Ok(AuthResult::Failure { remaining_methods, partial_success }));
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                    if told && !prompts.is_empty() {
                        self.tried.push(format!("{what} (it asks for more than a password)"));
                        return false;
                    }
                    told = told || !prompts.is_empty();
                    let answers = prompts.iter().map(|_| password.to_owned()).collect();
                    response = self.handle.authenticate_keyboard_interactive_respond(answers).await;
                }
                Err(error) => return self.note(what, Err(error.to_string())),
            }
        }
    }

    /// Remembers an attempt; whether it was the one.
    fn note(&mut self, what: String, result: Result<AuthResult, String>) -> bool {
        match result {
            Ok(AuthResult::Success) => true,
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                if !self.handle.is_closed() {
                    self.remaining = Some(remaining_methods);
                }
                self.tried.push(if partial_success {
                    format!("{what} (accepted, but not enough)")
                } else {
                    what
                });
                false
            }
            Err(error) => {
                self.tried.push(format!("{what} ({error})"));
                false
            }
        }
    }
}

/// What is said about a key file that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    Say,
    Skip,
}

fn named(identity: &AgentIdentity) -> String {
    match identity.comment() {
        "" => identity.public_key().fingerprint(HashAlg::Sha256).to_string(),
        comment => comment.to_owned(),
    }
}
