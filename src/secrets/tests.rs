//! Vault texts made by ansible-vault 2.19.14, and what must not open. The passwords are `correct horse` (no id) and
//! `tr0ubador` (id `prod`).

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use super::*;
use crate::base::{Secret, Value};
use crate::map;

const PLAIN: &str = include_str!("tests/plain.vault");
const PROD: &str = include_str!("tests/prod.vault");
const EMPTY: &str = include_str!("tests/empty.vault");

fn plain() -> Password {
    Password::new(DEFAULT_ID, "correct horse".as_bytes())
}

fn prod() -> Password {
    Password::new("prod", "tr0ubador".as_bytes())
}

fn opened(passwords: &[Password], text: &str) -> Result<(String, String), Fault> {
    let opened = Vault::new(passwords.to_vec(), false).open(text.as_bytes())?;
    Ok((String::from_utf8(opened.plain).unwrap(), opened.password.id))
}

#[test]
fn what_ansible_vault_wrote_is_read() {
    let both = [plain(), prod()];
    assert_eq!(opened(&both, PLAIN), Ok(("first\nline two\n".to_owned(), "default".to_owned())));
    assert_eq!(opened(&both, PROD), Ok(("exactly 16 bytes".to_owned(), "prod".to_owned())));
    assert_eq!(opened(&both, EMPTY), Ok((String::new(), "default".to_owned())));
    // Windows' line ends, blanks around lines
    assert!(opened(&both, &PLAIN.replace('\n', "\r\n")).is_ok());
    assert!(opened(&both, &PLAIN.replace('\n', " \n  ")).is_ok());
}

#[test]
fn what_is_written_is_what_ansible_vault_writes() {
    // ANSIBLE_VAULT_ENCRYPT_SALT was set to this salt
    let salt = b"0123456789abcdef0123456789abcdef";
    let expected = "$ANSIBLE_VAULT;1.1;AES256\n\
        33303331333233333334333533363337333833393631363236333634363536363330333133323333\n\
        3334333533363337333833393631363236333634363536360a626466326362653833653537656131\n\
        35363539653935666639336331336534343230656332623835363662313432663135646333303933\n\
        3963326433346539660a366437323666633734326461306463343136666539653631333439316165\n\
        6636\n";
    assert_eq!(plain().seal("s3cr3t välue".as_bytes(), None, salt).unwrap(), expected);
    assert_eq!(plain().seal("s3cr3t välue".as_bytes(), Some("default"), salt).unwrap(), expected);
    let other = prod().seal(b"x", Some("prod"), salt).unwrap();
    assert!(other.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"), "{other}");
    assert_eq!(opened(&[prod()], &other), Ok(("x".to_owned(), "prod".to_owned())));
    assert_eq!(prod().seal(other.as_bytes(), None, salt), Err(Fault::AlreadySealed));
}

#[test]
fn every_length_comes_back() {
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 1000] {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let text = plain().seal(&bytes, None, b"salt").unwrap();
        assert_eq!(Vault::new(vec![plain()], false).open(text.as_bytes()).unwrap().plain, bytes);
    }
}

#[test]
fn what_was_altered_or_cut_off_does_not_open() {
    let passwords = [plain()];
    let fits_not = |text: &str| matches!(opened(&passwords, text), Err(Fault::NoneFits { .. }));
    // a digit of the cipher text, the HMAC, the salt
    let lines: Vec<&str> = PLAIN.lines().collect();
    for (line, column) in [(5, 0), (3, 1), (1, 1)] {
        let mut altered: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let old = altered[line].as_bytes()[column];
        let new = if old == b'3' { "4" } else { "3" };
        altered[line].replace_range(column..=column, new);
        let text = altered.join("\n");
        assert!(opened(&passwords, &text).is_err(), "{text}");
    }
    let cut = |lines_left: usize| lines[..lines_left].join("\n");
    assert!(fits_not(&cut(5)));
    assert_eq!(opened(&passwords, &cut(2)), Err(Fault::Damaged("it is cut off")));
    assert_eq!(opened(&passwords, &cut(1)), Err(Fault::Damaged("it is cut off")));
    let odd = "its lines are not pairs of hexadecimal digits";
    assert_eq!(opened(&passwords, PLAIN.trim_end().strip_suffix('2').unwrap()), Err(Fault::Damaged(odd)));
    assert_eq!(opened(&passwords, &PLAIN.replacen("36", "3g", 1)), Err(Fault::Damaged(odd)));
    assert_eq!(opened(&passwords, "no vault"), Err(Fault::NotSealed));
    assert_eq!(opened(&passwords, "$ANSIBLE_VAULT;1.1\n00"), Err(Fault::Header));
    let cipher = PLAIN.replacen("AES256", "AES", 1);
    assert_eq!(opened(&passwords, &cipher), Err(Fault::Cipher("AES".to_owned())));
}

#[test]
fn ids_decide_which_password_is_tried() {
    let wrong = Password::new("dev", "wrong".as_bytes());
    // any password may fit: the id is only a name
    let renamed = Password::new("other", "tr0ubador".as_bytes());
    assert_eq!(opened(&[wrong.clone(), renamed.clone()], PROD).unwrap().1, "other");
    let error = opened(std::slice::from_ref(&wrong), PROD).unwrap_err();
    assert_eq!(error, Fault::NoneFits { id: Some("prod".to_owned()), tried: vec!["dev".to_owned()] });
    assert!(error.hint().unwrap().contains("vault id `prod`"));
    let error = Vault::new(vec![wrong, renamed], true).open(PROD.as_bytes()).unwrap_err();
    assert_eq!(error, Fault::NoneFits { id: Some("prod".to_owned()), tried: Vec::new() });
    assert!(Vault::new(vec![prod(), plain()], true).open(PLAIN.as_bytes()).is_ok());
    let error = opened(&[], PROD).unwrap_err();
    assert_eq!(error, Fault::NoPassword { id: Some("prod".to_owned()) });
    assert!(error.hint().unwrap().contains("--vault-id prod@FILE"));
}

/// Answers questions from a list, and keeps one password.
#[derive(Default)]
struct Answers {
    given: RefCell<Vec<&'static str>>,
    asked: RefCell<Vec<String>>,
    kept: Option<(&'static str, &'static str)>,
}

impl Ask for Answers {
    fn terminal(&self, text: &str) -> Result<Secret, Fault> {
        self.asked.borrow_mut().push(text.to_owned());
        let mut given = self.given.borrow_mut();
        if given.is_empty() {
            return Err(Fault::source("there is no terminal", "no terminal"));
        }
        Ok(Secret::new(given.remove(0)))
    }

    fn kept(&self, id: &str) -> Option<Secret> {
        self.kept.filter(|(known, _)| *known == id).map(|(_, password)| Secret::new(password))
    }
}

fn file(directory: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[test]
fn passwords_come_from_files_scripts_clients_and_prompts_in_ansible_s_order() {
    let directory = tempfile::tempdir().unwrap();
    let plain_file = file(&directory, "plain", "  correct horse \n", 0o600);
    let script = file(&directory, "script.sh", "#!/bin/sh\necho tr0ubador\n", 0o700);
    let client = file(&directory, "my-client.sh", "#!/bin/sh\necho \"$1 $2\"\n", 0o700);
    let inputs = Inputs {
        ids: vec![format!("prod@{script}"), format!("dev@{client}"), "ops@prompt".to_owned()],
        password_files: vec![plain_file.clone()],
        identity_list: vec![format!("first@{plain_file}")],
        password_file: Some(script.clone()),
        ask: true,
        ..Inputs::default()
    };
    let answers = Answers { given: RefCell::new(vec!["one", "two"]), ..Answers::default() };
    let Found { passwords, missing } =
        inputs.passwords(&inputs.identities(), Purpose::Read, &answers).unwrap();
    assert_eq!(missing, []);
    let expected = [
        ("first", "correct horse"),
        ("prod", "tr0ubador"),
        ("dev", "--vault-id dev"),
        ("ops", "one"),
        ("default", "correct horse"),
        ("default", "tr0ubador"),
        ("default", "two"),
    ];
    assert_eq!(passwords, expected.map(|(id, text)| Password::new(id, text.as_bytes())));
    assert_eq!(*answers.asked.borrow(), ["Vault password (ops): ", "Vault password: "]);
}

#[test]
fn a_source_that_fails_is_a_warning_unless_it_is_the_only_one() {
    let directory = tempfile::tempdir().unwrap();
    let good = file(&directory, "good", "pw", 0o600);
    let failing = file(&directory, "x-client", "#!/bin/sh\necho nobody knows >&2; exit 2\n", 0o700);
    let empty = file(&directory, "empty", " \n", 0o600);
    let told = |ids: &[&String]| {
        let inputs = Inputs { ids: ids.iter().map(|id| format!("a@{id}")).collect(), ..Inputs::default() };
        inputs.passwords(&inputs.identities(), Purpose::Read, &Answers::default()).unwrap()
    };
    let Found { passwords, missing } = told(&[&failing, &good]);
    assert_eq!(passwords, [Password::new("a", "pw".as_bytes())]);
    let warning = missing[0].to_string();
    assert!(warning.ends_with("has no password for the vault id `a`: nobody knows"), "{warning}");
    let told_as_ansible = missing[0].told();
    assert!(
        told_as_ansible.ends_with("did not find a secret for vault-id=a: b'nobody knows\\n'"),
        "{told_as_ansible}"
    );
    assert!(told(&[&empty]).some().unwrap_err().to_string().ends_with("gives an empty password"));
    let missing = format!("{good}.missing");
    assert!(told(&[&missing]).some().unwrap_err().to_string().ends_with("was not found"));
}

#[test]
fn a_password_file_may_be_encrypted_with_a_password_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let first = file(&directory, "first", "correct horse", 0o600);
    let second = file(&directory, "second", &plain().seal(b"inner\n", None, b"salt").unwrap(), 0o600);
    let inputs = Inputs { ids: vec![format!("a@{first}"), format!("b@{second}")], ..Inputs::default() };
    let Found { passwords, .. } =
        inputs.passwords(&inputs.identities(), Purpose::Read, &Answers::default()).unwrap();
    assert_eq!(passwords[1], Password::new("b", "inner".as_bytes()));
}

#[test]
fn a_new_password_is_asked_twice_and_nothing_hangs_without_a_terminal() {
    let inputs = Inputs { ids: vec!["a@prompt".to_owned()], ..Inputs::default() };
    let ask = |given: &[&'static str]| {
        let answers = Answers { given: RefCell::new(given.to_vec()), ..Answers::default() };
        inputs.passwords(&inputs.identities(), Purpose::Write, &answers).map(|found| found.passwords)
    };
    assert_eq!(ask(&["x", "x"]).unwrap(), [Password::new("a", "x".as_bytes())]);
    assert_eq!(ask(&["x", "y"]).unwrap_err().to_string(), "the passwords do not match");
    assert_eq!(ask(&[]).unwrap_err().to_string(), "there is no terminal");
    let kept = Answers { kept: Some(("a", "known")), ..Answers::default() };
    let Found { passwords, .. } = inputs.passwords(&inputs.identities(), Purpose::Read, &kept).unwrap();
    assert_eq!(passwords, [Password::new("a", "known".as_bytes())]);
    assert_eq!(*kept.asked.borrow(), Vec::<String>::new());
}

/// Keeps the password of `prod`.
struct Keeper;

impl Ask for Keeper {
    fn terminal(&self, _: &str) -> Result<Secret, Fault> {
        Err(Fault::source("there is no terminal", "no terminal"))
    }

    fn kept(&self, id: &str) -> Option<Secret> {
        (id == "prod").then(|| Secret::new("tr0ubador"))
    }
}

#[test]
fn what_is_kept_elsewhere_opens_what_nothing_else_does() {
    let vault = Vault::new(vec![plain()], false).asking(Arc::new(Keeper));
    assert_eq!(vault.open(PROD.as_bytes()).unwrap().password.id, "prod");
    assert_eq!(vault.open(PLAIN.as_bytes()).unwrap().password.id, "default");
    let none = Vault::default().asking(Arc::new(Keeper));
    assert_eq!(none.open(PLAIN.as_bytes()).unwrap_err(), Fault::NoPassword { id: None });
}

#[test]
fn a_value_is_decrypted_once_and_known_from_then_on() {
    let vault = Vault::new(vec![prod()], false);
    let cipher: Arc<str> = Arc::from(PROD);
    assert_eq!(
        vault.known().scrubbed("it is exactly 16 bytes!", Reach::Everything),
        "it is exactly 16 bytes!"
    );
    assert_eq!(vault.known().scrubbed("tr0ubador", Reach::Passwords), MASK);
    let first = vault.value(&cipher).unwrap().shared();
    assert!(Arc::ptr_eq(&first, &vault.value(&Arc::from(PROD)).unwrap().shared()));
    assert_eq!(vault.sealed_form(&first), Some(cipher));
    assert_eq!(vault.sealed_form(&Arc::from("exactly 16 bytes")), None);
    assert_eq!(
        vault.known().scrubbed("it is exactly 16 bytes!", Reach::Everything),
        format!("it is {MASK}!")
    );
    assert_eq!(format!("{vault:?}"), "Vault { passwords: [Password of `prod`], .. }");
}

#[test]
fn secrets_are_found_in_every_form() {
    use base64::Engine as _;
    let known = Known::default();
    let secret = "pa\"ss w'rd/1é";
    known.add(secret);
    known.add("first line of it\nsecond line of it\n");
    let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let shown = [
        secret.to_owned(),
        serde_json::Value::from(secret).to_string(),
        serde_json::Value::from(serde_json::json!({"a": secret}).to_string()).to_string(),
        r#"{"a": "pa\"ss w'rd/1\u00e9"}"#.to_owned(),
        "'pa\"ss w'\"'\"'rd/1é'".to_owned(),
        r#"pa\"ss\ w\'rd/1é"#.to_owned(),
        r#"['pa"ss w\'rd/1é']"#.to_owned(),
        "x=pa%22ss%20w%27rd%2F1%C3%A9&y".to_owned(),
        "x=pa%22ss+w%27rd%2f1%c3%a9&y".to_owned(),
        base64(secret.to_owned()),
        base64(format!("u{secret}tail")),
        base64(format!("us{secret}")),
        "only the second line of it is here".to_owned(),
    ];
    for text in shown {
        let scrubbed = known.scrubbed(&text, Reach::Everything);
        assert!(scrubbed.contains(MASK), "not found in {text}");
        assert!(!scrubbed.contains("w'rd") && !scrubbed.contains("rd/1"), "{scrubbed}");
        assert_eq!(known.scrubbed(&text, Reach::Passwords), text);
    }
    assert_eq!(known.scrubbed("nothing of it", Reach::Everything), "nothing of it");
}

#[test]
fn what_would_be_found_by_chance_is_not_looked_for() {
    let known = Known::default();
    known.publish("web-frontend");
    for secret in ["yes", "root", "web-frontend"] {
        known.add_password(secret);
    }
    known.add("8080");
    let text = "yes, root on web-frontend, 18080, 1.8080, port 8080, -p8080";
    let scrubbed = format!("yes, root on web-frontend, 18080, 1.8080, port {MASK}, -p{MASK}");
    assert_eq!(known.scrubbed(text, Reach::Everything), scrubbed);
}

#[test]
fn in_encrypted_files_short_texts_are_secret_by_their_names() {
    let known = Known::default();
    let inner = map! {"user" => "backend", "token" => "t0k3n", "pin" => 4711, "host" => "db.example.org"};
    known.add_from_file("database", &Value::from(inner));
    known.add_from_file("db_passwords", &Value::from(map! {"app" => "xyzzy"}));
    let text = "backend t0k3n 4711 db.example.org xyzzy";
    let scrubbed = format!("backend {MASK} {MASK} {MASK} {MASK}");
    assert_eq!(known.scrubbed(text, Reach::Everything), scrubbed);
}

#[test]
fn the_longest_secret_is_masked_whole() {
    let known = Known::default();
    known.add("hunter22");
    known.add("hunter22-and-more");
    assert_eq!(known.scrubbed("hunter22-and-more, hunter22-", Reach::Everything), format!("{MASK}, {MASK}-"));
}

#[test]
fn the_file_of_passwords_is_encrypted_and_its_user_s_alone() {
    use std::collections::BTreeMap;
    let directory = tempfile::tempdir().unwrap();
    let file = SecretFile(directory.path().join("deep/secrets.vault"));
    let vault = Vault::new(vec![plain()], false);
    assert_eq!(file.get("ssh", &vault), Ok(None));
    let all = BTreeMap::from([("ssh".to_owned(), "hunter2".to_owned())]);
    file.write(&all, &plain()).unwrap();
    let about = std::fs::metadata(&file.0).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert!(is_sealed(&std::fs::read(&file.0).unwrap()));
    assert_eq!(file.get("ssh", &vault), Ok(Some(Secret::new("hunter2"))));
    assert_eq!(file.get("become", &vault), Ok(None));
    assert!(matches!(file.get("ssh", &Vault::new(vec![prod()], false)), Err(Fault::NoneFits { .. })));
    assert_eq!(std::fs::read_dir(file.0.parent().unwrap()).unwrap().count(), 1);
}
