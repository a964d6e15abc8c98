//! Points in time, to the microsecond, in UTC.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time. In the table it is microseconds since 1970; in keys and in the API, text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn microseconds(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; 0 before it.
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0 / 1000).unwrap_or(0)
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How much later this is than `earlier`; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The second it lies in.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self(self.0.div_euclid(1_000_000) * 1_000_000)
    }

    /// Parses what the API's filters take: ISO 8601 with a zone, without one (UTC is meant), or a date alone.
    pub fn parse(text: &str) -> Option<Self> {
        use jiff::civil::{Date, DateTime};
        let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let civil =
                text.parse::<DateTime>().ok().or_else(|| Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)))?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })?;
        Some(Self(instant.as_microsecond()))
    }

    /// Text of fixed width that sorts as time does: `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
    pub fn sortable(self) -> String {
        format!("{:.6}", self.instant())
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

/// As the API writes it: `YYYY-MM-DDTHH:MM:SSZ`, the fraction cut off.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            jiff::Timestamp::from_second(self.0.div_euclid(1_000_000)).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{whole:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_sees_whole_seconds_and_keys_see_microseconds() {
        let time = Timestamp::parse("2026-10-01T08:02:11.999999Z").unwrap();
        assert_eq!(time.to_string(), "2026-10-01T08:02:11Z");
        assert_eq!(time.sortable(), "2026-10-01T08:02:11.999999Z");
        assert_eq!(
            Timestamp::from_microseconds(time.microseconds() + 1).sortable(),
            "2026-10-01T08:02:12.000000Z"
        );
    }

    #[test]
    fn there_is_no_time_since_what_is_to_come() {
        let (earlier, later) = (Timestamp::from_microseconds(-5), Timestamp::from_microseconds(7));
        assert_eq!((later.since(earlier), earlier.since(later)), (Duration::from_micros(12), Duration::ZERO));
        assert_eq!(earlier.since(Timestamp::from_microseconds(i64::MAX)), Duration::ZERO);
    }

    #[test]
    fn a_date_alone_is_its_midnight_in_utc() {
        let date = Timestamp::parse("2026-10-01").unwrap();
        assert_eq!(Timestamp::parse("2026-10-01T00:00:00"), Some(date));
        assert_eq!(Timestamp::parse("2026-10-01T02:00:00+02:00"), Some(date));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
