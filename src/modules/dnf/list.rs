//! `list`: what is installed and offered.

use super::{DnfParams, call};
use crate::base::Value;
use crate::map;
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::run;
use crate::modules::view::View;

const FORMAT: &str = "%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{repoid}";

impl DnfParams {
    /// The packages or repositories that are asked for.
    pub(super) fn told(&self, view: &View<'_>, what: &str) -> Result<Plan, Halt> {
        let results = match what {
            "repos" | "repositories" => self.repositories(view)?,
            "installed" => self.packages(view, &["--installed"])?,
            "updates" | "upgrades" => self.packages(view, &["--upgrades"])?,
            "available" => self.packages(view, &["--available"])?,
            name => {
                let mut all = self.packages(view, &["--installed", name])?;
                all.extend(self.packages(view, &["--available", name])?);
                all
            }
        };
        let plan = Plan::nothing(format!("{what}: {}", crate::base::names::count(results.len(), "entry")));
        Ok(plan.with("msg", "").with("results", Value::list(results)))
    }

    fn ask(&self, view: &View<'_>, verb: &[&str]) -> Result<String, Halt> {
        let mut words = vec!["dnf".to_owned(), "-q".to_owned()];
        words.extend(self.options());
        words.extend(self.update_cache.then(|| "--refresh".to_owned()));
        words.extend(verb.iter().map(|&word| word.to_owned()));
        let output = view.run(call::within(view, words).may_fail())?;
        if output.status != 0 {
            return fail(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        Ok(run::stdout(&output))
    }

    fn repositories(&self, view: &View<'_>) -> Result<Vec<Value>, Halt> {
        let text = self.ask(view, &["repolist", "--enabled"])?;
        let names = text.lines().skip_while(|line| !line.starts_with("repo id")).skip(1);
        let names = names.filter_map(|line| line.split_whitespace().next());
        Ok(names.map(|id| Value::from(map! { "repoid" => id, "state" => "enabled" })).collect())
    }

    fn packages(&self, view: &View<'_>, which: &[&str]) -> Result<Vec<Value>, Halt> {
        let mut verb = vec!["repoquery", "--qf", FORMAT];
        verb.extend(which);
        Ok(self.ask(view, &verb)?.lines().filter_map(package).collect())
    }
}

fn package(line: &str) -> Option<Value> {
    let mut fields = line.split('|');
    let mut next = || fields.next();
    let (name, epoch, version, release, arch, repo) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let envra = format!("{epoch}:{name}-{version}-{release}.{arch}");
    let state = if repo == "@System" { "installed" } else { "available" };
    Some(Value::from(map! {
        "name" => name, "arch" => arch, "epoch" => epoch, "release" => release, "version" => version,
        "repo" => repo, "envra" => envra.as_str(), "nevra" => envra.as_str(), "yumstate" => state,
    }))
}
