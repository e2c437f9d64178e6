//! `tls_server_config`: certificates, and who must show one.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::WebFileError;

/// TLS as the file has it. Files stand beside their inline forms; of each pair one is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSection {
    /// The server's certificate chain, PEM.
    pub cert: Option<String>,
    /// File that holds it.
    pub cert_file: Option<PathBuf>,
    /// The server's key, PEM.
    #[serde(deserialize_with = "secret")]
    pub key: Option<SecretString>,
    /// File that holds it.
    pub key_file: Option<PathBuf>,
    /// Certificates of the authorities of clients, PEM.
    pub client_ca: Option<String>,
    /// File that holds them.
    pub client_ca_file: Option<PathBuf>,
    /// Whether clients show a certificate.
    pub client_auth_type: ClientAuth,
    /// One of these names must be in a client's certificate.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken.
    pub max_version: TlsVersion,
    /// Suites of TLS 1.2 by their names in Go, best first; empty: all there are.
    pub cipher_suites: Vec<String>,
    /// Groups of the key exchange by their names in Go, best first; empty: all there are.
    pub curve_preferences: Vec<String>,
    /// Whether the order of suites is ours to choose.
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

/// What is asked of clients, by Go's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ClientAuth {
    /// No certificate is asked for.
    #[serde(alias = "")]
    NoClientCert,
    /// One is asked for; none, or any, will do.
    RequestClientCert,
    /// There must be one; any will do.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// None will do; one that is shown must be of a known authority.
    VerifyClientCertIfGiven,
    /// There must be one, of a known authority.
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    /// Whether a client without a certificate is turned away.
    pub const fn requires_one(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert
        )
    }

    /// Whether a certificate must be of a known authority.
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
    /// 1.0, which is not spoken here.
    #[serde(rename = "TLS10")]
    Tls10,
    /// 1.1, which is not spoken here.
    #[serde(rename = "TLS11")]
    Tls11,
    /// 1.2.
    #[serde(rename = "TLS12")]
    Tls12,
    /// 1.3.
    #[serde(rename = "TLS13")]
    Tls13,
}

impl TlsSection {
    /// The files it names, as seen from `folder`.
    pub fn files(&self, folder: &Path) -> Vec<PathBuf> {
        [&self.cert_file, &self.key_file, &self.client_ca_file]
            .into_iter()
            .flatten()
            .map(|it| folder.join(it))
            .collect()
    }

    /// Whether authorities of clients are named.
    pub fn names_authorities(&self) -> bool {
        self.client_ca.is_some() || self.client_ca_file.is_some()
    }

    /// What can be told without reading the files it names.
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
