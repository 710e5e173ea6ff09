//! Sees to it that locales are generated on Debian and its kin.
//!
//! ```yaml
//! - name: German is there
//!   community.general.locale_gen:
//!     name: de_DE.UTF-8
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::Editing;
use super::run;
use super::view::View;
use crate::base::Value;
use crate::wire::{Failure, Follow, Query};
use crate::{choices, params};

/// As `community.general.locale_gen`.
pub struct LocaleGen;

choices! {
    /// Whether the locales shall be there.
    pub enum LocaleState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `locale_gen`.
    pub struct LocaleParams {
        /// Names of locales, with their encoding.
        name: Vec<String>;
        /// Whether they shall be there.
        state: LocaleState = LocaleState::Present;
    }
}

const GEN: &str = "/etc/locale.gen";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

impl Module for LocaleGen {
    type Params = LocaleParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "locale_gen",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("locale_gen.rs"),
        returns: &[("mechanism", "`glibc`: by /etc/locale.gen"), ("name", "the locales")],
    };

    fn plan(params: &LocaleParams, view: &View<'_>) -> Result<Step, Halt> {
        let LocaleParams { name: names, state } = params;
        let attributes = FileAttributes::default();
        view.want([Query::Stat { path: GEN.to_owned(), follow: Follow::Yes }]);
        if view.stat(GEN, Follow::Yes)?.is_none() {
            return fail(format!(
                "/var/lib/locales/supported.d/ and {GEN} are missing. Is the package \"locales\" installed?"
            ));
        }
        let editing = Editing::open("locale_gen", GEN, &attributes, view)?;
        let known = run::read(view, ["locale", "-a"])?.map(|output| run::stdout(&output)).unwrap_or_default();
        let is_there = |name: &str| known.lines().any(|line| plain(line) == plain(name));
        let supported = super::edit_file::read_text(SUPPORTED, view)?.unwrap_or_default();
        let unknown: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| {
                !is_there(name) && !supported.lines().any(|line| line.split(' ').next() == Some(name))
            })
            .collect();
        if !unknown.is_empty() {
            return fail(format!(
                "The following locales you have entered are not available on your system: {}",
                unknown.join(", ")
            ));
        }
        let present = *state == LocaleState::Present;
        let all_there = names.iter().all(|name| is_there(name));
        let mut plan = Plan::nothing(if present { "they are there" } else { "they are not there" });
        if all_there != present {
            editing.write(&mut plan, edited(&editing.text(), names, *state), view)?;
            let mut after: Vec<String> = known.lines().map(str::to_owned).collect();
            if present {
                after.extend(names.iter().filter(|name| !is_there(name)).cloned());
            } else {
                after.retain(|line| !names.iter().any(|name| plain(name) == plain(line)));
            }
            let listed = run::will_print(run::reading(["locale", "-a"]), after.join("\n") + "\n");
            plan = plan.change(run::change(view, ["locale-gen"]).effect(listed));
            plan.summary = format!("generate locales: {}", names.join(", "));
        }
        plan.result = crate::map! {
            "name" => Value::list(names.iter().map(|name| Value::from(name.as_str()))), "mechanism" => "glibc",
        };
        Ok(Step::Plan(plan))
    }

    fn failure(_: &LocaleParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("cannot generate the locales", failure)
    }
}

/// A name as `locale -a` may write it: `de_DE.utf8`.
fn plain(name: &str) -> String {
    match name.split_once('.') {
        Some((language, encoding)) => {
            format!("{language}.{}", encoding.to_lowercase().replace('-', ""))
        }
        None => name.to_owned(),
    }
}

fn edited(text: &str, names: &[String], state: LocaleState) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let bare = line.strip_prefix('#').unwrap_or(line).trim_start();
        let found = names.iter().find_map(|name| bare.strip_prefix(name.as_str()).map(|rest| (name, rest)));
        match found.filter(|(_, rest)| rest.starts_with(' ')) {
            Some((name, rest)) if state == LocaleState::Present => out.push_str(&format!("{name}{rest}")),
            Some((name, rest)) => out.push_str(&format!("# {name}{rest}")),
            None => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_switched_on_and_off() {
        let text = "# head\n# de_DE.UTF-8 UTF-8\n#de_DE ISO-8859-1\nen_US.UTF-8 UTF-8\n";
        let on = edited(text, &["de_DE.UTF-8".to_owned()], LocaleState::Present);
        assert_eq!(on, text.replace("# de_DE.UTF-8", "de_DE.UTF-8"));
        let off = edited(&on, &["en_US.UTF-8".to_owned()], LocaleState::Absent);
        assert!(off.ends_with("# en_US.UTF-8 UTF-8\n"));
        assert_eq!(plain("de_DE.UTF-8"), "de_DE.utf8");
    }
}
