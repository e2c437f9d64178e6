//! Clients that mean harm, or do it: each gets an answer or goes, and the next scrape is served
//! (`docs/spec/http.md`).

mod connections;
mod http2;
mod memory;
mod requests;
mod sizes;

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::*;

/// A database that is not there: a scrape is answered at once.
const NOWHERE: &str = "postgres://u@/d?host=/nowhere";

/// Sends bytes as they are and reads what comes until the end, which has to come. An error is
/// an end too: a server that does not read on may reset.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the first answer; 0 without one.
fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3));
    status.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// Whatever happened, this has to work.
async fn assert_serves(address: SocketAddr) {
    for path in ["/-/healthy", "/metrics"] {
        let answer = http::get(address, path, &[]).await;
        assert_eq!(answer.unwrap().status, 200, "{path}");
    }
}
