//! Row security is an error, never a filter (`docs/spec/collection.md`).

use crate::harness::*;

async fn three_agents() -> Coder {
    let coder = Coder::new().await;
    for name in ["one", "two", "three"] {
        coder
            .add(workspace(name).agent(agent("main").app("healthy")))
            .await;
    }
    coder
}

/// The line of `check` that says FAIL, and what the page says beside it.
async fn refusal(coder: &Coder) -> String {
    let page = coder.exporter().await.scrape().await;
    assert!(!page.has("coder_agents"), "{}", page.show("coder_agents"));
    let permission = [("kind", "permission")];
    assert_eq!(page.value("coder_exporter_errors_total", &permission), 1.0);
    let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let mut bad = ended.stdout.lines().filter(|it| it.starts_with("FAIL"));
    bad.next().unwrap().to_owned()
}

async fn assert_all_are_counted(coder: &Coder) {
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value("coder_agents", &[]), 3.0);
    let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[tokio::test]
async fn hidden_rows_are_an_error_with_the_policy_to_create() {
    let coder = three_agents().await;
    coder
        .sql("ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY")
        .await;
    let line = refusal(&coder).await;
    let (_, remedy) = line.split_once("run: ").expect(&line);
    assert!(remedy.starts_with("CREATE POLICY"), "{line}");
    coder.sql(remedy).await;
    assert_all_are_counted(&coder).await;
}

#[tokio::test]
async fn policy_that_shows_some_rows_is_not_enough() {
    let coder = three_agents().await;
    coder
        .sql(
            "ALTER TABLE workspace_agents ENABLE ROW LEVEL SECURITY;
             CREATE POLICY a_few ON workspace_agents USING (name <> 'x' OR ready_at IS NULL)",
        )
        .await;
    let line = refusal(&coder).await;
    assert!(line.contains("rows of workspace_agents"), "{line}");
    coder
        .sql("CREATE POLICY all_rows ON workspace_agents USING (true)")
        .await;
    assert_all_are_counted(&coder).await;
    // Above all others, where it is for this role too.
    coder
        .sql("CREATE POLICY strict ON workspace_agents AS RESTRICTIVE USING (name <> 'x')")
        .await;
    let line = refusal(&coder).await;
    assert!(line.contains("ALTER POLICY \"strict\""), "{line}");
    coder
        .sql("ALTER POLICY strict ON workspace_agents TO pg_monitor")
        .await;
    assert_all_are_counted(&coder).await;
}

#[tokio::test]
async fn policy_for_another_role_shows_this_one_nothing() {
    let coder = three_agents().await;
    coder
        .sql(
            "ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
             CREATE POLICY theirs ON workspaces TO pg_monitor USING (true)",
        )
        .await;
    refusal(&coder).await;
    let role = &coder.role;
    coder.sql(&format!("GRANT pg_monitor TO {role}")).await;
    assert_all_are_counted(&coder).await;
}
