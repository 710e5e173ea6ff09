//! The registry of modules, alphabetical.

use super::contract::{AnyModule, Registered};

/// Every module. One line each.
pub static MODULES: &[&dyn AnyModule] = &[
    &Registered::<super::add_host::AddHost>::new(),
    &Registered::<super::apt::Apt>::new(),
    &Registered::<super::assert::Assert>::new(),
    &Registered::<super::command::RunCommand>::new(),
    &Registered::<super::copy::Copy>::new(),
    &Registered::<super::debug::Debug>::new(),
    &Registered::<super::fail::Fail>::new(),
    &Registered::<super::file::File>::new(),
    &Registered::<super::group::Group>::new(),
    &Registered::<super::group_by::GroupBy>::new(),
    &Registered::<super::include_vars::IncludeVarsFiles>::new(),
    &Registered::<super::lineinfile::LineInFile>::new(),
    &Registered::<super::package::Package>::new(),
    &Registered::<super::pause::PauseRun>::new(),
    &Registered::<super::ping::Ping>::new(),
    &Registered::<super::raw::RawCommand>::new(),
    &Registered::<super::service::Service>::new(),
    &Registered::<super::set_fact::SetFact>::new(),
    &Registered::<super::set_stats::SetStats>::new(),
    &Registered::<super::setup::Setup>::new(),
    &Registered::<super::shell::Shell>::new(),
    &Registered::<super::stat::StatPath>::new(),
    &Registered::<super::systemd_service::SystemdService>::new(),
    &Registered::<super::template::Template>::new(),
    &Registered::<super::uri::Uri>::new(),
    &Registered::<super::user::User>::new(),
    &Registered::<super::validate_argument_spec::ValidateArgumentSpec>::new(),
    &Registered::<super::wait_for::WaitFor>::new(),
];

/// The module with a short or full name: `copy`, `ansible.builtin.copy`, `ansible.legacy.copy`.
pub fn find(name: &str) -> Option<&'static dyn AnyModule> {
    MODULES.iter().copied().find(|module| {
        let doc = module.doc();
        let (collection, short) = name.rsplit_once('.').unwrap_or(("", name));
        let known = doc.name == short || doc.aliases.contains(&short);
        known
            && (collection.is_empty()
                || collection == doc.collection
                || is_legacy(collection, doc.collection))
    })
}

fn is_legacy(collection: &str, of: &str) -> bool {
    collection == "ansible.legacy" && of == "ansible.builtin"
}

/// Every name that a task may use, for near misses.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().flat_map(|module| {
        let doc = module.doc();
        std::iter::once(doc.name).chain(doc.aliases.iter().copied())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_order() {
        let mut all: Vec<_> = names().collect();
        let listed: Vec<_> = MODULES.iter().map(|m| m.doc().name).collect();
        assert!(listed.is_sorted(), "{listed:?}");
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn everything_is_documented() {
        for module in MODULES {
            let doc = module.doc();
            assert!(!doc.summary().is_empty(), "{} has no summary", doc.name);
            assert!(doc.example().contains(doc.name), "{} has no example", doc.name);
            for field in module.fields() {
                assert!(!field.doc.trim().is_empty(), "{}.{} has no text", doc.name, field.name);
            }
        }
    }

    #[test]
    fn full_names_find_the_module() {
        for name in ["ping", "ansible.builtin.ping", "ansible.legacy.ping"] {
            assert_eq!(find(name).map(|m| m.doc().name), Some("ping"));
        }
        assert!(find("community.general.ping").is_none());
    }
}
