//! Errors that keep a temporary Postgres server from starting. Each message says what to do.

use std::io;

/// Why the temporary Postgres server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The programs of the server are not installed, or not in a known folder.
    #[error(
        "found no `initdb` and `postgres` on this machine: install the package `postgresql` \
         (Debian, Ubuntu), `postgresql-server` (Fedora) or `postgresql@16` (Homebrew), or put \
         their folder on the PATH"
    )]
    ProgramsMissing,
    /// Postgres refuses to run as root, and there is no other user to run it as.
    #[error(
        "Postgres does not run as root, and this machine has no user `postgres` or `nobody` to \
         run it as: start the demo as another user"
    )]
    NobodyToRunAs,
    /// Neither `TMPDIR` nor `/tmp` can hold the server's folder.
    #[error(
        "no temporary folder can be used for Postgres ({tried}): it must exist, be writable, be \
         open to the user that runs the server and have a path short enough for a unix socket; \
         set TMPDIR to such a folder"
    )]
    NoFolder {
        /// The folders that were tried, each with its problem.
        tried: String,
    },
    /// `initdb` ended with an error.
    #[error("`initdb` could not make a database: {output}{}", remedy(.output))]
    Init {
        /// The output of `initdb`.
        output: String,
    },
    /// The server ended while it started.
    #[error("`postgres` did not start; its log ends with:\n{log}")]
    Start {
        /// The last lines of its log.
        log: String,
    },
    /// The server neither started nor ended in time.
    #[error("`postgres` was not ready within {} s; its log ends with:\n{log}", super::START_TIMEOUT.as_secs())]
    StartTimeout {
        /// The last lines of its log.
        log: String,
    },
    /// An operation of the operating system failed.
    #[error("could not {doing}: {source}{}", remedy(&.source.to_string()))]
    Io {
        /// The operation and its object.
        doing: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// For `map_err`: adds the operation and its object to an error.
pub(super) fn failed(doing: impl Into<String>) -> impl FnOnce(io::Error) -> ClusterError {
    let doing = doing.into();
    move |source| ClusterError::Io { doing, source }
}

/// What to do about the error, if that is known; otherwise empty.
fn remedy(output: &str) -> &'static str {
    if output.contains("No space left on device") {
        "; set TMPDIR to a folder on a disk with free space"
    } else {
        ""
    }
}
