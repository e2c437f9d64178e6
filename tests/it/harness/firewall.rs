//! Stands between an exporter and its server, and can forget the connections it has let through:
//! both ends believe in them until one of them says something.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One that runs; dropping it stops it.
pub(crate) struct Firewall {
    pub(crate) port: u16,
    /// How often it has forgotten.
    generation: Arc<AtomicU32>,
    accepted: Arc<AtomicU32>,
    server: JoinHandle<()>,
}

impl Firewall {
    /// Lets connections through to this server.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let generation = Arc::<AtomicU32>::default();
        let accepted = Arc::<AtomicU32>::default();
        let (current, count) = (generation.clone(), accepted.clone());
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass_on(client, server, current.clone()));
            }
        });
        Self {
            port,
            generation,
            accepted,
            server,
        }
    }

    /// From now on, whoever speaks on a connection made so far is hung up on.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// How many connections it has let through.
    pub(crate) fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Until either end hangs up, or the client speaks on a connection that is forgotten.
async fn pass_on(client: TcpStream, server: SocketAddr, generation: Arc<AtomicU32>) {
    let born = generation.load(Ordering::SeqCst);
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = async {
        let mut buffer = [0; 8192];
        while let Ok(read) = from_client.read(&mut buffer).await {
            let forgotten = generation.load(Ordering::SeqCst) != born;
            if read == 0 || forgotten || to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}
