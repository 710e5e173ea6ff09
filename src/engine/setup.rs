//! The start of a play: what it asks people, its files of variables, its hosts in order and in batches.

use std::sync::{Arc, PoisonError};

use super::play_run::{Conduct, Host, PlayRun, Strategy};
use super::run::{LoadTexts, NoLookups, Run};
use super::{Over, run};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Map, Severity, Value};
use crate::lang::{Keyword, Loader, Located, Play, Task};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::plan::tags::tags_of;
use crate::plan::variables::{HostVars, TaskVariables};
use crate::template::{Lookups, Variables};
use crate::vars::{Layer, Layers, Level, VarMap, Variable};

/// The hosts that a play runs on at once.
pub(super) type Batch = Vec<Host>;

/// `vars_files` of a play: the layers that are the same for all hosts; `None` where a name hangs on the host.
type Files = Option<Vec<Arc<Layer>>>;

/// Whether `vars_prompt` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompts {
    Asked,
    NotAsked,
}

/// A play, ready to run.
pub(super) struct Ready {
    pub(super) prompted: Option<Arc<Layer>>,
    pub(super) files: Files,
    pub(super) hosts: Vec<Host>,
    pub(super) batches: Vec<Batch>,
    pub(super) conduct: Conduct,
}

impl Run {
    /// A binder with what a play knows without a host.
    fn with_play_binder<T>(
        &self,
        play: &Play,
        prompted: Option<&Arc<Layer>>,
        then: impl FnOnce(&Binder<'_>) -> T,
    ) -> T {
        let lookups: Arc<dyn Lookups> = Arc::new(super::lookups::World::outside(&self.project, self.now()));
        let state = HostVars::new(Layers::default());
        let mut variables: Arc<dyn Variables> =
            Arc::new(TaskVariables::of_host(&self.world, None, &Arc::from(""), &state));
        for layer in play.scope.vars.iter().chain(prompted) {
            variables = Arc::new(Over { layer: Arc::clone(layer), below: variables });
        }
        then(&Binder { templar: &self.templar, lookups: &lookups, variables })
    }

    /// The tags of a play's task: templates are rendered with what the play knows without a host.
    pub(super) fn tags_in(&self, play: &Play, task: &Task) -> Vec<String> {
        self.with_play_binder(play, None, |binder| {
            let rendered =
                |located: &Located| binder.known(located).unwrap_or_else(|_| located.value.clone());
            task.keyword_chain(Keyword::Tags)
                .into_iter()
                .flat_map(|located| tags_of(&rendered(located)))
                .collect()
        })
    }

    /// Everything that is decided before a play begins. `hosts` gives its hosts once its prompts are answered.
    pub(super) fn ready(
        &self,
        play: &Arc<Play>,
        prompts: Prompts,
        hosts: impl FnOnce(Option<&Arc<Layer>>) -> Result<Vec<Host>, Diagnostic>,
    ) -> Result<Ready, Diagnostic> {
        let prompted = match prompts {
            Prompts::Asked => self.prompts(play)?,
            Prompts::NotAsked => None,
        };
        let hosts = hosts(prompted.as_ref())?;
        let files = self.common_files(play, prompted.as_ref())?;
        self.with_play_binder(play, prompted.as_ref(), |binder| {
            let keyword = |keyword: Keyword| -> Result<Option<(Value, &Located)>, Diagnostic> {
                let Some(located) = play.scope.keywords.get(&keyword) else { return Ok(None) };
                match binder.known(located) {
                    Ok(Value::Null | Value::Omit) => Ok(None),
                    Ok(value) => Ok(Some((value, located))),
                    Err(Stop::Failed(diagnostic)) => Err(*diagnostic),
                    Err(Stop::Unknown(_) | Stop::Deferred) => {
                        let message = format!("`{}` must be known before the play", keyword.name());
                        Err(Diagnostic::error(Kind::BadValue, message).at(&located.place))
                    }
                }
            };
            let bad = |located: &Located, message: String| {
                Err(Diagnostic::error(Kind::BadValue, message).at(&located.place))
            };
            let (name, located) = match keyword(Keyword::Strategy)? {
                None => (self.options.config.strategy.value.clone(), None),
                Some((value, located)) => (value.to_text(), Some(located)),
            };
            let strategy = strategy_of(&name).ok_or_else(|| {
                let message = format!("there is no strategy `{name}`");
                let hint = did_you_mean(&name, ["linear", "free", "host_pinned"]);
                let diagnostic = Diagnostic::error(Kind::BadValue, message).plain().maybe_hint(hint);
                diagnostic.at_if_unplaced(located.map(|located| &located.place))
            })?;
            let max_fail = match keyword(Keyword::MaxFailPercentage)? {
                None => None,
                Some((value, located)) => {
                    let text = value.to_text();
                    match text.trim().trim_end_matches('%').parse::<f64>() {
                        Ok(percentage) => Some(percentage / 100.0),
                        Err(_) => return bad(located, format!("`{text}` is no percentage")),
                    }
                }
            };
            let hosts = match keyword(Keyword::Order)? {
                None => hosts,
                Some((value, located)) => match ordered(hosts, &value.to_text(), self.began) {
                    Some(hosts) => hosts,
                    None => return bad(located, format!("there is no order `{}`", value.to_text())),
                },
            };
            let sizes = match keyword(Keyword::Serial)? {
                None => Vec::new(),
                Some((value, located)) => {
                    let items = match &value {
                        Value::List(items) => (**items).clone(),
                        other => vec![other.clone()],
                    };
                    let sizes = items.iter().map(|item| serial_size(item, hosts.len()));
                    match sizes.collect::<Option<Vec<_>>>() {
                        Some(sizes) => sizes,
                        None => {
                            let shown = value.to_repr();
                            let message = format!("`serial` must be numbers or percentages, not {shown}");
                            return bad(located, message);
                        }
                    }
                }
            };
            let batches = batches(&hosts, &sizes);
            let conduct = Conduct { strategy, max_fail };
            Ok(Ready { prompted: prompted.clone(), files, hosts, batches, conduct })
        })
    }

    /// `vars_prompt`: what extra variables do not give is asked for.
    fn prompts(&self, play: &Play) -> Result<Option<Arc<Layer>>, Diagnostic> {
        let Some(located) = play.scope.keywords.get(&Keyword::VarsPrompt) else { return Ok(None) };
        let items: Vec<Value> = match &located.value {
            Value::List(items) => (**items).clone(),
            other => vec![other.clone()],
        };
        let mut answers = VarMap::new();
        for item in &items {
            let Some(prompt) = item.as_map() else { continue };
            let Some(name) = prompt.get("name").map(Value::to_text) else {
                let message = "an entry of `vars_prompt` needs a `name`";
                return Err(Diagnostic::error(Kind::Structure, message).at(&located.place));
            };
            if self.world.extra.vars.contains_key(name.as_str()) {
                continue;
            }
            let value =
                self.prompt(play, &name, prompt).map_err(|diagnostic| diagnostic.at(&located.place))?;
            answers.insert(Arc::from(name), Variable { value, place: Some(located.place.clone()) });
        }
        Ok(Some(Layer::new(Level::PlayVarsPrompt, answers)))
    }

    fn prompt(&self, play: &Play, name: &str, options: &Map) -> Result<Value, Diagnostic> {
        let failed = |message: String| Diagnostic::error(Kind::BadValue, message);
        let rendered = |value: &Value| {
            self.with_play_binder(play, None, |binder| {
                binder.value(value).map_or_else(|_| value.clone(), |rendered| rendered.value)
            })
        };
        let option = |key: &str| options.get(key).map(rendered).filter(|value| *value != Value::Null);
        let flag = |key: &str, default| option(key).and_then(|value| value.to_bool()).unwrap_or(default);
        let text = option("prompt").map_or_else(|| name.to_owned(), |value| value.to_text());
        let default = option("default");
        let shown = match &default {
            Some(default) => format!("{text} [{}]: ", default.to_text()),
            None => format!("{text}: "),
        };
        let echo = !flag("private", true);
        let ask = |prompt: &str| self.options.prompter.ask(prompt, echo).map_err(failed);
        let answer = loop {
            let Some(answer) = ask(&shown)? else {
                self.warn_once("Not prompting as we are not in interactive mode");
                break None;
            };
            if !flag("confirm", false) || ask(&format!("confirm {shown}"))? == Some(answer.clone()) {
                break Some(answer);
            }
            self.options.prompter.differ().map_err(failed)?;
        };
        let answer = answer.filter(|answer| !answer.is_empty());
        let given = answer.or_else(|| default.map(|default| default.to_text()));
        if let Some(given) = given.as_ref().filter(|_| !echo) {
            self.project.vault().known().add(given);
        }
        // as Ansible: what is not asked for and has no default is the text `None`
        let value = Value::from(given.unwrap_or_else(|| "None".to_owned()));
        let Some(scheme) = option("encrypt") else { return Ok(value) };
        let mut expression = format!("__value | password_hash({}", Value::from(scheme.to_text()).to_repr());
        if let Some(salt) = option("salt") {
            expression.push_str(&format!(", salt={}", Value::from(salt.to_text()).to_repr()));
        } else if let Some(size) = option("salt_size") {
            expression.push_str(&format!(", salt_size={}", size.to_text()));
        }
        expression.push(')');
        let layer = Layer::of_values(Level::PlayVars, [(Arc::from("__value"), value)]);
        self.with_play_binder(play, Some(&layer), |binder| {
            let lookups: Arc<dyn Lookups> =
                Arc::new(super::lookups::World::outside(&self.project, self.now()));
            self.templar.expression(&Arc::from(expression.as_str()), None, &binder.variables, &lookups)
        })
        .map(|rendered| rendered.value)
        .map_err(|error| match Stop::from(error) {
            Stop::Failed(diagnostic) => *diagnostic,
            Stop::Unknown(_) | Stop::Deferred => failed("the answer cannot be hashed".to_owned()),
        })
    }

    /// `vars_files` as far as their names are the same for all hosts.
    fn common_files(&self, play: &Play, prompted: Option<&Arc<Layer>>) -> Result<Files, Diagnostic> {
        self.with_play_binder(play, prompted, |binder| {
            let mut layers = Vec::new();
            for located in &play.vars_files {
                match self.vars_file(play, located, binder) {
                    Ok(layer) => layers.extend(layer),
                    Err(VarsFile::HangsOnHost) => return Ok(None),
                    Err(VarsFile::Missing(diagnostic)) => self.warn_of(*diagnostic),
                    Err(VarsFile::Wrong(diagnostic)) => return Err(*diagnostic),
                }
            }
            Ok(Some(layers))
        })
    }

    /// `vars_files` of one host, where their names hang on its variables. What cannot be rendered yet is left out, as
    /// in Ansible; it is tried again when the host's facts change.
    pub(super) fn read_own_files(&self, play: &PlayRun, host: &Host) {
        if !play.own_files {
            return;
        }
        let state = self.world.host(host).unwrap_or_else(run::unknown_host);
        let mut layers = Vec::new();
        for located in &play.vars.play.vars_files {
            let mut variables = TaskVariables::of_host(&self.world, Some(&play.vars), host, &state);
            for layer in &layers {
                variables = variables.over(Arc::clone(layer));
            }
            let lookups: Arc<dyn Lookups> = Arc::new(NoLookups(Arc::clone(self.project.vault())));
            let binder = self.binder(&lookups, variables);
            match self.vars_file(&play.vars.play, located, &binder) {
                Ok(layer) => layers.extend(layer),
                Err(VarsFile::HangsOnHost) => {}
                Err(VarsFile::Missing(diagnostic)) => self.warn_of(*diagnostic),
                Err(VarsFile::Wrong(diagnostic)) => {
                    let message = format!("host `{host}`: {}", diagnostic.message);
                    self.tell(super::Event::Warning { message, diagnostic: Some(diagnostic) });
                }
            }
        }
        let mut own = play.vars.own_files.write().unwrap_or_else(PoisonError::into_inner);
        own.insert(Arc::clone(host), layers);
    }

    /// One entry of `vars_files`.
    fn vars_file(
        &self,
        play: &Play,
        located: &Located,
        binder: &Binder<'_>,
    ) -> Result<Option<Arc<Layer>>, VarsFile> {
        let entries: Vec<Value> = match &located.value {
            Value::List(items) => (**items).clone(),
            other => vec![other.clone()],
        };
        let mut candidates = Vec::new();
        for entry in entries {
            let entry = Located { value: entry, place: located.place.clone() };
            match binder.known(&entry) {
                Ok(value) => candidates.push(value.to_text()),
                Err(Stop::Failed(diagnostic)) if diagnostic.message.contains("undefined") => {
                    return Err(VarsFile::HangsOnHost);
                }
                Err(Stop::Unknown(_) | Stop::Deferred) => return Err(VarsFile::HangsOnHost),
                Err(Stop::Failed(diagnostic)) => return Err(VarsFile::Wrong(diagnostic)),
            }
        }
        let wrong = |diagnostic: Diagnostic| VarsFile::Wrong(Box::new(diagnostic));
        // as Ansible searches: in `vars/` beside the playbook too
        let paths = candidates
            .iter()
            .flat_map(|name| [play.directory.join("vars").join(name), play.directory.join(name)]);
        let Some(path) = paths.into_iter().find(|path| self.project.is_file(path)) else {
            // as Ansible, which says nothing
            let message = format!("could not find `{}` of `vars_files`", candidates.join("`, `"));
            let missing = Diagnostic::warning(Kind::File, message).at(&located.place);
            return Err(VarsFile::Missing(Box::new(missing)));
        };
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        let loader = Loader::new(&self.project, &self.settings, &check::Names, &texts);
        let (layer, diagnostics) = loader.vars_file(&path, Level::PlayVarsFiles);
        match diagnostics.0.into_iter().find(|d| d.severity == Severity::Error) {
            Some(error) => Err(wrong(error)),
            None => Ok(layer),
        }
    }
}

/// Why an entry of `vars_files` gave nothing.
enum VarsFile {
    /// Its name cannot be rendered without a host's variables.
    HangsOnHost,
    /// There is none of its files.
    Missing(Box<Diagnostic>),
    /// It is wrong.
    Wrong(Box<Diagnostic>),
}

fn strategy_of(name: &str) -> Option<Strategy> {
    match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
        "linear" => Some(Strategy::Linear),
        "free" => Some(Strategy::Free),
        "host_pinned" => Some(Strategy::HostPinned),
        _ => None,
    }
}

/// The hosts in the order that a play asks for.
fn ordered(mut hosts: Vec<Host>, order: &str, seed: i64) -> Option<Vec<Host>> {
    match order {
        "inventory" => {}
        "reverse_inventory" => hosts.reverse(),
        "sorted" => hosts.sort(),
        "reverse_sorted" => {
            hosts.sort();
            hosts.reverse();
        }
        "shuffle" => {
            use std::hash::{BuildHasher as _, RandomState};
            let state = RandomState::new();
            hosts.sort_by_cached_key(|host| state.hash_one((host, seed)));
        }
        _ => return None,
    }
    Some(hosts)
}

/// The hosts in batches of these sizes; the last size repeats; 0 and no size at all mean all.
fn batches(all: &[Host], sizes: &[usize]) -> Vec<Batch> {
    let mut left = all;
    let mut batches = Vec::new();
    let mut sizes = sizes.iter().copied().peekable();
    let mut size = all.len();
    while !left.is_empty() {
        if let Some(next) = sizes.next() {
            size = next;
        }
        let take = if size == 0 { left.len() } else { size.min(left.len()) };
        let (batch, rest) = left.split_at(take);
        batches.push(batch.to_vec());
        left = rest;
    }
    batches
}

fn serial_size(value: &Value, all: usize) -> Option<usize> {
    match value {
        Value::Int(number) => usize::try_from(*number).ok(),
        other => {
            let text = other.as_str()?.trim();
            match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().ok()?;
                    Some(((percent / 100.0 * all as f64) as usize).max(1))
                }
                None => text.parse().ok(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_makes_batches() {
        let hosts: Vec<Arc<str>> = (1..=5).map(|n| Arc::from(format!("h{n}"))).collect();
        let sizes = |sizes: &[usize]| batches(&hosts, sizes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [5]);
        assert_eq!(sizes(&[2]), [2, 2, 1]);
        assert_eq!(sizes(&[1, 3]), [1, 3, 1]);
        assert_eq!(sizes(&[0]), [5]);
        assert_eq!(serial_size(&Value::from("30%"), 5), Some(1));
        assert_eq!(serial_size(&Value::from("50%"), 5), Some(2));
        assert_eq!(serial_size(&Value::from("2"), 5), Some(2));
        assert_eq!(serial_size(&Value::from("many"), 5), None);
    }
}
