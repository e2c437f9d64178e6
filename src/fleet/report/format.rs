//! Times and durations in the format for people: the same in commands, pages and API.

use std::time::{Duration, UNIX_EPOCH};

use crate::fleet::model::time::Timestamp;

/// RFC 3339 in whole seconds, UTC. Dates outside its range have a name, such as `infinity`.
pub fn moment(at: Timestamp) -> String {
    let seconds = at.as_unix_seconds();
    if seconds == f64::INFINITY {
        return "infinity".into();
    }
    if seconds == f64::NEG_INFINITY {
        return "-infinity".into();
    }
    // What humantime can write: years 1970 to 9999.
    if !(0.0..253_402_300_800.0).contains(&seconds) {
        return format!("{seconds} s since 1970");
    }
    let time = UNIX_EPOCH + Duration::from_secs_f64(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The two largest units: `3d 4h`, `2m 5s`, `0s`.
pub fn age(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "for ever".into();
    }
    let whole = seconds.max(0.0) as u64;
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = whole;
    let mut parts = Vec::new();
    for (name, length) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 || !parts.is_empty() || length == 1 {
            parts.push(format!("{count}{name}"));
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_ages_are_short() {
        let at = |seconds: i64| Timestamp::from_unix_micros(seconds * 1_000_000);
        assert_eq!(moment(at(1_735_689_600)), "2025-01-01T00:00:00Z");
        assert_eq!(moment(Timestamp::END), "infinity");
        assert_eq!(moment(at(-1)), "-1 s since 1970");
        for (seconds, expected) in [
            (0.4, "0s"),
            (59.9, "59s"),
            (60.0, "1m 0s"),
            (3_725.0, "1h 2m"),
            (273_600.0, "3d 4h"),
            (-5.0, "0s"),
            (f64::INFINITY, "for ever"),
        ] {
            assert_eq!(age(seconds), expected);
        }
    }
}
