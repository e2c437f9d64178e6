//! One scraper: one connection that is kept, asking as Prometheus 2.42 asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

/// The longest any answer may take.
const PATIENCE: Duration = Duration::from_secs(300);

const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Whether an answer may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Plain,
}

pub(crate) struct Scraper {
    address: SocketAddr,
    connection: BufReader<TcpStream>,
}

/// A body as it came.
pub(crate) struct Body {
    bytes: Vec<u8>,
    is_compressed: bool,
}

impl Body {
    /// How much of it went over the wire.
    pub(crate) fn wire_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn text(self) -> Result<String> {
        if !self.is_compressed {
            return String::from_utf8(self.bytes).context("read an answer");
        }
        let mut text = String::new();
        let mut decoder = GzDecoder::new(self.bytes.as_slice());
        let read = decoder.read_to_string(&mut text);
        read.context("unpack an answer")?;
        Ok(text)
    }
}

impl Scraper {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let connection = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        let connection = BufReader::with_capacity(1 << 16, connection);
        Ok(Self {
            address,
            connection,
        })
    }

    /// Sees to it that there is a connection, by asking for something cheap: one that nobody has
    /// used for long may have been closed at the other end.
    pub(crate) fn awake(&mut self, path: &str) -> Result<()> {
        if self.get(path, Encoding::Plain).is_err() {
            *self = Self::connect(self.address)?;
            self.get(path, Encoding::Plain)?;
        }
        Ok(())
    }

    /// Asks for `path` and takes the whole answer.
    pub(crate) fn get(&mut self, path: &str, encoding: Encoding) -> Result<Body> {
        let encoding = match encoding {
            Encoding::Gzip => "gzip",
            Encoding::Plain => "identity",
        };
        let seconds = PATIENCE.as_secs();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {ACCEPT}\r\n\
             Accept-Encoding: {encoding}\r\nX-Prometheus-Scrape-Timeout-Seconds: {seconds}\r\n\r\n"
        );
        self.connection.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let mut length = None;
        let mut is_chunked = false;
        let mut is_compressed = false;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            match name {
                "content-length" => length = Some(value.parse()?),
                "transfer-encoding" => is_chunked = value == "chunked",
                "content-encoding" => is_compressed = value == "gzip",
                _ => {}
            }
        }
        let bytes = match length {
            _ if is_chunked => self.chunks()?,
            Some(length) => self.exactly(length)?,
            None => bail!("an answer without a length"),
        };
        ensure!(
            status.contains(" 200 "),
            "{path} was answered with {status}: {}",
            String::from_utf8_lossy(&bytes)
        );
        Ok(Body {
            bytes,
            is_compressed,
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let length = self.connection.read_line(&mut line)?;
        ensure!(length > 0, "the exporter hung up");
        Ok(line.trim_end().to_owned())
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16)?;
            if length == 0 {
                self.line()?;
                return Ok(bytes);
            }
            bytes.append(&mut self.exactly(length)?);
            self.line()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.connection.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
