//! Which packages have to be installed or removed.

use super::{AptParams, Lists, State, version};
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::patterns;
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::{Change, Effect, PackageState, PackageStatus, Query, UnitState};

/// A package as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spec {
    name: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    /// A version or a pattern of versions.
    Version(String),
    AtLeast(String),
}

fn spec(text: &str) -> Result<Spec, Halt> {
    if text.matches('=').count() > 1 {
        return fail(format!("invalid package spec: {text}"));
    }
    let (name, wanted) = match (text.split_once(">="), text.split_once('=')) {
        (Some((name, version)), _) => (name, Wanted::AtLeast(version.trim().to_owned())),
        (None, Some((name, version))) => (name, Wanted::Version(version.trim().to_owned())),
        (None, None) => (text, Wanted::Any),
    };
    Ok(Spec { name: name.trim().to_owned(), wanted })
}

/// What has to be known of a package, where its name is plain.
pub(super) fn query(text: &str) -> Option<Query> {
    let Spec { name, wanted: _ } = spec(text).ok()?;
    (!patterns::is_pattern(&name) && !name.is_empty()).then_some(Query::Package { name })
}

/// What is asked for, with patterns of names replaced by the names that they match.
fn specs(view: &View<'_>, texts: &[String]) -> Result<Vec<Spec>, Halt> {
    let mut all = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let one = spec(text)?;
        if !patterns::is_pattern(&one.name) {
            all.push(one);
            continue;
        }
        let output = view.run(run::argv(view, ["apt-cache", "pkgnames"]))?;
        let known = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut names: Vec<&str> = known.lines().filter(|name| patterns::matches(&one.name, name)).collect();
        if names.is_empty() {
            return fail(format!("No package(s) matching '{}' available", one.name));
        }
        names.sort_unstable();
        all.extend(names.into_iter().map(|name| Spec { name: name.to_owned(), wanted: one.wanted.clone() }));
    }
    view.want(all.iter().map(|spec| Query::Package { name: spec.name.clone() }));
    Ok(all)
}

/// What has to be done with one package.
enum Verdict {
    Fine(String),
    Install { word: String, version: Option<String> },
}

impl AptParams {
    fn judge(&self, spec: &Spec, state: &PackageState, lists: Lists) -> Result<Verdict, Halt> {
        let Spec { name, wanted } = spec;
        let PackageState { status, version, candidate, provided_by, held: _, available } = state;
        let installed = version.as_deref().filter(|_| *status == PackageStatus::Installed);
        let latest = self.state == State::Latest;
        if installed.is_none() && self.only_upgrade {
            return Ok(Verdict::Fine(format!("{name} is not installed")));
        }
        if installed.is_none() && *status == PackageStatus::Installed {
            // installed by an earlier task of this plan, in a version that is not known yet
            return Ok(Verdict::Fine(format!("{name} is installed")));
        }
        let any = |version: Option<String>| Verdict::Install { word: name.clone(), version };
        match wanted {
            Wanted::Any => match (installed, candidate) {
                (Some(is), Some(newer)) if latest && version::compare(is, newer).is_lt() => {
                    Ok(any(Some(newer.clone())))
                }
                (Some(is), _) if latest && lists == Lists::Kept => {
                    Ok(Verdict::Fine(format!("{name} already newest: {is}")))
                }
                (Some(is), _) => Ok(Verdict::Fine(format!("{name} already {is}"))),
                (None, Some(newer)) => Ok(any(Some(newer.clone()))),
                (None, None) => match provided_by.first() {
                    Some(provider) => Ok(Verdict::Fine(format!("{name} provided by {provider}"))),
                    None if lists == Lists::Refreshed || !available.is_empty() => Ok(any(None)),
                    None => fail(format!("No package matching '{name}' is available")),
                },
            },
            Wanted::Version(pattern) => {
                let fits = |version: &str| patterns::matches(pattern, version);
                let offered = candidate.iter().chain(available).filter(|version| fits(version));
                let best = offered.max_by(|a, b| version::compare(a, b)).cloned();
                match (installed.filter(|is| fits(is)), best) {
                    (Some(is), Some(best)) if latest && version::compare(is, &best).is_lt() => {
                        Ok(Verdict::Install { word: format!("{name}={best}"), version: Some(best) })
                    }
                    (Some(is), _) => Ok(Verdict::Fine(format!("{name} already {is}"))),
                    (None, Some(best)) => {
                        Ok(Verdict::Install { word: format!("{name}={best}"), version: Some(best) })
                    }
                    (None, None) if lists == Lists::Refreshed => {
                        Ok(Verdict::Install { word: format!("{name}={pattern}"), version: None })
                    }
                    (None, None) => fail(format!("no available installation candidate for {name}={pattern}")),
                }
            }
            Wanted::AtLeast(least) => {
                let fits = |version: &str| version::compare(version, least).is_ge();
                let offered = candidate.iter().chain(available).filter(|version| fits(version));
                let best = candidate
                    .clone()
                    .filter(|version| fits(version))
                    .or_else(|| offered.max_by(|a, b| version::compare(a, b)).cloned());
                match (installed.filter(|is| fits(is)), best) {
                    (Some(is), Some(best)) if latest && version::compare(is, &best).is_lt() => {
                        Ok(Verdict::Install { word: format!("{name}={best}"), version: Some(best) })
                    }
                    (Some(is), _) => Ok(Verdict::Fine(format!("{name} already {is}"))),
                    (None, Some(best)) => {
                        Ok(Verdict::Install { word: format!("{name}={best}"), version: Some(best) })
                    }
                    (None, None) if lists == Lists::Refreshed => Ok(any(None)),
                    (None, None) => fail(format!("no available installation candidate for {name}>={least}")),
                }
            }
        }
    }

    /// Installs what is missing, and with `latest` upgrades the rest.
    pub(super) fn install(
        &self,
        view: &View<'_>,
        mut plan: Plan,
        names: &[String],
        lists: Lists,
    ) -> Result<Plan, Halt> {
        let specs = specs(view, names)?;
        let (mut words, mut fine, mut effects) = (Vec::new(), Vec::new(), Vec::new());
        for spec in &specs {
            let state = view.package(&spec.name)?;
            match self.judge(spec, &state, lists)? {
                Verdict::Fine(why) => fine.push(why),
                Verdict::Install { word, version } => {
                    let before = match (&state.status, &state.version) {
                        (PackageStatus::Installed | PackageStatus::Broken, Some(version)) => version.clone(),
                        _ => "absent".to_owned(),
                    };
                    let after = version.clone().unwrap_or_else(|| "installed".to_owned());
                    plan.diffs.push(Diff::attribute(package(&spec.name), "version", before, after));
                    if state.status != PackageStatus::Installed {
                        effects.extend(units(&spec.name));
                    }
                    let state = PackageState { status: PackageStatus::Installed, version, ..state };
                    effects.push(Effect::Package(spec.name.clone(), state));
                    words.push(word);
                }
            }
        }
        if words.is_empty() && lists == Lists::Refreshed && self.state == State::Latest {
            // what the fresh lists offer is not known before they are there
            words = specs.iter().map(|spec| spec.name.clone()).collect();
            let verb = verb("install", &words);
            plan.summary = format!("{}, then upgrade {}", plan.summary, words.join(", "));
            return Ok(plan.change(self.call(view, &verb)));
        }
        if words.is_empty() {
            let done = std::mem::take(&mut plan.summary);
            fine.splice(0..0, Some(done).filter(|done| !done.is_empty()));
            plan.summary = fine.join(", ");
            return Ok(plan);
        }
        plan.summary = format!("install {}", words.join(", "));
        plan.changed = Some(true);
        let mut change = self.call(view, &verb("install", &words));
        change.effects = effects;
        Ok(plan.change(change))
    }

    /// Removes what is there.
    pub(super) fn remove(&self, view: &View<'_>, mut plan: Plan, names: &[String]) -> Result<Plan, Halt> {
        let mut words = Vec::new();
        let mut effects = Vec::new();
        for Spec { name, wanted } in specs(view, names)? {
            let state = view.package(&name)?;
            let fits = match (&wanted, &state.version) {
                (Wanted::Version(pattern), Some(is)) => patterns::matches(pattern, is),
                _ => true,
            };
            let there = match state.status {
                PackageStatus::Installed | PackageStatus::Broken => fits,
                PackageStatus::ConfigFiles => self.purge,
                PackageStatus::Absent => false,
            };
            if there {
                let before = state.version.clone().unwrap_or_else(|| "configuration files".to_owned());
                plan.diffs.push(Diff::attribute(package(&name), "version", before, "absent"));
                let status = if self.purge { PackageStatus::Absent } else { PackageStatus::ConfigFiles };
                effects.push(Effect::Package(name.clone(), PackageState { status, version: None, ..state }));
                words.push(name);
            }
        }
        if words.is_empty() {
            plan.summary = format!("already absent: {}", names.join(", "));
            return Ok(plan);
        }
        plan.summary = format!("remove {}", words.join(", "));
        plan.changed = Some(true);
        let mut change: Change = self.call(view, &verb("remove", &words));
        change.effects = effects;
        Ok(plan.change(change))
    }
}

fn verb<'a>(operation: &'a str, words: &'a [String]) -> Vec<&'a str> {
    std::iter::once(operation).chain(words.iter().map(String::as_str)).collect()
}

pub(super) fn package(name: &str) -> String {
    format!("package {name}")
}

/// Units that a package of that name usually brings; the tasks that start them can then be predicted.
pub fn units(name: &str) -> Vec<Effect> {
    let bare = name.split(':').next().unwrap_or(name);
    let mut names = vec![bare];
    match bare {
        "openssh-server" => names.extend(["ssh", "sshd"]),
        _ => {
            names.extend(
                ["-server", ".io", "-ce", "-daemon", "-light", "-core", "-full", "-extras"]
                    .iter()
                    .filter_map(|end| bare.strip_suffix(end)),
            );
        }
    }
    names
        .into_iter()
        .map(|name| {
            let state = UnitState {
                load: "loaded".to_owned(),
                active: "inactive".to_owned(),
                sub: "dead".to_owned(),
                enabled: "disabled".to_owned(),
                properties: std::collections::BTreeMap::new(),
            };
            Effect::Unit(format!("{name}.service"), state)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_read() {
        let read = |text: &str| spec(text).unwrap();
        assert_eq!(read("nginx"), Spec { name: "nginx".into(), wanted: Wanted::Any });
        assert_eq!(read("a=1.2*"), Spec { name: "a".into(), wanted: Wanted::Version("1.2*".into()) });
        assert_eq!(read("a >= 1.2"), Spec { name: "a".into(), wanted: Wanted::AtLeast("1.2".into()) });
        assert!(spec("a=1=2").is_err());
        assert_eq!(query("lib*"), None);
    }
}
