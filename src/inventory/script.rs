//! Inventory scripts: executable files that print JSON when they are called with `--list` (and `--host NAME`).

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexSet;
use serde_json::{Map as Object, Value as Json};

use super::InventorySource;
use super::load::Loading;
use super::outside::ScriptOutput;
use crate::base::{Diagnostic, Key, Kind, Map, TemplateText, TextForm, Value};
use crate::yaml::has_markers;

/// The one format that a script may say it writes (`_meta.profile`).
const PROFILE: &str = "inventory_legacy";

/// What a script printed.
struct Printed {
    text: String,
    stderr: String,
}

impl Loading<'_> {
    /// Reads what a script prints.
    pub(super) fn script(&mut self, path: &Path) {
        let path = &super::absolute(path);
        self.builder.source = Some(InventorySource::Path(path.clone()));
        if let Err(error) = self.try_script(path) {
            self.builder.warn(error);
        }
    }

    fn try_script(&mut self, path: &Path) -> Result<(), Diagnostic> {
        let printed = self.run(path, &["--list"])?;
        let told = |error: Diagnostic| with_stderr(error, &printed.stderr);
        let groups = groups(&printed.text).map_err(told)?;
        if !printed.stderr.trim().is_empty() && self.reading.options.script_stderr {
            let message = format!("{}: {}", path.display(), printed.stderr.trim_end());
            self.builder.warn(Diagnostic::warning(Kind::Inventory, message));
        }
        let mut hosts: IndexSet<String> = IndexSet::new();
        let mut meta = None;
        for (name, data) in groups {
            if name == "_meta" {
                let known = data.get("hostvars").unwrap_or(&Json::Null);
                meta = Some(
                    known.as_object().ok_or_else(|| wrong_type("_meta.hostvars", known, "dict"))?.clone(),
                );
            } else {
                self.script_group(&name, data, &mut hosts)?;
            }
        }
        if meta.is_none() {
            let message = "inventory scripts should always provide `_meta.hostvars`";
            self.builder.warn(
                Diagnostic::warning(Kind::Inventory, message)
                    .hint(format!("without it `{}` is run again for each host", path.display()))
                    .told_in_full(""),
            );
        }
        for host in &hosts {
            let vars = match &meta {
                Some(meta) => meta.get(host).cloned().unwrap_or_else(|| Json::Object(Object::new())),
                None => self.host_of_script(path, host)?,
            };
            let Json::Object(vars) = vars else {
                let message = format!("invalid data from file, expected dictionary and got: {vars}");
                return Err(Diagnostic::error(Kind::Inventory, message));
            };
            self.builder.add_host(host, None, None, None);
            for (name, value) in vars {
                let value = self.value(&value, Trust::Yes)?;
                self.builder.set_host_variable(host, &name, value, None);
            }
        }
        Ok(())
    }

    fn script_group(
        &mut self,
        name: &str,
        data: Json,
        hosts: &mut IndexSet<String>,
    ) -> Result<(), Diagnostic> {
        let group = self.builder.add_group(name, None);
        let mut trust = Trust::Yes;
        let data = match data {
            Json::Object(data) if ["hosts", "vars", "children"].iter().any(|key| data.contains_key(*key)) => {
                data
            }
            Json::Object(data) => {
                let message = format!("treating malformed group `{group}` as the sole host of that group");
                self.builder.warn(
                    Diagnostic::warning(Kind::Inventory, message)
                        .hint(
                            "a group has `hosts`, `vars` and `children`; such variables are never templated",
                        )
                        .told_in_full(""),
                );
                trust = Trust::No;
                let hosts = Json::Array(vec![Json::String(group.clone())]);
                [("hosts".to_owned(), hosts), ("vars".to_owned(), Json::Object(data))].into_iter().collect()
            }
            other => {
                let found = type_name(&other);
                let message = format!("group `{group}` was converted to `dict` from `{found}`");
                self.builder.warn(Diagnostic::warning(Kind::Inventory, message).told_in_full(""));
                [("hosts".to_owned(), other)].into_iter().collect()
            }
        };
        if let Some(members) = data.get("hosts") {
            let what = format!("{group}.hosts");
            for member in members.as_array().ok_or_else(|| wrong_type(&what, members, "list"))? {
                let host = text_of(member, "host")?;
                self.builder.add_host(host, Some(&group), None, None);
                hosts.insert(host.to_owned());
            }
        }
        if let Some(vars) = data.get("vars") {
            let what = format!("{group}.vars");
            for (name, value) in vars.as_object().ok_or_else(|| wrong_type(&what, vars, "dict"))? {
                let value = self.value(value, trust)?;
                self.builder.set_group_variable(&group, name, value, None);
            }
        }
        if let Some(children) = data.get("children") {
            let what = format!("{group}.children");
            for child in children.as_array().ok_or_else(|| wrong_type(&what, children, "list"))? {
                let child = self.builder.add_group(text_of(child, "group")?, None);
                self.builder.add_child(&group, &child, None);
            }
        }
        Ok(())
    }

    fn host_of_script(&self, path: &Path, host: &str) -> Result<Json, Diagnostic> {
        let Printed { text, stderr } = self.run(path, &["--host", host])?;
        if text.trim().is_empty() {
            return Ok(Json::Object(Object::new()));
        }
        serde_json::from_str(&text).map_err(|error| {
            let message =
                format!("inventory script result for host `{host}` could not be parsed as JSON: {error}");
            with_stderr(Diagnostic::error(Kind::Inventory, message), &stderr)
        })
    }

    fn run(&self, path: &Path, arguments: &[&str]) -> Result<Printed, Diagnostic> {
        let error = |message: String| Diagnostic::error(Kind::Inventory, message);
        let command = format!("{} {}", path.display(), arguments.join(" "));
        let ScriptOutput { code, stdout, stderr } =
            self.reading.outside.script(path, arguments).map_err(|cause| {
                error(format!("failed to execute inventory script command `{command}`: {cause}"))
            })?;
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        if code != 0 {
            let message = format!("inventory script returned non-zero exit code {code}: `{command}`");
            return Err(with_stderr(error(message), &stderr));
        }
        let text = String::from_utf8(stdout).map_err(|_| {
            let message =
                "inventory script result contained characters that cannot be interpreted as UTF-8".to_owned();
            with_stderr(error(message), &stderr)
        })?;
        Ok(Printed { text, stderr })
    }

    /// JSON as a value: texts with markers are templates where they are trusted.
    fn value(&mut self, json: &Json, trust: Trust) -> Result<Value, Diagnostic> {
        match json {
            Json::String(text) if trust == Trust::Yes && has_markers(text) => {
                Ok(Value::Template(Arc::new(TemplateText {
                    text: Arc::from(text.as_str()),
                    place: None,
                    form: TextForm::Template,
                })))
            }
            Json::String(_) => {
                let value = Value::from_json(json);
                if trust == Trust::No {
                    self.builder.inventory.untrusted.mark(&value);
                }
                Ok(value)
            }
            Json::Array(items) => {
                let items: Result<Vec<Value>, _> = items.iter().map(|item| self.value(item, trust)).collect();
                Ok(Value::from(items?))
            }
            Json::Object(entries) => {
                if let Some(text) = entries.get("__ansible_unsafe") {
                    return self.value(text, Trust::No);
                }
                if let Some(Json::String(text)) = entries.get("__ansible_vault") {
                    let sealed =
                        TemplateText { text: Arc::from(text.as_str()), place: None, form: TextForm::Sealed };
                    return Ok(Value::Template(Arc::new(sealed)));
                }
                let mut map = Map::with_capacity(entries.len());
                for (key, value) in entries {
                    map.insert(Key::str(key), self.value(value, trust)?);
                }
                Ok(Value::map(map))
            }
            other => Ok(Value::from_json(other)),
        }
    }
}

/// Whether texts may be templates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Yes,
    No,
}

/// The groups that a script printed, with `_meta` among them.
fn groups(text: &str) -> Result<Object<String, Json>, Diagnostic> {
    let undecodable = |what: &str| {
        let message = format!("unable to get JSON decoder for inventory script result. {what}");
        Diagnostic::error(Kind::Inventory, message)
    };
    let json: Json = serde_json::from_str(text)
        .map_err(|error| undecodable(&format!("Value could not be parsed as JSON: {error}")))?;
    let Json::Object(groups) = json else {
        return Err(undecodable(&format!("Value is `{}` instead of `dict`", type_name(&json))));
    };
    if let Some(meta) = groups.get("_meta") {
        let Json::Object(meta) = meta else {
            return Err(undecodable(&type_message("_meta", meta, "dict")));
        };
        match meta.get("profile") {
            None => {}
            Some(Json::String(profile)) if profile == PROFILE => {}
            Some(Json::String(profile)) if profile.starts_with("inventory_") => {
                return Err(undecodable(&format!("Unknown profile name `{profile}`")));
            }
            Some(Json::String(profile)) => {
                return Err(undecodable(&format!("Non-inventory profile `{profile}` is not allowed.")));
            }
            Some(other) => return Err(undecodable(&type_message("_meta.profile", other, "str"))),
        }
    }
    if has_wrong_marks(&Json::Object(groups.clone())) {
        let message = "inventory script result could not be parsed as JSON: a text that is marked is no text";
        return Err(Diagnostic::error(Kind::Inventory, message));
    }
    Ok(groups)
}

/// Whether `__ansible_unsafe` or `__ansible_vault` marks anything but a text.
fn has_wrong_marks(json: &Json) -> bool {
    match json {
        Json::Object(entries) => entries.iter().any(|(key, value)| {
            (matches!(key.as_str(), "__ansible_unsafe" | "__ansible_vault") && !value.is_string())
                || has_wrong_marks(value)
        }),
        Json::Array(items) => items.iter().any(has_wrong_marks),
        _ => false,
    }
}

fn text_of<'j>(json: &'j Json, what: &str) -> Result<&'j str, Diagnostic> {
    json.as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
        let message = format!("invalid {what} name, expected a text but got `{json}`");
        Diagnostic::error(Kind::Inventory, message)
    })
}

fn type_message(what: &str, found: &Json, wanted: &str) -> String {
    format!("Value contains `{what}` which is `{}` instead of `{wanted}`", type_name(found))
}

fn wrong_type(what: &str, found: &Json, wanted: &str) -> Diagnostic {
    let message = format!("value contains `{what}` which is `{}` instead of `{wanted}`", type_name(found));
    Diagnostic::error(Kind::Inventory, message)
}

/// Python's names of types.
fn type_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_i64() || number.is_u64() => "int",
        Json::Number(_) => "float",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

fn with_stderr(error: Diagnostic, stderr: &str) -> Diagnostic {
    if stderr.trim().is_empty() {
        return error;
    }
    error.note(format!("standard error of the script: {}", stderr.trim_end()), None)
}
