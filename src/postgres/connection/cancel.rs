//! Cancelling a statement without harm to a pooler between.
//!
//! The driver's own `cancel_query` hangs up as soon as it has spoken. `PgBouncer` 1.18 and 1.19
//! then end themselves, and all their clients with them (`bad client state`), where the cancel
//! has to wait for a moment. So the request goes out on a connection that is kept until the
//! other end has closed it, which is what libpq does.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_postgres::tls::{ChannelBinding, NoTls, TlsStream};
use tokio_postgres::{CancelToken, Config};

use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::dial::{Endpoint, Wire};
use crate::postgres::connection::login::{Established, Secured, Tls};

/// Longer than a pooler lets a cancel wait (`PgBouncer`'s `cancel_wait_timeout` is 10 s).
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends cancels to where a connection goes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Canceller(Arc<Way>);

/// How the connection was made.
struct Way {
    endpoint: Endpoint,
    /// What the server's certificate is for.
    name: String,
    tls: Option<Tls>,
}

impl Canceller {
    pub(crate) fn new(endpoint: &Endpoint, name: &str, tls: Option<&Tls>) -> Self {
        Self(Arc::new(Way {
            endpoint: endpoint.clone(),
            name: name.to_owned(),
            tls: tls.cloned(),
        }))
    }

    /// Makes a wire ready for the startup message, or for a cancel.
    pub(crate) async fn secure(&self, wire: Wire) -> Result<Secured, Failure> {
        match &self.0.tls {
            Some(tls) => tls.secure(wire, &self.0.name).await,
            None => Ok(Secured::Plain(wire)),
        }
    }

    /// Asks for the statement of this session to be cancelled, and waits until the server has
    /// passed that on.
    pub(crate) async fn cancel(self, session: CancelToken) {
        // The caller is gone: if this fails, statement_timeout ends the statement.
        let _ = timeout(PATIENCE, self.send(&session)).await;
    }

    async fn send(&self, session: &CancelToken) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(ErrorKind::Connect, error.to_string());
        let wire = self.0.endpoint.dial(&Config::new()).await.map_err(failed)?;
        let sent = match self.secure(wire).await? {
            Secured::Plain(wire) => {
                let stream = HalfCloseStream(wire);
                session.cancel_query_raw(stream, NoTls).await
            }
            Secured::Tls(stream) => {
                let stream = HalfCloseStream(*stream);
                session.cancel_query_raw(stream, Established).await
            }
        };
        sent.map_err(|error| Failure::new(ErrorKind::Connect, error.to_string()))
    }
}

/// A stream that, when it is to shut down, first waits for the other end to.
struct HalfCloseStream<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for HalfCloseStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HalfCloseStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut bytes = [0; 64];
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Pin::new(&mut self.0).poll_shutdown(context);
            }
        }
    }
}

impl<S: TlsStream + Unpin> TlsStream for HalfCloseStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}
