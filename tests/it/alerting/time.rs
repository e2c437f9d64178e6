//! Rules and routes as they are shipped, in a hurry: every duration in them is divided by the
//! same number, and nothing else is changed.

/// Settings whose values are durations.
const KEYS: [&str; 7] = [
    "interval",
    "for",
    "keep_firing_for",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolve_timeout",
];

/// The text with the durations of its settings, of its range selectors and offsets so many times
/// shorter.
pub(super) fn hurried(text: &str, times: u64) -> String {
    let lines = text.lines().map(|line| hurried_line(line, times) + "\n");
    lines.collect()
}

fn hurried_line(line: &str, times: u64) -> String {
    let (code, comment) = match line.find("  #") {
        Some(at) => line.split_at(at),
        None => (line, ""),
    };
    let setting = code.split_once(": ");
    let setting = setting.filter(|(key, _)| KEYS.contains(&key.trim_start_matches([' ', '-'])));
    let code = match setting {
        Some((key, value)) => format!("{key}: {}", shorter(value.trim(), times)),
        None => within_brackets(&after_offset(code, times), times),
    };
    code + comment
}

/// `[30m]` and `[30m:1m]`; what is no duration between brackets stays.
fn within_brackets(code: &str, times: u64) -> String {
    let mut parts = code.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('[');
        match part.split_once(']') {
            Some((inner, rest)) if inner.split(':').all(|it| micros(it).is_some()) => {
                let inner: Vec<_> = inner.split(':').map(|it| shorter(it, times)).collect();
                text.push_str(&format!("{}]{rest}", inner.join(":")));
            }
            _ => text.push_str(part),
        }
    }
    text
}

fn after_offset(code: &str, times: u64) -> String {
    let Some((before, after)) = code.split_once("offset ") else {
        return code.to_owned();
    };
    let end = after.find(|it: char| !it.is_ascii_alphanumeric());
    let (duration, rest) = after.split_at(end.unwrap_or(after.len()));
    format!("{before}offset {}{rest}", shorter(duration, times))
}

fn shorter(duration: &str, times: u64) -> String {
    let micros = micros(duration).unwrap_or_else(|| panic!("{duration} is no duration"));
    let millis = micros / 1000 / times;
    assert!(
        millis > 0 || micros == 0,
        "{duration} is too short to be in a hurry"
    );
    format!("{millis}ms")
}

fn micros(duration: &str) -> Option<u64> {
    let duration = humantime::parse_duration(duration).ok()?;
    u64::try_from(duration.as_micros()).ok()
}

#[test]
fn durations_are_shorter_and_nothing_else_is_changed() {
    let check = |line: &str, expected: &str| assert_eq!(hurried(line, 30), format!("{expected}\n"));
    check("    for: 10m  # minutes", "    for: 20000ms  # minutes");
    check("  keep_firing_for: 5m", "  keep_firing_for: 10000ms");
    check("  - group_wait: 30s", "  - group_wait: 1000ms");
    check("a[3m] > 0.5", "a[6000ms] > 0.5");
    check(
        "max_over_time(a[1h:1m])",
        "max_over_time(a[120000ms:2000ms])",
    );
    check("a offset 1m)", "a offset 2000ms)");
    check(
        "summary: Silent for 10m [sic].",
        "summary: Silent for 10m [sic].",
    );
    check("severity: [warning, info]", "severity: [warning, info]");
}
