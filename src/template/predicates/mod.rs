//! The registry of tests (`x is …`): all of ansible.builtin's and Jinja2's, each also as `ansible.builtin.NAME`.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res};
use super::val::Val;
use crate::base::Value;

mod kinds;
mod matching;
mod outside;
mod results;
mod version;

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

/// The test of a name.
pub(super) fn find(name: &str) -> Option<&'static Test> {
    let name = name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    let at = TESTS.binary_search_by(|test| test.name.cmp(name)).ok()?;
    TESTS.get(at)
}

/// The names of all tests.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TESTS.iter().map(|test| test.name)
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
    (test.apply)(ctx, value, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_every_name_is_found() {
        assert!(TESTS.is_sorted_by(|a, b| a.name < b.name));
        for name in names() {
            assert_eq!(find(&format!("ansible.builtin.{name}")).map(|test| test.name), Some(name));
        }
    }
}
