//! What went wrong, for a metric and for a person.

use std::error::Error;
use std::sync::Arc;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Something that went wrong: a kind to count, a sentence for a person, and its cause for the
/// program.
///
/// Cheap to clone: those who share a collection share its failure. Two failures are equal when
/// their kind and message are: the log folds them into one line.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What it counts as; the only part that becomes a label.
    pub kind: ErrorKind,
    /// What was being done, what happened, and where possible what to do. Never a secret. It says
    /// what `source` says, so that one line holds the whole story.
    pub message: String,
    /// The error of the library in which it began.
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of this kind that began here.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same, with the error in which it began.
    #[must_use]
    pub fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(source)),
            ..self
        }
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message) == (other.kind, &other.message)
    }
}

impl Eq for Failure {}

/// The kinds of `coder_exporter_errors_total`: few, and never error text.
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
    /// The database refused us by name, password or `pg_hba.conf`.
    Authentication,
    /// The database could not be reached, has no room, or hung up.
    Connect,
    /// A row could not be read.
    Decode,
    /// Rows that would have given one series twice were merged.
    DuplicateSeries,
    /// A `GRANT` is missing.
    Permission,
    /// The database refused a statement for any other reason.
    Query,
    /// A table or column is missing: not Coder's database, or a Coder too old.
    Schema,
    /// The deadline, or a limit of the session, passed first.
    Timeout,
    /// No TLS connection could be agreed on.
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
        let cause = caused.source().unwrap();
        let cause = cause.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        let io = cause.and_then(|it| it.downcast_ref::<std::io::Error>());
        assert_eq!(io.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
