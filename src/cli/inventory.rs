//! Finds and loads the inventory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::exit::{FilesAreWrong, WrongOptions};
use crate::base::Diagnostics;
use crate::config::{self, CommaPaths, Config};
use crate::engine::{InventoryOutside, Refresh};
use crate::inventory::{GroupNames, InventorySource, Limit, Loaded, Mismatch, Options, Reading, load};
use crate::project::Project;
use crate::vars::VarMap;
use crate::yaml::Duplicates;

/// The inventory under Ansible's names where none is asked for.
const ANSIBLES: &str = "/etc/ansible/hosts";

/// The inventory that was asked for, on the command line or in the configuration, or the project's own: `inventory/` or `inventory.yml` in the working directory,
/// or beside the playbook, or in the directory above the playbook's.
pub fn sources(
    project: &Project,
    given: &[String],
    config: &Config,
    playbook: Option<&Path>,
    manner: Manner,
) -> Vec<InventorySource> {
    if !given.is_empty() {
        return given.iter().map(|text| InventorySource::from_argument(project, text)).collect();
    }
    if let Some(CommaPaths(paths)) = config.inventory.given().filter(|paths| !paths.0.is_empty()) {
        return paths.iter().cloned().map(InventorySource::Path).collect();
    }
    if manner == Manner::Ansible {
        let usual = Path::new(ANSIBLES);
        return usual.exists().then(|| InventorySource::Path(usual.to_owned())).into_iter().collect();
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

/// Whose manners are followed where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// fleet's: nothing runs on an inventory that is wrong.
    Fleet,
    /// Ansible's: what cannot be read is passed over with a warning.
    Ansible,
}

/// How the configuration wants inventories to be read.
pub fn options(config: &Config, manner: Manner) -> Options {
    let ours = Options::default();
    let vars_extensions = config.yaml_valid_extensions.value.clone();
    let given =
        |extensions: Option<&Vec<String>>, default: Vec<String>| extensions.cloned().unwrap_or(default);
    Options {
        enabled: config.enable_plugins.value.clone(),
        ignore_extensions: given(config.ignore_extensions.value.as_ref(), ours.ignore_extensions),
        ignore_patterns: config.ignore_patterns.value.clone(),
        yaml_extensions: given(
            config.inventory_yaml_extensions.value.as_ref().or(config.yaml_valid_extensions.given()),
            ours.yaml_extensions,
        ),
        vars_extensions,
        unparsed_is_failed: *config.unparsed_is_failed,
        any_unparsed_is_failed: match manner {
            Manner::Ansible => *config.any_unparsed_is_failed,
            Manner::Fleet => config.any_unparsed_is_failed.given().copied().unwrap_or(true),
        },
        empty_is_fine: manner == Manner::Fleet && config.any_unparsed_is_failed.given().is_none(),
        unparsed_warning: *config.inventory_unparsed_warning,
        group_names: match *config.force_valid_group_names {
            config::GroupNames::Always => GroupNames::Always,
            config::GroupNames::Never => GroupNames::Never,
            config::GroupNames::Ignore => GroupNames::Ignore,
            config::GroupNames::Silently => GroupNames::Silently,
        },
        pattern_mismatch: match *config.host_pattern_mismatch {
            config::Mismatch::Warning => Mismatch::Warning,
            config::Mismatch::Error => Mismatch::Error,
            config::Mismatch::Ignore => Mismatch::Ignore,
        },
        merge: *config.hash_behaviour == config::HashBehaviour::Merge,
        script_stderr: *config.inventory_plugin_script_stderr,
        use_extra_vars: *config.inventory_use_extra_vars,
        commas_in_paths: manner == Manner::Fleet,
        duplicates: duplicates(config),
    }
}

/// What a key is that is twice in a mapping of YAML.
pub fn duplicates(config: &Config) -> Duplicates {
    match *config.duplicate_dict_key {
        config::DuplicateKeys::Warn => Duplicates::Warn,
        config::DuplicateKeys::Error => Duplicates::Error,
        config::DuplicateKeys::Ignore => Duplicates::Ignore,
    }
}

/// Reads inventories, running their scripts.
pub fn read(
    project: &Arc<Project>,
    sources: &[InventorySource],
    options: &Options,
    extra: &VarMap,
) -> Loaded {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let outside = InventoryOutside::new(project, directory, jiff::Timestamp::now().as_microsecond());
    load(&Reading { project, sources, options, outside: &outside, extra })
}

/// Reads inventories anew for `meta: refresh_inventory`.
pub fn refresh(sources: Vec<InventorySource>, options: Options, extra: VarMap) -> Refresh {
    Refresh(Arc::new(move || {
        // a new project: the files may have changed
        let Loaded { inventory, diagnostics, remarks: _ } =
            read(&Arc::new(Project::new()), &sources, &options, &extra);
        (inventory, diagnostics)
    }))
}

/// The names of the hosts of these inventories that match a pattern: for `fleet lab up`.
pub fn host_names(files: &[PathBuf], pattern: Option<&str>) -> Result<Vec<String>> {
    let project = Arc::new(Project::new());
    let sources: Vec<InventorySource> =
        files.iter().map(|path| InventorySource::Path(path.clone())).collect();
    let (config, _) = super::configuration::read(&project)?;
    let Loaded { inventory, diagnostics, remarks: _ } =
        read(&project, &sources, &options(&config, Manner::Fleet), &VarMap::new());
    if diagnostics.has_errors() {
        return Err(FilesAreWrong(diagnostics).into());
    }
    let matches = inventory.match_pattern(&["all"], limit(&project, pattern)?.as_ref());
    if matches.hosts.is_empty() {
        return Err(WrongOptions("no host of the inventory matches".to_owned()).into());
    }
    Ok(matches.hosts.iter().map(ToString::to_string).collect())
}
