//! Filters, tests and lookups that are not there: what to say of them.

use crate::base::names;

/// The collections of which some are there.
const KNOWN: &[&str] =
    &["ansible.builtin", "ansible.legacy", "ansible.netcommon", "ansible.utils", "community.general"];

/// What is left out of the known collections, and why.
const REFUSED: &[(&str, &str)] = &[
    ("ansible.utils.fact_diff", "it runs a plugin of Python"),
    ("ansible.utils.from_xml", "it needs Python's xmltodict"),
    ("ansible.utils.param_list_compare", "it is for network devices"),
    ("ansible.utils.resolvable", "it asks the DNS"),
    ("ansible.utils.to_xml", "it needs Python's xmltodict"),
    ("ansible.utils.validate", "it runs validators of Python"),
    ("community.general.a_module", "it looks for Python modules of the controller"),
    ("community.general.dig", "it asks the DNS"),
    ("community.general.dnstxt", "it asks the DNS"),
    ("community.general.hashids_decode", "it needs Python's hashids"),
    ("community.general.hashids_encode", "it needs Python's hashids"),
    ("community.general.jc", "it needs Python's jc"),
    ("community.general.json_diff", "it needs Python's jsonpatch"),
    ("community.general.json_patch", "it needs Python's jsonpatch"),
    ("community.general.json_patch_recipe", "it needs Python's jsonpatch"),
    ("community.general.to_prettytable", "it needs Python's prettytable"),
];

/// The message and hint for a `filter`, `test` or `lookup` of a name that is not there.
pub(super) fn unknown(
    kind: &str,
    name: &str,
    known: impl IntoIterator<Item = &'static str> + Clone,
) -> (String, Option<String>) {
    let refused = |(full, _): &&(&str, &str)| *full == name || full.rsplit('.').next() == Some(name);
    if let Some((full, why)) = REFUSED.iter().find(refused) {
        return (format!("the {kind} `{full}` is not supported: {why}"), None);
    }
    let hint = names::did_you_mean(name, known.clone());
    let Some((collection, short)) = name.rsplit_once('.') else {
        let full = known.into_iter().find(|full| full.rsplit('.').next() == Some(name));
        let hint = full.map(|full| format!("its full name is `{full}`")).or(hint);
        return (format!("there is no {kind} `{name}`"), hint);
    };
    if KNOWN.contains(&collection) {
        return (format!("there is no {kind} `{short}` in the collection `{collection}`"), hint);
    }
    (format!("there is no {kind} `{name}`: fleet has none of the collection `{collection}`"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let ask = |name: &str| unknown("filter", name, ["upper", "ansible.utils.ipaddr"]);
        assert_eq!(ask("uper"), ("there is no filter `uper`".into(), Some("did you mean `upper`?".into())));
        assert!(ask("hashids_encode").0.contains("`community.general.hashids_encode` is not supported"));
        assert_eq!(
            ask("community.general.nope").0,
            "there is no filter `nope` in the collection `community.general`"
        );
        assert!(ask("my.own.x").0.ends_with("fleet has none of the collection `my.own`"));
        assert!(ask("ansible.utils.ipadr").1.is_some_and(|hint| hint.contains("ansible.utils.ipaddr")));
    }
}
