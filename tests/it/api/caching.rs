//! A client that has the answer is told so, and no more.

use super::*;

#[tokio::test]
async fn client_that_has_this_collection_gets_304_until_the_next_one() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    let id = read(&exporter, "/api/v1/agents?workspace=lost").await;
    let id = id["agents"][0]["agent_id"].as_str().unwrap();
    let one = format!("/api/v1/agents/{id}");
    let paths = [
        "/api/v1/fleet",
        "/api/v1/agents?q=lost",
        &one,
        "/api/v1/openapi.json",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let first = exporter.get(path).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert_eq!(first.header("cache-control"), Some("private, no-cache"));
        assert_eq!(first.header("vary"), Some("accept-encoding"));
        let headers = [("If-None-Match", &*tag)];
        let again = http::get(exporter.address, path, &headers).await;
        // Without a body it has no length either.
        assert!(again.is_err() || again.as_ref().unwrap().body.is_empty());
        let url = format!("http://{}{path}", exporter.address);
        let again = curl(&["-H", &format!("If-None-Match: {tag}"), &url]).await;
        assert_eq!(again.status, 304, "{path}: {}", again.text);
        assert!(
            again.text.contains(&format!("etag: {tag}")),
            "{}",
            again.text
        );
        assert!(
            again.text.contains("vary: accept-encoding"),
            "{}",
            again.text
        );
        let compressed = curl(&["-o", "/dev/null", "-D", "-", "--compressed", &url]).await;
        assert!(compressed.text.contains(&tag), "{}", compressed.text);
        assert!(
            compressed.text.contains("content-encoding: "),
            "{}",
            compressed.text
        );
        tags.push((path.to_owned(), tag));
    }
    coder
        .add(workspace("lost too").agent(agent("main").closed_ago(60.0)))
        .await;
    eventually("the pass is too old", async || {
        let (path, tag) = &tags[0];
        exporter.get(path).await.header("etag") != Some(tag)
    })
    .await;
    for (path, tag) in &tags {
        let is_same = exporter.get(path).await.header("etag") == Some(tag);
        assert_eq!(is_same, path.ends_with("openapi.json"), "{path}");
    }
}

#[tokio::test]
async fn head_says_what_get_would() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    for path in [
        "/api/v1/fleet",
        "/api/v1/agents",
        "/api/v1/agents?limit=0",
        "/api/v1/nothing",
    ] {
        let get = exporter.get(path).await;
        let url = format!("http://{}{path}", exporter.address);
        let head = curl(&["-I", &url]).await;
        assert_eq!(head.status, get.status, "{path}");
        for header in ["content-type", "cache-control", "link", "etag"] {
            if let Some(value) = get.header(header) {
                assert!(head.text.contains(value), "{path} {header}: {}", head.text);
            }
        }
    }
}
