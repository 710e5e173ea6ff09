//! Evaluates expressions.

use std::rc::Rc;
use std::sync::Arc;

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Missing, Res, bail};
use super::filters::Filter;
use super::predicates::Test;
use super::tree::{Argument, Comparison, Expr, Node, Operator};
use super::val::{Val, ValMap};
use super::{access, call, filters, methods, ops, predicates};
use crate::base::{Kind, Value};

impl Ctx<'_> {
    /// The value of an expression. What depends on an unknown is unknown; mistakes get their place here.
    pub(super) fn eval(&self, node: &Node) -> Res<Val> {
        match self.deeper(|| self.eval_inner(node)) {
            Ok(value) if !matches!(value, Val::Missing(_)) => Ok(value),
            other => self.placed_at(node, other),
        }
    }

    fn placed_at(&self, node: &Node, result: Res<Val>) -> Res<Val> {
        let placed = |missing: Rc<Missing>| match missing.at {
            Some(_) => missing,
            None => Rc::new(Missing { at: Some((Rc::clone(&self.origin), node.at)), ..(*missing).clone() }),
        };
        match result {
            Ok(Val::Missing(missing)) => Ok(Val::Missing(placed(missing))),
            Err(Fail::Undefined(missing)) => Err(Fail::Undefined(placed(missing))),
            Err(Fail::Unknown(unknown)) => Ok(Val::unknown(unknown)),
            Err(Fail::Error(mut diagnostic)) => {
                if diagnostic.place.is_none() {
                    diagnostic.place = self.origin.place(node.at);
                }
                Err(Fail::Error(diagnostic))
            }
            other => other,
        }
    }

    /// Each kind in a function of its own: this one calls itself, so its frame has to be small.
    fn eval_inner(&self, node: &Node) -> Res<Val> {
        match &node.expr {
            Expr::Const(value) => Ok(Val::Data(value.clone())),
            Expr::Embedded(text) => self.embedded(text, node.at),
            Expr::Var(name) => self.variable(name, node.at),
            Expr::Attr(of, name) => access::attribute(self, &self.eval(of)?, name),
            Expr::Item(of, key) => self.eval_item(of, key),
            Expr::Slice(of, parts) => self.eval_slice(of, parts),
            Expr::List(items) => Ok(Val::list(self.evals(items)?)),
            Expr::Tuple(items) => Ok(Val::tuple(self.evals(items)?)),
            Expr::Dict(pairs) => self.eval_dict(pairs),
            Expr::Not(of) => self.eval_not(of),
            Expr::Neg(of) => ops::negate(self, &self.eval(of)?),
            Expr::And(left, right) => self.junction(left, right, Junction::And),
            Expr::Or(left, right) => self.junction(left, right, Junction::Or),
            Expr::Binary(operator, left, right) => self.eval_binary(*operator, left, right),
            Expr::Compare(first, rest) => self.eval_compare(first, rest),
            Expr::If(test, yes, no) => self.eval_if(test, yes, no.as_deref()),
            Expr::Filter(filter, input, args) => self.eval_filter(filter, input.as_deref(), args),
            Expr::Test(test, input, args) => self.eval_test(test, input, args),
            Expr::Call(callee, args) => self.eval_call(callee, args),
            Expr::Method(of, name, args) => self.eval_method(of, name, args),
        }
    }

    fn eval_item(&self, of: &Node, key: &Node) -> Res<Val> {
        let of = self.eval(of)?;
        access::item(self, &of, &self.eval(key)?)
    }

    fn eval_slice(&self, of: &Node, parts: &[Option<Box<Node>>; 3]) -> Res<Val> {
        let of = self.eval(of)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                *bound = self.optional_int(&self.eval(part)?)?;
            }
        }
        access::slice(self, &of, bounds)
    }

    fn eval_dict(&self, pairs: &[(Node, Node)]) -> Res<Val> {
        let mut map = ValMap::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key = self.key(&self.eval(key)?)?;
            map.insert(key, self.eval(value)?);
        }
        Ok(Val::dict(map))
    }

    fn eval_not(&self, of: &Node) -> Res<Val> {
        let value = self.eval(of)?;
        Ok(Val::from(!self.truth(&value)?))
    }

    fn eval_binary(&self, operator: Operator, left: &Node, right: &Node) -> Res<Val> {
        let left = self.eval(left)?;
        let right = self.eval(right)?;
        ops::binary(self, operator, &left, &right)
    }

    fn eval_compare(&self, first: &Node, rest: &[(Comparison, Node)]) -> Res<Val> {
        let mut left = self.eval(first)?;
        for (operator, right) in rest {
            let right = self.eval(right)?;
            if !ops::compare(self, *operator, &left, &right)? {
                return Ok(Val::from(false));
            }
            left = right;
        }
        Ok(Val::from(true))
    }

    fn eval_if(&self, test: &Node, yes: &Node, no: Option<&Node>) -> Res<Val> {
        let holds = self.truth(&self.eval(test)?)?;
        match (holds, no) {
            (true, _) => self.eval(yes),
            (false, Some(no)) => self.eval(no),
            (false, None) => Ok(Val::Missing(Rc::new(Missing {
                silent: true,
                ..Missing::new("the inline `if` is false and has no `else`")
            }))),
        }
    }

    fn eval_filter(&self, filter: &'static Filter, input: Option<&Node>, args: &[Argument]) -> Res<Val> {
        let input = match input {
            Some(input) if filter.name == "unvault" => self.eval_sealed(input)?,
            Some(input) => self.eval(input)?,
            None => return bail("a filter without a value"),
        };
        let args = self.arguments(args)?;
        filters::apply(self, filter, input, &args)
    }

    /// The value of what may be encrypted and need not be decryptable here: then it is the vault text itself.
    fn eval_sealed(&self, node: &Node) -> Res<Val> {
        match self.eval(node) {
            Err(Fail::Error(error)) if error.kind == Kind::Vault => {
                let sealed = self.run.undecryptable.borrow().clone();
                sealed.map(|text| Val::Data(Value::Str(text))).ok_or(Fail::Error(error))
            }
            evaluated => evaluated,
        }
    }

    fn eval_test(&self, test: &'static Test, input: &Node, args: &[Argument]) -> Res<Val> {
        let input = if test.name == "vault_encrypted" { self.eval_sealed(input)? } else { self.eval(input)? };
        let args = self.arguments(args)?;
        predicates::apply(self, test, &input, &args).map(Val::from)
    }

    fn eval_call(&self, callee: &Node, args: &[Argument]) -> Res<Val> {
        let callee = self.eval(callee)?;
        let args = self.arguments(args)?;
        call::call(self, &callee, args)
    }

    fn eval_method(&self, of: &Node, name: &Arc<str>, args: &[Argument]) -> Res<Val> {
        let mut target = self.eval(of)?;
        if methods::mutates(name)
            && let Some(mutable) = methods::mutable(self, &target)?
        {
            self.keep(of, &mutable);
            target = mutable;
        }
        let args = self.arguments(args)?;
        call::method(self, &target, name, args)
    }

    /// Puts a list or mapping that became mutable back where it came from.
    fn keep(&self, of: &Node, value: &Val) {
        if let Expr::Var(name) = &of.expr {
            self.rebind(name, value);
        }
    }

    fn evals(&self, nodes: &[Node]) -> Res<Vec<Val>> {
        nodes.iter().map(|node| self.eval(node)).collect()
    }

    /// `and` and `or`: the side that decides; an unknown side is passed over where the other one decides.
    fn junction(&self, left: &Node, right: &Node, junction: Junction) -> Res<Val> {
        let decides = |value: &Val| Ok::<_, Fail>(self.truth(value)? == (junction == Junction::Or));
        let first = self.eval(left)?;
        let Val::Data(Value::Unknown(unknown)) = &first else {
            return if decides(&first)? { Ok(first) } else { self.eval(right) };
        };
        match self.eval(right) {
            Ok(second @ Val::Data(Value::Bool(_))) if decides(&second)? => Ok(second),
            Ok(_) | Err(Fail::Undefined(_) | Fail::Error(_)) => Ok(Val::unknown(Arc::clone(unknown))),
            Err(fail) => Err(fail),
        }
    }

    /// Evaluates arguments.
    pub(super) fn arguments(&self, arguments: &[Argument]) -> Res<Args> {
        let mut args = Args::default();
        for argument in arguments {
            match argument {
                Argument::Positional(node) => args.positional.push(self.eval(node)?),
                Argument::Named(name, node) => args.named.push((Arc::clone(name), self.eval(node)?)),
                Argument::Splat(node) => args.positional.extend(self.iterate(&self.eval(node)?)?),
                Argument::NamedSplat(node) => {
                    for (key, value) in self.entries(&self.eval(node)?)? {
                        args.named.push((Arc::from(key.to_string()), value));
                    }
                }
            }
        }
        Ok(args)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Junction {
    And,
    Or,
}
