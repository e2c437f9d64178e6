//! Advice for errors of the server, a pooler or TLS: the end of a sentence, or empty.

use rustls::{AlertDescription, CertificateError, Error};

/// Advice for an SQLSTATE and its message. PgBouncer uses the code for a protocol violation for all
/// its errors, so its messages are compared.
pub(crate) fn of_server(code: &str, message: &str) -> &'static str {
    match code {
        "53300" => "; raise max_connections or the role's CONNECTION LIMIT",
        "28P01" => "; check the user and password of the database URL",
        "55P03" => "; another session, for example a migration, holds a lock",
        "28000" => of_refused_user(message),
        "08P01" => of_pooler(message),
        _ => "",
    }
}

fn of_refused_user(message: &str) -> &'static str {
    if message.contains("requires a valid client certificate") {
        "; set sslcert and sslkey in the database URL"
    } else if message.starts_with("certificate authentication failed")
        || message.starts_with("\"trust\" authentication failed")
    {
        "; the certificate's common name (CN) must be the user name, or pg_ident.conf must map it"
    } else if message.starts_with("no pg_hba.conf entry") {
        "; the server's pg_hba.conf needs an entry for this user, database, address and sslmode"
    } else {
        ""
    }
}

/// Advice for PgBouncer's messages.
fn of_pooler(message: &str) -> &'static str {
    if message.contains("query_wait_timeout") {
        "; the pooler had no free server connection in time: raise its pool size"
    } else if message.contains("no more connections allowed") {
        "; raise the pooler's max_client_conn"
    } else if message.starts_with("unsupported startup parameter") {
        "; remove the option from the database URL and PGOPTIONS, or add it to the pooler's ignore_startup_parameters"
    } else if message.contains("authentication failed") || message.contains("no such user") {
        "; check the user and password of the database URL, and the pooler's auth_file"
    } else {
        ""
    }
}

/// Of a server that asks for a password where there is none.
pub(crate) const NO_PASSWORD: &str =
    "; the server requires a password: set it in the database URL, PGPASSWORD or a password file";

/// Of a database that a role may not connect to.
pub(crate) fn of_connect(database: &str, role: &str) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (database, role) = (quoted(database), quoted(role));
    format!("; run: GRANT CONNECT ON DATABASE {database} TO {role};")
}

/// Advice for a failed handshake, with an error of our side or an alert from the server.
pub(crate) fn of_tls(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(certificate) => of_server_certificate(certificate),
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => "",
    }
}

fn of_server_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as Its;
    match error {
        Its::Expired | Its::ExpiredContext { .. } => {
            "; the server's certificate has expired: renew it and reload the server"
        }
        Its::NotValidYet | Its::NotValidYetContext { .. } => {
            "; the server's certificate is not valid yet: check both clocks"
        }
        // The second where two authorities go by one name.
        Its::UnknownIssuer | Its::BadSignature => {
            "; the server's certificate is not signed by a trusted certificate authority: set sslrootcert in the database URL"
        }
        Its::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "; the server's certificate has no subjectAltName, and a name that is only in its CN is not looked at: add the host name as subjectAltName=DNS:…, or use sslmode=verify-ca"
        }
        Its::NotValidForName | Its::NotValidForNameContext { .. } => {
            "; the server's certificate is for another host name: connect to a name in the certificate, or use sslmode=verify-ca"
        }
        Its::Revoked => "; the server's certificate is revoked (sslcrl): renew it",
        Its::Other(other) => match other.0.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "; the server uses a CA certificate as its own: give it a server certificate signed by that CA, or name its own certificate by sslrootcert"
            }
            Some(webpki::Error::UnsupportedCertVersion) => {
                "; the server's certificate is of X.509 version 1, which has no subjectAltName to check: make one of version 3, as with openssl x509 -req -copy_extensions copy, or use sslmode=require"
            }
            _ => "",
        },
        _ => "",
    }
}

/// Advice for an alert. The server verifies our certificate only after it has sent its own.
fn of_alert(alert: AlertDescription) -> &'static str {
    use AlertDescription as The;
    match alert {
        The::CertificateExpired => {
            "; the server refuses the client certificate (sslcert): it has expired; renew it"
        }
        The::UnknownCA | The::DecryptError => {
            "; the server refuses the client certificate (sslcert): it is not signed by a CA in the server's ssl_ca_file"
        }
        The::BadCertificate | The::CertificateUnknown | The::UnsupportedCertificate => {
            "; the server refuses the client certificate (sslcert): see the server's log, and check that the certificate is already valid"
        }
        The::CertificateRequired => {
            "; the server requires a client certificate: set sslcert and sslkey in the database URL"
        }
        _ => "",
    }
}
