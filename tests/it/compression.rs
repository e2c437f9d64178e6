//! Answers are compressed as the client asks (`docs/spec/metrics.md`), and say the same.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::*;

/// The head and the body of an answer. Asked in HTTP/1.0, a server sends no chunks.
async fn ask(address: SocketAddr, accept_encoding: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.0\r\nAccept-Encoding: {accept_encoding}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

/// What does not differ from one scrape of a collection to the next.
fn lasting(page: &str) -> Vec<&str> {
    let lines = page.lines();
    lines.filter(|line| !line.starts_with("process_")).collect()
}

#[tokio::test]
async fn answer_is_compressed_as_the_client_asks_and_says_the_same() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    assert_compressed_as_asked(&coder).await;
}

/// So many that they are written and compressed on a thread of their own.
#[tokio::test]
async fn answer_about_many_agents_is_compressed_all_the_same() {
    let coder = Coder::new().await;
    coder.add_many(1, 6000, 0).await;
    assert_compressed_as_asked(&coder).await;
}

async fn assert_compressed_as_asked(coder: &Coder) {
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_secs(3600))
        .await;
    let (head, plain) = ask(exporter.address, "identity").await;
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(head.matches("vary: accept-encoding").count(), 1, "{head}");
    let plain = String::from_utf8(plain).unwrap();

    for (asked, encoding) in [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, zstd;q=0.9", "zstd"),
        ("gzip, zstd;q=0", "gzip"),
    ] {
        let (head, body) = ask(exporter.address, asked).await;
        let said = format!("content-encoding: {encoding}");
        assert!(head.contains(&said), "{asked}: {head}");
        assert_eq!(head.matches("vary: ").count(), 1, "{asked}: {head}");
        assert!(head.contains("vary: accept-encoding"), "{asked}: {head}");
        assert!(body.len() < plain.len() / 4, "{asked}: {}", body.len());
        let text = match encoding {
            "gzip" => {
                let mut text = String::new();
                GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
                text
            }
            _ => String::from_utf8(zstd::decode_all(&*body).unwrap()).unwrap(),
        };
        assert_eq!(lasting(&text), lasting(&plain), "{asked}");

        let header = format!("Accept-Encoding: {asked}");
        let url = format!("http://{}/metrics", exporter.address);
        let curled = curl(&["--compressed", "-H", &header, &url]).await;
        assert_eq!(
            (curled.exit, curled.status),
            (0, 200),
            "{asked}: {curled:?}"
        );
        let (_, text) = curled.text.split_once("\r\n\r\n").unwrap();
        assert_eq!(lasting(text), lasting(&plain), "{asked}, by curl");
    }
}

#[tokio::test]
async fn encoding_nobody_knows_gets_the_plain_page() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    for asked in ["br", "x", "", ";;q=", "gzip;q=0"] {
        let (head, body) = ask(exporter.address, asked).await;
        assert!(!head.contains("content-encoding"), "{asked:?}: {head}");
        assert!(body.starts_with(b"# HELP"), "{asked:?}");
    }
}
