//! What a server of a file does with a client.

use super::*;

/// Whom the client claims to be.
#[derive(Clone, Copy)]
enum Shows {
    Nothing,
    Known,
    Strange,
}

use Shows::{Known, Nothing, Strange};

/// No TLS comes about, or no answer.
const REFUSED: u16 = 0;

const NO_OLD_TLS: &str = "the toolkit can be told to speak 1.0 and 1.1: rustls never does";
const NO_CBC: &str = "the toolkit offers it: rustls has no CBC suites, and a warning says so";
const NO_P521: &str = "the toolkit offers it: ring has no P-521, and a warning says so";

/// Lines of `tls_server_config` beside the pair; what the client shows; how curl is called; the
/// status, or [`REFUSED`]; where we differ.
type Behaviour = (
    &'static str,
    Shows,
    &'static [&'static str],
    u16,
    &'static str,
);

const VERIFY: &str = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";
const IF_GIVEN: &str = "client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem";
const RIGHT_NAME: &str = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [other.example, client.example]";
const OTHER_NAME: &str = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [other.example]";
const ONE_SUITE: &str =
    "max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]";
const WITH_CBC: &str = "max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]";

const BEHAVIOURS: [Behaviour; 30] = [
    ("", Nothing, &[], 200, SAME),
    ("", Nothing, &["--http1.1"], 200, SAME),
    ("", Nothing, &["--tlsv1.2", "--tls-max", "1.2"], 200, SAME),
    ("", Nothing, &["--tlsv1.3"], 200, SAME),
    ("", Nothing, &["--tls-max", "1.0"], REFUSED, SAME),
    ("", Nothing, &["--tls-max", "1.1"], REFUSED, SAME),
    (
        "min_version: TLS10",
        Nothing,
        &["--tls-max", "1.1"],
        REFUSED,
        NO_OLD_TLS,
    ),
    (
        "min_version: TLS13",
        Nothing,
        &["--tls-max", "1.2"],
        REFUSED,
        SAME,
    ),
    ("min_version: TLS13", Nothing, &[], 200, SAME),
    ("max_version: TLS12", Nothing, &["--tlsv1.3"], REFUSED, SAME),
    ("max_version: TLS12", Nothing, &[], 200, SAME),
    (
        ONE_SUITE,
        Nothing,
        &["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"],
        200,
        SAME,
    ),
    (
        ONE_SUITE,
        Nothing,
        &["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        REFUSED,
        SAME,
    ),
    (
        WITH_CBC,
        Nothing,
        &["--ciphers", "ECDHE-ECDSA-AES128-SHA"],
        REFUSED,
        NO_CBC,
    ),
    (
        "curve_preferences: [CurveP256]",
        Nothing,
        &["--curves", "P-256"],
        200,
        SAME,
    ),
    (
        "curve_preferences: [CurveP256]",
        Nothing,
        &["--curves", "P-384"],
        REFUSED,
        SAME,
    ),
    (
        "curve_preferences: [CurveP521, CurveP256]",
        Nothing,
        &["--curves", "P-521"],
        REFUSED,
        NO_P521,
    ),
    ("client_auth_type: NoClientCert", Strange, &[], 200, SAME),
    (
        "client_auth_type: RequestClientCert",
        Nothing,
        &[],
        200,
        SAME,
    ),
    (
        "client_auth_type: RequireAnyClientCert",
        Nothing,
        &[],
        REFUSED,
        SAME,
    ),
    (
        "client_auth_type: RequireAnyClientCert",
        Strange,
        &[],
        200,
        SAME,
    ),
    (
        "client_auth_type: RequireClientCert",
        Nothing,
        &[],
        REFUSED,
        SAME,
    ),
    (IF_GIVEN, Nothing, &[], 200, SAME),
    (IF_GIVEN, Strange, &[], REFUSED, SAME),
    (
        "client_auth_type: VerifyClientCertIfGiven",
        Nothing,
        &[],
        200,
        SAME,
    ),
    (VERIFY, Nothing, &[], REFUSED, SAME),
    (VERIFY, Known, &[], 200, SAME),
    (VERIFY, Strange, &[], REFUSED, SAME),
    (RIGHT_NAME, Known, &[], 200, SAME),
    (OTHER_NAME, Known, &[], REFUSED, SAME),
];

async fn ask(folder: &Folder, exporter: &Exporter, shows: Shows, how: &[&str]) -> Curled {
    let url = format!("https://{}/-/healthy", exporter.address);
    let ca = folder.file("ca.pem");
    let mut arguments = vec!["--cacert", &ca];
    let name = match shows {
        Nothing => None,
        Known => Some("known"),
        Strange => Some("strange"),
    };
    let pair = name.map(|it| ["crt", "key"].map(|end| folder.file(&format!("{it}.{end}"))));
    if let Some([certificate, key]) = &pair {
        arguments.extend(["--cert", certificate, "--key", key]);
    }
    arguments.extend(how);
    arguments.push(&url);
    curl(&arguments).await
}

#[tokio::test]
async fn servers_do_with_clients_what_their_files_say() {
    let folder = certified();
    for (rest, shows, how, expected, _) in BEHAVIOURS {
        let pair = "cert_file: server.crt, key_file: server.key";
        let exporter = serving(&folder, &format!("tls_server_config: {{{pair}, {rest}}}")).await;
        let answer = ask(&folder, &exporter, shows, how).await;
        assert_eq!(answer.status, expected, "{rest} {how:?}: {answer:?}");
        assert_eq!(answer.exit != 0, expected == REFUSED, "{rest} {how:?}");
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_gets_a_sentence() {
    let folder = certified();
    let pair = "tls_server_config: {cert_file: server.crt, key_file: server.key}";
    let exporter = serving(&folder, pair).await;
    let answer = curl(&[&format!("http://{}/metrics", exporter.address)]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let sentence = "Client sent an HTTP request to an HTTPS server.";
    assert!(answer.text.contains(sentence), "{answer:?}");
    assert_eq!(ask(&folder, &exporter, Nothing, &[]).await.status, 200);
}
