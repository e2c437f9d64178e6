//! The network between exporter and database: slow, silent, cut, reset, lying.

use std::time::{Duration, Instant};

use enum_map::EnumMap;

use crate::harness::Chance;
use crate::harness::exposition::Page;
use crate::harness::proxy::{Mischief, Proxy, Way};
use crate::harness::*;
use crate::outage::{assert_down, assert_up};

/// What a scraper of one second waits for.
const FLEET: [&str; 5] = [
    "coder_agents",
    "coder_agents_health",
    "coder_apps",
    "coder_workspaces",
    "coder_chat_bindings",
];

/// Of each collector whether it read what it wanted.
const SUCCESS: &str = "coder_exporter_collector_success";

const AGENTS: u32 = 300;

/// Long enough for hundreds of faults, short enough for who waits for the tests.
const BUDGET: Duration = Duration::from_secs(15);

async fn fleet_behind_a_proxy() -> (Coder, Proxy, Exporter) {
    let coder = Coder::new().await;
    coder.add_many(1, AGENTS, 2).await;
    let story = workspace("chatty").agent(agent("main").app("unhealthy"));
    let id = story.id;
    coder.add(story).await;
    coder.add_chat(id, &[]).await;
    let proxy = Proxy::to(&coder).await;
    let exporter = Exporter::start(&proxy.url(&coder), |_| {}).await;
    (coder, proxy, exporter)
}

/// Whatever is there is what a healthy page says: nothing of what was cut off is made up.
#[track_caller]
fn assert_nothing_made_up(page: &Page, healthy: &Page, case: &str) {
    for family in FLEET {
        let (found, whole) = (page.show(family), healthy.show(family));
        assert!(found.is_empty() || found == whole, "{case}: {found}");
    }
}

fn errors(page: &Page) -> f64 {
    page.value("coder_exporter_errors_total", &[])
}

/// Bytes of one collection each way, on a connection that is there.
async fn lengths(proxy: &Proxy, exporter: &Exporter) -> EnumMap<Way, u64> {
    exporter.scrape().await;
    proxy.set(Way::ToExporter, Mischief::None);
    exporter.scrape().await;
    EnumMap::from_fn(|way| proxy.carried(way))
}

#[tokio::test]
async fn connection_that_fails_at_any_byte_costs_that_collection_and_no_more() {
    let (_coder, proxy, exporter) = fleet_behind_a_proxy().await;
    let lengths = lengths(&proxy, &exporter).await;
    let healthy = exporter.scrape().await;
    let mut before = errors(&healthy);
    let mut chance = Chance::new(8);
    let (started, mut tried, mut felt) = (Instant::now(), 0, 0);
    while started.elapsed() < BUDGET && tried < 400 {
        let way = chance.pick(&[Way::ToServer, Way::ToExporter]);
        let after = chance.below(lengths[way] + 100);
        let mischief = match chance.below(10) {
            0 => Mischief::Swallow { after },
            1..5 => Mischief::Truncate { after },
            _ => Mischief::Reset { after },
        };
        let case = format!("{mischief:?} {way:?} of {lengths:?}, case {tried}");
        proxy.set(way, mischief);
        let page = exporter.scrape_within(1.0).await;
        proxy.set(way, Mischief::None);
        assert_nothing_made_up(&page, &healthy, &case);
        let is_whole = page.show(SUCCESS) == healthy.show(SUCCESS);
        assert_eq!(errors(&page) == before, is_whole, "{case}");
        let after = exporter.scrape().await;
        assert_up(&after, f64::from(AGENTS) + 1.0);
        assert_nothing_made_up(&after, &healthy, &case);
        before = errors(&after);
        tried += 1;
        felt += u32::from(!is_whole);
    }
    println!("{tried} connections cut, {felt} felt");
    assert!(felt > tried / 2, "only {felt} of {tried} faults were felt");
}

/// Without TLS a number on the wire may become another, and nobody can know. Everything else
/// holds.
#[tokio::test]
async fn bytes_that_lie_break_no_page_and_nothing_after_it() {
    let (_coder, proxy, exporter) = fleet_behind_a_proxy().await;
    let lengths = lengths(&proxy, &exporter).await;
    let mut chance = Chance::new(9);
    let (started, mut tried, mut felt) = (Instant::now(), 0, 0);
    let mut before = errors(&exporter.scrape().await);
    while started.elapsed() < BUDGET && tried < 200 {
        let way = chance.pick(&[Way::ToServer, Way::ToExporter]);
        let after = chance.below(lengths[way]);
        proxy.set(way, Mischief::Garble { after });
        let page = exporter.scrape_within(1.0).await;
        proxy.set(way, Mischief::None);
        felt += u32::from(errors(&page) > before);
        let after = exporter.scrape().await;
        assert_up(&after, f64::from(AGENTS) + 1.0);
        before = errors(&after);
        tried += 1;
    }
    println!("{tried} bytes changed, {felt} felt");
    assert!(felt > tried / 10, "only {felt} of {tried} faults were felt");
}

#[tokio::test]
async fn slow_network_is_waited_for_within_the_deadline_and_given_up_at_it() {
    let (_coder, proxy, exporter) = fleet_behind_a_proxy().await;
    assert_up(&exporter.scrape().await, f64::from(AGENTS) + 1.0);
    for way in [Way::ToServer, Way::ToExporter] {
        proxy.set(way, Mischief::Delay(Duration::from_millis(20)));
        assert_up(&exporter.scrape().await, f64::from(AGENTS) + 1.0);
        proxy.set(way, Mischief::Delay(Duration::from_secs(5)));
        assert_down(&exporter.scrape_within(1.0).await, "timeout");
        proxy.set(way, Mischief::None);
        assert_up(&exporter.scrape().await, f64::from(AGENTS) + 1.0);
    }
}

#[tokio::test]
async fn handshake_that_fails_at_any_byte_is_tried_again_with_the_next_scrape() {
    let (coder, proxy, _) = fleet_behind_a_proxy().await;
    for after in (0..400).step_by(20) {
        for mischief in [Mischief::Truncate { after }, Mischief::Reset { after }] {
            let exporter = Exporter::start(&proxy.url(&coder), |_| {}).await;
            proxy.set(Way::ToExporter, mischief);
            assert_down(&exporter.scrape_within(1.5).await, "connect");
            proxy.set(Way::ToExporter, Mischief::None);
            assert_up(&exporter.scrape().await, f64::from(AGENTS) + 1.0);
        }
    }
}
