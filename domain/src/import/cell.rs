//! What a constant means in a column of some kind.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use serde_json::Value as Json;

use super::array;
use super::literal::Literal;

/// Seconds by which the clocks of the original's deployment are ahead: it pins Asia/Shanghai, and its times have no zone.
const AHEAD_SECS: i32 = 8 * 3600;

impl Literal {
    pub(super) fn text(&self) -> Result<String, &'static str> {
        match self {
            Self::Text(text) | Self::Number(text) => Ok(text.clone()),
            _ => Err("is no text"),
        }
    }

    pub(super) fn int(&self) -> Result<i64, &'static str> {
        let text = self.text().unwrap_or_default();
        text.trim().parse().map_err(|_| "is no whole number")
    }

    pub(super) fn bool(&self) -> Result<bool, &'static str> {
        if let Self::Bool(value) = self {
            return Ok(*value);
        }
        match &*self.text().unwrap_or_default().trim().to_lowercase() {
            "t" | "true" | "y" | "yes" | "on" | "1" => Ok(true),
            "f" | "false" | "n" | "no" | "off" | "0" => Ok(false),
            _ => Err("is neither true nor false"),
        }
    }

    pub(super) fn words(&self) -> Result<Vec<String>, &'static str> {
        match self {
            Self::List(items) => items.iter().map(Self::text).collect(),
            Self::Text(text) => array::parse(text),
            _ => Err("is no list"),
        }
    }

    pub(super) fn json(&self) -> Result<Json, &'static str> {
        let text = self.text().unwrap_or_default();
        serde_json::from_str(&text).map_err(|_| "is no JSON")
    }

    pub(super) fn time(&self) -> Result<DateTime<Utc>, &'static str> {
        time(self.text().unwrap_or_default().trim())
            .ok_or("is no time such as '2026-12-31 18:00:00' or '2026-12-31T10:00:00Z'")
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    // PostgreSQL leaves out the minutes of an offset.
    for format in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.to_utc());
        }
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let naive = naive.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))?;
    let zone = FixedOffset::east_opt(AHEAD_SECS)?;
    Some(zone.from_local_datetime(&naive).single()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_that_of_the_originals_clocks() {
        for (text, expected) in [
            ("2026-12-31 18:00:00", "2026-12-31T10:00:00+00:00"),
            ("2026-12-31 18:00:00.5", "2026-12-31T10:00:00.500+00:00"),
            ("2026-12-31", "2026-12-30T16:00:00+00:00"),
            ("2026-12-31 18:00:00+02", "2026-12-31T16:00:00+00:00"),
            ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00+00:00"),
        ] {
            assert_eq!(time(text).unwrap().to_rfc3339(), expected, "{text}");
        }
        assert_eq!(time("tomorrow"), None);
    }

    #[test]
    fn each_kind_takes_what_postgresql_takes() {
        let text = |text: &str| Literal::Text(text.to_owned());
        let number = |text: &str| Literal::Number(text.to_owned());
        assert_eq!(text("10020").int(), Ok(10020));
        assert_eq!(number("-3").int(), Ok(-3));
        assert!(number("1.5").int().is_err() && Literal::Bool(true).int().is_err());
        assert_eq!(text("f").bool(), Ok(false));
        assert!(text("maybe").bool().is_err() && Literal::Null.bool().is_err());
        let list = Literal::List(vec![text("a"), text("b")]);
        assert_eq!(list.words(), text("{a,b}").words());
        assert!(Literal::List(vec![Literal::Null]).words().is_err());
        assert!(text("{").json().is_err());
    }
}
