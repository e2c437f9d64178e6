//! `/`: what an operator sees first, and that what is unknown is not shown as well.

use crate::harness::http::Response;
use crate::harness::*;

/// Fails unless the page is one, and says each of these.
#[track_caller]
pub(crate) fn assert_shows(page: &Response, expected: &[&str]) {
    assert_eq!(page.status, 200, "{}", page.body);
    let text = text_of(&page.body);
    for it in expected {
        assert!(text.contains(it), "no “{it}” in: {text}");
    }
}

#[track_caller]
pub(super) fn assert_hides(page: &Response, unexpected: &[&str]) {
    let text = text_of(&page.body);
    for it in unexpected {
        assert!(!text.contains(it), "“{it}” in: {text}");
    }
}

/// What a reader reads: without markup, blanks as one.
pub(super) fn text_of(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let (_, read) = part.split_once('>').unwrap_or(("", part));
        text.push_str(read);
        text.push(' ');
    }
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

/// Three of five have a problem, two of them of one template.
async fn troubled() -> Coder {
    let coder = Coder::new().await;
    let docker = start(1)
        .agent(agent("lost").closed_ago(600.0))
        .agent(agent("silent").silent_for(120.0))
        .agent(agent("well"));
    coder.add(workspace("box").build(docker)).await;
    let aws = start(1)
        .agent(agent("failed").lifecycle("start_error"))
        .agent(agent("fine"));
    coder
        .add(workspace("lab").template("aws-linux").build(aws))
        .await;
    coder
}

#[tokio::test]
async fn first_screen_says_what_is_wrong_how_much_and_where() {
    let coder = troubled().await;
    let exporter = coder.exporter().await;
    let page = exporter.get("/").await;
    assert_shows(
        &page,
        &[
            "3 of 5 agents have a problem",
            "3 problems · Coder agents",
            "2 disconnected 40 %",
            "1 start error 20 %",
            "2 healthy 40 %",
            "docker 2 of 3",
            "aws-linux 1 of 2",
            "Collectors all 8 work",
            "off; about the probe",
            "Showing 3 problems",
            "Check the agent's machine and network first",
            "4 agents with an open connection, 1 of them silent for longer than 30 s",
        ],
    );
    // The worst share first, and each leads to its agents.
    let (docker, aws) = (
        "/?template=docker#problems",
        "/?template=aws-linux#problems",
    );
    let at = |link: &str| page.body.find(link).unwrap();
    assert!(at(docker) < at(aws));
    assert!(page.body.contains("/?health=healthy#problems"));
}

#[tokio::test]
async fn fleet_without_problems_is_said_to_be_well() {
    let coder = Coder::new().await;
    let build = start(1).agent(agent("one")).agent(agent("two"));
    coder.add(workspace("box").build(build)).await;
    let page = coder.exporter().await.get("/").await;
    let well = ["All 2 running agents are well", "No agent has a problem."];
    assert_shows(&page, &well);
    assert!(page.body.contains("<title>All well · Coder agents</title>"));
}

#[tokio::test]
async fn fleet_without_agents_says_so() {
    let coder = Coder::new().await;
    let page = coder.exporter().await.get("/").await;
    assert_shows(&page, &["There are no agents"]);
    assert_hides(&page, &["All well", "are well"]);
}

/// What a page may not say of a fleet that nobody knows.
const CLAIMS: [&str; 5] = [
    "are well",
    "All well",
    "have a problem",
    "No agent has a problem",
    "Showing",
];

#[tokio::test]
async fn database_that_is_gone_is_told_with_the_moment_and_nothing_is_claimed() {
    let mut coder = Coder::on(prepared()).await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder.sql("CHECKPOINT").await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    coder.own_cluster().stop();
    let page = exporter.get("/").await;
    assert_shows(
        &page,
        &[
            "Unknown since",
            ": the database does not answer",
            "connecting to",
            "Check that the database runs",
            "The last known fleet",
            "none: the database does not answer",
        ],
    );
    assert_hides(&page, &CLAIMS);
    coder.own_cluster().start_again().unwrap();
    assert_shows(&exporter.get("/").await, &["The one running agent is well"]);
}

#[tokio::test]
async fn database_that_never_answered_has_no_last_moment() {
    let mut coder = Coder::on(prepared()).await;
    coder.own_cluster().stop();
    let page = coder.exporter().await.get("/").await;
    let never = "There has been no data since this exporter started.";
    assert_shows(&page, &["Unknown", ": the database does not answer", never]);
    assert_shows(&page, &["There is no data yet."]);
    assert_hides(&page, &CLAIMS);
}

#[tokio::test]
async fn agents_that_may_not_be_read_are_unknown_with_the_grant_that_is_missing() {
    let coder = troubled().await;
    let exporter = coder.exporter().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (version) ON workspace_agents FROM {role}"
        ))
        .await;
    let page = exporter.get("/").await;
    let unknown = ": the agents could not be read";
    assert_shows(&page, &["Unknown since", unknown]);
    assert_shows(&page, &["GRANT SELECT", "Collector agents failed"]);
    assert_hides(&page, &CLAIMS);
}

#[tokio::test]
async fn collector_that_fails_is_told_beside_what_is_known() {
    let coder = troubled().await;
    let exporter = coder.exporter().await;
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE ALL ON workspace_apps FROM {role}"))
        .await;
    let page = exporter.get("/").await;
    let known = "3 of 5 agents have a problem";
    assert_shows(&page, &[known, "7 of 8 work", "Collector apps failed"]);
}

#[tokio::test]
async fn changes_seen_between_collections_are_told_together() {
    let coder = troubled().await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    coder
        .sql("UPDATE workspace_agents SET disconnected_at = now() WHERE name IN ('well', 'fine')")
        .await;
    coder
        .sql("UPDATE workspace_agents SET last_connected_at = now() WHERE name = 'silent'")
        .await;
    let page = exporter.get("/").await;
    assert_shows(
        &page,
        &[
            "1 from healthy → to disconnected docker",
            "1 from healthy → to disconnected aws-linux",
            "1 from disconnected → to healthy docker",
            "ada / box . well",
        ],
    );
}

#[tokio::test]
async fn what_the_page_is_made_with_is_served_from_here() {
    let coder = troubled().await;
    let exporter = coder
        .exporter_with(|it| {
            it.web.links.external = "https://ops.example/agents".parse().ok();
            it.web.links.coder = "https://coder.example".parse().ok();
        })
        .await;
    let page = exporter.get("/agents/?health=disconnected").await;
    assert_shows(&page, &["Showing 2 problems"]);
    for kind in [".css", ".js", ".svg"] {
        let end = page.body.find(&format!("{kind}\"")).unwrap() + kind.len();
        let start = page.body[..end].rfind('"').unwrap() + 1;
        let asset = exporter.get(&page.body[start..end]).await;
        assert_eq!(asset.status, 200, "{kind}");
        assert!(!asset.body.is_empty());
    }
    assert!(page.body.contains("\"https://coder.example/@ada/box\""));
    let is_link = |it: &str| it.starts_with("/agents/?") && it.contains("template=docker");
    assert!(page.body.split('"').any(is_link), "{}", page.body);
    // Nothing that the page's own policy would refuse.
    assert!(!page.body.contains("style="), "{}", page.body);
    assert!(!page.body.contains("<script>"), "{}", page.body);
}
