//! `become`: the command lines of sudo, su and doas, their prompts, and what their words mean.

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
    /// Whether the password is asked for on a terminal and nowhere else.
    pub(super) terminal: bool,
}

/// What su's shell does with the words that follow: it becomes them.
const BECOME_WORDS: &str = "exec \"$0\" \"$@\"";

/// The command line for a user.
pub(super) fn elevation(who: &Become) -> Elevation {
    match who.method {
        BecomeMethod::Sudo => sudo(who),
        BecomeMethod::Su => su(who),
        BecomeMethod::Doas => doas(who),
    }
}

fn program(who: &Become) -> String {
    who.executable.clone().unwrap_or_else(|| who.method.name().to_owned())
}

/// As `ansible.builtin.sudo`: without a password it must not ask (`-n`), with one it reads it from standard input
/// (`-S`) after a prompt that nothing else writes.
fn sudo(who: &Become) -> Elevation {
    let Become { method: _, user, executable: _, flags, password } = who;
    let default = ["-H".to_owned()];
    // as Ansible's own flags
    let usual = flags.is_empty();
    let flags = if usual { &default[..] } else { flags.as_slice() };
    let mut argv = vec![program(who)];
    let asks = |flag: &str| matches!(flag, "-n" | "-S" | "--non-interactive" | "--stdin");
    argv.extend(flags.iter().filter(|flag| !asks(flag)).cloned());
    let prompt = password.as_ref().map(|_| {
        let unique = RandomState::new().build_hasher().finish();
        format!("[sudo for fleet, key={unique:016x}] password:")
    });
    match &prompt {
        Some(prompt) => argv.extend(["-S".to_owned(), "-p".to_owned(), prompt.clone()]),
        None if usual => argv.extend(["-S", "-n"].map(str::to_owned)),
        None => argv.push("-n".to_owned()),
    }
    argv.extend(["-u".to_owned(), user.clone(), "--".to_owned()]);
    Elevation { argv, prompt, terminal: false }
}

/// As `ansible.builtin.su`: the user's login shell runs the words. It cannot be told not to ask, and reads the password
/// from standard input.
fn su(who: &Become) -> Elevation {
    let Become { method: _, user, executable: _, flags, password: _ } = who;
    let mut argv = vec![program(who)];
    argv.extend(flags.iter().cloned());
    argv.extend(["-c", BECOME_WORDS, "--"].map(str::to_owned));
    argv.push(user.clone());
    Elevation { argv, prompt: Some("Password: ".to_owned()), terminal: false }
}

/// As `community.general.doas`: without a password it must not ask (`-n`); with one it asks on a terminal.
fn doas(who: &Become) -> Elevation {
    let Become { method: _, user, executable: _, flags, password } = who;
    let mut argv = vec![program(who)];
    argv.extend(flags.iter().filter(|flag| *flag != "-n").cloned());
    if password.is_none() {
        argv.push("-n".to_owned());
    }
    argv.extend(["-u".to_owned(), user.clone(), "--".to_owned()]);
    let prompt = password.as_ref().map(|_| " password: ".to_owned());
    Elevation { argv, terminal: prompt.is_some(), prompt }
}

/// How often a password was asked for, from what the program wrote. PAM may ask in its own words.
pub(super) fn times_asked(errors: &str, prompt: &str) -> usize {
    let ours = errors.matches(prompt).count();
    if ours > 0 {
        return ours;
    }
    let waits = errors.trim_end_matches(' ').ends_with([':', '：']) && !errors.ends_with('\n');
    let last = errors.lines().last().unwrap_or_default().to_lowercase();
    usize::from(
        waits
            && [
                "password",
                "passwort",
                "passe",
                "contraseña",
                "heslo",
                "hasło",
                "senha",
                "lösenord",
                "wachtwoord",
            ]
            .iter()
            .chain(&["adgangskode", "salasana", "пароль", "パスワード", "암호", "密码", "密碼", "口令"])
            .any(|word| last.contains(word)),
    )
}

/// What the program's words mean; `None` when they mean nothing that is known.
pub(super) fn problem(errors: &str, prompt: Option<&str>) -> Option<BecomeProblem> {
    let has = |words: &[&str]| words.iter().any(|word| errors.contains(word));
    if has(&["incorrect password", "Sorry, try again", "Authentication failure", "Authentication failed"]) {
        return Some(BecomeProblem::PasswordWrong);
    }
    if prompt.is_some_and(|prompt| times_asked(errors, prompt) > 1) {
        return Some(BecomeProblem::PasswordWrong);
    }
    if has(&["you must have a tty", "must be run from a terminal", "a tty is required"]) {
        return Some(BecomeProblem::Terminal);
    }
    if has(&[
        "password is required",
        "no password was provided",
        "a terminal is required to read the password",
        "Authentication required",
    ]) {
        return Some(BecomeProblem::PasswordRequired);
    }
    if has(&["not in the sudoers file", "is not allowed to", "may not run sudo", "not allowed to execute"])
        || errors.contains("doas: Operation not permitted")
    {
        return Some(BecomeProblem::Denied);
    }
    if has(&["unknown user", "does not exist"]) {
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
        let out = elevation(&Become::sudo("app"));
        assert_eq!(out.argv, ["sudo", "-H", "-S", "-n", "-u", "app", "--"]);
        let custom = Become {
            executable: Some("/opt/sudo".into()),
            flags: vec!["-E".into(), "-S".into()],
            ..Become::sudo("root")
        };
        assert_eq!(elevation(&custom).argv, ["/opt/sudo", "-E", "-n", "-u", "root", "--"]);
    }

    #[test]
    fn with_a_password_it_asks_with_a_prompt_of_ours() {
        let who = Become { password: Some(Secret::new("secret")), ..Become::sudo("root") };
        let out = elevation(&who);
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
            ("Password: su: Authentication failure\n", BecomeProblem::PasswordWrong),
            (
                "su: user nobody2 does not exist or the user entry does not contain\n",
                BecomeProblem::UnknownUser,
            ),
            ("doas: Authentication required\n", BecomeProblem::PasswordRequired),
            ("doas: Operation not permitted\n", BecomeProblem::Denied),
        ] {
            assert_eq!(problem(words, None), Some(wanted), "{words}");
        }
        assert_eq!(problem("motd\n", None), None);
    }

    #[test]
    fn su_and_doas_have_their_own_words() {
        let of = |method, password: Option<&str>| {
            elevation(&Become { method, password: password.map(Secret::new), ..Become::sudo("app") })
        };
        let su = of(BecomeMethod::Su, None);
        assert_eq!(su.argv, ["su", "-c", "exec \"$0\" \"$@\"", "--", "app"]);
        assert!(su.prompt.is_some() && !su.terminal);
        let doas = of(BecomeMethod::Doas, None);
        assert_eq!(
            (doas.argv.join(" ").as_str(), doas.prompt, doas.terminal),
            ("doas -n -u app --", None, false)
        );
        let doas = of(BecomeMethod::Doas, Some("secret"));
        assert_eq!((doas.argv.join(" ").as_str(), doas.terminal), ("doas -u app --", true));
        assert_eq!(times_asked("doas (ada@web1) password: ", &doas.prompt.unwrap()), 1);
    }
}
