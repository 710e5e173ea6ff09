//! The registry of tests (`x is …`): all of ansible.builtin's and Jinja2's, each also as `ansible.builtin.NAME`.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res};
use super::val::Val;
use crate::base::Value;

mod kinds;
mod matching;
mod network;
mod outside;
mod results;
mod version;

pub(super) use version::loose;

/// A test.
pub(super) struct Test {
    /// Its name.
    pub name: &'static str,
    apply: fn(&Ctx<'_>, &Val, &Args) -> Res<bool>,
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! tests {
    ($($name:literal => $apply:path,)*) => {
        /// All tests, by name.
        static TESTS: &[Test] = &[$(Test { name: $name, apply: $apply },)*];
    };
}

tests! {
    "!=" => kinds::ne,
    "<" => kinds::lt,
    "<=" => kinds::le,
    "==" => kinds::eq,
    ">" => kinds::gt,
    ">=" => kinds::ge,
    "abs" => outside::is_abs,
    "all" => kinds::all,
    "any" => kinds::any,
    "boolean" => kinds::boolean,
    "callable" => kinds::callable,
    "change" => results::changed,
    "changed" => results::changed,
    "contains" => kinds::contains,
    "defined" => kinds::defined,
    "directory" => outside::directory,
    "divisibleby" => kinds::divisibleby,
    "eq" => kinds::eq,
    "equalto" => kinds::eq,
    "escaped" => kinds::never,
    "even" => kinds::even,
    "exists" => outside::exists,
    "failed" => results::failed,
    "failure" => results::failed,
    "false" => kinds::is_false,
    "falsy" => kinds::falsy,
    "file" => outside::file,
    "filter" => kinds::filter,
    "finished" => results::finished,
    "float" => kinds::float,
    "ge" => kinds::ge,
    "greaterthan" => kinds::gt,
    "gt" => kinds::gt,
    "in" => kinds::within,
    "integer" => kinds::integer,
    "is_abs" => outside::is_abs,
    "is_dir" => outside::directory,
    "is_file" => outside::file,
    "is_link" => outside::link,
    "is_mount" => outside::mount,
    "is_same_file" => outside::same_file,
    "isnan" => kinds::nan,
    "issubset" => kinds::subset,
    "issuperset" => kinds::superset,
    "iterable" => kinds::iterable,
    "le" => kinds::le,
    "lessthan" => kinds::lt,
    "link" => outside::link,
    "link_exists" => outside::link_exists,
    "lower" => kinds::lower,
    "lt" => kinds::lt,
    "mapping" => kinds::mapping,
    "match" => matching::matches,
    "mount" => outside::mount,
    "nan" => kinds::nan,
    "ne" => kinds::ne,
    "none" => kinds::none,
    "number" => kinds::number,
    "odd" => kinds::odd,
    "reachable" => results::reachable,
    "regex" => matching::regex,
    "same_file" => outside::same_file,
    "sameas" => kinds::sameas,
    "search" => matching::search,
    "sequence" => kinds::sequence,
    "skip" => results::skipped,
    "skipped" => results::skipped,
    "started" => results::started,
    "string" => kinds::string,
    "subset" => kinds::subset,
    "succeeded" => results::succeeded,
    "success" => results::succeeded,
    "successful" => results::succeeded,
    "superset" => kinds::superset,
    "test" => kinds::test,
    "timedout" => results::timedout,
    "true" => kinds::is_true,
    "truthy" => kinds::truthy,
    "undefined" => kinds::undefined,
    "unreachable" => results::unreachable,
    "upper" => kinds::upper,
    "uri" => matching::uri,
    "url" => matching::url,
    "urn" => matching::urn,
    "vault_encrypted" => kinds::vault_encrypted,
    "vaulted_file" => outside::vaulted_file,
    "version" => version::version,
    "version_compare" => version::version,
}

macro_rules! others {
    ($($name:literal => $apply:path,)*) => {
        /// The tests of collections, by their full names.
        static OTHERS: &[Test] = &[$(Test { name: $name, apply: $apply },)*];
    };
}

others! {
    "ansible._protomatter.tagged_with" => kinds::tagged_with,
    "ansible.utils.in_any_network" => network::in_any_network,
    "ansible.utils.in_network" => network::in_network,
    "ansible.utils.in_one_network" => network::in_one_network,
    "ansible.utils.ip" => network::ip,
    "ansible.utils.ip_address" => network::ip_address,
    "ansible.utils.ipv4" => network::ipv4,
    "ansible.utils.ipv4_address" => network::ipv4_address,
    "ansible.utils.ipv4_hostmask" => network::ipv4_hostmask,
    "ansible.utils.ipv4_netmask" => network::ipv4_netmask,
    "ansible.utils.ipv6" => network::ipv6,
    "ansible.utils.ipv6_address" => network::ipv6_address,
    "ansible.utils.ipv6_ipv4_mapped" => network::ipv6_ipv4_mapped,
    "ansible.utils.ipv6_sixtofour" => network::ipv6_sixtofour,
    "ansible.utils.ipv6_teredo" => network::ipv6_teredo,
    "ansible.utils.loopback" => network::loopback,
    "ansible.utils.mac" => network::mac,
    "ansible.utils.multicast" => network::multicast,
    "ansible.utils.private" => network::private,
    "ansible.utils.public" => network::public,
    "ansible.utils.reserved" => network::reserved,
    "ansible.utils.subnet_of" => network::subnet_of,
    "ansible.utils.supernet_of" => network::supernet_of,
    "ansible.utils.unspecified" => network::unspecified,
    "community.general.ansible_type" => network::ansible_type,
    "community.general.fqdn_valid" => network::fqdn_valid,
}

/// The test of a name: of ansible.builtin, of a collection by its full name, or, where only one has it, by its short
/// one.
pub(super) fn find(name: &str) -> Option<&'static Test> {
    let short = name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy."));
    let among =
        |all: &'static [Test], name: &str| all.get(all.binary_search_by(|test| test.name.cmp(name)).ok()?);
    if let Some(found) = among(TESTS, short.unwrap_or(name)) {
        return Some(found);
    }
    if short.is_some() {
        return None;
    }
    among(OTHERS, name).or_else(|| OTHERS.iter().find(|test| test.name.rsplit('.').next() == Some(name)))
}

/// The names of all tests.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    TESTS.iter().chain(OTHERS).map(|test| test.name)
}

/// Applies a test.
pub(super) fn apply(ctx: &Ctx<'_>, test: &Test, value: &Val, args: &Args) -> Res<bool> {
    if !matches!(test.name, "defined" | "undefined") {
        for value in
            [value].into_iter().chain(&args.positional).chain(args.named.iter().map(|(_, value)| value))
        {
            match value {
                Val::Missing(missing) => return Err(Fail::Undefined(missing.clone())),
                Val::Data(Value::Unknown(unknown)) => return Err(Fail::Unknown(unknown.clone())),
                _ => {}
            }
        }
    }
    (test.apply)(ctx, value, args).map_err(|fail| fail.of_plugin("test", test.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_every_name_is_found() {
        assert!(TESTS.is_sorted_by(|a, b| a.name < b.name) && OTHERS.is_sorted_by(|a, b| a.name < b.name));
        for Test { name, .. } in TESTS {
            assert_eq!(find(&format!("ansible.builtin.{name}")).map(|test| test.name), Some(*name));
        }
        for name in names() {
            assert_eq!(find(name).map(|test| test.name), Some(name));
        }
    }
}
