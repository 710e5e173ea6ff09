//! `community.general.filetree`: all that is below a directory, with how it is kept.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ask::Ask;
use super::{Found, failed};
use crate::base::{Map, Value, pyregex};
use crate::map;
use crate::template::LookupError;

pub(super) fn filetree(ask: &Ask<'_>) -> Found {
    let excluded = match ask.option("exclude") {
        Some(pattern) => {
            Some(pyregex::compile(&pattern.to_text(), pyregex::Flags::default()).map_err(failed)?)
        }
        None => None,
    };
    let mut found = Vec::new();
    for term in ask.texts() {
        let Some(root) = ask.file(&term) else { continue };
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            let entries = ask
                .world
                .project
                .entries(&folder)
                .map_err(|diagnostic| failed(diagnostic.message.clone()))?;
            for path in entries {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if excluded.as_ref().is_some_and(|regex| regex.is_match(&name).unwrap_or(false)) {
                    continue;
                }
                found.push(Value::from(described(&root, &path)?));
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                }
            }
        }
    }
    Ok(found)
}

fn described(root: &Path, path: &Path) -> Result<Map, LookupError> {
    let about = path
        .symlink_metadata()
        .map_err(|error| failed(format!("cannot read `{}`: {error}", path.display())))?;
    let shown = |path: &Path| Value::from(path.display().to_string());
    let mut entry = map! {
        "root" => shown(root),
        "path" => shown(path.strip_prefix(root).unwrap_or(path)),
        "state" => if about.is_symlink() { "link" } else if about.is_dir() { "directory" } else { "file" },
    };
    if about.is_symlink() {
        entry.insert("src".into(), std::fs::read_link(path).map_or(Value::Null, |to| shown(&to)));
    } else if !about.is_dir() {
        entry.insert("src".into(), shown(path));
    }
    let owner = super::super::template_file::user_name(about.uid());
    entry.extend(map! {
        "uid" => about.uid(),
        "gid" => about.gid(),
        "owner" => owner,
        "group" => super::super::template_file::group_name(about.gid()),
        "mode" => format!("0{:o}", about.mode() & 0o7777),
        "size" => about.size(),
        "mtime" => about.mtime() as f64 + about.mtime_nsec() as f64 / 1e9,
        "ctime" => about.ctime() as f64 + about.ctime_nsec() as f64 / 1e9,
    });
    Ok(entry)
}
