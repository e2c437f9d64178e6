//! Whose client certificates are taken.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::certificates::{
    Version, is_authority_s_own, is_itself_trusted, verify_issuer, verify_signature,
};
use crate::config::web_file::tls::{ClientAuth, TlsSection};

/// Every way of Go's `ClientAuthType` to ask a client for a certificate.
///
/// Whatever is asked, a client proves that the key of what it shows is its own.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    /// `None`: any certificate will do.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    /// What is trusted without a signature of another, as Go does: openssl makes certificates of
    /// clients that are authorities too.
    trusted: Vec<CertificateDer<'static>>,
    requires_one: bool,
    allowed_names: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    /// What `section` asks for; `None` when it asks for nothing.
    ///
    /// # Errors
    ///
    /// When an authority cannot be used.
    pub(crate) fn new(
        section: &TlsSection,
        authorities: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Self>, String> {
        let how = section.client_auth_type;
        if how == ClientAuth::NoClientCert {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            roots.add(authority.clone()).map_err(|error| {
                format!("client_ca_file: a certificate cannot be used: {error}")
            })?;
        }
        let trusted = authorities;
        let authorities = match how.verifies() {
            true => Some(
                WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
                    .build()
                    .map_err(|error| format!("client_ca_file: {error}"))?,
            ),
            false => None,
        };
        Ok(Some(Self {
            authorities,
            trusted,
            requires_one: how.requires_one(),
            allowed_names: section.client_allowed_sans.clone(),
            algorithms: provider.signature_verification_algorithms,
        }))
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.requires_one
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        let authorities = self.authorities.as_ref();
        authorities.map_or(&[], |it| it.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(authorities) = &self.authorities
            && !is_itself_trusted(certificate, &self.trusted, now)?
        {
            let verified = authorities.verify_client_cert(certificate, intermediates, now);
            match verified {
                Err(error) if is_authority_s_own(&error) => {
                    verify_issuer(certificate, &self.trusted, now, &self.algorithms)?;
                }
                other => other.map(|_| ())?,
            }
        }
        if let Some(allowed) = &self.allowed_names {
            let names = alternative_names(certificate).ok_or(CertificateError::BadEncoding)?;
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.algorithms;
        verify_signature(Version::Tls12, message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.algorithms;
        verify_signature(Version::Tls13, message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// DNS names, e-mail addresses, IP addresses and URIs of a certificate; `None` when it cannot
/// be read.
fn alternative_names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .ok()?;
    let Some((_, SubjectAltName(names))) = names else {
        return Some(Vec::new());
    };
    Some(names.iter().filter_map(as_text).collect())
}

fn as_text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) | GeneralName::Rfc822Name(name) => Some(name.to_string()),
        GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        GeneralName::IpAddress(address) => match address.as_bytes().len() {
            4 => <[u8; 4]>::try_from(address.as_bytes())
                .ok()
                .map(|it| std::net::Ipv4Addr::from(it).to_string()),
            16 => <[u8; 16]>::try_from(address.as_bytes())
                .ok()
                .map(|it| std::net::Ipv6Addr::from(it).to_string()),
            _ => None,
        },
        _ => None,
    }
}
