//! Stands between a scraper and an exporter: sees what was served, and can keep a header back.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of the `Accept` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// It is passed on.
    Kept,
    /// The exporter never sees it.
    Dropped,
}

/// One that runs; dropping it stops it.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    content_types: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Relay {
    /// Starts one in front of `exporter`.
    pub(crate) async fn to(exporter: SocketAddr, accept: Accept) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let content_types = Arc::<Mutex<Vec<String>>>::default();
        let seen = content_types.clone();
        let server = tokio::spawn(async move {
            while let Ok((scraper, _)) = listener.accept().await {
                // A scraper that hangs up is no concern of ours.
                if let Ok(answer) = pass_on(scraper, exporter, accept).await {
                    seen.lock().unwrap().extend(content_type(&answer));
                }
            }
        });
        Self {
            address,
            content_types,
            server,
        }
    }

    /// The types of all answers so far, without parameters.
    pub(crate) fn content_types(&self) -> Vec<String> {
        self.content_types.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One request, one connection, byte by byte but for the headers that are changed.
async fn pass_on(
    mut scraper: TcpStream,
    exporter: SocketAddr,
    accept: Accept,
) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(scraper.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut head = String::new();
    for line in request.trim_end().lines() {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let dropped = accept == Accept::Dropped && name == "accept";
        if name != "connection" && !dropped {
            head.push_str(&format!("{line}\r\n"));
        }
    }
    head.push_str("Connection: close\r\n\r\n");
    let mut server = TcpStream::connect(exporter).await?;
    server.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    scraper.write_all(&answer).await?;
    scraper.shutdown().await?;
    Ok(answer)
}

fn content_type(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let (head, _) = text.split_once("\r\n\r\n")?;
    let value = head
        .lines()
        .find_map(|it| it.strip_prefix("content-type: "))?;
    Some(value.split(';').next()?.to_owned())
}
