//! From a wire to a session: TLS, startup and login.

use std::convert::Infallible;
use std::future::{self, ready};
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::dial::Wire;
use crate::postgres::failure::from_handshake;

/// What asks a server for TLS: a length of eight bytes, and the number of the request.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server's answer that it speaks TLS.
const SPEAKS_TLS: u8 = b'S';

/// A stream within TLS.
pub(crate) type TlsWire = <MakeRustlsConnect as MakeTlsConnect<Wire>>::Stream;

/// A stream that is ready for the startup message.
pub(crate) enum Secured {
    /// In clear.
    Plain(Wire),
    /// Within TLS.
    Tls(Box<TlsWire>),
}

/// TLS, as one connection uses it.
#[derive(Clone)]
pub(crate) struct Tls {
    /// What makes the handshake.
    pub(crate) connect: MakeRustlsConnect,
    /// Begin at once, without asking (`sslnegotiation=direct`).
    pub(crate) is_direct: bool,
    /// A server that does not speak TLS is refused.
    pub(crate) is_required: bool,
}

impl Tls {
    /// Asks for TLS, and makes the handshake with the server of this name. A server that does not
    /// speak it gets a connection in clear, unless TLS is required.
    ///
    /// # Errors
    ///
    /// Of kind `tls`, with what to do.
    pub(crate) async fn secure(&self, mut wire: Wire, name: &str) -> Result<Secured, Failure> {
        if !self.is_direct && !speaks_tls(&mut wire).await? {
            return match self.is_required {
                false => Ok(Secured::Plain(wire)),
                true => Err(Failure::new(
                    ErrorKind::Tls,
                    "the server does not support TLS; set ssl = on on the server, or \
                     sslmode=disable in the database URL if the network is trusted",
                )),
            };
        }
        let mut connect = self.connect.clone();
        let Ok(connect) = MakeTlsConnect::<Wire>::make_tls_connect(&mut connect, name);
        let stream = connect.connect(wire).await.map_err(from_handshake)?;
        Ok(Secured::Tls(Box::new(stream)))
    }
}

async fn speaks_tls(wire: &mut Wire) -> Result<bool, Failure> {
    let asked = async {
        wire.write_all(&SSL_REQUEST).await?;
        wire.flush().await?;
        wire.read_u8().await
    };
    let answer: io::Result<u8> = asked.await;
    answer.map(|it| it == SPEAKS_TLS).map_err(|error| {
        let message = format!("the server did not say whether it supports TLS: {error}");
        Failure::new(ErrorKind::Connect, message).caused_by(error)
    })
}

/// Sends the startup message and logs in. The task is the driver's side of the session: it ends after
/// the client is dropped.
pub(crate) async fn log_in(
    config: &Config,
    stream: Secured,
) -> Result<(Client, JoinHandle<()>), Error> {
    let mut config = config.clone();
    match stream {
        Secured::Plain(wire) => {
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect_raw(wire, NoTls).await?;
            Ok((client, drive(connection)))
        }
        Secured::Tls(stream) => {
            // The handshake is over. In this mode the driver asks for none before its own, which
            // gives the stream as it is.
            config.ssl_mode(SslMode::Require);
            config.ssl_negotiation(SslNegotiation::Direct);
            let (client, connection) = config.connect_raw(*stream, Established).await?;
            Ok((client, drive(connection)))
        }
    }
}

fn drive(connection: impl Future<Output = Result<(), Error>> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    })
}

/// TLS of a stream that is within TLS already.
pub(crate) struct Established;

impl<S: TlsStream + Unpin> TlsConnect<S> for Established {
    type Stream = S;
    type Error = Infallible;
    type Future = future::Ready<Result<S, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(stream))
    }
}
