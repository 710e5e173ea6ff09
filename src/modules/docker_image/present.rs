//! What is done so that an image is there, tagged, archived and pushed.

use serde_json::{Value as Json, json};

use super::archive::{self, Archive};
use super::{DockerImageParams, ImageSource, build};
use crate::base::Value;
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::docker::image::{ImageName, is_id};
use crate::modules::docker::{Differences, Engine, api, images};
use crate::modules::paths;
use crate::wire::{Action, Change, FileKind, Follow, Footprint};

struct Work<'a> {
    params: &'a DockerImageParams,
    engine: &'a Engine<'a>,
    name: ImageName,
    plan: Plan,
    actions: Vec<Value>,
    doing: Vec<&'static str>,
    shown: Differences,
    /// Whether the image is another than the one that is there.
    fresh: bool,
}

/// Plans it.
///
/// # Errors
/// What the image is made of is not there; the registry cannot be reached.
pub fn plan(params: &DockerImageParams, engine: &Engine<'_>) -> Result<Plan, Halt> {
    let name = params.image();
    let paths = [Some(images::path(&name)), params.target().map(|target| images::path(&target))];
    engine.want(paths.iter().flatten().map(String::as_str));
    let found = images::local(engine, &name)?;
    let mut work = Work {
        params,
        engine,
        name,
        plan: Plan::default(),
        actions: Vec::new(),
        doing: Vec::new(),
        shown: Differences::default(),
        fresh: false,
    };
    let image = match found {
        Some(image) if !params.force_source => image,
        found => work.bring(found)?,
    };
    work.archive(&image)?;
    work.tag(&image)?;
    work.push(&image)?;
    Ok(work.finish(&image))
}

impl Work<'_> {
    fn change(&mut self, change: Change) {
        self.plan = std::mem::take(&mut self.plan).change(change);
    }

    fn did(&mut self, action: String, doing: &'static str) {
        self.actions.push(action.into());
        self.doing.push(doing);
    }

    /// Builds, loads or pulls it; gives the image as it then is.
    fn bring(&mut self, found: Option<Json>) -> Result<Json, Halt> {
        let (params, view) = (self.params, self.engine.view());
        let by_id = is_id(&self.name.repository);
        let told = self.name.told();
        let none = |source: &str, name: &str| {
            fail(format!("Image name must not be an image ID for source={source}; got: {name}"))
        };
        let change = match params.source {
            Some(ImageSource::Build) if by_id => return none("build", &self.name.repository),
            Some(ImageSource::Pull) if by_id => return none("pull", &self.name.repository),
            None | Some(ImageSource::Local) => {
                return found.map_or_else(|| fail(format!("Cannot find the image {told} locally.")), Ok);
            }
            Some(ImageSource::Build) => {
                let command = build::command(params, view, &self.name.full())?;
                let path = params.build.as_ref().map(|build| build.path.0.clone()).unwrap_or_default();
                self.did(format!("Built image {told} from {path}"), "build");
                Change::new(Action::Run(command))
            }
            Some(ImageSource::Load) => match self.load(found.as_ref())? {
                Some(change) => change,
                None => return Ok(found.unwrap_or_default()),
            },
            Some(ImageSource::Pull) => {
                self.actions.push(format!("Pulled image {told}").into());
                let platform = params.pull.as_ref().and_then(|pull| pull.platform.as_deref());
                if let Some(found) = &found
                    && !images::is_stale(self.engine, &self.name, found, platform)?
                {
                    return Ok(found.clone());
                }
                self.doing.push("pull");
                api::change(images::pull(self.engine, &self.name, platform)?)
            }
        };
        if found.is_some() {
            // what it was before tells whether it has changed
            let mut request = self.engine.post(&images::path(&self.name), None);
            "GET".clone_into(&mut request.method);
            let look = Change { footprint: Footprint::Nothing, ..api::change(request) };
            self.change(look);
        }
        let image = json!({"Id": format!("the image that is brought by `{}`", self.doing.join(" and "))});
        let effects = [self.engine.will_answer(&images::path(&self.name), Some(&image))];
        self.change(effects.into_iter().fold(change, Change::effect));
        let before = found.as_ref().map(images::id).unwrap_or_default();
        self.shown.add("id", before, format!("(after {})", self.doing.join(", ")));
        self.fresh = true;
        Ok(image)
    }

    fn load(&mut self, found: Option<&Json>) -> Result<Option<Change>, Halt> {
        let (params, view) = (self.params, self.engine.view());
        let path = params.load_path.as_ref().map(|path| path.0.clone()).unwrap_or_default();
        let name = self.name.repository.clone();
        if view.stat(&path, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::File) {
            return fail(format!("Error loading image {name}. Specified path {path} does not exist."));
        }
        let told = self.name.told();
        self.actions.push(format!("Loaded image {told} from {path}").into());
        if let Archive::Images(all) = archive::read(view, &path)? {
            let wanted = |image: &archive::Archived| image.id == told || image.names.contains(&told);
            let Some(image) = all.iter().find(|image| wanted(image)) else {
                let names: Vec<String> = all
                    .iter()
                    .flat_map(|image| {
                        if image.names.is_empty() { vec![image.id.clone()] } else { image.names.clone() }
                    })
                    .map(|name| format!("'{name}'"))
                    .collect();
                return fail(format!(
                    "The archive did not contain image '{told}'. Instead, found {}.",
                    names.join(", ")
                ));
            };
            let others: Vec<String> = all
                .iter()
                .flat_map(|image| &image.names)
                .filter(|name| **name != told)
                .map(|name| format!("'{name}'"))
                .collect();
            if !others.is_empty() {
                let others = others.join(", ");
                self.plan
                    .warnings
                    .push(format!("The archive contained more images than specified: {others}"));
            }
            if found.is_some_and(|found| images::id(found) == image.id) {
                return Ok(None);
            }
        }
        self.doing.push("load");
        let text = format!("load -i {}", paths::shell_word(&path));
        Ok(Some(Change::new(Action::Run(build::docker(params, view, &text)))))
    }

    fn archive(&mut self, image: &Json) -> Result<(), Halt> {
        let (params, view) = (self.params, self.engine.view());
        let Some(path) = &params.archive_path else { return Ok(()) };
        let name =
            if is_id(&self.name.repository) { self.name.clone() } else { self.name.clone().or_tag("latest") };
        let told = name.told();
        let why = match archive::read(view, path)? {
            Archive::Absent => "since none present".to_owned(),
            Archive::Unreadable => "overwriting an unreadable archive file".to_owned(),
            Archive::Images(all) => {
                let one = all.first().filter(|_| all.len() == 1);
                if one.is_some_and(|one| one.id == images::id(image) && one.names == [told.clone()]) {
                    return Ok(());
                }
                let names: Vec<&str> =
                    all.iter().flat_map(|image| &image.names).map(String::as_str).collect();
                let id = all.first().map(|image| image.id.trim_start_matches("sha256:")).unwrap_or_default();
                format!("overwriting archive with image {id} named {}", names.join(", "))
            }
        };
        let text =
            format!("save {} >{}", crate::modules::words::quote(&name.full()), paths::shell_word(path));
        self.change(Change::new(Action::Run(build::docker(params, view, &text))));
        self.did(format!("Archived image {told} to {}, {why}", &**path), "archive");
        self.shown.add("archive", "", path.0.clone());
        Ok(())
    }

    fn tag(&mut self, image: &Json) -> Result<(), Halt> {
        let Some(target) = self.params.target() else { return Ok(()) };
        let there = images::local(self.engine, &target)?;
        if there.is_some() && !self.params.force_tag {
            return Ok(());
        }
        let (name, told) = (self.name.told(), target.told());
        self.actions.push(format!("Tagged image {name} to {told}").into());
        let before = there.as_ref().map(images::id).unwrap_or_default();
        if there.is_some() && before == images::id(image) && !self.fresh {
            return Ok(());
        }
        let tag = target.tag.as_deref().unwrap_or("latest");
        let path = format!(
            "/images/{}/tag?repo={}&tag={}&force=true",
            api::escape(&self.name.full()),
            images::query(&target.repository),
            images::query(tag)
        );
        let request = self.engine.post(&path, None);
        let then = self.engine.will_answer(&images::path(&target), Some(image));
        self.change(api::change(request).effect(then));
        self.doing.push("tag");
        self.shown.add(format!("tag {told}"), before, images::id(image));
        Ok(())
    }

    fn push(&mut self, image: &Json) -> Result<(), Halt> {
        if !self.params.push {
            return Ok(());
        }
        let name = self.params.target().unwrap_or_else(|| self.name.clone());
        let (registry, repository) = name.registry();
        let tag = name.tag.as_deref().unwrap_or_default();
        let own = &self.name.repository;
        self.actions.push(format!("Pushed image {own} to {registry}/{repository}:{tag}").into());
        if !self.fresh && self.is_pushed(&name, image)? {
            return Ok(());
        }
        let request = images::push(self.engine, &name)?;
        self.change(api::change(request));
        self.doing.push("push");
        self.shown.add("pushed", "", name.told());
        Ok(())
    }

    /// Whether the registry has this image under the name already.
    fn is_pushed(&self, name: &ImageName, image: &Json) -> Result<bool, Halt> {
        let digests = image.get("RepoDigests").and_then(Json::as_array).is_some_and(|all| !all.is_empty());
        if !digests || self.doing.contains(&"tag") {
            return Ok(false);
        }
        match images::offered(self.engine, name) {
            Ok(digest) => Ok(images::is_in_repository(image, &name.repository, &digest)),
            // the push says what is wrong
            Err(Halt::Failed(_)) => Ok(false),
            Err(halt) => Err(halt),
        }
    }

    fn finish(self, image: &Json) -> Plan {
        let Self { params, mut plan, actions, doing, shown, .. } = self;
        plan.summary = if doing.is_empty() {
            "there already".to_owned()
        } else {
            format!("{} image {}", doing.join(", "), params.image().told())
        };
        plan.diffs = shown.shown(&params.subject());
        plan.with("actions", Value::list(actions)).with("image", Value::from_json(image))
    }
}
