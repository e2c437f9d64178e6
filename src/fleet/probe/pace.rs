//! How many workspaces a round probes, and how many of all that covers (`docs/spec/probe.md`).

use std::time::Duration;

/// Minimum size of a round without `--probe.sample`, so that each round covers a small fleet
/// completely.
const LEAST_SAMPLE: usize = 20;

/// Maximum size of a round without `--probe.sample`.
const MOST_SAMPLE: usize = 200;

/// `--probe.interval`, `--probe.sample` and `--probe.horizon`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Time between the starts of two rounds.
    pub interval: Duration,
    /// Maximum number of workspaces in a round; `None` for as many as the horizon needs.
    pub sample: Option<usize>,
    /// How long the result of a dial counts in the gauges.
    pub horizon: Duration,
}

impl Pace {
    /// Size of a round for this number of workspaces in scope: enough to probe each one within the
    /// horizon, at least 20 and at most 200, unless it is set.
    pub fn sample_of(&self, in_scope: usize) -> usize {
        let needed = (in_scope as f64 / self.rounds()).ceil() as usize;
        let following = needed.clamp(LEAST_SAMPLE, MOST_SAMPLE);
        self.sample.unwrap_or(following)
    }

    /// The greatest share of this number of workspaces in scope that rounds of this size can probe
    /// within the horizon, at most 1. `None` when there is none.
    pub fn coverage_limit(&self, in_scope: usize) -> Option<f64> {
        let probes = self.sample_of(in_scope) as f64 * self.rounds();
        (in_scope > 0).then(|| (probes / in_scope as f64).min(1.0))
    }

    /// Rounds within the horizon: one at least.
    fn rounds(&self) -> f64 {
        (self.horizon.as_secs_f64() / self.interval.as_secs_f64()).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(interval_seconds: u64, sample: Option<usize>) -> Pace {
        Pace {
            interval: Duration::from_secs(interval_seconds),
            sample,
            horizon: Duration::from_secs(15 * 60),
        }
    }

    #[test]
    fn default_sample_covers_three_thousand_and_then_a_share() {
        let default = pace(60, None);
        let limits = [0, 1, 3000, 4000].map(|it| default.coverage_limit(it));
        assert_eq!(limits, [None, Some(1.0), Some(1.0), Some(0.75)]);
    }

    #[test]
    fn set_sample_covers_what_it_can_in_the_rounds_of_a_horizon() {
        assert_eq!(pace(60, Some(20)).coverage_limit(1000), Some(0.3));
        assert_eq!(pace(300, Some(20)).coverage_limit(1000), Some(0.06));
        // A round that is rarer than the horizon is long.
        assert_eq!(pace(3600, Some(20)).coverage_limit(1000), Some(0.02));
    }
}
