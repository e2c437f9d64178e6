//! A network that misbehaves: stands between an exporter and its database.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enum_map::{Enum, EnumMap};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use super::Coder;

/// What happens to what is sent, once `after` bytes have come through since it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mischief {
    /// Nothing.
    None,
    /// Each piece comes this much later.
    Delay(Duration),
    /// Nothing more comes, and nobody hears why.
    Swallow { after: u64 },
    /// The connection ends in good order.
    Truncate { after: u64 },
    /// The connection is reset.
    Reset { after: u64 },
    /// One byte in each piece becomes another.
    Garble { after: u64 },
}

/// Which way what is sent goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Way {
    ToServer,
    ToExporter,
}

#[derive(Debug)]
struct Plan {
    way: Way,
    mischief: Mischief,
    /// Bytes that came each way since the plan was made.
    carried: EnumMap<Way, u64>,
}

/// One that runs; dropping it stops it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// One in front of this Coder's database, which does nothing yet.
    pub(crate) async fn to(coder: &Coder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::new(Mutex::new(Plan {
            way: Way::ToExporter,
            mischief: Mischief::None,
            carried: EnumMap::default(),
        }));
        let cluster = coder.cluster();
        let name = format!(".s.PGSQL.{}", cluster.port());
        let socket: PathBuf = cluster.folder().join(name);
        let shared = plan.clone();
        let server = tokio::spawn(async move {
            while let Ok((exporter, _)) = listener.accept().await {
                let (socket, plan) = (socket.clone(), shared.clone());
                tokio::spawn(async move {
                    // A server that is down is one that hangs up.
                    if let Ok(server) = UnixStream::connect(&socket).await {
                        connect(exporter, server, &plan).await;
                    }
                });
            }
        });
        Self {
            address,
            plan,
            server,
        }
    }

    /// Where the exporter finds the database at the other end.
    pub(crate) fn url(&self, coder: &Coder) -> String {
        let Self { address, .. } = self;
        let (role, database) = (&coder.role, &coder.database);
        format!("postgres://{role}@{address}/{database}?sslmode=disable")
    }

    /// From now on this happens to what goes that way.
    pub(crate) fn set(&self, way: Way, mischief: Mischief) {
        *self.plan.lock().unwrap() = Plan {
            way,
            mischief,
            carried: EnumMap::default(),
        };
    }

    /// Bytes that came this way since the last call of [`set`](Self::set).
    pub(crate) fn carried(&self, way: Way) -> u64 {
        self.plan.lock().unwrap().carried[way]
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// How a connection ends.
enum End {
    Orderly,
    Reset,
}

async fn connect(mut exporter: TcpStream, mut server: UnixStream, plan: &Mutex<Plan>) {
    // Small pieces back and forth: they shall not wait for each other's receipts.
    exporter.set_nodelay(true).unwrap();
    let (from_exporter, to_exporter) = exporter.split();
    let (from_server, to_server) = server.split();
    let end = tokio::select! {
        end = carry(from_exporter, to_server, Way::ToServer, plan) => end,
        end = carry(from_server, to_exporter, Way::ToExporter, plan) => end,
    };
    if matches!(end, End::Reset) {
        exporter.set_zero_linger().unwrap();
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    plan: &Mutex<Plan>,
) -> End {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let (mischief, good) = plan.lock().unwrap().judge(way, length as u64);
        let good = good as usize;
        if let Mischief::Delay(delay) = mischief {
            tokio::time::sleep(delay).await;
        }
        if matches!(mischief, Mischief::Garble { .. }) && good < length {
            bytes[good] = !bytes[good];
        }
        let passed = match mischief {
            Mischief::None | Mischief::Delay(_) | Mischief::Garble { .. } => length,
            _ => good,
        };
        if to.write_all(&bytes[..passed]).await.is_err() {
            return End::Orderly;
        }
        match mischief {
            Mischief::Truncate { .. } if good < length => return End::Orderly,
            Mischief::Reset { .. } if good < length => return End::Reset,
            _ => {}
        }
    }
    End::Orderly
}

impl Plan {
    /// What to do with a piece that goes this way, and how much of it comes before that.
    fn judge(&mut self, way: Way, length: u64) -> (Mischief, u64) {
        let carried = &mut self.carried[way];
        let before = *carried;
        *carried += length;
        if way != self.way {
            return (Mischief::None, length);
        }
        let after = match self.mischief {
            Mischief::None | Mischief::Delay(_) => u64::MAX,
            Mischief::Swallow { after }
            | Mischief::Truncate { after }
            | Mischief::Reset { after }
            | Mischief::Garble { after } => after,
        };
        (self.mischief, after.saturating_sub(before).min(length))
    }
}
