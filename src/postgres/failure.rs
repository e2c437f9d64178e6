//! From what the driver says to what an operator can act on.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::fleet::pass::{ErrorKind, Failure};

/// A failed statement or connection. `doing` says what was being done, as in
/// "reading the agents".
pub(super) fn from_driver(doing: &str, error: &Error) -> Failure {
    Failure::new(kind_of(error), format!("{doing}: {}", describe(error)))
}

/// A connection the pool could not give.
pub(super) fn from_pool(target: &str, error: &PoolError) -> Failure {
    match error {
        PoolError::Backend(error) => {
            let mut failure = from_driver(&format!("connecting to {target}"), error);
            // What went wrong before any statement could run is the connection's fault.
            if failure.kind == ErrorKind::Query {
                failure.kind = ErrorKind::Connect;
            }
            failure
        }
        PoolError::Timeout(TimeoutType::Wait) => Failure::new(
            ErrorKind::Timeout,
            "all connections of --postgres.max-connections are busy until the deadline",
        ),
        PoolError::Timeout(TimeoutType::Create) => Failure::new(
            ErrorKind::Connect,
            format!("connecting to {target}: no answer before the deadline"),
        ),
        other => Failure::new(
            ErrorKind::Connect,
            format!("connecting to {target}: {other}"),
        ),
    }
}

fn kind_of(error: &Error) -> ErrorKind {
    let Some(state) = error.code() else {
        return kind_of_transport(error);
    };
    match state.code() {
        "42501" => ErrorKind::Permission,
        // undefined table, column, type, function, schema
        "42P01" | "42703" | "42704" | "42883" | "3F000" => ErrorKind::Schema,
        // query_canceled is how statement_timeout reports; lock_not_available is lock_timeout
        "57014" | "55P03" | "25P03" => ErrorKind::Timeout,
        code if code.starts_with("28") => ErrorKind::Authentication,
        // connection exception, invalid catalog name, insufficient resources, operator intervention
        code if ["08", "3D", "53", "57"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            ErrorKind::Connect
        }
        _ => ErrorKind::Query,
    }
}

fn kind_of_transport(error: &Error) -> ErrorKind {
    let text = describe(error);
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<rustls::Error>() {
            return ErrorKind::Tls;
        }
        let io = inner.downcast_ref::<io::Error>();
        if let Some(inner) = io.and_then(|io| io.get_ref())
            && inner.is::<rustls::Error>()
        {
            return ErrorKind::Tls;
        }
        source = inner.source();
    }
    if text.contains("TLS") {
        ErrorKind::Tls
    } else if text.contains("authentication") || text.contains("password") {
        ErrorKind::Authentication
    } else if text.contains("deserializing") {
        ErrorKind::Decode
    } else {
        ErrorKind::Connect
    }
}

/// The whole story in one line: what the server said with its code, or the chain of causes.
fn describe(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        let hint = match *db.code() {
            SqlState::TOO_MANY_CONNECTIONS => {
                "; raise max_connections or the role's CONNECTION LIMIT"
            }
            SqlState::INVALID_PASSWORD => "; check the user and password of the database URL",
            SqlState::LOCK_NOT_AVAILABLE => "; another session holds a lock, a migration perhaps",
            _ => "",
        };
        return format!("{} (SQLSTATE {}){hint}", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
