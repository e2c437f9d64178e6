//! What a throwaway Postgres is to be like.

use std::path::PathBuf;

/// What a [`Cluster`](super::Cluster) is to be like. The default is what the demo uses.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the server listens.
    pub listen: Listen,
    /// Further lines of `postgresql.conf`; they win over the ones set here.
    pub settings: Vec<String>,
    /// The whole `pg_hba.conf`. Without it everybody who reaches the server is trusted.
    pub hba: Option<String>,
    /// Further files in the data folder, by name, readable by the server only:
    /// certificates, keys, `standby.signal`.
    pub files: Vec<(String, Vec<u8>)>,
    /// A folder that keeps a data folder fresh from `initdb` for the next cluster to copy
    /// (about 0.03 s instead of 0.5 s). It is made when missing and stays: give one that a
    /// build cleans, such as one under `target`. Several processes may share it.
    pub prepared: Option<PathBuf>,
    /// A data folder to start from, such as a base backup; it is copied. `prepared` is not used
    /// then.
    pub copy_of: Option<PathBuf>,
}

/// Where the server of a [`Cluster`](super::Cluster) listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listen {
    /// On a unix socket in its private folder.
    #[default]
    Socket,
    /// On the socket, and on a free port of 127.0.0.1 which it keeps when started again.
    SocketAndTcp,
}
