//! Filters of lists: `{label: [a, b], until: 24h}`.

use serde_json::{Value as Json, json};

use super::{api, images};
use crate::base::{Map, Value};

/// Filters as a parameter of a URL; nothing where there are none.
pub fn query(filters: Option<&Map>) -> String {
    let Some(filters) = filters.filter(|filters| !filters.is_empty()) else { return String::new() };
    let values = |value: &Value| match value {
        Value::List(items) => items.iter().map(api::plain).collect(),
        value => json!([api::plain(value)]),
    };
    let all: Json = api::object(filters, values);
    format!("filters={}", images::query(&all.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_lists_of_texts() {
        let filters = crate::map! {"dangling" => true, "label" => Value::list(["a".into(), "b=c".into()])};
        assert_eq!(
            query(Some(&filters)),
            "filters=%7B%22dangling%22%3A%5B%22true%22%5D%2C%22label%22%3A%5B%22a%22%2C%22b%3Dc%22%5D%7D"
        );
        assert_eq!(query(None), "");
    }
}
