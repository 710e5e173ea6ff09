//! Keeps a repository of packages in a file of yum and dnf.
//!
//! ```yaml
//! - name: The vendor's packages
//!   ansible.builtin.yum_repository:
//!     name: vendor
//!     description: Packages of the vendor
//!     baseurl: https://packages.example.com/el$releasever/$basearch
//!     gpgcheck: true
//!     gpgkey: https://packages.example.com/key.asc
//! ```

use std::sync::Arc;

use super::attributes::FileAttributes;
use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::edit_file::{self, Editing};
use super::params::PathText;
use super::view::View;
use super::write_file::Show;
use crate::wire::{Action, Change, FileKind, Follow, Query};
use crate::{choices, params};

mod ini;

use ini::Ini;

/// As `ansible.builtin.yum_repository`.
pub struct YumRepository;

choices! {
    /// Whether the repository shall be there.
    pub enum RepositoryState { Absent = "absent", Present = "present" }
}
choices! {
    /// In which order URLs are tried.
    pub enum Failover { Roundrobin = "roundrobin", Priority = "priority" }
}
choices! {
    /// What HTTP caches may keep.
    pub enum Caching { All = "all", Packages = "packages", None = "none" }
}
choices! {
    /// How names are resolved.
    pub enum IpResolve { Four = "4", Six = "6", Ipv4 = "IPv4", Ipv6 = "IPv6", Whatever = "whatever" }
}
choices! {
    /// Whether packages are kept once they are installed.
    pub enum Keep { No = "0", Yes = "1" }
}
choices! {
    /// Which commands may use lists that have expired.
    pub enum ExpireFilter {
        Never = "never", Past = "read-only:past", Present = "read-only:present", Future = "read-only:future",
    }
}

params! {
    /// Parameters of `yum_repository`.
    pub struct YumRepositoryParams {
        /// The repository's id: the section of the file.
        name: String;
        /// Its name for people; needed with `state: present`.
        description: Option<String>;
        /// The file in `reposdir`, without `.repo`; by default as `name`.
        file: Option<String>;
        /// Where the files are.
        reposdir: PathText = PathText("/etc/yum.repos.d".to_owned());
        /// Whether the repository shall be there.
        state: RepositoryState = RepositoryState::Present;
        /// Whether downloads run in parallel.
        r#async: Option<bool>;
        /// The most bytes in a second, for `throttle`.
        bandwidth: Option<String>;
        /// URLs of the repository.
        baseurl: Option<Vec<String>>;
        /// Its cost beside those of others.
        cost: Option<String>;
        /// Whether the repository may count its hosts.
        countme: Option<bool>;
        /// Above which size, in percent, lists of differences are not fetched.
        deltarpm_metadata_percentage: Option<String>;
        /// Above which size, in percent, differences are not fetched.
        deltarpm_percentage: Option<String>;
        /// Whether it is used.
        enabled: Option<bool>;
        /// Whether its groups are used.
        enablegroups: Option<bool>;
        /// Packages that are not taken from it.
        exclude: Option<Vec<String>>, aliases ["excludepkgs"];
        /// In which order URLs are tried.
        failovermethod: Option<Failover>;
        /// URL of the authority's key.
        gpgcakey: Option<String>;
        /// Whether signatures of packages are checked.
        gpgcheck: Option<bool>;
        /// URLs of the keys that packages are signed with.
        gpgkey: Option<Vec<String>>;
        /// What HTTP caches may keep.
        http_caching: Option<Caching>;
        /// Another file of configuration.
        include: Option<String>;
        /// The only packages that are taken from it.
        includepkgs: Option<Vec<String>>;
        /// How names are resolved.
        ip_resolve: Option<IpResolve>;
        /// Whether connections are kept.
        keepalive: Option<bool>;
        /// Whether packages are kept once they are installed.
        keepcache: Option<Keep>;
        /// Seconds for which lists are valid.
        metadata_expire: Option<String>;
        /// Which commands may use lists that have expired.
        metadata_expire_filter: Option<ExpireFilter>;
        /// URL of a metalink.
        metalink: Option<String>;
        /// URL of a list of mirrors.
        mirrorlist: Option<String>;
        /// Seconds for which the list of mirrors is valid.
        mirrorlist_expire: Option<String>;
        /// Whether modules do not hide its packages.
        module_hotfixes: Option<bool>;
        /// Password for the repository.
        password: Option<String>, @secret;
        /// Its priority, from 1 to 99.
        priority: Option<String>;
        /// Whether its packages are not replaced by others'.
        protect: Option<bool>;
        /// URL of a proxy, or `_none_`.
        proxy: Option<String>;
        /// Password for the proxy.
        proxy_password: Option<String>, @secret;
        /// User for the proxy.
        proxy_username: Option<String>;
        /// Whether the signature of its lists is checked.
        repo_gpgcheck: Option<bool>;
        /// How often a download is tried.
        retries: Option<String>;
        /// Whether it is a repository of S3.
        s3_enabled: Option<bool>;
        /// Whether it does not matter if it cannot be reached.
        skip_if_unavailable: Option<bool>;
        /// Whether permissions of certificates are checked.
        ssl_check_cert_permissions: Option<bool>;
        /// Certificates of authorities.
        sslcacert: Option<String>, aliases ["ca_cert"];
        /// The client's certificate.
        sslclientcert: Option<String>, aliases ["client_cert"];
        /// The file with the key of `sslclientcert`.
        sslclientkey: Option<String>, aliases ["client_key"];
        /// Whether certificates are checked.
        sslverify: Option<bool>, aliases ["validate_certs"];
        /// The most bytes in a second.
        throttle: Option<String>;
        /// Seconds to wait for a connection.
        timeout: Option<String>;
        /// Variables that are shown with the repository's id.
        ui_repoid_vars: Option<String>;
        /// User for the repository.
        username: Option<String>;
    }
    include { attributes: FileAttributes }
}

impl Module for YumRepository {
    type Params = YumRepositoryParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "yum_repository",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("yum_repository.rs"),
        returns: &[("repo", "the repository's id"), ("state", "whether it is there")],
    };

    fn plan(params: &YumRepositoryParams, view: &View<'_>) -> Result<Step, Halt> {
        let YumRepositoryParams { name, file, reposdir, state, attributes, .. } = params;
        let present = *state == RepositoryState::Present;
        if present {
            if params.baseurl.is_none() && params.mirrorlist.is_none() && params.metalink.is_none() {
                return fail(
                    "state is present but any of the following are missing: baseurl, mirrorlist, metalink",
                );
            }
            if params.description.is_none() {
                return fail("state is present but all of the following are missing: description");
            }
        }
        let dest = format!("{}/{}.repo", reposdir.trim_end_matches('/'), file.as_ref().unwrap_or(name));
        view.want([Query::Stat { path: reposdir.0.clone(), follow: Follow::Yes }]);
        view.want(edit_file::queries(&dest, attributes));
        if view.stat(reposdir, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
            return fail(format!("Repo directory '{}' does not exist.", &**reposdir));
        }
        let mut editing = Editing::open("yum_repository", &dest, attributes, view)?;
        if params.password.is_some() || params.proxy_password.is_some() {
            editing.show = Show::Hidden;
        }
        let before = match Ini::read(&editing.text()) {
            Ok(ini) => ini,
            Err(line) => return fail(format!("`{dest}`, line {line}: neither a section nor an option")),
        };
        let mut after = before.clone();
        after.remove(name);
        if present {
            after.add(name, params.options());
        }
        let differs = before.sorted() != after.sorted();
        let mut plan = Plan::default();
        if differs && after.is_empty() {
            let action = Action::Remove { path: dest.clone() };
            plan.changes.push(Planned { side: Side::Host, change: Change::new(action) });
            plan.diffs.push(Diff::Text {
                subject: dest.clone(),
                before: Some(Arc::from(editing.text())),
                after: None,
            });
        } else if editing.before.is_some() || !after.is_empty() {
            let text = if differs { after.text() } else { editing.text() };
            editing.write(&mut plan, text.as_str(), view)?;
        }
        plan.summary = match (plan.changes.is_empty(), differs, present) {
            (true, _, true) => format!("{name} already so"),
            (true, _, false) => format!("{name} already absent"),
            (false, true, true) => format!("write {name} to {dest}"),
            (false, true, false) => format!("remove {name} from {dest}"),
            (false, false, _) => format!("set the attributes of {dest}"),
        };
        plan.result = crate::map! { "repo" => name.as_str(), "state" => state.text() };
        Ok(Step::Plan(plan))
    }
}

impl YumRepositoryParams {
    /// The options of the section, by name.
    fn options(&self) -> Vec<(String, String)> {
        let flag = |value: Option<bool>| value.map(|value| if value { "1" } else { "0" }.to_owned());
        let list = |value: &Option<Vec<String>>, between: &str| value.as_ref().map(|all| all.join(between));
        let text = Option::<String>::clone;
        let options = [
            ("async", flag(self.r#async)),
            ("bandwidth", text(&self.bandwidth)),
            ("baseurl", list(&self.baseurl, "\n")),
            ("cost", text(&self.cost)),
            ("countme", flag(self.countme)),
            ("deltarpm_metadata_percentage", text(&self.deltarpm_metadata_percentage)),
            ("deltarpm_percentage", text(&self.deltarpm_percentage)),
            ("enabled", flag(self.enabled)),
            ("enablegroups", flag(self.enablegroups)),
            ("exclude", list(&self.exclude, " ")),
            ("failovermethod", self.failovermethod.map(|it| it.text().to_owned())),
            ("gpgcakey", text(&self.gpgcakey)),
            ("gpgcheck", flag(self.gpgcheck)),
            ("gpgkey", list(&self.gpgkey, "\n")),
            ("http_caching", self.http_caching.map(|it| it.text().to_owned())),
            ("include", text(&self.include)),
            ("includepkgs", list(&self.includepkgs, " ")),
            ("ip_resolve", self.ip_resolve.map(|it| it.text().to_owned())),
            ("keepalive", flag(self.keepalive)),
            ("keepcache", self.keepcache.map(|it| it.text().to_owned())),
            ("metadata_expire", text(&self.metadata_expire)),
            ("metadata_expire_filter", self.metadata_expire_filter.map(|it| it.text().to_owned())),
            ("metalink", text(&self.metalink)),
            ("mirrorlist", text(&self.mirrorlist)),
            ("mirrorlist_expire", text(&self.mirrorlist_expire)),
            ("module_hotfixes", flag(self.module_hotfixes)),
            ("name", text(&self.description)),
            ("password", text(&self.password)),
            ("priority", text(&self.priority)),
            ("protect", flag(self.protect)),
            ("proxy", text(&self.proxy)),
            ("proxy_password", text(&self.proxy_password)),
            ("proxy_username", text(&self.proxy_username)),
            ("repo_gpgcheck", flag(self.repo_gpgcheck)),
            ("retries", text(&self.retries)),
            ("s3_enabled", flag(self.s3_enabled)),
            ("skip_if_unavailable", flag(self.skip_if_unavailable)),
            ("ssl_check_cert_permissions", flag(self.ssl_check_cert_permissions)),
            ("sslcacert", text(&self.sslcacert)),
            ("sslclientcert", text(&self.sslclientcert)),
            ("sslclientkey", text(&self.sslclientkey)),
            ("sslverify", flag(self.sslverify)),
            ("throttle", text(&self.throttle)),
            ("timeout", text(&self.timeout)),
            ("ui_repoid_vars", text(&self.ui_repoid_vars)),
            ("username", text(&self.username)),
        ];
        options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
