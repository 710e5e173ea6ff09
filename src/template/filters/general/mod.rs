//! The filters of community.general.

mod dicts;
mod files;
mod json_functions;
mod json_query;
mod keys;
mod lists;
mod texts;
mod time;

pub(super) use dicts::{accumulate, counter, dict, dict_kv, groupby_as_dict};
pub(super) use files::{from_csv, from_ini, to_ini};
pub(super) use json_query::json_query;
pub(super) use keys::{keep_keys, remove_keys, replace_keys};
pub(super) use lists::{
    lists_difference, lists_intersect, lists_mergeby, lists_symmetric_difference, lists_union,
};
pub(in crate::template) use texts::ansible_type;
pub(super) use texts::{crc32, random_mac, reveal_ansible_type, unicode_normalize, version_sort};
pub(super) use time::{
    to_days, to_hours, to_milliseconds, to_minutes, to_months, to_seconds, to_time_unit, to_weeks, to_years,
};
