//! A wire to the database that counts how often we wait for the other end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use super::Coder;

/// What is said within this time is said in one go.
const ONE_GO: Duration = Duration::from_millis(20);

/// Stands between an exporter and the server; the first is kept waiting for a moment, so that
/// all it has to say before it must wait for an answer is one message.
pub(crate) struct Wire {
    address: SocketAddr,
    flights: Arc<AtomicU32>,
}

impl Wire {
    /// A wire to this Coder's database.
    pub(crate) async fn to(coder: &Coder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let flights = Arc::new(AtomicU32::new(0));
        let cluster = coder.cluster();
        let socket: PathBuf = cluster
            .folder()
            .join(format!(".s.PGSQL.{}", cluster.port()));
        let counted = flights.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(carry(from_client, to_server, Some(counted.clone())));
                tokio::spawn(carry(from_server, to_client, None));
            }
        });
        Self { address, flights }
    }

    /// Where the exporter finds the database at the other end.
    pub(crate) fn url(&self, coder: &Coder) -> String {
        let Self { address, .. } = self;
        let (role, database) = (&coder.role, &coder.database);
        format!("postgres://{role}@{address}/{database}?sslmode=disable")
    }

    /// How often it has been sent something since this was last asked.
    pub(crate) fn flights(&self) -> u32 {
        self.flights.swap(0, Ordering::Relaxed)
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    flights: Option<Arc<AtomicU32>>,
) {
    let mut bytes = vec![0; 1 << 20];
    while let Ok(mut length @ 1..) = from.read(&mut bytes).await {
        if let Some(flights) = &flights {
            flights.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(ONE_GO).await;
            // What has come meanwhile belongs to it: nobody has been answered yet.
            let more = tokio::time::timeout(Duration::ZERO, from.read(&mut bytes[length..])).await;
            length += more.map_or(0, |more| more.unwrap_or_default());
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
