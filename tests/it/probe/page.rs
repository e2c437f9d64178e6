//! `/probes`: what the probe found, for a person.

use super::*;

#[tokio::test]
async fn both_sides_of_a_disagreement_are_told() {
    let deployment = Deployment::new().await;
    let failing = Answer::error(500, "Internal error dialing workspace agent.");
    let id = deployment.add("box", agent("main"), failing).await;
    deployment.add("fine", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let before = exporter.get("/probes").await.body;
    assert!(before.contains("no round has ended yet"), "{before}");
    exporter.probe.as_ref().unwrap().round().await;
    let page = exporter.get("/probes").await;
    assert_eq!(page.status, 200);
    let body = page.body;
    let section = part(&body, "disagreements");
    for said in [
        "<strong>connected</strong>: last heartbeat ",
        "before now, limit 30 s",
        "(rule alive)",
        "badge outcome-dial_error",
        "Internal error dialing workspace agent.",
        &format!("/agents/{id}?probed="),
    ] {
        assert!(section.contains(said), "{said}: {section}");
    }
    assert!(!section.contains("fine"), "{section}");
    let rounds = part(&body, "rounds");
    for said in ["all: every running workspace", "not known"] {
        assert!(rounds.contains(said), "{said}: {rounds}");
    }
    later(Duration::from_secs(15 * 60)).await;
    exporter.probe.as_ref().unwrap().round().await;
    let body = exporter.get("/probes").await.body;
    let covered = "100 % of the workspaces that have been in scope for 15m were probed";
    assert!(body.contains(covered), "{body}");
    assert!(!body.contains(TOKEN));
}

#[tokio::test]
async fn failures_are_on_the_page_and_names_are_no_markup() {
    let deployment = Deployment::new().await;
    let hostile = workspace("<script>alert(1)</script>").agent(agent("<b>main</b>"));
    deployment.coder.add(hostile).await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    exporter.probe.as_ref().unwrap().round().await;
    let page = exporter.get("/probes").await;
    assert_eq!(page.status, 200);
    let failures = part(&page.body, "failures");
    assert!(failures.contains("&lt;script&gt;"), "{failures}");
    assert!(!failures.contains("box"), "{failures}");
    assert!(part(&page.body, "history").contains("box"));
    assert!(!page.body.contains("<script>") && !page.body.contains("<b>main"));
    assert!(!page.body.contains(TOKEN));
}

#[tokio::test]
async fn probes_are_filtered_by_outcome() {
    let deployment = Deployment::new().await;
    deployment.add("fine", agent("main"), Answer::ports()).await;
    let failing = Answer::error(500, "no route");
    deployment.add("broken", agent("main"), failing).await;
    let exporter = deployment.exporter(|_| {}).await;
    exporter.probe.as_ref().unwrap().round().await;
    let only_ok = exporter.get("/probes?outcome=ok").await.body;
    assert!(part(&only_ok, "history").contains("fine"), "{only_ok}");
    assert!(!part(&only_ok, "history").contains("broken"), "{only_ok}");
    assert!(
        part(&only_ok, "failures").contains("There is none."),
        "{only_ok}"
    );
    let all = exporter.get("/probes?outcome=").await.body;
    assert!(part(&all, "history").contains("fine") && part(&all, "history").contains("broken"));
    let unknown = exporter.get("/probes?outcome=<i>fine</i>").await;
    assert_eq!(unknown.status, 400);
    assert!(!unknown.body.contains("<i>"), "{}", unknown.body);
}

#[tokio::test]
async fn without_a_dialer_the_page_says_what_to_set() {
    let exporter = Coder::new().await.exporter().await;
    let page = exporter.get("/probes").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Set --probe.dialer"), "{}", page.body);
}

/// The section of this key.
#[track_caller]
fn part<'a>(body: &'a str, key: &str) -> &'a str {
    let start = body.find(&format!("data-key=\"{key}\"")).expect(key);
    let rest = &body[start..];
    &rest[..rest.find("</section>").unwrap_or(rest.len())]
}
