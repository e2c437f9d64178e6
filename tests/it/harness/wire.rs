//! A wire to the database that counts how often the exporter waits for an answer.
//!
//! What is counted are messages of Postgres' protocol, not pieces of TCP: a round trip begins with
//! a message sent when the server had answered all it was asked. The exporter of a test runs on
//! the test's only thread, and this wire too: whatever the exporter has to say before it waits,
//! it has said when its bytes are looked at here, and no answer can come in between.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use super::Coder;

/// One that runs, between an exporter and the server.
pub(crate) struct Wire {
    address: SocketAddr,
    round_trips: Arc<Mutex<u32>>,
}

impl Wire {
    /// A wire to this Coder's database.
    pub(crate) async fn to(coder: &Coder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let round_trips = Arc::<Mutex<u32>>::default();
        let cluster = coder.cluster();
        let socket: PathBuf = cluster
            .folder()
            .join(format!(".s.PGSQL.{}", cluster.port()));
        let counted = round_trips.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_server, to_server) = server.into_split();
                let talk = Arc::new(Mutex::new(Talk::new(counted.clone())));
                tokio::spawn(carry(
                    from_client,
                    to_server,
                    Reader::of_client(talk.clone()),
                ));
                tokio::spawn(carry(from_server, to_client, Reader::of_server(talk)));
            }
        });
        Self {
            address,
            round_trips,
        }
    }

    /// Where the exporter finds the database at the other end.
    pub(crate) fn url(&self, coder: &Coder) -> String {
        let Self { address, .. } = self;
        let (role, database) = (&coder.role, &coder.database);
        format!("postgres://{role}@{address}/{database}?sslmode=disable")
    }

    /// How many round trips there were since this was last asked, those of all connections.
    pub(crate) fn round_trips(&self) -> u32 {
        std::mem::take(&mut self.round_trips.lock().unwrap())
    }
}

/// Who owes whom an answer, on one connection.
struct Talk {
    round_trips: Arc<Mutex<u32>>,
    /// How often the server has still to say that it is ready for a query.
    owed: u32,
    /// Whether the client is in the middle of messages that it will ask one answer for.
    is_asking: bool,
}

impl Talk {
    fn new(round_trips: Arc<Mutex<u32>>) -> Self {
        Self {
            round_trips,
            owed: 0,
            is_asking: false,
        }
    }

    /// A message of the client begins; `None` is the first of a connection, which has no type.
    fn asked(&mut self, kind: Option<u8>) {
        if self.owed == 0 && !self.is_asking && kind != Some(b'X') {
            *self.round_trips.lock().unwrap() += 1;
        }
        let is_whole = matches!(kind, None | Some(b'Q' | b'S'));
        self.owed += u32::from(is_whole);
        self.is_asking = !is_whole;
    }

    /// A message of the server begins.
    fn answered(&mut self, kind: Option<u8>) {
        if kind == Some(b'Z') {
            self.owed -= 1;
        }
    }
}

/// Finds where messages begin, however the bytes arrive.
struct Reader {
    talk: Arc<Mutex<Talk>>,
    noted: fn(&mut Talk, Option<u8>),
    /// Bytes of the head of a message that has not arrived in full.
    head: Vec<u8>,
    /// Bytes of a message's body that are still to come.
    body: usize,
    /// Whether messages begin with their type.
    has_type: bool,
}

impl Reader {
    fn of_client(talk: Arc<Mutex<Talk>>) -> Self {
        Self::new(talk, Talk::asked, false)
    }

    fn of_server(talk: Arc<Mutex<Talk>>) -> Self {
        Self::new(talk, Talk::answered, true)
    }

    fn new(talk: Arc<Mutex<Talk>>, noted: fn(&mut Talk, Option<u8>), has_type: bool) -> Self {
        Self {
            talk,
            noted,
            head: Vec::new(),
            body: 0,
            has_type,
        }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.body.min(bytes.len());
            self.body -= skipped;
            bytes = &bytes[skipped..];
            let wanted = 4 + usize::from(self.has_type);
            while let Some((byte, rest)) = bytes.split_first().filter(|_| self.body == 0) {
                self.head.push(*byte);
                bytes = rest;
                if self.head.len() == wanted {
                    self.begun();
                    break;
                }
            }
        }
    }

    /// The head of a message is here: its type, unless it is the first, and its length, which
    /// counts itself.
    fn begun(&mut self) {
        let kind = self.has_type.then(|| self.head[0]);
        let length = self.head.split_off(usize::from(self.has_type));
        let length = u32::from_be_bytes(length.try_into().unwrap());
        self.body = length as usize - 4;
        self.head.clear();
        self.has_type = true;
        (self.noted)(&mut self.talk.lock().unwrap(), kind);
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut reader: Reader,
) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        // Before it is passed on: nobody answers what is not noted.
        reader.read(&bytes[..length]);
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
