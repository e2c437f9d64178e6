//! Lets several clients use one session in turns, a transaction each.
//!
//! The embedded Postgres serves one connection and lets a second one wait for ever, while both
//! the fleet and the exporter keep theirs. So clients connect here, are greeted as the server
//! would, and pass through for one transaction at a time, as with a pooler in transaction mode.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::backend::{Backend, Visitor};
use super::wire::{Message, Messages, Startup};

/// Nobody may keep the others waiting longer.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// The fleet, the exporter, and people who are curious.
const MAX_VISITORS: usize = 32;

#[derive(Debug)]
struct Turnstile {
    backend: Mutex<Backend>,
    greeting: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Done,
    Left,
}

/// Serves who comes to `listener` by the one session at `socket`, until dropped.
pub(super) async fn run(listener: UnixListener, socket: &Path, user: &str) -> io::Result<()> {
    let (backend, greeting) = Backend::open(socket, user).await?;
    let turnstile = Arc::new(Turnstile {
        backend: Mutex::new(backend),
        greeting: greeting.iter().flat_map(Message::bytes).copied().collect(),
    });
    let seats = Arc::new(Semaphore::new(MAX_VISITORS));
    // Dropped with this future, and every visit with it.
    let mut visits = tokio::task::JoinSet::new();
    for number in 0.. {
        while visits.try_join_next().is_some() {}
        let (stream, _) = listener.accept().await?;
        if let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
            let turnstile = Arc::clone(&turnstile);
            visits.spawn(async move {
                if let Err(error) = turnstile.visit(stream, number).await {
                    tracing::debug!(%error, "a client of the embedded Postgres was let go");
                }
                drop(seat);
            });
        }
    }
    Ok(())
}

impl Turnstile {
    async fn visit(&self, stream: UnixStream, number: u64) -> io::Result<()> {
        let (read, mut client) = stream.into_split();
        let mut requests = Messages::new(read);
        let parameters = loop {
            match requests.next_startup().await? {
                Some(Startup::Encrypt) => client.write_all(b"N").await?,
                Some(Startup::Session(parameters)) => break parameters,
                None => return Ok(()),
            }
        };
        let mut named = parameters.into_iter();
        let user = named.find_map(|(name, value)| (name == "user").then_some(value));
        let user = user.unwrap_or_default();
        let visitor = Visitor { number, user };
        client.write_all(&self.greeting).await?;
        while let Some(request) = requests.next().await? {
            if request.kind() == b'X' {
                break;
            }
            let end = self
                .turn(request, &visitor, &mut requests, &mut client)
                .await;
            match end {
                Ok(End::Done) => {}
                Ok(End::Left) => break,
                Err(error) => {
                    let sentence = error.to_string();
                    client.write_all(Message::fatal(&sentence).bytes()).await?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// One transaction, from its first request until the session is nobody's again.
    async fn turn(
        &self,
        request: Message,
        visitor: &Visitor,
        requests: &mut Messages<OwnedReadHalf>,
        client: &mut OwnedWriteHalf,
    ) -> io::Result<End> {
        let mut backend = self.backend.lock().await;
        backend.turn_to(visitor).await?;
        let passed = pass(request, &mut backend, requests, client);
        let end = match timeout(TURN_TIMEOUT, passed).await {
            Ok(end) => end,
            Err(_) => Err(io::Error::other(
                "the embedded Postgres gives no one more than 30 s",
            )),
        };
        backend.clean_up().await?;
        end
    }
}

async fn pass(
    request: Message,
    backend: &mut Backend,
    requests: &mut Messages<OwnedReadHalf>,
    client: &mut OwnedWriteHalf,
) -> io::Result<End> {
    backend.send(&request).await?;
    while backend.is_busy() {
        tokio::select! {
            reply = backend.reply() => client.write_all(reply?.bytes()).await?,
            request = requests.next() => match request? {
                Some(request) if request.kind() != b'X' => backend.send(&request).await?,
                _ => return Ok(End::Left),
            },
        }
    }
    Ok(End::Done)
}
