//! The TLS options of a connection URL, with libpq's meaning.

use std::path::{Path, PathBuf};

use super::postgres_url::UrlError;

/// What `sslmode` and its companions ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether TLS is used at all.
    pub mode: TlsMode,
    /// What is checked of the server's certificate.
    pub verify: Verify,
    /// `sslrootcert`: PEM file of the authorities to trust; the system's when absent.
    pub root_certificates: Option<PathBuf>,
    /// `sslcrl`: PEM file of certificates that are no longer good.
    pub revoked: Option<PathBuf>,
    /// What to show a server that wants to know who we are.
    pub identity: Option<Identity>,
}

/// When TLS is used (`sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never: `disable`.
    Never,
    /// Where the server refuses a connection without it: `allow`.
    Reluctantly,
    /// Where the server offers it: `prefer`.
    Preferred,
    /// Always: `require`, `verify-ca`, `verify-full`.
    Always,
}

/// A certificate of our own (`sslcert`) and its key (`sslkey`), both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its key; only its owner may read the file.
    pub key: PathBuf,
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
    pub(super) root_certificates: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
    pub(super) revoked: Option<String>,
}

impl TlsOptions {
    /// Those of a connection that has no use for TLS.
    pub(super) fn disabled() -> Self {
        Self {
            mode: Some("disable".into()),
            ..Self::default()
        }
    }

    /// What they ask for. Where they say nothing, a file of libpq's in `home` is used if it is
    /// there.
    pub(super) fn resolve(self, home: Option<&Path>) -> Result<TlsSettings, UrlError> {
        let folder = home.map(|home| home.join(".postgresql"));
        let default = |name: &str| folder.as_ref().map(|folder| folder.join(name));
        let wants_systems = self.root_certificates.as_deref() == Some("system");
        let roots = match given(self.root_certificates) {
            Some(_) if wants_systems => None,
            Some(path) => Some(path),
            None => default("root.crt").filter(|path| path.is_file()),
        };
        let (mode, verify) = match self.mode.as_deref() {
            Some("disable") => (TlsMode::Never, Verify::Nothing),
            None | Some("" | "verify-full") if wants_systems => {
                (TlsMode::Always, Verify::AuthorityAndHost)
            }
            Some("allow") => (TlsMode::Reluctantly, Verify::Nothing),
            None | Some("" | "prefer") => (TlsMode::Preferred, Verify::Nothing),
            // libpq's rule: who names authorities wants them asked.
            Some("require") if roots.is_some() => (TlsMode::Always, Verify::Authority),
            Some("require") => (TlsMode::Always, Verify::Nothing),
            Some("verify-ca") => (TlsMode::Always, Verify::Authority),
            Some("verify-full") => (TlsMode::Always, Verify::AuthorityAndHost),
            Some(_) => {
                return Err(UrlError(
                    "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"
                        .into(),
                ));
            }
        };
        let identity = match mode {
            TlsMode::Never => None,
            _ => identity(given(self.certificate), given(self.key), default)?,
        };
        Ok(TlsSettings {
            mode,
            verify,
            root_certificates: roots,
            revoked: given(self.revoked).or_else(|| default("root.crl").filter(|it| it.is_file())),
            identity,
        })
    }
}

fn identity(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    default: impl Fn(&str) -> Option<PathBuf>,
) -> Result<Option<Identity>, UrlError> {
    let there = default("postgresql.crt").filter(|path| path.is_file());
    let certificate = certificate.or(there);
    match (certificate, key.or_else(|| default("postgresql.key"))) {
        (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
        (Some(_), None) => Err(UrlError(
            "sslcert is set without sslkey; add the key's file with sslkey=/path/to/client.key"
                .into(),
        )),
        (None, _) => Ok(None),
    }
}

fn given(path: Option<String>) -> Option<PathBuf> {
    path.filter(|path| !path.is_empty()).map(PathBuf::from)
}
