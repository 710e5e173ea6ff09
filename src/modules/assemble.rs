//! Makes a file of the fragments in a directory, in the order of their names.
//!
//! ```yaml
//! - name: One configuration of many parts
//!   ansible.builtin.assemble:
//!     src: /etc/app/conf.d
//!     dest: /etc/app/app.conf
//!     regexp: '\.conf$'
//!     validate: app --check %s
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file;
use super::params::PathText;
use super::paths;
use super::view::{InTree, Links, Search, View};
use super::write_file::{self, EDIT_LIMIT, Replace, Show, Write};
use crate::base::Map;
use crate::base::pyregex::{self, Flags};
use crate::params;
use crate::wire::action::{Bytes, hex};
use crate::wire::{Content, Done, Failure, FileKind, Follow, Observation, Query};

/// As `ansible.builtin.assemble`.
pub struct Assemble;

params! {
    /// Parameters of `assemble`.
    pub struct AssembleParams {
        /// The directory with the fragments: of the host, or with `remote_src: false` of the project.
        src: PathText;
        /// The file that is made.
        dest: PathText;
        /// What stands between fragments.
        delimiter: Option<String>;
        /// A regular expression; only fragments in whose name it finds something count.
        regexp: Option<String>;
        /// Whether fragments whose name begins with a dot are left out.
        ignore_hidden: bool = false;
        /// Whether the fragments are on the host.
        remote_src: bool = true;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
        /// Whether fragments that are encrypted with Ansible's vault are decrypted.
        decrypt: bool = true;
    }
    include { attributes: FileAttributes }
}

impl Module for Assemble {
    type Params = AssembleParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "assemble",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("assemble.rs"),
        returns: &[
            ("dest", "the file that was made"),
            ("src", "the directory with the fragments"),
            ("checksum", "SHA-1 of the content"),
            ("md5sum", "MD5 of the content"),
            ("backup_file", "the former file, where it was kept"),
        ],
    };

    fn plan(params: &AssembleParams, view: &View<'_>) -> Result<Step, Halt> {
        let dest = paths::checked("dest", &params.dest)?;
        view.want(write_file::queries(&dest, &params.attributes));
        let regex = params.regexp.as_deref().map(|pattern| {
            pyregex::compile(pattern, Flags::default())
                .map_err(|error| format!("Invalid Regexp ({error}) in \"{pattern}\""))
        });
        let regex = regex.transpose().or_else(fail)?;
        let takes = |name: &str| {
            regex.as_ref().is_none_or(|regex| regex.is_match(name).unwrap_or(false))
                && !(params.ignore_hidden && name.starts_with('.'))
        };
        let (src, fragments) =
            if params.remote_src { remote(params, &takes, view)? } else { local(params, &takes, view)? };
        let whole = assembled(params, &fragments).or_else(fail)?;
        let md5 = hex(&<md5::Md5 as md5::Digest>::digest(&whole));
        let content = Bytes::Inline(whole);
        let sha1 = content.sha1();
        let mut plan = Plan::default();
        write_file::directory_is_there(&mut plan, &dest, view)?;
        let write = Write {
            module: "assemble",
            dest: paths::trimmed(&dest),
            sha1: &sha1,
            content: &|| Ok(content.clone()),
            known: None,
            show: Show::Text,
            attributes: &params.attributes,
            mode: params.attributes.mode.clone(),
            follow: Follow::No,
            replace: Replace::Differing,
            backup: params.backup,
            validate: params.validate.as_deref(),
        };
        write_file::write(&mut plan, &write, view)?;
        plan.result.shift_remove("path");
        let keys = crate::map! {"src" => src, "dest" => dest, "checksum" => sha1, "md5sum" => md5};
        plan.result.extend(keys);
        if params.remote_src {
            plan.result.insert("msg".into(), "OK".into());
        }
        Ok(Step::Plan(plan))
    }

    fn result(_: &AssembleParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }

    fn failure(_: &AssembleParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

type Fragments = (String, Vec<Vec<u8>>);

fn remote(params: &AssembleParams, takes: &dyn Fn(&str) -> bool, view: &View<'_>) -> Result<Fragments, Halt> {
    let src = paths::checked("src", &params.src)?;
    let list = Query::List { path: paths::trimmed(&src).to_owned() };
    view.want([Query::Stat { path: paths::trimmed(&src).to_owned(), follow: Follow::Yes }, list.clone()]);
    match view.stat(paths::trimmed(&src), Follow::Yes)? {
        None => return fail(format!("Source ({src}) does not exist")),
        Some(stat) if stat.kind != FileKind::Directory => {
            return fail(format!("Source ({src}) is not a directory"));
        }
        Some(_) => {}
    }
    let entries = view.entries(&list)?.unwrap_or_default();
    let files: Vec<String> = entries
        .iter()
        .filter(|entry| matches!(entry.stat.kind, FileKind::File | FileKind::Symlink) && takes(&entry.name))
        .map(|entry| paths::join(&src, &entry.name))
        .collect();
    let content = |path: &String| Query::Content { path: path.clone(), limit: EDIT_LIMIT };
    view.want(files.iter().map(content));
    let mut fragments = Vec::new();
    for path in &files {
        match &*view.ask(&content(path))? {
            Observation::Content(Content::Bytes(bytes)) => fragments.push(bytes.clone()),
            Observation::Content(Content::TooLarge { size }) => {
                return fail(format!(
                    "a fragment of {size} bytes is not supported: `{path}`, the limit is {EDIT_LIMIT}"
                ));
            }
            // a link to a directory, or to nothing
            _ => {}
        }
    }
    Ok((src, fragments))
}

fn local(params: &AssembleParams, takes: &dyn Fn(&str) -> bool, view: &View<'_>) -> Result<Fragments, Halt> {
    let controller = view.controller();
    let source = controller.find(Search::Files, &params.src)?;
    let shown = source.display().to_string();
    if !controller.is_directory(&source) {
        return fail(format!("Source ({shown}) is not a directory"));
    }
    let mut names: Vec<String> = controller
        .tree(&source, Links::Followed)?
        .into_iter()
        .filter(|(name, kind)| *kind == InTree::File && !name.contains('/') && takes(name))
        .map(|(name, _)| name)
        .collect();
    names.sort();
    let mut fragments = Vec::new();
    for name in names {
        let (mut content, _) = controller.read(&source.join(&name))?;
        if params.decrypt {
            content = write_file::decrypted(content, &source.join(&name), view)?.0;
        }
        match content {
            Bytes::Inline(bytes) => fragments.push(bytes),
            Bytes::Sent { size, .. } | Bytes::OnHost { size, .. } => {
                return fail(format!("a fragment of {size} bytes is not supported: `{shown}/{name}`"));
            }
        }
    }
    Ok((shown, fragments))
}

/// The fragments in one.
fn assembled(params: &AssembleParams, fragments: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let delimiter = params.delimiter.as_deref().filter(|text| !text.is_empty()).map(unescaped).transpose()?;
    let mut whole: Vec<u8> = Vec::new();
    for (number, fragment) in fragments.iter().enumerate() {
        if number > 0 {
            if fragments.get(number - 1).is_some_and(|before| !before.ends_with(b"\n")) {
                whole.push(b'\n');
            }
            if let Some(delimiter) = &delimiter {
                whole.extend(delimiter);
                // as the original: for fragments of the project whether there is one or not
                if !params.remote_src || !delimiter.ends_with(b"\n") {
                    whole.push(b'\n');
                }
            }
        }
        whole.extend(fragment);
    }
    Ok(whole)
}

/// A text with escapes, as `codecs.escape_decode`.
fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else { return Err(format!("Trailing \\ in string: {text}")) };
        match escaped {
            b'\n' => {}
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(escaped),
            b'x' => {
                let digits: String =
                    [bytes.next(), bytes.next()].into_iter().flatten().map(char::from).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                out.push(byte.ok_or_else(|| format!("invalid \\x escape in `{text}`"))?);
            }
            b'0'..=b'7' => {
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                out.push((value & 0xff) as u8);
            }
            other => out.extend([b'\\', other]),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_pythons() {
        assert_eq!(unescaped(r"--\n\x41\101\q").unwrap(), b"--\nAA\\q");
        assert!(unescaped(r"\x4").is_err() && unescaped("\\").is_err());
    }
}
