//! What a reader asks the fleet's page for: which agents, in what order, how many.

use crate::harness::*;

use super::fleet::{assert_hides, assert_shows};

/// Owners of the rows shown, from the top.
fn owners(body: &str) -> Vec<&str> {
    let rows = body.split("<th scope=\"row\"><bdi>").skip(1);
    let names = rows.filter(|it| it.contains("</bdi>/<bdi>"));
    names.map(|it| it.split('<').next().unwrap()).collect()
}

async fn four_owners() -> Coder {
    let coder = Coder::new().await;
    let lost = |seconds| agent("main").closed_ago(seconds);
    let of = |owner: &str, template: &str| workspace("box").owner(owner).template(template);
    coder.add(of("ada", "aws").agent(lost(300.0))).await;
    coder.add(of("bob", "gcp").agent(lost(900.0))).await;
    let failed = agent("main")
        .lifecycle("start_error")
        .ago("ready_at", 500.0);
    coder.add(of("cleo", "aws").agent(failed)).await;
    let well = workspace("other").owner("dan").organization("labs");
    coder.add(well.template("aws").agent(agent("main"))).await;
    coder
}

#[tokio::test]
async fn address_says_which_agents_and_in_what_order() {
    let coder = four_owners().await;
    let exporter = coder.exporter().await;
    for (address, expected) in [
        ("/", "bob cleo ada"),
        ("/?sort=-since", "ada cleo bob"),
        ("/?sort=owner", "ada bob cleo"),
        ("/?sort=-template", "bob ada cleo"),
        ("/?template=aws", "cleo ada"),
        ("/?health=disconnected", "bob ada"),
        ("/?health=disconnected,start_error&template=aws", "cleo ada"),
        (
            "/?health=disconnected&health=start_error&organization=&q=",
            "bob cleo ada",
        ),
        ("/?q=ADA", "ada"),
        ("/?q=cleo/box", "cleo"),
        ("/?health=healthy", "dan"),
        ("/?organization=labs&health=healthy", "dan"),
    ] {
        let page = exporter.get(address).await;
        assert_eq!(owners(&page.body).join(" "), expected, "{address}");
    }
}

#[tokio::test]
async fn agent_is_found_by_its_id() {
    let coder = four_owners().await;
    let wanted = workspace("mine")
        .owner("eve")
        .agent(agent("it").closed_ago(60.0));
    let id = wanted.id;
    coder.add(wanted).await;
    let exporter = coder.exporter().await;
    let page = exporter.get(&format!("/?q={id}")).await;
    assert_eq!(owners(&page.body), ["eve"]);
}

#[tokio::test]
async fn what_the_address_says_wrongly_is_left_out_with_a_note() {
    let coder = four_owners().await;
    let exporter = coder.exporter().await;
    for address in [
        "/?health=nonsense",
        "/?sort=%00",
        "/?show=-5",
        "/?%ff=%ff&other=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?template=aws&health=%22%3E%3Cscript%3E",
    ] {
        let page = exporter.get(address).await;
        assert_shows(&page, &["Ignored:", "Showing"]);
        assert!(!page.body.contains("<script>"), "{}", page.body);
    }
    let page = exporter
        .get("/?template=%3Cscript%3E&q=%22%3E%3Cscript%3E")
        .await;
    assert_shows(&page, &["No agent matches.", "Show every problem"]);
    assert!(!page.body.contains("<script>"), "{}", page.body);
}

#[tokio::test]
async fn many_are_shown_a_hundred_at_a_time_on_a_page_that_stays_small() {
    let coder = Coder::new().await;
    coder.add_many(1, 5000, 0).await;
    coder
        .sql("UPDATE workspace_agents SET disconnected_at = now()")
        .await;
    let exporter = coder.exporter().await;
    let page = exporter.get("/").await;
    assert_eq!(owners(&page.body).len(), 100);
    assert_shows(
        &page,
        &["Showing 100 of 5,000 problems", "Next 100", "Last"],
    );
    assert!(page.body.contains("/?from=100#problems\""));
    assert!(page.body.len() < 100_000, "{} bytes", page.body.len());
    let page = exporter.get("/?show=250").await;
    assert_eq!(owners(&page.body).len(), 250);
    let page = exporter.get("/?show=5000&from=4900").await;
    assert_shows(
        &page,
        &["Showing 4,901 to 5,000 of 5,000 problems", "First"],
    );
    assert_hides(&page, &["Next"]);
    let page = exporter.get("/?from=999999").await;
    assert_shows(&page, &["Showing 4,901 to 5,000"]);
}

#[tokio::test]
async fn names_are_text_whatever_they_are() {
    let coder = Coder::new().await;
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "\u{202e}desrever\u{200f}",
        "one\r\ntwo\u{2028}three",
        "' & \" </bdi></td>",
        "grüße 世界 🦀",
        "",
    ];
    for name in names {
        let lost = agent(name).closed_ago(90.0);
        let it = workspace(name)
            .owner(name)
            .organization(name)
            .template(name);
        coder.add(it.agent(lost)).await;
    }
    let exporter = coder
        .exporter_with(|it| it.web.links.coder = "https://coder.example".parse().ok())
        .await;
    let page = exporter.get("/").await;
    assert_shows(
        &page,
        &[
            "7 of 7 agents have a problem",
            "Showing 7 problems",
            "(no name)",
        ],
    );
    for forbidden in ["<script>", "<img", "</bdi></td>\""] {
        assert!(!page.body.contains(forbidden), "{forbidden:?}");
    }
    // What is read turns no direction and breaks no line; what is sent back is as it was.
    assert_hides(&page, &["\u{202e}", "\u{200f}", "\u{2028}"]);
    assert!(page.body.contains("<bdi>grüße 世界 🦀</bdi>"));
    // Found by the real name, which the form keeps as it is.
    let found = exporter.get("/?q=%E2%80%AEdesrever").await;
    assert_shows(&found, &["Showing 1 problem"]);
}
