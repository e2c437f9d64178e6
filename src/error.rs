//! Failures: a kind for the metric, and a message for a person.

use std::error::Error;
use std::sync::Arc;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A failure: a kind that is counted, a message for a person, and its cause for the program.
///
/// Cheap to clone: all requests that share a collection share its failure. Two failures are equal
/// if kind and message are equal; the log merges them into one line.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, the only part that becomes a label value.
    pub kind: ErrorKind,
    /// What was being done, what failed, and if possible what to do. Contains no secret. It
    /// includes the message of `source`, so that one log line is complete.
    pub message: String,
    /// The library's error that caused the failure.
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without a cause in a library.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the library's error that caused the failure.
    #[must_use]
    pub fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(source)),
            ..self
        }
    }

    /// The same, where it is said first what was being done.
    #[must_use]
    pub fn within(self, doing: &str) -> Self {
        Self {
            message: format!("{doing}: {}", self.message),
            ..self
        }
    }

    /// The error in which it began, if it is one of this type.
    pub fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message) == (other.kind, &other.message)
    }
}

impl Eq for Failure {}

/// The kinds of `coder_exporter_errors_total`. The set is small and contains no error text.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorKind {
    /// The database rejected the user, the password or the host (`pg_hba.conf`).
    Authentication,
    /// The database was unreachable, had no free connection, or closed the connection.
    Connect,
    /// A row could not be decoded.
    Decode,
    /// Rows that would give the same series twice were merged.
    DuplicateSeries,
    /// Another session, for example a migration of Coder, holds a lock on a table.
    Lock,
    /// A `GRANT` is missing, or row security hides rows.
    Permission,
    /// The database rejected a statement for another reason.
    Query,
    /// A table or column is missing: the database is not Coder's, or Coder is too old.
    Schema,
    /// The deadline passed, or a timeout of the session.
    Timeout,
    /// The TLS handshake failed.
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_is_kept_for_the_program_and_makes_no_other_failure() {
        let plain = Failure::new(ErrorKind::Connect, "connecting to db: refused");
        let caused = plain
            .clone()
            .caused_by(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(plain, caused);
        assert!(plain.source().is_none());
        let io = caused.cause::<std::io::Error>();
        assert!(caused.source().is_some());
        assert_eq!(io.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
