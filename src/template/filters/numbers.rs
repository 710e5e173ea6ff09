//! Filters on numbers and sizes.

use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

pub(super) fn abs(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("abs")?;
    match ctx.force(&value)? {
        Value::Int(number) => Ok(Val::from(number.saturating_abs())),
        Value::Bool(value) => Ok(Val::from(i128::from(value))),
        Value::Float(number) => Ok(Val::from(number.abs())),
        _ => bail(format!("bad operand type for abs(): '{}'", value.type_name())),
    }
}

fn radix(text: &str, base: u32) -> Option<i128> {
    let text = text.trim().replace('_', "");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefixed =
        |prefix: &str| digits.get(..2).filter(|p| p.eq_ignore_ascii_case(prefix)).and(digits.get(2..));
    let (digits, base) = match base {
        16 => (prefixed("0x").unwrap_or(digits), 16),
        8 => (prefixed("0o").unwrap_or(digits), 8),
        2 => (prefixed("0b").unwrap_or(digits), 2),
        0 => match (prefixed("0x"), prefixed("0o"), prefixed("0b")) {
            (Some(digits), _, _) => (digits, 16),
            (_, Some(digits), _) => (digits, 8),
            (_, _, Some(digits)) => (digits, 2),
            _ => (digits, 10),
        },
        base => (digits, base),
    };
    let number = i128::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['-', '+']))?;
    Some(if negative { -number } else { number })
}

pub(super) fn int(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [default, base] = args.bind("int", ["default", "base"])?;
    let default = default.unwrap_or_else(|| Val::from(0));
    let base = base.map_or(Ok(10), |base| ctx.int(&base))?;
    let base = u32::try_from(base).ok().filter(|base| *base == 0 || (2..=36).contains(base));
    let Some(base) = base else { return bail("int() base must be >= 2 and <= 36, or 0") };
    Ok(match ctx.force(&value)? {
        Value::Int(number) => Val::from(number),
        Value::Bool(value) => Val::from(i128::from(value)),
        Value::Float(number) if number.is_finite() => Val::from(number as i128),
        Value::Str(text) => match radix(&text, base) {
            Some(number) => Val::from(number),
            None => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Val::from(number as i128),
                _ => default,
            },
        },
        _ => default,
    })
}

pub(super) fn float(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [default] = args.bind("float", ["default"])?;
    let default = default.unwrap_or_else(|| Val::from(0.0));
    Ok(match ctx.force(&value)? {
        Value::Float(number) => Val::from(number),
        Value::Int(number) => Val::from(number as f64),
        Value::Bool(value) => Val::from(f64::from(u8::from(value))),
        Value::Str(text) => text.trim().parse::<f64>().map_or(default, Val::from),
        _ => default,
    })
}

pub(super) fn round(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [precision, method] = args.bind("round", ["precision", "method"])?;
    let precision = precision.map_or(Ok(0), |precision| ctx.int(&precision))?.clamp(-300, 300) as i32;
    let method = method.map_or(Ok("common".into()), |method| ctx.text(&method))?;
    let forced = ctx.force(&value)?;
    let number = match &forced {
        Value::Int(number) if &*method == "common" => {
            let scale = 10_i128.checked_pow(u32::try_from(-precision).unwrap_or(0)).unwrap_or(i128::MAX);
            let (low, rest) = (number.div_euclid(scale), number.rem_euclid(scale));
            let up = rest > scale / 2 || (rest == scale / 2 && scale > 1 && scale % 2 == 0 && low % 2 != 0);
            return Ok(Val::from((low + i128::from(up)).saturating_mul(scale)));
        }
        Value::Int(number) => *number as f64,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Float(number) => *number,
        _ => return bail(format!("type {} doesn't define __round__ method", value.type_name())),
    };
    let scale = 10_f64.powi(precision);
    Ok(Val::from(match &*method {
        "common" if precision >= 0 => {
            format!("{number:.*}", usize::try_from(precision).unwrap_or(0)).parse().unwrap_or(number)
        }
        "common" => {
            let scale = 10_f64.powi(-precision);
            (number / scale).round_ties_even() * scale
        }
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        _ => return bail("method must be common, ceil or floor"),
    }))
}

pub(super) fn filesizeformat(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [binary] = args.bind("filesizeformat", ["binary"])?;
    let binary = binary.map_or(Ok(false), |binary| ctx.truth(&binary))?;
    let bytes = ctx.float(&value)?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if (bytes - 1.0).abs() < f64::EPSILON {
        return Ok(Val::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Val::from(format!("{} Bytes", bytes.trunc())));
    }
    let mut text = String::new();
    for (index, letter) in "kMGTPEZY".chars().enumerate() {
        let unit = base.powi(index as i32 + 2);
        let prefix = match (binary, letter) {
            (true, 'k') => "Ki".to_owned(),
            (true, letter) => format!("{letter}i"),
            (false, letter) => letter.to_string(),
        };
        text = format!("{:.1} {prefix}B", base * bytes / unit);
        if bytes < unit {
            break;
        }
    }
    Ok(Val::from(text))
}

/// A number; no text counts as one here.
fn real(ctx: &Ctx<'_>, value: &Val, name: &str) -> Res<f64> {
    match value {
        Val::Data(Value::Int(_) | Value::Float(_) | Value::Bool(_)) => ctx.float(value),
        other => bail(format!(
            "{name}() can only be used on numbers: must be real number, not {}",
            other.type_name()
        )),
    }
}

pub(super) fn log(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [base] = args.bind("log", ["base"])?;
    let number = real(ctx, &value, "log")?;
    if number <= 0.0 {
        return bail("log() can only be used on positive numbers: math domain error");
    }
    Ok(Val::from(match base {
        None => number.ln(),
        Some(base) => match ctx.float(&base)? {
            base if (base - 10.0).abs() < f64::EPSILON => number.log10(),
            base => number.ln() / base.ln(),
        },
    }))
}

pub(super) fn pow(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [power] = args.bind("pow", ["y"])?;
    Ok(Val::from(real(ctx, &value, "pow")?.powf(ctx.float(&required(power, "pow", "y")?)?)))
}

pub(super) fn root(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [base] = args.bind("root", ["base"])?;
    let base = base.map_or(Ok(2.0), |base| ctx.float(&base))?;
    let number = real(ctx, &value, "root")?;
    if number < 0.0 {
        return bail("root() can only be used on positive numbers: math domain error");
    }
    Ok(Val::from(if (base - 2.0).abs() < f64::EPSILON { number.sqrt() } else { number.powf(1.0 / base) }))
}

/// The units of sizes, the largest first.
const UNITS: [(char, i32); 8] =
    [('Y', 80), ('Z', 70), ('E', 60), ('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10)];

pub(super) fn human_readable(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [is_bits, unit] = args.bind("human_readable", ["isbits", "unit"])?;
    let is_bits = is_bits.map_or(Ok(false), |bits| ctx.truth(&bits))?;
    let unit = match unit {
        Some(unit) if !unit.is_none() => Some(ctx.text(&unit)?.to_uppercase()),
        _ => None,
    };
    let size = ctx.float(&value)?;
    let base = if is_bits { "bits" } else { "Bytes" };
    let found = UNITS.iter().find(|(letter, power)| match &unit {
        None => size >= 2_f64.powi(*power),
        Some(unit) => unit.starts_with(*letter),
    });
    Ok(Val::from(match found {
        Some((letter, power)) => {
            format!("{:.2} {letter}{}", size / 2_f64.powi(*power), base.get(..1).unwrap_or(""))
        }
        None => format!("{size:.2} {base}"),
    }))
}

pub(super) fn human_to_bytes(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [default_unit, is_bits] = args.bind("human_to_bytes", ["default_unit", "isbits"])?;
    let is_bits = is_bits.map_or(Ok(false), |bits| ctx.truth(&bits))?;
    let text = ctx.text(&value)?;
    let failed = || Fail::error(format!("human_to_bytes() can't interpret following string: {text}"));
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let number: f64 = digits.parse().map_err(|_| failed())?;
    let mut unit = unit.trim().to_owned();
    if !unit.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(failed());
    }
    if unit.is_empty()
        && let Some(default) = default_unit
        && !default.is_none()
    {
        unit = ctx.text(&default)?.to_string();
    }
    let class = if is_bits { "b" } else { "B" };
    let wrong = || {
        Fail::error(format!(
            "human_to_bytes() failed to convert {text} (unit = {unit}). The suffix must be one of Y, Z, E, P, T, G, M, K, B"
        ))
    };
    if unit.is_empty()
        || unit == class
        || matches!(unit.to_ascii_lowercase().as_str(), "bit" | "bits" | "byte" | "bytes")
    {
        return Ok(Val::from(number.round_ties_even() as i128));
    }
    let letter = unit.chars().next().map_or(' ', |c| c.to_ascii_uppercase());
    let Some((_, power)) = UNITS.iter().find(|(known, _)| *known == letter) else { return Err(wrong()) };
    let rest = unit.get(1..).unwrap_or("");
    if !rest.is_empty() && rest != class {
        return Err(wrong());
    }
    Ok(Val::from((number * 2_f64.powi(*power)).round_ties_even() as i128))
}
