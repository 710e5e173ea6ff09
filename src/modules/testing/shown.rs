//! Actions and differences as the lines of a case file.

use std::fmt::Write;

use crate::modules::contract::{Planned, Side};
use crate::modules::diff::Diff;
use crate::wire::action::{Answers, Bytes, HttpRequest};
use crate::wire::{Action, Attributes, Command, Expect, Follow, Owner, Program, Sealed};

/// An action: `write /x "text" mode=0644 expect=same`. `expect=same` is a write that expects what is there;
/// `sha1` gives the hash of what is at a path.
pub fn action(planned: &Planned, sha1: &dyn Fn(&str) -> Option<String>) -> String {
    let Planned { side, change } = planned;
    let line = match &change.action {
        Action::WriteFile { path, content, attributes, expect, backup, validate, follow, in_place } => {
            let mut line = format!("write {path} {}{}", bytes(content), attrs(attributes));
            let _ = match expect {
                Expect::Absent => write!(line, " expect=absent"),
                Expect::Sha1(hex) if sha1(path).as_ref() == Some(hex) => write!(line, " expect=same"),
                Expect::Sha1(hex) | Expect::Sha256(hex) => write!(line, " expect={hex}"),
                Expect::Anything => write!(line, " expect=anything"),
            };
            if *backup {
                line.push_str(" backup");
            }
            if let Some(command) = validate {
                let _ = write!(line, " validate={command:?}");
            }
            if *in_place {
                line.push_str(" in-place");
            }
            line + nofollow(*follow)
        }
        Action::SetAttributes { path, attributes, follow } => {
            format!("set {path}{}{}", attrs(attributes), nofollow(*follow))
        }
        Action::MakeDirectory { path, attributes } => format!("mkdir {path}{}", attrs(attributes)),
        Action::Symlink { path, target, attributes } => {
            format!("link {path} -> {target}{}", attrs(attributes))
        }
        Action::HardLink { path, target } => format!("hardlink {path} = {target}"),
        Action::Touch { path, accessed, modified, attributes } => {
            format!("touch {path} atime={} mtime={}{}", time(*accessed), time(*modified), attrs(attributes))
        }
        Action::Remove { path } => format!("remove {path}"),
        Action::Run(run) => command(run),
        Action::Converse(dialogue) => {
            let mut line = format!("converse: {}", command(&dialogue.command));
            for (pattern, answers) in &dialogue.answers {
                let all: Vec<&str> = match answers {
                    Answers::Same(answer) => vec![answer.open()],
                    Answers::Each(all) => all.iter().map(Sealed::open).collect(),
                };
                let _ = write!(line, " {pattern:?}={all:?}");
            }
            if let Some(seconds) = dialogue.patience {
                let _ = write!(line, " patience={seconds}");
            }
            if dialogue.echo { line + " echo" } else { line }
        }
        Action::Http(HttpRequest { method, url, body, unix_socket: Some(_), .. }) => {
            let path = url.strip_prefix("http://localhost").unwrap_or(url);
            let body = body.as_ref().map(|body| format!(" {}", body.open())).unwrap_or_default();
            format!("docker {method} {path}{body}")
        }
        Action::Http(HttpRequest { method, url, .. }) => format!("http {method} {url}"),
        Action::Raw { text } => format!("raw {text}"),
        Action::StartJob(job) => format!("job {} of {} actions", job.id, job.actions.len()),
        Action::Remember { key, names } => format!("remember {key} {names:?}"),
        Action::Forget { key, names } => format!("forget {key} {names:?}"),
    };
    match side {
        Side::Host => line,
        Side::Controller => format!("controller: {line}"),
    }
}

fn bytes(content: &Bytes) -> String {
    match content {
        Bytes::Inline(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Bytes::Sent { size, .. } => format!("{size} bytes"),
        Bytes::OnHost { path, .. } => format!("= {path}"),
    }
}

fn nofollow(follow: Follow) -> &'static str {
    match follow {
        Follow::Yes => "",
        Follow::No => " nofollow",
    }
}

fn attrs(attributes: &Attributes) -> String {
    let Attributes { mode, owner, group } = attributes;
    let name = |owner: &Owner| match owner {
        Owner::Name(name) => name.clone(),
        Owner::Id(id) => format!("#{id}"),
    };
    let mut line = String::new();
    if let Some(mode) = mode {
        let _ = write!(line, " mode={mode:04o}");
    }
    if let Some(owner) = owner {
        let _ = write!(line, " owner={}", name(owner));
    }
    if let Some(group) = group {
        let _ = write!(line, " group={}", name(group));
    }
    line
}

#[expect(clippy::option_option, reason = "as the action has it")]
fn time(time: Option<Option<i64>>) -> String {
    match time {
        None => "keep".to_owned(),
        Some(None) => "now".to_owned(),
        Some(Some(at)) => at.to_string(),
    }
}

fn command(run: &Command) -> String {
    let Command { program, directory, environment, stdin, timeout, umask, must_succeed, files } = run;
    let mut line = match program {
        Program::Argv(argv) => format!("run {}", argv.join(" ")),
        Program::Shell { text, executable } => format!("run {executable}: {text}"),
    };
    for (name, value) in environment {
        let _ = write!(line, " {name}={}", value.open());
    }
    if let Some(directory) = directory {
        let _ = write!(line, " in {directory}");
    }
    if let Some(stdin) = stdin {
        let _ = write!(line, " stdin={:?}", stdin.open());
    }
    if let Some(timeout) = timeout {
        let _ = write!(line, " timeout={timeout}");
    }
    if let Some(umask) = umask {
        let _ = write!(line, " umask={umask:03o}");
    }
    for (name, content) in files {
        let _ = write!(line, " {name}={}", bytes(content));
    }
    if !must_succeed {
        line.push_str(" may-fail");
    }
    line
}

/// A difference: `/x "a" -> "b"`, `/x mode: 0600 -> 0644`, `/x (4 bytes -> 5 bytes)`; `-` is "not there".
pub fn diff(diff: &Diff) -> String {
    match diff {
        Diff::Text { subject, before, after } => {
            let text =
                |text: &Option<_>| text.as_ref().map_or_else(|| "-".to_owned(), |text| format!("{text:?}"));
            format!("{subject} {} -> {}", text(before), text(after))
        }
        Diff::Opaque { subject, before, after } => {
            let size = |sum: &Option<(u64, String)>| {
                sum.as_ref().map_or_else(|| "-".to_owned(), |(size, _)| format!("{size} bytes"))
            };
            format!("{subject} ({} -> {})", size(before), size(after))
        }
        Diff::Attribute { subject, name, before, after } => {
            let text = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            format!("{subject} {name}: {} -> {}", text(before), text(after))
        }
    }
}
