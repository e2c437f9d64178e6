//! Parsers of setting values. Their errors say which values are accepted.

use std::time::Duration;

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a number with its unit, such as 500ms, 30s, 10m or 1h30m")?;
    // Beyond this, adding it to a clock could overflow.
    if duration > Duration::from_secs(366 * 86_400) {
        return Err("the maximum is one year".into());
    }
    Ok(duration)
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        zero if zero.is_zero() => Err("it must be longer than 0s".into()),
        duration => Ok(duration),
    }
}

/// What clap's `BoolishValueParser` takes, whose error names nothing that is right.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Ok(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Ok(false),
        _ => Err("write true or false".into()),
    }
}

/// A number that has no limit but its type.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse();
    number.map_err(|_| "write a whole number, such as 1000".into())
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    let number = text.parse();
    number.map_err(|_| "write a whole number, such as 1".into())
}

/// Maximum of all counts: more would exceed a machine's memory or a semaphore's permits.
const MOST: usize = 1_000_000;

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err("write a whole number from 1 to a million".into()),
    }
}

/// Parses the speed of a demo. At a lower speed, healthy starts would exceed the limits of the
/// health rules; at a higher one, a reader could not follow the events.
pub(super) fn demo_speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.5..=100.0).contains(&speed) => Ok(speed),
        _ => Err("write a number from 0.5 to 100".into()),
    }
}

pub(super) fn listen_address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("write host:port, [address]:port or :port, for example :21120".into()),
    }
}

/// First parts of paths that the server keeps for itself.
pub(super) const OWN_PATHS: [&str; 6] = ["-", "agents", "api", "assets", "probe", "probes"];

pub(super) fn telemetry_path(text: &str) -> Result<String, String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/-_.~".contains(it);
    if !text.starts_with('/') || !text.chars().all(plain) {
        return Err("write an absolute path of letters, digits and /-_.~".into());
    }
    let first = text.split('/').nth(1).unwrap_or_default();
    if OWN_PATHS.contains(&first) {
        return Err(format!(
            "{text} is among the exporter's own paths under /{first}; choose another, such as /metrics"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(positive_duration("0s").is_err());
        for wrong in ["30", "-5s", "soon", "", "500y"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_no_larger_than_anything_can_be_made_of() {
        assert_eq!(at_least_one("1"), Ok(1));
        assert_eq!(at_least_one("1000000"), Ok(1_000_000));
        for wrong in ["0", "-1", "many", "1000001", "18446744073709551615"] {
            assert!(at_least_one(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn speeds_are_such_that_a_story_can_be_followed() {
        assert_eq!(demo_speed("0.5"), Ok(0.5));
        assert_eq!(demo_speed("100"), Ok(100.0));
        for wrong in ["0", "0.49", "-1", "100.1", "inf", "NaN", "fast", ""] {
            assert!(demo_speed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_have_a_port() {
        for right in [":21120", "127.0.0.1:0", "[::1]:9100", "exporter.example:80"] {
            assert!(listen_address(right).is_ok(), "{right:?}");
        }
        for wrong in ["21120", "localhost", ":", "localhost:http", ":70000"] {
            assert!(listen_address(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn telemetry_path_is_plain_and_its_own() {
        assert!(telemetry_path("/metrics").is_ok());
        for own in [
            "/probes",
            "/agents",
            "/agents/x",
            "/api/v1/fleet",
            "/assets/",
            "/-/ready",
        ] {
            let problem = telemetry_path(own).unwrap_err();
            assert!(problem.starts_with(own), "{own}: {problem}");
        }
        for free in ["/", "/probes2", "/m/probes", "/metrics/api"] {
            assert!(telemetry_path(free).is_ok(), "{free}");
        }
        for wrong in ["metrics", "/-/ready", "/{id}", "/a b", ""] {
            assert!(telemetry_path(wrong).is_err(), "{wrong:?}");
        }
    }
}
