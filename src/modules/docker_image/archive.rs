//! Archives of images: what is in them is told by their `manifest.json`.

use serde_json::Value as Json;

use crate::modules::contract::Halt;
use crate::modules::view::View;
use crate::modules::{paths, run};
use crate::wire::{Command, FileKind, Follow};

/// An image in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Its id.
    pub id: String,
    /// Its names.
    pub names: Vec<String>,
}

/// What is at the path of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archive {
    /// Nothing.
    Absent,
    /// Something that is no archive of images.
    Unreadable,
    /// These images.
    Images(Vec<Archived>),
}

/// Looks into an archive.
///
/// # Errors
/// If it cannot be looked at.
pub fn read(view: &View<'_>, path: &str) -> Result<Archive, Halt> {
    match view.stat(path, Follow::Yes)? {
        None => return Ok(Archive::Absent),
        Some(stat) if stat.kind != FileKind::File => return Ok(Archive::Unreadable),
        Some(_) => {}
    }
    let text = format!("tar -xOf {} manifest.json", paths::shell_word(path));
    let output = view.run(Command::shell(text).env("LC_ALL", "C").may_fail())?;
    let manifest: Json = serde_json::from_str(&run::stdout(&output)).unwrap_or_default();
    let images: Option<Vec<Archived>> =
        manifest.as_array().and_then(|all| all.iter().map(archived).collect());
    Ok(images.filter(|all| !all.is_empty()).map_or(Archive::Unreadable, Archive::Images))
}

fn archived(entry: &Json) -> Option<Archived> {
    let config = entry.get("Config").and_then(Json::as_str)?;
    let hex = config.rsplit('/').next()?.trim_end_matches(".json");
    let names = entry.get("RepoTags").and_then(Json::as_array).into_iter().flatten();
    let names = names.filter_map(Json::as_str).map(str::to_owned).collect();
    Some(Archived { id: format!("sha256:{hex}"), names })
}
