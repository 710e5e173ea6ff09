//! The calls of `dnf`.

use super::{DnfParams, listed};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::Command;

/// How `dnf` is answered when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It goes on.
    Yes,
    /// It shows the transaction and ends.
    No,
}

/// In the environment that keeps it from translating.
pub(super) fn within(view: &View<'_>, words: Vec<String>) -> Command {
    let command = Command::argv(words);
    run::within(
        view,
        ["LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"].iter().fold(command, |c, name| c.env(*name, "C")),
    )
}

impl DnfParams {
    /// The words of a call with these operands.
    pub(super) fn words(&self, verb: &str, operands: &[&str], answer: Answer) -> Vec<String> {
        let mut words = vec!["dnf".to_owned()];
        words.push(match answer {
            Answer::Yes => "-y".to_owned(),
            Answer::No => "--assumeno".to_owned(),
        });
        words.extend(self.options());
        let refresh = verb == "makecache" || self.update_cache && answer == Answer::No && !self.cacheonly;
        words.extend(refresh.then(|| "--refresh".to_owned()));
        let upgrades = verb == "upgrade";
        words.extend((upgrades && self.security).then(|| "--security".to_owned()));
        words.extend((upgrades && self.bugfix).then(|| "--bugfix".to_owned()));
        words.push(verb.to_owned());
        words.extend(operands.iter().map(|&word| word.to_owned()));
        words
    }

    /// What every call takes.
    pub(super) fn options(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: &str| words.push(format!("--{name}={value}"));
        if let Some(file) = &self.conf_file {
            option("config", file);
        }
        if &*self.installroot != "/" {
            option("installroot", &self.installroot);
        }
        if let Some(release) = &self.releasever {
            option("releasever", release);
        }
        for (name, values) in [
            ("disableplugin", &self.disable_plugin),
            ("enableplugin", &self.enable_plugin),
            ("disablerepo", &self.disablerepo),
            ("enablerepo", &self.enablerepo),
            ("exclude", &self.exclude),
        ] {
            for value in listed(values) {
                option(name, value);
            }
        }
        if let Some(which) = &self.disable_excludes {
            option("disableexcludes", which);
        }
        let digit = |flag: bool| if flag { "1" } else { "0" };
        option("setopt", &format!("clean_requirements_on_remove={}", digit(self.autoremove)));
        option("setopt", &format!("install_weak_deps={}", digit(self.install_weak_deps)));
        if self.disable_gpg_check {
            words.push("--nogpgcheck".to_owned());
        } else {
            words.extend(["--setopt=gpgcheck=1".to_owned(), "--setopt=localpkg_gpgcheck=1".to_owned()]);
        }
        let best = self.best.or(self.nobest.map(|nobest| !nobest));
        let flags = [
            ("--best", best == Some(true)),
            ("--nobest", best == Some(false)),
            ("--setopt=sslverify=0", !self.sslverify),
            ("--skip-broken", self.skip_broken),
            ("--allowerasing", self.allowerasing),
            ("--cacheonly", self.cacheonly),
            ("--downloadonly", self.download_only),
        ];
        words.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned()));
        if let Some(place) = self.download_dir.as_ref().filter(|_| self.download_only) {
            words.push(format!("--destdir={}", &**place));
        }
        words
    }
}
