//! From `tls_server_config` to rustls.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use secrecy::{ExposeSecret, SecretString};

use crate::config::web_file::tls::{TlsSection, TlsVersion};
use crate::web::server::client_certificates::ClientVerifier;
use crate::web::server::key_sort::key_of;

/// Go's names of the groups that ring has.
const GROUPS: &[(&str, &dyn SupportedKxGroup)] = &[
    ("X25519", ring::kx_group::X25519),
    ("CurveP256", ring::kx_group::SECP256R1),
    ("CurveP384", ring::kx_group::SECP384R1),
];

/// Suites of TLS 1.2 that exporter-toolkit takes and rustls has not: CBC, and RSA key exchange.
const OTHER_SUITES: &[&str] = &[
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Groups Go has and ring has not.
const OTHER_GROUPS: &[&str] = &["CurveP521", "X25519MLKEM768"];

/// What is offered in the handshake, best first.
pub(crate) fn protocols(http2: bool) -> Vec<Vec<u8>> {
    let http2 = http2.then(|| b"h2".to_vec());
    http2.into_iter().chain([b"http/1.1".to_vec()]).collect()
}

/// TLS as `section`, in a file in `folder`, wants it. What has no effect is added to
/// `warnings`.
///
/// # Errors
///
/// When a file cannot be read, or certificate, key or names cannot be used.
pub(crate) fn server_config(
    section: &TlsSection,
    folder: &Path,
    protocols: Vec<Vec<u8>>,
    warnings: &mut Vec<String>,
) -> Result<ServerConfig, String> {
    let provider = Arc::new(provider(section, warnings)?);
    let versions = versions(section, &provider, warnings)?;
    let authorities = authorities(section, folder, warnings)?;
    let verifier = ClientVerifier::new(section, authorities, &provider)?;
    let chain = chain(section, folder)?;
    let key = key(section, folder)?;
    check_key(&chain)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| format!("cipher_suites and TLS versions do not match: {error}"))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("certificate and key cannot be used together: {error}"))?;
    config.alpn_protocols = protocols;
    config.ignore_client_order = section.prefer_server_cipher_suites;
    Ok(config)
}

fn provider(section: &TlsSection, warnings: &mut Vec<String>) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    if !section.cipher_suites.is_empty() {
        provider.cipher_suites = suites(&provider.cipher_suites, section, warnings)?;
    }
    if !section.curve_preferences.is_empty() {
        provider.kx_groups = groups(section, warnings)?;
    }
    Ok(provider)
}

/// As in Go, the list is about TLS 1.2; what 1.3 has is not to be chosen.
fn suites(
    known: &[SupportedCipherSuite],
    section: &TlsSection,
    warnings: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, String> {
    let is_newest = |suite: &&SupportedCipherSuite| suite.tls13().is_some();
    let mut chosen: Vec<_> = known.iter().filter(is_newest).copied().collect();
    for name in &section.cipher_suites {
        match known.iter().find(|it| go_name(it) == *name) {
            Some(suite) if !chosen.contains(suite) => chosen.push(*suite),
            Some(_) => {}
            // Without them less is offered, not more.
            None if OTHER_SUITES.contains(&&**name) => {
                warnings.push(format!("cipher_suites: {name:?} is not supported"));
            }
            None => {
                let known: Vec<_> = known.iter().map(go_name).collect();
                let known = known.join(", ");
                return Err(format!(
                    "cipher_suites: unknown cipher {name:?}; known are {known}"
                ));
            }
        }
    }
    let is_old = |name: &String| name.contains("_WITH_");
    let has_old = chosen.iter().any(|it| it.tls13().is_none());
    let speaks_old = section.min_version <= TlsVersion::Tls12;
    if section.cipher_suites.iter().any(is_old) && !has_old && speaks_old {
        return Err(
            "cipher_suites: none of the suites for TLS 1.2 is supported; add \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or \
             TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, or set min_version: TLS13"
                .into(),
        );
    }
    Ok(chosen)
}

fn go_name(suite: &SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or_default();
    name.replacen("TLS13_", "TLS_", 1)
}

fn groups(
    section: &TlsSection,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static dyn SupportedKxGroup>, String> {
    let mut chosen = Vec::new();
    for name in &section.curve_preferences {
        match GROUPS.iter().find(|(known, _)| known == name) {
            Some((_, group)) => chosen.push(*group),
            None if OTHER_GROUPS.contains(&&**name) => {
                warnings.push(format!("curve_preferences: {name} is not supported"));
            }
            None => {
                return Err(format!(
                    "curve_preferences: unknown curve {name:?}; known are X25519, CurveP256 and CurveP384"
                ));
            }
        }
    }
    match chosen.is_empty() {
        true => Err("curve_preferences: none of them is supported; add CurveP256".into()),
        false => Ok(chosen),
    }
}

fn versions(
    section: &TlsSection,
    provider: &CryptoProvider,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    if section.min_version < TlsVersion::Tls12 {
        warnings.push("min_version: TLS12 is the oldest supported version".into());
    }
    let has_old_suite = provider.cipher_suites.iter().any(|it| it.tls13().is_none());
    let mut versions = Vec::new();
    if section.max_version >= TlsVersion::Tls13 {
        versions.push(&rustls::version::TLS13);
    }
    if section.min_version <= TlsVersion::Tls12 && has_old_suite {
        versions.push(&rustls::version::TLS12);
    }
    match versions.is_empty() {
        true => Err("cipher_suites: none of them is supported, and max_version is TLS12".into()),
        false => Ok(versions),
    }
}

fn chain(section: &TlsSection, folder: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let source = Source::of(&section.cert, &section.cert_file, folder);
    source.certificates("cert_file")
}

fn authorities(
    section: &TlsSection,
    folder: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    if section.names_authorities() {
        let source = Source::of(&section.client_ca, &section.client_ca_file, folder);
        return source.certificates("client_ca_file");
    }
    if !section.client_auth_type.verifies() {
        return Ok(Vec::new());
    }
    // As Go does.
    warnings.push(
        "client_ca_file is not set: a client's certificate may be of any authority that this \
         system trusts, which includes public ones"
            .into(),
    );
    let found = rustls_native_certs::load_native_certs();
    match found.certs.is_empty() {
        true => Err(
            "client_ca_file is not set, and this system has no certificates of authorities".into(),
        ),
        false => Ok(found.certs),
    }
}

/// Whether a server's key is of a sort that can be used, by what its certificate says of it: the
/// error of the library only says that the key could not be read.
fn check_key(chain: &[CertificateDer<'_>]) -> Result<(), String> {
    let sort = chain.first().and_then(|it| key_of(it));
    match sort.filter(|it| !it.is_supported()) {
        Some(sort) => Err(format!(
            "cert_file, key_file: a key of {sort} is not supported; use ECDSA P-256 or P-384, \
             Ed25519, or RSA of 2048 to 4096 bits"
        )),
        None => Ok(()),
    }
}

fn key(section: &TlsSection, folder: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let inline = section.key.as_ref().map(|it| it.expose_secret().to_owned());
    let source = Source::of(&inline, &section.key_file, folder);
    let text = SecretString::from(source.text("key_file")?);
    PrivateKeyDer::from_pem_slice(text.expose_secret().as_bytes())
        .map_err(|_| format!("key_file: there is no private key in {source}"))
}

/// Where PEM comes from: the web configuration itself, or a file.
enum Source {
    Inline(String),
    File(PathBuf),
}

impl Source {
    fn of(inline: &Option<String>, file: &Option<PathBuf>, folder: &Path) -> Self {
        match (inline, file) {
            (Some(text), _) => Self::Inline(text.clone()),
            (None, Some(file)) => Self::File(folder.join(file)),
            (None, None) => Self::Inline(String::new()),
        }
    }

    fn text(&self, key: &str) -> Result<String, String> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => fs::read_to_string(path)
                .map_err(|error| format!("{key}: {} cannot be read: {error}", path.display())),
        }
    }

    fn certificates(&self, key: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let text = self.text(key)?;
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
        let certificates = certificates.collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(format!("{key}: there is no PEM certificate in {self}")),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("the inline text"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
