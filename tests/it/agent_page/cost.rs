//! What a page costs the database.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::harness::statements::{logging_coder, statements};
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::collection::Collector;

use super::*;

#[tokio::test]
async fn many_readers_of_one_page_share_one_transaction_of_constant_size() {
    let coder = logging_coder().await;
    let stuck = agent("main")
        .lifecycle("created")
        .null("started_at")
        .null("ready_at")
        .ago("first_connected_at", 600.0);
    let mut it = workspace("box");
    for number in 1..30 {
        it = it.build(start(number).agent(agent("main").sub(agent("dev"))));
    }
    let it = it.build(start(30).agent(stuck.clone()));
    coder.add(it).await;
    let exporter = coder.exporter().await;
    let before = statements(&coder).len();
    let path = format!("/agents/{}", stuck.id);
    let pages = join_all((0..30).map(|_| page(&exporter, &path))).await;
    assert!(pages.iter().all(|it| it == &pages[0]));
    let rows = part(&pages[0], "builds").matches("<tr").count();
    assert_eq!(rows, 1 + 10, "a head, and ten builds");
    let asked = statements(&coder).split_off(before);
    let of = |word: &str| {
        let said = asked.iter().filter(|it| it.contains(word));
        said.count()
    };
    // Its problem may be that of an incident, so the fleet is asked as well, by all of them at once.
    // One more of each where this machine takes longer than an answer is good for.
    let (pages, fleets) = (of(": SAVEPOINT builds"), of(": SAVEPOINT replicas"));
    assert!((1..=2).contains(&pages), "{asked:#?}");
    assert!((1..=2).contains(&fleets), "{asked:#?}");
    assert_eq!(of("BEGIN ISOLATION"), pages + fleets, "{asked:#?}");
    // The agents have four, one for each statement that waits for another.
    let most = 6 * pages + (Collector::ALL.len() + 4) * fleets;
    let savepoints = of(": SAVEPOINT ");
    assert!(savepoints <= most, "{savepoints} of {most}: {asked:#?}");
}

#[tokio::test]
async fn page_has_no_more_than_one_connection_and_a_scrape_finds_another() {
    let coder = Coder::new().await;
    let ids: Vec<_> = (0..4).map(|number| agent(&format!("a{number}"))).collect();
    for main in &ids {
        coder
            .add(
                workspace("box")
                    .owner(&main.id.to_string())
                    .agent(main.clone()),
            )
            .await;
    }
    // Read by no collector of this exporter.
    coder.slow("provisioner_jobs", 1.0).await;
    let exporter = coder
        .exporter_with(|it| {
            let is_wanted = |it: &Collector| *it == Collector::Agents;
            it.collect.collectors.retain(is_wanted);
            it.web.collect_timeout = Duration::from_secs(20);
        })
        .await;
    let pages = ids.iter().map(|it| {
        let path = format!("/agents/{}", it.id);
        let exporter = &exporter;
        async move { page(exporter, &path).await }
    });
    let scrape = async {
        eventually("a page is asked for", async || coder.is_waited_for().await).await;
        let started = Instant::now();
        let page = exporter.scrape().await;
        assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
        assert!(started.elapsed() < LATE_ON_A_BUSY_MACHINE);
        assert!(coder.sessions("%").await <= 2);
    };
    tokio::join!(join_all(pages), scrape);
}
