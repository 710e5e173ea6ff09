//! One rendering: what it reads, remembers and has met on the way (secrets, unknowns).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::fail::{Fail, Missing, Res, bail};
use super::object::Object;
use super::options::Mode;
use super::place;
use super::templar::Cache;
use super::tree::{Block, Span};
use super::val::{Val, ValMap};
use super::{Lookups, Scope, globals};
use crate::base::{Diagnostic, Key, Kind, Map, Place, TemplateText, TextForm, Unknown, Value};

/// The text that is being evaluated, and where it stands.
#[derive(Debug)]
pub(super) struct Origin {
    /// The text.
    pub text: Arc<str>,
    /// Where it begins.
    pub place: Option<Place>,
}

impl Origin {
    /// Where a span of the text stands in its source.
    pub(super) fn place(&self, at: Span) -> Option<Place> {
        self.place.as_ref().map(|start| place::of_span(&self.text, start, at))
    }
}

/// Local names; looked up outwards.
#[derive(Debug, Default)]
pub(super) struct Frame {
    names: RefCell<HashMap<Arc<str>, Val>>,
    parent: Option<Rc<Frame>>,
}

impl Frame {
    /// A frame inside of another.
    pub(super) fn inside(parent: &Rc<Frame>) -> Rc<Self> {
        Rc::new(Self { names: RefCell::default(), parent: Some(Rc::clone(parent)) })
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<Val> {
        let mut frame = self;
        loop {
            if let Some(value) = frame.names.borrow().get(name) {
                return Some(value.clone());
            }
            frame = frame.parent.as_deref()?;
        }
    }

    /// The value of a name of this frame itself.
    pub(super) fn own(&self, name: &str) -> Option<Val> {
        self.names.borrow().get(name).cloned()
    }

    /// Sets a name.
    pub(super) fn set(&self, name: &Arc<str>, value: Val) {
        self.names.borrow_mut().insert(Arc::clone(name), value);
    }

    /// Replaces a name where it is set. Returns whether it is.
    fn replace(&self, name: &str, value: &Val) -> bool {
        if let Some(held) = self.names.borrow_mut().get_mut(name) {
            *held = value.clone();
            return true;
        }
        self.parent.as_ref().is_some_and(|parent| parent.replace(name, value))
    }
}

/// A block with the text that it stands in.
pub(super) type PlacedBlock = (Arc<Block>, Rc<Origin>);

/// One rendering.
pub(super) struct Run<'a> {
    /// Compiled templates.
    pub cache: &'a Cache,
    /// The world outside.
    pub lookups: &'a Arc<dyn Lookups>,
    /// An unknown that was met.
    pub unknown: RefCell<Option<Arc<Unknown>>>,
    /// Whether an unknown got into a text.
    pub embedded: Cell<bool>,
    /// Whether a secret was read.
    pub tainted: Cell<bool>,
    /// Where what is not defined is shown instead of being an error: what was not.
    pub patches: RefCell<Option<Vec<String>>>,
    /// The last vault text that could not be decrypted.
    pub undecryptable: RefCell<Option<Arc<str>>>,
    /// Blocks by name, the most derived first.
    pub blocks: RefCell<HashMap<Arc<str>, Vec<PlacedBlock>>>,
    memo: RefCell<HashMap<usize, HashMap<Arc<str>, Val>>>,
    hosts: RefCell<HashMap<(usize, Arc<str>), Scope>>,
    active: RefCell<Vec<(Arc<TemplateText>, String)>>,
    depth: Cell<usize>,
    /// The lists that `range()` made, and how Python shows them.
    ranges: RefCell<Vec<Range>>,
}

/// A list that `range()` made, and how Python shows it.
type Range = (Rc<RefCell<Vec<Val>>>, String);

/// How deep evaluation may nest.
const MAX_DEPTH: usize = 220;
/// How many templates may be rendered inside of each other.
const MAX_TEMPLATES: usize = 60;

impl<'a> Run<'a> {
    /// Takes note of a list that `range()` made.
    pub(super) fn note_range(&self, list: &Val, shown: String) {
        if let Val::List(items) = list {
            self.ranges.borrow_mut().push((Rc::clone(items), shown));
        }
    }

    /// How Python shows a list, where `range()` made it.
    pub(super) fn range_of(&self, list: &Rc<RefCell<Vec<Val>>>) -> Option<String> {
        let ranges = self.ranges.borrow();
        ranges.iter().find(|(known, _)| Rc::ptr_eq(known, list)).map(|(_, shown)| shown.clone())
    }

    /// A rendering that has met nothing yet.
    pub(super) fn new(cache: &'a Cache, lookups: &'a Arc<dyn Lookups>) -> Self {
        Self {
            cache,
            lookups,
            unknown: RefCell::default(),
            embedded: Cell::default(),
            tainted: Cell::default(),
            patches: RefCell::default(),
            undecryptable: RefCell::default(),
            blocks: RefCell::default(),
            memo: RefCell::default(),
            hosts: RefCell::default(),
            active: RefCell::default(),
            depth: Cell::default(),
            ranges: RefCell::default(),
        }
    }

    /// What stands for something that is not defined, where that is shown instead of being an error.
    pub(super) fn patch(&self, missing: &Missing) -> Option<String> {
        let mut patches = self.patches.borrow_mut();
        let patches = patches.as_mut()?;
        let mut text = String::new();
        let cut = missing.tripped.then_some("template potentially truncated");
        for message in [Some(missing.message.as_str()), cut].into_iter().flatten() {
            let message = message.replace('`', "'");
            text += &format!("<< error {} - {message} >>", patches.len() + 1);
            patches.push(message);
        }
        Some(text)
    }

    /// Remembers an unknown.
    pub(super) fn saw(&self, unknown: &Arc<Unknown>) {
        self.unknown.borrow_mut().get_or_insert_with(|| Arc::clone(unknown));
    }
}

/// Where evaluation stands: the rendering, the variables, the local names and the text.
#[derive(Clone)]
pub(super) struct Ctx<'r> {
    /// The rendering.
    pub run: &'r Run<'r>,
    /// The variables.
    pub scope: Scope,
    /// The local names.
    pub frame: Rc<Frame>,
    /// The text.
    pub origin: Rc<Origin>,
}

/// What Ansible says of a text in a template that is a template of its own.
const EMBEDDED: &str = "Jinja constant strings should not contain embedded templates. This feature will be disabled by \
                        default in ansible-core 2.23.";

/// How Ansible begins to tell of a value that cannot be decrypted.
const UNDECRYPTABLE: &str = "Error rendering template: Attempt to use undecryptable variable: ";

fn address(scope: &Scope) -> usize {
    Arc::as_ptr(scope).cast::<()>() as usize
}

impl Ctx<'_> {
    /// The same with a frame inside of the current one.
    pub(super) fn inner(&self) -> Self {
        Self { frame: Frame::inside(&self.frame), ..self.clone() }
    }

    /// Evaluates something one level deeper.
    pub(super) fn deeper<T>(&self, body: impl FnOnce() -> Res<T>) -> Res<T> {
        let depth = self.run.depth.get();
        if depth >= MAX_DEPTH {
            return bail("the template nests too deeply");
        }
        self.run.depth.set(depth + 1);
        let result = body();
        self.run.depth.set(depth);
        result
    }

    /// A variable: local, of the scope, or built in.
    pub(super) fn variable(&self, name: &Arc<str>, at: Span) -> Res<Val> {
        if let Some(value) = self.frame.get(name) {
            return Ok(value);
        }
        if let Some(value) = self.scoped(name, &self.scope)? {
            return Ok(value);
        }
        Ok(globals::find(name, self).unwrap_or_else(|| {
            Val::Missing(Rc::new(Missing {
                message: format!("`{name}` is undefined"),
                name: Some(Arc::clone(name)),
                at: Some((Rc::clone(&self.origin), at)),
                notes: Vec::new(),
                silent: false,
                tripped: false,
            }))
        }))
    }

    /// A variable of a scope, rendered.
    pub(super) fn scoped(&self, name: &str, scope: &Scope) -> Res<Option<Val>> {
        let held = self.run.memo.borrow().get(&address(scope)).and_then(|names| names.get(name).cloned());
        if held.is_some() {
            return Ok(held);
        }
        let Some(raw) = scope.get(name) else { return Ok(None) };
        let value = match &raw {
            Value::Template(template) => {
                let place = scope.place(name);
                let note = || format!("`{name}` is defined here");
                match self.nested(template, scope, format!("`{name}`")) {
                    Ok(Val::Missing(missing)) => {
                        let mut missing = (*missing).clone();
                        missing.notes.push((note(), place));
                        Val::Missing(Rc::new(missing))
                    }
                    Ok(value) => value,
                    Err(fail) => return Err(fail.via(note(), place.as_ref())),
                }
            }
            _ => self.read(&raw, scope)?,
        };
        self.remember(scope, Arc::from(name), &value);
        Ok(Some(value))
    }

    fn remember(&self, scope: &Scope, name: Arc<str>, value: &Val) {
        self.run.memo.borrow_mut().entry(address(scope)).or_default().insert(name, value.clone());
    }

    /// Puts a changed value where a variable was found, so that the change is seen by what follows.
    pub(super) fn rebind(&self, name: &Arc<str>, value: &Val) {
        if !self.frame.replace(name, value) {
            self.remember(&self.scope, Arc::clone(name), value);
        }
    }

    /// The variables of another host.
    pub(super) fn host(&self, scope: &Scope, name: &str) -> Option<Scope> {
        let key = (address(scope), Arc::from(name));
        if let Some(host) = self.run.hosts.borrow().get(&key) {
            return Some(Arc::clone(host));
        }
        let host = scope.host(name)?;
        self.run.hosts.borrow_mut().insert(key, Arc::clone(&host));
        Some(host)
    }

    /// What a variable holds: templates are rendered, secrets are revealed and noted.
    pub(super) fn read(&self, value: &Value, scope: &Scope) -> Res<Val> {
        Ok(match value {
            Value::Template(template) => {
                self.nested(template, scope, format!("`{}`", abridged(&template.text)))?
            }
            Value::Secret(secret) => {
                self.run.tainted.set(true);
                Val::text(secret.reveal())
            }
            Value::Unknown(unknown) => {
                self.run.saw(unknown);
                Val::Data(value.clone())
            }
            Value::List(_) | Value::Map(_) => Val::Lazy(value.clone(), Arc::clone(scope)),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Moment(_)
            | Value::Str(_)
            | Value::Omit => Val::Data(value.clone()),
        })
    }

    /// Renders a template that a variable holds.
    pub(super) fn nested(&self, template: &Arc<TemplateText>, scope: &Scope, label: String) -> Res<Val> {
        match template.form {
            TextForm::Sealed => return self.unsealed(template),
            TextForm::Hidden => {
                self.run.tainted.set(true);
                return Ok(Val::Data(Value::Str(Arc::clone(&template.text))));
            }
            TextForm::Template => {}
        }
        let name = label.trim_matches('`').to_owned();
        {
            let mut active = self.run.active.borrow_mut();
            if let Some(first) = active.iter().position(|(other, _)| Arc::ptr_eq(other, template)) {
                let mut chain: Vec<&str> =
                    active.iter().skip(first).map(|(_, label)| label.as_str()).collect();
                chain.push(chain.first().copied().unwrap_or(&label));
                let message = format!("recursive loop in templates: {}", chain.join(" → "));
                let words = "Recursive loop detected in template: maximum recursion depth exceeded";
                let mut diagnostic = Diagnostic::error(Kind::Template, message).words(words);
                for (template, label) in active.iter().skip(first) {
                    diagnostic = diagnostic
                        .note(format!("{label} is `{}`", template.text.trim()), template.place.as_ref());
                }
                return Err(Fail::from(diagnostic));
            }
            if active.len() >= MAX_TEMPLATES {
                return bail("templates are nested too deeply");
            }
            active.push((Arc::clone(template), label));
        }
        let result = self.deeper(|| self.template(&template.text, template.place.as_ref(), scope));
        self.run.active.borrow_mut().pop();
        if template.place.as_ref().is_some_and(|place| place.source.hidden) {
            self.of_hidden_file(&name, result.as_ref().ok());
        }
        match result {
            Err(Fail::Undefined(missing)) => Ok(Val::Missing(Rc::new(missing.tripped()))),
            Err(Fail::Unknown(unknown)) => Ok(Val::unknown(unknown)),
            other => other,
        }
    }

    /// Renders a text in a template that is a template of its own. As in Ansible it sees the variables, and no local names.
    pub(super) fn embedded(&self, text: &Arc<str>, at: Span) -> Res<Val> {
        self.run.lookups.warn(EMBEDDED.to_owned());
        let place = self.origin.place(at);
        let template = TemplateText { text: Arc::clone(text), place, form: TextForm::Template };
        self.nested(&Arc::new(template), &self.scope, format!("`{}`", abridged(text)))
    }

    /// Notes what a template of an encrypted file gave.
    fn of_hidden_file(&self, name: &str, value: Option<&Val>) {
        self.run.tainted.set(true);
        if let (Some(vault), Some(Val::Data(value))) = (self.run.lookups.vault(), value) {
            vault.known().add_from_file(name, value);
        }
    }

    /// The vault text that a text was decrypted from, or is where it could not be decrypted.
    pub(super) fn sealed_form(&self, text: &Arc<str>) -> Option<Arc<str>> {
        let unread = self.run.undecryptable.borrow().clone().filter(|unread| Arc::ptr_eq(unread, text));
        unread.or_else(|| self.run.lookups.vault()?.sealed_form(text))
    }

    /// Decrypts a value that is encrypted with vault. As in Ansible what it holds is a plain text and no template.
    fn unsealed(&self, sealed: &TemplateText) -> Res<Val> {
        let vault = self.run.lookups.vault().cloned().unwrap_or_default();
        match vault.value(&sealed.text) {
            Ok(secret) => {
                self.run.tainted.set(true);
                Ok(Val::Data(Value::Str(secret.shared())))
            }
            Err(fault) => {
                self.run.undecryptable.replace(Some(Arc::clone(&sealed.text)));
                let hint = fault.hint();
                let error =
                    Diagnostic::error(Kind::Vault, format!("this value cannot be decrypted: {fault}"));
                let mut error = error.at_if_unplaced(sealed.place.as_ref()).maybe_hint(hint);
                error.told = Some(format!("{UNDECRYPTABLE}{}", fault.told()));
                Err(Fail::Error(Box::new(error)))
            }
        }
    }

    /// Renders a text from YAML.
    fn template(&self, text: &Arc<str>, place: Option<&Place>, scope: &Scope) -> Res<Val> {
        let origin = Rc::new(Origin { text: Arc::clone(text), place: place.cloned() });
        let compiled = self.run.cache.compile(text, &Mode::Text).map_err(|error| error.into_fail(&origin))?;
        let inner = Ctx { run: self.run, scope: Arc::clone(scope), frame: Rc::default(), origin };
        inner.render(&compiled)
    }

    /// A list or mapping as a whole, without templates in it, ready to be used.
    pub(super) fn force(&self, value: &Val) -> Res<Value> {
        match value {
            Val::Data(Value::Unknown(unknown)) => Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Data(data) => match data.first_unknown() {
                Some(unknown) => Err(Fail::Unknown(Arc::clone(unknown))),
                None => Ok(data.clone()),
            },
            _ => self.whole(value, Self::force),
        }
    }

    /// As [`Self::force`], but unknowns may remain in it.
    pub(super) fn result(&self, value: &Val) -> Res<Value> {
        match value {
            Val::Data(data) => Ok(data.clone()),
            Val::Missing(missing) => match self.run.patch(missing) {
                Some(text) => Ok(Value::from(text)),
                None => Err(Fail::Undefined(Rc::clone(missing))),
            },
            _ => self.whole(value, Self::result),
        }
    }

    fn whole(&self, value: &Val, each: fn(&Self, &Val) -> Res<Value>) -> Res<Value> {
        match value {
            Val::Data(data) => Ok(data.clone()),
            Val::Lazy(Value::List(items), scope) => {
                self.deeper(|| self.items(items.iter().map(|item| self.read(item, scope)), each))
            }
            Val::Lazy(Value::Map(entries), scope) => self.deeper(|| {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries.iter() {
                    match each(self, &self.read(item, scope)?)? {
                        Value::Omit => {}
                        item => drop(map.insert(key.clone(), item)),
                    }
                }
                Ok(Value::map(map))
            }),
            Val::Lazy(other, _) => Ok(other.clone()),
            Val::List(items) => {
                let items = items.borrow().clone();
                self.deeper(|| self.items(items.into_iter().map(Ok), each))
            }
            Val::Tuple(items) => self.deeper(|| self.items(items.iter().cloned().map(Ok), each)),
            Val::Dict(entries) => {
                let entries: ValMap = entries.borrow().clone();
                self.deeper(|| {
                    let mut map = Map::with_capacity(entries.len());
                    for (key, item) in &entries {
                        match each(self, item)? {
                            Value::Omit => {}
                            item => drop(map.insert(key.clone(), item)),
                        }
                    }
                    Ok(Value::map(map))
                })
            }
            Val::Missing(missing) => Err(Fail::Undefined(Rc::clone(missing))),
            Val::Object(object) => match &**object {
                Object::HostVars(scope) => self.deeper(|| {
                    let mut map = Map::new();
                    for name in scope.hosts() {
                        if let Some(host) = self.host(scope, &name) {
                            let variables = Val::object(Object::Variables(host));
                            map.insert(Key::Str(name), each(self, &variables)?);
                        }
                    }
                    Ok(Value::map(map))
                }),
                Object::Variables(scope) => self.deeper(|| {
                    let mut map = Map::new();
                    for name in scope.names() {
                        if let Some(value) = self.scoped(&name, scope)? {
                            map.insert(Key::Str(name), each(self, &value)?);
                        }
                    }
                    Ok(Value::map(map))
                }),
                Object::Duration(micros) => Ok(Value::from(super::moment::duration_text(*micros))),
                other => bail(format!(
                    "a value of type '{}' cannot be the result of a template",
                    other.type_name()
                )),
            },
        }
    }

    fn items(
        &self,
        items: impl Iterator<Item = Res<Val>>,
        each: fn(&Self, &Val) -> Res<Value>,
    ) -> Res<Value> {
        let mut list = Vec::with_capacity(items.size_hint().0);
        for item in items {
            match each(self, &item?)? {
                Value::Omit => {}
                item => list.push(item),
            }
        }
        Ok(Value::List(Arc::new(list)))
    }
}

fn abridged(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or("");
    if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line.to_owned() }
}
