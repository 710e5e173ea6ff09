//! Dates and moments, as Python's `date` and `datetime`: what YAML's timestamps are.

use std::cmp::Ordering;

use jiff::civil::{Date, DateTime, Time};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// A date, or a moment on a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What calendar and clock show; of a date, midnight.
    pub at: DateTime,
    /// What of it counts.
    pub form: MomentForm,
}

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentForm {
    /// A date.
    Date,
    /// A date and a time, of no time zone.
    Naive,
    /// A date and a time that is so many seconds ahead of UTC.
    Offset(i32),
}

impl Moment {
    /// A moment without a time zone, from microseconds since 1970. `None` beyond the years -9999 to 9999.
    pub fn naive(micros: i64) -> Option<Self> {
        let days = micros.div_euclid(86_400 * SECOND);
        let day = micros.rem_euclid(86_400 * SECOND);
        let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        let seconds = (day / SECOND) as i32;
        let fraction = (day % SECOND) as i32 * 1000;
        let hour = i8::try_from(seconds / 3600).ok()?;
        let minute = i8::try_from(seconds / 60 % 60).ok()?;
        let second = i8::try_from(seconds % 60).ok()?;
        Some(Self {
            at: date.to_datetime(Time::new(hour, minute, second, fraction).ok()?),
            form: MomentForm::Naive,
        })
    }

    /// What the clock shows, in microseconds since it showed the start of 1970.
    pub fn micros(self) -> i64 {
        let days =
            Date::constant(1970, 1, 1).until(self.at.date()).map_or(0, |span| i64::from(span.get_days()));
        let time = self.at.time();
        let seconds =
            i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        (days * 86_400 + seconds) * SECOND + i64::from(time.subsec_nanosecond()) / 1000
    }

    /// The same in UTC, in microseconds since 1970.
    pub fn instant(self) -> i64 {
        match self.form {
            MomentForm::Offset(ahead) => self.micros() - i64::from(ahead) * SECOND,
            MomentForm::Date | MomentForm::Naive => self.micros(),
        }
    }

    /// The order of two moments, where Python compares them.
    pub fn order(self, other: Self) -> Option<Ordering> {
        let comparable = match (self.form, other.form) {
            (MomentForm::Offset(_), MomentForm::Offset(_)) => true,
            (one, another) => one == another,
        };
        comparable.then(|| self.instant().cmp(&other.instant()))
    }

    /// Whether it has a time besides the date.
    pub fn has_time(self) -> bool {
        self.form != MomentForm::Date
    }

    /// Python's name of its type.
    pub fn type_name(self) -> &'static str {
        if self.has_time() { "datetime" } else { "date" }
    }

    /// As `str()`: `2024-01-02`, `2024-01-02 03:04:05.600000+01:00`.
    pub fn to_text(self) -> String {
        self.text_with(' ')
    }

    /// As `isoformat()`, which is what JSON has of it.
    pub fn to_iso(self) -> String {
        self.text_with('T')
    }

    /// The text, with what stands between date and time.
    pub fn text_with(self, between: char) -> String {
        let date = self.at.date();
        let day = format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
        let ahead = match self.form {
            MomentForm::Date => return day,
            MomentForm::Naive => None,
            MomentForm::Offset(ahead) => Some(ahead),
        };
        let time = self.at.time();
        let clock = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
        let fraction = match time.subsec_nanosecond() / 1000 {
            0 => String::new(),
            micros => format!(".{micros:06}"),
        };
        format!("{day}{between}{clock}{fraction}{}", ahead.map(offset_text).unwrap_or_default())
    }

    /// As `repr()`.
    pub fn to_repr(self) -> String {
        let date = self.at.date();
        let day = format!("{}, {}, {}", date.year(), date.month(), date.day());
        if !self.has_time() {
            return format!("datetime.date({day})");
        }
        let time = self.at.time();
        let mut parts = format!("{day}, {}, {}", time.hour(), time.minute());
        let micros = time.subsec_nanosecond() / 1000;
        if time.second() != 0 || micros != 0 {
            parts += &format!(", {}", time.second());
        }
        if micros != 0 {
            parts += &format!(", {micros}");
        }
        match self.form {
            MomentForm::Offset(0) => parts += ", tzinfo=datetime.timezone.utc",
            MomentForm::Offset(ahead) => {
                let (days, seconds) = (ahead.div_euclid(86_400), ahead.rem_euclid(86_400));
                let days = if days == 0 { String::new() } else { format!("days={days}, ") };
                parts += &format!(", tzinfo=datetime.timezone(datetime.timedelta({days}seconds={seconds}))");
            }
            MomentForm::Date | MomentForm::Naive => {}
        }
        format!("datetime.datetime({parts})")
    }
}

/// As Python writes an offset: `+05:30`, with seconds where there are some.
pub fn offset_text(ahead: i32) -> String {
    let (sign, span) = (if ahead < 0 { '-' } else { '+' }, ahead.abs());
    let seconds = match span % 60 {
        0 => String::new(),
        seconds => format!(":{seconds:02}"),
    };
    format!("{sign}{:02}:{:02}{seconds}", span / 3600, span / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_pythons() {
        let naive = Moment::naive(1_704_164_645_000_000).unwrap();
        assert_eq!(naive.to_text(), "2024-01-02 03:04:05");
        assert_eq!(naive.to_iso(), "2024-01-02T03:04:05");
        assert_eq!(naive.to_repr(), "datetime.datetime(2024, 1, 2, 3, 4, 5)");
        assert_eq!(naive.micros(), 1_704_164_645_000_000);
        let aware = Moment { form: MomentForm::Offset(-18_000), ..naive };
        assert_eq!(aware.to_text(), "2024-01-02 03:04:05-05:00");
        assert_eq!(
            aware.to_repr(),
            "datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))"
        );
        assert_eq!(aware.order(naive), None);
        let date = Moment { form: MomentForm::Date, ..Moment::naive(0).unwrap() };
        assert_eq!(date.to_text(), "1970-01-01");
        assert_eq!(date.to_repr(), "datetime.date(1970, 1, 1)");
        assert_eq!(Moment::naive(-1).unwrap().to_text(), "1969-12-31 23:59:59.999999");
        assert_eq!(Moment::naive(-1).unwrap().micros(), -1);
    }
}
