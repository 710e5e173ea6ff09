//! Where a configuration file is looked for, in Ansible's order.

use std::path::PathBuf;

use super::Surroundings;

/// A place where ansible.cfg may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// `ANSIBLE_CONFIG`: a file, or a directory with an ansible.cfg in it.
    Named(PathBuf),
    /// The working directory's; not read where everybody can write to that directory.
    Here(PathBuf),
    /// The user's or the system's.
    Usual(PathBuf),
}

/// The places in order; the first that is there and can be read is the configuration.
pub fn candidates(surroundings: &Surroundings) -> Vec<Candidate> {
    let named = surroundings.environment.get("ANSIBLE_CONFIG").map(|text| {
        let path = match text.strip_prefix("~/") {
            Some(rest) => surroundings.home.join(rest),
            None => surroundings.directory.join(text),
        };
        Candidate::Named(path)
    });
    named
        .into_iter()
        .chain([
            Candidate::Here(surroundings.directory.join("ansible.cfg")),
            Candidate::Usual(surroundings.home.join(".ansible.cfg")),
            Candidate::Usual(PathBuf::from("/etc/ansible/ansible.cfg")),
        ])
        .collect()
}
