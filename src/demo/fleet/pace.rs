//! How fast the story goes, and what may not go faster than the database's clock.

use std::time::Duration;

use super::rows::Time;

/// A tick of a story that goes no faster than life.
const LONGEST_TICK: Duration = Duration::from_secs(1);
/// Each tick is a transaction: more of them would be a load and show nothing more.
const SHORTEST_TICK: Duration = Duration::from_millis(200);

/// Seconds of the story in a second of the database's clock.
///
/// What people do, builds, start scripts and the ends of outages follow the story. Three things
/// follow the clock, whatever the speed, because they are judged by it:
///
/// - rows carry the transaction's `now()`, so none is ever dated in the future;
/// - heartbeats come every 15 s of the clock, so a healthy agent is never silent for the 30 s
///   that make it lost;
/// - what is broken stays so for at least as long as the rule takes to notice, and a while for
///   people to see it (`Pace::at_least`).
///
/// Two rules wait for longer than that (10 minutes for an agent that never connects, 30 for a
/// start script): at a high speed the cause has been mended by then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// The story goes as fast as life.
    pub const REAL: Self = Self(1.0);
    /// Slower, and an agent whose machine takes its time would be past its connection timeout.
    pub const SLOWEST: f64 = 0.5;
    /// Faster, and a tick would be longer than most things that happen.
    pub const FASTEST: f64 = 100.0;

    /// So many times as fast as life, within [`Pace::SLOWEST`] and [`Pace::FASTEST`].
    #[must_use]
    pub fn new(speed: f64) -> Self {
        Self(speed.clamp(Self::SLOWEST, Self::FASTEST))
    }

    /// How much of the story there is in a time by the clock, in whole seconds.
    #[must_use]
    pub fn story_of(self, elapsed: Duration) -> Time {
        // A float turned into an integer stops at its limits.
        (elapsed.as_secs_f64() * self.0) as Time
    }

    /// From one tick to the next, by the clock.
    #[must_use]
    pub fn tick(self) -> Duration {
        LONGEST_TICK
            .div_f64(self.0)
            .clamp(SHORTEST_TICK, LONGEST_TICK)
    }

    /// The story's seconds in so many seconds of the clock; at least one in at least one.
    pub(super) fn of_clock(self, seconds: Time) -> Time {
        ((seconds as f64 * self.0) as Time).max(seconds.min(1))
    }

    /// The clock's seconds in so many of the story.
    pub(super) fn by_clock(self, story_seconds: Time) -> Time {
        (story_seconds as f64 / self.0).round() as Time
    }

    /// As long as planned in the story, but no shorter than this by the clock.
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
