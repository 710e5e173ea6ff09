//! `lookup`, `query` and the lookups that only calculate.

use std::sync::Arc;

use super::access;
use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::filters;
use super::val::{Val, ValMap};
use super::{FileOptions, LookupError, Scope, Variables, collections, templar};
use crate::base::{Diagnostic, Key, Kind, Map, Place, Value};

type Pure = fn(&Ctx<'_>, &[Val], &mut Args) -> Res<Vec<Val>>;

const PURE: &[(&str, Pure)] = &[
    ("ansible.utils.get_path", |ctx, terms, args| of_filter(ctx, terms, args, filters::shapes::get_path)),
    ("ansible.utils.index_of", |ctx, terms, args| of_filter(ctx, terms, args, filters::shapes::index_of)),
    ("ansible.utils.to_paths", |ctx, terms, args| of_filter(ctx, terms, args, filters::shapes::to_paths)),
    ("community.general.cartesian", cartesian),
    ("community.general.flattened", flattened),
    ("dict", dict),
    ("indexed_items", indexed_items),
    ("items", items),
    ("list", list),
    ("nested", nested),
    ("sequence", super::sequence::lookup),
    ("subelements", subelements),
    ("together", together),
    ("varnames", varnames),
    ("vars", vars),
];

/// Lookups of collections that have their short names too.
const MOVED: &[&str] = &[
    "community.general.cartesian",
    "community.general.filetree",
    "community.general.flattened",
    "community.general.random_string",
];

/// A lookup that does what the filter of its name does.
fn of_filter(
    ctx: &Ctx<'_>,
    terms: &[Val],
    args: &mut Args,
    filter: fn(&Ctx<'_>, Val, &Args) -> Res<Val>,
) -> Res<Vec<Val>> {
    let mut args = std::mem::take(args);
    args.positional = terms.to_vec();
    let first = match (args.positional.is_empty(), args.take("var").or(args.take("data"))) {
        (_, Some(value)) => value,
        (false, None) => args.positional.remove(0),
        (true, None) => return bail("the lookup needs a value"),
    };
    Ok(vec![filter(ctx, first, &args)?])
}

/// All combinations of one item of each list.
fn cartesian(ctx: &Ctx<'_>, terms: &[Val], args: &mut Args) -> Res<Vec<Val>> {
    if terms.is_empty() {
        return bail("with_cartesian requires at least one element in each list");
    }
    nested(ctx, terms, args)
}

/// What `lookup` gives back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Joined,
    List,
}

/// `lookup('name', terms…)`
pub(super) fn lookup(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    run(ctx, args, Wanted::Joined)
}

/// `query('name', terms…)`: always a list.
pub(super) fn query(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    run(ctx, args, Wanted::List)
}

fn run(ctx: &Ctx<'_>, mut args: Args, mut wanted: Wanted) -> Res<Val> {
    if args.positional.is_empty() {
        return bail("`lookup` needs the name of a lookup");
    }
    let name = ctx.text(&args.positional.remove(0))?;
    let name =
        name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(&name);
    if let Some(wantlist) = args.take("wantlist")
        && ctx.truth(&wantlist)?
    {
        wanted = Wanted::List;
    }
    let errors = match args.take("errors") {
        Some(errors) => ctx.text(&errors)?.to_string(),
        None => "strict".to_owned(),
    };
    if !matches!(errors.as_str(), "strict" | "warn" | "ignore") {
        return bail(format!("`errors` of a lookup is `strict`, `warn` or `ignore`, not `{errors}`"));
    }
    let with = args.take(super::WITH);
    if name == "first_found"
        && let Some(with) = with
    {
        args.named.push((Arc::from(super::WITH), with));
    }
    match find(ctx, name, &mut args) {
        Ok(found) => joined(ctx, found, wanted),
        Err(Fail::Error(diagnostic))
            if errors != "strict" && !diagnostic.message.starts_with("there is no lookup") =>
        {
            if errors == "warn" {
                let why = diagnostic.in_ansibles_words();
                let why = why.strip_prefix(&format!("The lookup plugin '{name}' failed: ")).unwrap_or(&why);
                let text = format!("An error occurred while running the lookup plugin '{name}': {why}");
                ctx.run.lookups.warn(text);
            }
            Ok(if wanted == Wanted::List { Val::list([]) } else { Val::NONE })
        }
        Err(fail) => Err(fail),
    }
}

fn find(ctx: &Ctx<'_>, name: &str, args: &mut Args) -> Res<Vec<Val>> {
    let full = MOVED.iter().find(|full| full.rsplit('.').next() == Some(name)).copied().unwrap_or(name);
    let name = full;
    if let Some((_, pure)) = PURE.iter().find(|(known, _)| *known == name) {
        let terms = std::mem::take(&mut args.positional);
        return pure(ctx, &terms, args);
    }
    if name == "template" {
        return template(ctx, args);
    }
    let mut terms = Vec::new();
    for term in &args.positional {
        terms.push(ctx.force(term)?);
    }
    let mut options = Map::new();
    for (option, value) in &args.named {
        let value = match value {
            // the default of `env` may be undefined: then so is the variable that is not set
            Val::Missing(_) if name == "env" && &**option == "default" => Value::Omit,
            value => ctx.force(value)?,
        };
        options.insert(Key::Str(Arc::clone(option)), value);
    }
    match ctx.run.lookups.lookup(name, &terms, &options, &ctx.scope) {
        Ok(Value::List(items)) if name == "env" => {
            let value = |(item, term): (&Value, &Value)| match item {
                Value::Omit => {
                    Val::missing(format!("the environment variable '{}' is not set", term.to_text()))
                }
                item => Val::Data(item.clone()),
            };
            Ok(items.iter().zip(&terms).map(value).collect())
        }
        Ok(Value::List(items)) => Ok(items.iter().cloned().map(|item| secret(ctx, item)).collect()),
        Ok(value) => Ok(vec![secret(ctx, value)]),
        Err(LookupError::NoSuchLookup) => {
            let known = PURE.iter().map(|(name, _)| *name).chain(ctx.run.lookups.names()).chain(["template"]);
            let (message, hint) = collections::unknown("lookup", name, known.collect::<Vec<_>>());
            let hint = hint.map_or(String::new(), |hint| format!(", {hint}"));
            let diagnostic = Diagnostic::error(Kind::Template, format!("{message}{hint}"));
            Err(Fail::from(diagnostic.words(format!("The lookup plugin '{name}' was not found."))))
        }
        Err(LookupError::Deferred) => Err(Fail::Deferred),
        Err(LookupError::Unknown(unknown)) => {
            ctx.run.saw(&unknown);
            Err(Fail::Unknown(unknown))
        }
        Err(LookupError::Failed(message)) => {
            let words = format!("The lookup plugin '{name}' failed: {}", message.replace('`', "'"));
            let message = format!("the lookup `{name}` failed: {message}");
            Err(Fail::from(Diagnostic::error(Kind::Template, message).words(words)))
        }
    }
}

/// `template`: each file rendered on its own, with the variables of the option `template_vars` over the task's.
fn template(ctx: &Ctx<'_>, args: &mut Args) -> Res<Vec<Val>> {
    let mut options = FileOptions::default();
    let mut own = Map::new();
    for (name, value) in &args.named {
        if value.is_none() {
            continue;
        }
        let marker = match &**name {
            "variable_start_string" => &mut options.markers.variable_start,
            "variable_end_string" => &mut options.markers.variable_end,
            "comment_start_string" => &mut options.markers.comment_start,
            "comment_end_string" => &mut options.markers.comment_end,
            "trim_blocks" => {
                options.trim_blocks = ctx.truth(value)?;
                continue;
            }
            "template_vars" => {
                own = ctx.force(value)?.as_map().cloned().unwrap_or_default();
                continue;
            }
            _ => continue,
        };
        *marker = ctx.text(value)?.to_string();
    }
    let mut found = Vec::new();
    for term in &args.positional {
        let name = ctx.text(term)?;
        let file = match ctx.run.lookups.found_template(&name, &ctx.scope) {
            Some(file) => file.map_err(Fail::error)?,
            None => {
                return bail(format!("the template file {name} could not be found for the lookup"));
            }
        };
        let scope: Scope = Arc::new(Over { own: own.clone(), below: file.variables });
        found.push(ctx.deeper(|| templar::file_value(ctx, &file.source, &options, &scope, &file.lookups))?);
    }
    Ok(found)
}

/// Variables over others.
#[derive(Debug)]
struct Over {
    own: Map,
    below: Scope,
}

impl Variables for Over {
    fn get(&self, name: &str) -> Option<Value> {
        self.own.get(name).cloned().or_else(|| self.below.get(name))
    }

    fn place(&self, name: &str) -> Option<Place> {
        if self.own.contains_key(name) { None } else { self.below.place(name) }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        names.extend(self.own.keys().filter_map(Key::as_str).map(Arc::from));
        names
    }

    fn host(&self, name: &str) -> Option<Scope> {
        self.below.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.below.hosts()
    }
}

fn secret(ctx: &Ctx<'_>, value: Value) -> Val {
    ctx.read(&value, &ctx.scope).unwrap_or(Val::Data(value))
}

fn joined(ctx: &Ctx<'_>, mut found: Vec<Val>, wanted: Wanted) -> Res<Val> {
    if wanted == Wanted::List {
        return Ok(Val::list(found));
    }
    if found.len() == 1 {
        return Ok(found.pop().unwrap_or(Val::NONE));
    }
    if found.is_empty() {
        return Ok(Val::list([]));
    }
    let mut texts = Vec::new();
    for value in &found {
        match ctx.force(value)? {
            Value::Str(text) => texts.push(text),
            _ => return Ok(Val::list(found)),
        }
    }
    Ok(Val::from(texts.join(",")))
}

fn vars(ctx: &Ctx<'_>, terms: &[Val], args: &mut Args) -> Res<Vec<Val>> {
    let default = args.take("default");
    let mut found = Vec::new();
    for term in terms {
        let Val::Data(Value::Str(name)) = term else {
            return bail(format!("Variable name must be 'str' not '{}'.", term.type_name()));
        };
        let value = match ctx.frame.get(name) {
            Some(value) => Some(value),
            None => ctx.scoped(name, &ctx.scope)?,
        };
        match (value, &default) {
            (Some(Val::Missing(_)) | None, Some(default)) => found.push(default.clone()),
            (Some(value), _) => found.push(value),
            (None, None) => {
                return Err(Fail::Undefined(std::rc::Rc::new(super::fail::Missing {
                    name: Some(Arc::clone(name)),
                    ..super::fail::Missing::new(format!("No variable named '{name}' was found."))
                })));
            }
        }
    }
    Ok(found)
}

fn varnames(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in terms {
        let Some(text) = term.as_str() else {
            let shown = ctx.text(term)?;
            return bail(format!(
                "Invalid setting identifier, \"{shown}\" is not a string, it is a {}",
                term.type_name()
            ));
        };
        let pattern = match super::pattern::compile(ctx, text, super::pattern::Flags::default()) {
            Err(Fail::Error(error)) => {
                // in Python's words
                let why = error.message.replace("Target of repeat operator is invalid", "nothing to repeat");
                return bail(format!("Unable to use \"{text}\" as a search parameter: {why}"));
            }
            pattern => pattern?,
        };
        for name in ctx.scope.names() {
            if pattern.is_match(&name)? {
                found.push(Val::from(name));
            }
        }
    }
    Ok(found)
}

fn pair(key: Val, value: Val) -> Val {
    let mut map = ValMap::new();
    map.insert(Key::str("key"), key);
    map.insert(Key::str("value"), value);
    Val::dict(map)
}

fn dict(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in terms {
        if !term.is_dict() {
            return bail(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{}' of type <class '{}'>)",
                ctx.text(term)?,
                term.type_name()
            ));
        }
        for (key, value) in ctx.entries(term)? {
            found.push(pair(Val::Data(key.to_value()), value));
        }
    }
    Ok(found)
}

fn list(_: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    Ok(terms.to_vec())
}

fn items(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    flat_once(ctx, terms)
}

fn flat_once(ctx: &Ctx<'_>, terms: &[Val]) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in terms {
        if term.is_list() {
            found.extend(ctx.iterate(term)?);
        } else {
            found.push(term.clone());
        }
    }
    Ok(found)
}

fn flattened(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in terms {
        if term.is_list() {
            found.extend(ctx.deeper(|| flattened(ctx, &ctx.iterate(term)?, &mut Args::default()))?);
        } else if !term.is_none() {
            found.push(term.clone());
        }
    }
    Ok(found)
}

fn indexed_items(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let all = flat_once(ctx, terms)?;
    Ok(all.into_iter().enumerate().map(|(index, item)| Val::list([Val::from(index), item])).collect())
}

fn together(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let lists = terms.iter().map(|term| ctx.iterate(term)).collect::<Res<Vec<_>>>()?;
    if lists.is_empty() {
        return bail("with_together requires at least one element in each list");
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..longest)
        .map(|index| Val::list(lists.iter().map(|list| list.get(index).cloned().unwrap_or(Val::NONE))))
        .collect())
}

fn nested(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    if terms.is_empty() {
        return bail("with_nested requires at least one element in the nested list");
    }
    for term in terms {
        let items = if term.is_list() { ctx.iterate(term)? } else { vec![term.clone()] };
        let mut longer = Vec::new();
        for row in &rows {
            for item in &items {
                longer.push(row.iter().cloned().chain([item.clone()]).collect());
            }
        }
        rows = longer;
    }
    rows.iter().map(|row| flat_once(ctx, row).map(Val::list)).collect()
}

fn subelements(ctx: &Ctx<'_>, terms: &[Val], _: &mut Args) -> Res<Vec<Val>> {
    let [of, path, rest @ ..] = terms else {
        return bail("subelements lookup expects a list of two or three items");
    };
    if !(of.is_list() || of.is_dict()) || path.as_str().is_none() {
        return bail(
            "subelements lookup expects a list of two or three items, first a dict or a list, second a string \
             pointing to the subkey",
        );
    }
    let mut skip = false;
    if let [flags, ..] = rest {
        for (key, value) in ctx.entries(flags)? {
            skip |= key.as_str() == Some("skip_missing") && ctx.truth(&value)?;
        }
    }
    let of = if of.is_dict() {
        Val::list(ctx.entries(of)?.into_iter().map(|(_, value)| value))
    } else {
        of.clone()
    };
    let keys: Vec<Key> = match path.as_str() {
        Some(path) => path.split('.').map(Key::str).collect(),
        None => ctx.iterate(path)?.iter().map(|key| ctx.key(key)).collect::<Res<Vec<_>>>()?,
    };
    let mut elements = Vec::new();
    for element in ctx.iterate(&of)? {
        if !left_out(ctx, &element, &keys, skip)? {
            elements.push(element);
        }
    }
    let of = Val::list(elements);
    let mut pairs = Vec::new();
    for pair in filters::dicts::subelement_pairs(ctx, &of, path, skip)? {
        if let [element, value] = ctx.iterate(&pair)?.as_slice() {
            pairs.push(Val::tuple([Val::Data(without(&ctx.force(element)?, &keys)), value.clone()]));
        }
    }
    Ok(pairs)
}

/// Whether `subelements` passes an element over: the result of a task that was skipped, or, where what is missing is
/// skipped, one on whose way to the list there is no mapping.
fn left_out(ctx: &Ctx<'_>, element: &Val, keys: &[Key], skip: bool) -> Res<bool> {
    if !element.is_dict() {
        return Ok(false);
    }
    if let Some(skipped) = access::entry(ctx, element, &Key::str("skipped"))?
        && ctx.force(&skipped)? != Value::Bool(false)
    {
        return Ok(true);
    }
    let mut at = element.clone();
    for key in keys.iter().take(keys.len().saturating_sub(1)) {
        match access::entry(ctx, &at, key)? {
            Some(found) if found.is_dict() => at = found,
            Some(_) => return Ok(skip),
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// The mapping without what stands at a path in it, as `subelements` gives its first part.
fn without(value: &Value, path: &[Key]) -> Value {
    match (value, path) {
        (Value::Map(entries), [last]) => Value::map(
            entries.iter().filter(|(key, _)| *key != last).map(|(k, v)| (k.clone(), v.clone())).collect(),
        ),
        (Value::Map(entries), [first, rest @ ..]) => Value::map(
            entries
                .iter()
                .map(|(key, value)| {
                    (key.clone(), if key == first { without(value, rest) } else { value.clone() })
                })
                .collect(),
        ),
        _ => value.clone(),
    }
}
