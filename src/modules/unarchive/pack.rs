//! An archive, as the host's `tar` or `unzip` sees it: what is in it, and whether it is unpacked already.

use super::UnarchiveParams;
use crate::modules::contract::{Halt, fail};
use crate::modules::patterns;
use crate::modules::run;
use crate::modules::view::View;
use crate::modules::words;
use crate::wire::action::Bytes;
use crate::wire::{Action, Change, Command, CommandOutput, Effect, Observation, Query};

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whatever `tar` knows to unpack.
    Tar,
    Gzip,
    Zip,
}

/// An archive.
pub(super) struct Pack {
    kind: Kind,
    /// What is in it, as far as it is wanted.
    pub(super) names: Vec<String>,
    /// Whether something in the directory is not as in it.
    pub(super) differs: bool,
    /// What differs, a line each.
    pub(super) differences: Vec<String>,
    unpack: Command,
    compare: Command,
}

/// Something that reads or unpacks an archive.
struct Tool<'a> {
    params: &'a UnarchiveParams,
    place: &'a str,
    archive: &'a str,
    content: Option<Bytes>,
    view: &'a View<'a>,
}

impl Pack {
    /// Looks at an archive.
    pub(super) fn look(
        params: &UnarchiveParams,
        place: &str,
        archive: &str,
        content: Option<Bytes>,
        view: &View<'_>,
    ) -> Result<Self, Halt> {
        let tool = Tool { params, place, archive, content, view };
        let kind = tool.kind()?;
        let (list, compare, unpack) = if kind == Kind::Zip {
            (tool.zip_list(), tool.zip_compare(), tool.unzip())
        } else {
            (tool.tar("--list"), tool.tar("--diff"), tool.tar("--extract"))
        };
        view.want([Query::Command(list.clone()), Query::Command(compare.clone())]);
        let listed = view.run(list)?;
        let names = tool.names(&run::stdout(&listed));
        if listed.status != 0 || names.is_empty() {
            let said = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
            let said = if said.is_empty() { "there is nothing in it".to_owned() } else { said };
            return fail(format!(
                "Failed to find handler for \"{archive}\". Make sure the required command to extract the file is \
                 installed. {said}"
            ));
        }
        let compared = view.run(compare.clone())?;
        let differences = tool.differences(kind, &compared);
        Ok(Self { kind, names, differs: !differences.is_empty(), differences, unpack, compare })
    }

    /// The original's name for it.
    pub(super) fn handler(&self) -> &'static str {
        match self.kind {
            Kind::Tar => "TarArchive",
            Kind::Gzip => "TgzArchive",
            Kind::Zip => "ZipArchive",
        }
    }

    /// The change that unpacks it.
    pub(super) fn unpack(&self) -> Change {
        let nothing = CommandOutput {
            status: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            started: 0,
            ended: 0,
            utc_offset: 0,
            timed_out: false,
        };
        Change::new(Action::Run(self.unpack.clone()))
            .effect(Effect::Answer(Query::Command(self.compare.clone()), Observation::Command(nothing)))
    }

    /// What is in it, and the directories at its top.
    pub(super) fn all(&self) -> Vec<String> {
        let mut all = self.names.clone();
        for name in &self.names {
            let top = name.split_once('/').map(|(top, _)| top.to_owned()).filter(|top| !top.is_empty());
            if let Some(top) = top.filter(|top| !all.contains(top) && !all.contains(&format!("{top}/"))) {
                all.push(top);
            }
        }
        all
    }
}

impl Tool<'_> {
    fn command(&self, words: Vec<String>) -> Command {
        self.beside(run::argv(self.view, words))
    }

    fn beside(&self, command: Command) -> Command {
        let mut command = command.env("LC_ALL", "C").env("LANGUAGE", "C").may_fail();
        command.files.extend(self.content.clone().map(|content| ("source".to_owned(), content)));
        command.directory = Some(self.place.to_owned());
        command
    }

    /// What kind it is, by its first bytes.
    fn kind(&self) -> Result<Kind, Halt> {
        let text = format!("head -c 6 {} | od -An -v -tx1 | tr -d ' \\n'", words::quote(self.archive));
        let output = self.view.run(self.beside(run::within(self.view, Command::shell(text))))?;
        let magic = run::stdout(&output);
        let is = |start: &str| magic.starts_with(start);
        Ok(match () {
            () if is("504b") => Kind::Zip,
            () if is("1f8b") => Kind::Gzip,
            () => Kind::Tar,
        })
    }

    fn tar(&self, what: &str) -> Command {
        let params = self.params;
        let mut words = vec!["tar".to_owned(), what.to_owned(), "-C".to_owned(), self.place.to_owned()];
        if !params.extra_opts.is_empty() {
            words.push("--show-transformed-names".to_owned());
            words.extend(params.extra_opts.iter().cloned());
        }
        if what != "--list" {
            for (name, value) in [("owner", &params.attributes.owner), ("group", &params.attributes.group)] {
                words.extend(value.as_ref().map(|value| format!("--{name}={value}")));
            }
            words.extend(params.keep_newer.then(|| "--keep-newer-files".to_owned()));
        }
        words.extend(params.exclude.iter().map(|path| format!("--exclude={}", path.trim_end_matches('/'))));
        words.extend(["-f".to_owned(), self.archive.to_owned()]);
        words.extend(params.include.iter().cloned());
        let mut command = self.command(words);
        command.must_succeed = what == "--extract";
        command
    }

    fn zip_words(&self) -> String {
        let params = self.params;
        let quote = |all: &[String]| all.iter().map(|word| words::quote(word)).collect::<Vec<_>>().join(" ");
        let mut text = format!("{} {}", words::quote(self.archive), quote(&params.include));
        if !params.exclude.is_empty() {
            text.push_str(&format!(" -x {}", quote(&params.exclude)));
        }
        text
    }

    fn zip_list(&self) -> Command {
        self.beside(run::within(self.view, Command::shell(format!("unzip -Z1 {}", self.zip_words()))))
    }

    fn unzip(&self) -> Command {
        let options: Vec<String> = self.params.extra_opts.iter().map(|option| words::quote(option)).collect();
        let options = options.join(" ");
        let newer = if self.params.keep_newer { "-u " } else { "" };
        let text = format!("unzip {newer}-o {options} {} -d {}", self.zip_words(), words::quote(self.place));
        let mut command = self.beside(run::within(self.view, Command::shell(text)));
        command.must_succeed = true;
        command
    }

    /// Unpacks it elsewhere for a moment and names what is not the same here.
    fn zip_compare(&self) -> Command {
        let text = format!(
            "t=$(mktemp -d) && trap 'rm -rf \"$t\"' EXIT && unzip -qq -o {} -d \"$t\" >/dev/null && cd \"$t\" && \
             find . ! -name . | while IFS= read -r f; do d={}/${{f#./}}; \
             if [ -L \"$f\" ]; then [ \"$(readlink \"$f\")\" = \"$(readlink \"$d\")\" ] || echo \"${{f#./}}: link differs\"; \
             elif [ -d \"$f\" ]; then [ -d \"$d\" ] || echo \"${{f#./}}: missing\"; \
             else cmp -s \"$f\" \"$d\" || echo \"${{f#./}}: content differs\"; fi; done",
            self.zip_words(),
            words::quote(self.place)
        );
        self.beside(run::within(self.view, Command::shell(text)))
    }

    fn names(&self, text: &str) -> Vec<String> {
        let excluded = |name: &str| {
            self.params.exclude.iter().any(|pattern| patterns::matches(pattern.trim_end_matches('/'), name))
        };
        text.lines()
            .map(|name| unescaped(name.strip_prefix('/').unwrap_or(name)))
            .filter(|name| !name.is_empty() && !excluded(name))
            .collect()
    }

    /// The lines that tell of something that unpacking would change.
    fn differences(&self, kind: Kind, output: &CommandOutput) -> Vec<String> {
        let (said, errors) = (run::stdout(output), String::from_utf8_lossy(&output.stderr).into_owned());
        if kind == Kind::Zip {
            return said.lines().map(str::to_owned).collect();
        }
        let attributes = &self.params.attributes;
        let is_root = self.view.context().user == "root";
        let counts = |line: &&str| {
            let ends = |end: &str| line.ends_with(end);
            if line.contains(": : Warning: Cannot stat: No such file or directory") {
                return false;
            }
            (is_root && attributes.owner.is_none() && ends(": Uid differs"))
                || (is_root && attributes.group.is_none() && ends(": Gid differs"))
                || (attributes.mode.is_none() && ends(": Mode differs"))
                || ends(": Mod time differs")
                || ends(": Warning: Cannot stat: No such file or directory")
                || ends(": Symlink differs")
                || ends(": Contents differ")
                || ends(": Size differs")
                || line.contains(": Invalid owner")
                || line.contains(": Invalid group")
        };
        said.lines().chain(errors.lines()).filter(counts).map(str::to_owned).collect()
    }
}

/// `tar` writes bytes that are no ASCII as octal numbers.
fn unescaped(name: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = name.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let mut value = None;
        for _ in 0..3 {
            let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
            value = Some(value.unwrap_or(0_u32) * 8 + u32::from(digit - b'0'));
        }
        match (value, bytes.peek()) {
            (Some(value), _) => out.push((value & 0xff) as u8),
            (None, Some(b'\\')) => {
                bytes.next();
                out.push(b'\\');
            }
            (None, _) => out.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn names_come_back_from_octal() {
        assert_eq!(unescaped(r"d/\303\274 \\x"), "d/ü \\x");
    }
}
