//! Our own certificate and key, for a server that wants to see one.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::postgres_tls::Identity;
use crate::error::Failure;
use crate::postgres::connection::tls::{read_certificates, tls_failure};

/// Reads both files.
///
/// # Errors
///
/// When one cannot be read or holds none, or when the key is open to others; names the file.
pub(crate) fn read(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let chain = read_certificates("sslcert", &identity.certificate)?;
    if chain.is_empty() {
        let path = identity.certificate.display();
        return Err(tls_failure(format!(
            "sslcert {path} contains no certificate in PEM format"
        )));
    }
    Ok((chain, read_key(&identity.key)?))
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    let shown = path.display();
    let unreadable = |error| tls_failure(format!("sslkey {shown} cannot be read: {error}"));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !is_private(metadata.uid(), metadata.mode()) {
        return Err(tls_failure(format!(
            "sslkey {shown} can be opened by other users; run: chmod 0600 {shown} (0640 is enough if root owns it)"
        )));
    }
    let file = File::open(path).map_err(unreadable)?;
    PrivateKeyDer::from_pem_reader(BufReader::new(file)).map_err(|error| {
        tls_failure(format!(
            "sslkey {shown} contains no usable key ({error}); remove a passphrase with: openssl pkey -in {shown}"
        ))
    })
}

/// libpq's rule: only its owner may read it, and the group too where the owner is root, as with
/// secrets that are mounted into a container.
fn is_private(owner: u32, mode: u32) -> bool {
    let forbidden = if owner == 0 { 0o037 } else { 0o077 };
    mode & forbidden == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_the_owners_alone_and_of_roots_group_at_most() {
        for (owner, mode, private) in [
            (1000, 0o100_600, true),
            (1000, 0o100_400, true),
            (1000, 0o100_640, false),
            (1000, 0o100_604, false),
            (0, 0o100_600, true),
            (0, 0o100_640, true),
            (0, 0o100_660, false),
            (0, 0o100_644, false),
        ] {
            assert_eq!(is_private(owner, mode), private, "{owner} {mode:o}");
        }
    }
}
