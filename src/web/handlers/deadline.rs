//! How long a scrape may take.

use std::time::Duration;

use axum::http::HeaderMap;

/// The header in which Prometheus says when it gives up.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// A scraper that gives up within this time could never be answered.
const SHORTEST: Duration = Duration::from_millis(100);

/// Prometheus forgets a series after five minutes: no scraper asks less often, or waits longer.
/// A client that says a day must not keep one collection going that all others then share.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// How long a scrape with these headers may take: what the scraper says, five minutes at most,
/// less the time the answer needs on its way (`offset`), or `default` when it says nothing
/// sensible (`docs/spec/collection.md`).
pub(crate) fn allowed_time(headers: &HeaderMap, offset: Duration, default: Duration) -> Duration {
    let header = headers.get(SCRAPE_TIMEOUT);
    let seconds = header.and_then(|it| it.to_str().ok()?.trim().parse::<f64>().ok());
    let stated = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match stated {
        Some(stated) if !stated.is_zero() => {
            let within = stated.min(LONGEST);
            within.saturating_sub(offset).max(SHORTEST)
        }
        _ => default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, expected_millis: u64) {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(SCRAPE_TIMEOUT, value.parse().unwrap());
        }
        let offset = Duration::from_millis(500);
        let found = allowed_time(&headers, offset, Duration::from_secs(10));
        assert_eq!(found, Duration::from_millis(expected_millis), "{header:?}");
    }

    #[test]
    fn scrapers_word_counts_less_the_offset() {
        check(Some("5"), 4500);
        check(Some(" 1.5 "), 1000);
    }

    #[test]
    fn scraper_with_hardly_any_time_is_still_tried() {
        check(Some("0.2"), 100);
    }

    #[test]
    fn nobody_waits_longer_than_prometheus_remembers() {
        check(Some("300"), 299_500);
        check(Some("301"), 299_500);
        check(Some("86000"), 299_500);
        check(Some("1e9"), 299_500);
    }

    #[test]
    fn nonsense_falls_back_to_the_setting() {
        for header in [
            None,
            Some("0"),
            Some("-3"),
            Some("soon"),
            Some("NaN"),
            Some("inf"),
            Some("1e300"),
        ] {
            check(header, 10_000);
        }
    }
}
