//! From minijinja's syntax tree to ours: owned, with places in the original text, filters and tests found.

use std::sync::Arc;

use minijinja::machinery::{Span as ParsedSpan, ast, parse, parse_expr};
use minijinja::value::ValueKind;

use super::options::{FileOptions, Mode};
use super::scan::{self, Scanned};
use super::tree::{
    Argument, Block, Comparison, Compiled, Expr, ForLoop, Macro, Missingness, Node, Operator, Sight, Span,
    Stmt, Target,
};
use super::{collections, filters, predicates};
use crate::base::{Kind, Value};
use crate::yaml::has_markers;

/// A mistake in a template's text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where in the text.
    pub at: Span,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SyntaxError {
    /// The kind that a diagnostic about it has.
    pub(super) const KIND: Kind = Kind::TemplateSyntax;

    fn new(message: impl Into<String>, at: Span) -> Self {
        Self { message: message.into(), at, hint: None }
    }
}

impl From<scan::ScanError> for SyntaxError {
    fn from(error: scan::ScanError) -> Self {
        Self::new(error.message, error.at)
    }
}

type Lowered<T> = Result<T, SyntaxError>;

/// Compiles a text.
pub(super) fn compile(text: &str, mode: &Mode) -> Lowered<Compiled> {
    // a line break at the end would make a text of every value; `render` puts it back where the value is a text
    let default = FileOptions { keep_trailing_newline: false, ..FileOptions::default() };
    let options = match mode {
        Mode::File(options) => options,
        Mode::Text | Mode::Expression | Mode::Condition => &default,
    };
    if matches!(mode, Mode::Expression | Mode::Condition) {
        let scanned = scan::expression(text, &options.markers)?;
        let parsed = parse_expr(&scanned.text).map_err(|error| parse_error(&error, &scanned))?;
        let constants = if *mode == Mode::Condition { Constants::Rendered } else { Constants::Plain };
        let mut lowering = Lowering { scanned: &scanned, blocks: Vec::new(), constants };
        let node = lowering.expr(&parsed)?;
        return Ok(Compiled { body: vec![Stmt::Emit(node)], blocks: Vec::new() });
    }
    let scanned = scan::template(text, &options.markers, mode.backslashes())?;
    let syntax = options.syntax().map_err(|message| SyntaxError::new(message, Span::default()))?;
    let parsed = parse(&scanned.text, "", syntax).map_err(|error| parse_error(&error, &scanned))?;
    let mut lowering = Lowering { scanned: &scanned, blocks: Vec::new(), constants: Constants::Plain };
    let body = match &parsed {
        ast::Stmt::Template(template) => lowering.stmts(&template.children)?,
        other => vec![lowering.stmt(other)?],
    };
    Ok(Compiled { body, blocks: lowering.blocks })
}

fn parse_error(error: &minijinja::Error, scanned: &Scanned) -> SyntaxError {
    let message = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let at = error
        .range()
        .map_or_else(Span::default, |range| scanned.original(range.start as u32, range.end as u32));
    SyntaxError::new(message, at)
}

struct Lowering<'a> {
    scanned: &'a Scanned,
    blocks: Vec<Arc<Block>>,
    constants: Constants,
}

/// What becomes of texts in the template that are templates of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constants {
    /// They are plain texts.
    Plain,
    /// They are rendered.
    Rendered,
}

/// The functions among whose terms templates are rendered.
const LOOKUPS: &[&str] = &["lookup", "query", "q"];

fn boxed(node: Node) -> Box<Node> {
    Box::new(node)
}

impl Lowering<'_> {
    fn span(&self, span: ParsedSpan) -> Span {
        self.scanned.original(span.start_offset, span.end_offset)
    }

    fn stmts(&mut self, stmts: &[ast::Stmt<'_>]) -> Lowered<Vec<Stmt>> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Lowered<Stmt> {
        Ok(match stmt {
            ast::Stmt::Template(template) => Stmt::Plain(self.stmts(&template.children)?),
            ast::Stmt::EmitExpr(emit) => Stmt::Emit(self.expr(&emit.expr)?),
            ast::Stmt::EmitRaw(raw) => Stmt::Text(Arc::from(raw.raw)),
            ast::Stmt::ForLoop(each) => Stmt::For(Arc::new(ForLoop {
                target: self.target(&each.target)?,
                iter: self.expr(&each.iter)?,
                condition: each.filter_expr.as_ref().map(|expr| self.expr(expr)).transpose()?,
                body: self.stmts(&each.body)?,
                otherwise: self.stmts(&each.else_body)?,
                recursive: each.recursive,
            })),
            ast::Stmt::IfCond(cond) => {
                Stmt::If(self.expr(&cond.expr)?, self.stmts(&cond.true_body)?, self.stmts(&cond.false_body)?)
            }
            ast::Stmt::WithBlock(with) => {
                let pairs = with
                    .assignments
                    .iter()
                    .map(|(target, expr)| Ok((self.target(target)?, self.expr(expr)?)))
                    .collect::<Lowered<Vec<_>>>()?;
                Stmt::With(pairs, self.stmts(&with.body)?)
            }
            ast::Stmt::Set(set) => Stmt::Set(self.target(&set.target)?, self.expr(&set.expr)?),
            ast::Stmt::SetBlock(set) => Stmt::SetBlock(
                self.target(&set.target)?,
                set.filter.as_ref().map(|filter| self.expr(filter)).transpose()?,
                self.stmts(&set.body)?,
            ),
            ast::Stmt::AutoEscape(escape) => Stmt::Plain(self.stmts(&escape.body)?),
            ast::Stmt::FilterBlock(block) => {
                Stmt::FilterBlock(self.expr(&block.filter)?, self.stmts(&block.body)?)
            }
            ast::Stmt::Block(block) => {
                let block = Arc::new(Block { name: Arc::from(block.name), body: self.stmts(&block.body)? });
                self.blocks.push(Arc::clone(&block));
                Stmt::Block(block)
            }
            ast::Stmt::Import(import) => {
                let sight = self.sight(import.span()).unwrap_or(Sight::Nothing);
                Stmt::Import(self.expr(&import.expr)?, self.name(&import.name)?, sight)
            }
            ast::Stmt::FromImport(import) => {
                let mut pairs = Vec::new();
                for (name, alias) in &import.names {
                    let name = self.name(name)?;
                    let alias = alias.as_ref().map(|alias| self.name(alias)).transpose()?;
                    pairs.push((Arc::clone(&name), alias.unwrap_or(name)));
                }
                let sight = self.sight(import.span()).unwrap_or(Sight::Nothing);
                Stmt::FromImport(self.expr(&import.expr)?, pairs, sight)
            }
            ast::Stmt::Extends(extends) => Stmt::Extends(self.expr(&extends.name)?),
            ast::Stmt::Include(include) => Stmt::Include(
                self.expr(&include.name)?,
                if include.ignore_missing { Missingness::Ignored } else { Missingness::Error },
                self.sight(include.span()).unwrap_or(Sight::Context),
            ),
            ast::Stmt::Macro(declared) => Stmt::Macro(Arc::new(self.declared(declared)?)),
            ast::Stmt::CallBlock(block) => {
                let call = self.call(&block.call, self.span(block.call_expr_span))?;
                Stmt::CallBlock(call, Arc::new(self.declared(&block.macro_decl)?))
            }
            ast::Stmt::Continue(_) => Stmt::Continue,
            ast::Stmt::Break(_) => Stmt::Break,
            ast::Stmt::Do(run) => Stmt::Do(self.call(&run.call, self.span(run.call.span()))?),
        })
    }

    /// What a tag says at its end; the parser does not tell.
    fn sight(&self, span: ParsedSpan) -> Option<Sight> {
        let tag = self.scanned.text.get(span.start_offset as usize..span.end_offset as usize)?;
        let mut words = tag.split_whitespace().rev().skip_while(|word| *word != "context").skip(1);
        match words.next() {
            Some("with") => Some(Sight::Context),
            Some("without") => Some(Sight::Nothing),
            _ => None,
        }
    }

    fn declared(&mut self, declared: &ast::Macro<'_>) -> Lowered<Macro> {
        Ok(Macro {
            name: Arc::from(declared.name),
            parameters: declared.args.iter().map(|arg| self.name(arg)).collect::<Lowered<_>>()?,
            defaults: declared.defaults.iter().map(|expr| self.expr(expr)).collect::<Lowered<_>>()?,
            body: self.stmts(&declared.body)?,
        })
    }

    fn name(&self, expr: &ast::Expr<'_>) -> Lowered<Arc<str>> {
        match expr {
            ast::Expr::Var(var) => Ok(Arc::from(var.id)),
            other => Err(SyntaxError::new("expected a name", self.span(other.span()))),
        }
    }

    fn target(&self, expr: &ast::Expr<'_>) -> Lowered<Target> {
        Ok(match expr {
            ast::Expr::Var(var) => Target::Name(Arc::from(var.id)),
            ast::Expr::GetAttr(attr) => Target::Attr(self.name(&attr.expr)?, Arc::from(attr.name)),
            ast::Expr::List(list) => {
                Target::Many(list.items.iter().map(|item| self.target(item)).collect::<Lowered<_>>()?)
            }
            ast::Expr::Tuple(tuple) => {
                Target::Many(tuple.items.iter().map(|item| self.target(item)).collect::<Lowered<_>>()?)
            }
            other => return Err(SyntaxError::new("cannot assign to this", self.span(other.span()))),
        })
    }

    fn exprs(&mut self, exprs: &[ast::Expr<'_>]) -> Lowered<Vec<Node>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// Each kind in a function of its own: this one calls itself, so its frame has to be small.
    fn expr(&mut self, expr: &ast::Expr<'_>) -> Lowered<Node> {
        let at = self.span(expr.span());
        match expr {
            ast::Expr::Var(var) => Ok(Node { at, expr: Expr::Var(Arc::from(var.id)) }),
            ast::Expr::Const(constant) => Ok(Node { at, expr: self.constant(literal(&constant.value)) }),
            ast::Expr::GetAttr(attr) => self.attribute(attr, at),
            ast::Expr::GetItem(item) => self.item(item, at),
            ast::Expr::Slice(slice) => self.slice(slice, at),
            ast::Expr::UnaryOp(unary) => self.unary(unary, at),
            ast::Expr::BinOp(binary) => self.binary(binary),
            ast::Expr::Compare(compare) => self.compare(compare, at),
            ast::Expr::IfExpr(choice) => self.choice(choice, at),
            ast::Expr::Filter(filter) => self.filter(filter, at),
            ast::Expr::Test(test) => self.test(test, at),
            ast::Expr::Call(call) => self.call(call, at),
            ast::Expr::List(list) => Ok(Node { at, expr: Expr::List(self.exprs(&list.items)?) }),
            ast::Expr::Tuple(tuple) => Ok(Node { at, expr: Expr::Tuple(self.exprs(&tuple.items)?) }),
            ast::Expr::Map(map) => self.mapping(map, at),
        }
    }

    fn constant(&self, value: Value) -> Expr {
        match value {
            Value::Str(text) if self.constants == Constants::Rendered && has_markers(&text) => {
                Expr::Embedded(text)
            }
            value => Expr::Const(value),
        }
    }

    /// A term of a lookup: what is a text there, or a text in a list or mapping there, is rendered where it is a template.
    fn term(&mut self, expr: &ast::Expr<'_>) -> Lowered<Node> {
        let at = self.span(expr.span());
        match expr {
            ast::Expr::Const(_) => {
                let before = std::mem::replace(&mut self.constants, Constants::Rendered);
                let node = self.expr(expr);
                self.constants = before;
                node
            }
            ast::Expr::List(list) => Ok(Node { at, expr: Expr::List(self.terms(&list.items)?) }),
            ast::Expr::Tuple(tuple) => Ok(Node { at, expr: Expr::Tuple(self.terms(&tuple.items)?) }),
            ast::Expr::Map(map) => {
                let keys = self.exprs(&map.keys)?;
                Ok(Node { at, expr: Expr::Dict(keys.into_iter().zip(self.terms(&map.values)?).collect()) })
            }
            other => self.expr(other),
        }
    }

    fn terms(&mut self, exprs: &[ast::Expr<'_>]) -> Lowered<Vec<Node>> {
        exprs.iter().map(|expr| self.term(expr)).collect()
    }

    fn attribute(&mut self, attr: &ast::GetAttr<'_>, at: Span) -> Lowered<Node> {
        let of = self.expr(&attr.expr)?;
        let at = Span { start: of.at.start, ..at };
        Ok(Node { at, expr: Expr::Attr(boxed(of), Arc::from(attr.name)) })
    }

    fn item(&mut self, item: &ast::GetItem<'_>, at: Span) -> Lowered<Node> {
        let of = self.expr(&item.expr)?;
        let at = Span { start: of.at.start, ..at };
        Ok(Node { at, expr: Expr::Item(boxed(of), boxed(self.expr(&item.subscript_expr)?)) })
    }

    fn slice(&mut self, slice: &ast::Slice<'_>, at: Span) -> Lowered<Node> {
        let of = self.expr(&slice.expr)?;
        let at = Span { start: of.at.start, ..at };
        let parts = [
            self.optional(slice.start.as_ref())?,
            self.optional(slice.stop.as_ref())?,
            self.optional(slice.step.as_ref())?,
        ];
        Ok(Node { at, expr: Expr::Slice(boxed(of), parts) })
    }

    fn optional(&mut self, expr: Option<&ast::Expr<'_>>) -> Lowered<Option<Box<Node>>> {
        expr.map(|expr| self.expr(expr).map(boxed)).transpose()
    }

    fn unary(&mut self, unary: &ast::UnaryOp<'_>, at: Span) -> Lowered<Node> {
        let of = self.expr(&unary.expr)?;
        let expr = match unary.op {
            ast::UnaryOpKind::Not => negated(of),
            ast::UnaryOpKind::Neg => Expr::Neg(boxed(of)),
        };
        Ok(Node { at, expr })
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>) -> Lowered<Node> {
        let left = self.expr(&binary.left)?;
        let right = self.expr(&binary.right)?;
        let at = Span { start: left.at.start, end: right.at.end };
        Ok(Node { at, expr: operation(binary.op, left, right) })
    }

    fn compare(&mut self, compare: &ast::Compare<'_>, at: Span) -> Lowered<Node> {
        let first = self.expr(&compare.expr)?;
        let at = Span { start: first.at.start, ..at };
        let mut rest = Vec::with_capacity(compare.ops.len());
        for op in &compare.ops {
            rest.push((comparison(op.op), self.expr(&op.expr)?));
        }
        Ok(Node { at, expr: Expr::Compare(boxed(first), rest) })
    }

    fn choice(&mut self, choice: &ast::IfExpr<'_>, at: Span) -> Lowered<Node> {
        let yes = self.expr(&choice.true_expr)?;
        let at = Span { start: yes.at.start, ..at };
        let test = self.expr(&choice.test_expr)?;
        Ok(Node { at, expr: Expr::If(boxed(test), boxed(yes), self.optional(choice.false_expr.as_ref())?) })
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, at: Span) -> Lowered<Node> {
        let input = self.optional(filter.expr.as_ref())?;
        let found = filters::find(filter.name).ok_or_else(|| {
            let (message, hint) = collections::unknown("filter", filter.name, filters::names());
            SyntaxError { message, at: Span { end: at.start + filter.name.len() as u32, ..at }, hint }
        })?;
        Ok(Node { at, expr: Expr::Filter(found, input, self.arguments(&filter.args)?) })
    }

    fn test(&mut self, test: &ast::Test<'_>, at: Span) -> Lowered<Node> {
        let input = self.expr(&test.expr)?;
        let found = predicates::find(test.name).ok_or_else(|| {
            let (message, hint) = collections::unknown("test", test.name, predicates::names());
            SyntaxError { message, at: Span { end: at.start + test.name.len() as u32, ..at }, hint }
        })?;
        let at = Span { start: input.at.start, ..at };
        Ok(Node { at, expr: Expr::Test(found, boxed(input), self.arguments(&test.args)?) })
    }

    fn mapping(&mut self, map: &ast::Map<'_>, at: Span) -> Lowered<Node> {
        let keys = self.exprs(&map.keys)?;
        Ok(Node { at, expr: Expr::Dict(keys.into_iter().zip(self.exprs(&map.values)?).collect()) })
    }

    fn call(&mut self, call: &ast::Call<'_>, at: Span) -> Lowered<Node> {
        let (of, name) = match &call.expr {
            ast::Expr::GetAttr(attr) => (self.expr(&attr.expr)?, Some(Arc::from(attr.name))),
            other => (self.expr(other)?, None),
        };
        let at = Span { start: of.at.start, ..at };
        let asks = matches!(&call.expr, ast::Expr::Var(var) if LOOKUPS.contains(&var.id));
        let arguments = self.arguments_of(&call.args, asks)?;
        Ok(Node {
            at,
            expr: match name {
                Some(name) => Expr::Method(boxed(of), name, arguments),
                None => Expr::Call(boxed(of), arguments),
            },
        })
    }

    fn arguments(&mut self, args: &[ast::CallArg<'_>]) -> Lowered<Vec<Argument>> {
        self.arguments_of(args, false)
    }

    fn arguments_of(&mut self, args: &[ast::CallArg<'_>], of_lookup: bool) -> Lowered<Vec<Argument>> {
        args.iter()
            .map(|arg| {
                Ok(match arg {
                    ast::CallArg::Pos(expr) if of_lookup => Argument::Positional(self.term(expr)?),
                    ast::CallArg::Pos(expr) => Argument::Positional(self.expr(expr)?),
                    ast::CallArg::Kwarg(name, expr) => Argument::Named(Arc::from(*name), self.expr(expr)?),
                    ast::CallArg::PosSplat(expr) => Argument::Splat(self.expr(expr)?),
                    ast::CallArg::KwargSplat(expr) => Argument::NamedSplat(self.expr(expr)?),
                })
            })
            .collect()
    }
}

/// `not (a in b)` is `a not in b`.
fn negated(of: Node) -> Expr {
    match of.expr {
        Expr::Compare(left, mut ops) if matches!(ops.as_slice(), [(Comparison::In, _)]) => {
            for (op, _) in &mut ops {
                *op = Comparison::NotIn;
            }
            Expr::Compare(left, ops)
        }
        expr => Expr::Not(Box::new(Node { at: of.at, expr })),
    }
}

fn operation(op: ast::BinOpKind, left: Node, right: Node) -> Expr {
    use ast::BinOpKind as Kind;
    let compare = |op, left, right| Expr::Compare(boxed(left), vec![(op, right)]);
    let binary = |op, left, right| Expr::Binary(op, boxed(left), boxed(right));
    match op {
        Kind::Eq => compare(Comparison::Eq, left, right),
        Kind::Ne => compare(Comparison::Ne, left, right),
        Kind::Lt => compare(Comparison::Lt, left, right),
        Kind::Lte => compare(Comparison::Le, left, right),
        Kind::Gt => compare(Comparison::Gt, left, right),
        Kind::Gte => compare(Comparison::Ge, left, right),
        Kind::In => compare(Comparison::In, left, right),
        Kind::ScAnd => Expr::And(boxed(left), boxed(right)),
        Kind::ScOr => Expr::Or(boxed(left), boxed(right)),
        Kind::Add => binary(Operator::Add, left, right),
        Kind::Sub => binary(Operator::Sub, left, right),
        Kind::Mul => binary(Operator::Mul, left, right),
        Kind::Div => binary(Operator::Div, left, right),
        Kind::FloorDiv => binary(Operator::FloorDiv, left, right),
        Kind::Rem => binary(Operator::Mod, left, right),
        Kind::Pow => binary(Operator::Pow, left, right),
        Kind::Concat => binary(Operator::Concat, left, right),
    }
}

fn comparison(op: ast::CompareOpKind) -> Comparison {
    match op {
        ast::CompareOpKind::Eq => Comparison::Eq,
        ast::CompareOpKind::Ne => Comparison::Ne,
        ast::CompareOpKind::Lt => Comparison::Lt,
        ast::CompareOpKind::Lte => Comparison::Le,
        ast::CompareOpKind::Gt => Comparison::Gt,
        ast::CompareOpKind::Gte => Comparison::Ge,
        ast::CompareOpKind::In => Comparison::In,
        ast::CompareOpKind::NotIn => Comparison::NotIn,
    }
}

/// A literal: minijinja's constants are booleans, numbers, texts and none.
fn literal(value: &minijinja::Value) -> Value {
    match value.kind() {
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => {
            i128::try_from(value.clone()).map_or(Value::Null, Value::Int)
        }
        ValueKind::Number => f64::try_from(value.clone()).map_or(Value::Null, Value::Float),
        ValueKind::String => value.as_str().map_or(Value::Null, Value::str),
        _ => Value::Null,
    }
}
