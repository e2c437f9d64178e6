//! TLS to Postgres, by rustls.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::postgres_tls::{TlsSettings, Verify};
use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::identity;

/// The connector for these settings. Whether TLS is used at all is the URL's `sslmode`.
///
/// # Errors
///
/// When a certificate or a key cannot be read or used, naming the file.
pub(crate) fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_failure(format!("TLS cannot be set up: {error}")))?;
    let config = match settings.verify {
        Verify::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient {
                authorities: None,
                provider,
            })),
        Verify::Authority => {
            let roots = Arc::new(trusted(settings)?);
            let authorities = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
                .build()
                .map_err(|error| tls_failure(format!("sslrootcert cannot be used: {error}")))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient {
                    authorities: Some(authorities),
                    provider,
                }))
        }
        Verify::AuthorityAndHost => builder.with_root_certificates(trusted(settings)?),
    };
    let config = match &settings.identity {
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
    Ok(MakeRustlsConnect::new(config))
}

pub(crate) fn tls_failure(message: String) -> Failure {
    Failure::new(ErrorKind::Tls, message)
}

fn trusted(settings: &TlsSettings) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    match &settings.root_certificates {
        Some(path) => {
            for certificate in read_certificates("sslrootcert", path)? {
                roots.add(certificate).map_err(|error| {
                    tls_failure(format!("sslrootcert {}: {error}", path.display()))
                })?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
        }
    }
    if roots.is_empty() {
        return Err(tls_failure(
            "no trusted certificate authority was found: set sslrootcert=/path/to/ca.pem in the database URL".into(),
        ));
    }
    Ok(roots)
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

/// Checks less than rustls would: no host name, and perhaps no authority, as libpq's sslmodes
/// below `verify-full` define it. The handshake's own signatures are always checked.
#[derive(Debug)]
struct Lenient {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
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
            )) => Ok(ServerCertVerified::assertion()),
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
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
