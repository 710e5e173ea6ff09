//! A user's SSH key.

use super::UserParams;
use super::account::{command, directory};
use crate::base::Map;
use crate::modules::contract::{Halt, Plan};
use crate::modules::diff::Diff;
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::{
    Action, Attributes, Change, Content, Effect, FileKind, Follow, Owner, Query, Stat, UserEntry,
};

fn path(params: &UserParams, home: &str) -> String {
    let file = params.ssh_key_file.as_ref();
    let file = file.map_or_else(|| format!(".ssh/id_{}", params.ssh_key_type), |file| file.0.clone());
    if file.starts_with(['/', '~']) { file } else { format!("{}/{file}", home.trim_end_matches('/')) }
}

/// Adds what makes the key, where one is wanted and there is none.
pub(super) fn plan(
    params: &UserParams,
    view: &View<'_>,
    mut plan: Plan,
    entry: &UserEntry,
) -> Result<Plan, Halt> {
    if !params.generate_ssh_key {
        return Ok(plan);
    }
    let private = path(params, &entry.home);
    let public = format!("{private}.pub");
    let above = private.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
    let stat = |path: &str| Query::Stat { path: path.to_owned(), follow: Follow::Yes };
    view.want([stat(&private), stat(&public), stat(&above)]);
    let there = [("private", &private), ("public", &public)];
    let mut first = None;
    for (kind, path) in there {
        if view.stat(path, Follow::Yes)?.is_some() {
            first = first.or(Some((kind, path)));
        }
    }
    plan = plan.with("ssh_key_file", private.as_str());
    if let Some((kind, path)) = first {
        plan.warnings.push(if params.force {
            format!("Overwriting existing ssh key {kind} file \"{path}\"")
        } else {
            format!(
                "Found existing ssh key {kind} file \"{path}\", no force, so skipping ssh-keygen generation"
            )
        });
        if !params.force {
            plan.result.extend(keys(params, &entry.home, view)?);
            return Ok(plan);
        }
    }
    if view.stat(&above, Follow::Yes)?.is_none() {
        let attributes = Attributes {
            mode: Some(0o700),
            owner: Some(Owner::Name(entry.name.clone())),
            group: entry.gid.map(Owner::Id).or_else(|| entry.group.clone().map(Owner::Name)),
        };
        plan = plan.change(Change::new(Action::MakeDirectory { path: above, attributes }));
    }
    if first.is_some() {
        for path in [&private, &public] {
            plan = plan.change(Change::new(Action::Remove { path: path.clone() }));
        }
    }
    let passphrase = params.ssh_key_passphrase.clone().unwrap_or_default();
    let mut arguments: Vec<Option<String>> =
        ["ssh-keygen", "-q", "-t", &params.ssh_key_type].map(|word| Some(word.to_owned())).to_vec();
    if params.ssh_key_bits > 0 {
        arguments.extend([Some("-b".to_owned()), Some(params.ssh_key_bits.to_string())]);
    }
    let comment = params
        .ssh_key_comment
        .clone()
        .unwrap_or_else(|| format!("ansible-generated on {}", view.context().host));
    arguments.extend(["-C", &comment, "-f", &private, "-N"].map(|word| Some(word.to_owned())));
    arguments.push(None);
    let mut change = Change::new(Action::Run(command(view, &arguments, Some(&passphrase))));
    for (path, mode) in [(&private, 0o600), (&public, 0o644)] {
        let stat = Stat { kind: FileKind::File, links: 1, executable: false, ..directory(entry, mode) };
        change = change.effect(Effect::Path(path.clone(), Some(stat)));
    }
    plan = plan.change(change).diff(Diff::attribute(&private, "state", "absent", "SSH key"));
    for path in [private, public] {
        let attributes = Attributes {
            mode: None,
            owner: Some(Owner::Name(entry.name.clone())),
            group: entry.gid.map(Owner::Id).or_else(|| entry.group.clone().map(Owner::Name)),
        };
        plan = plan.change(Change::new(Action::SetAttributes { path, attributes, follow: Follow::Yes }));
    }
    Ok(plan)
}

/// What the result tells of a key that is there.
pub(super) fn keys(params: &UserParams, home: &str, view: &View<'_>) -> Result<Map, Halt> {
    let private = path(params, home);
    let public = format!("{private}.pub");
    let fingerprint = run::argv(view, ["ssh-keygen", "-l", "-f", &private]).may_fail();
    view.want([
        Query::Command(fingerprint.clone()),
        Query::Content { path: public.clone(), limit: crate::modules::view::TEXT_LIMIT },
    ]);
    let output = view.run(fingerprint)?;
    let said = if output.status == 0 { output.stdout } else { output.stderr };
    let mut keys = crate::map! {
        "ssh_fingerprint" => String::from_utf8_lossy(&said).trim(),
        "ssh_key_file" => private,
    };
    if let Content::Bytes(bytes) = view.content(&public)? {
        keys.insert("ssh_public_key".into(), String::from_utf8_lossy(&bytes).trim().into());
    }
    Ok(keys)
}
