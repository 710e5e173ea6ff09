//! Filters on dates.

use crate::base::{MomentForm, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::Res;
use crate::template::moment;
use crate::template::val::Val;

/// The value is the format, the argument the seconds since the epoch.
pub(super) fn strftime(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [second, utc] = args.bind("strftime", ["second", "utc"])?;
    let at = moment::of_seconds(ctx, &second.unwrap_or(Val::NONE))?;
    let utc = utc.map_or(Ok(false), |utc| ctx.truth(&utc))?;
    let mut moment = moment::shown(ctx, at, utc)?;
    let ahead = if utc { 0 } else { ctx.run.lookups.ahead_of_utc(at) };
    moment.form = MomentForm::Offset(ahead);
    // as Python's `gmtime`
    let format = match &*ctx.text(&value)? {
        format if utc => format.replace("%%", "\0").replace("%Z", "GMT").replace('\0', "%%"),
        format => format.to_owned(),
    };
    moment::formatted(moment, &format).map(Val::from)
}

pub(super) fn to_datetime(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [format] = args.bind("to_datetime", ["format"])?;
    let format = format.map_or(Ok("%Y-%m-%d %H:%M:%S".into()), |format| ctx.text(&format))?;
    moment::parse(&ctx.text(&value)?, &format).map(|at| Val::Data(Value::Moment(at)))
}
