//! An upgrade with what a user of an earlier release has: its database role and its settings, as
//! `tests/releases` keeps them (`docs/upgrade.md`).

use std::fs;
use std::path::Path;

use crate::harness::exposition::{Format, Page};
use crate::harness::http;
use crate::harness::*;

/// Every setting of `serve` that has a variable and a default, with this default.
fn settings(release: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(release.join("settings.txt")).unwrap();
    let lines = text.lines().filter_map(|it| {
        let mut words = it.strip_prefix("serve ")?.splitn(3, ' ').skip(1);
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    // The test has its own address.
    lines
        .filter(|(variable, _)| variable != "CODER_EXPORTER_WEB_LISTEN_ADDRESS")
        .collect()
}

#[tokio::test]
async fn role_and_settings_of_every_release_serve_all_that_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases");
    for release in fs::read_dir(folder).unwrap() {
        let release = release.unwrap().path();
        let coder = Coder::new().await;
        coder
            .add(workspace("box").agent(agent("main").app("healthy")))
            .await;
        let role = format!("before_{}", coder.role);
        let sql = fs::read_to_string(release.join("role.sql")).unwrap();
        assert_eq!(sql.matches("'coder_exporter'").count(), 1, "{release:?}");
        let sql = sql.replace("'coder_exporter'", &format!("'{role}'"));
        coder.sql(&sql).await;

        let settings = settings(&release);
        assert!(settings.len() > 20, "{settings:?}");
        let variables: Vec<_> = settings.iter().map(|(a, b)| (&**a, &**b)).collect();
        let url = coder.cluster().url(&role, &coder.database);
        let url = format!("--postgres.url={url}");
        let program = Program::serve_with(&[&url], &variables).await;

        let config = http::get(program.address, "/-/config", &[]).await.unwrap();
        let used = config.body.matches(" # environment\n").count();
        assert_eq!(
            used,
            settings.len(),
            "{}: {}",
            release.display(),
            config.body
        );
        let page = http::get(program.address, "/metrics", &[]).await.unwrap();
        let page = Page::read(Format::Text, &page.body).unwrap();
        assert_eq!(page.value("coder_exporter_up", &[]), 1.0, "{release:?}");
        page.assert_every_collector_loaded();
        assert_eq!(page.value("coder_agents", &[]), 1.0, "{release:?}");
        assert!(
            page.has("coder_exporter_deprecated_settings"),
            "{release:?}"
        );
    }
}
