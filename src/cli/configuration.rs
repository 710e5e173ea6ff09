//! Finds and reads ansible.cfg and the environment.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::exit::FilesAreWrong;
use crate::base::{Diagnostic, Diagnostics, Kind};
use crate::config::{Candidate, Config, ConfigFile, Surroundings, candidates, load};
use crate::project::Project;

/// Reads the configuration. What is wrong in it is an error; what is not honoured is in the diagnostics.
pub fn read(project: &Project) -> Result<(Arc<Config>, Diagnostics)> {
    let surroundings = Surroundings {
        // what is not UTF-8 is no setting
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        home: std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from),
        directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
    };
    let mut diagnostics = Diagnostics::default();
    let file = find(project, &surroundings, &mut diagnostics)?;
    let (config, told) = load(&surroundings, file.as_ref());
    diagnostics.extend(told);
    if diagnostics.has_errors() {
        return Err(FilesAreWrong(diagnostics).into());
    }
    Ok((Arc::new(config), diagnostics))
}

fn find(
    project: &Project,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Result<Option<ConfigFile>> {
    for candidate in candidates(surroundings) {
        let path = match candidate {
            Candidate::Named(path) if project.is_dir(&path) => path.join("ansible.cfg"),
            Candidate::Here(path) if !project.is_file(&path) => continue,
            Candidate::Here(path) if is_world_writable(&surroundings.directory) => {
                let message = format!(
                    "`{}` is not read: everybody can write to its directory",
                    crate::project::shown(&path).display()
                );
                let hint = "name it in `ANSIBLE_CONFIG` if it is yours";
                diagnostics.push(Diagnostic::warning(Kind::File, message).hint(hint));
                continue;
            }
            Candidate::Named(path) | Candidate::Here(path) | Candidate::Usual(path) => path,
        };
        if !project.is_file(&path) {
            continue;
        }
        let source =
            project.read(&path).map_err(|diagnostic| FilesAreWrong(Diagnostics(vec![diagnostic])))?;
        return Ok(Some(ConfigFile { path, source }));
    }
    Ok(None)
}

fn is_world_writable(directory: &Path) -> bool {
    directory.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}
