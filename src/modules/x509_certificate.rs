//! Keeps a certificate, signed by its own key or by an authority of one's own.
//!
//! ```yaml
//! - name: The server's certificate, signed by our authority
//!   community.crypto.x509_certificate:
//!     path: /etc/ssl/server.pem
//!     csr_path: /etc/ssl/server.csr
//!     provider: ownca
//!     ownca_path: /etc/ssl/ca.pem
//!     ownca_privatekey_path: /etc/ssl/private/ca.key
//!     ownca_not_after: +397d
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::params::{PathText, Rule};
use super::pki::key::Private;
use super::pki::request::{Certificate, Request};
use super::pki::{self, Backup, der, sign, times};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure, Query};
use crate::{choices, params};

mod issue;

use issue::Issue;

/// As `community.crypto.x509_certificate`: what is signed is written here, the host's `openssl` signs it.
pub struct X509Certificate;

choices! {
    /// Whether the certificate shall be there.
    pub enum CertificateState { Absent = "absent", Present = "present" }
}
choices! {
    /// Who signs.
    pub enum Provider { Acme = "acme", Ownca = "ownca", Selfsigned = "selfsigned" }
}
choices! {
    /// When the identifier of the key is made from the key.
    pub enum Identifier {
        IfNotProvided = "create_if_not_provided", Always = "always_create", Never = "never_create",
    }
}
choices! {
    /// Without effect.
    pub enum CertificateBackend { Auto = "auto", Cryptography = "cryptography" }
}

params! {
    /// Parameters of `x509_certificate`.
    pub struct X509CertificateParams {
        /// The file.
        path: PathText;
        /// Whether the certificate shall be there.
        state: CertificateState = CertificateState::Present;
        /// Who signs: its own key (`selfsigned`) or an authority (`ownca`). `acme` is not supported yet.
        provider: Option<Provider>;
        /// The file of the request.
        csr_path: Option<PathText>;
        /// The request itself.
        csr_content: Option<String>;
        /// The file of the private key.
        privatekey_path: Option<PathText>;
        /// The private key itself.
        privatekey_content: Option<String>, @secret;
        /// What the private key is encrypted with.
        privatekey_passphrase: Option<String>, @secret;
        /// Whether a certificate that is valid at other times is as wanted.
        ignore_timestamps: bool = true;
        /// Whether a certificate that is as wanted is made anew.
        force: bool = false;
        /// Whether the former certificate is kept.
        backup: bool = false;
        /// Whether the result holds the certificate itself.
        return_content: bool = false;
        /// Without effect.
        select_crypto_backend: CertificateBackend = CertificateBackend::Auto;
        /// Only 3.
        selfsigned_version: u32 = 3u32;
        /// The hash function of the signature.
        selfsigned_digest: String = "sha256";
        /// From when on it is valid: `+0s`, `-1d`, `20300101000000Z`.
        selfsigned_not_before: String = "+0s", aliases ["selfsigned_notBefore"];
        /// Until when.
        selfsigned_not_after: String = "+3650d", aliases ["selfsigned_notAfter"];
        /// When the identifier of the key is made from the key.
        selfsigned_create_subject_key_identifier: Identifier = Identifier::IfNotProvided;
        /// The file of the authority's certificate.
        ownca_path: Option<PathText>;
        /// The authority's certificate itself.
        ownca_content: Option<String>;
        /// The file of the authority's private key.
        ownca_privatekey_path: Option<PathText>;
        /// The authority's private key itself.
        ownca_privatekey_content: Option<String>, @secret;
        /// What it is encrypted with.
        ownca_privatekey_passphrase: Option<String>, @secret;
        /// The hash function of the signature.
        ownca_digest: String = "sha256";
        /// Only 3.
        ownca_version: u32 = 3u32;
        /// From when on it is valid.
        ownca_not_before: String = "+0s";
        /// Until when.
        ownca_not_after: String = "+3650d";
        /// When the identifier of the key is made from the key.
        ownca_create_subject_key_identifier: Identifier = Identifier::IfNotProvided;
        /// Whether the certificate names the authority's key.
        ownca_create_authority_key_identifier: bool = true;
        /// Of `acme`, which is not supported yet.
        acme_accountkey_path: Option<PathText>;
        /// Of `acme`, which is not supported yet.
        acme_challenge_path: Option<PathText>;
        /// Of `acme`, which is not supported yet.
        acme_chain: bool = false;
        /// Of `acme`, which is not supported yet.
        acme_directory: String = "https://acme-v02.api.letsencrypt.org/directory";
    }
    include { attributes: FileAttributes }
    rules [
        Rule::RequiredIf("state", "present", &["provider"]),
        Rule::MutuallyExclusive(&["csr_path", "csr_content"]),
        Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        Rule::MutuallyExclusive(&["ownca_path", "ownca_content"]),
        Rule::MutuallyExclusive(&["ownca_privatekey_path", "ownca_privatekey_content"]),
    ]
}

impl Module for X509Certificate {
    type Params = X509CertificateParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "x509_certificate",
        collection: "community.crypto",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("x509_certificate.rs"),
        returns: &[
            ("backup_file", "where the former certificate is kept"),
            ("certificate", "the certificate, with `return_content`"),
            ("csr", "the file of the request"),
            ("filename", "the file"),
            ("notAfter", "until when it is valid"),
            ("notBefore", "from when on it is valid"),
            ("privatekey", "the file of the private key"),
            ("serial_number", "its number"),
        ],
    };

    fn plan(params: &X509CertificateParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(_: &X509CertificateParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        Ok(pki::with_backup(plan, outcomes))
    }

    fn failure(_: &X509CertificateParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

impl X509CertificateParams {
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let text = |path: &Option<PathText>| path.as_deref().map_or(Value::Null, Value::from);
        let mut wanted = edit_file::queries(&self.path, &self.attributes);
        wanted.push(pki::directory_query(&self.path));
        if self.state == CertificateState::Present {
            wanted.extend(self.queries());
        }
        view.want(wanted);
        let mut editing = Editing::open("x509_certificate", &self.path, &self.attributes, view)?;
        editing.backup = self.backup;
        if self.state == CertificateState::Absent {
            let backup = Backup::of(self.backup);
            let mut plan = pki::removed(&self.path, editing.before.is_some(), backup, "certificate");
            plan.result = crate::map! {
                "filename" => &*self.path, "privatekey" => text(&self.privatekey_path), "csr" => text(&self.csr_path),
            };
            return Ok(plan);
        }
        pki::directory_is_there(&self.path, view)?;
        let issue = self.issue(view)?;
        let there = editing.before.as_deref().map(String::from_utf8_lossy);
        let certificate = there.as_deref().and_then(Certificate::read);
        let is_as_wanted = match &certificate {
            Some(certificate) if !self.force => {
                issue.is_as_wanted(certificate, self.ignore_timestamps)
                    && issue
                        .request
                        .as_ref()
                        .map_or(Ok(true), |request| sign::is_signed(&request.whole, &request.key, view))?
                    && sign::is_signed(&certificate.whole, &issue.key, view)?
            }
            _ => false,
        };
        let after = if is_as_wanted {
            there.as_deref().unwrap_or_default().to_owned()
        } else {
            pki::wrap(&issue.certificate(view)?, "CERTIFICATE")
        };
        let mut plan = Plan::default();
        editing.write(&mut plan, after.clone(), view)?;
        let made = Certificate::read(&after);
        if !is_as_wanted {
            let shown = made.as_ref().map(Certificate::shown).unwrap_or_default();
            pki::show(&mut plan, &self.path, certificate.map(|certificate| certificate.shown()), shown);
        }
        plan.result = crate::map! {
            "filename" => &*self.path, "privatekey" => text(&self.privatekey_path), "csr" => text(&self.csr_path),
        };
        if self.provider == Some(Provider::Ownca) {
            plan.result.insert("ca_cert".into(), text(&self.ownca_path));
            plan.result.insert("ca_privatekey".into(), text(&self.ownca_privatekey_path));
        }
        if let Some(made) = made {
            let number = der::decimal(&made.serial);
            let number = number.parse::<i128>().map_or_else(|_| Value::from(number), Value::Int);
            plan.result.extend(crate::map! {
                "notBefore" => times::shown(made.not_before), "notAfter" => times::shown(made.not_after),
                "serial_number" => number,
            });
        }
        if self.return_content {
            plan.result.insert("certificate".into(), after.into());
        }
        Ok(plan)
    }

    fn own(&self) -> Option<Private<'_>> {
        let (path, content) = (self.privatekey_path.as_deref(), self.privatekey_content.as_deref());
        let passphrase = self.privatekey_passphrase.as_deref();
        (path.is_some() || content.is_some()).then_some(Private { path, content, passphrase })
    }

    fn authority(&self) -> Option<Private<'_>> {
        let path = self.ownca_privatekey_path.as_deref();
        let content = self.ownca_privatekey_content.as_deref();
        let passphrase = self.ownca_privatekey_passphrase.as_deref();
        (path.is_some() || content.is_some()).then_some(Private { path, content, passphrase })
    }

    fn queries(&self) -> Vec<Query> {
        let content = |path: &Option<PathText>| {
            path.as_ref().map(|path| Query::Content { path: path.0.clone(), limit: super::view::TEXT_LIMIT })
        };
        let mut wanted: Vec<Query> = self.own().map(|own| own.queries()).unwrap_or_default();
        wanted.extend(content(&self.csr_path));
        if self.provider == Some(Provider::Ownca) {
            wanted.extend(content(&self.ownca_path));
            wanted.extend(self.authority().map(|key| key.queries()).unwrap_or_default());
        }
        wanted.push(Query::Command(issue::moment()));
        wanted
    }

    fn issue<'a>(&'a self, view: &View<'_>) -> Result<Issue<'a>, Halt> {
        if self.selfsigned_version != 3 || self.ownca_version != 3 {
            return fail("value of selfsigned_version and ownca_version must be 3");
        }
        match self.provider {
            Some(Provider::Selfsigned) => self.selfsigned(view),
            Some(Provider::Ownca) => self.ownca(view),
            Some(Provider::Acme) => fail("`provider: acme` of `x509_certificate` is not supported yet"),
            None => fail("state is present but all of the following are missing: provider"),
        }
    }

    fn selfsigned<'a>(&'a self, view: &View<'_>) -> Result<Issue<'a>, Halt> {
        let Some(private) = self.own() else {
            return fail(
                "One of privatekey_path and privatekey_content must be specified for the selfsigned provider.",
            );
        };
        let request = self.request(view)?;
        let missing = format!("The private key file {} does not exist", private.path.unwrap_or_default());
        let key = private.public(&missing, view)?;
        if !key.signs() {
            return fail("Private key cannot be used to sign certificates");
        }
        let (now, random) = issue::now(view)?;
        Ok(Issue {
            digest: &self.selfsigned_digest,
            own: Some(key.clone()),
            key,
            private,
            request,
            authority: None,
            identifier: self.selfsigned_create_subject_key_identifier,
            names_authority: false,
            not_before: times::parse(&self.selfsigned_not_before, "selfsigned_not_before", now)?,
            not_after: times::parse(&self.selfsigned_not_after, "selfsigned_not_after", now)?,
            random: format!("{random} {}", &*self.path),
        })
    }

    fn ownca<'a>(&'a self, view: &View<'_>) -> Result<Issue<'a>, Halt> {
        if self.ownca_path.is_none() && self.ownca_content.is_none() {
            return fail("One of ownca_path and ownca_content must be specified for the ownca provider.");
        }
        let Some(private) = self.authority() else {
            return fail(
                "One of ownca_privatekey_path and ownca_privatekey_content must be specified for the ownca provider.",
            );
        };
        let Some(request) = self.request(view)? else {
            return fail("csr_path or csr_content is required for ownca provider");
        };
        let path = self.ownca_path.as_deref().unwrap_or_default();
        let missing = format!("The CA certificate file {path} does not exist");
        let text = content(self.ownca_path.as_deref(), self.ownca_content.as_deref(), &missing, view)?;
        let Some(authority) = Certificate::read(&text) else {
            return fail(format!("the certificate of the authority cannot be read: `{path}`"));
        };
        if !authority.key.signs() {
            return fail("CA certificate's public key cannot be used to sign certificates");
        }
        let missing = format!("The CA private key file {} does not exist", private.path.unwrap_or_default());
        let key = private.public(&missing, view)?;
        if key != authority.key {
            return fail("The CA private key does not belong to the CA certificate");
        }
        let own = match self.own() {
            None => None,
            Some(own) => {
                let missing = format!("The private key file {} does not exist", own.path.unwrap_or_default());
                Some(own.public(&missing, view)?)
            }
        };
        let (now, random) = issue::now(view)?;
        Ok(Issue {
            digest: &self.ownca_digest,
            own,
            key,
            private,
            request: Some(request),
            authority: Some(authority),
            identifier: self.ownca_create_subject_key_identifier,
            names_authority: self.ownca_create_authority_key_identifier,
            not_before: times::parse(&self.ownca_not_before, "ownca_not_before", now)?,
            not_after: times::parse(&self.ownca_not_after, "ownca_not_after", now)?,
            random: format!("{random} {}", &*self.path),
        })
    }

    /// The request, where there is one.
    fn request(&self, view: &View<'_>) -> Result<Option<Request>, Halt> {
        let (path, given) = (self.csr_path.as_deref(), self.csr_content.as_deref());
        if path.is_none() && given.is_none() {
            return Ok(None);
        }
        let shown = path.unwrap_or_default();
        let missing = format!("The certificate signing request file {shown} does not exist");
        let text = content(path, given, &missing, view)?;
        match Request::read(&text) {
            Some(request) => Ok(Some(request)),
            None => fail(format!("the certificate signing request cannot be read: `{shown}`")),
        }
    }
}

/// The text of a file of the host, or the text that is given.
fn content(path: Option<&str>, given: Option<&str>, missing: &str, view: &View<'_>) -> Result<String, Halt> {
    use crate::wire::Content;
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    match view.content(path.unwrap_or_default())? {
        Content::Bytes(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Content::Absent => fail(missing),
        Content::NotAFile(_) | Content::TooLarge { .. } => {
            fail(format!("`{}` is not a file that can be read", path.unwrap_or_default()))
        }
    }
}
