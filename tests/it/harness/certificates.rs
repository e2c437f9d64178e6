//! Throwaway certificates, for both ends.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// The serial number of every certificate that an authority signs.
const SERIAL: u64 = 4711;

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

impl Paper {
    /// A server's of X.509 version 1, for 127.0.0.1 by its CN, signed by itself: what
    /// `openssl x509 -req -signkey` makes without an extension file.
    pub(crate) fn of_version_1() -> Self {
        Self {
            certificate: include_str!("certificates/version_1.crt").into(),
            key: include_str!("certificates/version_1.key").into(),
        }
    }

    /// An authority's own, used by a server or client of these names: what `openssl req -x509`
    /// makes.
    pub(crate) fn of_an_authority(names: &[&str], common_name: &str) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
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

    /// A client's that is an authority's too, for these names: with openssl's own settings.
    pub(crate) fn authority_client(&self, names: &[&str], valid: Valid) -> Paper {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.sign(params, valid)
    }

    /// A list in which every certificate that it signs is revoked.
    pub(crate) fn revokes_all(&self) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(SERIAL),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2222, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    fn sign(&self, mut params: CertificateParams, valid: Valid) -> Paper {
        match valid {
            Valid::Now => {}
            Valid::NoLonger => params.not_after = date_time_ymd(2020, 1, 1),
            Valid::NotYet => params.not_before = date_time_ymd(2222, 1, 1),
        }
        params.serial_number = Some(SerialNumber::from(SERIAL));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Paper {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
