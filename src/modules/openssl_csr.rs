//! Keeps a certificate signing request.
//!
//! ```yaml
//! - name: The request for the server's certificate
//!   community.crypto.openssl_csr:
//!     path: /etc/ssl/server.csr
//!     privatekey_path: /etc/ssl/private/server.key
//!     common_name: www.example.com
//!     subject_alt_name: [DNS:www.example.com, DNS:example.com]
//!     key_usage: [digitalSignature, keyEncipherment]
//!     extended_key_usage: [serverAuth]
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::params::{PathText, Raw, Rule};
use super::pki::extensions::Extension;
use super::pki::key::{Private, PublicKey};
use super::pki::request::{EXTENSION_REQUEST, Request};
use super::pki::{self, Backup, der, names, sign};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure};
use crate::{choices, params};

mod points;
mod wanted;

use wanted::Wanted;

/// As `community.crypto.openssl_csr`: what is signed is written here, the host's `openssl` signs it.
pub struct OpensslCsr;

choices! {
    /// Whether the request shall be there.
    pub enum CsrState { Absent = "absent", Present = "present" }
}
choices! {
    /// Without effect.
    pub enum CsrBackend { Auto = "auto", Cryptography = "cryptography" }
}

params! {
    /// Parameters of `openssl_csr`.
    pub struct OpensslCsrParams {
        /// The file.
        path: PathText;
        /// Whether the request shall be there.
        state: CsrState = CsrState::Present;
        /// The file of the private key.
        privatekey_path: Option<PathText>;
        /// The private key itself.
        privatekey_content: Option<String>, @secret;
        /// What the private key is encrypted with.
        privatekey_passphrase: Option<String>, @secret;
        /// The hash function of the signature: `sha256`, `sha384`, `sha512`, `sha1` or `md5`.
        digest: String = "sha256";
        /// Only 1.
        version: u32 = 1u32;
        /// Further fields of the subject, by name: a text or several.
        subject: Option<Raw>;
        /// The fields of the subject in order, each a mapping of one name.
        subject_ordered: Option<Raw>;
        /// The subject's country.
        country_name: Option<String>, aliases ["C", "countryName"];
        /// The subject's state.
        state_or_province_name: Option<String>, aliases ["ST", "stateOrProvinceName"];
        /// The subject's locality.
        locality_name: Option<String>, aliases ["L", "localityName"];
        /// The subject's organization.
        organization_name: Option<String>, aliases ["O", "organizationName"];
        /// The unit of the subject's organization.
        organizational_unit_name: Option<String>, aliases ["OU", "organizationalUnitName"];
        /// The subject's common name.
        common_name: Option<String>, aliases ["CN", "commonName"];
        /// The subject's e-mail address.
        email_address: Option<String>, aliases ["E", "emailAddress"];
        /// Further names: `DNS:example.com`, `IP:192.0.2.1`, `email:a@example.com`, `URI:…`, `RID:…`, `dirName:…`,
        /// `otherName:…`.
        subject_alt_name: Option<Vec<String>>, aliases ["subjectAltName"];
        /// Whether they are critical.
        subject_alt_name_critical: bool = false, aliases ["subjectAltName_critical"];
        /// Whether the common name is a further name where there are none.
        use_common_name_for_san: bool = true, aliases ["useCommonNameForSAN"];
        /// What the key may be used for: `digitalSignature`, `keyEncipherment`, `keyCertSign` and so on.
        key_usage: Option<Vec<String>>, aliases ["keyUsage"];
        /// Whether that is critical.
        key_usage_critical: bool = false, aliases ["keyUsage_critical"];
        /// Purposes: `serverAuth`, `clientAuth` …, or identifiers.
        extended_key_usage: Option<Vec<String>>, aliases ["extKeyUsage", "extendedKeyUsage"];
        /// Whether they are critical.
        extended_key_usage_critical: bool = false, aliases ["extKeyUsage_critical", "extendedKeyUsage_critical"];
        /// `CA:TRUE` or `CA:FALSE`, and `pathlen:NUMBER`.
        basic_constraints: Option<Vec<String>>, aliases ["basicConstraints"];
        /// Whether they are critical.
        basic_constraints_critical: bool = false, aliases ["basicConstraints_critical"];
        /// Whether the server must staple an answer of OCSP.
        ocsp_must_staple: bool = false, aliases ["ocspMustStaple"];
        /// Whether that is critical.
        ocsp_must_staple_critical: bool = false, aliases ["ocspMustStaple_critical"];
        /// The names below which an authority may sign.
        name_constraints_permitted: Option<Vec<String>>;
        /// The names below which an authority may not sign.
        name_constraints_excluded: Option<Vec<String>>;
        /// Whether these are critical.
        name_constraints_critical: bool = false;
        /// Whether the identifier of the key is made from the key.
        create_subject_key_identifier: bool = false;
        /// The identifier of the key, in hexadecimal.
        subject_key_identifier: Option<String>;
        /// The identifier of the authority's key, in hexadecimal.
        authority_key_identifier: Option<String>;
        /// The authority's names.
        authority_cert_issuer: Option<Vec<String>>;
        /// The serial number of the authority's certificate.
        authority_cert_serial_number: Option<String>;
        /// Where lists of revoked certificates are: mappings with `full_name`, `relative_name`, `crl_issuer`, `reasons`.
        crl_distribution_points: Option<Raw>;
        /// Whether a request that is as wanted is made anew.
        force: bool = false;
        /// Whether the former request is kept.
        backup: bool = false;
        /// Whether the result holds the request itself.
        return_content: bool = false;
        /// Without effect.
        select_crypto_backend: CsrBackend = CsrBackend::Auto;
    }
    include { attributes: FileAttributes }
    rules [
        Rule::RequiredTogether(&["authority_cert_issuer", "authority_cert_serial_number"]),
        Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        Rule::MutuallyExclusive(&["subject", "subject_ordered"]),
    ]
}

impl Module for OpensslCsr {
    type Params = OpensslCsrParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "openssl_csr",
        collection: "community.crypto",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("openssl_csr.rs"),
        returns: &[
            ("backup_file", "where the former request is kept"),
            ("basicConstraints", "the basic constraints"),
            ("csr", "the request, with `return_content`"),
            ("extendedKeyUsage", "the purposes"),
            ("filename", "the file"),
            ("keyUsage", "what the key may be used for"),
            ("privatekey", "the file of the private key"),
            ("subject", "the subject, by its fields"),
            ("subjectAltName", "the further names"),
        ],
    };

    fn plan(params: &OpensslCsrParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(_: &OpensslCsrParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        Ok(pki::with_backup(plan, outcomes))
    }

    fn failure(_: &OpensslCsrParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

impl OpensslCsrParams {
    fn private(&self) -> Private<'_> {
        Private {
            path: self.privatekey_path.as_deref(),
            content: self.privatekey_content.as_deref(),
            passphrase: self.privatekey_passphrase.as_deref(),
        }
    }

    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        if self.version != 1 {
            return fail(format!("value of version must be one of: 1, got: {}", self.version));
        }
        let mut wanted = edit_file::queries(&self.path, &self.attributes);
        wanted.push(pki::directory_query(&self.path));
        let present = self.state == CsrState::Present;
        if present {
            if self.privatekey_path.is_none() && self.privatekey_content.is_none() {
                return fail(
                    "state is present but any of the following are missing: privatekey_path, privatekey_content",
                );
            }
            wanted.extend(self.private().queries());
        }
        view.want(wanted);
        pki::directory_is_there(&self.path, view)?;
        let wanted = Wanted::of(self)?;
        let mut editing = Editing::open("openssl_csr", &self.path, &self.attributes, view)?;
        editing.backup = self.backup;
        if !present {
            let backup = Backup::of(self.backup);
            let mut plan = pki::removed(&self.path, editing.before.is_some(), backup, "request");
            plan.result = self.told(&wanted, None);
            return Ok(plan);
        }
        let path = self.privatekey_path.as_deref().unwrap_or_default();
        let missing = format!("[Errno 2] No such file or directory: '{path}'");
        let key = self.private().public(&missing, view)?;
        let there = editing.before.as_deref().map(String::from_utf8_lossy);
        let request = there.as_deref().and_then(Request::read);
        let is_as_wanted = match &request {
            Some(request) if !self.force => {
                wanted.is_in(request, &key) && sign::is_signed(&request.whole, &request.key, view)?
            }
            _ => false,
        };
        let text = if is_as_wanted {
            there.as_deref().unwrap_or_default().to_owned()
        } else {
            pki::wrap(&self.signed(&wanted, &key, view)?, "CERTIFICATE REQUEST")
        };
        let mut plan = Plan::default();
        editing.write(&mut plan, text.clone(), view)?;
        if !is_as_wanted {
            let after = Request::read(&text).map(|request| request.shown()).unwrap_or_default();
            pki::show(&mut plan, &self.path, request.map(|request| request.shown()), after);
        }
        plan.result = self.told(&wanted, Some(&text));
        Ok(plan)
    }

    fn signed(&self, wanted: &Wanted, key: &PublicKey, view: &View<'_>) -> Result<Vec<u8>, Halt> {
        if !key.signs() {
            return fail("Key of this type is not supported for issuing certificates");
        }
        let unknown = format!("Unsupported digest \"{}\"", self.digest);
        let algorithm = sign::algorithm(key, &self.digest, &unknown)?;
        let list = wanted.extensions(key)?;
        let attributes = if list.is_empty() {
            Vec::new()
        } else {
            let list = der::sequence(list.iter().map(Extension::write));
            let oid = der::oid(EXTENSION_REQUEST).unwrap_or_default();
            der::sequence([oid, der::set(vec![list])])
        };
        let subject = names::write(&wanted.subject)?;
        let info = der::sequence([der::integer(0), subject, key.bytes.clone(), der::put(0xa0, &attributes)]);
        sign::signed(&info, &algorithm, &self.private(), key, &self.digest, view)
    }

    fn told(&self, wanted: &Wanted, text: Option<&str>) -> Map {
        let list = |texts: &[String]| Value::list(texts.iter().map(|text| Value::from(text.as_str())));
        let given = |texts: &Option<Vec<String>>| texts.as_deref().map_or(Value::Null, list);
        let subject = wanted
            .named
            .iter()
            .map(|(name, text)| Value::list([Value::from(name.as_str()), Value::from(text.as_str())]));
        let mut told = crate::map! {
            "privatekey" => self.privatekey_path.as_deref().map_or(Value::Null, Value::from),
            "subject" => Value::list(subject),
            "subjectAltName" => given(&wanted.alt_names),
            "keyUsage" => given(&self.key_usage),
            "extendedKeyUsage" => given(&self.extended_key_usage),
            "basicConstraints" => given(&self.basic_constraints),
            "ocspMustStaple" => self.ocsp_must_staple,
            "name_constraints_permitted" => list(self.name_constraints_permitted.as_deref().unwrap_or_default()),
            "name_constraints_excluded" => list(self.name_constraints_excluded.as_deref().unwrap_or_default()),
            "filename" => &*self.path,
        };
        if self.return_content {
            told.insert("csr".into(), text.map_or(Value::Null, Value::from));
        }
        told
    }
}
