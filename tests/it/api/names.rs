//! Users choose names: whatever they choose, a reader of JSON finds them as they are, and a
//! terminal finds nothing to obey.

use coder_agent_exporter::fleet::model::bounded::bounded;

use crate::commands::hostile_names::{hostile, hostile_names};

use super::*;

#[tokio::test]
async fn names_are_given_as_they_are_and_move_no_cursor() {
    let (coder, _) = hostile().await;
    let exporter = coder
        .exporter_with(|it| it.web.links.coder = "https://c.example".parse().ok())
        .await;
    let response = exporter.get("/api/v1/agents").await;
    let odd = |it: char| it.is_control() || ('\u{202a}'..='\u{202e}').contains(&it);
    assert!(!response.body.contains(odd), "{}", response.body);
    let page = json(&response.body);
    for field in [
        "agent_name",
        "workspace_name",
        "workspace_owner",
        "organization_name",
        "template_name",
        "version",
    ] {
        let agents = page["agents"].as_array().unwrap();
        let mut found: Vec<_> = agents
            .iter()
            .map(|it| it[field].as_str().unwrap())
            .collect();
        let limit = if field == "version" { 64 } else { 256 };
        let expected = hostile_names().into_iter();
        let mut expected: Vec<_> = expected.map(|it| bounded(it.into(), limit)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{field}");
    }
    let fleet = exporter.get("/api/v1/fleet").await;
    assert!(!fleet.body.contains(odd), "{}", fleet.body);
    assert_eq!(
        json(&fleet.body)["templates"].as_array().unwrap().len(),
        hostile_names().len()
    );
}

#[tokio::test]
async fn whoever_has_such_a_name_is_found_by_it() {
    let (coder, _) = hostile().await;
    let exporter = coder.exporter().await;
    for name in hostile_names() {
        let encoded: String = name.bytes().map(|it| format!("%{it:02x}")).collect();
        let path = format!("/api/v1/agents?owner={encoded}&template={encoded}&q={encoded}&limit=1");
        let page = read(&exporter, &path).await;
        assert_eq!(page["total"], 1, "{name:?}");
        assert_eq!(page["agents"][0]["workspace_name"], name);
    }
}
