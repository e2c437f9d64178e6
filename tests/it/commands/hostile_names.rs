//! Users choose names: whatever they choose, the reader's terminal stays as it is.

use super::*;

/// Each is somebody's idea of a name.
pub(crate) fn hostile_names() -> Vec<String> {
    vec![
        "🦀".repeat(64),
        "❤️".repeat(32),
        "👨‍👩‍👧".repeat(12),
        "世".repeat(64),
        "\u{202e}\u{200f}desrever".into(),
        "\x1b]0;owned\x07\x1b[2J\x1b[31mred".into(),
        "one\r\ntwo\tthree\u{85}\u{2028}four".into(),
        "e\u{301}\u{302}\u{303}".repeat(16),
        "x".repeat(64),
        "' || \"$(id)\" %s {} \\".into(),
        "".into(),
    ]
}

/// A workspace each, whose names are all hostile and whose agent is lost.
pub(crate) async fn hostile() -> (Coder, Vec<Uuid>) {
    let coder = Coder::new().await;
    let mut ids = Vec::new();
    for name in hostile_names() {
        let lost = agent(&name).set("version", literal(&name)).closed_ago(90.0);
        let it = workspace(&name)
            .owner(&name)
            .organization(&name)
            .template(&name)
            .agent(lost);
        ids.push(it.id);
        coder.add(it).await;
    }
    (coder, ids)
}

#[tokio::test]
async fn hostile_names_fit_and_move_no_cursor_in_status() {
    let (coder, ids) = hostile().await;
    for arguments in [&["status"][..], &["status", "--problems"], &["agents"]] {
        for columns in [60, 80, 200] {
            shown(&coder, arguments, columns).await;
        }
        for format in ["table", "wide", "yaml", "csv", "name"] {
            printed(&coder, &[arguments, &["-o", format]].concat()).await;
        }
    }
    let listed = printed(&coder, &["status", "--problems"]).await;
    let rows = listed.lines().filter(|it| it.contains("disconnected  "));
    assert_eq!(rows.count(), ids.len(), "{listed}");
}

#[tokio::test]
async fn hostile_names_fit_and_move_no_cursor_in_explain() {
    let (coder, ids) = hostile().await;
    for id in ids {
        let explained = ["explain", &id.to_string()];
        shown(&coder, &explained, 80).await;
        let whole = printed(&coder, &explained).await;
        assert_says(&whole, &[&id.to_string(), "→ disconnected (rule closed)"]);
    }
}

#[tokio::test]
async fn json_has_the_names_as_they_are() {
    let (coder, _) = hostile().await;
    let told = told_json(&coder, &["status"]).await;
    let problems = told["problems"].as_array().unwrap();
    let mut found: Vec<_> = problems
        .iter()
        .map(|it| it["workspace_name"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = hostile_names();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn names_that_come_near_are_made_safe_in_complaints() {
    let coder = Coder::new().await;
    coder.add(workspace("a\x1b[31mb\nc\u{202e}d")).await;
    let ended = ask(&coder, &["explain", "ada/other"]).await;
    assert_eq!(ended.code, Some(1));
    assert_says(&ended.stderr, &["ada/a\u{fffd}[31mb\u{fffd}c\u{fffd}d"]);
    assert!(!ended.stderr.contains('\x1b'), "{}", ended.stderr);
}
