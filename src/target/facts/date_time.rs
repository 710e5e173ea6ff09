//! Date, time and time zone, in Python's `strftime` words.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::base::Map;
use crate::map;

/// `date_time` of this moment in the machine's time zone.
pub(super) fn facts() -> Map {
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    map! {"date_time" => date_time(&Timestamp::now().to_zoned(zone))}
}

fn date_time(now: &Zoned) -> Map {
    let utc = now.with_time_zone(TimeZone::UTC);
    let micro = format!("{:06}", now.subsec_nanosecond() / 1000);
    let local = |format: &str| now.strftime(format).to_string();
    let epoch = now.timestamp().as_second().to_string();
    map! {
        "year" => local("%Y"),
        "month" => local("%m"),
        "weekday" => local("%A"),
        "weekday_number" => local("%w"),
        "weeknumber" => local("%W"),
        "day" => local("%d"),
        "hour" => local("%H"),
        "minute" => local("%M"),
        "second" => local("%S"),
        "epoch" => epoch.as_str(),
        "epoch_int" => epoch.as_str(),
        "date" => local("%Y-%m-%d"),
        "time" => local("%H:%M:%S"),
        "iso8601_micro" => format!("{}.{micro}Z", utc.strftime("%Y-%m-%dT%H:%M:%S")),
        "iso8601" => utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "iso8601_basic" => format!("{}{micro}", now.strftime("%Y%m%dT%H%M%S")),
        "iso8601_basic_short" => local("%Y%m%dT%H%M%S"),
        "tz" => local("%Z"),
        "tz_dst" => summer_name(now),
        "tz_offset" => local("%z"),
    }
}

/// Python's `time.tzname[1]`: the name of the zone's summer time, of whichever hemisphere; its only name where
/// the clock is not changed.
fn summer_name(now: &Zoned) -> String {
    let zone = now.time_zone();
    // as CPython finds it: now, cut to a whole number of years since the epoch, and half a year later
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let winter = now.timestamp().as_second() / YEAR * YEAR;
    let at = |second: i64| {
        let moment = Timestamp::from_second(second).unwrap_or_else(|_| now.timestamp());
        let info = zone.to_offset_info(moment);
        (info.offset().seconds(), info.abbreviation().to_owned())
    };
    let ((january, january_name), (july, july_name)) = (at(winter), at(winter + YEAR / 2));
    if january > july { january_name } else { july_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Map {
        date_time(&text.parse().unwrap())
    }

    fn text(facts: &Map, name: &str) -> String {
        facts.get(name).unwrap().to_text()
    }

    #[test]
    fn the_words_are_pythons() {
        let facts = at("2024-01-07T23:05:09.012345678+01:00[+01:00]");
        for (name, expected) in [
            ("year", "2024"),
            ("month", "01"),
            ("weekday", "Sunday"),
            ("weekday_number", "0"),
            ("weeknumber", "01"),
            ("hour", "23"),
            ("epoch", "1704665109"),
            ("epoch_int", "1704665109"),
            ("date", "2024-01-07"),
            ("time", "23:05:09"),
            ("iso8601", "2024-01-07T22:05:09Z"),
            ("iso8601_micro", "2024-01-07T22:05:09.012345Z"),
            ("iso8601_basic", "20240107T230509012345"),
            ("iso8601_basic_short", "20240107T230509"),
            ("tz_offset", "+0100"),
        ] {
            assert_eq!(text(&facts, name), expected, "{name}");
        }
        assert_eq!(facts.len(), 20);
    }

    #[test]
    fn summer_time_is_found_on_both_hemispheres() {
        let posix = |rule: &str| TimeZone::posix(rule).unwrap();
        let moment: Timestamp = "2024-01-15T00:00:00Z".parse().unwrap();
        let zones = [
            ("CET-1CEST,M3.5.0,M10.5.0/3", "CET", "CEST"),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "AEDT", "AEDT"),
            ("UTC0", "UTC", "UTC"),
        ];
        for (rule, now, summer) in zones {
            let facts = date_time(&moment.to_zoned(posix(rule)));
            assert_eq!(
                (text(&facts, "tz").as_str(), text(&facts, "tz_dst").as_str()),
                (now, summer),
                "{rule}"
            );
        }
    }
}
