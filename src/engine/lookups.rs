//! The lookups that reach outside: files, environment, commands, the clock.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use crate::base::{Map, Source, Value};
use crate::project::Project;
use crate::template::{LookupError, Lookups, Variables};

/// The world outside, as templates may ask for it.
#[derive(Debug)]
pub(super) struct World {
    /// The project.
    pub(super) project: Arc<Project>,
    /// Directories that files are searched in, nearest first.
    pub(super) search: Vec<PathBuf>,
    /// Look-ahead evaluates nothing that is impure.
    pub(super) ahead: bool,
    /// Microseconds since the epoch when the run began: `now()` is the same for all of a run's look-ahead.
    pub(super) now: i64,
}

impl World {
    /// Outside any task: nothing is searched for.
    pub(super) fn outside(project: &Arc<Project>, now: i64) -> Self {
        Self { project: Arc::clone(project), search: Vec::new(), ahead: false, now }
    }

    fn find(&self, folder: &str, name: &str) -> Option<PathBuf> {
        let path = Path::new(name);
        if path.is_absolute() {
            return Some(path.to_owned()).filter(|path| path.exists());
        }
        self.search
            .iter()
            .flat_map(|base| [base.join(folder).join(path), base.join(path)])
            .find(|path| path.exists())
    }

    fn pure(&self) -> Result<(), LookupError> {
        if self.ahead { Err(LookupError::Deferred) } else { Ok(()) }
    }
}

fn failed(message: impl Into<String>) -> LookupError {
    LookupError::Failed(message.into())
}

/// Spreads the bits of a number (the finaliser of MurmurHash3).
fn mixed(number: usize) -> usize {
    let mut bits = number as u64;
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        bits ^= bits >> 33;
        bits = bits.wrapping_mul(factor);
    }
    (bits ^ (bits >> 33)) as usize
}

/// Ansible's tests of paths on the controller.
fn path_test(test: &str, paths: &[PathBuf]) -> Result<bool, LookupError> {
    use std::os::unix::fs::MetadataExt;
    let Some(path) = paths.first() else { return Err(failed(format!("the test '{test}' needs a path"))) };
    let device = |path: &Path| path.symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    Ok(match test {
        "exists" => path.exists(),
        "file" => path.is_file(),
        "directory" => path.is_dir(),
        "link" => path.is_symlink(),
        "link_exists" => path.symlink_metadata().is_ok(),
        "mount" => {
            let own = device(path);
            let above = device(&path.join(".."));
            own.is_some() && (own.map(|id| id.0) != above.map(|id| id.0) || own == above)
        }
        "same_file" => {
            let real = |path: &PathBuf| path.canonicalize().ok();
            paths.get(1).is_some_and(|other| real(path).is_some() && real(path) == real(other))
        }
        "vaulted_file" => std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"$ANSIBLE_VAULT;")),
        other => return Err(failed(format!("there is no test of paths called '{other}'"))),
    })
}

fn option(options: &Map, name: &str, default: bool) -> bool {
    options.get(name).and_then(Value::to_bool).unwrap_or(default)
}

impl Lookups for World {
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        options: &Map,
        _: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError> {
        let name = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        let texts = || terms.iter().map(Value::to_text);
        match name {
            "file" => texts()
                .map(|term| {
                    let path = self.find("files", &term).ok_or_else(|| {
                        failed(format!("unable to access the file '{term}': file not found"))
                    })?;
                    let source =
                        self.project.read(&path).map_err(|diagnostic| failed(diagnostic.message.clone()))?;
                    let mut text = source.text.as_str();
                    if option(options, "lstrip", false) {
                        text = text.trim_start();
                    }
                    if option(options, "rstrip", true) {
                        text = text.trim_end();
                    }
                    Ok(Value::from(text))
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Value::from),
            "env" => Ok(Value::list(texts().map(|term| {
                let default = options.get("default").cloned().unwrap_or_else(|| Value::from(""));
                std::env::var(&term).map_or(default, Value::from)
            }))),
            "fileglob" => {
                let mut found = Vec::new();
                for term in texts() {
                    let (folder, pattern) = term.rsplit_once('/').unwrap_or(("", &term));
                    let matcher = globset::Glob::new(pattern)
                        .map_err(|error| failed(format!("bad pattern '{term}': {error}")))?
                        .compile_matcher();
                    let folders: Vec<PathBuf> = if Path::new(folder).is_absolute() {
                        vec![PathBuf::from(folder)]
                    } else {
                        self.search
                            .iter()
                            .flat_map(|b| [b.join("files").join(folder), b.join(folder)])
                            .collect()
                    };
                    for folder in folders {
                        let entries = self.project.entries(&folder).unwrap_or_default();
                        let named =
                            |path: &PathBuf| path.file_name().is_some_and(|name| matcher.is_match(name));
                        let matching: Vec<_> =
                            entries.into_iter().filter(|path| path.is_file() && named(path)).collect();
                        if !matching.is_empty() {
                            found.extend(
                                matching.into_iter().map(|path| Value::from(path.display().to_string())),
                            );
                            break;
                        }
                    }
                }
                Ok(Value::from(found))
            }
            "first_found" => {
                let mut names = Vec::new();
                let mut skip = option(options, "skip", false);
                let mut paths: Vec<String> = Vec::new();
                let flat = |value: &Value| -> Vec<String> {
                    match value {
                        Value::List(items) => items.iter().map(Value::to_text).collect(),
                        other => vec![other.to_text()],
                    }
                };
                for term in terms {
                    match term {
                        Value::Map(entries) => {
                            names.extend(entries.get("files").map(flat).unwrap_or_default());
                            paths.extend(entries.get("paths").map(flat).unwrap_or_default());
                            skip |= option(entries, "skip", false);
                        }
                        other => names.extend(flat(other)),
                    }
                }
                names.extend(options.get("files").map(flat).unwrap_or_default());
                paths.extend(options.get("paths").map(flat).unwrap_or_default());
                let candidates = |name: &String| -> Vec<String> {
                    if paths.is_empty() {
                        return vec![name.clone()];
                    }
                    paths.iter().map(|path| format!("{path}/{name}")).collect()
                };
                let found = names.iter().flat_map(candidates).find_map(|name| {
                    ["files", "templates", "vars", "tasks"].iter().find_map(|folder| self.find(folder, &name))
                });
                match found {
                    Some(path) => Ok(Value::list([Value::from(path.display().to_string())])),
                    None if skip => Ok(Value::list([])),
                    None => {
                        Err(failed(format!("no file was found when using first_found: {}", names.join(", "))))
                    }
                }
            }
            "pipe" | "lines" => {
                self.pure()?;
                let mut all = Vec::new();
                for term in texts() {
                    let output = std::process::Command::new("/bin/sh")
                        .args(["-c", &term])
                        .stdin(Stdio::null())
                        .output()
                        .map_err(|error| failed(format!("lookup_plugin.{name}({term}) failed: {error}")))?;
                    if !output.status.success() {
                        let code = output.status.code().unwrap_or(-1);
                        return Err(failed(format!("lookup_plugin.{name}({term}) returned {code}")));
                    }
                    let text = String::from_utf8_lossy(&output.stdout);
                    if name == "pipe" {
                        all.push(Value::from(text.trim_end()));
                    } else {
                        all.extend(text.lines().map(Value::from));
                    }
                }
                Ok(Value::from(all))
            }
            "random_choice" => {
                self.pure()?;
                let seed = usize::try_from(self.now.unsigned_abs()).unwrap_or(0) ^ (terms.as_ptr() as usize);
                Ok(Value::list(terms.get(mixed(seed) % terms.len().max(1)).cloned()))
            }
            "fleet.path_test" => {
                let mut words = texts();
                let test = words.next().unwrap_or_default();
                let paths: Vec<PathBuf> = words.map(PathBuf::from).collect();
                path_test(&test, &paths).map(Value::Bool)
            }
            "fleet.realpath" => {
                let path = texts().next().unwrap_or_default();
                let real =
                    std::path::absolute(&path).map(|absolute| absolute.canonicalize().unwrap_or(absolute));
                real.map(|real| Value::from(real.display().to_string()))
                    .map_err(|error| failed(format!("cannot resolve '{path}': {error}")))
            }
            _ => Err(LookupError::NoSuchLookup),
        }
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn template(&self, name: &str) -> Option<Arc<Source>> {
        let path = self.find("templates", name)?;
        self.project.read(&path).ok()
    }
}
