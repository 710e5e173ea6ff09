//! Runs statements and collects what they put out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::{LoopState, Object};
use super::options::Mode;
use super::tree::{Block, Compiled, Expr, ForLoop, Missingness, Node, Sight, Stmt, Target};
use super::val::Val;
use super::{Scope, Variables, call, filters};
use crate::base::{Place, Unknown, Value};

/// What was put out. One value alone keeps its type.
#[derive(Debug, Default)]
pub(super) struct Output(Vec<Val>);

/// How a statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next one follows.
    Next,
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// The template extends another; the rest only defines.
    Done,
}

impl Output {
    fn text(&mut self, text: &Arc<str>) {
        if !text.is_empty() {
            self.0.push(Val::Data(Value::Str(Arc::clone(text))));
        }
    }

    /// A value as it is now: what changes it afterwards does not change what was put out.
    fn value(&mut self, ctx: &Ctx<'_>, value: Val) {
        self.0.push(match value {
            Val::List(items) if ctx.run.range_of(&items).is_none() => {
                Val::list(items.borrow().iter().cloned())
            }
            Val::Dict(entries) => Val::dict(entries.borrow().clone()),
            other => other,
        });
    }

    /// Whether nothing was put out but none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Val::is_none)
    }

    /// Puts out the placeholder of something unknown.
    fn unknown(&mut self, unknown: Arc<Unknown>) {
        self.0.push(Val::unknown(unknown));
    }

    /// The value: nothing is none, one stays what it is, several are joined as texts.
    pub(super) fn into_val(mut self, ctx: &Ctx<'_>) -> Res<Val> {
        self.0.retain(|value| !value.is_none());
        match self.0.len() {
            0 => Ok(Val::NONE),
            1 => Ok(self.0.pop().unwrap_or(Val::NONE)),
            _ => self.into_text(ctx).map(Val::from),
        }
    }

    /// The text.
    pub(super) fn into_text(self, ctx: &Ctx<'_>) -> Res<String> {
        let mut text = String::new();
        for value in &self.0 {
            match value {
                Val::Data(Value::Str(piece)) => text.push_str(piece),
                Val::Missing(missing) if missing.silent => {}
                Val::List(items) if ctx.run.range_of(items).is_some() => {
                    text.push_str(&ctx.run.range_of(items).unwrap_or_default());
                }
                _ => match ctx.result(value)? {
                    Value::Null | Value::Omit => {}
                    value => {
                        if value.first_unknown().is_some() {
                            ctx.run.embedded.set(true);
                        }
                        text.push_str(&value.to_text());
                    }
                },
            }
        }
        Ok(text)
    }
}

/// The text with the line breaks that its template ends with: those after a statement are not lost at the end.
pub(super) fn with_line_breaks(template: &str, mut text: String) -> String {
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let missing = count(template).saturating_sub(count(&text));
    text.push_str(&"\n".repeat(missing));
    text
}

impl Ctx<'_> {
    /// Renders a compiled template.
    pub(super) fn render(&self, compiled: &Compiled) -> Res<Val> {
        let value = match compiled.body.as_slice() {
            [Stmt::Emit(node)] => self.eval(node)?,
            _ => self.render_output(compiled)?.into_val(self)?,
        };
        match value {
            value if !self.origin.text.ends_with('\n') => Ok(value),
            Val::Data(Value::Str(text)) => {
                Ok(Val::from(with_line_breaks(&self.origin.text, text.to_string())))
            }
            value => Ok(value),
        }
    }

    /// Renders a compiled template, not yet joined.
    pub(super) fn render_output(&self, compiled: &Compiled) -> Res<Output> {
        let mut output = Output::default();
        self.run_template(compiled, &mut output)?;
        Ok(output)
    }

    fn run_template(&self, compiled: &Compiled, output: &mut Output) -> Res<()> {
        for block in &compiled.blocks {
            self.run
                .blocks
                .borrow_mut()
                .entry(Arc::clone(&block.name))
                .or_default()
                .push((Arc::clone(block), Rc::clone(&self.origin)));
        }
        let extends = compiled.body.iter().position(|stmt| matches!(stmt, Stmt::Extends(_)));
        let Some(extends) = extends else {
            self.statements(&compiled.body, output)?;
            return Ok(());
        };
        let mut unused = Output::default();
        let (before, after) = compiled.body.split_at(extends);
        self.statements(before, output)?;
        for stmt in after {
            if matches!(
                stmt,
                Stmt::Set(..) | Stmt::SetBlock(..) | Stmt::Macro(_) | Stmt::Import(..) | Stmt::FromImport(..)
            ) {
                self.statement(stmt, &mut unused)?;
            }
        }
        let Some(Stmt::Extends(name)) = after.first() else { return Ok(()) };
        match self.load(name)? {
            Some((parent, ctx)) => self.deeper(|| ctx.run_template(&parent, output)),
            None => bail("the template that is extended does not exist"),
        }
    }

    /// Runs statements.
    pub(super) fn statements(&self, statements: &[Stmt], output: &mut Output) -> Res<Flow> {
        for statement in statements {
            match self.statement(statement, output) {
                Ok(Flow::Next) => {}
                Ok(other) => return Ok(other),
                Err(Fail::Unknown(unknown)) => {
                    self.run.embedded.set(true);
                    output.unknown(unknown);
                }
                Err(Fail::Undefined(missing)) => {
                    let Some(text) = self.run.patch(&missing.tripped()) else {
                        return Err(Fail::Undefined(missing));
                    };
                    output.text(&Arc::from(text));
                    return Ok(Flow::Done);
                }
                Err(fail) => return Err(fail),
            }
        }
        Ok(Flow::Next)
    }

    /// What statements put out, as a value.
    pub(super) fn captured(&self, statements: &[Stmt]) -> Res<Val> {
        let mut output = Output::default();
        self.statements(statements, &mut output)?;
        output.into_val(self)
    }

    fn statement(&self, statement: &Stmt, output: &mut Output) -> Res<Flow> {
        match statement {
            Stmt::Text(text) => output.text(text),
            Stmt::Emit(node) => {
                let value = self.eval(node)?;
                if let Val::Missing(missing) = &value
                    && !missing.silent
                {
                    if let Some(text) = self.run.patch(missing) {
                        output.text(&Arc::from(text));
                        return Ok(Flow::Next);
                    }
                    return Err(Fail::Undefined(Rc::clone(missing)));
                }
                output.value(self, value);
            }
            Stmt::If(test, yes, no) => {
                let branch = if self.placed(test, |ctx| ctx.truth(&ctx.eval(test)?))? { yes } else { no };
                return self.deeper(|| self.statements(branch, output));
            }
            Stmt::For(each) => return self.deeper(|| self.each(each, None, 0, output)),
            Stmt::Set(target, node) => {
                let value = self.eval(node)?;
                self.assign(target, value)?;
            }
            Stmt::SetBlock(target, filter, body) => {
                let value = self.filtered(filter.as_ref(), self.inner().captured(body)?)?;
                self.assign(target, value)?;
            }
            Stmt::With(pairs, body) => {
                let inner = self.inner();
                for (target, node) in pairs {
                    inner.assign(target, self.eval(node)?)?;
                }
                return self.deeper(|| inner.statements(body, output));
            }
            Stmt::FilterBlock(filter, body) => {
                let value = self.filtered(Some(filter), self.inner().captured(body)?)?;
                output.value(self, value);
            }
            Stmt::Plain(body) => return self.deeper(|| self.inner().statements(body, output)),
            Stmt::Macro(declared) => {
                self.frame.set(&declared.name, call::macro_value(self, declared));
            }
            Stmt::CallBlock(node, declared) => {
                let caller = call::macro_value(self, declared);
                output.0.push(self.called_with(node, caller)?);
            }
            Stmt::Do(node) => drop(self.eval(node)?),
            Stmt::Include(name, missingness, sight) => match self.load(name)? {
                Some((compiled, ctx)) => {
                    let inner = ctx.seen(*sight);
                    self.deeper(|| inner.run_template(&compiled, output))?;
                }
                None if *missingness == Missingness::Ignored => {}
                None => return bail("the template that is included does not exist"),
            },
            Stmt::Import(name, alias, sight) => {
                let module = self.module(name, *sight)?;
                self.frame.set(alias, Val::object(Object::Module(module)));
            }
            Stmt::FromImport(name, names, sight) => {
                let module = self.module(name, *sight)?;
                for (wanted, alias) in names {
                    let value = module.own(wanted).unwrap_or_else(|| {
                        Val::missing(format!("the template that is imported has no `{wanted}`"))
                    });
                    self.frame.set(alias, value);
                }
            }
            Stmt::Extends(_) => return Ok(Flow::Done),
            Stmt::Block(block) => self.deeper(|| self.block(block, output))?,
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Runs something whose mistakes belong to a node.
    fn placed<T>(&self, node: &Node, body: impl FnOnce(&Self) -> Res<T>) -> Res<T> {
        body(self).map_err(|fail| match fail {
            Fail::Error(mut diagnostic) => {
                if diagnostic.place.is_none() {
                    diagnostic.place = self.origin.place(node.at);
                }
                Fail::Error(diagnostic)
            }
            other => other,
        })
    }

    fn called_with(&self, node: &Node, caller: Val) -> Res<Val> {
        let (callee, arguments) = match &node.expr {
            Expr::Call(callee, arguments) => (self.eval(callee)?, arguments),
            Expr::Method(of, name, arguments) => {
                (super::access::attribute(self, &self.eval(of)?, name)?, arguments)
            }
            _ => return bail("a `call` block needs a call"),
        };
        let mut args = self.arguments(arguments)?;
        args.named.push((Arc::from("caller"), caller));
        self.placed(node, |ctx| call::call(ctx, &callee, args))
    }

    /// Applies a chain of filters that has no value of its own.
    fn filtered(&self, filter: Option<&Node>, value: Val) -> Res<Val> {
        let Some(node) = filter else { return Ok(value) };
        let Expr::Filter(filter, input, args) = &node.expr else { return Ok(value) };
        let value = match input {
            Some(input) => self.filtered(Some(input), value)?,
            None => value,
        };
        self.placed(node, |ctx| filters::apply(ctx, filter, value, &ctx.arguments(args)?))
    }

    fn assign(&self, target: &Target, value: Val) -> Res<()> {
        match target {
            Target::Name(name) => self.frame.set(name, value),
            Target::Attr(name, attribute) => match self.frame.get(name) {
                Some(Val::Object(object)) if matches!(&*object, Object::Namespace(_)) => {
                    if let Object::Namespace(names) = &*object {
                        names.borrow_mut().insert(Arc::clone(attribute), value);
                    }
                }
                _ => return bail("cannot assign attribute on non-namespace object"),
            },
            Target::Many(targets) => {
                let values = self.iterate(&value)?;
                if values.len() != targets.len() {
                    let quality = if values.len() > targets.len() { "too many" } else { "not enough" };
                    return bail(format!(
                        "{quality} values to unpack (expected {}, got {})",
                        targets.len(),
                        values.len()
                    ));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
            }
        }
        Ok(())
    }

    /// Runs a loop; `items` where it calls itself.
    pub(super) fn each(
        &self,
        each: &Arc<ForLoop>,
        items: Option<&Val>,
        depth: usize,
        output: &mut Output,
    ) -> Res<Flow> {
        let items = match items {
            Some(items) => self.iterate(items)?,
            None => self.placed(&each.iter, |ctx| ctx.iterate(&ctx.eval(&each.iter)?))?,
        };
        let items = match &each.condition {
            None => items,
            Some(condition) => {
                let mut kept = Vec::new();
                for item in items {
                    let inner = self.inner();
                    inner.assign(&each.target, item.clone())?;
                    if self.placed(condition, |_| inner.truth(&inner.eval(condition)?))? {
                        kept.push(item);
                    }
                }
                kept
            }
        };
        if items.is_empty() {
            return self.inner().statements(&each.otherwise, output);
        }
        let length = items.len();
        let state = Rc::new(Object::Loop(LoopState {
            items,
            index: Cell::new(0),
            depth,
            last_changed: RefCell::new(None),
            recursive: each.recursive.then(|| (Arc::clone(each), Rc::clone(&self.frame))),
        }));
        let name: Arc<str> = Arc::from("loop");
        for index in 0..length {
            let Object::Loop(shared) = &*state else { break };
            shared.index.set(index);
            let Some(item) = shared.items.get(index).cloned() else { break };
            let inner = self.inner();
            inner.frame.set(&name, Val::Object(Rc::clone(&state)));
            self.placed(&each.iter, |_| inner.assign(&each.target, item))?;
            match inner.statements(&each.body, output)? {
                Flow::Break => break,
                Flow::Next | Flow::Continue => {}
                Flow::Done => return Ok(Flow::Done),
            }
        }
        Ok(Flow::Next)
    }

    fn block(&self, block: &Arc<Block>, output: &mut Output) -> Res<()> {
        self.block_at(&block.name, 0, output)
    }

    /// Runs the definition of a block that stands `level` above the most derived one.
    pub(super) fn block_at(&self, name: &Arc<str>, level: usize, output: &mut Output) -> Res<()> {
        let found = self.run.blocks.borrow().get(name).and_then(|blocks| blocks.get(level).cloned());
        let Some((block, origin)) = found else {
            return bail(format!("there is no block `{name}` further up"));
        };
        let inner = Ctx { origin, ..self.inner() };
        let above = Object::Super { block: Arc::clone(name), level: level + 1 };
        inner.frame.set(&Arc::from("super"), Val::object(above));
        inner.statements(&block.body, output).map(drop)
    }

    /// The template that a name, or the first existing of several, stands for.
    fn load(&self, name: &Node) -> Res<Option<(Arc<Compiled>, Self)>> {
        let value = self.eval(name)?;
        let names = if value.is_list() { self.iterate(&value)? } else { vec![value] };
        for name in names {
            let name = self.text(&name)?;
            if let Some(source) = self.run.lookups.template(&name) {
                let origin = Rc::new(super::context::Origin {
                    text: Arc::from(source.text.as_str()),
                    place: Some(Place::start_of(&source)),
                });
                let mode = Mode::File(Box::new(super::FileOptions {
                    keep_trailing_newline: false,
                    ..Default::default()
                }));
                let compiled =
                    self.run.cache.compile(&origin.text, &mode).map_err(|error| error.into_fail(&origin))?;
                return Ok(Some((compiled, Ctx { origin, ..self.clone() })));
            }
        }
        Ok(None)
    }

    /// As another template sees it.
    fn seen(&self, sight: Sight) -> Self {
        match sight {
            Sight::Context => self.inner(),
            Sight::Nothing => {
                let scope: Scope = Arc::new(Unseen(Arc::clone(&self.scope)));
                Self { frame: Rc::default(), scope, ..self.clone() }
            }
        }
    }

    fn module(&self, name: &Node, sight: Sight) -> Res<Rc<super::context::Frame>> {
        let Some((compiled, ctx)) = self.load(name)? else {
            return bail("the template that is imported does not exist");
        };
        let inner = ctx.seen(sight);
        self.deeper(|| inner.run_template(&compiled, &mut Output::default()))?;
        Ok(inner.frame)
    }
}

/// Variables that a template without context does not see; other hosts can be asked for all the same.
#[derive(Debug)]
struct Unseen(Scope);

impl Variables for Unseen {
    fn get(&self, _: &str) -> Option<Value> {
        None
    }

    fn place(&self, _: &str) -> Option<Place> {
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn host(&self, name: &str) -> Option<Scope> {
        self.0.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.0.hosts()
    }
}
