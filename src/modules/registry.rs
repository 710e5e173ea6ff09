//! The registry of modules, alphabetical.

use super::contract::{AnyModule, Registered};

/// Every module. One line each.
pub static MODULES: &[&dyn AnyModule] = &[
    &Registered::<super::acl::Acl>::new(),
    &Registered::<super::add_host::AddHost>::new(),
    &Registered::<super::alternatives::Alternatives>::new(),
    &Registered::<super::apk::Apk>::new(),
    &Registered::<super::apt::Apt>::new(),
    &Registered::<super::apt_key::AptKey>::new(),
    &Registered::<super::apt_repository::AptRepository>::new(),
    &Registered::<super::archive::Archive>::new(),
    &Registered::<super::assemble::Assemble>::new(),
    &Registered::<super::assert::Assert>::new(),
    &Registered::<super::async_status::AsyncStatus>::new(),
    &Registered::<super::authorized_key::AuthorizedKey>::new(),
    &Registered::<super::blockinfile::BlockInFile>::new(),
    &Registered::<super::command::RunCommand>::new(),
    &Registered::<super::copy::Copy>::new(),
    &Registered::<super::cron::Cron>::new(),
    &Registered::<super::deb822_repository::Deb822Repository>::new(),
    &Registered::<super::debconf::Debconf>::new(),
    &Registered::<super::debug::Debug>::new(),
    &Registered::<super::dnf::Dnf>::new(),
    &Registered::<super::docker_container::DockerContainer>::new(),
    &Registered::<super::docker_container_exec::DockerContainerExec>::new(),
    &Registered::<super::docker_container_info::DockerContainerInfo>::new(),
    &Registered::<super::docker_host_info::DockerHostInfo>::new(),
    &Registered::<super::docker_image::DockerImage>::new(),
    &Registered::<super::docker_image_info::DockerImageInfo>::new(),
    &Registered::<super::docker_login::DockerLogin>::new(),
    &Registered::<super::docker_network::DockerNetwork>::new(),
    &Registered::<super::docker_network_info::DockerNetworkInfo>::new(),
    &Registered::<super::docker_prune::DockerPrune>::new(),
    &Registered::<super::docker_volume::DockerVolume>::new(),
    &Registered::<super::docker_volume_info::DockerVolumeInfo>::new(),
    &Registered::<super::dpkg_selections::DpkgSelections>::new(),
    &Registered::<super::expect::Expect>::new(),
    &Registered::<super::fail::Fail>::new(),
    &Registered::<super::fetch::Fetch>::new(),
    &Registered::<super::file::File>::new(),
    &Registered::<super::find::Find>::new(),
    &Registered::<super::firewalld::Firewalld>::new(),
    &Registered::<super::get_url::GetUrl>::new(),
    &Registered::<super::getent::Getent>::new(),
    &Registered::<super::git::Git>::new(),
    &Registered::<super::group::Group>::new(),
    &Registered::<super::group_by::GroupBy>::new(),
    &Registered::<super::hostname::Hostname>::new(),
    &Registered::<super::htpasswd::Htpasswd>::new(),
    &Registered::<super::include_vars::IncludeVarsFiles>::new(),
    &Registered::<super::ini_file::IniFile>::new(),
    &Registered::<super::iptables::Iptables>::new(),
    &Registered::<super::known_hosts::KnownHosts>::new(),
    &Registered::<super::lineinfile::LineInFile>::new(),
    &Registered::<super::locale_gen::LocaleGen>::new(),
    &Registered::<super::modprobe::Modprobe>::new(),
    &Registered::<super::mount::Mount>::new(),
    &Registered::<super::npm::Npm>::new(),
    &Registered::<super::openssh_keypair::OpensshKeypair>::new(),
    &Registered::<super::openssl_csr::OpensslCsr>::new(),
    &Registered::<super::openssl_privatekey::OpensslPrivatekey>::new(),
    &Registered::<super::package::Package>::new(),
    &Registered::<super::package_facts::PackageFacts>::new(),
    &Registered::<super::pam_limits::PamLimits>::new(),
    &Registered::<super::pause::PauseRun>::new(),
    &Registered::<super::ping::Ping>::new(),
    &Registered::<super::pip::Pip>::new(),
    &Registered::<super::raw::RawCommand>::new(),
    &Registered::<super::reboot::Reboot>::new(),
    &Registered::<super::replace::Replace>::new(),
    &Registered::<super::rpm_key::RpmKey>::new(),
    &Registered::<super::script::Script>::new(),
    &Registered::<super::seboolean::Seboolean>::new(),
    &Registered::<super::selinux::Selinux>::new(),
    &Registered::<super::service::Service>::new(),
    &Registered::<super::service_facts::ServiceFacts>::new(),
    &Registered::<super::set_fact::SetFact>::new(),
    &Registered::<super::set_stats::SetStats>::new(),
    &Registered::<super::setup::Setup>::new(),
    &Registered::<super::shell::Shell>::new(),
    &Registered::<super::slurp::Slurp>::new(),
    &Registered::<super::stat::StatPath>::new(),
    &Registered::<super::synchronize::Synchronize>::new(),
    &Registered::<super::sysctl::Sysctl>::new(),
    &Registered::<super::systemd_service::SystemdService>::new(),
    &Registered::<super::sysvinit::Sysvinit>::new(),
    &Registered::<super::tempfile::TempFile>::new(),
    &Registered::<super::template::Template>::new(),
    &Registered::<super::timezone::Timezone>::new(),
    &Registered::<super::ufw::Ufw>::new(),
    &Registered::<super::unarchive::Unarchive>::new(),
    &Registered::<super::uri::Uri>::new(),
    &Registered::<super::user::User>::new(),
    &Registered::<super::validate_argument_spec::ValidateArgumentSpec>::new(),
    &Registered::<super::wait_for::WaitFor>::new(),
    &Registered::<super::wait_for_connection::WaitForConnection>::new(),
    &Registered::<super::x509_certificate::X509Certificate>::new(),
    &Registered::<super::yum_repository::YumRepository>::new(),
    &Registered::<super::zypper::Zypper>::new(),
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
