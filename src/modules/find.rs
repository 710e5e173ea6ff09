//! Lists files of the host by name, age, size, mode or content.
//!
//! ```yaml
//! - name: Logs that are older than a week
//!   ansible.builtin.find:
//!     paths: /var/log/app
//!     patterns: "*.log"
//!     age: 1w
//!     recurse: true
//!   register: old
//! ```

mod walk;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::encoding::Encoding;
use super::params::{Mode, ParamValue, PathText, Raw};
use super::paths;
use super::patterns;
use super::stat::{ChecksumAlgorithm, algorithm};
use super::view::View;
use super::write_file::EDIT_LIMIT;
use crate::base::pyregex::{self, Flags};
use crate::base::{Map, Value};
use crate::wire::{Algorithm, Command, Content, Digest, FileKind, Observation, Query, Stat};
use crate::{choices, params};

/// As `ansible.builtin.find`.
pub struct Find;

choices! {
    /// What is looked for.
    pub enum FileType { Any = "any", Directory = "directory", File = "file", Link = "link" }
}

choices! {
    /// The time that makes the age.
    pub enum AgeStamp { Accessed = "atime", Changed = "ctime", Modified = "mtime" }
}

params! {
    /// Parameters of `find`.
    pub struct FindParams {
        /// The directories that are searched.
        paths: Vec<PathText>, aliases ["name", "path"];
        /// Patterns of names (`*`, `?`, `[…]`, or with `use_regex` regular expressions); one must match. Left out, all do.
        patterns: Vec<String>, aliases ["pattern"];
        /// Patterns of names that are left out.
        excludes: Vec<String>, aliases ["exclude"];
        /// A regular expression that must match at the beginning of a line of a file, or with `read_whole_file`
        /// anywhere in it.
        contains: Option<String>;
        /// Whether `contains` looks at the file as a whole.
        read_whole_file: bool = false;
        /// What is looked for.
        file_type: FileType = FileType::File;
        /// The least age: a number of seconds or with a letter of minutes, hours, days, weeks (`2d`); negative: the most.
        age: Option<String>;
        /// The time that makes the age.
        age_stamp: AgeStamp = AgeStamp::Modified;
        /// The least size: a number of bytes or with a letter `b`, `k`, `m`, `g`, `t`; negative: the most. It does not
        /// count for directories.
        size: Option<String>;
        /// Whether directories below are searched too.
        recurse: bool = false;
        /// Whether names that begin with a dot count.
        hidden: bool = false;
        /// Whether links to directories are followed.
        follow: bool = false;
        /// Whether the checksums of files are told.
        get_checksum: bool = false;
        /// The hash function of the checksums.
        checksum_algorithm: ChecksumAlgorithm = ChecksumAlgorithm::Sha1, aliases ["checksum", "checksum_algo"];
        /// Whether the patterns are regular expressions.
        use_regex: bool = false;
        /// How many levels are searched.
        depth: Option<u32>;
        /// The permissions that are looked for, octal or symbolic.
        mode: Option<Raw>;
        /// Whether the permissions must be these; otherwise one of their bits is enough.
        exact_mode: bool = true;
        /// The encoding of files that `contains` looks into, as Python names it. By default `utf-8`.
        encoding: Option<String>;
        /// How many matches are enough.
        limit: Option<i64>;
    }
}

impl Module for Find {
    type Params = FindParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "find",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("find.rs"),
        returns: &[
            ("files", "what was found, each with its path and what `stat` tells"),
            ("matched", "how many were found"),
            ("examined", "how many were looked at"),
            ("skipped_paths", "paths that could not be searched, and why"),
            ("msg", "whether all paths were examined"),
        ],
    };

    fn plan(params: &FindParams, view: &View<'_>) -> Result<Step, Halt> {
        let filter = Filter::new(params, view)?;
        let mut found = walk::Found::default();
        for path in &params.paths {
            let path = paths::checked("paths", path)?;
            walk::walk(params, &path, &mut found, &filter, view)?;
        }
        let walk::Found { files, examined, skipped, warnings, limited } = found;
        let message = if warnings.is_empty() {
            if limited { "Limit of matches reached" } else { "All paths examined" }
        } else {
            "Not all paths examined, check warnings for details"
        };
        let matched = files.len();
        let mut plan =
            Plan::nothing(format!("found {matched} of {}", crate::base::names::count(examined, "path")));
        plan.warnings = warnings;
        plan.result = crate::map! {
            "files" => Value::list(files), "msg" => message, "matched" => matched, "examined" => examined,
            "skipped_paths" => Value::map(skipped),
        };
        Ok(Step::Plan(plan))
    }
}

/// What a path must be.
struct Filter<'a> {
    params: &'a FindParams,
    age: Option<(f64, f64)>,
    size: Option<i64>,
    mode: Option<u32>,
    patterns: Names<'a>,
    excludes: Option<Names<'a>>,
    contains: Option<fancy_regex::Regex>,
}

enum Names<'a> {
    Globs(Vec<&'a str>),
    Regexes(Vec<fancy_regex::Regex>),
}

impl<'a> Names<'a> {
    fn new(patterns: &[&'a str], is_regex: bool) -> Result<Self, Halt> {
        if !is_regex {
            return Ok(Self::Globs(patterns.to_vec()));
        }
        // as `re.match`: at the beginning
        let anchored = |pattern: &&str| pyregex::compile(&format!(r"\A(?:{pattern})"), Flags::default());
        patterns.iter().map(anchored).collect::<Result<_, _>>().map(Self::Regexes).or_else(fail)
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Globs(all) => all.iter().any(|pattern| patterns::matches(pattern, name)),
            Self::Regexes(all) => all.iter().any(|regex| regex.is_match(name).unwrap_or(false)),
        }
    }
}

/// A number with a unit, as `-2d`.
fn amount(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let (digits, unit) = match text.chars().last().and_then(|c| units.iter().find(|(unit, _)| *unit == c)) {
        Some((unit, factor)) => (text.trim_end_matches(*unit), *factor),
        None => (text.as_str(), 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

impl<'a> Filter<'a> {
    fn new(params: &'a FindParams, view: &View<'_>) -> Result<Self, Halt> {
        let refuse = |key: &'static str, given: &str| {
            let result = crate::map! {key => given};
            Err(Failed { message: format!("failed to process {key}"), result, ..Failed::default() }.into())
        };
        let mode = match &params.mode {
            None => None,
            Some(Raw(Value::Str(text))) if text.is_empty() => None,
            Some(Raw(value @ Value::Str(_))) => Some(Mode::read(value).or_else(fail)?.apply(0, false, 0)),
            Some(Raw(value)) => {
                return fail(format!(
                    "argument 'mode' is not a string and conversion is not allowed, value is of type {}",
                    value.type_name()
                ));
            }
        };
        let seconds = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
        let bytes = [('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];
        let age = match &params.age {
            None => None,
            Some(text) => match amount(text, &seconds) {
                Some(age) => Some((now(view)?, age as f64)),
                None => return refuse("age", text),
            },
        };
        let size = match &params.size {
            None => None,
            Some(text) => match amount(text, &bytes) {
                Some(size) => Some(size),
                None => return refuse("size", text),
            },
        };
        if let Some(limit) = params.limit.filter(|limit| *limit <= 0) {
            return fail(format!("limit cannot be {limit} (use None for unlimited)"));
        }
        let all = if params.use_regex { ".*" } else { "*" };
        let patterns: Vec<&str> = params.patterns.iter().map(String::as_str).collect();
        let patterns = if patterns.is_empty() { vec![all] } else { patterns };
        let excludes: Vec<&str> = params.excludes.iter().map(String::as_str).collect();
        let excludes = (!excludes.is_empty()).then(|| Names::new(&excludes, params.use_regex)).transpose()?;
        let contains = params.contains.as_deref();
        let contains = contains.map(|pattern| {
            let pattern =
                if params.read_whole_file { pattern.to_owned() } else { format!(r"\A(?:{pattern})") };
            pyregex::compile(&pattern, Flags::default())
        });
        let contains = contains.transpose().or_else(fail)?;
        let patterns = Names::new(&patterns, params.use_regex)?;
        Ok(Self { params, age, size, mode, patterns, excludes, contains })
    }

    /// Whether a path is one of those, its content aside.
    fn takes(&self, name: &str, stat: &Stat) -> bool {
        let named =
            self.patterns.matches(name) && !self.excludes.as_ref().is_some_and(|not| not.matches(name));
        named
            && self.is_kind(stat.kind)
            && self.is_old(stat)
            && self.is_large(stat)
            && self.is_mode(stat.mode)
    }

    fn is_kind(&self, kind: FileKind) -> bool {
        match self.params.file_type {
            FileType::Any => true,
            FileType::Directory => kind == FileKind::Directory,
            FileType::File => kind == FileKind::File,
            FileType::Link => kind == FileKind::Symlink,
        }
    }

    fn is_old(&self, stat: &Stat) -> bool {
        let Some((now, age)) = self.age else { return true };
        let time = match self.params.age_stamp {
            AgeStamp::Accessed => stat.accessed,
            AgeStamp::Changed => stat.changed,
            AgeStamp::Modified => stat.modified,
        };
        let is = now - time as f64 / 1e9;
        if age >= 0.0 { is >= age } else { is <= -age }
    }

    fn is_large(&self, stat: &Stat) -> bool {
        if stat.kind != FileKind::File {
            return true;
        }
        let is = i64::try_from(stat.size).unwrap_or(i64::MAX);
        self.size.is_none_or(|size| if size >= 0 { is >= size } else { is <= -size })
    }

    fn is_mode(&self, mode: u32) -> bool {
        self.mode
            .is_none_or(|wanted| if self.params.exact_mode { mode == wanted } else { mode & wanted != 0 })
    }

    /// Whether a file's content is as wanted; the error says why it cannot be read as text.
    fn contains(&self, path: &str, view: &View<'_>) -> Result<Result<bool, String>, Halt> {
        let Some(regex) = &self.contains else { return Ok(Ok(true)) };
        let query = content_query(path);
        let bytes = match view.ask(&query) {
            Ok(answer) => match &*answer {
                Observation::Content(Content::Bytes(bytes)) => bytes.clone(),
                Observation::Content(Content::TooLarge { size }) => {
                    return fail(format!(
                        "searching in a file of {size} bytes is not supported: `{path}`, the limit is {EDIT_LIMIT}"
                    ));
                }
                _ => return Ok(Ok(false)),
            },
            // as the original: what cannot be read does not contain it
            Err(Halt::Failed(_)) => return Ok(Ok(false)),
            Err(halt) => return Err(halt),
        };
        let name = self.params.encoding.as_deref().unwrap_or("utf-8");
        let Some(known) = Encoding::find(name) else { return Ok(Err(format!("unknown encoding: {name}"))) };
        let Some(text) = known.decode(&bytes) else {
            let encoding = self
                .params
                .encoding
                .as_deref()
                .unwrap_or("None (default determined by the Python built-in function \"open\")");
            let because = "Failed to read the file";
            return Ok(Err(format!(
                "{because} {path} due to an encoding error. current encoding: {encoding}"
            )));
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let is_in = |text: &str| regex.is_match(text).unwrap_or(false);
        Ok(Ok(if self.params.read_whole_file { is_in(&text) } else { text.split_inclusive('\n').any(is_in) }))
    }
}

fn content_query(path: &str) -> Query {
    Query::Content { path: path.to_owned(), limit: EDIT_LIMIT }
}

/// The host's clock, in seconds.
fn now(view: &View<'_>) -> Result<f64, Halt> {
    let output = view.run(Command::argv(["date", "+%s.%N"]))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.trim().trim_end_matches(".%N").trim_end_matches(".N");
    text.parse().or_else(|_| fail(format!("`date` printed `{text}`")))
}

/// What is told of a path.
fn told(params: &FindParams, path: &str, stat: &Stat, view: &View<'_>) -> Result<Map, Halt> {
    let is = |wanted| stat.kind == wanted;
    let bit = |bit: u32| stat.mode & bit != 0;
    let seconds = |nanoseconds: i64| nanoseconds as f64 / 1e9;
    let text = |name: &Option<String>| name.clone().unwrap_or_default();
    let mut keys = crate::map! {
        "path" => path, "mode" => format!("{:04o}", stat.mode),
        "isdir" => is(FileKind::Directory), "ischr" => is(FileKind::CharDevice), "isblk" => is(FileKind::BlockDevice),
        "isreg" => is(FileKind::File), "isfifo" => is(FileKind::Fifo), "islnk" => is(FileKind::Symlink),
        "issock" => is(FileKind::Socket),
        "uid" => stat.uid, "gid" => stat.gid, "size" => stat.size, "inode" => stat.inode, "dev" => stat.device,
        "nlink" => stat.links, "atime" => seconds(stat.accessed), "mtime" => seconds(stat.modified),
        "ctime" => seconds(stat.changed), "gr_name" => text(&stat.group), "pw_name" => text(&stat.owner),
        "wusr" => bit(0o200), "rusr" => bit(0o400), "xusr" => bit(0o100),
        "wgrp" => bit(0o020), "rgrp" => bit(0o040), "xgrp" => bit(0o010),
        "woth" => bit(0o002), "roth" => bit(0o004), "xoth" => bit(0o001),
        "isuid" => bit(0o4000), "isgid" => bit(0o2000),
    };
    if params.get_checksum && stat.kind == FileKind::File {
        let sum = match view.digest(path, sum_of(params))? {
            Digest::Hash { hex, .. } => Value::from(hex),
            _ => Value::Null,
        };
        keys.insert("checksum".into(), sum);
    }
    Ok(keys)
}

fn sum_of(params: &FindParams) -> Algorithm {
    algorithm(params.checksum_algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        let units = [('s', 1), ('m', 60)];
        assert_eq!(amount("-2m", &units), Some(-120));
        assert_eq!((amount("7", &units), amount("3S", &units)), (Some(7), Some(3)));
        assert_eq!((amount("m", &units), amount("1x", &units)), (None, None));
    }
}
