//! Python's `%` and `str.format`.

use std::sync::Arc;

use super::access;
use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::val::Val;
use crate::base::{Key, Value};

/// How a number or text is laid out.
#[derive(Debug, Default)]
struct Layout {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

const MAX_WIDTH: usize = 1 << 16;

/// `pattern % values`
pub(super) fn percent(ctx: &Ctx<'_>, pattern: &str, values: &Val) -> Res<String> {
    let mut positional = match values {
        Val::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut used_names = values.is_dict();
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut name = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            name = Some(chars.by_ref().take_while(|c| *c != ')').collect::<String>());
            used_names = true;
        }
        let mut layout = Layout::default();
        while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => layout.align = Some('<'),
                '0' => layout.zero = true,
                '#' => layout.alternate = true,
                sign => layout.sign = Some(sign),
            }
        }
        let mut next =
            || positional.next().ok_or_else(|| Fail::error("not enough arguments for format string"));
        if chars.next_if_eq(&'*').is_some() {
            layout.width = usize::try_from(ctx.int(&next()?)?).unwrap_or(0);
        }
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            layout.width = layout.width.saturating_mul(10).saturating_add(digit as usize - '0' as usize);
        }
        if chars.next_if_eq(&'.').is_some() {
            let mut precision = 0_usize;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                precision = precision.saturating_mul(10).saturating_add(digit as usize - '0' as usize);
            }
            layout.precision = Some(precision);
        }
        while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
        let Some(kind) = chars.next() else { return bail("incomplete format") };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match &name {
            Some(name) => match access::entry(ctx, values, &Key::str(name))? {
                Some(value) => value,
                None => return bail(format!("the mapping has no key '{name}'")),
            },
            None => next()?,
        };
        if layout.zero && layout.align.is_none() {
            layout.fill = Some('0');
            layout.align = Some('=');
        }
        out.push_str(&percent_one(ctx, &value, kind, layout)?);
    }
    if positional.next().is_some() && !used_names {
        return bail("not all arguments converted during string formatting");
    }
    Ok(out)
}

fn percent_one(ctx: &Ctx<'_>, value: &Val, kind: char, mut layout: Layout) -> Res<String> {
    match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' { ctx.text(value)?.to_string() } else { ctx.force(value)?.to_repr() };
            let text = layout.precision.map_or(text.clone(), |limit| text.chars().take(limit).collect());
            layout.fill = None;
            layout.align = layout.align.filter(|align| *align == '<').or(Some('>'));
            pad(text, &layout)
        }
        'd' | 'i' | 'u' => match ctx.force(value)? {
            Value::Int(_) | Value::Bool(_) | Value::Float(_) => {
                layout.kind = Some('d');
                layout.precision = None;
                number(&Value::Int(ctx.int(value)?), layout)
            }
            _ => bail(format!("%{kind} format: a real number is required, not {}", value.type_name())),
        },
        'x' | 'X' | 'o' => {
            layout.kind = Some(kind);
            number(&Value::Int(ctx.int(value)?), layout)
        }
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
            layout.kind = Some(kind);
            number(&Value::Float(ctx.float(value)?), layout)
        }
        'c' => match ctx.force(value)? {
            Value::Int(code) => {
                let c = u32::try_from(code).ok().and_then(char::from_u32);
                c.map(String::from).ok_or_else(|| Fail::error("%c arg not in range(0x110000)"))
            }
            other => Ok(other.to_text()),
        },
        other => bail(format!("unsupported format character '{other}'")),
    }
}

/// `pattern.format(*args, **named)`
pub(super) fn braces(ctx: &Ctx<'_>, pattern: &str, args: &Args) -> Res<String> {
    let mut automatic = 0_usize;
    braces_inner(ctx, pattern, args, &mut automatic, Nesting::Outer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outer,
    Spec,
}

fn braces_inner(
    ctx: &Ctx<'_>,
    pattern: &str,
    args: &Args,
    automatic: &mut usize,
    nesting: Nesting,
) -> Res<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        if let Some(tail) = after.strip_prefix("{{") {
            out.push('{');
            rest = tail;
            continue;
        }
        if let Some(tail) = after.strip_prefix("}}") {
            out.push('}');
            rest = tail;
            continue;
        }
        let Some(inner) = after.strip_prefix('{') else {
            return bail("single '}' encountered in format string");
        };
        let mut depth = 1;
        let end = inner.char_indices().find_map(|(index, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(index)
        });
        let Some(end) = end else { return bail("expected '}' before end of string") };
        let (field, tail) = inner.split_at(end);
        rest = tail.get(1..).unwrap_or("");
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = field.split_once('!').unwrap_or((field, ""));
        let value = field_value(ctx, name, args, automatic)?;
        let spec = match nesting {
            Nesting::Outer if spec.contains('{') => braces_inner(ctx, spec, args, automatic, Nesting::Spec)?,
            _ => spec.to_owned(),
        };
        let value = match conversion {
            "" => value,
            "s" => Val::Data(Value::Str(ctx.text(&value)?)),
            "r" | "a" => Val::from(ctx.force(&value)?.to_repr()),
            other => return bail(format!("unknown conversion specifier '{other}'")),
        };
        out.push_str(&laid_out(ctx, &value, &spec)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn field_value(ctx: &Ctx<'_>, name: &str, args: &Args, automatic: &mut usize) -> Res<Val> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut path) = name.split_at(end);
    let found = if first.is_empty() {
        *automatic += 1;
        args.positional.get(*automatic - 1)
    } else if let Ok(index) = first.parse::<usize>() {
        args.positional.get(index)
    } else {
        args.named.iter().find(|(known, _)| &**known == first).map(|(_, value)| value)
    };
    let Some(found) = found else {
        return bail(match first.parse::<usize>() {
            Err(_) if !first.is_empty() => format!("the format has no value for '{first}'"),
            _ => "replacement index out of range for positional args tuple".to_owned(),
        });
    };
    let mut value = found.clone();
    while !path.is_empty() {
        if let Some(tail) = path.strip_prefix('[') {
            let (key, tail) =
                tail.split_once(']').ok_or_else(|| Fail::error("missing ']' in format string"))?;
            let key = key.parse::<i128>().map_or_else(|_| Val::text(key), Val::from);
            value = access::item(ctx, &value, &key)?;
            path = tail;
        } else {
            let tail = path.strip_prefix('.').unwrap_or(path);
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (attribute, tail) = tail.split_at(end);
            if value.is_dict() {
                return bail(format!("'dict' object has no attribute '{attribute}'"));
            }
            value = access::attribute(ctx, &value, &Arc::from(attribute))?;
            path = tail;
        }
    }
    Ok(value)
}

/// Python's `format(value, spec)`.
pub(super) fn laid_out(ctx: &Ctx<'_>, value: &Val, spec: &str) -> Res<String> {
    if spec.is_empty() {
        return ctx.text(value).map(|text| text.to_string());
    }
    let mut layout = parse(spec)?;
    let forced = ctx.force(value)?;
    match &forced {
        Value::Int(_) | Value::Bool(_) | Value::Float(_) if layout.kind != Some('s') => {
            if layout.zero && layout.align.is_none() {
                layout.fill = Some('0');
                layout.align = Some('=');
            }
            number(&forced, layout)
        }
        Value::Str(text) if layout.kind.is_none_or(|kind| kind == 's') => {
            let text: String = match layout.precision {
                Some(limit) => text.chars().take(limit).collect(),
                None => text.to_string(),
            };
            layout.align = layout.align.or(Some('<'));
            pad(text, &layout)
        }
        _ => bail(format!("unsupported format string '{spec}' for '{}'", value.type_name())),
    }
}

fn parse(spec: &str) -> Res<Layout> {
    let mut layout = Layout::default();
    let mut chars = spec.chars().peekable();
    let mut ahead = spec.chars();
    let (first, second) = (ahead.next(), ahead.next());
    if second.is_some_and(|c| "<>=^".contains(c)) {
        layout.fill = first;
        layout.align = second;
        chars.next();
        chars.next();
    } else if first.is_some_and(|c| "<>=^".contains(c)) {
        layout.align = chars.next();
    }
    layout.sign = chars.next_if(|c| "+- ".contains(*c));
    layout.alternate = chars.next_if_eq(&'#').is_some();
    layout.zero = chars.next_if_eq(&'0').is_some();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        layout.width = layout.width.saturating_mul(10).saturating_add(digit as usize - '0' as usize);
    }
    layout.grouping = chars.next_if(|c| ",_".contains(*c));
    if chars.next_if_eq(&'.').is_some() {
        let mut precision = 0_usize;
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            precision = precision.saturating_mul(10).saturating_add(digit as usize - '0' as usize);
        }
        layout.precision = Some(precision);
    }
    layout.kind = chars.next();
    if chars.next().is_some() { bail("invalid format specifier") } else { Ok(layout) }
}

fn number(value: &Value, layout: Layout) -> Res<String> {
    let integer = match value {
        Value::Int(number) => Some(*number),
        Value::Bool(value) => Some(i128::from(*value)),
        _ => None,
    };
    let float = match value {
        Value::Float(number) => *number,
        _ => integer.unwrap_or(0) as f64,
    };
    let magnitude = integer.map(i128::unsigned_abs);
    let precision = layout.precision.unwrap_or(6).min(MAX_WIDTH);
    let mut digits = match (layout.kind, magnitude) {
        (None | Some('d' | 'n'), Some(magnitude)) => magnitude.to_string(),
        (Some('x'), Some(magnitude)) => format!("{}{magnitude:x}", if layout.alternate { "0x" } else { "" }),
        (Some('X'), Some(magnitude)) => format!("{}{magnitude:X}", if layout.alternate { "0X" } else { "" }),
        (Some('o'), Some(magnitude)) => format!("{}{magnitude:o}", if layout.alternate { "0o" } else { "" }),
        (Some('b'), Some(magnitude)) => format!("{}{magnitude:b}", if layout.alternate { "0b" } else { "" }),
        (Some('c'), Some(code)) => {
            u32::try_from(code).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
        }
        (Some('f' | 'F'), _) => format!("{:.precision$}", float.abs()),
        (Some('%'), _) => format!("{:.precision$}%", float.abs() * 100.0),
        (Some(kind @ ('e' | 'E')), _) => exponent(float.abs(), precision, kind),
        (Some(kind @ ('g' | 'G')), _) => general(float.abs(), layout.precision.unwrap_or(6), kind),
        (None, None) => match layout.precision {
            Some(precision) => general(float.abs(), precision, 'g'),
            None => Value::Float(float.abs()).to_text(),
        },
        (Some(kind), _) => return bail(format!("unknown format code '{kind}' for a number")),
    };
    if let Some(separator) = layout.grouping {
        digits = grouped(&digits, separator);
    }
    let negative = integer.map_or(float.is_sign_negative() && !float.is_nan(), |number| number < 0);
    let sign = match (negative, layout.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    if layout.align == Some('=') {
        let missing = layout.width.min(MAX_WIDTH).saturating_sub(digits.chars().count() + sign.len());
        let fill = layout.fill.unwrap_or(' ').to_string().repeat(missing);
        return Ok(format!("{sign}{fill}{digits}"));
    }
    pad(format!("{sign}{digits}"), &Layout { align: layout.align.or(Some('>')), ..layout })
}

fn exponent(number: f64, precision: usize, kind: char) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}{kind}{sign}{digits:0>2}")
}

fn general(number: f64, precision: usize, kind: char) -> String {
    if !number.is_finite() {
        return Value::Float(number).to_text();
    }
    let precision = precision.clamp(1, MAX_WIDTH);
    let power = if number == 0.0 {
        0
    } else {
        let text = format!("{number:.*e}", precision - 1);
        text.split_once('e').and_then(|(_, power)| power.parse::<i64>().ok()).unwrap_or(0)
    };
    let trimmed = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    if power < -4 || power >= precision as i64 {
        let text = exponent(number, precision - 1, if kind == 'G' { 'E' } else { 'e' });
        let at = text.find(['e', 'E']).unwrap_or(text.len());
        let (mantissa, power) = text.split_at(at);
        format!("{}{power}", trimmed(mantissa.to_owned()))
    } else {
        let decimals = usize::try_from(precision as i64 - 1 - power).unwrap_or(0);
        trimmed(format!("{number:.decimals$}"))
    }
}

/// Digits in groups of three.
pub(super) fn grouped(digits: &str, separator: char) -> String {
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let mut out = String::new();
    for (index, c) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(separator);
        }
        out.push(c);
    }
    out + rest
}

fn pad(text: String, layout: &Layout) -> Res<String> {
    if layout.width > MAX_WIDTH {
        return bail("the width is too large");
    }
    let missing = layout.width.saturating_sub(text.chars().count());
    let fill = |count: usize| layout.fill.unwrap_or(' ').to_string().repeat(count);
    Ok(match layout.align {
        Some('<') => text + &fill(missing),
        Some('^') => fill(missing / 2) + &text + &fill(missing - missing / 2),
        _ => fill(missing) + &text,
    })
}
