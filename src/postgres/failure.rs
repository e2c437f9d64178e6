//! Converts errors of the driver to failures with advice for an operator.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;

use crate::error::{ErrorKind, Failure};
use crate::postgres::advice;

/// Converts an error of a statement or connection. `doing` describes the operation, as in "reading
/// the agents".
pub(crate) fn from_driver(doing: &str, error: Error) -> Failure {
    let message = format!("{doing}: {}", describe(&error));
    Failure::new(kind_of(&error), message).caused_by(error)
}

/// Whether the server closed the connection: without a message, or because it shuts down or ends an
/// idle session.
pub(crate) fn is_hang_up(error: &Error) -> bool {
    let farewells = ["57P01", "57P02", "57P05"];
    error
        .code()
        .is_none_or(|state| farewells.contains(&state.code()))
}

/// Whether the same question may well be answered when it is asked again: what ended it was
/// another transaction, or what a standby had to replay.
pub(crate) fn is_passing(failure: &Failure) -> bool {
    let state = failure.cause::<Error>().and_then(Error::code);
    // serialization_failure, which is also a conflict with recovery; deadlock_detected
    state.is_some_and(|state| ["40001", "40P01"].contains(&state.code()))
}

/// Who logs in, for what to do when it is refused.
pub(crate) struct Login<'a> {
    pub(crate) role: &'a str,
    pub(crate) database: &'a str,
    pub(crate) has_password: bool,
}

/// A login that failed. What went wrong before any statement could run is the connection's fault.
pub(crate) fn from_login(doing: &str, error: Error, login: &Login<'_>) -> Failure {
    let kind = match kind_of(&error) {
        ErrorKind::Query => ErrorKind::Connect,
        // Neither the server nor the network said it: what the driver refuses is the way to log in.
        ErrorKind::Decode => ErrorKind::Authentication,
        kind => kind,
    };
    let hint = match kind {
        ErrorKind::Permission => advice::of_connect(login.database, login.role),
        ErrorKind::Authentication if error.code().is_none() && !login.has_password => {
            advice::NO_PASSWORD.to_owned()
        }
        _ => String::new(),
    };
    let message = format!("{doing}: {}{hint}", describe(&error));
    Failure::new(kind, message).caused_by(error)
}

/// A TLS handshake that failed.
pub(crate) fn from_handshake(error: io::Error) -> Failure {
    let within = error.get_ref().and_then(|it| it.downcast_ref());
    let hint = within.map_or("", advice::of_tls);
    let message = format!("error performing TLS handshake: {error}{hint}");
    Failure::new(ErrorKind::Tls, message).caused_by(error)
}

/// Converts an error of the connection pool.
pub(crate) fn from_pool(target: &str, error: PoolError) -> Failure {
    match error {
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
        // lock_not_available is how lock_timeout reports
        "55P03" => ErrorKind::Lock,
        // query_canceled is how statement_timeout reports
        "57014" | "25P03" => ErrorKind::Timeout,
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

/// Whether PgBouncer rejected the user. All its errors have the same SQLSTATE.
fn is_pooler_refusing_user(error: &Error) -> bool {
    let message = error.as_db_error().map_or("", |it| it.message());
    message.contains("authentication failed") || message.contains("no such user")
}

/// Of an error that the server did not send: by what it began with.
fn kind_of_transport(error: &Error) -> ErrorKind {
    if tls_error(error).is_some() {
        return ErrorKind::Tls;
    }
    let of_the_network = error.source().is_none_or(|it| it.is::<io::Error>());
    match error.is_closed() || of_the_network {
        true => ErrorKind::Connect,
        false => ErrorKind::Decode,
    }
}

/// The error in one line: the server's message with its code or the chain of causes, and advice.
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
    text + tls_error(error).map_or("", advice::of_tls)
}

/// The TLS library's error in the chain of causes.
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
