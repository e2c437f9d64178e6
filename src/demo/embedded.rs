//! A Postgres compiled into this program, for where none can be installed (feature `embedded`).
//!
//! It is Postgres in WebAssembly with a single session; a turnstile lets the fleet and the
//! exporter use that in turns. Statement timeouts and cancels do nothing in it. Good enough to
//! watch a demo; nothing is tested on it but itself. Its unpacked parts stay in the user's
//! cache folder (`pglite-oxide`, 100 MB); the database does not.

mod backend;
mod turnstile;
mod wire;

use std::path::Path;

use pglite_oxide::PgliteServer;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::cluster::private::{Folder, Keeper};
use super::cluster::{self, ClusterError, SUPERUSER};

/// The one there is.
pub(super) const DATABASE: &str = "postgres";
/// Under this one only the turnstile knocks.
const SERVER_SOCKET: &str = ".s.PGSQL.1";

/// An embedded Postgres and the turnstile in front of it. Dropping it removes its folder; so
/// does the end of this process.
#[derive(Debug)]
pub(super) struct Embedded {
    turnstile: JoinHandle<()>,
    // In this order: the server ends before its folder goes.
    server: Option<PgliteServer>,
    _keeper: Keeper,
    folder: Folder,
}

impl Embedded {
    /// Unpacks and starts it: about half a second, some seconds the first time. Blocks, on a
    /// thread of a runtime.
    pub(super) fn start() -> Result<Self, ClusterError> {
        let folder = Folder::create_as_ourselves()?;
        let keeper = Keeper::start(&folder)?;
        let path = folder.path();
        let socket = path.join(SERVER_SOCKET);
        let server = PgliteServer::builder()
            .path(path.join("data"))
            .unix(&socket)
            .relaxed_durability(true)
            .start()
            .map_err(|error| ClusterError::Embedded(format!("{error:#}")))?;
        let door = path.join(format!(".s.PGSQL.{}", cluster::DEFAULT_PORT));
        let listener = UnixListener::bind(&door).map_err(cluster::private::failed(format!(
            "listen on {}",
            door.display()
        )))?;
        let turnstile = tokio::spawn(async move {
            if let Err(error) = turnstile::run(listener, &socket, SUPERUSER).await {
                tracing::error!(%error, "the embedded Postgres has ended");
            }
        });
        Ok(Self {
            turnstile,
            server: Some(server),
            _keeper: keeper,
            folder,
        })
    }

    /// The URL for `user`, who has the rights that this user has in there.
    pub(super) fn url(&self, user: &str) -> String {
        cluster::socket_url(user, DATABASE, self.folder(), cluster::DEFAULT_PORT)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Removes everything.
    pub(super) async fn leave(mut self) {
        self.turnstile.abort();
        // The server waits for its client to leave, so the turnstile must really be gone.
        let _ = (&mut self.turnstile).await;
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if !self.turnstile.is_finished() {
            self.turnstile.abort();
            // Waiting for it here could wait for ever, on the thread it would have to end on.
            // The server's thread ends with the process, and the keeper does the rest.
            std::mem::forget(self.server.take());
        }
    }
}

#[cfg(test)]
mod tests;
