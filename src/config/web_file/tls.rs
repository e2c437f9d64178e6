//! `tls_server_config`: server certificate, client certificates and TLS versions.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::WebFileError;

/// The TLS section of the file. A value can be inline or in a file, but not both.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSection {
    /// The server's certificate chain, PEM.
    pub cert: Option<String>,
    /// File with the server's certificate chain.
    pub cert_file: Option<PathBuf>,
    /// The server's private key, PEM.
    #[serde(deserialize_with = "secret")]
    pub key: Option<SecretString>,
    /// File with the server's private key.
    pub key_file: Option<PathBuf>,
    /// CA certificates of the clients, PEM.
    pub client_ca: Option<String>,
    /// File with the CA certificates of the clients.
    pub client_ca_file: Option<PathBuf>,
    /// Whether clients must present a certificate, and how it is verified.
    pub client_auth_type: ClientAuth,
    /// A client certificate must contain one of these names; `None` allows all.
    pub client_allowed_sans: Option<Vec<String>>,
    /// Minimum TLS version; 1.2 by default.
    pub min_version: TlsVersion,
    /// Maximum TLS version; 1.3 by default.
    pub max_version: TlsVersion,
    /// TLS 1.2 cipher suites by their Go names, in order of preference; empty: all supported.
    pub cipher_suites: Vec<String>,
    /// Key exchange groups by their Go names, in order of preference; empty: all supported.
    pub curve_preferences: Vec<String>,
    /// Whether the server's order of cipher suites takes precedence over the client's.
    pub prefer_server_cipher_suites: bool,
}

impl Default for TlsSection {
    fn default() -> Self {
        Self {
            cert: None,
            cert_file: None,
            key: None,
            key_file: None,
            client_ca: None,
            client_ca_file: None,
            client_auth_type: ClientAuth::NoClientCert,
            client_allowed_sans: None,
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            prefer_server_cipher_suites: true,
        }
    }
}

/// Policy for client certificates, by Go's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ClientAuth {
    /// No certificate is requested.
    #[serde(alias = "")]
    NoClientCert,
    /// A certificate is requested, but not required and not verified.
    RequestClientCert,
    /// A certificate is required, but not verified.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// A certificate is not required; if present, it must be signed by a known CA.
    VerifyClientCertIfGiven,
    /// A certificate is required, and it must be signed by a known CA.
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    /// Whether a client without a certificate is rejected.
    pub const fn requires_one(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert
        )
    }

    /// Whether a client's certificate must be signed by a known CA.
    pub const fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
        )
    }
}

/// A version of TLS, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.0, not supported here.
    #[serde(rename = "TLS10")]
    Tls10,
    /// TLS 1.1, not supported here.
    #[serde(rename = "TLS11")]
    Tls11,
    /// TLS 1.2.
    #[serde(rename = "TLS12")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLS13")]
    Tls13,
}

impl TlsSection {
    /// The files in this section, relative to `folder`.
    pub fn files(&self, folder: &Path) -> Vec<PathBuf> {
        [&self.cert_file, &self.key_file, &self.client_ca_file]
            .into_iter()
            .flatten()
            .map(|it| folder.join(it))
            .collect()
    }

    /// Whether CA certificates of clients are configured.
    pub fn names_authorities(&self) -> bool {
        self.client_ca.is_some() || self.client_ca_file.is_some()
    }

    /// Checks the section without reading the files.
    pub(super) fn check(&self) -> Result<(), WebFileError> {
        one_of("cert", self.cert.is_some(), self.cert_file.is_some())?;
        one_of("key", self.key.is_some(), self.key_file.is_some())?;
        let problem = if self.client_ca.is_some() && self.client_ca_file.is_some() {
            "set client_ca or client_ca_file, not both"
        } else if self.names_authorities() && self.client_auth_type == ClientAuth::NoClientCert {
            "a client CA is set, but client_auth_type does not verify clients; use RequireAndVerifyClientCert"
        } else if self.client_allowed_sans.is_some() && !self.client_auth_type.requires_one() {
            "client_allowed_sans requires client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert"
        } else if self.max_version < TlsVersion::Tls12 {
            "max_version is older than TLS12, the oldest supported version"
        } else if self.max_version < self.min_version {
            "max_version is older than min_version"
        } else {
            return Ok(());
        };
        Err(WebFileError(format!("tls_server_config: {problem}")))
    }
}

fn one_of(name: &str, is_inline: bool, is_file: bool) -> Result<(), WebFileError> {
    let problem = match (is_inline, is_file) {
        (true, true) => format!("set {name} or {name}_file, not both"),
        (false, false) => format!("{name}_file is missing"),
        _ => return Ok(()),
    };
    Err(WebFileError(format!("tls_server_config: {problem}")))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|it| it.map(SecretString::from))
}
