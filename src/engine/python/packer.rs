//! The program that packs modules in Python: Ansible's own code in a Python of the controller, started once for a run
//! when the first module needs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use serde_json::Value as Json;

const PROGRAM: &str = include_str!("packer.py");

/// How much is kept of what it says on standard error.
const MOST_TOLD: u64 = 64 << 10;

/// Packs modules.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it says on standard error.
    told: Arc<Mutex<Vec<u8>>>,
}

impl Packer {
    /// What a module and its parameters make up together, ready to be run by a Python. `collections` are the directories
    /// that collections are looked for in. It blocks.
    ///
    /// # Errors
    /// What the program says, or why it does not start.
    pub(crate) fn pack(
        &self,
        python: &Path,
        collections: &[PathBuf],
        request: &Json,
    ) -> Result<Vec<u8>, String> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = match running.take() {
            Some(known) => known,
            None => Running::start(python, collections)
                .map_err(|error| format!("`{}`: {}", python.display(), crate::project::cause(&error)))?,
        };
        let started = running.insert(fresh);
        match started.answer(request) {
            Ok(answer) => answer,
            Err(error) => {
                let said = running.take().map(Running::said).unwrap_or_default();
                let cause = if said.is_empty() { crate::project::cause(&error) } else { said };
                Err(format!("`{}`: {cause}", python.display()))
            }
        }
    }
}

impl Running {
    fn start(python: &Path, collections: &[PathBuf]) -> std::io::Result<Self> {
        let paths = std::env::join_paths(collections).unwrap_or_default();
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]);
        if !collections.is_empty() {
            command.env("ANSIBLE_COLLECTIONS_PATH", paths);
        }
        command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let missing = || std::io::Error::other("it has no pipe");
        let requests = child.stdin.take().ok_or_else(missing)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let errors = child.stderr.take().ok_or_else(missing)?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&told);
        std::thread::spawn(move || {
            let mut errors = errors;
            let mut kept = Vec::new();
            let _ = (&mut errors).take(MOST_TOLD).read_to_end(&mut kept);
            *keep.lock().unwrap_or_else(PoisonError::into_inner) = kept;
            // what follows must not stop it
            let _ = std::io::copy(&mut errors, &mut std::io::sink());
        });
        Ok(Self { child, requests, answers, told })
    }

    fn answer(&mut self, request: &Json) -> std::io::Result<Result<Vec<u8>, String>> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line)?;
        self.requests.flush()?;
        let mut text = String::new();
        if self.answers.read_line(&mut text)? == 0 {
            return Err(std::io::Error::other("it ended without an answer"));
        }
        let answer: Json = serde_json::from_str(&text)?;
        let text = |name: &str| answer.get(name).and_then(Json::as_str);
        if let Some(error) = text("error") {
            return Ok(Err(error.to_owned()));
        }
        let packed = text("packed").unwrap_or_default();
        let packed = base64::engine::general_purpose::STANDARD.decode(packed);
        packed.map(Ok).map_err(std::io::Error::other)
    }

    /// The last line of what it said on standard error, once it has ended.
    fn said(mut self) -> String {
        drop(self.requests);
        let _ = self.child.wait();
        for _ in 0..20 {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let text = String::from_utf8_lossy(&told);
            if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                return line.trim().to_owned();
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        String::new()
    }
}

impl Drop for Packer {
    /// Its input ends, and then it does; its temporary files go with it.
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { mut child, requests, answers, told: _ }) = running {
            drop((requests, answers));
            let _ = child.wait();
        }
    }
}
