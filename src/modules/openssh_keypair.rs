//! Keeps a pair of keys of OpenSSH.
//!
//! ```yaml
//! - name: The key that deploys
//!   community.crypto.openssh_keypair:
//!     path: /home/deploy/.ssh/id_ed25519
//!     type: ed25519
//!     comment: deploy@web1
//!     owner: deploy
//! ```

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::attributes::{self, FileAttributes, Origin};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::PathText;
use super::view::View;
use super::{paths, pki, run};
use crate::base::{Map, Value};
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Action, Change, Command, Content, Done, Effect, Failure, FileKind, Follow, Query, Stat};
use crate::{choices, params};

mod public;

use public::Public;

/// As `community.crypto.openssh_keypair`, with the host's `ssh-keygen`: the key is made there and stays there.
pub struct OpensshKeypair;

choices! {
    /// Whether the pair shall be there.
    pub enum PairState { Absent = "absent", Present = "present" }
}
choices! {
    /// The algorithm.
    pub enum PairType { Dsa = "dsa", Ecdsa = "ecdsa", Ed25519 = "ed25519", Rsa = "rsa", Rsa1 = "rsa1" }
}
choices! {
    /// How the private key is written.
    pub enum PairFormat { Auto = "auto", Pkcs1 = "pkcs1", Pkcs8 = "pkcs8", Ssh = "ssh" }
}
choices! {
    /// What makes the keys.
    pub enum PairBackend { Auto = "auto", Cryptography = "cryptography", Opensshbin = "opensshbin" }
}
choices! {
    /// When keys that are there are replaced.
    pub enum PairRegenerate {
        Never = "never", Fail = "fail", Partial = "partial_idempotence", Full = "full_idempotence", Always = "always",
    }
}

params! {
    /// Parameters of `openssh_keypair`.
    pub struct OpensshKeypairParams {
        /// The file of the private key; the public key is beside it, with `.pub` added.
        path: PathText;
        /// Whether the pair shall be there.
        state: PairState = PairState::Present;
        /// The algorithm; `rsa1` is not supported.
        r#type: PairType = PairType::Rsa;
        /// Bits: for `rsa` at least 1024, by default 4096; for `ecdsa` 256, 384 or 521, by default 256.
        size: Option<u32>;
        /// The comment of the public key.
        comment: Option<String>;
        /// What the private key is encrypted with.
        passphrase: Option<String>, @secret;
        /// How the private key is written, with a passphrase or `backend: cryptography`.
        private_key_format: PairFormat = PairFormat::Auto;
        /// Which of the original's ways is meant; `ssh-keygen` makes the keys in any case.
        backend: PairBackend = PairBackend::Auto;
        /// When keys that are there are replaced by new ones.
        regenerate: PairRegenerate = PairRegenerate::Partial;
        /// As `regenerate: always`.
        force: bool = false;
    }
    include { attributes: FileAttributes }
}

/// Copies what `ssh-keygen` made to its places: `$1` is the path, `$2` the name of a private directory.
const MAKES: &str = "umask 077\nset -e\nplace=$(mktemp -d \"$2\")\ntrap 'rm -rf -- \"$place\"' EXIT\n\
    MAKE -f \"$place/key\" >/dev/null\nchmod 644 -- \"$place/key.pub\"\n\
    for end in '' .pub; do\n\
    if test -e \"$1$end\"; then\nchown --reference=\"$1$end\" -- \"$place/key$end\"\n\
    chmod --reference=\"$1$end\" -- \"$place/key$end\"\nfi\n\
    mv -f -- \"$place/key$end\" \"$1$end\"\ndone";
/// The variable that hands the passphrase to the program that `ssh-keygen` asks.
const PASSPHRASE: &str = "FLEET_PASSPHRASE";
/// That program.
const ASKED: &[u8] = b"#!/bin/sh\nprintf '%s\\n' \"$FLEET_PASSPHRASE\"\n";

impl Module for OpensshKeypair {
    type Params = OpensshKeypairParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "openssh_keypair",
        collection: "community.crypto",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("openssh_keypair.rs"),
        returns: &[
            ("comment", "the comment of the public key"),
            ("filename", "the file of the private key"),
            ("fingerprint", "the fingerprint of the key"),
            ("public_key", "the public key"),
            ("size", "bits"),
            ("type", "the algorithm"),
        ],
    };

    fn plan(params: &OpensshKeypairParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(params: &OpensshKeypairParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if params.state == PairState::Present {
            result.extend(params.found(view)?);
        }
        Ok(result)
    }

    fn failure(_: &OpensshKeypairParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("the keys cannot be made", failure)
    }
}

/// What is done about the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Make,
    /// The public key is written anew.
    Restore,
}

impl OpensshKeypairParams {
    fn public_path(&self) -> String {
        format!("{}.pub", &*self.path)
    }

    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let path: &str = &self.path;
        let public_path = self.public_path();
        let stat = |path: &str| Query::Stat { path: path.to_owned(), follow: Follow::Yes };
        let mut wanted = vec![pki::directory_query(path), stat(path), stat(&public_path)];
        wanted.extend(self.reads());
        wanted.extend(self.attributes.queries());
        view.want(wanted);
        let size = self.checked()?;
        pki::directory_is_there(path, view)?;
        let there = view.stat(path, Follow::Yes)?;
        let public_there = view.stat(&public_path, Follow::Yes)?;
        if there.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory) {
            return fail(format!("{path} is a directory. Please specify a path to a file."));
        }
        let mut plan = Plan { result: self.told(size), ..Plan::default() };
        if self.state == PairState::Absent {
            plan.result.extend(self.found(view)?);
            self.remove(&mut plan, there.is_some(), public_there.is_some());
            return Ok(plan);
        }
        if there.as_ref().is_some_and(|stat| stat.predicted) {
            // what a plan makes is not known before it has run
            let _ = view.sha1(path)?;
        }
        let private = if there.is_some() { self.private(view)? } else { None };
        let public = self.public(view)?;
        let verdict = self.verdict(there.is_some(), private.as_ref(), public.as_ref(), size)?;
        let (subject, shown) = (format!("key pair {path}"), format!("{} {size}", self.r#type.text()));
        match verdict {
            Verdict::Keep => plan.summary = format!("{path} is a pair as wanted"),
            Verdict::Make => {
                plan.summary = format!("make {path}: {shown}");
                let was = private.as_ref().map(Public::described).unwrap_or_default();
                let was = if there.is_some() && private.is_none() { "unreadable".to_owned() } else { was };
                plan.diffs.push(Diff::attribute(subject, "key", was, format!("new {shown}")));
                plan.changes.push(self.makes(size, view));
            }
            Verdict::Restore => {
                plan.summary = format!("write {public_path}");
                let was = public.as_ref().map(Public::line).unwrap_or_default();
                let comment = self.comment.clone().unwrap_or_default();
                let after = private.clone().map(|key| Public { comment, ..key }.line()).unwrap_or_default();
                plan.diffs.push(Diff::attribute(public_path.clone(), "public key", was, after));
                plan.changes.extend(self.restores(private.as_ref(), view));
            }
        }
        for (path, stat, mode, made) in [
            (path, &there, 0o600, verdict == Verdict::Make),
            (&public_path, &public_there, 0o644, verdict != Verdict::Keep),
        ] {
            self.settle(&mut plan, path, stat.as_ref(), mode, made, view)?;
        }
        if plan.changes.is_empty() {
            plan.result.extend(self.found(view)?);
        } else if plan.summary.ends_with("as wanted") {
            plan.summary = format!("set attributes of {path}");
        }
        Ok(plan)
    }

    /// Sets owner, group and mode of one of the files.
    fn settle(
        &self,
        plan: &mut Plan,
        path: &str,
        stat: Option<&Stat>,
        mode: u32,
        made: bool,
        view: &View<'_>,
    ) -> Result<(), Halt> {
        let wish = self.attributes.wish("openssh_keypair", stat, view)?;
        let fresh = Stat::predicted(FileKind::File, mode, &view.context().user);
        let settled = wish.settle(path, stat.unwrap_or(&fresh), view)?;
        let mut changes: Vec<Change> = attributes::set(path, &settled).into_iter().collect();
        plan.diffs.extend(settled.diffs);
        let origin = if made { Origin::Made } else { Origin::There };
        if let Some((change, diff)) = wish.flags(path, origin, view)? {
            changes.push(change);
            plan.diffs.push(diff);
        }
        plan.changes.extend(changes.into_iter().map(|change| Planned { side: Side::Host, change }));
        Ok(())
    }

    /// The size of the key, where the parameters agree.
    fn checked(&self) -> Result<u32, Halt> {
        let size = match self.r#type {
            PairType::Rsa1 => {
                return fail(
                    "`type: rsa1` of `openssh_keypair` is not supported: no OpenSSH has it any more",
                );
            }
            PairType::Rsa if self.size.is_some_and(|size| size < 1024) => {
                return fail(
                    "For RSA keys, the minimum size is 1024 bits and the default is 4096 bits. Attempting to use bit \
                     lengths under 1024 will cause the module to fail.",
                );
            }
            PairType::Rsa => self.size.unwrap_or(4096),
            PairType::Dsa if self.size.is_some_and(|size| size != 1024) => {
                return fail("DSA keys must be exactly 1024 bits as specified by FIPS 186-2.");
            }
            PairType::Dsa => 1024,
            PairType::Ecdsa if self.size.is_some_and(|size| !matches!(size, 256 | 384 | 521)) => {
                return fail(
                    "For ECDSA keys, size determines the key length by selecting from one of three elliptic curve \
                     sizes: 256, 384 or 521 bits. Attempting to use bit lengths other than these three values for \
                     ECDSA keys will cause this module to fail.",
                );
            }
            PairType::Ecdsa => self.size.unwrap_or(256),
            PairType::Ed25519 => 256,
        };
        let by_library = self.passphrase.is_some() || self.backend == PairBackend::Cryptography;
        if self.private_key_format != PairFormat::Auto && !by_library {
            return fail(
                "'auto' is the only valid option for 'private_key_format' when 'backend' is not 'cryptography'",
            );
        }
        if self.passphrase.is_some() && self.backend == PairBackend::Opensshbin {
            return fail("`passphrase` cannot be given with `backend: opensshbin`");
        }
        Ok(size)
    }

    /// Asks for the public key of the private key: without a passphrase, or with the one that is given.
    fn asks(&self, passphrase: Option<&str>) -> Command {
        let words = ["ssh-keygen", "-y", "-f", &self.path];
        match passphrase {
            None => run::reading(words.into_iter().chain(["-P", ""])),
            Some(_) => self.asked(run::reading(
                ["env".to_owned(), asking()].into_iter().chain(words.map(str::to_owned)),
            )),
        }
    }

    /// With the program beside it that gives the passphrase.
    fn asked(&self, command: Command) -> Command {
        let passphrase = self.passphrase.as_deref().unwrap_or_default();
        command
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .env(PASSPHRASE, passphrase)
            .file("asked", Bytes::Inline(ASKED.to_vec()))
    }

    fn reads(&self) -> Vec<Query> {
        let mut wanted = vec![
            Query::Command(self.asks(None)),
            Query::Content { path: self.public_path(), limit: super::view::TEXT_LIMIT },
        ];
        wanted.extend(self.passphrase.as_deref().map(|text| Query::Command(self.asks(Some(text)))));
        if self.private_key_format != PairFormat::Auto {
            wanted.push(Query::Command(pki::key::marks(&self.path)));
        }
        wanted
    }

    /// The public key of the private key; nothing where it cannot be read, or is encrypted otherwise than it shall be.
    fn private(&self, view: &View<'_>) -> Result<Option<Public>, Halt> {
        let read = |command: Command| -> Result<Option<Public>, Halt> {
            let output = match view.run(command) {
                Ok(output) => output,
                Err(Halt::Failed(_)) => return fail("Failed to find required executable \"ssh-keygen\""),
                Err(halt) => return Err(halt),
            };
            Ok(Public::read(&run::stdout(&output)).filter(|_| output.status == 0))
        };
        let plain = read(self.asks(None))?;
        match self.passphrase.as_deref() {
            None => Ok(plain),
            Some(_) if plain.is_some() => Ok(None),
            Some(text) => read(self.asks(Some(text))),
        }
    }

    /// The public key that is beside it.
    fn public(&self, view: &View<'_>) -> Result<Option<Public>, Halt> {
        Ok(match view.content(&self.public_path())? {
            Content::Bytes(bytes) => Public::read(&String::from_utf8_lossy(&bytes)),
            Content::Absent | Content::NotAFile(_) | Content::TooLarge { .. } => None,
        })
    }

    fn verdict(
        &self,
        is_there: bool,
        private: Option<&Public>,
        public: Option<&Public>,
        size: u32,
    ) -> Result<Verdict, Halt> {
        let regenerate = if self.force { PairRegenerate::Always } else { self.regenerate };
        let Some(private) = private else {
            if is_there && !matches!(regenerate, PairRegenerate::Full | PairRegenerate::Always) {
                return fail(
                    "Unable to read the key. The key is protected with a passphrase or broken. Will not proceed. To \
                     force regeneration, call the module with `generate` set to `full_idempotence` or `always`, or \
                     with `force=true`.",
                );
            }
            return Ok(Verdict::Make);
        };
        let is_valid = private.is(self.r#type.text(), size);
        match regenerate {
            PairRegenerate::Always => return Ok(Verdict::Make),
            PairRegenerate::Fail if !is_valid => {
                return fail(
                    "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with \
                     `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
                );
            }
            PairRegenerate::Partial | PairRegenerate::Full if !is_valid => return Ok(Verdict::Make),
            _ => {}
        }
        let is_same = public.is_some_and(|public| {
            public.blob == private.blob
                && self.comment.as_ref().is_none_or(|comment| *comment == public.comment)
        });
        Ok(if is_same { Verdict::Keep } else { Verdict::Restore })
    }

    /// The change that makes both keys.
    fn makes(&self, size: u32, view: &View<'_>) -> Planned {
        let mut words = vec!["ssh-keygen".to_owned(), "-q".to_owned()];
        if self.passphrase.is_none() {
            words.extend(["-N".to_owned(), String::new()]);
        }
        let format = match self.private_key_format {
            PairFormat::Auto | PairFormat::Ssh => None,
            PairFormat::Pkcs1 => Some("PEM"),
            PairFormat::Pkcs8 => Some("PKCS8"),
        };
        words.extend(format.into_iter().flat_map(|format| ["-m".to_owned(), format.to_owned()]));
        let comment = self.comment.clone().unwrap_or_default();
        let own = [("-b", size.to_string()), ("-t", self.r#type.text().to_owned()), ("-C", comment)];
        words.extend(own.into_iter().flat_map(|(option, value)| [option.to_owned(), value]));
        let text = MAKES.replace("MAKE", &super::words::join(&words));
        let hidden = paths::join(paths::parent(&self.path), ".fleet.XXXXXX");
        let mut argv: Vec<String> =
            ["sh", "-c", &text, "sh", &self.path, &hidden].map(str::to_owned).to_vec();
        let command = if self.passphrase.is_some() {
            argv.splice(0..0, ["env".to_owned(), asking()]);
            self.asked(run::argv(view, argv))
        } else {
            run::argv(view, argv)
        };
        let user = &view.context().user;
        let path_effect =
            |path: String, mode| Effect::Path(path, Some(Stat::predicted(FileKind::File, mode, user)));
        let mut change = Change::new(Action::Run(command))
            .effect(path_effect(self.path.0.clone(), 0o600))
            .effect(path_effect(self.public_path(), 0o644));
        for query in self.reads() {
            if matches!(query, Query::Command(_)) {
                change = change.effect(Effect::Unknown(query));
            }
        }
        Planned { side: Side::Host, change }
    }

    /// The changes that write the public key anew, and the comment into both.
    fn restores(&self, private: Option<&Public>, view: &View<'_>) -> Vec<Planned> {
        let Some(private) = private else { return Vec::new() };
        let comment = self.comment.clone().unwrap_or_default();
        let line = Public { comment, ..private.clone() }.line() + "\n";
        let write = Action::WriteFile {
            path: self.public_path(),
            content: Bytes::Inline(line.into_bytes()),
            attributes: crate::wire::Attributes { mode: None, owner: None, group: None },
            expect: crate::wire::Expect::Anything,
            backup: false,
            validate: None,
            follow: Follow::Yes,
            in_place: false,
        };
        let mut changes = vec![Change::new(write)];
        if let Some(comment) = self.comment.as_deref().filter(|comment| !comment.is_empty()) {
            let words = ["ssh-keygen", "-q", "-c", "-C", comment, "-f", &self.path];
            let command = if self.passphrase.is_some() {
                let words = words.map(str::to_owned);
                self.asked(run::argv(view, ["env".to_owned(), asking()].into_iter().chain(words)))
            } else {
                run::argv(view, words.into_iter().chain(["-P", ""]))
            };
            changes.push(Change::new(Action::Run(command)));
        }
        changes.into_iter().map(|change| Planned { side: Side::Host, change }).collect()
    }

    fn remove(&self, plan: &mut Plan, private: bool, public: bool) {
        plan.summary = format!("{} is not there", &*self.path);
        for (is_there, path) in [(private, self.path.0.clone()), (public, self.public_path())] {
            if is_there {
                plan.summary = format!("remove {}", &*self.path);
                plan.diffs.push(Diff::attribute(path.clone(), "state", "present", "absent"));
                let change = Change::new(Action::Remove { path });
                plan.changes.push(Planned { side: Side::Host, change });
            }
        }
    }

    fn told(&self, size: u32) -> Map {
        crate::map! {
            "size" => size, "type" => self.r#type.text(), "filename" => &*self.path, "fingerprint" => "",
            "public_key" => "", "comment" => "",
        }
    }

    /// What the result holds of the pair that is there.
    fn found(&self, view: &View<'_>) -> Result<Map, Halt> {
        view.want(self.reads());
        let mut found = Map::new();
        let public = self.public(view)?;
        if view.stat(&self.path, Follow::Yes)?.is_some()
            && let Some(key) = self.private(view)?.or_else(|| public.clone())
        {
            let sum = <sha2::Sha256 as sha2::Digest>::digest(&key.blob);
            found.insert("fingerprint".into(), format!("SHA256:{}", STANDARD_NO_PAD.encode(sum)).into());
        }
        if let Some(public) = public {
            let key = format!("{} {}", public.kind, STANDARD.encode(&public.blob));
            found.insert("public_key".into(), Value::from(key));
            found.insert("comment".into(), public.comment.into());
        }
        Ok(found)
    }
}

/// The word that has `ssh-keygen` ask the program beside it.
fn asking() -> String {
    format!("SSH_ASKPASS={FILES}/asked")
}
