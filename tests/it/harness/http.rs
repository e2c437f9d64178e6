//! The least HTTP that a test needs: one request, one connection, one answer.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Empty when it is not text.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
    head: String,
}

impl Response {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Asks for `path` and waits for the whole answer.
pub(crate) async fn get(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    receive(send(address, path, headers).await?).await
}

/// Posts nothing to `path` and waits for the whole answer.
pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    let headers = [headers, &[("Content-Length", "0")]].concat();
    receive(send_as("POST", address, path, &headers).await?).await
}

/// Asks for `path`. Dropping the stream is a client that hangs up.
pub(crate) async fn send(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<TcpStream> {
    send_as("GET", address, path, headers).await
}

async fn send_as(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<TcpStream> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n"
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// Waits for the answer to what was sent.
pub(crate) async fn receive(mut stream: TcpStream) -> io::Result<Response> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parse(&bytes).ok_or_else(|| io::Error::other("that is no HTTP answer of known length"))
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let (head, body) = (str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let response = Response {
        status,
        body: String::from_utf8(body.to_vec()).unwrap_or_default(),
        bytes: body.to_vec(),
        head: head.to_owned(),
    };
    // Cut short, or in a transfer coding this reader does not speak.
    let length: usize = response.header("content-length")?.parse().ok()?;
    (length == body.len()).then_some(response)
}
