//! The originals' parameters, as `ansible-doc` of ansible-core and of the collections tells them: only names, which are facts.
//!
//! `originals.tsv` has a line for each of fleet's modules: the original's full name, where it is from, its support of check
//! mode and of differences, and its parameters, each with its other names after slashes.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use fleet::modules::MODULES;

use crate::program::ran;
use crate::{environment, project, writes};

const FILE: &str = "tests/manual/originals.tsv";

/// The collections of the package `ansible` that the originals are from.
const COLLECTIONS: [&str; 4] = ["ansible/posix", "community/crypto", "community/docker", "community/general"];

/// What an original has.
#[derive(Clone, Debug)]
pub struct Original {
    /// Its full name.
    pub name: String,
    /// Collection and version.
    pub from: String,
    /// Its support of check mode: `full`, `partial`, `none`, or `-` where it says nothing.
    pub check: String,
    /// Its support of differences.
    pub diff: String,
    /// Its parameters, each with its other names.
    pub parameters: Vec<Vec<String>>,
}

/// All originals, by name.
///
/// # Errors
/// The file cannot be read.
pub fn all() -> Result<Vec<Original>, String> {
    let text = fs::read_to_string(project(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().ok_or_else(|| format!("{FILE}: a line is short: {line}"));
            let (name, from, check, diff, parameters) = (next()?, next()?, next()?, next()?, next()?);
            let names = |word: &str| word.split('/').map(str::to_owned).collect();
            let parameters = parameters.split_whitespace().map(names).collect();
            Ok(Original { name, from, check, diff, parameters })
        })
        .collect()
}

/// Asks the originals, if that is wanted.
///
/// # Errors
/// They cannot be asked.
pub fn refresh() -> Result<(), String> {
    if writes("FLEET_ORIGINALS_WRITE") { write() } else { Ok(()) }
}

/// Whether every module has its original, and no original is without a module.
///
/// # Errors
/// The list is not that of the modules.
pub fn check() -> Result<(), String> {
    let listed: Vec<String> = all()?.into_iter().map(|original| original.name).collect();
    let mut own: Vec<String> = MODULES.iter().map(|module| module.doc().full_name()).collect();
    own.sort();
    if listed == own {
        return Ok(());
    }
    let missing: Vec<&String> = own.iter().filter(|name| !listed.contains(name)).collect();
    let left: Vec<&String> = listed.iter().filter(|name| !own.contains(name)).collect();
    Err(format!(
        "{FILE} lacks {missing:?} and has {left:?} besides: run `FLEET_ORIGINALS_WRITE=1 cargo test --test manual`"
    ))
}

/// Asks the originals.
fn write() -> Result<(), String> {
    let place = environment::scratch("manual-environment");
    environment::install(&place, &[], &[])?;
    let collections = environment::scratch("manual-collections");
    crate::schemas::must_run(
        Command::new("sh").args(["-c", "mkdir -p \"$1\"", "sh"]).arg(&collections),
        "a directory cannot be made",
    )?;
    if !collections.join("ansible_collections").exists() {
        let mut pip = Command::new(place.join("bin/pip"));
        pip.args([
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]);
        pip.arg("--dest").arg(&collections).arg("ansible==12.2.0");
        crate::schemas::must_run(&mut pip, "the collections cannot be fetched")?;
    }
    let mut names: Vec<String> = MODULES.iter().map(|module| module.doc().full_name()).collect();
    names.sort();
    let mut python = Command::new(place.join("bin/python"));
    python
        .arg(project("tests/manual/originals.py"))
        .arg(&collections)
        .arg(COLLECTIONS.join(","))
        .args(&names);
    let ended = ran(&mut python)?;
    if ended.code != 0 {
        return Err(format!("the originals cannot be asked: {}{}", ended.stdout, ended.stderr));
    }
    let mut text = String::from(
        "# Made by `FLEET_ORIGINALS_WRITE=1 cargo test --test manual`: the originals' parameters, by `ansible-doc`.\n\
         # original, where it is from, check mode, differences, parameters with their other names\n",
    );
    let _ = write!(text, "{}", ended.stdout);
    fs::write(project(FILE), text).map_err(|error| format!("{FILE}: {error}"))
}
