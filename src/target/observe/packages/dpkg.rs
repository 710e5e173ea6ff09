//! dpkg's database, read from its own file.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::absent;
use crate::wire::{PackageState, PackageStatus};

/// Where dpkg keeps how packages stand.
pub const STATUS: &str = "/var/lib/dpkg/status";

#[derive(Clone, Debug)]
struct Package {
    architecture: String,
    status: PackageStatus,
    held: bool,
    version: Option<String>,
}

/// The packages that dpkg knows, by name.
#[derive(Debug, Default)]
pub struct Database {
    stamp: Option<(i64, i64, u64, u64)>,
    native: String,
    packages: HashMap<String, Vec<Package>>,
    /// Installed packages that provide a name.
    providers: HashMap<String, Vec<String>>,
}

impl Database {
    /// Reads the file if it has changed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn refresh(&mut self, path: &Path) -> io::Result<()> {
        let found = fs::metadata(path)?;
        let stamp = Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()));
        if stamp != self.stamp {
            *self = Self::parse(&String::from_utf8_lossy(&fs::read(path)?));
            self.stamp = stamp;
        }
        Ok(())
    }

    fn parse(text: &str) -> Self {
        let mut database = Self::default();
        for paragraph in text.split("\n\n") {
            database.add(paragraph);
        }
        // dpkg itself is of the native architecture
        if let Some(dpkg) = database.packages.get("dpkg").and_then(|packages| packages.first()) {
            database.native = dpkg.architecture.clone();
        }
        database
    }

    fn add(&mut self, paragraph: &str) {
        let (mut name, mut status, mut version, mut architecture, mut provides) = ("", "", None, "", "");
        for line in paragraph.lines() {
            match line.split_once(':') {
                Some(("Package", value)) => name = value.trim(),
                Some(("Status", value)) => status = value.trim(),
                Some(("Version", value)) => version = Some(value.trim().to_owned()),
                Some(("Architecture", value)) => architecture = value.trim(),
                Some(("Provides", value)) => provides = value.trim(),
                _ => {}
            }
        }
        let mut words = status.split_whitespace();
        let (want, state) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        if name.is_empty() {
            return;
        }
        let status = match state {
            "installed" | "triggers-awaited" | "triggers-pending" => PackageStatus::Installed,
            "config-files" => PackageStatus::ConfigFiles,
            "not-installed" | "" => PackageStatus::Absent,
            _ => PackageStatus::Broken,
        };
        if status == PackageStatus::Installed {
            for provided in provides.split(',').filter_map(|text| text.split_whitespace().next()) {
                self.providers.entry(provided.to_owned()).or_default().push(name.to_owned());
            }
        }
        self.packages.entry(name.to_owned()).or_default().push(Package {
            architecture: architecture.to_owned(),
            status,
            held: want == "hold",
            version: version.filter(|_| matches!(status, PackageStatus::Installed | PackageStatus::Broken)),
        });
    }

    /// How a package stands. A name without architecture means the native one, as for apt.
    pub fn state(&self, name: &str) -> PackageState {
        let (plain, architecture) = name.split_once(':').unwrap_or((name, ""));
        let fits = |package: &&Package| match architecture {
            "" | "native" => {
                matches!(package.architecture.as_str(), "all" | "") || package.architecture == self.native
            }
            "any" => true,
            wanted => package.architecture == wanted || package.architecture == "all",
        };
        let mut state = absent();
        let candidates = self.packages.get(plain).map(Vec::as_slice).unwrap_or_default();
        if let Some(Package { architecture: _, status, held, version }) = candidates.iter().find(fits) {
            state.status = *status;
            state.version.clone_from(version);
            state.held = *held;
        }
        state.provided_by = self.providers.get(plain).cloned().unwrap_or_default();
        state.provided_by.sort();
        state.provided_by.dedup();
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
        Package: exim4\nStatus: hold ok installed\nArchitecture: all\nVersion: 4.96-15\n\
        Provides: mail-transport-agent, default-mta (= 4)\nDescription: a\n .\n Package: not this\n\n\
        Package: nginx\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.22\n\n\
        Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.35\n\n\
        Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n\n\
        Package: broken\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n";

    #[test]
    fn packages_stand_as_dpkg_says() {
        let database = Database::parse(TEXT);
        let state = database.state("exim4");
        assert_eq!(
            (state.status, state.version.as_deref(), state.held),
            (PackageStatus::Installed, Some("4.96-15"), true)
        );
        assert_eq!(database.state("libc6").version.as_deref(), Some("2.36"));
        assert_eq!(database.state("libc6:i386").version.as_deref(), Some("2.35"));
        assert_eq!(database.state("libc6:arm64").status, PackageStatus::Absent);
        let state = database.state("nginx");
        assert_eq!((state.status, state.version), (PackageStatus::ConfigFiles, None));
        assert_eq!(database.state("broken").status, PackageStatus::Broken);
        let state = database.state("mail-transport-agent");
        assert_eq!((state.status, state.provided_by), (PackageStatus::Absent, vec!["exim4".to_owned()]));
        assert_eq!(database.state("default-mta").provided_by, ["exim4"]);
        assert_eq!(database.state("not this").status, PackageStatus::Absent);
    }

    #[test]
    fn this_host_has_a_database_or_says_so() {
        let mut database = Database::default();
        if !Path::new(STATUS).exists() {
            eprintln!("skipped: no {STATUS} here");
            return;
        }
        database.refresh(Path::new(STATUS)).unwrap();
        assert_eq!(database.state("dpkg").status, PackageStatus::Installed);
    }
}
