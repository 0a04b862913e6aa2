//! A moment as a user writes it: a span before or after now, or a time in UTC.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Utc};

/// A moment, before now or after it as the option has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// So far from now.
    Away(TimeDelta),
    /// Then.
    At(DateTime<Utc>),
}

/// A text that is no moment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("write 30s, 10m, 2h or 1d, or a time like 2026-11-23T18:43:43 in UTC")]
pub(crate) struct NotWhen;

impl When {
    /// The moment; a span is before now.
    pub(crate) fn moment(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Away(span) => now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH),
            Self::At(moment) => moment,
        }
    }

    /// The moment; a span is after now.
    pub(crate) fn ahead(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            // People do not count parts of a second.
            Self::Away(span) => now
                .trunc_subsecs(0)
                .checked_add_signed(span)
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
            Self::At(moment) => moment,
        }
    }
}

impl FromStr for When {
    type Err = NotWhen;

    fn from_str(text: &str) -> Result<Self, NotWhen> {
        span(text)
            .map(Self::Away)
            .or_else(|| at(text).map(Self::At))
            .ok_or(NotWhen)
    }
}

fn span(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse::<u32>().ok()?.into();
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

/// With a zone, or without one as the stamps of a log are.
fn at(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim_matches(['[', ']']).replacen(' ', "T", 1);
    let zoned = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let plain = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN));
    let naive = plain.or(day.ok());
    zoned.ok().or(naive.map(|time| time.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_span_a_time_or_a_stamp_of_a_log() {
        let now: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
        let read = |text: &str| text.parse::<When>().unwrap().moment(now).to_rfc3339();
        assert_eq!(read("90s"), "2026-11-23T23:58:30+00:00");
        assert_eq!(read("10m"), "2026-11-23T23:50:00+00:00");
        assert_eq!(read("1d"), "2026-11-23T00:00:00+00:00");
        let week: When = "7d".parse().unwrap();
        assert_eq!(week.ahead(now).to_rfc3339(), "2026-12-01T00:00:00+00:00");
        assert_eq!(read("2026-11-23"), "2026-11-23T00:00:00+00:00");
        assert_eq!(read("2026-11-23 18:43"), "2026-11-23T18:43:00+00:00");
        assert_eq!(
            read("2026-11-23T18:43:43+02:00"),
            "2026-11-23T16:43:43+00:00"
        );
        assert_eq!(
            read("[2026-11-23 18:43:43.000005]"),
            "2026-11-23T18:43:43.000005+00:00"
        );
        assert_eq!(read("4294967295d"), "1970-01-01T00:00:00+00:00");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "m", "10", "-1m", "5 m", "yesterday", "2026-13-01", "1é"] {
            assert_eq!(text.parse::<When>(), Err(NotWhen), "{text}");
        }
    }
}
