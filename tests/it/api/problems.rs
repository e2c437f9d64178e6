//! What is wrong is told as a problem document (RFC 9457).

use super::*;

#[tokio::test]
async fn database_that_does_not_answer_is_503_with_the_reason() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    let id = "291da7eb-6201-41b0-89ae-9bea0d8b3f61";
    for path in [
        "fleet",
        "agents",
        "agents?health=problem",
        &format!("agents/{id}"),
    ] {
        let response = exporter.get(&format!("/api/v1/{path}")).await;
        assert_eq!(response.header("retry-after"), Some("5"));
        assert_eq!(response.header("etag"), None);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let problem = problem(&response, 503, "fleet-unknown");
        assert_eq!(problem["error_kind"], "connect");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("/nowhere"), "{detail}");
    }
    // What needs no database works without.
    read(&exporter, "/api/v1/openapi.json").await;
}

#[tokio::test]
async fn too_many_at_once_are_told_so() {
    let coder = Coder::new().await;
    let exporter = coder.exporter_with(|it| it.web.max_requests = 0).await;
    let response = exporter.get("/api/v1/fleet").await;
    problem(&response, 503, "busy");
    assert!(response.header("retry-after").is_some());
}

#[tokio::test]
async fn bad_parameters_are_refused_before_anybody_asks_the_database() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    for (path, parameter) in [
        ("agents?health=nonsense", "health"),
        ("agents?limit=1001", "limit"),
        ("agents?cursor=x", "cursor"),
        ("agents?nonsense=1", "nonsense"),
        ("agents?limit=1&limit=2", "limit"),
        ("agents?status=%00%ff", "status"),
        ("agents/nonsense", "id"),
        ("agents/%ff%fe", "id"),
        ("agents/%7B291da7eb-6201-41b0-89ae-9bea0d8b3f61%7D", "id"),
        ("agents/291da7eb620141b089ae9bea0d8b3f61", "id"),
        ("agents/291da7eb-6201-41b0-89ae-9bea0d8b3f61?a=b", "a"),
        ("fleet?health=problem", "health"),
        ("openapi.json?a", "a"),
        ("fleet?%1b%5b31m%e2%80%ae=1", "\u{1b}[31m\u{202e}"),
    ] {
        let response = exporter.get(&format!("/api/v1/{path}")).await;
        let problem = problem(&response, 400, "bad-parameter");
        assert_eq!(problem["parameter"], parameter, "{path}");
        let odd = |it: char| it.is_control() || it == '\u{202e}';
        assert!(!response.body.contains(odd), "{}", response.body);
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_done_are_told_alike() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/fleet",
        "/api/v1/fleet/",
        "/api/v1/agents/a/b",
    ] {
        problem(&exporter.get(path).await, 404, "no-such-path");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let url = format!("http://{}/api/v1/fleet", exporter.address);
        let refused = curl(&["-X", method, &url]).await;
        assert_eq!(refused.status, 405, "{method}");
        for part in [
            "application/problem+json",
            "allow: GET,HEAD",
            "problem:method-not-allowed",
        ] {
            assert!(refused.text.contains(part), "{method}: {}", refused.text);
        }
    }
    // Elsewhere a person reads it.
    let page = exporter.get("/apix").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("There is no such page"), "{}", page.body);
}
