//! Servers that want to see a certificate of ours (`sslcert`, `sslkey`).

use crate::harness::secured::Secured;
use crate::harness::*;

const HOST: &str = "127.0.0.1";
const ACCEPTED: [&str; 0] = [];
const MODE: &str = "sslmode=require";

/// A server that asks by this method, and who signs its clients' certificates.
async fn asking(method: &str) -> (Secured, Authority) {
    let clients = Authority::new();
    let paper = Authority::new().server(&[HOST], Valid::Now);
    let server = Secured::asking(paper, method, &clients).await;
    (server, clients)
}

async fn verdict(server: &Secured, paper: &Paper) -> (Vec<String>, String) {
    let options = format!("{MODE}{}", server.showing(paper));
    server.verdict(HOST, &options).await
}

#[tokio::test]
async fn certificate_lets_us_in_by_every_method_that_asks_for_one() {
    for method in [
        "cert",
        "trust clientcert=verify-full",
        "trust clientcert=verify-ca",
    ] {
        let (server, clients) = asking(method).await;
        let paper = clients.client(&server.coder.role, Valid::Now);
        assert_eq!(verdict(&server, &paper).await.0, ACCEPTED, "{method}");
    }
}

#[tokio::test]
async fn renewed_certificate_is_used_by_the_next_connection() {
    let (server, clients) = asking("cert").await;
    let role = &server.coder.role;
    let options = server.showing(&clients.client(role, Valid::NoLonger));
    let url = server.url(HOST, &format!("{MODE}{options}"));
    let exporter = Exporter::start(&url, |_| {}).await;
    let up = async || exporter.scrape().await.value("coder_exporter_up", &[]);
    assert_eq!(up().await, 0.0);
    server.showing(&clients.client(role, Valid::Now));
    assert_eq!(up().await, 1.0);
}

#[tokio::test]
async fn without_a_certificate_it_says_how_to_name_one() {
    for method in ["cert", "trust clientcert=verify-full"] {
        let (server, _) = asking(method).await;
        let (errors, sentence) = server.verdict(HOST, MODE).await;
        assert_eq!(errors, ["authentication"], "{method}: {sentence}");
        assert!(sentence.contains("set sslcert and sslkey"), "{sentence}");
    }
}

#[tokio::test]
async fn certificate_of_another_name_is_refused_with_the_rule() {
    for method in ["cert", "trust clientcert=verify-full"] {
        let (server, clients) = asking(method).await;
        let stranger = clients.client("stranger", Valid::Now);
        let (errors, sentence) = verdict(&server, &stranger).await;
        assert_eq!(errors, ["authentication"], "{method}: {sentence}");
        assert!(sentence.contains("(CN)"), "{sentence}");
    }
    let (server, clients) = asking("trust clientcert=verify-ca").await;
    let stranger = clients.client("stranger", Valid::Now);
    assert_eq!(verdict(&server, &stranger).await.0, ACCEPTED);
}

#[tokio::test]
async fn certificate_from_a_stranger_or_out_of_its_time_is_refused_with_the_remedy() {
    let (server, clients) = asking("cert").await;
    let papers = [
        (
            Authority::new().client(&server.coder.role, Valid::Now),
            "ssl_ca_file",
        ),
        (
            clients.client(&server.coder.role, Valid::NoLonger),
            "has expired; renew it",
        ),
        (
            clients.client(&server.coder.role, Valid::NotYet),
            "is already valid",
        ),
    ];
    for (paper, advice) in papers {
        let (errors, sentence) = verdict(&server, &paper).await;
        assert_eq!(errors, ["tls"], "{advice}: {sentence}");
        assert!(sentence.contains(advice), "{advice}: {sentence}");
    }
}

#[tokio::test]
async fn query_is_cancelled_by_who_shows_a_certificate_too() {
    let (server, clients) = asking("cert").await;
    let paper = clients.client(&server.coder.role, Valid::Now);
    let coder = &server.coder;
    coder.slow("workspace_agents", 60.0).await;
    let options = format!("{MODE}{}", server.showing(&paper));
    let exporter = Exporter::start(&server.url(HOST, &options), |_| {}).await;
    let patient = [("X-Prometheus-Scrape-Timeout-Seconds", "50")];
    let client = http::send(exporter.address, "/metrics", &patient)
        .await
        .unwrap();
    eventually("it reads the agents", async || coder.is_waited_for().await).await;
    drop(client);
    eventually("nothing is active", async || {
        coder.sessions("active").await == 0
    })
    .await;
}

/// Before anything is connected: exit code 64, and one sentence.
async fn refused(url: &str, expected: &[&str]) {
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    assert_eq!(ended.code, Some(64), "{}", ended.stdout);
    for part in expected {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("PRIVATE KEY"), "{}", ended.stderr);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_at_the_start_and_named() {
    let (server, clients) = asking("cert").await;
    let (one, two) = (
        clients.client(&server.coder.role, Valid::Now),
        clients.client(&server.coder.role, Valid::Now),
    );
    let certificate = server.file("one.crt", &one.certificate);
    let key = server.file("one.key", &one.key);
    let open = server.file_of_mode("open.key", &one.key, 0o644);
    let other = server.file("other.key", &two.key);
    let url = |certificate: &str, key: &str| {
        server.url(HOST, &format!("{MODE}&sslcert={certificate}&sslkey={key}"))
    };
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let (open, other) = (open.display().to_string(), other.display().to_string());

    refused(&url(&certificate, &open), &["sslkey", &open, "chmod 0600"]).await;
    refused(&url(&certificate, &other), &[&certificate, &other]).await;
    refused(&url(&certificate, "/no/such.key"), &["/no/such.key"]).await;
    refused(&url("/no/such.crt", &key), &["/no/such.crt"]).await;
    refused(&url(&key, &key), &["sslcert", "no certificate"]).await;
    refused(
        &url(&certificate, &certificate),
        &["sslkey", "no usable key"],
    )
    .await;
    let alone = server.url(HOST, &format!("{MODE}&sslcert={certificate}"));
    refused(&alone, &["sslkey"]).await;
    let good = format!("--postgres.url={}", url(&certificate, &key));
    let ended = run(&["check", &good]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}
