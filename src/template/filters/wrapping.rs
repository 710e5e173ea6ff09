//! `wordwrap`, as Python's `textwrap` does it line by line.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::methods::text::lines;
use crate::template::val::Val;

pub(super) fn wordwrap(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [width, break_long, separator, hyphens] =
        args.bind("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let width = usize::try_from(width.map_or(Ok(79), |width| ctx.int(&width))?).unwrap_or(0);
    if width == 0 {
        return bail("the width must be greater than 0");
    }
    let break_long = break_long.map_or(Ok(true), |flag| ctx.truth(&flag))?;
    let hyphens = hyphens.map_or(Ok(true), |flag| ctx.truth(&flag))?;
    let separator = match separator.filter(|separator| !separator.is_none()) {
        Some(separator) => ctx.text(&separator)?,
        None => "\n".into(),
    };
    let text = ctx.text(&value)?;
    let wrapped: Vec<String> = lines(&text, false)
        .into_iter()
        .map(|line| wrap(&chunks(line, hyphens), width, break_long).join(&separator))
        .collect();
    Ok(Val::from(wrapped.join(&separator)))
}

/// Words, parts of words up to a hyphen, and the blanks between.
fn chunks(line: &str, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let characters: Vec<char> = line.chars().collect();
    let mut current = String::new();
    for (index, c) in characters.iter().enumerate() {
        let was_blank = current.ends_with(char::is_whitespace);
        if !current.is_empty() && was_blank != c.is_whitespace() {
            chunks.push(std::mem::take(&mut current));
        }
        current.push(*c);
        let letter =
            |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| c.is_alphabetic());
        if hyphens && *c == '-' && letter(index.checked_sub(1)) && letter(Some(index + 1)) {
            chunks.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        chunks.push(current);
    }
    chunks
}

fn wrap(chunks: &[String], width: usize, break_long: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    let finish = |line: &mut String, length: &mut usize, lines: &mut Vec<String>| {
        let kept = line.trim_end();
        if !kept.is_empty() {
            lines.push(kept.to_owned());
        }
        line.clear();
        *length = 0;
    };
    for chunk in chunks {
        let size = chunk.chars().count();
        if length + size > width {
            if size > width && break_long && !chunk.trim().is_empty() {
                let mut rest: Vec<char> = chunk.chars().collect();
                while length + rest.len() > width {
                    let head = rest.len().min((width - length).max(usize::from(length == 0)));
                    let tail = rest.split_off(head);
                    line.extend(rest);
                    rest = tail;
                    finish(&mut line, &mut length, &mut lines);
                }
                length = rest.len();
                line.extend(rest);
                continue;
            }
            finish(&mut line, &mut length, &mut lines);
        }
        if line.is_empty() && chunk.trim().is_empty() && !lines.is_empty() {
            continue;
        }
        line.push_str(chunk);
        length += size;
    }
    finish(&mut line, &mut length, &mut lines);
    lines
}
