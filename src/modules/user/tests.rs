//! Hashes and `/etc/login.defs`; plans are tested by the cases.

use super::*;

#[test]
fn hashes_are_told_from_plain_texts() {
    let sha512 = format!("$6$salt${}", "a".repeat(86));
    assert!(looks_hashed(&sha512) && looks_hashed("!") && looks_hashed("*"));
    assert!(!looks_hashed("secret") && !looks_hashed("$6$salt$short") && !looks_hashed("a:b$c$d"));
}

#[test]
fn settings_are_read_from_login_defs() {
    let defs = LoginDefs("# UMASK 077\nUMASK\t\t027\nUSERGROUPS_ENAB yes\nPASS_MAX_DAYS 99999\n".to_owned());
    assert_eq!(
        (defs.home_mode(), defs.own_groups(), defs.number("PASS_MAX_DAYS")),
        (0o750, true, Some(99999))
    );
    assert_eq!(LoginDefs("UMASK 022\nHOME_MODE 0700\n".to_owned()).home_mode(), 0o700);
    assert!(!LoginDefs(String::new()).own_groups());
}
