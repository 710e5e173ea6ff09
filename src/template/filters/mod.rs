//! The registry of filters: all of ansible.builtin's and Jinja2's, each also as `ansible.builtin.NAME`.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res};
use super::val::Val;

mod chosen;
mod comment;
mod dates;
pub(super) mod dicts;
mod encoding;
mod general;
mod html;
mod json;
mod logic;
mod network;
mod numbers;
mod passwords;
mod paths;
mod random;
mod regexes;
mod sequences;
mod sets;
pub(super) mod shapes;
mod strings;
mod urls;
mod vault;
mod wrapping;
mod yaml;

pub(super) use general::ansible_type;
pub use random::seeded_choices;

/// What a filter does with its value and arguments.
type Apply = fn(&Ctx<'_>, Val, &Args) -> Res<Val>;

/// A filter.
pub(super) struct Filter {
    /// Its name.
    pub name: &'static str,
    apply: Apply,
    accepts: Accepts,
}

/// Which values a filter takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepts {
    /// What is missing stays missing.
    Present,
    /// What is missing too.
    Missing,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn on_present(name: &'static str, apply: Apply) -> Filter {
    Filter { name, apply, accepts: Accepts::Present }
}

const fn on_missing(name: &'static str, apply: Apply) -> Filter {
    Filter { name, apply, accepts: Accepts::Missing }
}

/// All filters, by name.
static FILTERS: &[Filter] = &[
    on_present("abs", numbers::abs),
    on_present("attr", logic::attr),
    on_present("b64decode", encoding::b64decode),
    on_present("b64encode", encoding::b64encode),
    on_present("basename", paths::basename),
    on_present("batch", sequences::batch),
    on_present("bool", logic::bool),
    on_present("capitalize", strings::capitalize),
    on_present("center", strings::center),
    on_present("checksum", encoding::sha1),
    on_present("combinations", sets::combinations),
    on_present("combine", dicts::combine),
    on_present("comment", comment::comment),
    on_present("commonpath", paths::commonpath),
    on_present("count", sequences::length),
    on_missing("d", logic::default),
    on_missing("default", logic::default),
    on_present("dict2items", dicts::dict2items),
    on_present("dictsort", dicts::dictsort),
    on_present("difference", sets::difference),
    on_present("dirname", paths::dirname),
    on_present("e", html::escape),
    on_present("escape", html::escape),
    on_present("expanduser", paths::expanduser),
    on_present("expandvars", paths::expandvars),
    on_present("extract", dicts::extract),
    on_present("fileglob", paths::fileglob),
    on_present("filesizeformat", numbers::filesizeformat),
    on_present("first", sequences::first),
    on_present("flatten", sets::flatten),
    on_present("float", numbers::float),
    on_present("forceescape", html::escape),
    on_present("format", strings::format),
    on_present("from_json", json::from_json),
    on_present("from_yaml", yaml::from_yaml),
    on_present("from_yaml_all", yaml::from_yaml_all),
    on_present("groupby", chosen::groupby),
    on_present("hash", encoding::hash),
    on_present("human_readable", numbers::human_readable),
    on_present("human_to_bytes", numbers::human_to_bytes),
    on_present("indent", strings::indent),
    on_present("int", numbers::int),
    on_present("intersect", sets::intersect),
    on_present("items", dicts::items),
    on_present("items2dict", dicts::items2dict),
    on_present("join", sequences::join),
    on_present("last", sequences::last),
    on_present("length", sequences::length),
    on_present("list", sequences::list),
    on_present("log", numbers::log),
    on_present("lower", strings::lower),
    on_missing("mandatory", logic::mandatory),
    on_present("map", chosen::map),
    on_present("max", sequences::max),
    on_present("md5", encoding::md5),
    on_present("min", sequences::min),
    on_present("normpath", paths::normpath),
    on_present("password_hash", passwords::password_hash),
    on_present("path_join", paths::path_join),
    on_present("permutations", sets::permutations),
    on_present("pow", numbers::pow),
    on_present("pprint", json::pprint),
    on_present("product", sets::product),
    on_present("quote", encoding::quote),
    on_present("random", random::random),
    on_present("realpath", paths::realpath),
    on_present("regex_escape", regexes::regex_escape),
    on_present("regex_findall", regexes::regex_findall),
    on_present("regex_replace", regexes::regex_replace),
    on_present("regex_search", regexes::regex_search),
    on_present("reject", chosen::reject),
    on_present("rejectattr", chosen::rejectattr),
    on_present("rekey_on_member", dicts::rekey_on_member),
    on_present("relpath", paths::relpath),
    on_present("replace", strings::replace),
    on_present("reverse", sequences::reverse),
    on_present("root", numbers::root),
    on_present("round", numbers::round),
    on_present("safe", strings::string),
    on_present("select", chosen::select),
    on_present("selectattr", chosen::selectattr),
    on_present("sha1", encoding::sha1),
    on_present("shuffle", random::shuffle),
    on_present("slice", sequences::slice),
    on_present("sort", sequences::sort),
    on_present("split", strings::split),
    on_present("splitext", paths::splitext),
    on_present("strftime", dates::strftime),
    on_present("string", strings::string),
    on_present("striptags", html::striptags),
    on_present("subelements", dicts::subelements),
    on_present("sum", sequences::sum),
    on_present("symmetric_difference", sets::symmetric_difference),
    on_present("ternary", logic::ternary),
    on_present("title", strings::title),
    on_present("to_datetime", dates::to_datetime),
    on_present("to_json", json::to_json),
    on_present("to_nice_json", json::to_nice_json),
    on_present("to_nice_yaml", yaml::to_nice_yaml),
    on_present("to_uuid", encoding::to_uuid),
    on_present("to_yaml", yaml::to_yaml),
    on_present("tojson", json::tojson),
    on_present("trim", strings::trim),
    on_present("truncate", strings::truncate),
    on_missing("type_debug", logic::type_debug),
    on_present("union", sets::union),
    on_present("unique", sets::unique),
    on_present("unvault", vault::unvault),
    on_present("upper", strings::upper),
    on_present("urldecode", urls::urldecode),
    on_present("urlencode", urls::urlencode),
    on_present("urlize", html::urlize),
    on_present("urlsplit", urls::urlsplit),
    on_present("vault", vault::vault),
    on_present("win_basename", paths::win_basename),
    on_present("win_dirname", paths::win_dirname),
    on_present("win_splitdrive", paths::win_splitdrive),
    on_present("wordcount", strings::wordcount),
    on_present("wordwrap", wrapping::wordwrap),
    on_present("xmlattr", html::xmlattr),
    on_present("zip", sets::zip),
    on_present("zip_longest", sets::zip_longest),
];

/// The filters of collections, by their full names.
static OTHERS: &[Filter] = &[
    on_present("ansible.utils.cidr_merge", network::cidr_merge),
    on_present("ansible.utils.consolidate", shapes::consolidate),
    on_present("ansible.utils.get_path", shapes::get_path),
    on_present("ansible.utils.hwaddr", network::hwaddr),
    on_present("ansible.utils.index_of", shapes::index_of),
    on_present("ansible.utils.ip4_hex", network::ip4_hex),
    on_present("ansible.utils.ipaddr", network::ipaddr),
    on_present("ansible.utils.ipcut", network::ipcut),
    on_present("ansible.utils.ipmath", network::ipmath),
    on_present("ansible.utils.ipsubnet", network::ipsubnet),
    on_present("ansible.utils.ipv4", network::ipv4),
    on_present("ansible.utils.ipv6", network::ipv6),
    on_present("ansible.utils.ipv6form", network::ipv6form),
    on_present("ansible.utils.ipwrap", network::ipwrap),
    on_present("ansible.utils.keep_keys", shapes::keep_keys),
    on_present("ansible.utils.macaddr", network::macaddr),
    on_present("ansible.utils.network_in_network", network::network_in_network),
    on_present("ansible.utils.network_in_usable", network::network_in_usable),
    on_present("ansible.utils.next_nth_usable", network::next_nth_usable),
    on_present("ansible.utils.nthhost", network::nthhost),
    on_present("ansible.utils.previous_nth_usable", network::previous_nth_usable),
    on_present("ansible.utils.reduce_on_network", network::reduce_on_network),
    on_present("ansible.utils.remove_keys", shapes::remove_keys),
    on_present("ansible.utils.replace_keys", shapes::replace_keys),
    on_present("ansible.utils.slaac", network::slaac),
    on_present("ansible.utils.to_paths", shapes::to_paths),
    on_present("ansible.utils.usable_range", network::usable_range),
    on_present("community.general.accumulate", general::accumulate),
    on_present("community.general.counter", general::counter),
    on_present("community.general.crc32", general::crc32),
    on_present("community.general.dict", general::dict),
    on_present("community.general.dict_kv", general::dict_kv),
    on_present("community.general.from_csv", general::from_csv),
    on_present("community.general.from_ini", general::from_ini),
    on_present("community.general.groupby_as_dict", general::groupby_as_dict),
    on_present("community.general.json_query", general::json_query),
    on_present("community.general.keep_keys", general::keep_keys),
    on_present("community.general.lists_difference", general::lists_difference),
    on_present("community.general.lists_intersect", general::lists_intersect),
    on_present("community.general.lists_mergeby", general::lists_mergeby),
    on_present("community.general.lists_symmetric_difference", general::lists_symmetric_difference),
    on_present("community.general.lists_union", general::lists_union),
    on_present("community.general.random_mac", general::random_mac),
    on_present("community.general.remove_keys", general::remove_keys),
    on_present("community.general.replace_keys", general::replace_keys),
    on_present("community.general.reveal_ansible_type", general::reveal_ansible_type),
    on_present("community.general.to_days", general::to_days),
    on_present("community.general.to_hours", general::to_hours),
    on_present("community.general.to_ini", general::to_ini),
    on_present("community.general.to_milliseconds", general::to_milliseconds),
    on_present("community.general.to_minutes", general::to_minutes),
    on_present("community.general.to_months", general::to_months),
    on_present("community.general.to_nice_yaml", yaml::to_nice_yaml),
    on_present("community.general.to_seconds", general::to_seconds),
    on_present("community.general.to_time_unit", general::to_time_unit),
    on_present("community.general.to_weeks", general::to_weeks),
    on_present("community.general.to_yaml", yaml::to_yaml),
    on_present("community.general.to_years", general::to_years),
    on_present("community.general.unicode_normalize", general::unicode_normalize),
    on_present("community.general.version_sort", general::version_sort),
];

/// The filter of a name: of ansible.builtin, of a collection by its full name, or, where only one collection has it,
/// by its short one (`ipaddr`, `json_query`; or what a play's `collections` makes known).
pub(super) fn find(name: &str) -> Option<&'static Filter> {
    let short = name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy."));
    let among = |all: &'static [Filter], name: &str| {
        all.get(all.binary_search_by(|filter| filter.name.cmp(name)).ok()?)
    };
    if let Some(found) = among(FILTERS, short.unwrap_or(name)) {
        return Some(found);
    }
    if short.is_some() {
        return None;
    }
    if let Some(moved) = name.strip_prefix("ansible.netcommon.") {
        return among(OTHERS, &format!("ansible.utils.{moved}"));
    }
    among(OTHERS, name).or_else(|| {
        let mut named = OTHERS.iter().filter(|filter| filter.name.rsplit('.').next() == Some(name));
        named.next().filter(|_| named.next().is_none())
    })
}

/// The names of all filters.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    FILTERS.iter().chain(OTHERS).map(|filter| filter.name)
}

/// Applies a filter. What is missing stays missing, as in Ansible: `{{ (a | upper) | default('x') }}`.
pub(super) fn apply(ctx: &Ctx<'_>, filter: &Filter, value: Val, args: &Args) -> Res<Val> {
    if filter.accepts == Accepts::Present {
        let given = args.positional.iter().chain(args.named.iter().map(|(_, value)| value));
        for value in [&value].into_iter().chain(given) {
            match value {
                Val::Missing(_) => return Ok(value.clone()),
                Val::Data(crate::base::Value::Unknown(unknown)) => {
                    return Err(Fail::Unknown(unknown.clone()));
                }
                _ => {}
            }
        }
    }
    match (filter.apply)(ctx, value, args) {
        Err(Fail::Undefined(missing)) if filter.name != "mandatory" => Ok(Val::Missing(missing)),
        result => result.map_err(|fail| fail.of_plugin("filter", filter.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_every_name_is_found() {
        assert!(FILTERS.is_sorted_by(|a, b| a.name < b.name) && OTHERS.is_sorted_by(|a, b| a.name < b.name));
        for Filter { name, .. } in FILTERS {
            assert_eq!(find(&format!("ansible.builtin.{name}")).map(|filter| filter.name), Some(*name));
        }
        for name in names() {
            assert_eq!(find(name).map(|filter| filter.name), Some(name));
        }
        let full = |name: &str| find(name).map(|filter| filter.name);
        assert_eq!(full("ansible.netcommon.ipaddr"), Some("ansible.utils.ipaddr"));
        assert_eq!(full("json_query"), Some("community.general.json_query"));
        assert_eq!((full("keep_keys"), full("ansible.builtin.ipaddr")), (None, None));
    }
}
