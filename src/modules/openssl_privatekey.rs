//! Keeps a private key.
//!
//! ```yaml
//! - name: The server's key
//!   community.crypto.openssl_privatekey:
//!     path: /etc/ssl/private/server.key
//!     type: ECC
//!     curve: secp384r1
//!     group: ssl-cert
//!     mode: "0640"
//! ```

use super::attributes::{self, FileAttributes, Origin};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::{Mode, PathText, Rule};
use super::pki::key::{self, Asked, Kind, Private, PublicKey, Written};
use super::pki::{self, Backup, fingerprint};
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, Content, Done, Effect, Failure, FileKind, Follow, Query, Stat};
use crate::{choices, params};

mod make;

/// As `community.crypto.openssl_privatekey`, with the host's `openssl`: the key is made there and stays there.
pub struct OpensslPrivatekey;

choices! {
    /// Whether the key shall be there.
    pub enum KeyState { Absent = "absent", Present = "present" }
}
choices! {
    /// The algorithm.
    pub enum KeyType {
        Dsa = "DSA", Ecc = "ECC", Ed25519 = "Ed25519", Ed448 = "Ed448", Rsa = "RSA", X25519 = "X25519", X448 = "X448",
    }
}
choices! {
    /// How it is written.
    pub enum Format {
        Pkcs1 = "pkcs1", Pkcs8 = "pkcs8", Raw = "raw", Auto = "auto", AutoIgnore = "auto_ignore",
    }
}
choices! {
    /// What becomes of a key that is written in another way.
    pub enum Mismatch { Regenerate = "regenerate", Convert = "convert" }
}
choices! {
    /// When a key that is there is replaced.
    pub enum Regenerate {
        Never = "never", Fail = "fail", Partial = "partial_idempotence", Full = "full_idempotence", Always = "always",
    }
}
choices! {
    /// Without effect.
    pub enum Backend { Auto = "auto", Cryptography = "cryptography" }
}

params! {
    /// Parameters of `openssl_privatekey`.
    pub struct OpensslPrivatekeyParams {
        /// The file.
        path: PathText;
        /// Whether the key shall be there.
        state: KeyState = KeyState::Present;
        /// The algorithm.
        r#type: KeyType = KeyType::Rsa;
        /// Bits, for `RSA` and `DSA`.
        size: u32 = 4096u32;
        /// The curve, for `ECC`: `secp256r1`, `secp384r1`, `brainpoolP256r1` and so on.
        curve: Option<String>;
        /// What the key is encrypted with.
        passphrase: Option<String>, @secret;
        /// Only `auto`.
        cipher: String = "auto";
        /// How the key is written: `pkcs1` (the traditional way) or `pkcs8`; `auto` chooses by the type, `auto_ignore`
        /// does so for new keys only. `raw` is not supported yet.
        format: Format = Format::AutoIgnore;
        /// What becomes of a key that is written in another way.
        format_mismatch: Mismatch = Mismatch::Regenerate;
        /// When a key that is there is replaced by a new one.
        regenerate: Regenerate = Regenerate::Full;
        /// As `regenerate: always`.
        force: bool = false;
        /// Whether the former key is kept.
        backup: bool = false;
        /// Whether the result holds the key itself.
        return_content: bool = false;
        /// Without effect.
        select_crypto_backend: Backend = Backend::Auto;
    }
    include { attributes: FileAttributes }
    rules [
        Rule::RequiredIf("type", "ECC", &["curve"]),
    ]
}

impl Module for OpensslPrivatekey {
    type Params = OpensslPrivatekeyParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "openssl_privatekey",
        collection: "community.crypto",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("openssl_privatekey.rs"),
        returns: &[
            ("backup_file", "where the former key is kept"),
            ("curve", "the curve"),
            ("filename", "the file"),
            ("fingerprint", "the fingerprints of the public key"),
            ("privatekey", "the key, with `return_content`"),
            ("size", "bits"),
            ("type", "the algorithm"),
        ],
    };

    fn plan(params: &OpensslPrivatekeyParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(
        params: &OpensslPrivatekeyParams,
        view: &View<'_>,
        plan: &Plan,
        outcomes: &[Done],
    ) -> Result<Map, Halt> {
        let mut result = pki::with_backup(plan, outcomes);
        if params.state == KeyState::Present {
            result.extend(params.found(view)?);
        }
        Ok(result)
    }

    fn failure(_: &OpensslPrivatekeyParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("the key cannot be made", failure)
    }
}

/// What is there.
struct There {
    stat: Stat,
    written: Written,
    /// Nothing where it cannot be read.
    key: Option<PublicKey>,
}

/// What is done about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Make,
    Convert,
}

impl OpensslPrivatekeyParams {
    fn private(&self) -> Private<'_> {
        Private { path: Some(&self.path), content: None, passphrase: self.passphrase.as_deref() }
    }

    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let path: &str = &self.path;
        let mut wanted = vec![
            Query::Stat { path: path.to_owned(), follow: Follow::No },
            pki::directory_query(path),
            Query::Command(key::marks(path)),
            self.private().query(),
        ];
        wanted.extend(self.attributes.queries());
        view.want(wanted);
        pki::directory_is_there(path, view)?;
        self.checked()?;
        let stat = view.stat(path, Follow::No)?;
        let mut plan = Plan { result: self.told(), tainted: self.return_content, ..Plan::default() };
        if self.state == KeyState::Absent {
            let mut gone = pki::removed(path, stat.is_some(), Backup::of(self.backup), "private key");
            gone.result = std::mem::take(&mut plan.result);
            gone.result.insert("fingerprint".into(), Value::Null);
            if self.return_content {
                gone.result.insert("privatekey".into(), Value::Null);
            }
            return Ok(gone);
        }
        let there = stat.map(|stat| self.there(stat, view)).transpose()?;
        let verdict = self.verdict(there.as_ref())?;
        let wish =
            self.attributes.wish("openssl_privatekey", there.as_ref().map(|there| &there.stat), view)?;
        plan.warnings.extend(wish.warnings.iter().cloned());
        let wish = wish.with_mode(Some(self.attributes.mode.clone().unwrap_or(Mode::Bits(0o600))));
        let user = view.context().user.as_str();
        let base = match (&there, verdict) {
            (Some(there), Verdict::Keep) => there.stat.clone(),
            (Some(there), _) => {
                Stat { mode: 0o600, kind: FileKind::File, predicted: true, ..there.stat.clone() }
            }
            (None, _) => Stat::predicted(FileKind::File, 0o600, user),
        };
        if verdict == Verdict::Keep {
            plan.summary = format!("{path} is a key as wanted");
        } else {
            let what = self.described();
            let was = there.as_ref().map(There::described).unwrap_or_default();
            let subject = format!("private key {path}");
            if verdict == Verdict::Convert {
                plan.summary = format!("write {path} as {}", self.wanted_format());
                let was = there.as_ref().and_then(|there| there.written.format).unwrap_or_default();
                plan.diffs.push(Diff::attribute(subject, "format", was, self.wanted_format()));
            } else {
                plan.summary = format!("make {path}: {what}");
                plan.diffs.push(Diff::attribute(subject, "key", was, format!("new {what}")));
            }
            let command = self.command(verdict, there.is_some(), view);
            let change = Change::new(Action::Run(command))
                .effect(Effect::Path(path.to_owned(), Some(base.clone())))
                .effect(Effect::Unknown(self.private().query()))
                .effect(Effect::Unknown(Query::Command(key::marks(path))));
            plan.changes.push(Planned { side: Side::Host, change });
        }
        let settled = wish.settle(path, &base, view)?;
        if !settled.diffs.is_empty() && plan.changes.is_empty() {
            plan.summary = format!("set attributes of {path}");
        }
        let set = attributes::set(path, &settled).map(|change| Planned { side: Side::Host, change });
        plan.changes.extend(set);
        plan.diffs.extend(settled.diffs);
        let origin = if verdict == Verdict::Keep { Origin::There } else { Origin::Made };
        if let Some((change, diff)) = wish.flags(path, origin, view)? {
            plan.changes.push(Planned { side: Side::Host, change });
            plan.diffs.push(diff);
        }
        if plan.changes.is_empty() {
            let found = self.found(view)?;
            plan.result.extend(found);
        }
        Ok(plan)
    }

    /// What cannot be, in the original's words where it has some.
    fn checked(&self) -> Result<(), Halt> {
        if self.format == Format::Raw {
            return fail("`format: raw` of `openssl_privatekey` is not supported yet");
        }
        if self.cipher != "auto" && self.passphrase.is_some() {
            return fail("Cryptography backend can only use \"auto\" for cipher option.");
        }
        if let Some(curve) = &self.curve
            && make::curve(curve).is_none()
        {
            let names: Vec<&str> = make::CURVES.iter().map(|(name, ..)| *name).collect();
            return fail(format!("value of curve must be one of: {}, got: {curve}", names.join(", ")));
        }
        if self.format == Format::Pkcs1 && !self.is_traditional() {
            return fail(
                "Cryptography backend cannot serialize the private key in the required format \"pkcs1\"",
            );
        }
        Ok(())
    }

    /// Whether there is a traditional way to write this type of key.
    fn is_traditional(&self) -> bool {
        matches!(self.r#type, KeyType::Rsa | KeyType::Dsa | KeyType::Ecc)
    }

    fn wanted_format(&self) -> &'static str {
        match self.format {
            Format::Pkcs1 => "pkcs1",
            Format::Pkcs8 => "pkcs8",
            Format::Raw => "raw",
            Format::Auto | Format::AutoIgnore if self.is_traditional() => "pkcs1",
            Format::Auto | Format::AutoIgnore => "pkcs8",
        }
    }

    fn there(&self, stat: Stat, view: &View<'_>) -> Result<There, Halt> {
        if stat.predicted {
            // what a plan makes is not known before it has run
            let _ = view.sha1(&self.path)?;
        }
        let output = view.run(key::marks(&self.path))?;
        let written = key::written(&run::stdout(&output));
        let key = match key::ask(&self.private().query(), view)? {
            Asked::Key(key) if written.encrypted == self.passphrase.is_some() => Some(key),
            Asked::Key(_) | Asked::Unreadable(_) => None,
        };
        Ok(There { stat, written, key })
    }

    fn verdict(&self, there: Option<&There>) -> Result<Verdict, Halt> {
        let regenerate = if self.force { Regenerate::Always } else { self.regenerate };
        let Some(there) = there else { return Ok(Verdict::Make) };
        if regenerate == Regenerate::Always {
            return Ok(Verdict::Make);
        }
        let Some(key) = &there.key else {
            if regenerate == Regenerate::Full {
                return Ok(Verdict::Make);
            }
            return fail(
                "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken. \
                 Will not proceed. To force regeneration, call the module with `generate` set to \
                 `full_idempotence` or `always`, or with `force=true`.",
            );
        };
        let replaces = matches!(regenerate, Regenerate::Partial | Regenerate::Full);
        if regenerate != Regenerate::Never && !self.is_as_wanted(key) {
            if replaces {
                return Ok(Verdict::Make);
            }
            return fail(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with \
                 `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
            );
        }
        let is_format =
            self.format == Format::AutoIgnore || there.written.format == Some(self.wanted_format());
        if is_format {
            return Ok(Verdict::Keep);
        }
        match (self.format_mismatch, regenerate) {
            (Mismatch::Convert, _) => Ok(Verdict::Convert),
            (Mismatch::Regenerate, Regenerate::Never) => Ok(Verdict::Keep),
            (Mismatch::Regenerate, _) if replaces => Ok(Verdict::Make),
            (Mismatch::Regenerate, _) => fail(
                "Key has wrong format. Will not proceed. To force regeneration, call the module with `generate` set \
                 to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`. To convert the key, \
                 set `format_mismatch` to `convert`.",
            ),
        }
    }

    fn is_as_wanted(&self, key: &PublicKey) -> bool {
        match (self.r#type, key.kind) {
            (KeyType::Rsa, Kind::Rsa) | (KeyType::Dsa, Kind::Dsa) => key.size == self.size as usize,
            (KeyType::Ecc, Kind::Ecc) => {
                let wanted = self.curve.as_deref().and_then(make::curve);
                wanted.is_some_and(|(_, _, oid)| key.curve.as_deref() == Some(oid))
            }
            (KeyType::Ed25519, Kind::Ed25519)
            | (KeyType::Ed448, Kind::Ed448)
            | (KeyType::X25519, Kind::X25519)
            | (KeyType::X448, Kind::X448) => true,
            _ => false,
        }
    }

    fn described(&self) -> String {
        match (self.r#type, &self.curve) {
            (KeyType::Rsa | KeyType::Dsa, _) => format!("{} {}", self.r#type.text(), self.size),
            (KeyType::Ecc, Some(curve)) => format!("ECC {curve}"),
            (other, _) => other.text().to_owned(),
        }
    }

    fn told(&self) -> Map {
        let mut told = crate::map! {
            "type" => self.r#type.text(), "size" => self.size, "filename" => &*self.path,
        };
        if self.r#type == KeyType::Ecc {
            told.insert("curve".into(), self.curve.as_deref().map_or(Value::Null, Value::from));
        }
        told
    }

    /// What the result holds of the key that is there.
    fn found(&self, view: &View<'_>) -> Result<Map, Halt> {
        let mut wanted = vec![self.private().query()];
        wanted.extend(
            self.return_content
                .then(|| Query::Content { path: self.path.0.clone(), limit: super::view::TEXT_LIMIT }),
        );
        view.want(wanted);
        let fingerprint = match key::ask(&self.private().query(), view)? {
            Asked::Key(key) => Value::from(fingerprint::of(&key.bytes)),
            Asked::Unreadable(_) => Value::Null,
        };
        let mut found = crate::map! { "fingerprint" => fingerprint };
        if self.return_content {
            let content = match view.content(&self.path)? {
                Content::Bytes(bytes) => Value::from(String::from_utf8_lossy(&bytes).into_owned()),
                _ => Value::Null,
            };
            found.insert("privatekey".into(), content);
        }
        Ok(found)
    }

    fn command(&self, verdict: Verdict, is_there: bool, view: &View<'_>) -> Command {
        make::command(self, verdict == Verdict::Convert, is_there && self.backup, view)
    }
}

impl There {
    fn described(&self) -> String {
        let Some(key) = &self.key else { return "unreadable".to_owned() };
        match key.kind {
            Kind::Rsa => format!("RSA {}", key.size),
            Kind::Dsa => format!("DSA {}", key.size),
            Kind::Ecc => {
                let name = make::CURVES.iter().find(|(_, _, oid)| key.curve.as_deref() == Some(*oid));
                format!("ECC {}", name.map_or("", |(name, ..)| *name))
            }
            other => format!("{other:?}"),
        }
    }
}
