//! Packs files of the host into an archive, or compresses one.
//!
//! ```yaml
//! - name: The settings are kept
//!   community.general.archive:
//!     path: /etc/app
//!     dest: /var/backups/app.tar.gz
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::PathText;
use super::paths;
use super::patterns;
use super::run;
use super::view::View;
use super::words;
use super::write_file;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, Done, Failure, FileKind, Follow, Query, Sealed};
use crate::{choices, params};

/// As `community.general.archive`.
pub struct Archive;

choices! {
    /// How it is packed.
    pub enum Format { Bz2 = "bz2", Gz = "gz", Tar = "tar", Xz = "xz", Zip = "zip" }
}

params! {
    /// Parameters of `archive`.
    pub struct ArchiveParams {
        /// What is packed: files and directories of the host, or patterns of them.
        path: Vec<PathText>;
        /// How it is packed.
        format: Format = Format::Gz;
        /// The archive. Left out, it is the one path with the format's ending.
        dest: Option<PathText>;
        /// What is left out: paths, or patterns of them.
        exclude_path: Vec<PathText>;
        /// Patterns of names that are left out.
        exclusion_patterns: Vec<String>;
        /// Whether a single file is packed as an archive too, not only compressed.
        force_archive: bool = false;
        /// Whether what was packed is removed.
        remove: bool = false;
    }
    include { attributes: FileAttributes }
}

impl Module for Archive {
    type Params = ArchiveParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "archive",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("archive.rs"),
        returns: &[
            ("dest", "the archive"),
            ("archived", "what was packed"),
            ("missing", "what was not there"),
            ("expanded_paths", "the paths that were meant"),
            ("expanded_exclude_paths", "the paths that were left out"),
            ("arcroot", "the directory that names in the archive are relative to"),
            ("dest_state", "whether it is an archive or one compressed file"),
        ],
    };

    fn plan(params: &ArchiveParams, view: &View<'_>) -> Result<Step, Halt> {
        if !params.exclusion_patterns.is_empty() && params.format == Format::Zip {
            return fail("`exclusion_patterns` of `archive` with `format: zip` is not supported yet");
        }
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for path in &params.path {
            let path = paths::checked("path", path)?;
            let some = expand(&path, view)?;
            if some.is_empty() {
                missing.push(path);
            }
            found.extend(some);
        }
        let mut excluded = Vec::new();
        for path in &params.exclude_path {
            excluded.extend(expand(&paths::checked("exclude_path", path)?, view)?);
        }
        found.retain(|path| !excluded.contains(path));
        let single = match (found.as_slice(), params.path.as_slice()) {
            ([file], [_]) => view.stat(file, Follow::Yes)?.is_some_and(|stat| stat.kind == FileKind::File),
            _ => false,
        } && !params.force_archive
            && !matches!(params.format, Format::Tar | Format::Zip);
        let dest = match (&params.dest, found.as_slice()) {
            (Some(dest), _) => paths::checked("dest", dest)?,
            (None, [path]) => format!("{path}.{}", ending(params.format, single)),
            (None, _) => {
                return fail("Error, must specify \"dest\" when archiving multiple files or trees");
            }
        };
        if found.is_empty() {
            let message = format!("Error, no source paths were found: {}", missing.join(", "));
            return fail(message);
        }
        let root = common(&found);
        let text = text(params, &found, &excluded, &root, &dest, single);
        let mut command = run::within(view, Command::shell(text));
        command.stdin =
            Some(Sealed::text(found.iter().flat_map(|path| [below(path, &root), "\0"]).collect::<String>()));
        let mut plan = Plan { summary: format!("pack {dest}"), opaque: true, ..Plan::default() };
        plan.diffs.push(Diff::attribute(&dest, "content of", "", found.join(", ")));
        plan = plan.change(Change::new(Action::Run(command)));
        let wish = params.attributes.wish("archive", None, view)?.fresh(&dest, FileKind::File);
        if let Some(change) = super::attributes::set(&dest, &wish) {
            plan = plan.change(change);
        }
        if params.remove {
            for path in &found {
                plan = plan.change(Change::new(Action::Remove { path: path.clone() }));
            }
        }
        let list = |all: &[String]| Value::list(all.iter().map(|path| Value::from(path.as_str())));
        plan.result = crate::map! {
            "dest" => dest, "archived" => list(&found), "missing" => list(&missing), "expanded_paths" => list(&found),
            "expanded_exclude_paths" => list(&excluded), "arcroot" => format!("{}/", root.trim_end_matches('/')),
            "state" => if single { "compress" } else { "archive" }, "dest_state" => if single { "compress" } else { "archive" },
        };
        Ok(Step::Plan(plan))
    }

    fn result(_: &ArchiveParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = write_file::final_result(view, plan, outcomes)?;
        if let Some(Done::Ran(output)) = outcomes.first() {
            let same = run::stdout(output).trim() == "same";
            result.insert("changed".into(), (!same || outcomes.len() > 1).into());
        }
        Ok(result)
    }

    fn failure(_: &ArchiveParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("cannot pack it", failure)
    }
}

fn ending(format: Format, single: bool) -> &'static str {
    match (format, single) {
        (Format::Tar, _) => "tar",
        (Format::Zip, _) => "zip",
        (Format::Gz, true) => "gz",
        (Format::Bz2, true) => "bz2",
        (Format::Xz, true) => "xz",
        (Format::Gz, false) => "tar.gz",
        (Format::Bz2, false) => "tar.bz2",
        (Format::Xz, false) => "tar.xz",
    }
}

/// What a path or pattern means on the host: of a pattern, what is in its directory.
fn expand(path: &str, view: &View<'_>) -> Result<Vec<String>, Halt> {
    let path = paths::trimmed(path);
    if !patterns::is_pattern(path) {
        let is_there = view.stat(path, Follow::No)?.is_some();
        return Ok(if is_there { vec![path.to_owned()] } else { Vec::new() });
    }
    let above = paths::parent(path);
    if patterns::is_pattern(above) {
        return fail(format!("a pattern is supported in the last part of a path only: `{path}`"));
    }
    let name = paths::basename(path);
    let entries = view.entries(&Query::List { path: above.to_owned() })?.unwrap_or_default();
    let hidden = name.starts_with('.');
    Ok(entries
        .iter()
        .filter(|entry| (hidden || !entry.name.starts_with('.')) && patterns::matches(name, &entry.name))
        .map(|entry| paths::join(above, &entry.name))
        .collect())
}

/// The directory that all paths are in.
fn common(all: &[String]) -> String {
    let mut root = all.first().map_or("/", |path| paths::parent(path)).to_owned();
    while root != "/" && !all.iter().all(|path| path.starts_with(&format!("{root}/"))) {
        root = paths::parent(&root).to_owned();
    }
    root
}

fn below<'a>(path: &'a str, root: &str) -> &'a str {
    path.strip_prefix(root).unwrap_or(path).trim_start_matches('/')
}

/// The shell's text: packed beside its place; it says `same` where the content was the same before.
fn text(
    params: &ArchiveParams,
    found: &[String],
    excluded: &[String],
    root: &str,
    dest: &str,
    single: bool,
) -> String {
    let (root_word, dest) = (paths::shell_word(root), paths::shell_word(dest));
    let packer = match params.format {
        Format::Bz2 => "bzip2 -c",
        Format::Gz => "gzip -nc",
        Format::Xz => "xz -c",
        Format::Tar | Format::Zip => "cat",
    };
    let pack = if single {
        let file = found.first().map(|file| paths::shell_word(file)).unwrap_or_default();
        format!("{packer} {file} >\"$t\"")
    } else if params.format == Format::Zip {
        let not: String = excluded
            .iter()
            .flat_map(|path| [below(path, root).to_owned(), format!("{}/*", below(path, root))])
            .flat_map(|path| [" -x ".to_owned(), words::quote(&path)])
            .collect();
        format!(
            "rm -f \"$t\" && xargs -0 sh -c 'zip -qry \"$0\" \"$@\"{}' \"$t\"",
            not.replace('\'', "'\\''")
        )
    } else {
        let not = excluded.iter().map(|path| below(path, root).to_owned());
        let not: String = not
            .chain(params.exclusion_patterns.iter().cloned())
            .flat_map(|path| [" --exclude=".to_owned(), words::quote(&path)])
            .collect();
        format!("tar -c --null{not} -T - -f - | {packer} >\"$t\"")
    };
    let sum = match params.format {
        Format::Zip => "unzip -v",
        Format::Bz2 => "bzip2 -dc",
        Format::Gz => "gzip -dc",
        Format::Xz => "xz -dc",
        Format::Tar => "cat",
    };
    format!(
        "cd {root_word} && t=$(mktemp {dest}.XXXXXX) && trap 'rm -f \"$t\"' EXIT && {pack} && s() {{ {sum} \"$1\" 2>/dev/null | \
         sed 's|^Archive:.*||' | cksum; }} && if [ -f {dest} ] && [ \"$(s \"$t\")\" = \"$(s {dest})\" ]; then echo same; else \
         chmod \"$(printf %o $((0666 & ~$(umask))))\" \"$t\" && mv -f \"$t\" {dest}; fi"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_directory_is_found() {
        let paths = |all: &[&str]| all.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert_eq!(common(&paths(&["/a/b/c", "/a/b/d/e"])), "/a/b");
        assert_eq!(common(&paths(&["/a/b", "/c"])), "/");
        assert_eq!((below("/a/b/c", "/a/b"), below("/c", "/")), ("c", "c"));
    }
}
