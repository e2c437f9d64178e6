//! What a file must be for the exporter to start.

use super::*;

/// What comes of a start.
enum Start {
    /// It starts.
    Good,
    /// It does not, and says this.
    Bad(&'static str),
}

use Start::{Bad, Good};

const PAIR: &str = "cert_file: server.crt, key_file: server.key";

/// What is in the file, in a folder with certificates; `{pair}` stands for a certificate and its key.
const STARTS: [(&str, &str, Start, &str); 18] = [
    ("an empty file", "", Good, SAME),
    ("no YAML", "tls_server_config: [", Bad("line "), SAME),
    (
        "an unknown section",
        "tls_confg: {}",
        Bad("tls_confg"),
        SAME,
    ),
    (
        "an unknown key",
        "tls_server_config: {{pair}, cert_fil: x}",
        Bad("cert_fil"),
        SAME,
    ),
    (
        "no certificate",
        "tls_server_config: {key_file: server.key}",
        Bad("cert_file is missing"),
        SAME,
    ),
    (
        "no key",
        "tls_server_config: {cert_file: server.crt}",
        Bad("key_file is missing"),
        SAME,
    ),
    (
        "neither certificate nor key",
        "tls_server_config: {}",
        Bad("cert_file is missing"),
        "the toolkit serves plain HTTP: here a section on TLS that has none is a mistake",
    ),
    (
        "a certificate that is not there",
        "tls_server_config: {cert_file: gone.crt, key_file: server.key}",
        Bad("gone.crt"),
        SAME,
    ),
    (
        "a key that is not there",
        "tls_server_config: {cert_file: server.crt, key_file: gone.key}",
        Bad("gone.key"),
        SAME,
    ),
    (
        "the key of another certificate",
        "tls_server_config: {cert_file: server.crt, key_file: known.key}",
        Bad("cannot be used together"),
        SAME,
    ),
    (
        "an unknown client_auth_type",
        "tls_server_config: {{pair}, client_auth_type: Perhaps}",
        Bad("RequireAndVerifyClientCert"),
        SAME,
    ),
    (
        "authorities of clients that are not there",
        "tls_server_config: {{pair}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: gone.pem}",
        Bad("gone.pem"),
        SAME,
    ),
    (
        "authorities of clients that are not asked for certificates",
        "tls_server_config: {{pair}, client_ca_file: ca.pem}",
        Bad("client_auth_type"),
        SAME,
    ),
    (
        "an unknown cipher",
        "tls_server_config: {{pair}, cipher_suites: [TLS_RSA_WITH_ROT_13]}",
        Bad("unknown cipher"),
        SAME,
    ),
    (
        "an unknown curve",
        "tls_server_config: {{pair}, curve_preferences: [CurveP111]}",
        Bad("unknown curve"),
        SAME,
    ),
    (
        "an unknown version",
        "tls_server_config: {{pair}, min_version: TLS111}",
        Bad("TLS12"),
        SAME,
    ),
    (
        "a password that is no hash",
        "basic_auth_users: {alice: secret}",
        Bad("bcrypt"),
        "the toolkit starts, and refuses this user: here it is found at the start",
    ),
    (
        "a header that may not be set",
        "http_server_config: {headers: {Server: x}}",
        Bad("Server"),
        SAME,
    ),
];

#[tokio::test]
async fn files_start_the_exporter_or_are_refused_with_their_reason() {
    let folder = certified();
    let gone = LiveConfig::load(Some(folder.file("gone.yml").as_ref())).unwrap_err();
    assert!(gone.contains("gone.yml"), "{gone}");
    for (name, file, expected, _) in STARTS {
        let path = folder.write("web.yml", &file.replace("{pair}", PAIR));
        match (LiveConfig::load(Some(path.as_ref())), expected) {
            (Ok(_), Good) => {}
            (Err(problem), Bad(said)) => assert!(problem.contains(said), "{name}: {problem}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}
