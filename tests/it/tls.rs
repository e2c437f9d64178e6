//! TLS to Postgres, by the URL's sslmode and sslrootcert (`docs/spec/failures.md`).

use coder_agent_exporter::demo::cluster::{Listen, Options};

use crate::harness::secured::Secured;
use crate::harness::*;

const HOST: &str = "127.0.0.1";
const ACCEPTED: [&str; 0] = [];

/// A server with a certificate from this authority for these names.
async fn server_of(authority: &Authority, names: &[&str]) -> Secured {
    Secured::new(authority.server(names, Valid::Now)).await
}

#[tokio::test]
async fn require_encrypts_and_trusts_any_certificate() {
    let server = server_of(&Authority::new(), &["db.example"]).await;
    assert_eq!(server.errors(HOST, "sslmode=require").await, ACCEPTED);
    assert_eq!(server.errors(HOST, "sslmode=prefer").await, ACCEPTED);
    assert_eq!(server.errors(HOST, "").await, ACCEPTED);
}

#[tokio::test]
async fn disable_is_refused_by_a_server_that_wants_tls() {
    let server = server_of(&Authority::new(), &[HOST]).await;
    assert_eq!(
        server.errors(HOST, "sslmode=disable").await,
        ["authentication"]
    );
}

#[tokio::test]
async fn right_authority_and_host_are_accepted_by_every_mode() {
    let authority = Authority::new();
    let server = server_of(&authority, &[HOST, "localhost"]).await;
    let trusted = server.trusting(&authority);
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ACCEPTED, "{mode}");
        assert_eq!(
            server.errors("localhost", &options).await,
            ACCEPTED,
            "{mode}"
        );
    }
}

#[tokio::test]
async fn wrong_authority_is_refused_by_every_mode_that_asks_one() {
    let server = server_of(&Authority::new(), &[HOST]).await;
    let trusted = server.trusting(&Authority::new());
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ["tls"], "{mode}");
    }
}

#[tokio::test]
async fn wrong_host_is_refused_by_verify_full_and_accepted_by_verify_ca() {
    let authority = Authority::new();
    let server = server_of(&authority, &["db.example"]).await;
    let trusted = server.trusting(&authority);
    let options = |mode: &str| format!("sslmode={mode}{trusted}");
    assert_eq!(server.errors(HOST, &options("verify-full")).await, ["tls"]);
    assert_eq!(server.errors(HOST, &options("verify-ca")).await, ACCEPTED);
}

#[tokio::test]
async fn certificate_out_of_its_time_is_refused_by_every_mode_that_asks_an_authority() {
    let authority = Authority::new();
    for (valid, advice) in [
        (Valid::NoLonger, "has expired: renew it"),
        (Valid::NotYet, "is not valid yet: check both clocks"),
    ] {
        let server = Secured::new(authority.server(&[HOST], valid)).await;
        let trusted = server.trusting(&authority);
        for mode in ["verify-ca", "verify-full"] {
            let options = format!("sslmode={mode}{trusted}");
            let (errors, sentence) = server.verdict(HOST, &options).await;
            assert_eq!(errors, ["tls"], "{mode} {valid:?}");
            assert!(sentence.contains(advice), "{mode} {valid:?}: {sentence}");
        }
        assert_eq!(server.errors(HOST, "sslmode=require").await, ACCEPTED);
    }
}

#[tokio::test]
async fn refusals_of_the_servers_certificate_say_what_to_do() {
    let authority = Authority::new();
    let server = server_of(&authority, &["db.example"]).await;
    let trusted = server.trusting(&authority);
    let options = format!("sslmode=verify-full{trusted}");
    let (_, sentence) = server.verdict(HOST, &options).await;
    assert!(sentence.contains("sslmode=verify-ca"), "{sentence}");
    let trusted = server.trusting(&Authority::new());
    let options = format!("sslmode=verify-full{trusted}");
    let (_, sentence) = server.verdict(HOST, &options).await;
    assert!(sentence.contains("set sslrootcert"), "{sentence}");
}

#[tokio::test]
async fn without_sslrootcert_the_systems_authorities_are_asked() {
    let server = server_of(&Authority::new(), &[HOST]).await;
    assert_eq!(server.errors(HOST, "sslmode=verify-full").await, ["tls"]);
    assert_eq!(server.errors(HOST, "sslmode=verify-ca").await, ["tls"]);
}

#[tokio::test]
async fn server_without_tls_is_refused_where_it_is_required() {
    let coder = Coder::on(Options {
        listen: Listen::SocketAndTcp,
        ..prepared()
    })
    .await;
    let url = coder
        .cluster()
        .tcp_url(&coder.role, &coder.database)
        .unwrap();
    for (mode, kind) in [("require", "tls"), ("verify-full", "tls")] {
        let exporter = Exporter::start(&format!("{url}?sslmode={mode}"), |_| {}).await;
        let errors = [("kind", kind)];
        let page = exporter.scrape().await;
        assert_eq!(
            page.value("coder_exporter_errors_total", &errors),
            1.0,
            "{mode}"
        );
        let ready = exporter.get("/-/ready").await.body;
        assert!(ready.contains("set ssl = on"), "{ready}");
    }
    for mode in ["prefer", "disable"] {
        let exporter = Exporter::start(&format!("{url}?sslmode={mode}"), |_| {}).await;
        assert_eq!(
            exporter.scrape().await.value("coder_exporter_up", &[]),
            1.0,
            "{mode}"
        );
    }
}

/// Verified by nobody, it is as good as any other.
#[tokio::test]
async fn certificate_of_version_1_will_do_where_none_is_verified() {
    for settings in [&[][..], &["ssl_max_protocol_version = 'TLSv1.2'"]] {
        let paper = Paper::of_version_1();
        let server = Secured::with(paper.clone(), settings).await;
        for mode in ["sslmode=require", "sslmode=prefer", ""] {
            assert_eq!(server.errors(HOST, mode).await, ACCEPTED, "{mode}");
        }
        let trusted = server.trusting_only(&paper.certificate);
        let options = format!("sslmode=verify-ca{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ACCEPTED);
        // Its name cannot be checked, nor who signed it.
        let other = Authority::new();
        for trusted in [trusted, server.trusting(&other)] {
            let options = format!("sslmode=verify-full{trusted}");
            let (errors, sentence) = server.verdict(HOST, &options).await;
            assert_eq!(errors, ["tls"], "{sentence}");
            assert!(sentence.contains("make one of version 3"), "{sentence}");
        }
    }
}

#[tokio::test]
async fn certificate_that_is_itself_the_trusted_one_is_accepted() {
    let paper = Paper::of_an_authority(&[HOST], "db");
    let server = Secured::new(paper.clone()).await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let trusted = server.trusting_only(&paper.certificate);
        let options = format!("sslmode={mode}{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ACCEPTED, "{mode}");
        // Another of the same sort is not.
        let other = Paper::of_an_authority(&[HOST], "db");
        let trusted = server.trusting_only(&other.certificate);
        let options = format!("sslmode={mode}{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ["tls"], "{mode}");
    }
    let paper = Paper::of_an_authority(&["db.example"], "db");
    let server = Secured::new(paper.clone()).await;
    let trusted = server.trusting_only(&paper.certificate);
    let options = |mode: &str| format!("sslmode={mode}{trusted}");
    assert_eq!(server.errors(HOST, &options("verify-full")).await, ["tls"]);
    assert_eq!(server.errors(HOST, &options("verify-ca")).await, ACCEPTED);
}

#[tokio::test]
async fn name_that_is_only_in_the_cn_is_refused_with_that_word() {
    let authority = Authority::new();
    let server = Secured::new(authority.client(HOST, Valid::Now)).await;
    let trusted = server.trusting(&authority);
    let options = format!("sslmode=verify-full{trusted}");
    let (errors, sentence) = server.verdict(HOST, &options).await;
    assert_eq!(errors, ["tls"]);
    assert!(sentence.contains("only in its CN"), "{sentence}");
}

#[tokio::test]
async fn revoked_certificate_is_refused() {
    let authority = Authority::new();
    let server = server_of(&authority, &[HOST]).await;
    let trusted = server.trusting(&authority);
    let revoked = server.file("revoked.crl", &authority.revokes_all());
    let options = format!("sslmode=verify-full{trusted}&sslcrl={}", revoked.display());
    let (errors, sentence) = server.verdict(HOST, &options).await;
    assert_eq!(errors, ["tls"]);
    assert!(sentence.contains("is revoked"), "{sentence}");
}

#[tokio::test]
async fn channel_binding_is_used_where_it_is_required() {
    let paper = Authority::new().server(&[HOST], Valid::Now);
    let server = Secured::asking(paper, "scram-sha-256", &Authority::new()).await;
    let role = &server.coder.role;
    let password = format!("ALTER ROLE {role} PASSWORD 'secret'");
    server.coder.sql(&password).await;
    let required = "password=secret&channel_binding=require";
    let options = format!("sslmode=require&{required}");
    assert_eq!(server.errors(HOST, &options).await, ACCEPTED);
    // There is no channel to bind to in clear.
    let hba = server.coder.cluster().folder().join("data/pg_hba.conf");
    std::fs::write(
        hba,
        "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    )
    .unwrap();
    server.coder.sql("SELECT pg_reload_conf()").await;
    let options = format!("sslmode=disable&{required}");
    assert_eq!(server.errors(HOST, &options).await, ["authentication"]);
}

#[tokio::test]
async fn allow_uses_tls_only_where_the_server_insists() {
    let server = server_of(&Authority::new(), &["db.example"]).await;
    assert_eq!(server.errors(HOST, "sslmode=allow").await, ACCEPTED);
    let coder = &server.coder;
    let hba = coder.cluster().folder().join("data/pg_hba.conf");
    std::fs::write(
        hba,
        "local all all trust\nhost all all 127.0.0.1/32 trust\n",
    )
    .unwrap();
    coder.sql("SELECT pg_reload_conf()").await;
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE usename = '{}' AND ssl",
        coder.role
    );
    for (mode, encrypted) in [("allow", 0), ("prefer", 1)] {
        let url = server.url(HOST, &format!("sslmode={mode}"));
        let exporter = Exporter::start(&url, |_| {}).await;
        exporter.scrape().await;
        assert_eq!(coder.number(&sessions).await, encrypted, "{mode}");
    }
}

#[tokio::test]
async fn query_is_cancelled_over_tls_too() {
    let authority = Authority::new();
    let server = server_of(&authority, &[HOST]).await;
    let trusted = server.trusting(&authority);
    let coder = &server.coder;
    coder.slow("workspace_agents", 60.0).await;
    let url = server.url(HOST, &format!("sslmode=verify-full{trusted}"));
    let exporter = Exporter::start(&url, |_| {}).await;
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
