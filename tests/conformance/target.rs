//! The targets, from `targets.tsv`: one line each, in tabulator-separated columns that its header names. `counts.txt`
//! has the numbers of tasks that ansible-core itself runs where the harness counts others.

use std::path::Path;

/// The list's name, below the project.
pub const FILE: &str = "tests/conformance/targets.tsv";

/// The other numbers, below the project.
const COUNTS: &str = "tests/conformance/counts.txt";

/// One target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its directory below ansible-core's `test/integration/targets`.
    pub name: String,
    /// `L` for the language, `M` for modules.
    pub kind: String,
    /// How it is run.
    pub style: Style,
    /// How many tasks it runs: the sum of `ok=` over the recaps that it prints.
    pub tasks: usize,
    /// What runs where.
    pub place: Place,
}

/// How a target is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As a role, by a play of the harness on the host `testhost`.
    Role,
    /// By its own `runme.sh`.
    Script,
}

/// What runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The controller is this machine, `testhost` a lab host behind SSH.
    Ssh,
    /// Both are this machine.
    Local,
    /// Both are one lab host.
    Inside,
}

impl Target {
    /// All targets, in the list's order.
    ///
    /// # Errors
    /// If the list cannot be read or a line is wrong.
    pub fn all() -> Result<Vec<Self>, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{FILE}: {error}"))?;
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#'));
        let read = |(number, line)| Self::read(line).ok_or(format!("{FILE}:{number}: `{line}`"));
        let mut targets = lines.map(read).collect::<Result<Vec<_>, _>>()?;
        count(&mut targets)?;
        Ok(targets)
    }

    fn read(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[name, kind @ ("L" | "M"), style, tasks, _asserts, place] = columns.as_slice() else {
            return None;
        };
        let style = match style {
            "role" => Style::Role,
            "runme" => Style::Script,
            _ => return None,
        };
        let place = match place {
            "ssh" => Place::Ssh,
            "local" => Place::Local,
            "inside" => Place::Inside,
            _ => return None,
        };
        Some(Self { name: name.into(), kind: kind.into(), style, tasks: tasks.parse().ok()?, place })
    }
}

/// Puts the harness's own counts in the place of the list's.
fn count(targets: &mut [Target]) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COUNTS);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{COUNTS}: {error}"))?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(3, '|').map(str::trim).collect();
        let &[name, tasks, _why] = parts.as_slice() else {
            return Err(format!("{COUNTS}:{number}: target | tasks | why is expected"));
        };
        let target = targets.iter_mut().find(|target| target.name == name);
        let target = target.ok_or(format!("{COUNTS}:{number}: there is no target `{name}`"))?;
        target.tasks = tasks.parse().map_err(|error| format!("{COUNTS}:{number}: {error}"))?;
    }
    Ok(())
}
