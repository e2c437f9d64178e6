//! What large rows cost: memory of the real program, at rest, at worst and afterwards.
//!
//! Prints its figures; `cargo nextest run --test it hostile::sizes --no-capture` shows them. With
//! `EXPORTER_BINARY` they are those of another build, and with `SIZES_SECONDS` all attacks together
//! go on for that long.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::memory::kilobytes;
use super::*;

/// Of one, as a template author or a user can make them.
const ERROR_BYTES: usize = 4 << 20;
const VERSION_BYTES: usize = 1 << 20;
const APPS: usize = 100_000;

/// The exporter may take this much whatever the rows hold: half of the unit's limit of 512 MB. A test
/// is not optimized, and takes more than a release.
const MOST_KILOBYTES: u64 = 256 << 10;

async fn attacked() -> Coder {
    let coder = Coder::new().await;
    coder.add_many(1, 40, 1).await;
    coder
        .sql(&format!(
            "UPDATE provisioner_jobs SET error = repeat('x', {ERROR_BYTES});
             UPDATE workspace_agents
             SET version = 'v1.0.0+' || repeat('A', {VERSION_BYTES})
             WHERE id IN (SELECT id FROM workspace_agents ORDER BY id LIMIT 25);
             INSERT INTO workspace_apps (id, agent_id, slug, display_name, health)
             SELECT gen_random_uuid(), agent.id, 'many-' || number, 'app ' || number, 'healthy'
             FROM (SELECT id FROM workspace_agents ORDER BY id LIMIT 1) AS agent,
                  generate_series(1, {APPS}) AS number;"
        ))
        .await;
    coder
}

async fn agents(coder: &Coder) -> Vec<String> {
    let rows = coder.connect().await;
    let rows = rows.query("SELECT id::text FROM workspace_agents", &[]);
    let rows = rows.await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn length(address: SocketAddr, path: &str) -> usize {
    http::get(address, path, &[]).await.unwrap().bytes.len()
}

/// A program that reads this database, with this flag besides.
async fn program(coder: &Coder, flag: &str) -> Program {
    Program::serve(&[&format!("--postgres.url={}", coder.url()), flag]).await
}

/// What a program takes by now: at worst, and in words.
fn measured(what: &str, program: &Program, bytes: usize) -> (u64, String) {
    let [rest, peak] = ["VmRSS:", "VmHWM:"].map(|line| kilobytes(program, line));
    let figures = format!("{what}: {bytes} bytes in an answer; now {rest} kB, at worst {peak} kB");
    (peak, figures)
}

#[tokio::test]
async fn long_texts_and_many_apps_cost_no_more_than_short_ones() {
    let coder = attacked().await;
    let agents = agents(&coder).await;
    let resting = program(&coder, "--metrics.agent-series=none").await;
    let ready = http::get(resting.address, "/-/ready", &[]).await.unwrap();
    assert_eq!(ready.status, 200, "{}", ready.body);
    let (of_rest, figures) = measured("at rest", &resting, ready.bytes.len());
    println!("{figures}");
    // The role may open few connections.
    drop(resting);

    let errors = program(&coder, "--metrics.agent-series=none").await;
    let mut page = 0;
    for id in &agents {
        page = page.max(length(errors.address, &format!("/agents/{id}")).await);
    }
    let (of_errors, figures) = measured("errors of 4 MB, 40 pages", &errors, page);
    println!("{figures}");
    drop(errors);

    let versions = program(&coder, "--metrics.agent-series=all").await;
    let mut scrape = 0;
    for _ in 0..10 {
        scrape = scrape.max(length(versions.address, "/metrics").await);
    }
    let (of_versions, figures) = measured("versions of 1 MB, 10 scrapes", &versions, scrape);
    println!("{figures}");
    drop(versions);

    let apps = program(&coder, "--metrics.coderd-compat").await;
    let answer = http::get(apps.address, "/metrics", &[]).await.unwrap();
    let (of_apps, figures) = measured("100,000 apps of one agent", &apps, answer.bytes.len());
    println!("{figures}");

    assert!(page < 200_000, "{page}");
    assert!(scrape < 200_000, "{scrape}");
    let dropped = "coder_exporter_series_dropped{metric=\"coderd_agents_apps\"} ";
    let dropped = answer.body.lines().find_map(|it| it.strip_prefix(dropped));
    let dropped = dropped.unwrap_or_else(|| panic!("{}\n{}", answer.body, apps.log()));
    let dropped: usize = dropped.parse().unwrap();
    assert!((APPS - 100..=APPS).contains(&dropped), "{dropped}");
    for peak in [of_rest, of_errors, of_versions, of_apps] {
        assert!(peak < MOST_KILOBYTES, "{peak} kB");
    }
}

#[tokio::test]
async fn all_attacks_together_stay_within_memory() {
    let coder = attacked().await;
    let agents = agents(&coder).await;
    let url = format!("--postgres.url={}", coder.url());
    let flags = ["--metrics.coderd-compat", "--metrics.agent-series=all"];
    let program = Program::serve(&[&[url.as_str()], &flags[..]].concat()).await;
    let address = program.address;
    let seconds = std::env::var("SIZES_SECONDS").ok();
    let seconds = seconds.and_then(|it| it.parse().ok()).unwrap_or(5);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        let pages = agents.iter().map(|id| async move {
            let _ = http::get(address, &format!("/agents/{id}"), &[]).await;
        });
        let scrapes = (0..40).map(|_| async {
            let slow = [("X-Prometheus-Scrape-Timeout-Seconds", "300")];
            let _ = http::get(address, "/metrics", &slow).await;
        });
        let reloads = (0..20).map(|_| async {
            let _ = http::post(address, "/-/reload", &[]).await;
        });
        let api = (0..20).map(|_| async {
            let _ = http::get(address, "/api/v1/agents", &[]).await;
        });
        tokio::join!(
            join_all(pages),
            join_all(scrapes),
            join_all(reloads),
            join_all(api)
        );
        rounds += 1;
    }
    let page = length(address, "/metrics").await;
    let what = format!("all at once, {rounds} rounds");
    let (peak, figures) = measured(&what, &program, page);
    println!("{figures}");
    assert!(peak < 2 * MOST_KILOBYTES, "{peak} kB");
    assert_serves(address).await;
}
