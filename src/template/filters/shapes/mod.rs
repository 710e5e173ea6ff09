//! The filters of ansible.utils on nested data.

mod consolidate;
mod index_of;
mod keys;
mod paths;

pub(super) use consolidate::consolidate;
pub(in crate::template) use index_of::index_of;
pub(super) use keys::{keep_keys, remove_keys, replace_keys};
pub(in crate::template) use paths::{get_path, to_paths};
