//! TLS towards clients, as the web configuration file has it (`docs/spec/http.md`).

use crate::harness::prometheus::Prometheus;
use crate::harness::*;

const NOWHERE: &str = "--postgres.url=postgres://u@/d?host=/nowhere";

/// What a client shows.
#[derive(Debug, Clone, Copy)]
enum Shows {
    Nothing,
    /// Of an authority the server does not know.
    Strange,
    /// Of the authority it knows.
    Known,
}

/// A program that serves TLS, and everything to talk to it.
struct Served {
    folder: Folder,
    program: Program,
    authority: Authority,
}

/// The server's certificate is for 127.0.0.1, the client's for `prometheus.example`.
fn certify(folder: &Folder, authority: &Authority) {
    let pair = |name: &str, (certificate, key): (String, String)| {
        folder.write(&format!("{name}.crt"), &certificate);
        folder.write(&format!("{name}.key"), &key);
    };
    folder.write("ca.pem", &authority.certificate);
    pair("server", authority.issue(&["127.0.0.1"]));
    pair("known", authority.issue(&["prometheus.example"]));
    pair("strange", Authority::new().issue(&["prometheus.example"]));
}

impl Served {
    async fn new(tls: &str, rest: &str) -> Self {
        Self::reading(NOWHERE, tls, rest).await
    }

    async fn reading(database: &str, tls: &str, rest: &str) -> Self {
        let (folder, authority) = (Folder::new(), Authority::new());
        certify(&folder, &authority);
        let config = format!(
            "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n{tls}{rest}"
        );
        let path = folder.write("web.yml", &config);
        let program = Program::serve(&[database, &format!("--web.config.file={path}")]).await;
        Self {
            folder,
            program,
            authority,
        }
    }

    async fn get_path(&self, shows: Shows, path: &str) -> Curled {
        self.ask(shows, path, &[]).await
    }

    async fn get(&self, shows: Shows, arguments: &[&str]) -> Curled {
        self.ask(shows, "/-/healthy", arguments).await
    }

    async fn ask(&self, shows: Shows, path: &str, arguments: &[&str]) -> Curled {
        let url = format!("https://{}{path}", self.program.address);
        let ca = self.folder.file("ca.pem");
        let mut all = vec!["--cacert", &ca];
        let name = match shows {
            Shows::Nothing => None,
            Shows::Strange => Some("strange"),
            Shows::Known => Some("known"),
        };
        let files =
            name.map(|it| ["crt", "key"].map(|end| self.folder.file(&format!("{it}.{end}"))));
        if let Some([certificate, key]) = &files {
            all.extend(["--cert", certificate, "--key", key]);
        }
        all.extend(arguments);
        all.push(&url);
        curl(&all).await
    }

    async fn lets_in(&self, shows: Shows) -> bool {
        let answer = self.get(shows, &[]).await;
        assert_eq!(answer.exit == 0, answer.status == 200, "{answer:?}");
        answer.exit == 0
    }
}

/// Whom a client_auth_type lets in: nothing shown, a strange certificate, a known one.
async fn check(how: &str, expected: [bool; 3]) {
    let ca = "  client_ca_file: ca.pem\n";
    let needs_ca = how.contains("Verify");
    let tls = format!(
        "  client_auth_type: {how}\n{}",
        if needs_ca { ca } else { "" }
    );
    for newest in ["", "  max_version: TLS12\n"] {
        let served = Served::new(&format!("{tls}{newest}"), "").await;
        for (shows, expected) in [Shows::Nothing, Shows::Strange, Shows::Known]
            .into_iter()
            .zip(expected)
        {
            assert_eq!(
                served.lets_in(shows).await,
                expected,
                "{how} {shows:?} {newest}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_client_auth_type_everybody_is_let_in() {
    check("NoClientCert", [true, true, true]).await;
}

#[tokio::test]
async fn request_client_cert_lets_everybody_in() {
    check("RequestClientCert", [true, true, true]).await;
}

#[tokio::test]
async fn require_any_client_cert_wants_one_of_any_authority() {
    check("RequireAnyClientCert", [false, true, true]).await;
}

#[tokio::test]
async fn verify_client_cert_if_given_refuses_only_strangers() {
    check("VerifyClientCertIfGiven", [true, false, true]).await;
}

#[tokio::test]
async fn require_and_verify_client_cert_wants_a_known_one() {
    check("RequireAndVerifyClientCert", [false, false, true]).await;
}

#[tokio::test]
async fn certificate_must_carry_an_allowed_name() {
    let names = |names: &str| {
        format!(
            "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [{names}]\n"
        )
    };
    let right = Served::new(&names("other.example, prometheus.example"), "").await;
    assert!(right.lets_in(Shows::Known).await);
    assert!(!right.lets_in(Shows::Strange).await);
    let wrong = Served::new(&names("other.example, 10.0.0.1"), "").await;
    assert!(!wrong.lets_in(Shows::Known).await);

    let by_address = Served::new(&names("10.0.0.1"), "").await;
    let (certificate, key) = by_address.authority.issue(&["10.0.0.1"]);
    by_address.folder.write("known.crt", &certificate);
    by_address.folder.write("known.key", &key);
    assert!(by_address.lets_in(Shows::Known).await);
}

#[tokio::test]
async fn versions_are_those_that_are_set() {
    let newest = Served::new("  min_version: TLS13\n", "").await;
    assert_ne!(
        newest.get(Shows::Nothing, &["--tls-max", "1.2"]).await.exit,
        0
    );
    assert_eq!(newest.get(Shows::Nothing, &["--tlsv1.3"]).await.status, 200);
    let suite =
        "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n";
    let older = Served::new(suite, "").await;
    assert_ne!(older.get(Shows::Nothing, &["--tlsv1.3"]).await.exit, 0);
    let other = ["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    assert_ne!(older.get(Shows::Nothing, &other).await.exit, 0);
    assert_eq!(older.get(Shows::Nothing, &[]).await.status, 200);
}

#[tokio::test]
async fn http2_is_spoken_unless_it_is_switched_off() {
    let with = Served::new("", "").await;
    assert_eq!(with.get(Shows::Nothing, &[]).await.version, "2");
    assert_eq!(
        with.get(Shows::Nothing, &["--http1.1"]).await.version,
        "1.1"
    );
    let without = Served::new("", "http_server_config: {http2: false}\n").await;
    assert_eq!(without.get(Shows::Nothing, &[]).await.version, "1.1");
}

#[tokio::test]
async fn renewed_certificate_serves_the_next_connection() {
    let served = Served::new("", "").await;
    assert!(served.lets_in(Shows::Nothing).await);
    let renewed = Authority::new();
    certify(&served.folder, &renewed);
    // The client trusts the new authority alone by now.
    eventually("the new certificate is served", async || {
        served.get(Shows::Nothing, &[]).await.exit == 0
    })
    .await;
}

/// What `openssl req -x509` makes, as in the exporter-toolkit's own examples.
#[tokio::test]
async fn client_whose_certificate_is_the_trusted_one_is_let_in() {
    let client = Paper::of_an_authority(&["prometheus.example"], "prometheus");
    let (folder, authority) = (Folder::new(), Authority::new());
    certify(&folder, &authority);
    let own = folder.write("own.pem", &client.certificate);
    folder.write("known.crt", &client.certificate);
    folder.write("known.key", &client.key);
    let config = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {own}\n"
    );
    let path = folder.write("web.yml", &config);
    let program = Program::serve(&[NOWHERE, &format!("--web.config.file={path}")]).await;
    let served = Served {
        folder,
        program,
        authority,
    };
    assert!(served.lets_in(Shows::Known).await);
    assert!(!served.lets_in(Shows::Strange).await);
    assert!(!served.lets_in(Shows::Nothing).await);
}

/// As Go does: what a certificate may be used for besides is not asked.
#[tokio::test]
async fn client_whose_certificate_is_an_authority_s_of_a_known_one_is_let_in() {
    let tls = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    for newest in ["", "  max_version: TLS12\n"] {
        let served = Served::new(&format!("{tls}{newest}"), "").await;
        let show = |paper: &Paper| {
            served.folder.write("known.crt", &paper.certificate);
            served.folder.write("known.key", &paper.key);
        };
        let (own, stranger) = (&served.authority, Authority::new());
        let names = ["prometheus.example"];
        for (paper, expected) in [
            (own.authority_client(&names, Valid::Now), true),
            (own.authority_client(&names, Valid::NoLonger), false),
            (own.authority_client(&names, Valid::NotYet), false),
            (stranger.authority_client(&names, Valid::Now), false),
        ] {
            show(&paper);
            assert_eq!(served.lets_in(Shows::Known).await, expected, "{newest}");
        }
    }
}

#[tokio::test]
async fn refused_clients_are_counted_and_each_reason_is_logged_once() {
    let tls = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    let served = Served::new(tls, "").await;
    for _ in 0..3 {
        assert!(!served.lets_in(Shows::Strange).await);
        assert!(!served.lets_in(Shows::Nothing).await);
    }
    let page = served.get_path(Shows::Known, "/metrics").await.text;
    let counted = page
        .lines()
        .find(|it| it.starts_with("coder_exporter_tls_refused_total "));
    assert_eq!(counted, Some("coder_exporter_tls_refused_total 6"));
    let log = served.program.log();
    for reason in [
        "is of no authority in client_ca_file",
        "it showed no certificate",
    ] {
        assert_eq!(log.matches(reason).count(), 1, "{log}");
    }
}

#[tokio::test]
async fn prometheus_scrapes_with_a_client_certificate_and_a_password() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let database = format!("--postgres.url={}", coder.url());
    let hash = bcrypt::hash("open sesame", 5).unwrap();
    let tls = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus.example]\n";
    let users = format!("basic_auth_users: {{prometheus: {hash}}}\n");
    let served = Served::reading(&database, tls, &users).await;
    let file = |name| served.folder.file(name);
    let lines = format!(
        "  scheme: https\n  basic_auth: {{username: prometheus, password: open sesame}}\n  tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}\n",
        file("ca.pem"),
        file("known.crt"),
        file("known.key"),
    );
    let prometheus = Prometheus::scraping_with(served.program.address, &[], &lines).await;
    assert_eq!(prometheus.number("up").await, 1.0);
    let connected = "sum(coder_agents{status=\"connected\"})";
    assert_eq!(prometheus.number(connected).await, 1.0);

    let wrong = lines.replace("open sesame", "guess");
    let refused = Prometheus::scraping_with(served.program.address, &[], &wrong).await;
    assert_eq!(refused.number("up").await, 0.0);
}
