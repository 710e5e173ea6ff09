//! The compiled template: minijinja's syntax tree, owned, with filters and tests already found.

use std::sync::Arc;

use super::filters::Filter;
use super::predicates::Test;
use crate::base::Value;

/// A range of bytes in the template's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

/// An expression and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// Where.
    pub at: Span,
    /// What.
    pub expr: Expr,
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Expr {
    /// A literal.
    Const(Value),
    /// A text in the template that is a template of its own: `'{{ a }}'` in a condition or among the terms of a lookup.
    Embedded(Arc<str>),
    /// A variable.
    Var(Arc<str>),
    /// `a.name`
    Attr(Box<Node>, Arc<str>),
    /// `a[key]`
    Item(Box<Node>, Box<Node>),
    /// `a[start:stop:step]`
    Slice(Box<Node>, [Option<Box<Node>>; 3]),
    /// `[a, b]`
    List(Vec<Node>),
    /// `(a, b)`
    Tuple(Vec<Node>),
    /// `{a: b}`
    Dict(Vec<(Node, Node)>),
    /// `not a`
    Not(Box<Node>),
    /// `-a`
    Neg(Box<Node>),
    /// `a and b`
    And(Box<Node>, Box<Node>),
    /// `a or b`
    Or(Box<Node>, Box<Node>),
    /// `a + b` and its like
    Binary(Operator, Box<Node>, Box<Node>),
    /// `a < b <= c`
    Compare(Box<Node>, Vec<(Comparison, Node)>),
    /// `a if test else b`
    If(Box<Node>, Box<Node>, Option<Box<Node>>),
    /// `a|filter(args)`; without an operand in `{% filter %}`
    Filter(&'static Filter, Option<Box<Node>>, Vec<Argument>),
    /// `a is test(args)`
    Test(&'static Test, Box<Node>, Vec<Argument>),
    /// `f(args)`
    Call(Box<Node>, Vec<Argument>),
    /// `a.name(args)`
    Method(Box<Node>, Arc<str>, Vec<Argument>),
}

/// An operator that calculates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    Concat,
}

/// An operator that compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// An argument of a call.
#[derive(Debug)]
pub(super) enum Argument {
    /// `a`
    Positional(Node),
    /// `name=a`
    Named(Arc<str>, Node),
    /// `*a`
    Splat(Node),
    /// `**a`
    NamedSplat(Node),
}

/// What is assigned to.
#[derive(Debug)]
pub(super) enum Target {
    /// A name.
    Name(Arc<str>),
    /// An attribute of a namespace.
    Attr(Arc<str>, Arc<str>),
    /// Several, unpacked.
    Many(Vec<Target>),
}

/// A statement.
#[derive(Debug)]
pub(super) enum Stmt {
    /// Text outside of markers.
    Text(Arc<str>),
    /// `{{ a }}`
    Emit(Node),
    /// `{% if %}`
    If(Node, Vec<Stmt>, Vec<Stmt>),
    /// `{% for %}`
    For(Arc<ForLoop>),
    /// `{% set a = b %}`
    Set(Target, Node),
    /// `{% set a %}…{% endset %}`, with its filters
    SetBlock(Target, Option<Node>, Vec<Stmt>),
    /// `{% with %}`
    With(Vec<(Target, Node)>, Vec<Stmt>),
    /// `{% filter %}`
    FilterBlock(Node, Vec<Stmt>),
    /// `{% autoescape %}`: its body; nothing is escaped in Ansible.
    Plain(Vec<Stmt>),
    /// `{% macro %}`
    Macro(Arc<Macro>),
    /// `{% call %}`
    CallBlock(Node, Arc<Macro>),
    /// `{% do a() %}`
    Do(Node),
    /// `{% include %}`
    Include(Node, Missingness, Sight),
    /// `{% import a as b %}`
    Import(Node, Arc<str>, Sight),
    /// `{% from a import b as c %}`
    FromImport(Node, Vec<(Arc<str>, Arc<str>)>, Sight),
    /// `{% extends %}`
    Extends(Node),
    /// `{% block %}`
    Block(Arc<Block>),
    /// `{% break %}`
    Break,
    /// `{% continue %}`
    Continue,
}

/// What another template sees of the one that takes it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// `with context`: its variables.
    Context,
    /// `without context`: nothing.
    Nothing,
}

/// Whether an include may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missingness {
    /// `ignore missing`
    Ignored,
    /// Missing is an error.
    Error,
}

/// A loop.
#[derive(Debug)]
pub(super) struct ForLoop {
    /// What each item is assigned to.
    pub target: Target,
    /// What is looped over.
    pub iter: Node,
    /// Which items count.
    pub condition: Option<Node>,
    /// The body.
    pub body: Vec<Stmt>,
    /// What is done where there is no item.
    pub otherwise: Vec<Stmt>,
    /// Whether `loop(…)` may be called.
    pub recursive: bool,
}

/// A macro, or the body of a call block.
#[derive(Debug)]
pub(super) struct Macro {
    /// Its name.
    pub name: Arc<str>,
    /// Its parameters.
    pub parameters: Vec<Arc<str>>,
    /// The values of the last parameters where they are not given.
    pub defaults: Vec<Node>,
    /// Its body.
    pub body: Vec<Stmt>,
}

/// A block that templates extending this one may replace.
#[derive(Debug)]
pub(super) struct Block {
    /// Its name.
    pub name: Arc<str>,
    /// Its body.
    pub body: Vec<Stmt>,
}

/// A whole template.
#[derive(Debug)]
pub(super) struct Compiled {
    /// Its statements. An expression is one [`Stmt::Emit`].
    pub body: Vec<Stmt>,
    /// Its blocks, at any depth.
    pub blocks: Vec<Arc<Block>>,
}
