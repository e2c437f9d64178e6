//! HTTP/2, which has ways of its own to ask for much at little cost.

use std::sync::Arc;

use h2::client::SendRequest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::*;

/// A program that speaks TLS, and what a client has to trust.
async fn served() -> (Folder, Program, Authority) {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    folder.write("server.crt", &certificate);
    folder.write("server.key", &key);
    folder.write("ca.pem", &authority.certificate);
    let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
    let config = format!("--web.config.file={}", folder.write("web.yml", tls));
    let program = Program::serve(&[&format!("--postgres.url={NOWHERE}"), &config]).await;
    (folder, program, authority)
}

async fn client(program: &Program, authority: &Authority) -> SendRequest<axum::body::Bytes> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(program.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let (client, connection) = h2::client::handshake(stream.unwrap()).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(address: SocketAddr, path: &str) -> axum::http::Request<()> {
    let uri = format!("https://{address}{path}");
    axum::http::Request::get(uri).body(()).unwrap()
}

#[tokio::test]
async fn rapid_resets_end_the_connection_and_hurt_nobody_else() {
    let (folder, program, authority) = served().await;
    let mut client = client(&program, &authority).await;
    let mut sent = 0;
    // Each stream is given up as soon as it is opened.
    for _ in 0..20_000 {
        let Ok(mut ready) = client.clone().ready().await else {
            break;
        };
        let Ok((answer, mut stream)) =
            ready.send_request(request(program.address, "/metrics"), true)
        else {
            break;
        };
        // The head is on its way before it is taken back.
        tokio::task::yield_now().await;
        stream.send_reset(h2::Reason::CANCEL);
        tokio::task::yield_now().await;
        drop(answer);
        client = ready;
        sent += 1;
    }
    assert!(sent < 20_000, "the server went along with {sent} resets");
    let url = format!("https://{}/metrics", program.address);
    let after = curl(&["--cacert", &folder.file("ca.pem"), &url]).await;
    assert_eq!((after.status, after.version.as_str()), (200, "2"));
}

#[tokio::test]
async fn streams_at_once_are_limited() {
    let (_folder, program, authority) = served().await;
    let client = client(&program, &authority).await;
    let mut ready = client.ready().await.unwrap();
    let (answer, _) = ready
        .send_request(request(program.address, "/-/healthy"), true)
        .unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(ready.current_max_send_streams(), 16);
}
