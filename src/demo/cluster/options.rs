//! Options of a temporary Postgres server.

use std::path::PathBuf;

/// Options of a [`Cluster`](super::Cluster). The demo uses the defaults.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the server listens.
    pub listen: Listen,
    /// More lines for `postgresql.conf`. They override the built-in ones.
    pub settings: Vec<String>,
    /// The content of `pg_hba.conf`. `None` trusts every connection.
    pub hba: Option<String>,
    /// More files in the data folder, by name, such as certificates, keys and `standby.signal`.
    /// Only the server's user can read them.
    pub files: Vec<(String, Vec<u8>)>,
    /// A folder that keeps a new data folder of `initdb`, which the next clusters copy (about 0.03
    /// s instead of 0.5 s). It is created if it does not exist, and is never removed: use a folder
    /// that the build cleans, such as one under `target`. Processes can share it.
    pub prepared: Option<PathBuf>,
    /// A data folder to copy and start from, such as a base backup. `prepared` is ignored then.
    pub copy_of: Option<PathBuf>,
}

/// The addresses on which the server of a [`Cluster`](super::Cluster) listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listen {
    /// On a unix socket in its private folder.
    #[default]
    Socket,
    /// On the socket and on a free port of 127.0.0.1. The port stays the same after a restart.
    SocketAndTcp,
}
