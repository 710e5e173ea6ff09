//! `comment`: a text as a comment of some language.

use std::sync::Arc;

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::val::Val;

pub(super) fn comment(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [style, decoration, beginning, end, newline, prefix, prefix_count, postfix, postfix_count] = args
        .bind(
            "comment",
            [
                "style",
                "decoration",
                "beginning",
                "end",
                "newline",
                "prefix",
                "prefix_count",
                "postfix",
                "postfix_count",
            ],
        )?;
    let style = style.map_or(Ok(Arc::from("plain")), |style| ctx.text(&style))?;
    let (first, decorated, last) = match &*style {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => return bail(format!("invalid style '{other}'")),
    };
    let text =
        |value: Option<Val>, default: &str| value.map_or(Ok(Arc::from(default)), |value| ctx.text(&value));
    let count = |value: Option<Val>| {
        Ok::<_, crate::template::fail::Fail>(
            usize::try_from(value.map_or(Ok(1), |value| ctx.int(&value))?).unwrap_or(0).min(1000),
        )
    };
    let decoration = text(decoration, decorated)?;
    let beginning = text(beginning, first)?;
    let end = text(end, last)?;
    let newline = text(newline, "\n")?;
    let prefix = text(prefix, decoration.trim_end())?;
    let postfix = text(postfix, decoration.trim_end())?;
    let (prefix_count, postfix_count) = (count(prefix_count)?, count(postfix_count)?);

    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    if prefix == newline {
        out.push_str(&newline.repeat(prefix_count));
    } else if !prefix.is_empty() {
        out.push_str(&format!("{prefix}{newline}").repeat(prefix_count));
    }
    let body = ctx.text(&value)?.replace(&*newline, &format!("{newline}{decoration}"));
    let body = format!("{decoration}{body}")
        .replace(&format!("{decoration}{newline}"), &format!("{}{newline}", decoration.trim_end()));
    out.push_str(&body);
    out.push_str(&format!("{newline}{postfix}").repeat(postfix_count));
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Val::from(out))
}
