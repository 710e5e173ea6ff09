//! The calls of `apt-get`.

use super::AptParams;
use crate::modules::contract::{Halt, Plan};
use crate::modules::view::View;
use crate::modules::{run, words};
use crate::wire::{Action, Change, Command, Effect, Observation, Program, Query};

const UPDATE: &str = "apt-get -q update";

/// The host's clock; a module has none.
pub(super) fn clock(view: &View<'_>) -> Command {
    run::argv(view, ["date", "+%s"])
}

/// When the lists were refreshed last.
pub(super) fn lists_age(view: &View<'_>) -> Result<Option<i64>, Halt> {
    match &*view.ask(&Query::PackageListsAge)? {
        Observation::Number(number) => Ok(*number),
        _ => Ok(None),
    }
}

/// In the environment that keeps apt from asking and from translating.
pub(super) fn within(view: &View<'_>, command: Command) -> Command {
    let command = command.env("DEBIAN_FRONTEND", "noninteractive").env("DEBIAN_PRIORITY", "critical");
    run::within(
        view,
        ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANGUAGE"]
            .iter()
            .fold(command, |c, name| c.env(*name, "C")),
    )
}

/// Whether a command refreshes the lists.
pub(super) fn is_update(command: &Command) -> bool {
    matches!(&command.program, Program::Shell { text, executable: _ } if text.contains(UPDATE))
}

impl AptParams {
    /// Options of every call.
    fn options(&self) -> Vec<String> {
        let mut options = vec!["-y".to_owned()];
        for option in self.dpkg_options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            options.extend(["-o".to_owned(), format!("Dpkg::Options::=--{option}")]);
        }
        options.extend(["-o".to_owned(), format!("DPkg::Lock::Timeout={}", self.lock_timeout)]);
        options
    }

    /// Words of a call that installs, upgrades or removes: `verb` is the operation with what it takes.
    pub(super) fn words(&self, verb: &[&str]) -> Vec<String> {
        let operation = verb.first().copied().unwrap_or_default();
        let installs = matches!(operation, "install" | "build-dep" | "upgrade" | "dist-upgrade");
        let mut words = vec!["apt-get".to_owned()];
        words.extend(self.options());
        let flags = [
            ("--only-upgrade", self.only_upgrade && matches!(operation, "install" | "build-dep")),
            ("--fix-broken", self.state == super::State::Fixed && operation == "install"),
            ("--force-yes", self.force),
            (
                "--auto-remove",
                self.autoremove && !matches!(operation, "build-dep" | "autoremove" | "autoclean"),
            ),
            ("--no-remove", self.fail_on_autoremove && installs),
            ("--purge", self.purge && matches!(operation, "remove" | "autoremove")),
            ("--allow-unauthenticated", self.allow_unauthenticated && installs),
            ("--allow-downgrades", self.allow_downgrade && installs),
            (
                "--allow-change-held-packages",
                self.allow_change_held_packages && matches!(operation, "install" | "remove" | "build-dep"),
            ),
        ];
        words.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned()));
        if installs {
            words.extend(self.default_release.iter().flat_map(|release| ["-t".to_owned(), release.clone()]));
            words.extend(self.install_recommends.iter().flat_map(|recommends| {
                let value = if *recommends { "yes" } else { "no" };
                ["-o".to_owned(), format!("APT::Install-Recommends={value}")]
            }));
        }
        words.extend(verb.iter().map(|&word| word.to_owned()));
        words
    }

    /// A call as a change, with `policy-rc.d` around it where one is asked for.
    pub(super) fn call(&self, view: &View<'_>, verb: &[&str]) -> Change {
        let words = self.words(verb);
        let command = match self.policy_rc_d {
            None => Command::argv(words),
            Some(status) => Command::shell(format!(
                "policy=/usr/sbin/policy-rc.d; kept=\"$policy.fleet-$$\"\n\
                 [ ! -e \"$policy\" ] || mv -- \"$policy\" \"$kept\" || exit 1\n\
                 trap 'rm -f -- \"$policy\"; [ ! -e \"$kept\" ] || mv -- \"$kept\" \"$policy\"' EXIT\n\
                 printf '#!/bin/sh\\nexit {status}\\n' > \"$policy\" && chmod 0755 -- \"$policy\" || exit 1\n\
                 {}",
                words::join(&words)
            )),
        };
        Change::new(Action::Run(within(view, command)))
    }

    /// Refreshes the lists, again and again where it fails.
    pub(super) fn update(&self, view: &View<'_>) -> Change {
        let Self { lock_timeout, update_cache_retries: retries, update_cache_retry_max_delay: most, .. } =
            self;
        let text = format!(
            "try=1; pause=1\n\
             until {UPDATE} -o APT::Update::Error-Mode=any -o DPkg::Lock::Timeout={lock_timeout}; do\n\
             code=$?; [ \"$try\" -lt {retries} ] || exit \"$code\"\n\
             [ \"$pause\" -le {most} ] || pause={most}\n\
             sleep \"$pause\"; try=$((try + 1)); pause=$((pause * 2))\ndone"
        );
        Change::new(Action::Run(within(view, Command::shell(text))))
            .effect(Effect::Unknown(Query::PackageListsAge))
    }

    /// Empties the cache of package files.
    pub(super) fn clean(view: &View<'_>, mut plan: Plan) -> Plan {
        plan = plan.change(Change::new(Action::Run(within(view, Command::argv(["apt-get", "clean"])))));
        "empty the cache of package files".clone_into(&mut plan.summary);
        plan
    }
}
