//! Stands in for coderd at what the probe asks: real sockets, plain or TLS, with
//! every answer coderd or something in its way gives, and every way to fail to give one.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

/// The token it takes at first.
pub(crate) const TOKEN: &str = "Abcdefghij-0123456789012345678901";

/// What becomes of a request about an agent.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This status and JSON.
    Json(u16, String),
    /// This status and text.
    Text(u16, &'static str),
    /// This status and a page of a proxy's.
    Page(u16),
    /// 302 to this address.
    Redirect(String),
    /// The connection ends without a byte.
    HangUp,
    /// It ends within the headers.
    CutInHeaders,
    /// It ends within the body.
    CutInBody,
    /// No HTTP.
    Garbage,
    /// A body without an end.
    EndlessBody,
    /// Silence.
    Never,
    /// What was said in the request, back again, as Coder's message.
    Echo,
}

impl Answer {
    /// An agent that answered coderd.
    pub(crate) fn ports() -> Self {
        let json = r#"{"ports":[{"process_name":"sshd","network":"tcp","port":22}]}"#;
        Self::Json(200, json.into())
    }

    /// Coder's error.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let message = message.replace('"', "\\\"");
        Self::Json(status, format!(r#"{{"message":"{message}","detail":""}}"#))
    }

    /// An agent that coderd does not dial for its state.
    pub(crate) fn in_state(state: &str) -> Self {
        let message = format!("Agent state is \"{state}\", it must be in the \"connected\" state.");
        Self::error(400, &message)
    }
}

/// One that runs; dropping it stops it.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

struct Shared {
    token: String,
    answers: HashMap<Uuid, (Answer, Duration)>,
    /// At `/healthz`.
    health: Answer,
    /// The health report, to a token that may read it.
    report: Answer,
    heads: Vec<String>,
    open: usize,
    peak: usize,
}

impl StandIn {
    /// One that speaks HTTP.
    pub(crate) async fn start() -> Self {
        Self::with("http", None).await
    }

    /// One that speaks HTTPS, with this certificate and key.
    pub(crate) async fn secured((certificate, key): (String, String)) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::with("https", Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn with(scheme: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            token: TOKEN.into(),
            answers: HashMap::new(),
            health: Answer::Text(200, "OK"),
            report: unknown(),
            heads: Vec::new(),
            open: 0,
            peak: 0,
        }));
        let server = tokio::spawn(accept(listener, tls, shared.clone()));
        Self {
            address,
            scheme,
            shared,
            server,
        }
    }

    /// Where it is, by this host name.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// Answers so about an agent; about one that nobody mentioned it says 404.
    pub(crate) fn answer(&self, agent: Uuid, answer: Answer) {
        self.answer_after(agent, answer, Duration::ZERO);
    }

    /// Answers so, this much later.
    pub(crate) fn answer_after(&self, agent: Uuid, answer: Answer, delay: Duration) {
        let mut shared = self.shared.lock().unwrap();
        shared.answers.insert(agent, (answer, delay));
    }

    /// Answers so at `/healthz` from now on.
    pub(crate) fn set_health(&self, answer: Answer) {
        self.shared.lock().unwrap().health = answer;
    }

    /// Answers so to one who wants to read the health report.
    pub(crate) fn set_report(&self, answer: Answer) {
        self.shared.lock().unwrap().report = answer;
    }

    /// Takes this token and no other from now on.
    pub(crate) fn expect_token(&self, token: &str) {
        self.shared.lock().unwrap().token = token.into();
    }

    /// The heads of all requests so far, but for those to `/healthz`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.lock().unwrap().heads.clone()
    }

    /// Connections open now, and the most there ever were.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let shared = self.shared.lock().unwrap();
        (shared.open, shared.peak)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Mutex<Shared>>) {
    // Dropped with this task: no connection outlives the stand-in.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, tls.clone(), shared.clone()));
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Mutex<Shared>>) {
    {
        let mut shared = shared.lock().unwrap();
        shared.open += 1;
        shared.peak = shared.peak.max(shared.open);
    }
    // A client that hangs up, or a handshake that fails, is no concern of ours.
    let _ = match tls {
        None => talk(stream, &shared).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => talk(stream, &shared).await,
            Err(error) => Err(error),
        },
    };
    shared.lock().unwrap().open -= 1;
}

/// One request on one connection.
async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Mutex<Shared>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (answer, delay) = {
        let mut shared = shared.lock().unwrap();
        if !head.starts_with("GET /healthz ") {
            shared.heads.push(head.clone());
        }
        decide(&head, &shared)
    };
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        // It has given up: coderd would notice too.
        _ = stream.read_u8() => return Ok(()),
    }
    give(&mut stream, answer, &head).await?;
    stream.shutdown().await
}

fn decide(head: &str, shared: &Shared) -> (Answer, Duration) {
    let is_token = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        name.eq_ignore_ascii_case("Coder-Session-Token") && value == shared.token
    };
    let agent = head
        .strip_prefix("GET /api/v2/workspaceagents/")
        .and_then(|it| it.split_once("/listening-ports HTTP/1.1\r\n"))
        .and_then(|(id, _)| id.parse::<Uuid>().ok());
    let at_once = |answer| (answer, Duration::ZERO);
    if head.starts_with("GET /healthz ") {
        return at_once(shared.health.clone());
    }
    let has_token = head.lines().any(is_token);
    match agent {
        None => at_once(other(head, has_token, shared)),
        Some(agent) => match shared.answers.get(&agent) {
            _ if !has_token => at_once(no_token()),
            Some(known) => known.clone(),
            None => at_once(unknown()),
        },
    }
}

fn no_token() -> Answer {
    Answer::error(401, "Cookie or query parameter is missing.")
}

fn unknown() -> Answer {
    let message = "Resource not found or you do not have access to this resource";
    Answer::error(404, message)
}

/// What is asked that dials nothing.
fn other(head: &str, has_token: bool, shared: &Shared) -> Answer {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let agent = path.strip_prefix("/api/v2/workspaceagents/");
    let agent = agent.and_then(|id| id.parse::<Uuid>().ok());
    match (path, agent) {
        ("/api/v2/buildinfo", _) => {
            let version = r#"{"external_url":"https://coder.example","version":"v2.35.1+abc"}"#;
            Answer::Json(200, version.into())
        }
        ("/api/v2/users/me" | "/api/v2/debug/health", _) | (_, Some(_)) if !has_token => no_token(),
        ("/api/v2/debug/health", _) => shared.report.clone(),
        ("/api/v2/users/me", _) => Answer::Json(200, r#"{"username":"monitor"}"#.into()),
        (_, Some(agent)) => match shared.answers.get(&agent) {
            Some(_) => Answer::Json(200, format!(r#"{{"id":"{agent}"}}"#)),
            None => unknown(),
        },
        _ => Answer::error(404, "Route not found."),
    }
}

async fn give(
    stream: &mut (impl AsyncWrite + AsyncRead + Unpin),
    answer: Answer,
    head: &str,
) -> io::Result<()> {
    let whole = |status: u16, header: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{header}\r\n\r\n{body}")
    };
    let json = "Content-Type: application/json; charset=utf-8";
    let text = match answer {
        Answer::Json(status, body) => whole(status, json, &body),
        Answer::Text(status, text) => whole(status, "Content-Type: text/plain", text),
        Answer::Page(status) => whole(status, "Content-Type: text/html", "<html>Hello</html>"),
        Answer::Redirect(to) => whole(302, &format!("Location: {to}"), ""),
        Answer::HangUp => String::new(),
        Answer::CutInHeaders => "HTTP/1.1 200 X\r\nContent-Ty".into(),
        Answer::CutInBody => "HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{\"ports\":[]".into(),
        Answer::Garbage => "\u{15}\u{3}\u{1} SSH-2.0-OpenSSH\r\n\r\n".into(),
        Answer::EndlessBody => {
            let start = "HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n{\"ports\":[";
            stream.write_all(start.as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 8192]).await?;
            }
        }
        Answer::Never => return stream.read_u8().await.map(drop),
        Answer::Echo => {
            let said = head.replace("\r\n", " ").replace('"', "'");
            whole(500, json, &format!(r#"{{"message":"{said}"}}"#))
        }
    };
    stream.write_all(text.as_bytes()).await
}
