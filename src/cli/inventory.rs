//! Finds and loads the inventory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::exit::FilesAreWrong;
use crate::base::Diagnostics;
use crate::inventory::{Inventory, InventorySource, load};
use crate::project::Project;

/// The inventory that was asked for, or the project's own: `inventory/` or `inventory.yml` in the working directory,
/// or beside the playbook, or in the directory above the playbook's.
pub fn sources(given: &[String], playbook: Option<&Path>) -> Vec<InventorySource> {
    if !given.is_empty() {
        return given.iter().map(|text| source(text)).collect();
    }
    if let Ok(text) = std::env::var("ANSIBLE_INVENTORY")
        && !text.is_empty()
    {
        return text.split(',').map(source).collect();
    }
    let beside = playbook.and_then(Path::parent).map(Path::to_owned);
    let above = beside.as_ref().and_then(|directory| directory.canonicalize().ok()?.parent().map(Path::to_owned));
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

fn source(text: &str) -> InventorySource {
    if text.contains(',') { InventorySource::List(text.to_owned()) } else { InventorySource::Path(PathBuf::from(text)) }
}

/// Loads the inventory, and the directories in which its `group_vars` and `host_vars` are.
pub fn read(project: &Project, sources: &[InventorySource]) -> (Arc<Inventory>, Vec<PathBuf>, Diagnostics) {
    let (inventory, diagnostics) = load(project, sources);
    let directories = sources
        .iter()
        .filter_map(|source| match source {
            InventorySource::Path(path) if path.is_dir() => Some(path.clone()),
            InventorySource::Path(path) => {
                Some(path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned))
            }
            InventorySource::List(_) => None,
        })
        .collect();
    (Arc::new(inventory), directories, diagnostics)
}

/// The names of the hosts of these inventories that match a pattern: for `fleet lab up`.
pub fn host_names(files: &[PathBuf], limit: Option<&str>) -> Result<Vec<String>> {
    let project = Project::new();
    let sources: Vec<InventorySource> = files.iter().map(|path| InventorySource::Path(path.clone())).collect();
    let (inventory, _, diagnostics) = read(&project, &sources);
    if diagnostics.has_errors() {
        return Err(FilesAreWrong(diagnostics).into());
    }
    let (hosts, _) =
        inventory.match_pattern("all", limit).map_err(|diagnostic| FilesAreWrong(Diagnostics(vec![diagnostic])))?;
    Ok(hosts.iter().map(ToString::to_string).collect())
}
