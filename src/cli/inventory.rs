//! Finds and loads the inventory.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::exit::{FilesAreWrong, WrongOptions};
use crate::base::Diagnostics;
use crate::config::{CommaPaths, Config};
use crate::inventory::{InventorySource, Limit, load};
use crate::project::Project;

/// The inventory that was asked for, on the command line or in the configuration, or the project's own: `inventory/` or `inventory.yml` in the working directory,
/// or beside the playbook, or in the directory above the playbook's.
pub fn sources(
    project: &Project,
    given: &[String],
    config: &Config,
    playbook: Option<&Path>,
) -> Vec<InventorySource> {
    if !given.is_empty() {
        return given.iter().map(|text| InventorySource::from_argument(project, text)).collect();
    }
    if let Some(CommaPaths(paths)) = config.inventory.given().filter(|paths| !paths.0.is_empty()) {
        return paths.iter().cloned().map(InventorySource::Path).collect();
    }
    let beside = playbook.and_then(Path::parent).map(Path::to_owned);
    let above = beside.as_ref().and_then(|directory| {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        directory.canonicalize().ok()?.parent().map(Path::to_owned)
    });
    let places = [Some(PathBuf::new()), beside, above];
    places
        .into_iter()
        .flatten()
        .flat_map(|place| ["inventory", "inventory.yml", "inventory.yaml"].map(|name| place.join(name)))
        .find(|path| path.exists())
        .map(InventorySource::Path)
        .into_iter()
        .collect()
}

/// Reads `--limit`.
pub fn limit(project: &Project, text: Option<&str>) -> Result<Option<Limit>> {
    let limit = text.map(|text| Limit::parse(project, text)).transpose();
    Ok(limit.map_err(|diagnostic| FilesAreWrong(Diagnostics(vec![diagnostic])))?)
}

/// The names of the hosts of these inventories that match a pattern: for `fleet lab up`.
pub fn host_names(files: &[PathBuf], pattern: Option<&str>) -> Result<Vec<String>> {
    let project = Project::new();
    let sources: Vec<InventorySource> =
        files.iter().map(|path| InventorySource::Path(path.clone())).collect();
    let (inventory, diagnostics) = load(&project, &sources);
    if diagnostics.has_errors() {
        return Err(FilesAreWrong(diagnostics).into());
    }
    let matches = inventory.match_pattern(&["all"], limit(&project, pattern)?.as_ref());
    if matches.hosts.is_empty() {
        return Err(WrongOptions("no host of the inventory matches".to_owned()).into());
    }
    Ok(matches.hosts.iter().map(ToString::to_string).collect())
}
