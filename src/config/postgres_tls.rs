//! The TLS options of a connection URL, with libpq's meaning.

use std::path::PathBuf;

use tokio_postgres::config::SslMode;

use super::postgres_url::UrlError;

/// What `sslmode` and its companions ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// What is checked of the server's certificate.
    pub verify: Verify,
    /// `sslrootcert`: PEM file of the authorities to trust; the system's when absent.
    pub root_certificates: Option<PathBuf>,
}

/// What is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Nothing: `disable`, `prefer`, `require`.
    Nothing,
    /// That a trusted authority signed it: `verify-ca`.
    Authority,
    /// And that it was issued for this host: `verify-full`.
    AuthorityAndHost,
}

/// The options as they stand in the URL.
#[derive(Default)]
pub(super) struct TlsOptions {
    pub(super) mode: Option<String>,
    pub(super) root_certificates: Option<PathBuf>,
}

impl TlsOptions {
    pub(super) fn resolve(self) -> Result<(SslMode, TlsSettings), UrlError> {
        let has_roots = self.root_certificates.is_some();
        let (mode, verify) = match self.mode.as_deref() {
            Some("disable") => (SslMode::Disable, Verify::Nothing),
            None | Some("" | "allow" | "prefer") => (SslMode::Prefer, Verify::Nothing),
            // libpq's rule: who names authorities wants them asked.
            Some("require") if has_roots => (SslMode::Require, Verify::Authority),
            Some("require") => (SslMode::Require, Verify::Nothing),
            Some("verify-ca") => (SslMode::Require, Verify::Authority),
            Some("verify-full") => (SslMode::Require, Verify::AuthorityAndHost),
            Some(_) => {
                return Err(UrlError(
                    "sslmode takes disable, prefer, require, verify-ca or verify-full".into(),
                ));
            }
        };
        let tls = TlsSettings {
            verify,
            root_certificates: self.root_certificates,
        };
        Ok((mode, tls))
    }
}
