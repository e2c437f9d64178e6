//! Timestamps with the resolution and range of Postgres.

use std::num::NonZeroU64;
use std::time::Duration;

/// Microseconds from the Unix epoch to Postgres' epoch, 2000-01-01.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Microseconds since the Unix epoch.
///
/// Binary `timestamptz` is a whole number of microseconds, so decoding does not round. Postgres'
/// `-infinity` and `infinity` are the two ends of the range. Arithmetic saturates there, so a row
/// with an absurd date is judged like any other.
///
/// `Option<Timestamp>` is as small as `Timestamp`, because an agent has six of them and there may
/// be a million agents. For that the two lowest values are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

/// Flips the sign bit, so that unsigned numbers have the order of the signed ones.
const SIGN: u64 = 1 << 63;

impl Timestamp {
    /// The earliest timestamp: Postgres' `-infinity`.
    pub const BEGINNING: Self = Self::from_unix_micros(i64::MIN);
    /// The latest timestamp: Postgres' `infinity`.
    pub const END: Self = Self::from_unix_micros(i64::MAX);

    /// The timestamp this many microseconds after the Unix epoch.
    pub const fn from_unix_micros(micros: i64) -> Self {
        match NonZeroU64::new(micros.cast_unsigned() ^ SIGN) {
            Some(ordered) => Self(ordered),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Converts a binary `timestamptz`: microseconds since 2000-01-01, with the infinities at the
    /// ends of the range.
    pub const fn from_postgres_micros(micros: i64) -> Self {
        match micros {
            i64::MIN => Self::BEGINNING,
            i64::MAX => Self::END,
            _ => Self::from_unix_micros(micros.saturating_add(POSTGRES_EPOCH_MICROS)),
        }
    }

    /// As a binary `timestamptz`: the inverse of [`from_postgres_micros`](Self::from_postgres_micros).
    pub const fn postgres_micros(self) -> i64 {
        match self.micros() {
            i64::MAX => i64::MAX,
            // The lowest two values are one.
            micros if micros <= i64::MIN + 1 => i64::MIN,
            micros => micros.saturating_sub(POSTGRES_EPOCH_MICROS),
        }
    }

    /// Microseconds since the Unix epoch.
    const fn micros(self) -> i64 {
        (self.0.get() ^ SIGN).cast_signed()
    }

    /// Seconds since the Unix epoch, the unit of Prometheus. The infinities stay infinite.
    pub fn as_unix_seconds(self) -> f64 {
        match self {
            Self::BEGINNING => f64::NEG_INFINITY,
            Self::END => f64::INFINITY,
            _ => self.micros() as f64 / 1e6,
        }
    }

    /// This timestamp plus `duration`.
    pub fn after(self, duration: Duration) -> Self {
        match self {
            Self::BEGINNING | Self::END => self,
            _ => Self::from_unix_micros(self.micros().saturating_add(whole_micros(duration))),
        }
    }

    /// Whether **more than** `duration` has passed since `earlier`. It is false for exactly
    /// `duration` and if `earlier` is in the future.
    pub fn is_past(self, earlier: Self, duration: Duration) -> bool {
        self.micros().saturating_sub(earlier.micros()) > whole_micros(duration)
    }

    /// Seconds from `earlier` to this timestamp; negative if `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.micros().saturating_sub(earlier.micros()) as f64 / 1e6
    }
}

fn whole_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_that_may_be_missing_takes_no_more_room() {
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
        let in_order = [i64::MIN, i64::MIN + 2, -1, 0, 1, i64::MAX - 1, i64::MAX];
        let moments = in_order.map(Timestamp::from_unix_micros);
        assert!(moments.is_sorted_by(|one, next| one < next));
        assert_eq!(
            moments[1..]
                .iter()
                .map(|it| it.micros())
                .collect::<Vec<_>>(),
            in_order[1..]
        );
    }

    #[test]
    fn postgres_epoch_is_the_first_of_january_2000() {
        let y2k = Timestamp::from_postgres_micros(0);
        assert_eq!(y2k.as_unix_seconds(), 946_684_800.0);
    }

    #[test]
    fn what_postgres_wrote_goes_back_as_it_was() {
        for micros in [i64::MIN, -1, 0, 1, 817_862_400_123_456, i64::MAX] {
            let back = Timestamp::from_postgres_micros(micros).postgres_micros();
            assert_eq!(back, micros);
        }
    }

    #[test]
    fn infinities_stay_infinite() {
        assert_eq!(
            Timestamp::from_postgres_micros(i64::MIN),
            Timestamp::BEGINNING
        );
        assert_eq!(Timestamp::from_postgres_micros(i64::MAX), Timestamp::END);
        assert_eq!(Timestamp::END.as_unix_seconds(), f64::INFINITY);
        let hour = Duration::from_secs(3600);
        assert_eq!(Timestamp::BEGINNING.after(hour), Timestamp::BEGINNING);
    }

    #[test]
    fn exactly_the_duration_has_not_passed_it() {
        let start = Timestamp::from_unix_micros(0);
        let limit = Duration::from_secs(30);
        assert!(!Timestamp::from_unix_micros(29_999_999).is_past(start, limit));
        assert!(!Timestamp::from_unix_micros(30_000_000).is_past(start, limit));
        assert!(Timestamp::from_unix_micros(30_000_001).is_past(start, limit));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let now = Timestamp::from_unix_micros(1_700_000_000_000_000);
        assert!(now.is_past(Timestamp::BEGINNING, Duration::from_secs(1)));
        assert!(!now.is_past(Timestamp::END, Duration::ZERO));
    }
}
