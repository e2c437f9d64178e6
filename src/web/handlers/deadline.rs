//! Timeout of a scrape.

use std::time::Duration;

use axum::http::HeaderMap;

/// Prometheus' request header with its scrape timeout.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Minimum timeout: a shorter one leaves no time for a response.
const SHORTEST: Duration = Duration::from_millis(100);

/// Maximum timeout. Prometheus marks a series stale after five minutes, so longer timeouts are not
/// useful. A client that sends a day must not keep a collection running that all others share.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The timeout of a scrape with these headers: the scraper's timeout, at most five minutes, minus
/// the time for the response (`offset`). It is `default` if the header is missing or invalid
/// (`docs/spec/collection.md`).
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
