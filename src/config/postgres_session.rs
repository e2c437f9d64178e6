//! What a connection URL asks of the session: which of several servers, and run-time parameters.

use super::postgres_url::UrlError;

/// Which server is wanted of several (`target_session_attrs`).
///
/// A server is judged by whether it replays another one's log. libpq asks `read-write` and
/// `read-only` of the transactions, but the exporter's role makes these read-only everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetSession {
    /// Whichever answers first.
    #[default]
    Any,
    /// A primary: `primary`, `read-write`.
    Primary,
    /// A standby: `standby`, `read-only`.
    Standby,
    /// A standby, and where none answers, a primary: `prefer-standby`.
    PreferStandby,
}

impl TargetSession {
    /// Reads the value of the option.
    pub(super) fn parse(value: &str) -> Result<Self, UrlError> {
        Ok(match value {
            "" | "any" => Self::Any,
            "primary" | "read-write" => Self::Primary,
            "standby" | "read-only" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => {
                return Err(UrlError(
                    "target_session_attrs must be any, read-write, read-only, primary, standby or prefer-standby".into(),
                ));
            }
        })
    }
}

/// Options of libpq, lib/pq and pgx that have no meaning here.
const WITHOUT_EFFECT: &[&str] = &[
    "binary_parameters",
    "client_encoding",
    "default_query_exec_mode",
    "description_cache_capacity",
    "disable_prepared_binary_result",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbspn",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrldir",
    "sslinline",
    "sslkeylogfile",
    "sslpassword",
    "sslsni",
    "statement_cache_capacity",
];

/// Beginnings of names that no run-time parameter of Postgres has, or that a collection sets
/// itself.
const FOREIGN: &[&str] = &["oauth_", "pool_", "scram_", "transaction_"];

/// Whether an option that is none of the connection's is a run-time parameter of the session, such
/// as `search_path`. lib/pq, which Coder uses, forwards every option that it does not know.
pub(super) fn is_parameter(name: &str) -> bool {
    let is_foreign = FOREIGN.iter().any(|it| name.starts_with(it));
    !is_foreign && !WITHOUT_EFFECT.contains(&name)
}
