//! Whom the coderd dialer trusts, and who gets to see its token.

use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::harness::Authority;
use crate::harness::coderd::{Answer, StandIn, TOKEN};
use coder_agent_exporter::config::coder_token::Token;
use coder_agent_exporter::dialer::coderd::Coderd;
use coder_agent_exporter::error::ErrorKind;
use coder_agent_exporter::resolver::{DialError, Dialer};

use super::{target, token};

fn trusting(authority: &Authority) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let pem = authority.certificate.as_bytes();
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    store.add(certificate).unwrap();
    store
}

/// What comes of a dial at this URL by one who trusts this authority.
async fn dial(url: &str, agent: Uuid, authority: &Authority) -> Result<(), DialError> {
    let url = url.parse().unwrap();
    let dialer = Coderd::trusting(url, token(), trusting(authority)).unwrap();
    dialer.dial(&target(agent)).await
}

fn is_ours(dialed: &Result<(), DialError>) -> bool {
    matches!(dialed, Err(DialError::Exporter(_)))
}

/// A coderd that speaks TLS for `localhost`, and the agent it reaches.
async fn secured(authority: &Authority) -> (StandIn, Uuid) {
    let coderd = StandIn::secured(authority.issue(&["localhost"])).await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, Answer::ports());
    (coderd, agent)
}

#[tokio::test]
async fn coderd_is_asked_over_tls_when_its_certificate_is_right() {
    let authority = Authority::new();
    let (coderd, agent) = secured(&authority).await;
    let dialed = dial(&coderd.url("localhost"), agent, &authority).await;
    assert_eq!(dialed, Ok(()));
}

#[tokio::test]
async fn coderd_whose_certificate_is_wrong_never_sees_the_token() {
    let authority = Authority::new();
    let (coderd, agent) = secured(&authority).await;
    let by_another = dial(&coderd.url("localhost"), agent, &Authority::new()).await;
    let of_another_host = dial(&coderd.url("127.0.0.1"), agent, &authority).await;
    for dialed in [by_another, of_another_host] {
        let Err(DialError::Exporter(failure)) = &dialed else {
            panic!("{dialed:?}");
        };
        assert!(failure.message.contains("certificate"), "{failure}");
        assert_eq!(failure.kind, ErrorKind::Tls);
    }
    assert!(coderd.requests().is_empty());
}

#[tokio::test]
async fn wrong_scheme_blames_no_agent() {
    let authority = Authority::new();
    let (secured, agent) = secured(&authority).await;
    let plain = StandIn::start().await;
    plain.answer(agent, Answer::ports());
    let to_tls = secured.url("localhost").replace("https", "http");
    let to_plain = plain.url("localhost").replace("http", "https");
    for url in [to_tls, to_plain] {
        let dialed = dial(&url, agent, &authority).await;
        assert!(is_ours(&dialed), "{url}: {dialed:?}");
    }
}

/// Names the URL and the agent to the process that this test starts: itself once more, for an
/// environment of its own.
const CHILD: &str = "DIALER_TRUST_CHILD";

#[tokio::test]
async fn authorities_of_ssl_cert_file_are_trusted_and_proxies_of_the_environment_are_not_asked() {
    if let Ok(asked) = std::env::var(CHILD) {
        let (url, agent) = asked.split_once(' ').unwrap();
        let dialer = Coderd::new(url.parse().unwrap(), token()).unwrap();
        let dialed = dialer.dial(&target(agent.parse().unwrap())).await;
        assert_eq!(dialed, Ok(()));
        return;
    }
    let authority = Authority::new();
    let (coderd, agent) = secured(&authority).await;
    let file = std::env::temp_dir().join(format!("authority-{}.pem", Uuid::new_v4()));
    std::fs::write(&file, &authority.certificate).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let name = std::thread::current().name().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", &name])
        .env(CHILD, format!("{} {agent}", coderd.url("localhost")))
        .env("SSL_CERT_FILE", &file)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, &proxy_url);
    }
    let ended = tokio::task::spawn_blocking(move || child.output()).await;
    std::fs::remove_file(&file).unwrap();
    let ended = ended.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(coderd.requests().len(), 1);
    let asked = tokio::time::timeout(std::time::Duration::ZERO, proxy.accept()).await;
    assert!(asked.is_err(), "the proxy was asked");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn token_is_in_no_error_no_log_and_no_debug_output() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logged_here = tracing::subscriber::set_default(subscriber);

    let coderd = StandIn::start().await;
    let path = std::env::temp_dir().join(format!("token-{}", Uuid::new_v4()));
    std::fs::write(&path, TOKEN).unwrap();
    let mut shown = String::new();
    for token in [token(), Token::File(path.clone())] {
        let dialer = Coderd::trusting(
            coderd.url("127.0.0.1").parse().unwrap(),
            token,
            RootCertStore::empty(),
        );
        let dialer = dialer.unwrap();
        for answer in [
            Answer::Echo,
            Answer::in_state(TOKEN),
            Answer::error(400, TOKEN),
            Answer::error(418, TOKEN),
            Answer::error(401, TOKEN),
            Answer::Json(200, format!(r#"{{"token":"{TOKEN}"}}"#)),
            Answer::Redirect(format!("http://127.0.0.1:1/{TOKEN}")),
            Answer::Page(502),
            Answer::HangUp,
            Answer::Garbage,
        ] {
            let agent = Uuid::new_v4();
            coderd.answer(agent, answer);
            let error = dialer.dial(&target(agent)).await.unwrap_err();
            tracing::info!(?dialer, %error, "dialed");
            shown.push_str(&format!("{error} {error:?} {dialer:?}\n"));
        }
    }
    std::fs::remove_file(&path).unwrap();
    let heads = coderd.requests();
    assert!(
        heads.iter().all(|it| it.contains(TOKEN)),
        "it was not even sent"
    );
    assert_eq!(heads.len(), 20);
    let logged = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert_eq!(logged.matches("dialed").count(), 20, "{logged}");
    let secret = &TOKEN[11..];
    assert!(!shown.contains(secret), "{shown}");
    assert!(!logged.contains(secret), "{logged}");
}
