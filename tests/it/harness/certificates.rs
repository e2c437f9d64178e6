//! Throwaway certificates, for both ends.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Paper {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    Now,
    NoLonger,
    NotYet,
}

impl Authority {
    /// A new one, that nobody trusts yet.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own: OpenSSL takes what has the name of its issuer for self-signed.
        let name = uuid::Uuid::new_v4().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    /// A server's certificate and key, for these names, as PEM.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        let paper = self.server(names, Valid::Now);
        (paper.certificate, paper.key)
    }

    /// A server's, for these names.
    pub(crate) fn server(&self, names: &[&str], valid: Valid) -> Paper {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        self.sign(CertificateParams::new(names).unwrap(), valid)
    }

    /// A client's, who is called so.
    pub(crate) fn client(&self, name: &str, valid: Valid) -> Paper {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params, valid)
    }

    fn sign(&self, mut params: CertificateParams, valid: Valid) -> Paper {
        match valid {
            Valid::Now => {}
            Valid::NoLonger => params.not_after = date_time_ymd(2020, 1, 1),
            Valid::NotYet => params.not_before = date_time_ymd(2222, 1, 1),
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Paper {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
