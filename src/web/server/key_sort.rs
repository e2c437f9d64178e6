//! Which sort of key a certificate is for.

use std::fmt;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Curves by their names among people.
const CURVES: [(ObjectIdentifier, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "P-256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
];

/// Bits of an RSA key that ring signs with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A sort of key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySort {
    /// RSA, of this many bits.
    Rsa(usize),
    /// ECDSA on the curve of that name.
    Ecdsa(String),
    /// Ed25519.
    Ed25519,
    /// Anything else, by its object identifier.
    Other(String),
}

impl KeySort {
    /// Whether a server can sign with it here.
    pub(crate) fn is_supported(&self) -> bool {
        match self {
            Self::Rsa(bits) => RSA_BITS.contains(bits),
            Self::Ecdsa(curve) => matches!(&**curve, "P-256" | "P-384"),
            Self::Ed25519 => true,
            Self::Other(_) => false,
        }
    }
}

impl fmt::Display for KeySort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA with {bits} bits"),
            Self::Ecdsa(curve) => write!(f, "ECDSA {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// The sort of a certificate's key; `None` when the certificate cannot be read.
pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> Option<KeySort> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    let parameter = key.algorithm.parameters.as_ref();
    Some(match key.algorithm.oid {
        RSA => KeySort::Rsa(modulus_bits(key.subject_public_key.as_bytes()?)?),
        EC => {
            let curve: ObjectIdentifier = parameter?.decode_as().ok()?;
            let known = CURVES.iter().find(|(known, _)| *known == curve);
            KeySort::Ecdsa(known.map_or_else(|| curve.to_string(), |it| it.1.to_owned()))
        }
        ED25519 => KeySort::Ed25519,
        other => KeySort::Other(other.to_string()),
    })
}

/// Of a key `SEQUENCE { modulus INTEGER, exponent INTEGER }`.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let read = reader.sequence(|inner| {
        let modulus = UintRef::decode(inner)?;
        let _exponent = UintRef::decode(inner)?;
        let first = modulus
            .as_bytes()
            .first()
            .map_or(8, |it| it.leading_zeros());
        Ok::<_, x509_cert::der::Error>(modulus.as_bytes().len() * 8 - first as usize)
    });
    read.ok()
}

#[cfg(test)]
#[path = "key_sort_tests.rs"]
mod tests;
