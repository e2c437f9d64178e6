//! "Probe now": who may ask, and what comes of it.

use super::*;
use crate::harness::coderd::{Answer, TOKEN};
use crate::harness::http::{self, Response};
use crate::probe::Deployment;

const FROM_HERE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

async fn post(exporter: &Exporter, path: &str, headers: &[(&str, &str)]) -> Response {
    http::post(exporter.address, path, headers).await.unwrap()
}

#[tokio::test]
async fn page_that_asks_is_led_to_what_was_asked_and_answered() {
    let deployment = Deployment::new().await;
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let path = format!("/agents/{id}");
    let before = page(&exporter, &path).await;
    assert_says(&before, &["<form method=\"post\"", "Probe now"]);
    let answer = post(&exporter, &path, &[FROM_HERE]).await;
    let to = answer.header("location").unwrap();
    assert_eq!(
        (answer.status, to),
        (303, &*format!("{path}?probed=1#probed"))
    );
    let shown = page(&exporter, to.trim_end_matches("#probed")).await;
    assert_says(
        &text(part(&shown, "probe")),
        &[
            "Nothing to do: the agent answers.",
            "agent main answered",
            "Agent main in the database: last heartbeat",
            "dial agent main",
            "Time in dial",
        ],
    );
    // Asked for, it says nothing of the fleet.
    let scraped = exporter.scrape().await;
    let counted = scraped.value("coder_agent_probe_outcomes_total", &[]);
    assert_eq!(counted, 0.0);
    let forgotten = page(&exporter, &format!("{path}?probed=99")).await;
    assert_says(&forgotten, &["is no longer stored"]);
    let nonsense = page(&exporter, &format!("{path}?probed=x")).await;
    assert!(!nonsense.contains("id=\"probed\""));
}

#[tokio::test]
async fn failure_is_told_with_its_advice_and_remembered_for_its_workspace() {
    let deployment = Deployment::new().await;
    let failing = Answer::error(
        500,
        "Internal error dialing workspace agent. <b>No route</b>",
    );
    let id = deployment.add("box", agent("main"), failing).await;
    let other = deployment
        .add("other", agent("main"), Answer::ports())
        .await;
    let exporter = deployment.exporter(|_| {}).await;
    let answer = post(&exporter, &format!("/agents/{id}"), &[FROM_HERE]).await;
    assert_eq!(answer.status, 303);
    let shown = page(&exporter, &format!("/agents/{id}?probed=1")).await;
    assert!(!shown.contains("<b>") && !shown.contains(TOKEN), "{shown}");
    let probe = part(&shown, "probe");
    assert_says(
        &text(probe),
        &[
            "Check coderd's log",
            "agent of the latest build",
            "<b>No route</b>",
        ],
    );
    assert_says(probe, &["badge outcome-dial_error"]);
    let of_other = page(&exporter, &format!("/agents/{other}")).await;
    assert!(!of_other.contains("outcome-dial_error"), "{of_other}");
}

#[tokio::test]
async fn other_sites_cannot_have_anything_dialed() {
    let deployment = Deployment::new().await;
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let path = format!("/agents/{id}");
    for headers in [
        &[][..],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "http://127.0.0.1"),
        ],
        &[("Referer", "http://127.0.0.1/agents")],
    ] {
        let answer = post(&exporter, &path, headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert_says(&text(&answer.body), &["request came from another site"]);
    }
    // Nor does looking.
    page(&exporter, &path).await;
    let url = format!("http://{}{path}", exporter.address);
    assert_eq!(curl(&["--head", &url]).await.status, 200);
    assert_eq!(deployment.coderd.requests().len(), 0);
    // The host that is asked, by browsers that say no more.
    let answer = post(&exporter, &path, &[("Origin", "http://127.0.0.1")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(deployment.coderd.requests().len(), 1);
}

#[tokio::test]
async fn behind_a_proxy_the_external_url_is_where_pages_come_from() {
    let deployment = Deployment::new().await;
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let external = "https://ops.example/coder".parse().ok();
    let exporter = deployment
        .exporter(|it| it.web.links.external = external)
        .await;
    let path = format!("/agents/{id}");
    let theirs = [("Origin", "https://ops.example")];
    let answer = post(&exporter, &path, &theirs).await;
    let to = answer.header("location");
    let expected = format!("/coder{path}?probed=1#probed");
    assert_eq!((answer.status, to), (303, Some(&*expected)));
    let evil = [("Origin", "https://ops.example.evil.example")];
    assert_eq!(post(&exporter, &path, &evil).await.status, 403);
}

#[tokio::test]
async fn more_probes_than_places_are_429_with_a_way_back() {
    let deployment = Deployment::new().await;
    for name in ["slow", "slower"] {
        deployment.add(name, agent("main"), Answer::Never).await;
    }
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|it| it.probe.concurrency = 1).await;
    let mut slow = Vec::new();
    for name in ["slow", "slower"] {
        let path = format!("/probe?workspace=ada/{name}");
        slow.push(http::send(exporter.address, &path, &[]).await);
    }
    eventually("both are under way", async || {
        deployment.coderd.connections().0 == 2
    })
    .await;
    let path = format!("/agents/{id}");
    let answer = post(&exporter, &path, &[FROM_HERE]).await;
    assert_eq!(answer.status, 429);
    assert_says(&text(&answer.body), &["--probe.concurrency"]);
    assert_says(&answer.body, &[&format!("href=\"{path}\"")]);
    drop(slow);
}

#[tokio::test]
async fn without_a_dialer_there_is_no_button_and_nothing_is_dialed() {
    let coder = Coder::new().await;
    let main = agent("main");
    coder.add(workspace("box").agent(main.clone())).await;
    let exporter = coder.exporter().await;
    let path = format!("/agents/{}", main.id);
    let shown = page(&exporter, &path).await;
    assert!(!shown.contains("method=\"post\""), "{shown}");
    assert_says(&shown, &["The probe is off"]);
    let answer = post(&exporter, &path, &[FROM_HERE]).await;
    assert_eq!(answer.status, 503);
    assert_says(&answer.body, &["The probe is off"]);
}
