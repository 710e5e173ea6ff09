//! Tells what a path is: whether it exists, its kind, permissions, owner, times, size and checksum.
//!
//! ```yaml
//! - name: Is there a database already
//!   ansible.builtin.stat:
//!     path: /var/lib/app/data.db
//!     get_checksum: false
//!   register: database
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::params::PathText;
use super::paths;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Algorithm, Command, Digest, FileKind, Follow, Query, Stat};
use crate::{choices, params};

/// As `ansible.builtin.stat`.
pub struct StatPath;

choices! {
    /// A hash function.
    pub enum ChecksumAlgorithm {
        Md5 = "md5", Sha1 = "sha1", Sha224 = "sha224", Sha256 = "sha256", Sha384 = "sha384", Sha512 = "sha512",
    }
}

params! {
    /// Parameters of `stat`.
    pub struct StatParams {
        /// The path that is looked at.
        path: PathText, aliases ["dest", "name"];
        /// Whether, where it is a symbolic link, what it leads to is told instead of the link.
        follow: bool = false;
        /// Whether the checksum of a regular file is told. It takes reading the whole file.
        get_checksum: bool = true;
        /// Whether the kind of content is told, as the host's `file` guesses it; `unknown` where there is no `file`.
        get_mime: bool = true, aliases ["mime", "mime_type", "mime-type"];
        /// Whether the flags of the file system are told, as the host's `lsattr` lists them.
        get_attributes: bool = true, aliases ["attr", "attributes"];
        /// The hash function of the checksum.
        checksum_algorithm: ChecksumAlgorithm = ChecksumAlgorithm::Sha1, aliases ["checksum", "checksum_algo"];
    }
}

impl Module for StatPath {
    type Params = StatParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "stat",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("stat.rs"),
        returns: &[("stat", "what the path is: `exists`, and where it does all else by name, as `stat(2)`")],
    };

    fn plan(params: &StatParams, view: &View<'_>) -> Result<Step, Halt> {
        let StatParams { path, follow, get_checksum, get_mime, get_attributes, checksum_algorithm } = params;
        let path = paths::checked("path", path)?;
        let follow = if *follow { Follow::Yes } else { Follow::No };
        let algorithm = algorithm(*checksum_algorithm);
        let (mime, flags) = (mime_command(&path), flags_command(&path));
        view.want([Query::Stat { path: path.clone(), follow }]);
        if *get_checksum {
            view.want([Query::Digest { path: path.clone(), algorithm, limit: None }]);
        }
        let commands = [(*get_mime, &mime), (*get_attributes, &flags)];
        view.want(commands.into_iter().filter(|(wanted, _)| *wanted).map(|(_, c)| Query::Command(c.clone())));

        let Some(stat) = view.stat(&path, follow)? else {
            return Ok(step("absent", crate::map! {"exists" => false}));
        };
        let mut found = facts(&path, &stat);
        if *get_checksum
            && stat.kind == FileKind::File
            && stat.readable
            && let Digest::Hash { hex, .. } = view.digest(&path, algorithm)?
        {
            found.insert("checksum".into(), hex.into());
        }
        if *get_mime {
            let (kind, charset) = output(view, mime)?.as_deref().and_then(mime_of).unwrap_or_else(unknown);
            found.extend(crate::map! {"mimetype" => kind, "charset" => charset});
        }
        if *get_attributes {
            found.extend(flags_of(output(view, flags)?.as_deref().unwrap_or_default()));
        }
        Ok(step(super::attributes::state(stat.kind, 1), found))
    }
}

fn step(summary: &str, stat: Map) -> Step {
    Step::Plan(Plan::nothing(summary).with("stat", stat))
}

pub(super) fn algorithm(choice: ChecksumAlgorithm) -> Algorithm {
    match choice {
        ChecksumAlgorithm::Md5 => Algorithm::Md5,
        ChecksumAlgorithm::Sha1 => Algorithm::Sha1,
        ChecksumAlgorithm::Sha224 => Algorithm::Sha224,
        ChecksumAlgorithm::Sha256 => Algorithm::Sha256,
        ChecksumAlgorithm::Sha384 => Algorithm::Sha384,
        ChecksumAlgorithm::Sha512 => Algorithm::Sha512,
    }
}

/// What `stat(2)` and `access(2)` tell, under Ansible's names.
fn facts(path: &str, stat: &Stat) -> Map {
    let Stat {
        kind,
        mode,
        uid,
        gid,
        owner,
        group,
        size,
        inode,
        device,
        links,
        blocks,
        block_size,
        device_type,
        accessed,
        modified,
        changed,
        target,
        resolved,
        readable,
        writeable,
        executable,
        context: _,
        predicted: _,
    } = stat;
    let seconds = |nanoseconds: i64| nanoseconds as f64 / 1e9;
    let is = |wanted| *kind == wanted;
    let bit = |bit: u32| mode & bit != 0;
    let mut found = crate::map! {
        "exists" => true, "path" => path, "mode" => format!("{mode:04o}"),
        "isdir" => is(FileKind::Directory), "ischr" => is(FileKind::CharDevice), "isblk" => is(FileKind::BlockDevice),
        "isreg" => is(FileKind::File), "isfifo" => is(FileKind::Fifo), "islnk" => is(FileKind::Symlink),
        "issock" => is(FileKind::Socket),
        "uid" => *uid, "gid" => *gid, "size" => *size, "inode" => *inode, "dev" => *device, "nlink" => *links,
        "atime" => seconds(*accessed), "mtime" => seconds(*modified), "ctime" => seconds(*changed),
        "wusr" => bit(0o200), "rusr" => bit(0o400), "xusr" => bit(0o100),
        "wgrp" => bit(0o020), "rgrp" => bit(0o040), "xgrp" => bit(0o010),
        "woth" => bit(0o002), "roth" => bit(0o004), "xoth" => bit(0o001),
        "isuid" => bit(0o4000), "isgid" => bit(0o2000),
        "blocks" => *blocks, "block_size" => *block_size, "device_type" => *device_type,
        "readable" => *readable, "writeable" => *writeable, "executable" => *executable,
    };
    if let Some(target) = target {
        let source = resolved.clone().unwrap_or_else(|| paths::join(paths::parent(path), target));
        found.extend(crate::map! {"lnk_source" => source, "lnk_target" => target.as_str()});
    }
    for (name, value) in [("pw_name", owner), ("gr_name", group)] {
        if let Some(value) = value {
            found.insert(name.into(), value.as_str().into());
        }
    }
    found
}

fn mime_command(path: &str) -> Command {
    Command::shell(format!("file --mime-type --mime-encoding {}", paths::shell_word(path))).may_fail()
}

fn flags_command(path: &str) -> Command {
    Command::shell(format!("lsattr -vd {}", paths::shell_word(path))).may_fail()
}

/// The output of a command that the host may lack.
fn output(view: &View<'_>, command: Command) -> Result<Option<String>, Halt> {
    let output = view.run(command)?;
    Ok((output.status == 0).then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn unknown() -> (String, String) {
    ("unknown".to_owned(), "unknown".to_owned())
}

/// `/etc/x: text/plain; charset=us-ascii`.
fn mime_of(output: &str) -> Option<(String, String)> {
    let (kind, charset) = output.rsplit_once(':')?.1.split_once(';')?;
    Some((kind.trim().to_owned(), charset.split_once('=')?.1.trim().to_owned()))
}

/// `1234567 --------------e------- /etc/x`: generation and flags.
fn flags_of(output: &str) -> Map {
    let mut words = output.split_whitespace();
    let version = words.next();
    let flags = words.next().unwrap_or_default().replace('-', "");
    let names = flags.chars().filter_map(flag_name).map(Value::from);
    crate::map! {
        "version" => version.map_or(Value::Null, Value::from),
        "attributes" => Value::list(names),
        "attr_flags" => flags.as_str(),
    }
}

fn flag_name(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_the_hosts_commands_are_read() {
        let mime = mime_of("/a: b: inode/directory; charset=binary\n");
        assert_eq!(mime, Some(("inode/directory".to_owned(), "binary".to_owned())));
        assert_eq!(mime_of("nonsense"), None);
        let flags = flags_of("1801212538 ----i---------e------- /etc/x\n");
        assert_eq!(flags.get("attr_flags"), Some(&Value::from("ie")));
        assert_eq!(flags.get("version"), Some(&Value::from("1801212538")));
        assert_eq!(flags.get("attributes").unwrap().to_text(), "['immutable', 'extents']");
        assert_eq!(flags_of("").get("version"), Some(&Value::Null));
    }
}
