//! From what the driver says to what an operator can act on.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;

use crate::error::{ErrorKind, Failure};
use crate::postgres::advice;

/// A failed statement or connection. `doing` says what was being done, as in
/// "reading the agents".
pub(crate) fn from_driver(doing: &str, error: Error) -> Failure {
    let message = format!("{doing}: {}", describe(&error));
    Failure::new(kind_of(&error), message).caused_by(error)
}

/// Whether the other end went away instead of answering: without a word, or with that of a
/// server that stops or ends an idle session.
pub(crate) fn is_hang_up(error: &Error) -> bool {
    let farewells = ["57P01", "57P02", "57P05"];
    error
        .code()
        .is_none_or(|state| farewells.contains(&state.code()))
}

/// A connection the pool could not give.
pub(crate) fn from_pool(target: &str, error: PoolError) -> Failure {
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
            "all connections (--postgres.max-connections) were in use until the deadline",
        ),
        PoolError::Timeout(TimeoutType::Create) => Failure::new(
            ErrorKind::Connect,
            format!("connecting to {target}: no answer before the deadline"),
        ),
        other => {
            let message = format!("connecting to {target}: {other}");
            Failure::new(ErrorKind::Connect, message).caused_by(other)
        }
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
        "08P01" if is_pooler_refusing_user(error) => ErrorKind::Authentication,
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

/// PgBouncer has one SQLSTATE for all it says.
fn is_pooler_refusing_user(error: &Error) -> bool {
    let message = error.as_db_error().map_or("", |it| it.message());
    message.contains("authentication failed") || message.contains("no such user")
}

fn kind_of_transport(error: &Error) -> ErrorKind {
    if tls_error(error).is_some() {
        return ErrorKind::Tls;
    }
    let text = describe(error);
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

/// The whole story in one line: what the server said with its code, or the chain of causes;
/// and what to do.
fn describe(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        let (message, code) = (db.message(), db.code().code());
        let hint = advice::of_server(code, message);
        return format!("{message} (SQLSTATE {code}){hint}");
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
    let hint = match tls_error(error) {
        Some(tls) => advice::of_tls(tls),
        None => advice::of_driver(&text),
    };
    text + hint
}

/// The TLS library's own error within, where it is one.
fn tls_error(error: &Error) -> Option<&rustls::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        let io = inner.downcast_ref::<io::Error>();
        let boxed = io.and_then(|io| io.get_ref());
        let found = inner
            .downcast_ref()
            .or_else(|| boxed.and_then(|it| it.downcast_ref()));
        if found.is_some() {
            return found;
        }
        source = inner.source();
    }
    None
}
