//! Evaluates expressions.

use std::rc::Rc;
use std::sync::Arc;

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Missing, Res};
use super::tree::{Argument, Expr, Node};
use super::val::{Val, ValMap};
use super::{access, call, filters, methods, ops, predicates};
use crate::base::Value;

impl Ctx<'_> {
    /// The value of an expression. What depends on an unknown is unknown; mistakes get their place here.
    pub(super) fn eval(&self, node: &Node) -> Res<Val> {
        match self.deeper(|| self.eval_inner(node)) {
            Ok(Val::Missing(missing)) if missing.at.is_none() => {
                let missing = Missing { at: Some((Rc::clone(&self.origin), node.at)), ..(*missing).clone() };
                Ok(Val::Missing(Rc::new(missing)))
            }
            Err(Fail::Undefined(missing)) if missing.at.is_none() => {
                let missing = Missing { at: Some((Rc::clone(&self.origin), node.at)), ..(*missing).clone() };
                Err(Fail::Undefined(Rc::new(missing)))
            }
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

    fn eval_inner(&self, node: &Node) -> Res<Val> {
        Ok(match &node.expr {
            Expr::Const(value) => Val::Data(value.clone()),
            Expr::Var(name) => return self.variable(name, node.at),
            Expr::Attr(of, name) => return access::attribute(self, &self.eval(of)?, name),
            Expr::Item(of, key) => {
                let of = self.eval(of)?;
                return access::item(self, &of, &self.eval(key)?);
            }
            Expr::Slice(of, parts) => {
                let of = self.eval(of)?;
                let mut bounds = [None, None, None];
                for (bound, part) in bounds.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        *bound = self.optional_int(&self.eval(part)?)?;
                    }
                }
                return access::slice(self, &of, bounds);
            }
            Expr::List(items) => Val::list(self.evals(items)?),
            Expr::Tuple(items) => Val::tuple(self.evals(items)?),
            Expr::Dict(pairs) => {
                let mut map = ValMap::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = self.key(&self.eval(key)?)?;
                    map.insert(key, self.eval(value)?);
                }
                Val::dict(map)
            }
            Expr::Not(of) => Val::from(!self.truth(&self.eval(of)?)?),
            Expr::Neg(of) => return ops::negate(self, &self.eval(of)?),
            Expr::And(left, right) => return self.junction(left, right, Junction::And),
            Expr::Or(left, right) => return self.junction(left, right, Junction::Or),
            Expr::Binary(operator, left, right) => {
                let left = self.eval(left)?;
                return ops::binary(self, *operator, &left, &self.eval(right)?);
            }
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first)?;
                for (operator, right) in rest {
                    let right = self.eval(right)?;
                    if !ops::compare(self, *operator, &left, &right)? {
                        return Ok(Val::from(false));
                    }
                    left = right;
                }
                Val::from(true)
            }
            Expr::If(test, yes, no) => {
                if self.truth(&self.eval(test)?)? {
                    return self.eval(yes);
                }
                match no {
                    Some(no) => return self.eval(no),
                    None => Val::missing("the inline `if` is false and has no `else`"),
                }
            }
            Expr::Filter(filter, input, args) => {
                let input = match input {
                    Some(input) => self.eval(input)?,
                    None => return Err(Fail::error("a filter without a value")),
                };
                return filters::apply(self, filter, input, &self.arguments(args)?);
            }
            Expr::Test(test, input, args) => {
                let input = self.eval(input)?;
                return predicates::apply(self, test, &input, &self.arguments(args)?).map(Val::from);
            }
            Expr::Call(callee, args) => {
                let callee = self.eval(callee)?;
                return call::call(self, &callee, self.arguments(args)?);
            }
            Expr::Method(of, name, args) => {
                let mut target = self.eval(of)?;
                if methods::mutates(name)
                    && let Some(mutable) = methods::mutable(self, &target)?
                {
                    self.keep(of, &mutable);
                    target = mutable;
                }
                return call::method(self, &target, name, self.arguments(args)?);
            }
        })
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
