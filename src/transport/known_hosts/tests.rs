//! known_hosts as sshd(8) describes it.

use super::*;
use russh::keys::PrivateKey;
use russh::keys::key::safe_rng;

fn new_key(algorithm: Algorithm) -> PublicKey {
    PrivateKey::random(&mut safe_rng(), algorithm).unwrap().public_key().clone()
}

fn text(key: &PublicKey) -> String {
    key.to_openssh().unwrap()
}

struct Case {
    _directory: tempfile::TempDir,
    file: PathBuf,
    files: Files,
}

impl Case {
    fn new(content: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, content).unwrap();
        Self { _directory: directory, file, files: Files::default() }
    }

    fn about(&self, name: &str, plain: Option<&str>) -> About {
        self.files.about(std::slice::from_ref(&self.file), name, plain).unwrap()
    }
}

#[test]
fn known_unknown_changed_revoked() {
    let (old, new) = (new_key(Algorithm::Ed25519), new_key(Algorithm::Ed25519));
    let case = Case::new(&format!("# head\nweb {}\n@revoked * {}\n", text(&old), text(&new)));
    assert_eq!(case.about("web", None).key(&old), Verdict::Known);
    assert_eq!(case.about("db", None).key(&old), Verdict::Unknown);
    assert_eq!(case.about("web", None).key(&new), Verdict::Revoked(case.file.clone(), 3));
    let third = new_key(Algorithm::Ed25519);
    assert_eq!(case.about("web", None).key(&third), Verdict::Changed(case.file.clone(), 2));
}

#[test]
fn any_matching_line_makes_a_key_known() {
    let (one, two) = (new_key(Algorithm::Ed25519), new_key(Algorithm::Ed25519));
    let case = Case::new(&format!("web {}\nw*\t{}\r\n", text(&one), text(&two)));
    assert_eq!(case.about("web", None).key(&one), Verdict::Known);
    assert_eq!(case.about("web", None).key(&two), Verdict::Known);
}

#[test]
fn a_key_of_another_kind_is_a_change_and_known_kinds_are_asked_for_first() {
    let p256 = Algorithm::new("ecdsa-sha2-nistp256").unwrap();
    let (ed, ec) = (new_key(Algorithm::Ed25519), new_key(p256.clone()));
    let case = Case::new(&format!("web {}\n", text(&ec)));
    assert_eq!(case.about("web", None).key(&ed), Verdict::Changed(case.file.clone(), 1));
    assert_eq!(
        case.about("web", None).order(&[Algorithm::Ed25519, p256.clone()]),
        [p256, Algorithm::Ed25519]
    );
}

#[test]
fn a_line_without_the_port_counts_only_for_its_key() {
    let (one, two) = (new_key(Algorithm::Ed25519), new_key(Algorithm::Ed25519));
    let case = Case::new(&format!("web {}\n", text(&one)));
    assert_eq!(case.about("[web]:2222", Some("web")).key(&one), Verdict::Known);
    assert_eq!(case.about("[web]:2222", Some("web")).key(&two), Verdict::Unknown);
}

#[test]
fn a_missing_file_is_empty_and_an_unreadable_one_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::default();
    let missing = [directory.path().join("none")];
    assert_eq!(
        files.about(&missing, "web", None).unwrap().key(&new_key(Algorithm::Ed25519)),
        Verdict::Unknown
    );
    let error = files.about(&[directory.path().to_path_buf()], "web", None).unwrap_err();
    assert!(error.cause.contains("cannot read"), "{}", error.cause);
}

#[test]
fn adding_is_seen_at_once_and_not_repeated() {
    let case = Case::new("unfinished line");
    let key = new_key(Algorithm::Ed25519);
    assert_eq!(case.about("web", None).key(&key), Verdict::Unknown);
    for _ in 0..2 {
        case.files.add(&case.file, "web", &key, None).unwrap();
    }
    case.files.add(&case.file, "[db]:2222", &key, Some([1; 20])).unwrap();
    assert_eq!(case.about("web", None).key(&key), Verdict::Known);
    assert_eq!(case.about("[db]:2222", Some("db")).key(&key), Verdict::Known);
    let content = std::fs::read_to_string(&case.file).unwrap();
    assert_eq!(content.lines().count(), 3);
    assert!(content.starts_with("unfinished line\nweb ssh-ed25519 "));
}

#[test]
fn certificates_of_hosts() {
    use russh::keys::ssh_key::certificate::{Builder, CertType};
    let authority = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
    let host_key = new_key(Algorithm::Ed25519);
    let certificate = |kind: CertType, principal: &str, from: u64, to: u64| {
        let mut builder =
            Builder::new_with_random_nonce(&mut safe_rng(), host_key.key_data().clone(), from, to).unwrap();
        builder.cert_type(kind).unwrap().valid_principal(principal).unwrap();
        builder.sign(&authority).unwrap()
    };
    let case = Case::new(&format!("@cert-authority *.example {}\n", text(authority.public_key())));
    let about = case.about("web.example", None);
    assert!(about.has_authority());
    let far = u64::MAX / 4;
    let judge = |kind, principal: &str, from, to| {
        about.certificate(&certificate(kind, principal, from, to), "web.example")
    };
    assert_eq!(judge(CertType::Host, "web.example", 0, far), Ok(Verdict::Known));
    assert!(judge(CertType::Host, "db.example", 0, far).unwrap_err().contains("not for `web.example`"));
    assert!(judge(CertType::User, "web.example", 0, far).is_err());
    assert!(judge(CertType::Host, "web.example", 0, 1).is_err());
    let foreign = case.about("web.other", None);
    assert!(!foreign.has_authority());
    assert!(foreign.certificate(&certificate(CertType::Host, "web.other", 0, far), "web.other").is_err());
    let revoked =
        Case::new(&format!("@cert-authority * {0}\n@revoked * {0}\n", text(authority.public_key())));
    let verdict = revoked.about("web", None).certificate(&certificate(CertType::Host, "web", 0, far), "web");
    assert_eq!(verdict, Ok(Verdict::Revoked(revoked.file.clone(), 2)));
}
