//! What can keep a demo from starting.

use super::cluster::ClusterError;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No throwaway Postgres.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The URL of the server to use is none.
    #[error("the demo's database URL is not a Postgres URL: {0}")]
    Url(tokio_postgres::Error),
    /// The server refused something.
    #[error("could not {doing}: {}", reason(.source))]
    Database {
        /// What was being done to what.
        doing: String,
        /// Why not.
        source: tokio_postgres::Error,
    },
    /// A thread of ours did not live to tell.
    #[error("the demo's Postgres was not started: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// For `map_err`: what was being done, to what.
    pub(super) fn of(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Database { doing, source }
    }

    /// Whether the server understood and said no, as it would say again: wrong data (class 22),
    /// broken constraints (23), missing tables and rights (42).
    pub(super) fn is_refusal(&self) -> bool {
        let Self::Database { source, .. } = self else {
            return false;
        };
        let class = source.code().map(|code| code.code().get(..2));
        matches!(class, Some(Some("22" | "23" | "42")))
    }
}

/// What the server said, which the error itself only calls a "db error".
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
