//! The TLS options of a connection URL, as libpq defines them.

use std::path::{Path, PathBuf};

use super::postgres_url::UrlError;

/// The TLS settings that follow from `sslmode`, `sslrootcert`, `sslcert` and `sslkey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether TLS is used at all.
    pub mode: TlsMode,
    /// How the server's certificate is verified.
    pub verify: Verify,
    /// `sslrootcert`: PEM file of the trusted authorities; the system's if `None`.
    pub root_certificates: Option<PathBuf>,
    /// `sslcrl`: PEM file of certificates that are no longer good.
    pub revoked: Option<PathBuf>,
    /// Client certificate, for a server that requests one.
    pub identity: Option<Identity>,
}

impl TlsSettings {
    /// What a connection requires, and by which files.
    pub fn describe(&self) -> String {
        let mode = match (self.mode, self.verify) {
            (TlsMode::Never, _) => return "never used (sslmode disable)".into(),
            (TlsMode::Reluctantly, _) => "used where the server insists",
            (TlsMode::Preferred, _) => "used where the server offers it",
            (TlsMode::Always, Verify::Nothing) => "required, and the server is not verified",
            (TlsMode::Always, Verify::Authority) => "required, and the server's authority verified",
            (TlsMode::Always, Verify::AuthorityAndHost) => {
                "required, and the server's authority and name verified"
            }
        };
        let roots = self.root_certificates.as_ref();
        let roots = roots.map(|it| format!("; authorities in {}", it.display()));
        let client = self.identity.as_ref();
        let client = client.map(|it| format!("; client certificate {}", it.certificate.display()));
        [Some(mode.to_owned()), roots, client]
            .into_iter()
            .flatten()
            .collect()
    }
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

/// A client certificate (`sslcert`) and its key (`sslkey`), both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by the intermediate certificates.
    pub certificate: PathBuf,
    /// The private key. Only its owner may read the file.
    pub key: PathBuf,
}

/// How the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Not at all: `disable`, `prefer`, `require`.
    Nothing,
    /// A trusted authority must have signed it: `verify-ca`.
    Authority,
    /// A trusted authority must have signed it for this host name: `verify-full`.
    AuthorityAndHost,
}

/// The options as in the URL.
#[derive(Default)]
pub(super) struct TlsOptions {
    pub(super) mode: Option<String>,
    pub(super) root_certificates: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
    pub(super) revoked: Option<String>,
}

impl TlsOptions {
    /// The options of a connection that never uses TLS.
    pub(super) fn disabled() -> Self {
        Self {
            mode: Some("disable".into()),
            ..Self::default()
        }
    }

    /// The settings that follow from the options. libpq's default files in `home` are used if they
    /// exist and no option says otherwise.
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
