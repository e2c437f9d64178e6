//! The speed of the simulation, and the limits that follow from the database's clock.

use std::time::Duration;

use super::rows::Time;

/// Length of a tick at speed 1 or less.
const LONGEST_TICK: Duration = Duration::from_secs(1);
/// Minimum length of a tick. Each tick is a transaction; more of them would only add load.
const SHORTEST_TICK: Duration = Duration::from_millis(200);

/// Simulated seconds in one second of the database's clock.
///
/// User actions, builds, startup scripts and the ends of outages follow the simulated time. Three
/// things follow the real clock at every speed, because they are judged by it:
///
/// - Rows have the transaction's `now()`, so no row is dated in the future.
/// - Heartbeats come every 15 real seconds, so a healthy agent is never silent for the 30 s after
///   which it counts as lost.
/// - A failure lasts at least as long as its rule takes to notice, and a while for people to see it
///   (`Pace::at_least`).
///
/// Two rules wait longer than that (10 minutes for an agent that never connects, 30 for a startup
/// script). At a high speed their cause is repaired earlier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// One simulated second in each real second.
    pub const REAL: Self = Self(1.0);
    /// Minimum. At a lower speed an agent on a slow machine would exceed its connection timeout.
    pub const SLOWEST: f64 = 0.5;
    /// Maximum. At a higher speed a tick would be longer than most events.
    pub const FASTEST: f64 = 100.0;

    /// `speed` times real time, limited to [`Pace::SLOWEST`] and [`Pace::FASTEST`].
    #[must_use]
    pub fn new(speed: f64) -> Self {
        Self(speed.clamp(Self::SLOWEST, Self::FASTEST))
    }

    /// Simulated time in `elapsed` real time, in whole seconds.
    #[must_use]
    pub fn story_of(self, elapsed: Duration) -> Time {
        // A float turned into an integer stops at its limits.
        (elapsed.as_secs_f64() * self.0) as Time
    }

    /// Real time between two ticks.
    #[must_use]
    pub fn tick(self) -> Duration {
        LONGEST_TICK
            .div_f64(self.0)
            .clamp(SHORTEST_TICK, LONGEST_TICK)
    }

    /// Simulated seconds in these real seconds; at least 1 unless `seconds` is 0.
    pub(super) fn of_clock(self, seconds: Time) -> Time {
        ((seconds as f64 * self.0) as Time).max(seconds.min(1))
    }

    /// Real seconds in these simulated seconds.
    pub(super) fn by_clock(self, story_seconds: Time) -> Time {
        (story_seconds as f64 / self.0).round() as Time
    }

    /// The planned simulated time, extended to at least `clock_seconds` of real time.
    pub(super) fn at_least(self, clock_seconds: Time, planned: Time) -> Time {
        planned.max(self.of_clock(clock_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_frequent_as_the_story_needs_and_the_database_likes() {
        let tick = |speed| Pace::new(speed).tick().as_millis();
        assert_eq!(
            [0.5, 1.0, 2.0, 5.0, 100.0].map(tick),
            [1000, 1000, 500, 200, 200]
        );
    }

    #[test]
    fn story_follows_the_clock_at_its_speed() {
        let second = Duration::from_millis(1000);
        let story = |speed| Pace::new(speed).story_of(10 * second);
        assert_eq!(
            [0.5, 1.0, 20.0, 100.0, 1000.0].map(story),
            [5, 10, 200, 1000, 1000]
        );
    }

    #[test]
    fn what_is_judged_by_the_clock_lasts_as_long_by_it_at_any_speed() {
        assert_eq!(Pace::REAL.at_least(60, 100), 100);
        assert_eq!(Pace::new(20.0).at_least(60, 100), 1200);
        assert_eq!(Pace::new(20.0).of_clock(15), 300);
        assert_eq!(Pace::new(0.5).of_clock(15), 7);
        assert_eq!(Pace::new(0.5).of_clock(1), 1);
        assert_eq!(Pace::new(0.5).of_clock(0), 0);
    }
}
