//! What to do about what the server, a pooler or TLS says: the end of a sentence, or nothing.

use rustls::{AlertDescription, CertificateError, Error};

/// Of an SQLSTATE and its message. A pooler says everything under the code of a broken
/// protocol, so there the message counts.
pub(super) fn of_server(code: &str, message: &str) -> &'static str {
    match code {
        "53300" => "; raise max_connections or the role's CONNECTION LIMIT",
        "28P01" => "; check the user and password of the database URL",
        "55P03" => "; another session holds a lock, a migration perhaps",
        "28000" => of_refused_user(message),
        "08P01" => of_pooler(message),
        _ => "",
    }
}

fn of_refused_user(message: &str) -> &'static str {
    if message.contains("requires a valid client certificate") {
        "; name one by sslcert and sslkey in the database URL"
    } else if message.starts_with("certificate authentication failed")
        || message.starts_with("\"trust\" authentication failed")
    {
        "; the certificate's common name (CN) must be the user's name, or pg_ident.conf must map it"
    } else if message.starts_with("no pg_hba.conf entry") {
        "; the server's pg_hba.conf needs a line for this user, database, address and sslmode"
    } else {
        ""
    }
}

/// PgBouncer's words.
fn of_pooler(message: &str) -> &'static str {
    if message.contains("query_wait_timeout") {
        "; the pooler had no server connection free in time: raise its pool size"
    } else if message.contains("no more connections allowed") {
        "; raise the pooler's max_client_conn"
    } else if message.starts_with("unsupported startup parameter") {
        "; take options out of the database URL and PGOPTIONS, or add it to the pooler's ignore_startup_parameters"
    } else if message.contains("authentication failed") || message.contains("no such user") {
        "; check the user and password of the database URL, and the pooler's auth_file"
    } else {
        ""
    }
}

/// Of what the driver itself has to say.
pub(super) fn of_driver(text: &str) -> &'static str {
    if text.contains("server does not support TLS") {
        "; set ssl = on at the server, or, if the network between is trusted, sslmode=disable in the database URL"
    } else if text.contains("password missing") {
        "; the server wants one: put it into the database URL, PGPASSWORD or a password file"
    } else {
        ""
    }
}

/// Of a handshake that failed, at our end or, by an alert, at the server's.
pub(super) fn of_tls(error: &Error) -> &'static str {
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
            "; the server's certificate has expired: renew it, and reload the server"
        }
        Its::NotValidYet | Its::NotValidYetContext { .. } => {
            "; the server's certificate is not valid yet: compare the clocks"
        }
        // The second where two authorities go by one name.
        Its::UnknownIssuer | Its::BadSignature => {
            "; the server's certificate is from an authority that is not trusted here: name the right one by sslrootcert in the database URL"
        }
        Its::NotValidForName | Its::NotValidForNameContext { .. } => {
            "; the server's certificate is for another host: connect by a name that it has, or use sslmode=verify-ca"
        }
        Its::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "; the server shows an authority's own certificate: give it one that is no authority's, signed by that one"
        }
        _ => "",
    }
}

/// The server looks at our certificate only after it has shown its own.
fn of_alert(alert: AlertDescription) -> &'static str {
    use AlertDescription as The;
    match alert {
        The::CertificateExpired => {
            "; the server refuses our certificate, the URL's sslcert: it has expired, renew it"
        }
        The::UnknownCA | The::DecryptError => {
            "; the server refuses our certificate, the URL's sslcert: no authority in the server's ssl_ca_file has signed it"
        }
        The::BadCertificate | The::CertificateUnknown | The::UnsupportedCertificate => {
            "; the server refuses our certificate, the URL's sslcert: its log says why; is it valid yet?"
        }
        The::CertificateRequired => {
            "; the server wants a certificate of ours: name one by sslcert and sslkey in the database URL"
        }
        _ => "",
    }
}
