//! The one session of the embedded Postgres, and how it passes from client to client.

use std::io;
use std::path::Path;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::wire::{self, Message, Messages};

/// Who is at the turnstile: a number, and the user they came as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visitor {
    pub(super) number: u64,
    pub(super) user: String,
}

#[derive(Debug)]
pub(super) struct Backend {
    replies: Messages<OwnedReadHalf>,
    requests: OwnedWriteHalf,
    visitor: Option<Visitor>,
    /// Queries sent that are not yet followed by `ReadyForQuery`.
    awaited: usize,
    /// Whether something was sent that waits for a `Sync`.
    is_unsynced: bool,
    /// Inside a transaction, or a failed one.
    is_in_transaction: bool,
}

impl Backend {
    /// Opens the session. Also returns what the server says about itself on the way, which is
    /// what every client is to hear.
    pub(super) async fn open(socket: &Path, user: &str) -> io::Result<(Self, Vec<Message>)> {
        let (read, mut write) = UnixStream::connect(socket).await?.into_split();
        let parameters = [("user", user), ("database", super::DATABASE)];
        write.write_all(&wire::startup(&parameters)).await?;
        let mut backend = Self {
            replies: Messages::new(read),
            requests: write,
            visitor: None,
            awaited: 1,
            is_unsynced: false,
            is_in_transaction: false,
        };
        let mut greeting = Vec::new();
        while backend.is_busy() {
            let reply = backend.reply().await?;
            if reply.kind() == b'E' {
                return Err(refusal(&reply));
            }
            greeting.push(reply);
        }
        Ok((backend, greeting))
    }

    /// Whether the present visitor is not done: between turns it is nobody's.
    pub(super) fn is_busy(&self) -> bool {
        self.awaited > 0 || self.is_unsynced || self.is_in_transaction
    }

    /// Makes the session this visitor's: nothing the last one prepared or set is left, and the
    /// user is theirs, rights included.
    pub(super) async fn turn_to(&mut self, visitor: &Visitor) -> io::Result<()> {
        if self.visitor.as_ref() == Some(visitor) {
            return Ok(());
        }
        self.visitor = None;
        self.ask("DISCARD ALL").await?;
        let user = visitor.user.replace('"', "\"\"");
        self.ask(&format!("SET SESSION AUTHORIZATION \"{user}\""))
            .await?;
        self.visitor = Some(visitor.clone());
        Ok(())
    }

    pub(super) async fn send(&mut self, message: &Message) -> io::Result<()> {
        match message.kind() {
            b'Q' | b'F' => self.awaited += 1,
            b'S' => {
                self.awaited += 1;
                self.is_unsynced = false;
            }
            _ => self.is_unsynced = true,
        }
        self.requests.write_all(message.bytes()).await
    }

    /// The next reply. May be dropped while it waits, and asked again.
    pub(super) async fn reply(&mut self) -> io::Result<Message> {
        let reply = self.replies.next().await?;
        let reply = reply.ok_or(io::ErrorKind::UnexpectedEof)?;
        if reply.kind() == b'Z' {
            self.awaited = self.awaited.saturating_sub(1);
            self.is_in_transaction = reply.body() != b"I";
        }
        Ok(reply)
    }

    /// Ends what a visitor began who is no longer there.
    pub(super) async fn clean_up(&mut self) -> io::Result<()> {
        if self.is_unsynced {
            self.send(&Message::new(b'S', b"")).await?;
        }
        while self.awaited > 0 {
            self.reply().await?;
        }
        if self.is_in_transaction {
            self.ask("ROLLBACK").await?;
        }
        Ok(())
    }

    async fn ask(&mut self, sql: &str) -> io::Result<()> {
        self.send(&Message::query(sql)).await?;
        let mut refused = None;
        while self.awaited > 0 {
            let reply = self.reply().await?;
            if reply.kind() == b'E' {
                refused = Some(refusal(&reply));
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// The sentence of an error message.
fn refusal(reply: &Message) -> io::Error {
    let fields = reply.body().split(|byte| *byte == 0);
    let sentence = fields.filter_map(|field| field.strip_prefix(b"M")).next();
    let sentence = String::from_utf8_lossy(sentence.unwrap_or_default());
    io::Error::other(sentence.into_owned())
}
