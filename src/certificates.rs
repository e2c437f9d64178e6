//! Certificates that the TLS library does not take and that are good all the same: those of X.509
//! version 1, and authorities that stand for themselves.

use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError};
use webpki::RawPublicKeyEntity;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::ExtendedKeyUsage;

/// Which version of TLS a handshake is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

/// Whether the peer that shows a certificate has its key. A certificate that the library cannot read, as
/// one of version 1, has a key that it can.
///
/// # Errors
///
/// When the signature is not of that key.
pub(crate) fn verify_signature(
    version: Version,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let is_readable = ParsedCertificate::try_from(certificate).is_ok();
    match version {
        Version::Tls12 if is_readable => {
            verify_tls12_signature(message, certificate, signature, algorithms)
        }
        Version::Tls13 if is_readable => {
            verify_tls13_signature(message, certificate, signature, algorithms)
        }
        Version::Tls12 => {
            verify_with_key(message, &public_key(certificate)?, signature, algorithms)
        }
        Version::Tls13 => {
            let key = public_key(certificate)?;
            verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
        }
    }
}

/// TLS 1.2 names the hash, and the key decides the rest: one of the algorithms must fit.
fn verify_with_key(
    message: &[u8],
    key: &SubjectPublicKeyInfoDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let bad = || Error::InvalidCertificate(CertificateError::BadSignature);
    let key = RawPublicKeyEntity::try_from(key).map_err(|_| bad())?;
    let mut named = algorithms.mapping.iter();
    let (_, fitting) = named
        .find(|(scheme, _)| *scheme == signature.scheme)
        .ok_or_else(bad)?;
    let is_valid = fitting.iter().any(|it| {
        key.verify_signature(*it, message, signature.signature())
            .is_ok()
    });
    is_valid
        .then(HandshakeSignatureValid::assertion)
        .ok_or_else(bad)
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let certificate = Certificate::from_der(certificate).map_err(bad)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    Ok(key.to_der().map_err(bad)?.into())
}

/// Whether a certificate is itself one of those that are trusted, and not out of its time. Then
/// its key is all there is to prove, whatever the certificate says that it is for.
///
/// # Errors
///
/// When it is one of them and out of its time.
pub(crate) fn is_itself_trusted(
    certificate: &CertificateDer<'_>,
    trusted: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<bool, Error> {
    if !trusted.iter().any(|it| it.as_ref() == certificate.as_ref()) {
        return Ok(false);
    }
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    check_time(&Certificate::from_der(certificate).map_err(bad)?, now)?;
    Ok(true)
}

fn check_time(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = certificate.tbs_certificate().validity();
    let now = Duration::from_secs(now.as_secs());
    if now < validity.not_before.to_unix_duration() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.to_unix_duration() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// Whether the only thing wrong with a certificate is that it is an authority's: `openssl req -x509`
/// makes such certificates by default, and libpq and Go take them.
pub(crate) fn is_authority_s_own(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(error))) = error else {
        return false;
    };
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether one of these authorities has signed a certificate that may show who a client is. Both must
/// be within their time.
///
/// # Errors
///
/// When none has, or when it is meant for something else.
pub(crate) fn verify_issuer(
    certificate: &CertificateDer<'_>,
    authorities: &[CertificateDer<'_>],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let leaf = Certificate::from_der(certificate).map_err(bad)?;
    check_time(&leaf, now)?;
    let usage = leaf.tbs_certificate().get_extension::<ExtendedKeyUsage>();
    if let Some((_, ExtendedKeyUsage(purposes))) = usage.map_err(bad)?
        && !purposes.iter().any(|it| CLIENT_PURPOSES.contains(it))
    {
        return Err(CertificateError::InvalidPurpose.into());
    }
    let issued = leaf.tbs_certificate().to_der().map_err(bad)?;
    for authority in authorities {
        let key = public_key(authority)?;
        let authority = Certificate::from_der(authority).map_err(bad)?;
        if authority.tbs_certificate().subject() == leaf.tbs_certificate().issuer()
            && is_signed_with(&leaf, &issued, &key, algorithms)?
        {
            return check_time(&authority, now);
        }
    }
    Err(CertificateError::UnknownIssuer.into())
}

/// `clientAuth`, and any purpose.
const CLIENT_PURPOSES: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
];

fn is_signed_with(
    leaf: &Certificate,
    issued: &[u8],
    key: &SubjectPublicKeyInfoDer<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<bool, Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    // The library names an algorithm by what stands inside the sequence.
    let named = leaf.signature_algorithm().to_der().map_err(bad)?;
    let Some(signature) = leaf.signature().as_bytes() else {
        return Ok(false);
    };
    let Ok(key) = RawPublicKeyEntity::try_from(key) else {
        return Ok(false);
    };
    let mut fitting = algorithms.all.iter();
    let is_valid = fitting.any(|it| {
        named.ends_with(it.signature_alg_id().as_ref())
            && key.verify_signature(*it, issued, signature).is_ok()
    });
    Ok(is_valid)
}
