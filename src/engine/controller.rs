//! The controller's side of a task: the project's files, the task's variables.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::Digest as _;

use super::template_file::{Beside, FileVariables};
use super::tree;
use crate::base::{Key, Value};
use crate::modules::contract::Failed;
use crate::modules::located;
use crate::modules::{Controller, Halt, InTree, Links, Rendered, Search, TemplateOptions};
use crate::plan::bind::{Binder, Stop, unconditional};
use crate::project::{self, Project};
use crate::secrets;
use crate::template::{FileOptions, Lookups, Markers, Truth, Variables};
use crate::wire::action::{Bytes, hex};

/// Files up to this size travel in the frame.
const INLINE_LIMIT: u64 = 256 << 10;

/// Contents that were read, by path, size and time: a large binary is hashed once per run, not once per host.
#[derive(Debug, Default)]
pub(super) struct Files {
    read: Mutex<HashMap<PathBuf, (u64, SystemTime, Bytes, u32)>>,
}

impl Files {
    fn read(&self, path: &Path) -> std::io::Result<(Bytes, u32)> {
        use std::os::unix::fs::PermissionsExt;
        let meta = std::fs::metadata(path)?;
        if !meta.is_file() {
            return Err(std::io::Error::other("not a regular file"));
        }
        let (size, modified, mode) = (meta.len(), meta.modified()?, meta.permissions().mode() & 0o7777);
        let cache = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known_size, known_time, bytes, _)) = cache().get(path)
            && (*known_size, *known_time) == (size, modified)
        {
            return Ok((bytes.clone(), mode));
        }
        let bytes = if size <= INLINE_LIMIT {
            Bytes::Inline(std::fs::read(path)?)
        } else {
            let mut file = std::fs::File::open(path)?;
            let (mut sha256, mut sha1) = (sha2::Sha256::new(), sha1::Sha1::new());
            let mut piece = vec![0; 1 << 20];
            let mut total = 0u64;
            loop {
                let count = std::io::Read::read(&mut file, &mut piece)?;
                let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
                sha256.update(read);
                sha1.update(read);
                total += count as u64;
            }
            let (sha256, sha1) = (hex(&sha256.finalize()), hex(&sha1.finalize()));
            Bytes::Sent { sha256, sha1, size: total, path: Some(path.to_owned()) }
        };
        cache().insert(path.to_owned(), (size, modified, bytes.clone(), mode));
        Ok((bytes, mode))
    }
}

/// The controller as one task sees it.
pub(super) struct TaskController<'a> {
    /// The task's binder.
    pub(super) binder: Binder<'a>,
    /// The project.
    pub(super) project: &'a Arc<Project>,
    /// Contents that were read.
    pub(super) files: &'a Files,
    /// Directories that files are searched in, nearest first: the role, the task file, the playbook.
    pub(super) search: Vec<PathBuf>,
    /// Whether this is look-ahead.
    pub(super) ahead: bool,
}

/// What Ansible says of a file that is in none of the places.
fn not_found(name: &str, candidates: &[PathBuf]) -> String {
    let searched = if Path::new(name).is_absolute() {
        String::new()
    } else {
        let tried = candidates.iter().map(|path| format!("\n\t{}", path.display()));
        format!("\nSearched in:{}", tried.collect::<String>())
    };
    format!(
        "Could not find or access '{name}'{searched} on the Ansible Controller.\nIf you are using a module and expect the \
         file to exist on the remote, see the remote_src option"
    )
}

pub(super) fn failed(message: String) -> Failed {
    Failed { message, raised: true, ..Failed::default() }
}

impl Controller for TaskController<'_> {
    fn find(&self, search: Search, name: &str) -> Result<PathBuf, Failed> {
        let folder = match search {
            Search::Files => "files",
            Search::Templates => "templates",
        };
        let environment = |name: &str| Ok::<_, std::convert::Infallible>(std::env::var(name).ok());
        let Ok(expanded) = located::expanded(name, environment);
        let name = expanded.as_deref().unwrap_or(name);
        let path = if name.starts_with("~/") { self.place(name) } else { PathBuf::from(name) };
        let path = path.as_path();
        let exists = |path: &Path| self.project.is_file(path) || self.project.is_dir(path);
        let candidates: Vec<PathBuf> = if path.is_absolute() {
            vec![path.to_owned()]
        } else {
            self.search.iter().flat_map(|base| [base.join(folder).join(path), base.join(path)]).collect()
        };
        candidates.iter().find(|path| exists(path)).cloned().ok_or_else(|| Failed {
            result: crate::map! {"msg" => not_found(name, &candidates)},
            hint: Some(format!(
                "looked in {}",
                candidates
                    .iter()
                    .map(|path| format!("`{}`", project::shown(path).display()))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            ..failed(format!("could not find or access '{name}' on the controller"))
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        if let Some(below) = name.strip_prefix("~/")
            && let Some(home) = std::env::var_os("HOME")
        {
            return Path::new(&home).join(below);
        }
        self.search.last().map_or_else(|| PathBuf::from(name), |base| base.join(name))
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.project.is_dir(path)
    }

    fn read(&self, path: &Path) -> Result<(Bytes, u32), Failed> {
        self.files.read(path).map_err(|error| {
            failed(format!("cannot read `{}`: {}", project::shown(path).display(), project::cause(&error)))
        })
    }

    fn decrypted(&self, path: &Path) -> Result<Option<Vec<u8>>, Failed> {
        use std::io::Read as _;
        let unreadable = |error: std::io::Error| {
            failed(format!("cannot read `{}`: {}", project::shown(path).display(), project::cause(&error)))
        };
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        (&mut file).take(secrets::HEADER.len() as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        if !secrets::is_sealed(&bytes) {
            return Ok(None);
        }
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let plain = self.project.opened(path, &bytes).map_err(|diagnostic| {
            let mut failed = Failed { hint: diagnostic.hint.clone(), ..failed(diagnostic.message) };
            if self.project.vault().passwords().is_empty() {
                let whole =
                    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
                let told = format!("A vault password or secret must be specified to decrypt {whole}");
                failed.result.insert(Key::str("msg"), Value::from(told));
            }
            failed
        })?;
        Ok(Some(plain))
    }

    fn tree(&self, path: &Path, links: Links) -> Result<Vec<(String, InTree)>, Failed> {
        tree::listed(path, links, self.project)
    }

    fn render(&self, path: &Path, options: &TemplateOptions) -> Result<Rendered, Halt> {
        let source = self.project.read(path)?;
        let TemplateOptions {
            trim_blocks,
            lstrip_blocks,
            newline_sequence,
            block_start_string,
            block_end_string,
            variable_start_string,
            variable_end_string,
            comment_start_string,
            comment_end_string,
            source: written,
            destination,
        } = options.clone();
        let usual = Markers::default();
        let options = FileOptions {
            trim_blocks,
            lstrip_blocks,
            keep_trailing_newline: true,
            line_statement_prefix: String::new(),
            line_comment_prefix: String::new(),
            newline_sequence,
            markers: Markers {
                variable_start: variable_start_string.unwrap_or(usual.variable_start),
                variable_end: variable_end_string.unwrap_or(usual.variable_end),
                block_start: block_start_string.unwrap_or(usual.block_start),
                block_end: block_end_string.unwrap_or(usual.block_end),
                comment_start: comment_start_string.unwrap_or(usual.comment_start),
                comment_end: comment_end_string.unwrap_or(usual.comment_end),
            },
        };
        let now = self.binder.lookups.now();
        let variables = FileVariables::new(&self.binder.variables, path, &written, &destination, now);
        let variables: Arc<dyn Variables> = Arc::new(variables);
        let lookups: Arc<dyn Lookups> = Arc::new(Beside::new(self.binder.lookups, self.project, path));
        let rendered = self
            .binder
            .templar
            .file(&source, &options, &variables, &lookups)
            .map_err(|error| halt(Stop::from(error)))?;
        Ok(Rendered {
            text: Arc::from(rendered.value.to_text()),
            unknown: rendered.unknown,
            tainted: rendered.tainted,
        })
    }

    fn condition(&self, condition: &Value) -> Result<bool, Halt> {
        let truth = self
            .binder
            .templar
            .condition(condition, None, &self.binder.variables, self.binder.lookups)
            .map_err(|error| halt(unconditional(Stop::from(error))))?;
        match truth {
            Truth::Yes => Ok(true),
            Truth::No => Ok(false),
            Truth::Unknown(unknown) => Err(Halt::Unknown(unknown)),
        }
    }

    fn evaluate(&self, expression: &str) -> Result<(Value, Vec<String>), Halt> {
        let (rendered, missing) = self
            .binder
            .templar
            .shown(expression, &self.binder.variables, self.binder.lookups)
            .map_err(|error| halt(Stop::from(error)))?;
        match rendered.unknown {
            Some(unknown) => Err(Halt::Unknown(unknown)),
            None => Ok((rendered.value, missing)),
        }
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Halt> {
        let Some(value) = self.binder.variables.get(name) else { return Ok(None) };
        let rendered = self.binder.value(&value).map_err(halt)?;
        match rendered.unknown {
            Some(unknown) => Err(Halt::Unknown(unknown)),
            None => Ok(Some(rendered.value)),
        }
    }

    fn looking_ahead(&self) -> bool {
        self.ahead
    }
}

/// Why binding stopped, as a module halts.
pub(super) fn halt(stop: Stop) -> Halt {
    match stop {
        Stop::Unknown(unknown) => Halt::Unknown(unknown),
        Stop::Deferred => Halt::Deferred,
        Stop::Failed(diagnostic) => Halt::from(*diagnostic),
    }
}
