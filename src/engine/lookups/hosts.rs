//! `inventory_hostnames`: the hosts that a pattern matches.

use std::sync::Arc;

use indexmap::IndexMap;

use super::ask::Ask;
use super::{Found, failed};
use crate::base::Value;
use crate::inventory::Inventory;

pub(super) fn inventory_hostnames(ask: &Ask<'_>) -> Found {
    let Some(Value::Map(groups)) = ask.variables.get("groups") else {
        return Err(failed("there is no `groups`"));
    };
    let names = |value: &Value| -> Vec<Arc<str>> {
        value.as_list().unwrap_or_default().iter().map(|name| Arc::from(name.to_text())).collect()
    };
    let members: IndexMap<Arc<str>, Vec<Arc<str>>> =
        groups.iter().map(|(group, hosts)| (Arc::from(group.to_string()), names(hosts))).collect();
    let patterns: Vec<String> = ask.texts().collect();
    let matches = Inventory::of_members(&members).match_pattern(&patterns, None);
    Ok(matches.hosts.into_iter().map(Value::from).collect())
}
