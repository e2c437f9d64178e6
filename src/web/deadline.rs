//! How long a scrape may take.

use std::time::Duration;

use axum::http::HeaderMap;

/// The header in which Prometheus says when it gives up.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// A scraper that gives up within this time could never be answered.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long a scrape with these headers may take: what the scraper says, less the time the
/// answer needs on its way (`offset`), or `default` when it says nothing sensible (SPEC 2).
pub(super) fn allowed_time(headers: &HeaderMap, offset: Duration, default: Duration) -> Duration {
    let header = headers.get(SCRAPE_TIMEOUT);
    let seconds = header.and_then(|it| it.to_str().ok()?.trim().parse::<f64>().ok());
    let stated = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match stated {
        // A day is longer than any scrape; beyond it, adding to a clock would overflow.
        Some(stated) if stated < Duration::from_secs(86_400) && !stated.is_zero() => {
            stated.saturating_sub(offset).max(SHORTEST)
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
