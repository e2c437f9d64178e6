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

use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Longer than a pooler lets a cancel wait (`PgBouncer`'s `cancel_wait_timeout` is 10 s).
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends cancels to where the connections go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Canceller {
    servers: Arc<[Server]>,
    tls: MakeRustlsConnect,
}

/// One of the hosts of the database URL.
struct Server {
    /// Where to connect.
    address: Host,
    /// What its certificate is for.
    name: String,
    port: u16,
}

impl Canceller {
    pub(crate) fn new(config: &Config, tls: MakeRustlsConnect) -> Self {
        let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
        let ports = config.get_ports();
        let servers = (0..hosts.len().max(addresses.len())).filter_map(|index| {
            let host = hosts.get(index);
            let address = addresses.get(index).map(|it| Host::Tcp(it.to_string()));
            let port = ports.get(index).or(ports.first());
            Some(Server {
                address: address.or_else(|| host.cloned())?,
                name: match host {
                    Some(Host::Tcp(name)) => name.clone(),
                    _ => String::new(),
                },
                port: port.copied().unwrap_or(5432),
            })
        });
        Self {
            servers: servers.collect(),
            tls,
        }
    }

    /// Asks for the statement of this session to be cancelled, and waits until the server has
    /// passed that on. Where the URL names several servers, which one has the session is not
    /// known: the others find that the key is none of theirs, and do nothing.
    pub(crate) async fn cancel(self, session: CancelToken) {
        let cancels = self.servers.iter().map(|server| async {
            // The caller is gone: if this fails, statement_timeout ends the statement.
            let _ = timeout(PATIENCE, self.cancel_at(server, &session)).await;
        });
        join_all(cancels).await;
    }

    async fn cancel_at(&self, server: &Server, session: &CancelToken) -> io::Result<()> {
        match &server.address {
            Host::Tcp(host) => {
                let stream = TcpStream::connect((host.as_str(), server.port)).await?;
                self.cancel_on(stream, server, session).await
            }
            Host::Unix(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", server.port));
                let stream = UnixStream::connect(socket).await?;
                self.cancel_on(stream, server, session).await
            }
        }
    }

    async fn cancel_on<S>(&self, stream: S, at: &Server, session: &CancelToken) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut tls = self.tls.clone();
        let connect = MakeTlsConnect::<HalfCloseStream<S>>::make_tls_connect(&mut tls, &at.name);
        let connect = HalfCloseTls(connect.map_err(io::Error::other)?);
        let sent = session
            .cancel_query_raw(HalfCloseStream(stream), connect)
            .await;
        sent.map_err(io::Error::other)
    }
}

/// A stream that, told to shut down, first waits for the other end to.
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

/// Makes a TLS stream patient too: it says goodbye before the stream below is asked.
struct HalfCloseTls<T>(T);

impl<S, T> TlsConnect<S> for HalfCloseTls<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
{
    type Stream = HalfCloseStream<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.0.connect(stream);
        Box::pin(async move { connecting.await.map(HalfCloseStream) })
    }
}
