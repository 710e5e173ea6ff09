//! The shell texts that start `fleet remote` on a host, and put it there first where it is missing.
//!
//! They run under any `/bin/sh`, on one line, and without characters that a login shell of another kind (csh, fish)
//! treats specially within single quotes.

/// Who shall run the upload, which decides where it may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// The login user, or root, who may go anywhere.
    LoginOrRoot,
    /// Another user, who must be able to get there.
    Other,
}

/// What an upload is started through, besides the words in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// Nothing.
    Nothing,
    /// Its own keeper of a terminal, run by the login user.
    Terminal,
}

/// In front of the answer that there is no upload; followed by `gzip` or `none`, and `uname -sm`.
pub(super) const MISSING: &str = "fleet-missing ";
/// The host waits for the bytes.
pub(super) const READY: &str = "fleet-ready";
/// No place is good; followed by the reasons, separated by `|`.
pub(super) const REFUSED: &str = "fleet-refused ";
/// The bytes are there and right; followed by the directory.
pub(super) const STORED: &str = "fleet-stored ";
/// The bytes are not right.
pub(super) const DAMAGED: &str = "fleet-damaged ";

/// A directory counts if nobody but its owner can write to it, and that is root or the user itself.
const TRUSTED: &str = r#"u=$(id -u); t(){ set -- $(ls -ldn "$1/." 2>/dev/null); case "$1 $3" in d????-??-*" 0"|d????-??-*" $u") return 0;; esac; return 1; }; "#;
/// Whether every user can get to a directory.
const REACHABLE: &str = r#"x(){ e=$1; while :; do case "$(ls -ldn "$e/." 2>/dev/null)" in d????????[xt]*) ;; *) return 1;; esac; case "$e" in ""|/) return 0;; esac; e=${e%/*}; done; }; "#;
/// The first place: the login user's cache, or for root a place that every user can get to.
const HOME_PLACE: &str = "h=${HOME:-/}/.cache/fleet; case $u in 0) h=/var/lib/fleet;; esac; ";
/// Where only root can put something.
const ROOT_PLACE: &str = "/var/lib/fleet";

/// The places for an upload, as words of a shell text.
fn places(remote_tmp: Option<&str>) -> String {
    let own = remote_tmp.map(|path| format!("{} ", shell_path(path))).unwrap_or_default();
    format!(r#"{own}"$h" "/var/tmp/fleet-$u""#)
}

/// A path that the inventory gives, as a word in which the shell expands `~` and variables and nothing else.
fn shell_path(path: &str) -> String {
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("$HOME{rest}"),
        _ => path.to_owned(),
    };
    let special = |c: &char| matches!(c, '"' | '`' | '\\' | '\'' | '!' | '(' | ')' | '\n' | '\r');
    format!("\"{}\"", path.chars().filter(|c| !special(c)).collect::<String>())
}

fn condition(runner: Runner) -> &'static str {
    match runner {
        Runner::LoginOrRoot => r#"t "$d""#,
        Runner::Other => r#"t "$d" && x "$d""#,
    }
}

/// Runs one of the uploads if it is in one of the places, as `WORDS… UPLOAD remote`, where the words are the
/// arguments of the text; else says that it is missing.
pub(super) fn start_script(
    names: &[String],
    remote_tmp: Option<&str>,
    runner: Runner,
    through: Through,
) -> String {
    let keeper = match through {
        Through::Nothing => "",
        Through::Terminal => r#""$p" remote terminal "#,
    };
    let (places, names, condition) = (places(remote_tmp), names.join(" "), condition(runner));
    format!(
        r#"{TRUSTED}{REACHABLE}{HOME_PLACE}for d in {places} {ROOT_PLACE}; do for n in {names}; do p=$d/$n; if [ -f "$p" ] && [ -x "$p" ] && {condition}; then exec {keeper}"$@" "$p" remote; fi; done; done; g=none; if command -v gzip >/dev/null 2>&1; then g=gzip; fi; echo "{MISSING}$g $(uname -sm)"; exit 111"#
    )
}

/// Finds a place, takes the bytes from standard input, checks them and puts them there under their name.
pub(super) fn upload_script(upload: &Upload<'_>) -> String {
    let Upload { name, sha256, packed, place, runner } = upload;
    let places = match place {
        Place::Usual { remote_tmp } => places(*remote_tmp),
        Place::Root => ROOT_PLACE.to_owned(),
    };
    let reachable = match runner {
        Runner::LoginOrRoot => "",
        Runner::Other => {
            r#"if x "$d"; then :; else r="$r$d cannot be reached by other users|"; continue; fi; "#
        }
    };
    let unpack = if *packed { "gzip -dc" } else { "cat" };
    format!(
        r#"umask 022; {TRUSTED}{REACHABLE}{HOME_PLACE}r=; o=; for d in {places}; do if mkdir -p "$d" 2>/dev/null; then :; else r="$r$d cannot be made|"; continue; fi; if t "$d"; then :; else r="$r$d belongs to somebody else or others can write to it|"; continue; fi; {reachable}q=$d/.probe.$$; if echo : 2>/dev/null >"$q"; then :; else r="$r$d cannot be written to|"; continue; fi; chmod 755 "$q"; if "$q" 2>/dev/null; then rm -f "$q"; o=$d; break; fi; rm -f "$q"; r="$r$d does not let programs run (noexec, or a security policy)|"; done; if [ -z "$o" ]; then echo "{REFUSED}$r"; exit 112; fi; f=$o/.{name}.$$; echo {READY}; if {unpack} 2>/dev/null >"$f" && chmod 755 "$f"; then :; else rm -f "$f"; echo "{REFUSED}$o is full, or cannot be written to|"; exit 112; fi; s=$(sha256sum "$f" 2>/dev/null); s=${{s%% *}}; if [ -z "$s" ]; then if "$f" remote --verify {sha256} >/dev/null 2>&1; then s={sha256}; fi; fi; case $s in {sha256}) mv -f "$f" "$o/{name}" && echo "{STORED}$o";; *) rm -f "$f"; echo "{DAMAGED}$s"; exit 113;; esac"#
    )
}

/// What is uploaded, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upload<'a> {
    /// The file's name.
    pub(super) name: &'a str,
    /// Its SHA-256.
    pub(super) sha256: &'a str,
    /// Whether it comes compressed.
    pub(super) packed: bool,
    /// Where to.
    pub(super) place: Place<'a>,
    /// For whom.
    pub(super) runner: Runner,
}

/// Where an upload may go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// The directory of the inventory, the login user's cache, or a directory of that user in `/var/tmp`.
    Usual {
        /// `ansible_remote_tmp`.
        remote_tmp: Option<&'a str>,
    },
    /// As root, where all users can get to.
    Root,
}

/// A word for a POSIX shell, csh or fish.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r#"'"'"'"#))
}

/// Words as one command for a login shell.
pub(super) fn command_line(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
