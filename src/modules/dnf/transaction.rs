//! What `dnf` says that it would do.

/// A package, as `dnf` names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Name.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Epoch (where it is not 0), version and release: `1:2.0-1`.
    pub version: String,
}

impl Package {
    /// `name-version.arch`.
    pub fn nevra(&self) -> String {
        let Self { name, arch, version } = self;
        format!("{name}-{version}.{arch}")
    }
}

/// What becomes of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// It is installed where there is none.
    Install,
    /// It takes the place of an older version.
    Upgrade,
    /// It takes the place of a newer version.
    Downgrade,
    /// It is installed once more.
    Reinstall,
    /// It is removed.
    Remove,
}

/// What a simulated call would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Every package with what becomes of it, in the order of the table.
    pub deeds: Vec<(Deed, Package)>,
    /// Whether there is anything to do.
    pub something: bool,
    /// Operands that nothing matches.
    pub unmatched: Vec<String>,
    /// Groups and modules that are not there.
    pub no_groups: Vec<String>,
    /// What else went wrong.
    pub error: Option<String>,
}

/// Reads what `dnf --assumeno` printed.
pub(super) fn read(stdout: &str, stderr: &str) -> Transaction {
    let both = || stdout.lines().chain(stderr.lines());
    let after = |start: &str| {
        both().filter_map(|line| line.trim_end().strip_prefix(start)).map(str::to_owned).collect::<Vec<_>>()
    };
    let unmatched = after("No match for argument: ");
    let no_groups: Vec<String> = both()
        .filter_map(|line| line.trim_end().strip_prefix("Module or Group '")?.split('\'').next())
        .map(str::to_owned)
        .collect();
    let something = both().any(|line| line.starts_with("Operation aborted"));
    let error = stderr
        .split_once("Error: ")
        .or_else(|| stderr.split_once("Error:\n"))
        .map(|(_, error)| error.trim_end().to_owned())
        .filter(|_| !something && unmatched.is_empty() && no_groups.is_empty());
    Transaction { deeds: deeds(stdout), something, unmatched, no_groups, error }
}

/// The rows of the table. A row that is too wide goes on in a line with more blanks before it.
fn deeds(stdout: &str) -> Vec<(Deed, Package)> {
    let mut deeds = Vec::new();
    let mut deed = None;
    let mut row: Vec<&str> = Vec::new();
    for line in stdout.lines().take_while(|line| !line.starts_with("Transaction Summary")) {
        if let Some(head) = line.strip_suffix(':').filter(|head| !head.starts_with(' ')) {
            deed = match head.split(' ').next().unwrap_or_default() {
                "Installing" => Some(Deed::Install),
                "Upgrading" => Some(Deed::Upgrade),
                "Downgrading" => Some(Deed::Downgrade),
                "Reinstalling" => Some(Deed::Reinstall),
                "Removing" => Some(Deed::Remove),
                _ => None,
            };
            row.clear();
            continue;
        }
        let Some(deed) = deed else { continue };
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            row.clear();
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["replacing", package, version, ..] = words.as_slice() {
            if let Some((name, arch)) = package.rsplit_once('.') {
                let replaced =
                    Package { name: name.to_owned(), arch: arch.to_owned(), version: (*version).to_owned() };
                deeds.push((Deed::Remove, replaced));
            }
            continue;
        }
        if indent == 1 {
            row.clear();
        }
        row.extend(words);
        if let [name, arch, version, _, ..] = row.as_slice() {
            let package = Package {
                name: (*name).to_owned(),
                arch: (*arch).to_owned(),
                version: (*version).to_owned(),
            };
            deeds.push((deed, package));
            row.clear();
        }
    }
    deeds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.to_owned(), arch: "noarch".to_owned(), version: version.to_owned() }
    }

    #[test]
    fn a_table_is_read() {
        let text = "Dependencies resolved.\n====\n Package  Architecture Version Repository Size\n====\n\
            Upgrading:\n fleet-tool           noarch           2.0-1              local           6.1 k\n\
            \x20    replacing  old-tool.noarch 1:0.9-1\n\
            Installing dependencies:\n a-package-with-a-very-long-name-that-does-not-fit\n\
            \x20                     noarch           1:1.1-1            local           6.0 k\n\n\
            Skipping packages with broken dependencies:\n other  noarch 1-1 local 1 k\n\
            Transaction Summary\n====\nInstall  1 Package\nUpgrade  1 Package\n\nTotal size: 12 k\n";
        let found = read(text, "Operation aborted.\n");
        assert!(found.something);
        assert_eq!(
            found.deeds,
            [
                (Deed::Upgrade, package("fleet-tool", "2.0-1")),
                (Deed::Remove, package("old-tool", "1:0.9-1")),
                (Deed::Install, package("a-package-with-a-very-long-name-that-does-not-fit", "1:1.1-1")),
            ]
        );
        assert_eq!(package("old-tool", "1:0.9-1").nevra(), "old-tool-1:0.9-1.noarch");
    }

    #[test]
    fn what_is_not_there_is_read() {
        let found = read("No match for argument: nosuch\n", "Error: Unable to find a match: nosuch\n");
        assert_eq!((found.unmatched, found.something, found.error), (vec!["nosuch".to_owned()], false, None));
        let found = read("Module or Group 'nogroup' is not available.\n", "Error: Nothing to do.\n");
        assert_eq!(found.no_groups, ["nogroup"]);
        let found = read("", "Error: \n Problem: conflicting requests\n  - nothing provides x\n");
        assert_eq!(found.error.as_deref(), Some("\n Problem: conflicting requests\n  - nothing provides x"));
        assert_eq!(read("Nothing to do.\nComplete!\n", ""), Transaction::default());
    }
}
