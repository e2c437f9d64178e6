//! Clients whose certificate was refused: counted, and said without filling the log.

use std::io;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::{CertificateError, Error};
use tokio::time::Instant;

/// The same reason is logged again after this time, with how often it came.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Reasons that are known apart. They are few, but the library's own texts may vary.
const MOST_REASONS: usize = 8;

/// Refused clients since the process started.
#[derive(Default)]
pub(crate) struct TlsRefusals(Mutex<Refusals>);

#[derive(Default)]
struct Refusals {
    total: u64,
    reasons: Vec<Reason>,
}

struct Reason {
    text: String,
    logged: Instant,
    /// How often it came since it was logged.
    since: u64,
}

impl TlsRefusals {
    /// How many there were.
    pub(crate) fn total(&self) -> u64 {
        self.0.lock().total
    }

    /// Counts a handshake that failed because of the client's certificate, and logs it at times.
    /// Returns whether it was one.
    pub(crate) fn note(&self, error: &io::Error) -> bool {
        let Some(reason) = reason(error) else {
            return false;
        };
        let line = self.0.lock().add(reason, Instant::now());
        if let Some(line) = line {
            tracing::warn!("{line}");
        }
        true
    }
}

impl Refusals {
    fn add(&mut self, text: String, now: Instant) -> Option<String> {
        self.total += 1;
        let Some(known) = self.reasons.iter_mut().find(|it| it.text == text) else {
            let line = format!("refused a client: {text}");
            let reason = Reason {
                text,
                logged: now,
                since: 0,
            };
            // Of more reasons than are known apart, the oldest is forgotten.
            if self.reasons.len() == MOST_REASONS {
                self.reasons.remove(0);
            }
            self.reasons.push(reason);
            return Some(line);
        };
        known.since += 1;
        if now < known.logged + INTERVAL {
            return None;
        }
        let line = format!("refused {} more clients: {text}", known.since);
        (known.logged, known.since) = (now, 0);
        Some(line)
    }
}

/// Why a client's certificate was refused; `None` for all else that ends a handshake.
fn reason(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    let reason = match error {
        Error::NoCertificatesPresented => "it showed no certificate".to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is of no authority in client_ca_file".to_owned()
        }
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "its certificate has no name of client_allowed_sans".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid yet".to_owned(),
        Error::InvalidCertificate(other) => format!("its certificate is not valid: {other}"),
        _ => return None,
    };
    Some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_said_once_and_again_after_a_while_with_how_often() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        let mut add = |text: &str, seconds| {
            let now = start + Duration::from_secs(seconds);
            refusals.add(text.to_owned(), now)
        };
        assert_eq!(add("old", 0).as_deref(), Some("refused a client: old"));
        assert_eq!(add("old", 1), None);
        assert_eq!(add("new", 2).as_deref(), Some("refused a client: new"));
        assert_eq!(add("old", 299), None);
        let line = add("old", 300);
        assert_eq!(line.as_deref(), Some("refused 3 more clients: old"));
        assert_eq!(add("old", 301), None);
        assert_eq!(refusals.total, 6);
    }

    #[test]
    fn only_the_client_s_certificate_is_a_reason() {
        let of = |error| reason(&io::Error::new(io::ErrorKind::InvalidData, error));
        let bad = |it| of(Error::InvalidCertificate(it));
        assert!(of(Error::NoCertificatesPresented).is_some());
        assert!(
            bad(CertificateError::UnknownIssuer)
                .unwrap()
                .contains("client_ca_file")
        );
        assert!(bad(CertificateError::BadSignature).is_some());
        assert_eq!(of(Error::DecryptError), None);
        assert_eq!(reason(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
