//! `become`: the command line of sudo, its prompt, and what its words mean.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use super::destination::{Become, BecomeMethod};
use super::error::BecomeProblem;

/// The command line that becomes another user; what shall be run is appended.
#[derive(Clone, Debug)]
pub(super) struct Elevation {
    /// Its words.
    pub(super) argv: Vec<String>,
    /// The prompt that asks for the password; `None` when none may be asked for.
    pub(super) prompt: Option<String>,
}

/// The command line for a user, as `ansible.builtin.sudo`: without a password it must not ask (`-n`), with one it
/// reads it from standard input (`-S`) after a prompt that nothing else writes.
pub(super) fn elevation(who: &Become) -> Result<Elevation, BecomeProblem> {
    let Become { method, user, executable, flags, password } = who;
    match method {
        BecomeMethod::Sudo => {}
        BecomeMethod::Su | BecomeMethod::Doas => return Err(BecomeProblem::Unsupported),
    }
    let default = ["-H".to_owned()];
    let flags = if flags.is_empty() { &default[..] } else { flags.as_slice() };
    let mut argv = vec![executable.clone().unwrap_or_else(|| method.name().to_owned())];
    let asks = |flag: &str| matches!(flag, "-n" | "-S" | "--non-interactive" | "--stdin");
    argv.extend(flags.iter().filter(|flag| !asks(flag)).cloned());
    let prompt = password.as_ref().map(|_| {
        let unique = RandomState::new().build_hasher().finish();
        format!("[sudo for fleet, key={unique:016x}] password:")
    });
    match &prompt {
        Some(prompt) => argv.extend(["-S".to_owned(), "-p".to_owned(), prompt.clone()]),
        None => argv.push("-n".to_owned()),
    }
    argv.extend(["-u".to_owned(), user.clone(), "--".to_owned()]);
    Ok(Elevation { argv, prompt })
}

/// How often a password was asked for, from what the program wrote. PAM may ask in its own words.
pub(super) fn times_asked(errors: &str, prompt: &str) -> usize {
    let ours = errors.matches(prompt).count();
    if ours > 0 {
        return ours;
    }
    let waits = errors.trim_end_matches(' ').ends_with(':') && !errors.ends_with('\n');
    let last = errors.lines().last().unwrap_or_default().to_lowercase();
    usize::from(
        waits
            && ["password", "passwort", "passe", "contraseña", "パスワード", "密码"]
                .iter()
                .any(|word| last.contains(word)),
    )
}

/// What the program's words mean; `None` when they mean nothing that is known.
pub(super) fn problem(errors: &str, prompt: Option<&str>) -> Option<BecomeProblem> {
    let has = |words: &[&str]| words.iter().any(|word| errors.contains(word));
    if has(&["incorrect password", "Sorry, try again", "Authentication failure"]) {
        return Some(BecomeProblem::PasswordWrong);
    }
    if prompt.is_some_and(|prompt| times_asked(errors, prompt) > 1) {
        return Some(BecomeProblem::PasswordWrong);
    }
    if has(&["you must have a tty"]) {
        return Some(BecomeProblem::Terminal);
    }
    if has(&[
        "password is required",
        "no password was provided",
        "a terminal is required to read the password",
    ]) {
        return Some(BecomeProblem::PasswordRequired);
    }
    if has(&["not in the sudoers file", "is not allowed to", "may not run sudo", "not allowed to execute"]) {
        return Some(BecomeProblem::Denied);
    }
    if has(&["unknown user"]) {
        return Some(BecomeProblem::UnknownUser);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn without_a_password_it_must_not_ask() {
        let out = elevation(&Become::sudo("app")).unwrap();
        assert_eq!(out.argv, ["sudo", "-H", "-n", "-u", "app", "--"]);
        let custom = Become {
            executable: Some("/opt/sudo".into()),
            flags: vec!["-E".into(), "-S".into()],
            ..Become::sudo("root")
        };
        assert_eq!(elevation(&custom).unwrap().argv, ["/opt/sudo", "-E", "-n", "-u", "root", "--"]);
    }

    #[test]
    fn with_a_password_it_asks_with_a_prompt_of_ours() {
        let who = Become { password: Some(Secret::new("secret")), ..Become::sudo("root") };
        let out = elevation(&who).unwrap();
        let prompt = out.prompt.unwrap();
        assert_eq!(out.argv[..4], ["sudo", "-H", "-S", "-p"]);
        assert_eq!(out.argv[4], prompt);
        assert!(!out.argv.iter().any(|word| word.contains("secret")));
        assert_eq!(times_asked(&format!("lecture\n{prompt}"), &prompt), 1);
        assert_eq!(times_asked("Passwort für ada: ", &prompt), 1);
        assert_eq!(times_asked("Passwort:\nfertig\n", &prompt), 0);
        let twice = format!("{prompt}{prompt}");
        assert_eq!(problem(&twice, Some(&prompt)), Some(BecomeProblem::PasswordWrong));
    }

    #[test]
    fn its_words_are_understood() {
        for (words, wanted) in [
            ("sudo: a password is required\n", BecomeProblem::PasswordRequired),
            ("Sorry, try again.\nsudo: 1 incorrect password attempt\n", BecomeProblem::PasswordWrong),
            ("ada is not in the sudoers file.\n", BecomeProblem::Denied),
            ("sudo: unknown user: nobody2\n", BecomeProblem::UnknownUser),
            ("sudo: sorry, you must have a tty to run sudo\n", BecomeProblem::Terminal),
        ] {
            assert_eq!(problem(words, None), Some(wanted), "{words}");
        }
        assert_eq!(problem("motd\n", None), None);
        assert!(elevation(&Become { method: BecomeMethod::Su, ..Become::sudo("root") }).is_err());
    }
}
