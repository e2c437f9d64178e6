//! The shipped rules and routes on a real Prometheus and a real Alertmanager: a fleet breaks,
//! and exactly the right messages arrive, and end.
//!
//! Everything is thirty times faster than in earnest (see [`time`]): the fleet, the scrapes, the
//! rules, the routes.

mod deployment;
mod examples;
mod story;
mod time;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::harness::alertmanager::Pager;

/// So many times faster than in earnest.
const HURRY: u64 = 30;

/// As long as this takes in a minute of earnest.
fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count) / u32::try_from(HURRY).unwrap()
}

/// An alert as far as it matters to whoever gets it: receiver, name, severity, and what it is
/// about (template, family of an incident, or nothing).
type Told = (String, String, String, String);

fn told(receiver: &str, name: &str, severity: &str, about: &str) -> Told {
    (
        receiver.to_owned(),
        name.to_owned(),
        severity.to_owned(),
        about.to_owned(),
    )
}

/// What the receivers believe to be firing, by the last they heard of each alert.
fn believed(pager: &Pager) -> BTreeSet<Told> {
    let mut believed = BTreeSet::new();
    for notification in pager.notifications() {
        for (labels, fires) in notification.alerts {
            let label = |name: &str| labels.get(name).map(String::as_str).unwrap_or_default();
            let about = match label("template_name") {
                "" => label("family"),
                template => template,
            };
            let receiver = &notification.receiver;
            let told = told(receiver, label("alertname"), label("severity"), about);
            match fires {
                true => believed.insert(told),
                false => believed.remove(&told),
            };
        }
    }
    believed
}

/// Waits until the receivers believe exactly this; fails when they do not `within` that time,
/// or do not go on believing it for a minute of earnest.
async fn settles(what: &str, pager: &Pager, within: Duration, expected: &[Told]) {
    let expected: BTreeSet<_> = expected.iter().cloned().collect();
    let deadline = Instant::now() + within;
    loop {
        if believed(pager) == expected {
            tokio::time::sleep(minutes(1)).await;
            if believed(pager) == expected {
                return;
            }
        }
        let now = believed(pager);
        assert!(
            Instant::now() < deadline,
            "{what}: expected {expected:#?}, told {now:#?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
