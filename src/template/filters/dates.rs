//! Filters on dates.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::Res;
use crate::template::moment;
use crate::template::object::Object;
use crate::template::val::Val;

/// The value is the format, the argument the seconds since the epoch; in UTC.
pub(super) fn strftime(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [second, _utc] = args.bind("strftime", ["second", "utc"])?;
    let at = moment::of_seconds(ctx, &second.unwrap_or(Val::NONE))?;
    moment::formatted(at, &ctx.text(&value)?).map(Val::from)
}

pub(super) fn to_datetime(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [format] = args.bind("to_datetime", ["format"])?;
    let format = format.map_or(Ok("%Y-%m-%d %H:%M:%S".into()), |format| ctx.text(&format))?;
    moment::parse(&ctx.text(&value)?, &format).map(|at| Val::object(Object::Moment(at)))
}
