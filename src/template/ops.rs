//! Operators as Python has them.

use std::cmp::Ordering;

use super::access;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::tree::{Comparison, Operator};
use super::val::{Val, type_name};
use super::{format, moment};
use crate::base::Value;

/// The largest text or list that `*` makes.
const MAX_REPEATED: usize = 16 << 20;

/// Whether two values are equal; numbers and booleans of all types compare by value.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (Value::Moment(a), Value::Moment(b)) => a.order(*b) == Some(Ordering::Equal),
        _ => match (number(left), number(right)) {
            (Some(a), Some(b)) => a.compare(b) == Some(Ordering::Equal),
            _ => left == right,
        },
    }
}

/// The order of two values.
///
/// # Errors
/// They have none, in Python's words.
pub(super) fn order(left: &Value, right: &Value, sign: &str) -> Res<Ordering> {
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => return Ok(a.cmp(b)),
        (Value::Moment(a), Value::Moment(b)) => {
            return match a.order(*b) {
                Some(order) => Ok(order),
                None if a.has_time() && b.has_time() => {
                    bail("can't compare offset-naive and offset-aware datetimes")
                }
                None => bail("can't compare datetime.datetime to datetime.date"),
            };
        }
        (Value::List(a), Value::List(b)) => {
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b) {
                    return order(a, b, sign);
                }
            }
            return Ok(a.len().cmp(&b.len()));
        }
        _ => {
            if let (Some(a), Some(b)) = (number(left), number(right)) {
                return Ok(a.compare(b).unwrap_or(Ordering::Equal));
            }
        }
    }
    bail(format!(
        "'{sign}' not supported between instances of '{}' and '{}'",
        type_name(left),
        type_name(right)
    ))
}

#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(number) => Some(Number::Int(*number)),
        Value::Bool(value) => Some(Number::Int(i128::from(*value))),
        Value::Float(number) => Some(Number::Float(*number)),
        _ => None,
    }
}

/// A comparison.
pub(super) fn compare(ctx: &Ctx<'_>, operator: Comparison, left: &Val, right: &Val) -> Res<bool> {
    match operator {
        Comparison::In => return access::contains(ctx, right, left),
        Comparison::NotIn => return access::contains(ctx, right, left).map(|found| !found),
        _ => {}
    }
    let mixed = matches!(left, Val::Tuple(_)) != matches!(right, Val::Tuple(_));
    let (left, right) = (comparable(ctx, left)?, comparable(ctx, right)?);
    let ordered = |sign: &str, holds: fn(Ordering) -> bool| {
        let nan = |value: &Value| matches!(value, Value::Float(number) if number.is_nan());
        Ok(holds(order(&left, &right, sign)?) && !nan(&left) && !nan(&right))
    };
    match operator {
        Comparison::Eq => Ok(!mixed && equal(&left, &right)),
        Comparison::Ne => Ok(mixed || !equal(&left, &right)),
        Comparison::Lt => ordered("<", Ordering::is_lt),
        Comparison::Le => ordered("<=", Ordering::is_le),
        Comparison::Gt => ordered(">", Ordering::is_gt),
        Comparison::Ge => ordered(">=", Ordering::is_ge),
        Comparison::In | Comparison::NotIn => Ok(false),
    }
}

fn comparable(ctx: &Ctx<'_>, value: &Val) -> Res<Value> {
    match value {
        Val::Object(object) => match &**object {
            Object::Duration(micros) => Ok(Value::from(*micros)),
            Object::HostVars(_) | Object::Variables(_) => ctx.force(value),
            other => Ok(Value::from(format!("<{}>", other.type_name()))),
        },
        _ => ctx.force(value),
    }
}

/// `-a`
pub(super) fn negate(ctx: &Ctx<'_>, value: &Val) -> Res<Val> {
    let forced = ctx.force(value)?;
    match number(&forced) {
        Some(Number::Int(number)) => checked(number.checked_neg()),
        Some(Number::Float(number)) => Ok(Val::from(-number)),
        None => bail(format!("bad operand type for unary -: '{}'", value.type_name())),
    }
}

fn checked(number: Option<i128>) -> Res<Val> {
    match number {
        Some(number) => Ok(Val::from(number)),
        None => bail("the number is too large"),
    }
}

/// An operation.
pub(super) fn binary(ctx: &Ctx<'_>, operator: Operator, left: &Val, right: &Val) -> Res<Val> {
    match operator {
        Operator::Concat => {
            let mut text = ctx.text(left)?.to_string();
            text.push_str(&ctx.text(right)?);
            return Ok(Val::from(text));
        }
        Operator::Mod => {
            if let Val::Data(Value::Str(pattern)) = left {
                return format::percent(ctx, pattern, right).map(Val::from);
            }
        }
        Operator::Add => {
            if let Some(joined) = join(ctx, left, right)? {
                return Ok(joined);
            }
        }
        Operator::Mul => {
            if let Some(repeated) = repeat(ctx, left, right)? {
                return Ok(repeated);
            }
        }
        _ => {}
    }
    if let Some(result) = moment::arithmetic(operator, left, right) {
        return Ok(result);
    }
    if let (Val::Object(_), _) | (_, Val::Object(_)) = (left, right) {
        return Err(unsupported(operator, left, right));
    }
    let (a, b) = (ctx.force(left)?, ctx.force(right)?);
    match (number(&a), number(&b)) {
        (Some(a), Some(b)) => arithmetic(operator, a, b),
        _ if operator == Operator::Add && matches!(a, Value::Str(_)) => {
            bail(format!("can only concatenate str (not \"{}\") to str", right.type_name()))
        }
        _ if operator == Operator::Add && left.is_list() => bail(format!(
            "can only concatenate {0} (not \"{1}\") to {0}",
            left.type_name(),
            right.type_name()
        )),
        _ => Err(unsupported(operator, left, right)),
    }
}

fn unsupported(operator: Operator, left: &Val, right: &Val) -> Fail {
    let sign = match operator {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mul => "*",
        Operator::Div => "/",
        Operator::FloorDiv => "//",
        Operator::Mod => "%",
        Operator::Pow => "** or pow()",
        Operator::Concat => "~",
    };
    Fail::error(format!(
        "unsupported operand type(s) for {sign}: '{}' and '{}'",
        left.type_name(),
        right.type_name()
    ))
}

fn join(ctx: &Ctx<'_>, left: &Val, right: &Val) -> Res<Option<Val>> {
    Ok(match (left, right) {
        (Val::Data(Value::Str(a)), Val::Data(Value::Str(b))) => Some(Val::from(format!("{a}{b}"))),
        (Val::Tuple(a), Val::Tuple(b)) => Some(Val::tuple(a.iter().chain(b.iter()).cloned())),
        (Val::Tuple(_), _) | (_, Val::Tuple(_)) => None,
        _ if left.is_list() && right.is_list() => {
            let mut items = ctx.iterate(left)?;
            items.extend(ctx.iterate(right)?);
            Some(Val::list(items))
        }
        _ => None,
    })
}

fn repeat(ctx: &Ctx<'_>, left: &Val, right: &Val) -> Res<Option<Val>> {
    let (sequence, times) = match (left, right) {
        (sequence, Val::Data(Value::Int(times))) => (sequence, *times),
        (Val::Data(Value::Int(times)), sequence) => (sequence, *times),
        _ => return Ok(None),
    };
    let times = usize::try_from(times).unwrap_or(0);
    let size = match sequence {
        Val::Data(Value::Str(text)) => text.len(),
        _ if sequence.is_list() => ctx.length(sequence)?.unwrap_or(0),
        _ => return Ok(None),
    };
    if size.saturating_mul(times) > MAX_REPEATED {
        return bail("the repeated value is too large");
    }
    Ok(Some(match sequence {
        Val::Data(Value::Str(text)) => Val::from(text.repeat(times)),
        _ => {
            let items = ctx.iterate(sequence)?;
            let all = std::iter::repeat_n(items, times).flatten();
            if let Val::Tuple(_) = sequence { Val::tuple(all) } else { Val::list(all) }
        }
    }))
}

fn arithmetic(operator: Operator, left: Number, right: Number) -> Res<Val> {
    use Number::Int;
    let zero = || bail("division by zero");
    match (operator, left, right) {
        (Operator::Add, Int(a), Int(b)) => checked(a.checked_add(b)),
        (Operator::Sub, Int(a), Int(b)) => checked(a.checked_sub(b)),
        (Operator::Mul, Int(a), Int(b)) => checked(a.checked_mul(b)),
        (Operator::FloorDiv | Operator::Mod, Int(_), Int(0)) => zero(),
        (Operator::FloorDiv, Int(a), Int(b)) => {
            let quotient = a.checked_div(b);
            checked(quotient.map(|q| if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }))
        }
        (Operator::Mod, Int(a), Int(b)) => {
            checked(a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }))
        }
        (Operator::Pow, Int(a), Int(b)) if b >= 0 => {
            checked(u32::try_from(b).ok().and_then(|power| a.checked_pow(power)))
        }
        _ => {
            let (a, b) = (left.float(), right.float());
            if b == 0.0 && matches!(operator, Operator::Div | Operator::FloorDiv | Operator::Mod) {
                return zero();
            }
            Ok(Val::from(match operator {
                Operator::Add => a + b,
                Operator::Sub => a - b,
                Operator::Mul => a * b,
                Operator::Div => a / b,
                Operator::FloorDiv => (a / b).floor(),
                Operator::Mod => a - b * (a / b).floor(),
                Operator::Pow => a.powf(b),
                Operator::Concat => return bail("`~` joins texts"),
            }))
        }
    }
}

/// Sorts values, keeping the order of equal ones; the first pair without an order is the error.
///
/// Not the standard library's sort: that may panic where values have no total order, as in Python.
pub(super) fn sort_by<T>(items: Vec<T>, key: impl Fn(&T) -> &Value) -> Res<Vec<T>> {
    let mut sorted: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        let (mut low, mut high) = (0, sorted.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let Some(other) = sorted.get(middle) else { break };
            if order(key(&item), key(other), "<")?.is_lt() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        sorted.insert(low, item);
    }
    Ok(sorted)
}
