//! TLS to Postgres, by rustls.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::certificates::{Version, is_itself_trusted, verify_signature};
use crate::config::postgres_tls::{TlsSettings, Verify};
use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::identity;

/// The connector for these settings. Whether TLS is used at all is the URL's `sslmode`.
///
/// # Errors
///
/// When a certificate or a key cannot be read or used, naming the file.
pub(crate) fn connector(
    settings: &TlsSettings,
    is_direct: bool,
) -> Result<MakeRustlsConnect, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_failure(format!("TLS cannot be set up: {error}")))?;
    let verifier = Verifier::new(settings, &provider)?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &settings.identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = identity::read(identity)?;
            config.with_client_auth_cert(chain, key).map_err(|error| {
                let (certificate, key) = (identity.certificate.display(), identity.key.display());
                tls_failure(format!(
                    "sslcert {certificate} and sslkey {key} cannot be used together: {error}"
                ))
            })?
        }
    };
    if is_direct {
        // A server that is not asked for TLS learns only by this that it is meant.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

pub(crate) fn tls_failure(message: String) -> Failure {
    Failure::new(ErrorKind::Tls, message)
}

/// The certificates to trust: those of `sslrootcert`, or the system's.
fn trusted(settings: &TlsSettings) -> Result<Vec<CertificateDer<'static>>, Failure> {
    match &settings.root_certificates {
        Some(path) => read_certificates("sslrootcert", path),
        None => Ok(rustls_native_certs::load_native_certs().certs),
    }
}

fn authorities(
    settings: &TlsSettings,
    trusted: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let mut roots = RootCertStore::empty();
    match &settings.root_certificates {
        Some(path) => {
            for certificate in trusted {
                roots.add(certificate.clone()).map_err(|error| {
                    tls_failure(format!("sslrootcert {}: {error}", path.display()))
                })?;
            }
        }
        None => drop(roots.add_parsable_certificates(trusted.iter().cloned())),
    }
    if roots.is_empty() {
        return Err(tls_failure(
            "no trusted certificate authority was found: set sslrootcert=/path/to/ca.pem in the database URL".into(),
        ));
    }
    let mut builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    if let Some(path) = &settings.revoked {
        builder = builder
            .with_crls(read_revoked(path)?)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    let built = builder.build();
    built.map_err(|error| tls_failure(format!("sslrootcert or sslcrl cannot be used: {error}")))
}

fn read_revoked(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let unreadable =
        |error: String| tls_failure(format!("sslcrl {} cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    CertificateRevocationListDer::pem_reader_iter(BufReader::new(file))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))
}

/// All certificates of a PEM file that this option of the URL names.
pub(crate) fn read_certificates(
    option: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unreadable = |error: String| {
        tls_failure(format!(
            "{option} {} cannot be read: {error}",
            path.display()
        ))
    };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    CertificateDer::pem_reader_iter(BufReader::new(file))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))
}

/// Checks what `sslmode` says, as libpq does. The handshake's own signatures are always checked.
#[derive(Debug)]
struct Verifier {
    /// `None`: any certificate will do.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// What is trusted without anybody's signature.
    trusted: Vec<CertificateDer<'static>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let mut verifier = Self {
            authorities: None,
            trusted: Vec::new(),
            checks_name: settings.verify == Verify::AuthorityAndHost,
            provider: provider.clone(),
        };
        if settings.verify != Verify::Nothing {
            verifier.trusted = trusted(settings)?;
            let authorities = authorities(settings, &verifier.trusted, provider)?;
            verifier.authorities = Some(authorities);
        }
        Ok(verifier)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        if is_itself_trusted(end_entity, &self.trusted, now)? {
            if self.checks_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let verified = authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The name is looked at last: all that stands before it has been found right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_signature(Version::Tls12, message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_signature(Version::Tls13, message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
