//! TLS to Postgres, by the URL's sslmode and sslrootcert (SPEC 8).

use std::path::PathBuf;

use coder_agent_exporter::demo::cluster::{Listen, Options};

use crate::harness::authority::Authority;
use crate::harness::*;

/// A server that speaks TLS only, with one agent in its Coder, and files for the exporter.
struct Secured {
    coder: Coder,
    folder: PathBuf,
}

impl Secured {
    /// Its certificate is for these names and from this authority.
    async fn new(authority: &Authority, names: &[&str]) -> Self {
        let (certificate, key) = authority.issue(names);
        let coder = Coder::on(Options {
            listen: Listen::SocketAndTcp,
            settings: vec!["ssl = on".into()],
            hba: Some("local all all trust\nhostssl all all 127.0.0.1/32 trust\n".into()),
            files: vec![
                ("server.crt".into(), certificate.into_bytes()),
                ("server.key".into(), key.into_bytes()),
            ],
            ..prepared()
        })
        .await;
        coder.add(workspace("box").agent(agent("main"))).await;
        let folder = coder.cluster().folder().to_owned();
        Self { coder, folder }
    }

    /// An sslrootcert option that names this authority's certificate, in a file that goes with
    /// the server's folder.
    fn trusting(&self, authority: &Authority) -> String {
        let path = self.folder.join("trusted.pem");
        std::fs::write(&path, &authority.certificate).unwrap();
        format!("&sslrootcert={}", path.display())
    }

    /// What the exporter says of this server by this host name: nothing when it is up, else
    /// the kinds of errors.
    async fn errors(&self, host: &str, options: &str) -> Vec<String> {
        let Coder { role, database, .. } = &self.coder;
        let port = self.coder.cluster().port();
        let url = format!("postgres://{role}@{host}:{port}/{database}?{options}");
        let page = Exporter::start(&url, |_| {}).await.scrape().await;
        let up = page.value("coder_exporter_up", &[]) == 1.0;
        assert_eq!(up, page.get("coder_agents", &[]) == Some(1.0));
        let errors = page.samples("coder_exporter_errors_total", &[]);
        let errors = errors.filter(|it| it.value > 0.0);
        let kinds: Vec<_> = errors
            .map(|it| it.label("kind").unwrap().to_owned())
            .collect();
        assert_eq!(up, kinds.is_empty());
        kinds
    }
}

const HOST: &str = "127.0.0.1";
const ACCEPTED: [&str; 0] = [];

#[tokio::test]
async fn require_encrypts_and_trusts_any_certificate() {
    let server = Secured::new(&Authority::new(), &["db.example"]).await;
    assert_eq!(server.errors(HOST, "sslmode=require").await, ACCEPTED);
    assert_eq!(server.errors(HOST, "sslmode=prefer").await, ACCEPTED);
    assert_eq!(server.errors(HOST, "").await, ACCEPTED);
}

#[tokio::test]
async fn disable_is_refused_by_a_server_that_wants_tls() {
    let server = Secured::new(&Authority::new(), &[HOST]).await;
    assert_eq!(
        server.errors(HOST, "sslmode=disable").await,
        ["authentication"]
    );
}

#[tokio::test]
async fn right_authority_and_host_are_accepted_by_every_mode() {
    let authority = Authority::new();
    let server = Secured::new(&authority, &[HOST, "localhost"]).await;
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
    let server = Secured::new(&Authority::new(), &[HOST]).await;
    let trusted = server.trusting(&Authority::new());
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}{trusted}");
        assert_eq!(server.errors(HOST, &options).await, ["tls"], "{mode}");
    }
}

#[tokio::test]
async fn wrong_host_is_refused_by_verify_full_and_accepted_by_verify_ca() {
    let authority = Authority::new();
    let server = Secured::new(&authority, &["db.example"]).await;
    let trusted = server.trusting(&authority);
    let options = |mode: &str| format!("sslmode={mode}{trusted}");
    assert_eq!(server.errors(HOST, &options("verify-full")).await, ["tls"]);
    assert_eq!(server.errors(HOST, &options("verify-ca")).await, ACCEPTED);
}

#[tokio::test]
async fn without_sslrootcert_the_systems_authorities_are_asked() {
    let server = Secured::new(&Authority::new(), &[HOST]).await;
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

#[tokio::test]
async fn query_is_cancelled_over_tls_too() {
    let authority = Authority::new();
    let server = Secured::new(&authority, &[HOST]).await;
    let trusted = server.trusting(&authority);
    let coder = &server.coder;
    coder.slow("workspace_agents", 60.0).await;
    let (role, database, port) = (&coder.role, &coder.database, coder.cluster().port());
    let url = format!("postgres://{role}@{HOST}:{port}/{database}?sslmode=verify-full{trusted}");
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
