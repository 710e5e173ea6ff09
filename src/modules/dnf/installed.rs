//! What is installed already, as rpm's database tells without starting `dnf`.

use super::DnfParams;
use super::transaction::Package;
use crate::modules::contract::Halt;
use crate::modules::patterns;
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::{Command, Query};

const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";

/// What an operand of `dnf` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// A name, perhaps with version and architecture, or what a package provides.
    Plain,
    /// A pattern of names.
    Pattern,
    /// A path that a package brings.
    Path,
    /// A group or module.
    Group,
    /// A package file or URL.
    File,
    /// A comparison, or a rich dependency.
    Comparison,
}

impl Operand {
    /// What an operand is, by how it is written.
    pub fn of(text: &str) -> Self {
        if text.contains("://") || text.strip_suffix("rpm").is_some_and(|rest| rest.ends_with('.')) {
            Self::File
        } else if text.starts_with('@') {
            Self::Group
        } else if text.contains(['<', '>', '=', '(']) {
            Self::Comparison
        } else if text.starts_with('/') {
            Self::Path
        } else if patterns::is_pattern(text) {
            Self::Pattern
        } else {
            Self::Plain
        }
    }
}

impl DnfParams {
    /// The commands that tell whether an operand is installed; none where only `dnf` itself knows.
    pub(super) fn questions(&self, operand: &str) -> Vec<Command> {
        let ask = |words: &[&str]| {
            let mut all = vec!["rpm"];
            if &*self.installroot != "/" {
                all.extend(["--root", &*self.installroot]);
            }
            all.extend(words);
            all.extend(["--qf", FORMAT, operand]);
            run::reading(all)
        };
        match Operand::of(operand) {
            Operand::Plain => vec![ask(&["-q"]), ask(&["-q", "--whatprovides"])],
            Operand::Pattern => vec![ask(&["-qa"])],
            Operand::Path => vec![ask(&["-qf"])],
            Operand::Group | Operand::File | Operand::Comparison => Vec::new(),
        }
    }

    /// The installed packages that an operand names.
    pub(super) fn installed(&self, view: &View<'_>, operand: &str) -> Result<Vec<Package>, Halt> {
        let mut found = Vec::new();
        for command in self.questions(operand) {
            let output = view.run(command)?;
            if output.status == 0 || Operand::of(operand) == Operand::Pattern {
                found.extend(run::stdout(&output).lines().filter_map(package));
            }
            if !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Notes what is asked of these operands.
    pub(super) fn want_installed(&self, view: &View<'_>, operands: &[&str]) {
        view.want(operands.iter().flat_map(|operand| self.questions(operand)).map(Query::Command));
    }
}

fn package(line: &str) -> Option<Package> {
    let mut fields = line.split('\t');
    let (name, epoch, version, arch) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let version = if epoch == "0" { version.to_owned() } else { format!("{epoch}:{version}") };
    Some(Package { name: name.to_owned(), arch: arch.to_owned(), version })
}

/// As [`package`] reads it.
pub(super) fn line(package: &Package) -> String {
    let Package { name, arch, version } = package;
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    format!("{name}\t{epoch}\t{version}\t{arch}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_told_apart() {
        let all = ["nginx", "nginx-1.2", "ngin*", "/usr/bin/vi", "@web", "/x/a.rpm", "https://h/a", "a >= 1"];
        use Operand::*;
        assert_eq!(all.map(Operand::of), [Plain, Plain, Pattern, Path, Group, File, File, Comparison]);
    }

    #[test]
    fn packages_are_read() {
        let text = "bind\t32\t9.16-1.el9\tx86_64\n";
        let read = package(text.trim_end()).unwrap();
        assert_eq!(read.nevra(), "bind-32:9.16-1.el9.x86_64");
        assert_eq!(line(&read), text);
        assert_eq!(package("package x is not installed"), None);
    }
}
