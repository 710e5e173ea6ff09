//! Binds a task at its turn: conditions, loop, parameters and settings, rendered with its variables.

use std::sync::Arc;

use crate::base::{Diagnostic, Key, Kind, Map, Place, TemplateText, Unknown, Value};
use crate::lang::{self, Keyword, Located, LoopKind, Task};
use crate::modules::Given;
use crate::template::{Lookups, Rendered, Templar, TemplateError, Truth, Variables};

/// Why something could not be bound.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It hangs on a task that has not run.
    Unknown(Arc<Unknown>),
    /// It may only be evaluated at the task's turn.
    Deferred,
    /// It is wrong.
    Failed(Box<Diagnostic>),
}

impl From<TemplateError> for Stop {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Failed(diagnostic) => Self::Failed(diagnostic),
            TemplateError::Deferred => Self::Deferred,
        }
    }
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Failed(Box::new(diagnostic))
    }
}

/// Whether a task runs.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All conditions hold.
    Run,
    /// This one does not.
    Skip {
        /// The condition as written: a text, a template or a literal.
        condition: Value,
    },
    /// It hangs on a task that has not run.
    Unknown(Arc<Unknown>),
}

/// Parameters of a task, rendered.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    /// The parameters.
    pub given: Given,
    /// Whether a secret went into them.
    pub tainted: bool,
    /// The first unknown that went into them.
    pub unknown: Option<Arc<Unknown>>,
}

/// The items of a loop.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The items.
    pub items: Vec<Value>,
    /// Which of them are the project's own texts; empty where none is.
    pub own: Vec<bool>,
    /// Whether a secret went into them.
    pub tainted: bool,
}

/// How a task's actions become another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BecomeSpec {
    /// `sudo`, `su` …
    pub method: String,
    /// The user.
    pub user: String,
    /// The program, where it is not the method's own.
    pub executable: Option<String>,
    /// Its flags as one text.
    pub flags: Option<String>,
}

/// How tasks become another user where neither they nor variables say it: the command line and the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BecomeDefaults {
    /// Whether they do.
    pub wanted: bool,
    /// `sudo`, `su` …
    pub method: String,
    /// The user; the method's own where it is not given.
    pub user: Option<String>,
    /// The program, where it is not the method's own.
    pub executable: Option<String>,
    /// Its flags as one text.
    pub flags: Option<String>,
}

/// Renders with one task's variables.
#[derive(Clone, Debug)]
pub struct Binder<'a> {
    /// The environment.
    pub templar: &'a Templar,
    /// The world outside.
    pub lookups: &'a Arc<dyn Lookups>,
    /// The task's variables.
    pub variables: Arc<dyn Variables>,
}

impl Binder<'_> {
    /// A value, rendered.
    pub fn value(&self, value: &Value) -> Result<Rendered, Stop> {
        Ok(self.templar.render(value, &self.variables, self.lookups)?)
    }

    /// A value that has to be known.
    pub fn known(&self, located: &Located) -> Result<Value, Stop> {
        Ok(self.certain(located)?.value)
    }

    fn certain(&self, located: &Located) -> Result<Rendered, Stop> {
        let rendered = self.value(&located.value).map_err(|stop| placed(stop, &located.place))?;
        match rendered.unknown {
            Some(unknown) => Err(Stop::Unknown(unknown)),
            None => Ok(rendered),
        }
    }

    /// A keyword's value with its place. One that is `omit` stands for what the task inherits, as if it were not
    /// there.
    fn setting<'t>(&self, task: &'t Task, keyword: Keyword) -> Result<Option<(Value, &'t Located)>, Stop> {
        for located in task.keyword_outwards(keyword) {
            match self.known(located).map_err(|stop| processing(stop, keyword))? {
                Value::Omit => {}
                Value::Null => return Ok(None),
                value => return Ok(Some((value, located))),
            }
        }
        Ok(None)
    }

    /// A keyword as a boolean.
    pub fn flag(&self, task: &Task, keyword: Keyword) -> Result<Option<bool>, Stop> {
        let Some((value, located)) = self.setting(task, keyword)? else { return Ok(None) };
        value.to_bool().map(Some).ok_or_else(|| {
            let message = format!("`{}` must be a boolean, not {}", keyword.name(), value.to_repr());
            Diagnostic::error(Kind::BadValue, message).at(&located.place).into()
        })
    }

    /// A keyword as a text.
    pub fn text(&self, task: &Task, keyword: Keyword) -> Result<Option<String>, Stop> {
        Ok(self.setting(task, keyword)?.map(|(value, _)| value.to_text()))
    }

    /// A keyword as a number.
    pub fn number(&self, task: &Task, keyword: Keyword) -> Result<Option<f64>, Stop> {
        let Some((value, located)) = self.setting(task, keyword)? else { return Ok(None) };
        let number = match &value {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Str(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| {
            let message = format!("`{}` must be a number, not {}", keyword.name(), value.to_repr());
            Diagnostic::error(Kind::BadValue, message).at(&located.place).into()
        })
    }

    /// A connection variable (`ansible_…`), rendered, as a text.
    pub fn variable(&self, name: &str) -> Result<Option<Value>, Stop> {
        let Some(value) = self.variables.get(name) else { return Ok(None) };
        let rendered = self.value(&value)?;
        match (rendered.unknown, rendered.value) {
            (Some(unknown), _) => Err(Stop::Unknown(unknown)),
            (None, Value::Null | Value::Omit) => Ok(None),
            (None, value) => Ok(Some(value)),
        }
    }

    /// Whether a condition holds.
    pub fn condition(&self, condition: &Value, place: &Place) -> Result<Truth, Stop> {
        self.templar
            .condition(condition, Some(place), &self.variables, self.lookups)
            .map_err(|error| unconditional(placed(error.into(), place)))
    }

    /// Whether the task runs: the conditions of all that is around it and its own, from the outside in.
    pub fn when(&self, task: &Task) -> Result<When, Stop> {
        for located in task.keyword_chain(Keyword::When) {
            let conditions: Vec<Value> = match &located.value {
                Value::List(items) => (**items).clone(),
                single => vec![single.clone()],
            };
            for condition in conditions {
                match self.condition(&condition, &located.place)? {
                    Truth::Yes => {}
                    Truth::No => return Ok(When::Skip { condition }),
                    Truth::Unknown(unknown) => return Ok(When::Unknown(unknown)),
                }
            }
        }
        Ok(When::Run)
    }

    /// The name of the task's module, which may be a template.
    pub fn module(&self, task: &Task) -> Result<Arc<str>, Stop> {
        if !task.module.contains("{{") {
            return Ok(Arc::clone(&task.module));
        }
        let form = crate::base::TextForm::Template;
        let text =
            TemplateText { text: Arc::clone(&task.module), place: Some(task.module_place.clone()), form };
        let located = Located { value: Value::Template(Arc::new(text)), place: task.module_place.clone() };
        Ok(Arc::from(self.known(&located)?.to_text()))
    }

    /// The items of the task's loop; `None` where it has none.
    pub fn loop_items(&self, task: &Task) -> Result<Option<Vec<Value>>, Stop> {
        Ok(self.looped(task)?.map(|Items { items, own: _, tainted: _ }| items))
    }

    /// The same, with whether a secret went into them.
    pub fn looped(&self, task: &Task) -> Result<Option<Items>, Stop> {
        let Some(looped) = &task.looped else { return Ok(None) };
        let Rendered { value, mut tainted, .. } = self.certain(&looped.over)?;
        let value = match &looped.kind {
            LoopKind::Loop => value,
            LoopKind::With(lookup) => {
                let terms = match value {
                    Value::List(items) => (*items).clone(),
                    other => vec![other],
                };
                let place = Some(&looped.over.place);
                let found = self.templar.lookup(lookup, &terms, place, &self.variables, self.lookups);
                let found = found.map_err(|error| placed(error.into(), &looped.over.place))?;
                match found.unknown {
                    Some(unknown) => return Err(Stop::Unknown(unknown)),
                    None => {
                        tainted |= found.tainted;
                        found.value
                    }
                }
            }
        };
        match value {
            Value::List(items) => {
                let own = match looped.kind {
                    LoopKind::Loop => {
                        let Located { value, place } = &looped.over;
                        self.templar.trusted_items(value, place, &self.variables, self.lookups)
                    }
                    LoopKind::With(_) => Vec::new(),
                };
                let own = if own.len() == items.len() { own } else { Vec::new() };
                Ok(Some(Items { items: (*items).clone(), own, tainted }))
            }
            other => Err(Diagnostic::error(
                Kind::BadValue,
                format!(
                    "a loop needs a list, but this is of type `{}`: {}",
                    other.type_name(),
                    other.to_repr()
                ),
            )
            .at(&looped.over.place)
            .told_in_full(format!("The `loop` value must resolve to a 'list', not '{}'.", other.type_name()))
            .maybe_hint(
                (other.as_map().is_some()).then(|| "use `| dict2items` to loop over a mapping".to_owned()),
            )
            .into()),
        }
    }

    /// The name of the loop's variable and of its index variable.
    pub fn loop_names(&self, task: &Task) -> Result<(String, Option<String>), Stop> {
        let control = |name: &str| -> Result<Option<String>, Stop> {
            let located = task.looped.as_ref().and_then(|looped| looped.control.get(name));
            located.map(|located| Ok(self.known(located)?.to_text())).transpose()
        };
        Ok((control("loop_var")?.unwrap_or_else(|| "item".to_owned()), control("index_var")?))
    }

    /// The parameters; `free_form` is the parameter that a free-form text stands for.
    pub fn arguments(&self, task: &Task, free_form: Option<&str>) -> Result<Bound, Stop> {
        let mut bound = Bound::default();
        let asserts = same_module(&task.module, "assert");
        let take = |bound: &mut Bound, name: &str, value: &Value, place: &Place| -> Result<(), Stop> {
            if asserts && name == "that" {
                // conditions are evaluated as they stand: what comes from hosts must not become a part of an expression
                let given = match self.list(value) {
                    Some(rendered) => {
                        bound.tainted |= rendered.tainted;
                        bound.unknown = bound.unknown.take().or(rendered.unknown);
                        rendered.value
                    }
                    None => value.clone(),
                };
                bound.given.insert(Arc::from(name), given);
                return Ok(());
            }
            let rendered = self.value(value).map_err(|stop| {
                told(placed(stop, place), || {
                    let module = crate::modules::find(&task.module);
                    let module = match (module, super::check::engine_action(&task.module)) {
                        (Some(module), _) => module.doc().full_name(),
                        (None, Some(action)) => format!("ansible.builtin.{action}"),
                        (None, None) => task.module.to_string(),
                    };
                    let free = task.args.free_form.as_ref().is_some_and(|text| text.place == *place);
                    let name = if free { "_raw_params" } else { name };
                    format!(
                        "Task failed: Finalization of task args for '{module}' failed: Error while resolving value for \
                         '{name}': "
                    )
                })
            })?;
            bound.tainted |= rendered.tainted;
            bound.unknown = bound.unknown.take().or(rendered.unknown);
            if rendered.value != Value::Omit {
                bound.given.insert(Arc::from(name), without_omit(rendered.value));
            }
            Ok(())
        };
        for (name, value, place) in self.module_defaults(task)? {
            take(&mut bound, &name, &value, &place)?;
        }
        if let Some(whole) = &task.args.whole {
            let rendered = self.value(&whole.value).map_err(|stop| placed(stop, &whole.place))?;
            let Some(entries) = rendered.value.as_map() else {
                let message = format!("`args` must give a mapping, not {}", rendered.value.to_repr());
                return Err(Diagnostic::error(Kind::BadValue, message).at(&whole.place).into());
            };
            for (name, value) in entries {
                take(&mut bound, &name.to_string(), value, &whole.place)?;
            }
        }
        if let (Some(text), Some(name)) = (&task.args.free_form, free_form) {
            take(&mut bound, name, &text.value, &text.place)?;
        }
        for (name, located) in &task.args.named {
            let name = self.argument_name(task, name, &located.place)?;
            take(&mut bound, &name, &located.value, &located.place)?;
        }
        Ok(bound)
    }

    /// The list that a template gives, if it does: where it cannot be rendered, the error is told where it is evaluated.
    fn list(&self, value: &Value) -> Option<Rendered> {
        if !matches!(value, Value::Template(_)) {
            return None;
        }
        self.value(value).ok().filter(|rendered| matches!(rendered.value, Value::List(_)))
    }

    /// What `module_defaults` around the task give to its module, the innermost last.
    fn module_defaults(&self, task: &Task) -> Result<Vec<(String, Value, Place)>, Stop> {
        let mut defaults = Vec::new();
        for located in task.keyword_chain(Keyword::ModuleDefaults) {
            let maps: Vec<Value> = match &located.value {
                Value::List(items) => (**items).clone(),
                Value::Template(_) => vec![self.known(located)?],
                other => vec![other.clone()],
            };
            for map in maps {
                let map = match map {
                    Value::Template(_) => {
                        self.known(&Located { value: map, place: located.place.clone() })?
                    }
                    other => other,
                };
                for (name, given) in map.as_map().into_iter().flatten() {
                    if !same_module(&name.to_string(), &task.module) {
                        continue;
                    }
                    let given = self.known_shallow(given, &located.place)?;
                    let entries = given.as_map().into_iter().flatten();
                    defaults.extend(
                        entries.map(|(key, value)| (key.to_string(), value.clone(), located.place.clone())),
                    );
                }
            }
        }
        Ok(defaults)
    }

    /// A value of which only a template that is the whole of it is rendered.
    fn known_shallow(&self, value: &Value, place: &Place) -> Result<Value, Stop> {
        match value {
            Value::Template(_) => self.known(&Located { value: value.clone(), place: place.clone() }),
            other => Ok(other.clone()),
        }
    }

    /// The name of a parameter. Those of `set_fact` are variables, whose names may be templates.
    fn argument_name(&self, task: &Task, name: &Arc<str>, place: &Place) -> Result<Arc<str>, Stop> {
        if !name.contains("{{") || task.module.rsplit('.').next() != Some("set_fact") {
            return Ok(Arc::clone(name));
        }
        let text =
            TemplateText { text: Arc::clone(name), place: None, form: crate::base::TextForm::Template };
        let located = Located { value: Value::Template(Arc::new(text)), place: place.clone() };
        Ok(Arc::from(self.known(&located)?.to_text()))
    }

    /// The task's environment: the mappings around it, from the outside in, and its own.
    pub fn environment(&self, task: &Task) -> Result<Vec<(String, String)>, Stop> {
        let mut all = Map::new();
        for located in task.keyword_chain(Keyword::Environment) {
            let value = self.known(located).map_err(|stop| processing(stop, Keyword::Environment))?;
            let maps: Vec<Value> = match &value {
                Value::List(items) => (**items).clone(),
                Value::Null | Value::Omit => continue,
                other => vec![other.clone()],
            };
            for map in maps {
                match map {
                    Value::Map(entries) => all.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone()))),
                    Value::Null => {}
                    // as Ansible
                    other => {
                        let shown = other.to_repr();
                        self.lookups.warn(format!("could not parse environment value, skipping: [{shown}]"));
                    }
                }
            }
        }
        Ok(all
            .into_iter()
            .filter(|(_, value)| !matches!(value, Value::Omit))
            .map(|(name, value)| {
                let text = match &value {
                    Value::Secret(secret) => secret.reveal().to_owned(),
                    other => other.to_text(),
                };
                (name.to_string(), text)
            })
            .collect())
    }

    /// Which user the task's actions become. The `ansible_become*` variables win over the keywords; they are those of
    /// `there` where the task is delegated to another host. What neither says is in `defaults`.
    pub fn become_spec(
        &self,
        task: &Task,
        there: Option<&Binder<'_>>,
        defaults: &BecomeDefaults,
    ) -> Result<Option<BecomeSpec>, Stop> {
        let variables = there.unwrap_or(self);
        let wanted = match variables.variable("ansible_become")? {
            Some(value) => value.to_bool(),
            None => self.flag(task, Keyword::Become)?,
        };
        if !wanted.unwrap_or(defaults.wanted) {
            return Ok(None);
        }
        let method = match variables.variable("ansible_become_method")? {
            Some(value) => value.to_text(),
            None => self.text(task, Keyword::BecomeMethod)?.unwrap_or_else(|| defaults.method.clone()),
        };
        let method = if method.is_empty() { "sudo".to_owned() } else { method };
        let short = method.rsplit('.').next().unwrap_or_default();
        // a method's own variable counts more than the one for all, as in Ansible's plugins
        let setting = |name: &str, keyword: Keyword, otherwise: &Option<String>| -> Result<_, Stop> {
            for variable in [format!("ansible_{short}_{name}"), format!("ansible_become_{name}")] {
                if let Some(value) = variables.variable(&variable)? {
                    return Ok(Some(value.to_text()));
                }
            }
            Ok(self.text(task, keyword)?.or_else(|| otherwise.clone()))
        };
        Ok(Some(BecomeSpec {
            user: setting("user", Keyword::BecomeUser, &defaults.user)?.unwrap_or_else(|| "root".to_owned()),
            executable: setting("exe", Keyword::BecomeExe, &defaults.executable)?,
            flags: setting("flags", Keyword::BecomeFlags, &defaults.flags)?,
            method,
        }))
    }

    /// The task's name as shown; the text as written where it cannot be rendered.
    pub fn name(&self, task: &Task) -> Arc<str> {
        match &task.name {
            Some(located) => match self.value(&located.value) {
                Ok(rendered) => Arc::from(rendered.value.to_text()),
                Err(_) => Arc::from(located.value.to_text()),
            },
            None if lang::short_name(&task.module) == "include_role" => {
                let role = task.args.named.get("name").or_else(|| task.args.named.get("role"));
                let role = role.map(|role| match self.value(&role.value) {
                    Ok(rendered) => rendered.value.to_text(),
                    Err(_) => role.value.to_text(),
                });
                Arc::from(format!("{} : {}", task.module, role.unwrap_or_default()))
            }
            None => Arc::clone(&task.module),
        }
    }

    /// A name that cannot be rendered as Ansible shows it, with an error in place of each template that fails, and those
    /// errors.
    pub fn faulty_name(&self, task: &Task) -> Option<(String, Vec<Diagnostic>)> {
        let located = task.name.as_ref()?;
        let Value::Template(template) = &located.value else { return None };
        let Err(Stop::Failed(_)) = self.value(&located.value) else { return None };
        let (mut shown, mut errors) = (String::new(), Vec::new());
        for part in templates_in(&template.text) {
            let text =
                TemplateText { text: Arc::from(part), place: None, form: crate::base::TextForm::Template };
            match self.value(&Value::Template(Arc::new(text))) {
                Ok(rendered) => shown += &rendered.value.to_text(),
                Err(Stop::Unknown(_) | Stop::Deferred) => shown += part,
                Err(Stop::Failed(error)) => {
                    let error = error.at_if_unplaced(Some(&located.place));
                    shown += &format!("<< error {} - {} >>", errors.len() + 1, error.in_ansibles_words());
                    errors.push(error);
                }
            }
        }
        Some((shown, errors))
    }
}

/// A text, cut around its expressions in `{{ }}`; whole where it has statements or comments.
fn templates_in(text: &str) -> Vec<&str> {
    if text.contains("{%") || text.contains("{#") {
        return vec![text];
    }
    let mut parts = Vec::new();
    let mut left = text;
    while let Some(start) = left.find("{{") {
        let end =
            left.get(start..).and_then(|rest| rest.find("}}")).map_or(left.len(), |end| start + end + 2);
        parts.extend(left.get(..start).filter(|part| !part.is_empty()));
        parts.extend(left.get(start..end));
        left = left.get(end..).unwrap_or_default();
    }
    parts.extend(Some(left).filter(|part| !part.is_empty()));
    parts
}

/// Whether two names are those of one module.
fn same_module(a: &str, b: &str) -> bool {
    let name = |name: &str| crate::modules::find(name).map(|module| module.doc().full_name());
    let service =
        |b: &str| b.strip_suffix("service").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if service(b) && name(b) == name("service") && name(a) == name("systemd") {
        // `service` hands its parameters to this one
        return true;
    }
    lang::short_name(a) == lang::short_name(b) || (name(a).is_some() && name(a) == name(b))
}

/// An error in a condition, as Ansible tells it: that of a name that is not defined, and the others, are told apart.
pub fn unconditional(stop: Stop) -> Stop {
    let context = match &stop {
        Stop::Failed(diagnostic) if matches!(diagnostic.kind, Kind::Undefined | Kind::Vault) => CONDITION,
        Stop::Failed(diagnostic) if diagnostic.kind == Kind::Template && diagnostic.words.is_none() => {
            "Task failed: Error rendering expression: "
        }
        _ => "Task failed: ",
    };
    told(stop, || context.to_owned())
}

/// How Ansible begins to tell of a condition with an undefined name.
const CONDITION: &str = "Task failed: Error while evaluating conditional: ";

/// Values inside a parameter that are `omit` count as not there, as in Ansible.
fn without_omit(value: Value) -> Value {
    match value {
        Value::Map(entries) if entries.values().any(|value| *value == Value::Omit) => Value::map(
            entries
                .iter()
                .filter(|(_, value)| **value != Value::Omit)
                .map(|(key, value): (&Key, &Value)| (key.clone(), value.clone()))
                .collect(),
        ),
        other => other,
    }
}

/// Gives an error the words that `register` sees.
fn told(stop: Stop, context: impl FnOnce() -> String) -> Stop {
    match stop {
        Stop::Failed(diagnostic) if diagnostic.told.is_none() => {
            Stop::Failed(Box::new(diagnostic.told_as(&context())))
        }
        // what cannot be decrypted has words of its own already
        Stop::Failed(mut diagnostic) if diagnostic.kind == Kind::Vault => {
            if let Some(told) = diagnostic.told.take() {
                let context = if told.starts_with("Task failed") { String::new() } else { context() };
                diagnostic.told = Some(match context.strip_suffix("while evaluating conditional: ") {
                    Some(_) => told.replacen(
                        "Error rendering template",
                        "Task failed: Error rendering expression",
                        1,
                    ),
                    None => context + &told,
                });
            }
            Stop::Failed(diagnostic)
        }
        other => other,
    }
}

/// Why a keyword's value cannot be had, as `register` sees it.
fn processing(stop: Stop, keyword: Keyword) -> Stop {
    match stop {
        Stop::Failed(mut diagnostic) => {
            let message = diagnostic.in_ansibles_words();
            let told = || format!("Task failed: Error processing keyword '{}': {message}", keyword.name());
            diagnostic.told.get_or_insert_with(told);
            Stop::Failed(diagnostic)
        }
        other => other,
    }
}

/// Gives an error without a place the place of what was rendered.
fn placed(stop: Stop, place: &Place) -> Stop {
    match stop {
        Stop::Failed(diagnostic) => Stop::Failed(Box::new(diagnostic.at_if_unplaced(Some(place)))),
        other => other,
    }
}
