//! `rate_limit`: a bucket of tokens, one for each request.

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::web_file::RateLimit;

/// Counts requests of several clients together.
#[derive(Default)]
pub(crate) struct TokenBucket {
    state: Mutex<Option<Tokens>>,
}

struct Tokens {
    limit: RateLimit,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// Whether one more request is within `limit` at `now`. A limit that changed starts with a
    /// full bucket.
    pub(crate) fn allows(&self, limit: RateLimit, now: Instant) -> bool {
        if limit.interval.is_zero() {
            return true;
        }
        let most = f64::from(limit.burst);
        let full = || Tokens {
            limit,
            tokens: most,
            filled: now,
        };
        let mut state = self.state.lock();
        let state = match state.take() {
            Some(same) if same.limit == limit => state.insert(same),
            _ => state.insert(full()),
        };
        let passed = now.saturating_duration_since(state.filled);
        let gained = passed.as_secs_f64() / limit.interval.as_secs_f64();
        state.tokens = (state.tokens + gained).min(most);
        state.filled = now;
        if state.tokens < 1.0 {
            return false;
        }
        state.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn bucket_holds_its_burst_and_fills_again() {
        let rate_limit = TokenBucket::default();
        let interval = Duration::from_millis(500);
        let limit = RateLimit { interval, burst: 2 };
        let start = Instant::now();
        let allowed = |after| rate_limit.allows(limit, start + Duration::from_millis(after));
        let expected = [
            (0, true),
            (0, true),
            (0, false),
            (499, false),
            (500, true),
            (500, false),
        ];
        for (after, expected) in expected {
            assert_eq!(allowed(after), expected, "after {after} ms");
        }
        // However long no request came, the burst is the most.
        let late = [true, true, false].map(|expected| (expected, allowed(60_000)));
        assert!(
            late.iter().all(|(expected, allowed)| expected == allowed),
            "{late:?}"
        );
    }

    #[test]
    fn without_an_interval_there_is_no_limit() {
        let rate_limit = TokenBucket::default();
        let now = Instant::now();
        assert!((0..1000).all(|_| rate_limit.allows(RateLimit::default(), now)));
    }
}
