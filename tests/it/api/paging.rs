//! Page after page, while the fleet changes between them.

use std::collections::BTreeSet;

use super::*;

/// Every page from this one on, by the cursors; the ids of the agents in their order.
async fn all_from(exporter: &Exporter, query: &str, first: Value) -> Vec<String> {
    let mut met = ids(&first);
    let mut page = first;
    while let Some(cursor) = page["next"].as_str() {
        page = read(exporter, &format!("/api/v1/agents?{query}&cursor={cursor}")).await;
        met.extend(ids(&page));
    }
    met
}

fn ids(page: &Value) -> Vec<String> {
    let agents = page["agents"].as_array().unwrap();
    let ids = agents
        .iter()
        .map(|it| it["agent_id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[tokio::test]
async fn pages_together_are_the_fleet() {
    let coder = Coder::new().await;
    coder.add_many(1, 250, 0).await;
    let exporter = coder.exporter().await;
    for (query, pages) in [
        ("", 3),
        ("limit=250", 1),
        ("limit=249", 2),
        ("limit=1000", 1),
        ("limit=7", 36),
    ] {
        let mut met = BTreeSet::new();
        let mut path = format!("/api/v1/agents?{query}");
        let mut count = 0;
        // As a client does that knows of links alone.
        loop {
            let response = exporter.get(&path).await;
            let page = json(&response.body);
            assert_eq!(page["total"], 250, "{path}");
            met.extend(ids(&page));
            count += 1;
            let Some(link) = response.header("link") else {
                assert_eq!(page["next"], Value::Null);
                break;
            };
            assert!(link.ends_with("; rel=\"next\""), "{link}");
            path = link
                .strip_prefix('<')
                .unwrap()
                .split_once('>')
                .unwrap()
                .0
                .to_owned();
        }
        assert_eq!((met.len(), count), (250, pages), "{query}");
    }
}

#[tokio::test]
async fn agent_that_stays_is_met_once_though_others_come_and_go_meanwhile() {
    let coder = Coder::new().await;
    coder.add_many(1, 200, 0).await;
    let exporter = coder.exporter().await;
    let first = read(&exporter, "/api/v1/agents?limit=50").await;
    let seen = ids(&first);
    assert_eq!(seen.len(), 50);
    // Half of those that were seen go, and some that were not; others come on both sides.
    let gone: Vec<_> = seen.iter().step_by(2).map(|it| format!("'{it}'")).collect();
    coder
        .sql(&format!(
            "UPDATE workspace_agents SET deleted = true
                 WHERE id IN ({}) OR right(id::text, 1) = '7'",
            gone.join(", ")
        ))
        .await;
    coder.add_many(201, 300, 0).await;
    eventually("the pass is too old", async || {
        read(&exporter, "/api/v1/agents?limit=1").await["now"] != first["now"]
    })
    .await;
    let met = all_from(&exporter, "limit=50", first).await;
    let once: BTreeSet<_> = met.iter().collect();
    assert_eq!(once.len(), met.len(), "nobody twice");
    // By the names that the rows were made by: those of the first hundreds stayed.
    let stayed = "SELECT count(*) FROM workspace_agents WHERE NOT deleted AND id = ANY(ARRAY(
        SELECT md5('a' || number)::uuid FROM generate_series(1, 200) AS number))";
    let stayed_and_met = format!(
        "{stayed} AND id IN ({})",
        met.iter()
            .map(|it| format!("'{it}'"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let stayed = coder.number(stayed).await;
    assert!((120..180).contains(&stayed), "{stayed}");
    assert_eq!(coder.number(&stayed_and_met).await, stayed);
}
