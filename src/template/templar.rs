//! The engine's handle on templates: renders values, expressions, conditions and files.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use fancy_regex::Regex;

use super::context::{Ctx, Origin, Run};
use super::exec::with_line_breaks;
use super::fail::Fail;
use super::lower::{self, SyntaxError};
use super::options::{FileOptions, Mode};
use super::pattern::Flags;
use super::tree::Compiled;
use super::trust;
use super::val::Val;
use super::{Deprecation, Lookups, Rendered, Scope, TemplateError, Truth, globals};
use crate::base::{Diagnostic, Kind, Map, Place, Source, TextForm, Value, names};
use crate::yaml::has_markers;

/// Compiled templates by their text.
#[derive(Debug, Default)]
pub(super) struct Cache {
    templates: RwLock<HashMap<Mode, Texts>>,
    /// Whether what is no boolean counts as one in conditions (`ALLOW_BROKEN_CONDITIONALS`).
    broken_conditionals: AtomicBool,
    /// Compiled regular expressions by their text.
    pub(super) patterns: RwLock<HashMap<String, Flagged>>,
}

/// The compiled forms of one pattern.
type Flagged = Vec<(Flags, Arc<Regex>)>;

/// The templates of one mode.
type Texts = HashMap<Arc<str>, Arc<Compiled>>;

/// What Ansible says of a condition in `{{ }}`.
const DELIMITED: &str =
    "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.";

/// How many templates are kept of one kind.
const MAX_CACHED: usize = 20_000;

impl Cache {
    /// The compiled template of a text.
    pub(super) fn compile(&self, text: &Arc<str>, mode: &Mode) -> Result<Arc<Compiled>, SyntaxError> {
        if let Some(found) = self
            .templates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(mode)
            .and_then(|texts| texts.get(text))
        {
            return Ok(Arc::clone(found));
        }
        let compiled = Arc::new(lower::compile(text, mode)?);
        let mut all = self.templates.write().unwrap_or_else(PoisonError::into_inner);
        let texts = all.entry(mode.clone()).or_default();
        if texts.len() >= MAX_CACHED {
            texts.clear();
        }
        texts.insert(Arc::clone(text), Arc::clone(&compiled));
        Ok(compiled)
    }
}

impl SyntaxError {
    /// As a diagnostic.
    fn into_diagnostic(self, text: &Arc<str>, place: Option<&Place>) -> Diagnostic {
        let Self { message, at, hint } = self;
        let origin = Origin { text: Arc::clone(text), place: place.cloned() };
        let words = match message.strip_prefix("there is no ").and_then(|what| what.split_once(' ')) {
            Some((what @ ("filter" | "test"), name)) => {
                format!("No {what} named {}.", name.replace('`', "'"))
            }
            _ => in_jinjas_words(&message),
        };
        Diagnostic::error(Self::KIND, message)
            .words(format!("Syntax error in template: {words}"))
            .at_if_unplaced(origin.place(at).as_ref())
            .maybe_hint(hint)
    }

    /// As a diagnostic about a condition: where there are template delimiters in it they are the likely mistake.
    fn of_condition(mut self, text: &Arc<str>, place: Option<&Place>) -> Diagnostic {
        let delimiters = if has_markers(text) {
            let hint = "a condition is an expression already: write the names in it without `{{ }}`";
            self.hint.get_or_insert_with(|| hint.to_owned());
            ". Template delimiters are not supported in expressions"
        } else {
            ""
        };
        let diagnostic = self.into_diagnostic(text, place);
        let words = diagnostic.in_ansibles_words();
        let words = words.strip_prefix("Syntax error in template").unwrap_or(&words).to_owned();
        diagnostic.words(format!("Syntax error in expression{delimiters}{words}"))
    }

    /// As the reason why evaluation stopped.
    pub(super) fn into_fail(self, origin: &Origin) -> Fail {
        Fail::Error(Box::new(self.into_diagnostic(&origin.text, origin.place.as_ref())))
    }
}

/// A syntax error of minijinja's in the words of Python's Jinja.
fn in_jinjas_words(message: &str) -> String {
    let token = |token: &str| match token.trim_matches('`') {
        "end of input" => "end of template".to_owned(),
        "end of variable block" => "end of print statement".to_owned(),
        "end of block" => "end of statement block".to_owned(),
        other => other.to_owned(),
    };
    let Some(unexpected) = message.strip_prefix("unexpected ") else { return message.replace('`', "'") };
    match unexpected.split_once(", expected ") {
        Some((got, expected)) if expected.starts_with('`') => {
            format!("expected token '{}', got '{}'", token(expected), token(got))
        }
        Some((got, _)) => format!("unexpected '{}'", token(got)),
        None if unexpected.starts_with("end of ") || unexpected.starts_with('`') => {
            format!("unexpected '{}'", token(unexpected))
        }
        None => message.replace('`', "'"),
    }
}

/// Renders templates. Cheap to clone; compiled templates are shared and kept.
#[derive(Clone, Debug, Default)]
pub struct Templar(Arc<Cache>);

/// What Ansible says where a condition is no boolean.
fn unboolean(truthy: bool, type_name: &str, condition: &Value, place: Option<&Place>) -> String {
    if !matches!(condition, Value::Str(_) | Value::Template(_)) {
        return "Task failed: Conditional expressions must be strings.".to_owned();
    }
    let result = if truthy { "True" } else { "False" };
    let at = place.map(|place| {
        let Place { source, line, column, length: _ } = place;
        let path = std::path::absolute(&source.path).unwrap_or_else(|_| source.path.clone());
        format!(" at '{}:{line}:{column}'", path.display())
    });
    format!(
        "Task failed: Conditional result ({result}) was derived from value of type '{type_name}'{}. Conditionals must have a \
         boolean result.",
        at.unwrap_or_default()
    )
}

impl Templar {
    /// A templar that has compiled nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets conditions give what is no boolean, as Ansible's setting `allow_broken_conditionals` does.
    pub fn allow_broken_conditionals(&self) {
        self.0.broken_conditionals.store(true, Ordering::Relaxed);
    }

    /// Renders a value: templates at any depth, in keys too. Entries that are `omit` are left out.
    ///
    /// # Errors
    /// Where a template cannot be rendered, with its place.
    pub fn render(
        &self,
        value: &Value,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<Rendered, TemplateError> {
        if let Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Omit =
            value
        {
            return Ok(Rendered { value: value.clone(), unknown: None, tainted: false });
        }
        self.run(variables, lookups, None, |ctx| rendered(ctx, value))
    }

    /// Evaluates an expression without markers.
    ///
    /// # Errors
    /// Where it does not parse or cannot be evaluated, with its place.
    pub fn expression(
        &self,
        text: &str,
        place: Option<&Place>,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<Rendered, TemplateError> {
        self.run(variables, lookups, place, |ctx| {
            let value = expression(ctx, text, place)?;
            ctx.result(&value)
        })
    }

    /// Evaluates an expression without markers to be looked at: what is not defined is told in its place. Gives what was
    /// not defined too.
    ///
    /// # Errors
    /// Where it does not parse or cannot be evaluated otherwise, with its place.
    pub fn shown(
        &self,
        text: &str,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<(Rendered, Vec<String>), TemplateError> {
        let mut missing = Vec::new();
        let rendered = self.run(variables, lookups, None, |ctx| {
            ctx.run.patches.replace(Some(Vec::new()));
            let value = match expression(ctx, text, None) {
                Err(Fail::Undefined(missing)) => Val::Missing(missing),
                value => value?,
            };
            let result = ctx.result(&value);
            missing = ctx.run.patches.take().unwrap_or_default();
            result
        })?;
        Ok((rendered, missing))
    }

    /// What a lookup finds, as a list: what `with_NAME` loops over.
    ///
    /// # Errors
    /// Where there is no such lookup or it fails, with the place given.
    pub fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        place: Option<&Place>,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<Rendered, TemplateError> {
        self.run(variables, lookups, place, |ctx| {
            let mut args = super::args::Args::default();
            args.positional.push(Val::from(name.to_owned()));
            args.positional.extend(terms.iter().cloned().map(Val::Data));
            args.named.push((Arc::from(super::WITH), Val::from(true)));
            let found = super::lookup::query(ctx, args)?;
            ctx.result(&found)
        })
    }

    /// Evaluates a condition: a boolean, an expression, a template, or a list of them that all have to hold.
    ///
    /// # Errors
    /// Where it cannot be evaluated, or is not a boolean.
    pub fn condition(
        &self,
        condition: &Value,
        place: Option<&Place>,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<Truth, TemplateError> {
        if let Value::List(conditions) = condition {
            let mut unknown = None;
            for condition in conditions.iter() {
                match self.condition(condition, place, variables, lookups)? {
                    Truth::Yes => {}
                    Truth::No => return Ok(Truth::No),
                    Truth::Unknown(found) => unknown = unknown.or(Some(found)),
                }
            }
            return Ok(unknown.map_or(Truth::Yes, Truth::Unknown));
        }
        if let Value::Bool(value) = condition {
            return Ok(if *value { Truth::Yes } else { Truth::No });
        }
        let rendered = self.run(variables, lookups, place, |ctx| {
            let value = match condition {
                Value::Str(text) => expression_of_condition(ctx, text, place)?,
                Value::Template(template) if template.form != TextForm::Template => {
                    ctx.nested(template, &ctx.scope, "the condition".to_owned())?
                }
                Value::Template(template) => {
                    let place = template.place.as_ref().or(place);
                    if is_whole(&template.text) {
                        indirect_condition(ctx, &Arc::from(template.text.trim()), place)?
                    } else {
                        expression_of_condition(ctx, &template.text, place)?
                    }
                }
                other => Val::Data(other.clone()),
            };
            ctx.result(&value)
        })?;
        match rendered {
            Rendered { value: Value::Bool(true), .. } => Ok(Truth::Yes),
            Rendered { value: Value::Bool(false), .. } => Ok(Truth::No),
            Rendered { value: Value::Unknown(unknown), .. } | Rendered { unknown: Some(unknown), .. } => {
                Ok(Truth::Unknown(unknown))
            }
            Rendered { value, .. } => {
                let type_name = super::val::type_name(&value);
                let truthy = is_true(&value);
                if self.0.broken_conditionals.load(Ordering::Relaxed) {
                    return Ok(if truthy { Truth::Yes } else { Truth::No });
                }
                let text = condition.to_text();
                let place = match condition {
                    Value::Template(template) => template.place.as_ref().or(place),
                    _ => place,
                };
                let error = Diagnostic::error(
                    Kind::Template,
                    format!(
                        "conditional result ({}) was derived from a value of type '{type_name}', not a boolean: `{}`",
                        if truthy { "True" } else { "False" },
                        text.trim()
                    ),
                )
                .told_in_full(unboolean(truthy, type_name, condition, place))
                .at_if_unplaced(place)
                .hint("compare it (`x == 'yes'`), test it (`x is defined`, `x | length > 0`), or convert it (`x | bool`)");
                Err(TemplateError::Failed(Box::new(error)))
            }
        }
    }

    /// Which items of a loop are texts of the project's files, or made of such texts only: conditions in them may be
    /// evaluated. `over` is what is looped over, as it is written.
    pub fn trusted_items(
        &self,
        over: &Value,
        place: &Place,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Vec<bool> {
        let run = Run::new(&self.0, lookups);
        let origin = Rc::new(Origin { text: Arc::from(""), place: None });
        let ctx = Ctx { run: &run, scope: Arc::clone(variables), frame: Rc::default(), origin };
        match trust::value(&ctx, over, place) {
            Some((Value::List(items), _)) => items.iter().map(trust::is_plain).collect(),
            _ => Vec::new(),
        }
    }

    /// Renders a template file.
    ///
    /// # Errors
    /// Where it does not parse or cannot be rendered, with its place in the file.
    pub fn file(
        &self,
        source: &Arc<Source>,
        options: &FileOptions,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
    ) -> Result<Rendered, TemplateError> {
        let start = Place::start_of(source);
        self.run(variables, lookups, Some(&start), |ctx| {
            let keeps_line_breaks = options.keep_trailing_newline;
            // as Ansible: the last line break is lost and then put back where the text ends with fewer than the file
            let options = FileOptions { keep_trailing_newline: false, ..options.clone() };
            let (compiled, inner, options) = opened(ctx, source, &options)?;
            let newline = options.newline_sequence;
            let text = match inner.render_output(&compiled)? {
                output if output.is_empty() => String::new(),
                output if keeps_line_breaks || options.keep_trailing_newline => {
                    with_line_breaks(&inner.origin.text, output.into_text(&inner)?)
                }
                output => output.into_text(&inner)?,
            };
            Ok(Value::from(if newline == "\n" { text } else { text.replace('\n', &newline) }))
        })
    }

    /// Checks the syntax of a text from YAML, and that its filters and tests exist.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn check_text(&self, text: &Arc<str>, place: Option<&Place>) -> Result<(), Diagnostic> {
        self.0.compile(text, &Mode::Text).map(drop).map_err(|error| error.into_diagnostic(text, place))
    }

    /// Checks the syntax of a condition, and that its filters and tests exist.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn check_condition(&self, text: &Arc<str>, place: Option<&Place>) -> Result<(), Diagnostic> {
        if is_whole(text) {
            return self.check_text(text, place);
        }
        let compiled = self.0.compile(text, &Mode::Condition);
        compiled.map(drop).map_err(|error| error.of_condition(text, place))
    }

    /// Checks the syntax of a template file, and that its filters and tests exist.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn check_file(&self, source: &Arc<Source>, options: &FileOptions) -> Result<(), Diagnostic> {
        let start = Place::start_of(source);
        let (body, options) = prepared(&source.text, options)
            .map_err(|message| Diagnostic::error(SyntaxError::KIND, message).at(&start))?;
        let text = Arc::from(body);
        self.0
            .compile(&text, &Mode::File(Box::new(options)))
            .map(drop)
            .map_err(|error| error.into_diagnostic(&text, Some(&start)))
    }

    fn run(
        &self,
        variables: &Scope,
        lookups: &Arc<dyn Lookups>,
        place: Option<&Place>,
        body: impl FnOnce(&Ctx<'_>) -> Result<Value, Fail>,
    ) -> Result<Rendered, TemplateError> {
        let run = Run::new(&self.0, lookups);
        let result = body(&Ctx {
            run: &run,
            scope: Arc::clone(variables),
            frame: Rc::default(),
            origin: Rc::new(Origin { text: Arc::from(""), place: None }),
        });
        let seen = run.unknown.borrow().clone();
        let tainted = run.tainted.get();
        let unknown = |unknown| {
            Ok(Rendered { value: Value::Unknown(Arc::clone(&unknown)), unknown: Some(unknown), tainted })
        };
        match (result.map_err(Fail::of_template), seen) {
            (Ok(value), seen) => {
                let inside = value.first_unknown().cloned();
                let unknown = inside.or(if run.embedded.get() { seen } else { None });
                Ok(Rendered { value, unknown, tainted })
            }
            (Err(Fail::Deferred), _) => Err(TemplateError::Deferred),
            (Err(Fail::Unknown(found)), _) | (Err(_), Some(found)) => unknown(found),
            (Err(Fail::Error(diagnostic)), None) => {
                Err(TemplateError::Failed(Box::new(diagnostic.at_if_unplaced(place))))
            }
            (Err(Fail::Undefined(missing)), None) => {
                let mut known = variables.names();
                known.extend(globals::names().map(Arc::from));
                let known = known.iter().map(|name| &**name);
                let hint = missing.name.as_ref().and_then(|name| names::did_you_mean(name, known));

                let at = missing.at.as_ref().and_then(|(origin, at)| origin.place(*at));
                let mut error = Diagnostic::error(Kind::Undefined, missing.message.clone())
                    .at_if_unplaced(at.as_ref().or(place))
                    .maybe_hint(hint);
                for (message, place) in &missing.notes {
                    error = error.note(message.clone(), place.as_ref());
                }
                Err(TemplateError::Failed(Box::new(error)))
            }
        }
    }
}

/// A template file ready to be rendered, with the options that its header leaves.
fn opened<'r>(
    ctx: &Ctx<'r>,
    source: &Arc<Source>,
    options: &FileOptions,
) -> Result<(Arc<Compiled>, Ctx<'r>, FileOptions), Fail> {
    let (body, options) = prepared(&source.text, options).map_err(Fail::syntax)?;
    let first_line = source.text.lines().count().saturating_sub(body.lines().count()) as u32 + 1;
    let origin =
        Rc::new(Origin { text: Arc::from(body), place: Some(Place::new(source, first_line.max(1), 1)) });
    let compiled = ctx
        .run
        .cache
        .compile(&origin.text, &Mode::File(Box::new(options.clone())))
        .map_err(|error| error.into_fail(&origin))?;
    Ok((compiled, Ctx { origin, ..ctx.clone() }, options))
}

/// The value of a template file that is rendered while another template is: as of any template it keeps its type.
pub(super) fn file_value(
    ctx: &Ctx<'_>,
    source: &Arc<Source>,
    options: &FileOptions,
    scope: &Scope,
    lookups: &Arc<dyn Lookups>,
) -> Result<Val, Fail> {
    let run = Run::new(ctx.run.cache, lookups);
    let outer = Ctx {
        run: &run,
        scope: Arc::clone(scope),
        frame: Rc::default(),
        origin: Rc::new(Origin { text: Arc::from(""), place: None }),
    };
    let options = FileOptions { keep_trailing_newline: false, ..options.clone() };
    let (compiled, inner, _) = opened(&outer, source, &options)?;
    let rendered = inner.render(&compiled).and_then(globals::present).and_then(|value| inner.result(&value));
    if run.tainted.get() {
        ctx.run.tainted.set(true);
    }
    if let Some(unknown) = run.unknown.borrow().as_ref() {
        ctx.run.saw(unknown);
    }
    ctx.run.embedded.set(ctx.run.embedded.get() || run.embedded.get());
    rendered.map(Val::Data)
}

/// Python's `bool()` of what a condition gave.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        _ => true,
    }
}

/// A template file's text after its header, and the options that it sets.
fn prepared(text: &str, options: &FileOptions) -> Result<(String, FileOptions), String> {
    let mut options = options.clone();
    let body = options.take_header(text)?;
    let body =
        if body.contains('\r') { body.replace("\r\n", "\n").replace('\r', "\n") } else { body.to_owned() };
    Ok((body, options))
}

/// Whether a text is within template delimiters as a whole.
fn is_whole(text: &str) -> bool {
    let text = text.trim();
    ["{{", "{%", "{#"].iter().any(|begin| text.starts_with(begin))
        && ["}}", "%}", "#}"].iter().any(|end| text.ends_with(end))
}

/// Evaluates a condition that is an expression.
fn expression_of_condition(ctx: &Ctx<'_>, text: &str, place: Option<&Place>) -> Result<Val, Fail> {
    if text.trim().is_empty() {
        let diagnostic = Diagnostic::error(Kind::Template, "empty conditional expressions are not allowed");
        let told = "Task failed: Empty conditional expressions are not allowed.";
        return Err(Fail::from(diagnostic.told_in_full(told)));
    }
    let origin = Rc::new(Origin { text: Arc::from(text), place: place.cloned() });
    let compiled = ctx.run.cache.compile(&origin.text, &Mode::Condition);
    let compiled = compiled.map_err(|error| Fail::from(error.of_condition(&origin.text, place)))?;
    Ctx { origin, ..ctx.clone() }.render(&compiled)
}

/// Evaluates a condition that stands in template delimiters as a whole: what it gives, or where that is the text of a
/// variable of the project's files, that text as an expression.
fn indirect_condition(ctx: &Ctx<'_>, whole: &Arc<str>, place: Option<&Place>) -> Result<Val, Fail> {
    let value = text(ctx, whole, place)?;
    let Some(inner) = value.as_str() else {
        let place = place.cloned();
        ctx.run.lookups.deprecate(Deprecation { message: DELIMITED.into(), version: "2.23", place });
        return Ok(value);
    };
    if let Some((Value::Str(_), defined)) = trust::written(ctx, whole) {
        return expression_of_condition(ctx, inner, Some(&defined));
    }
    if inner.trim().is_empty() {
        return expression_of_condition(ctx, inner, place);
    }
    let message = "the template of this condition gives a text, and only a text from the project's files is taken as an \
                   expression";
    let diagnostic = Diagnostic::error(Kind::Template, message).at_if_unplaced(place);
    let told = "Task failed: Encountered untrusted template or expression.";
    Err(Fail::from(
        diagnostic
            .told_in_full(told)
            .hint("write the condition as an expression, without `{{ }}` and `{% %}`"),
    ))
}

/// Evaluates an expression.
pub(super) fn expression(ctx: &Ctx<'_>, text: &str, place: Option<&Place>) -> Result<Val, Fail> {
    compiled(ctx, text, place, &Mode::Expression)
}

/// Renders a text with markers.
fn text(ctx: &Ctx<'_>, text: &str, place: Option<&Place>) -> Result<Val, Fail> {
    compiled(ctx, text, place, &Mode::Text)
}

fn compiled(ctx: &Ctx<'_>, text: &str, place: Option<&Place>, mode: &Mode) -> Result<Val, Fail> {
    let origin = Rc::new(Origin { text: Arc::from(text), place: place.cloned() });
    let compiled = ctx.run.cache.compile(&origin.text, mode).map_err(|error| error.into_fail(&origin))?;
    Ctx { origin, ..ctx.clone() }.render(&compiled)
}

/// Renders a value as the engine wants it: what is no template stays exactly what it is, secrets too.
fn rendered(ctx: &Ctx<'_>, value: &Value) -> Result<Value, Fail> {
    match value {
        Value::Template(template) => {
            let value = globals::present(ctx.nested(template, &ctx.scope, "the template".to_owned())?)?;
            ctx.result(&value)
        }
        Value::Unknown(unknown) => {
            ctx.run.saw(unknown);
            Ok(value.clone())
        }
        Value::Secret(_) => {
            ctx.run.tainted.set(true);
            Ok(value.clone())
        }
        Value::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items.iter() {
                match ctx.deeper(|| rendered(ctx, item))? {
                    Value::Omit => {}
                    item => list.push(item),
                }
            }
            Ok(Value::list(list))
        }
        Value::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, item) in entries.iter() {
                let key = match key.as_str() {
                    Some(name) if has_markers(name) => ctx.key(&text(ctx, name, None)?)?,
                    _ => key.clone(),
                };
                match ctx.deeper(|| rendered(ctx, item))? {
                    Value::Omit => {}
                    item => drop(map.insert(key, item)),
                }
            }
            Ok(Value::map(map))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Moment(_)
        | Value::Str(_)
        | Value::Omit => Ok(value.clone()),
    }
}
