use super::tls::{ClientAuth, TlsVersion};
use proptest::prelude::*;

use super::*;
use crate::fuzzing::fuzz;

/// Hash of the password "secret", at the lowest cost.
const HASH: &str = "$2b$04$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";

fn read(text: &str) -> WebFile {
    text.parse()
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks that the file is rejected and that the error contains all of `parts`.
fn refuses(text: &str, parts: &[&str]) {
    let error = text.parse::<WebFile>().unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn file_without_content_changes_nothing() {
    for text in ["", "\n", "# nothing yet\n", "{}"] {
        let file = read(text);
        assert!(file.tls_server_config.is_none() && file.basic_auth_users.is_empty());
        assert!(file.http_server_config.http2);
    }
}

#[test]
fn whole_file_is_understood() {
    let file = read(&format!(
        "tls_server_config:
  cert_file: server.crt
  key_file: /etc/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [prometheus.example]
  min_version: TLS13
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=300
basic_auth_users:
  alice: {HASH}
rate_limit:
  interval: 250ms
  burst: 20
"
    ));
    let tls = file.tls_server_config.unwrap();
    assert_eq!(tls.client_auth_type, ClientAuth::RequireAndVerifyClientCert);
    assert_eq!(
        (tls.min_version, tls.max_version),
        (TlsVersion::Tls13, TlsVersion::Tls13)
    );
    let files = tls.files(std::path::Path::new("/etc/exporter"));
    let files: Vec<_> = files.iter().map(|it| it.to_str().unwrap()).collect();
    let expected = [
        "/etc/exporter/server.crt",
        "/etc/server.key",
        "/etc/exporter/ca.pem",
    ];
    assert_eq!(files, expected);
    assert!(!file.http_server_config.http2);
    assert_eq!(file.basic_auth_users["alice"].as_str(), HASH);
    let expected = RateLimit {
        interval: Duration::from_millis(250),
        burst: 20,
    };
    assert_eq!(file.rate_limit, expected);
}

#[test]
fn unknown_key_is_named_with_its_place() {
    refuses("basic_auth_user: {}\n", &["basic_auth_user", "line 1"]);
    let piece_of_a_hash = "htEixZaYVK1fsbw1ZfbXhttp_server_config: {http2: false}\n";
    refuses(
        piece_of_a_hash,
        &["line 1, column 1: unknown field `…`, expected one of"],
    );
    let tls = "tls_server_config:\n  cert_file: a\n  key_file: b\n  clientauth: x\n";
    refuses(tls, &["clientauth", "line 4"]);
    refuses(
        "http_server_config: {headers: {Server: x}}",
        &["Server", "X-Frame-Options"],
    );
}

#[test]
fn key_that_is_there_twice_is_named_with_its_line_and_without_a_hint_for_programmers() {
    let text = "rate_limit:\n  burst: 1\n  burst: 2\n";
    refuses(text, &["line 3", "`burst` is there twice"]);
}

#[test]
fn tls_that_protects_less_than_it_seems_is_refused() {
    let pair = "cert_file: a, key_file: b";
    for (rest, said) in [
        ("client_ca_file: c", "RequireAndVerifyClientCert"),
        (
            "client_auth_type: RequestClientCert, client_allowed_sans: [x]",
            "client_allowed_sans",
        ),
        ("client_auth_type: Whatever", "RequireAnyClientCert"),
        ("max_version: TLS11", "max_version"),
        ("min_version: TLS13, max_version: TLS12", "max_version"),
        ("min_version: SSL3", "TLS12"),
        ("cert: x", "not both"),
    ] {
        refuses(&format!("tls_server_config: {{{pair}, {rest}}}"), &[said]);
    }
    refuses(
        "tls_server_config: {cert_file: a}",
        &["key_file is missing"],
    );
    refuses("tls_server_config: {}", &["cert_file is missing"]);
}

#[test]
fn authorities_of_clients_may_be_the_systems() {
    for how in ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] {
        let tls =
            format!("tls_server_config: {{cert_file: a, key_file: b, client_auth_type: {how}}}");
        assert!(!read(&tls).tls_server_config.unwrap().names_authorities());
    }
}

#[test]
fn errors_repeat_no_secret() {
    for text in [
        "basic_auth_users: hunter2",
        "basic_auth_users: {alice: hunter2}",
        "basic_auth_users: {alice: [hunter2]}",
        "basic_auth_users: {alice: hunter2\n",
        "tls_server_config: {cert: x, key: {a: hunter2}}",
        "tls_server_config: hunter2",
        "rate_limit: {interval$hunter2/x: 1}",
        "rate_limit: {burst: hunter2}",
        "rate_limit: {interval: hunter2}",
        "http_server_config: {http2: 'say \"hunter2\" twice'}",
    ] {
        let error = text.parse::<WebFile>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let shown = format!(
        "{:?}",
        read(&format!("basic_auth_users: {{alice: {HASH}}}"))
    );
    assert!(!shown.contains("EixZaYVK1"), "{shown}");
}

#[test]
fn password_that_is_no_usable_hash_is_refused() {
    let odd = format!("{}é", &HASH[..58]);
    let dear = HASH.replace("$04$", "$31$");
    let cheap = HASH.replace("$04$", "$03$");
    for hash in ["plain", "''", &odd, &dear, &cheap, &HASH[..59]] {
        let said = "hash";
        refuses(&format!("basic_auth_users: {{alice: '{hash}'}}"), &[said]);
    }
}

#[test]
fn limit_that_lets_nobody_in_is_refused() {
    refuses("rate_limit: {interval: 1s}", &["burst"]);
    assert_eq!(
        read("rate_limit: {interval: 0s}").rate_limit.interval,
        Duration::ZERO
    );
    assert_eq!(
        read("rate_limit: {interval: 0}").rate_limit.interval,
        Duration::ZERO
    );
}

/// Lines with the syntax of such a file, in any order and at any depth.
fn yaml() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "tls_server_config:",
        "cert_file: a",
        "key_file: b",
        "key: hunter2",
        "client_auth_type: NoClientCert",
        "client_allowed_sans: [a, b]",
        "http_server_config:",
        "http2: maybe",
        "headers:",
        "X-Frame-Options: deny",
        "basic_auth_users:",
        "alice: hunter2",
        "- hunter2",
        "rate_limit:",
        "interval: 1s",
        "burst: 9e9",
        "&a [*a, *a]",
        "<<: *a",
        "!!binary hunter2",
        "---",
        "...",
        "{",
        "\"",
        "'",
        "| ",
        ">",
        "\t",
        "\0",
        "é: ü",
    ]);
    let line =
        (0..4_usize, line).prop_map(|(depth, line)| format!("{}{line}\n", "  ".repeat(depth)));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_text_is_a_file_or_an_error_without_its_secrets(text in prop_oneof![yaml(), ".{0,200}"]) {
        if let Err(error) = text.parse::<WebFile>() {
            let error = error.to_string();
            prop_assert!(!error.is_empty() && error.len() < 1000, "{}", error);
            prop_assert!(!error.contains("hunter2"), "{}", error);
        }
    }
}

#[test]
fn fuzzed_web_file_is_a_file_or_an_error_without_secrets() {
    let users = format!("basic_auth_users:\n  alice: {HASH}\n");
    let good = [
        users.as_str(),
        "tls_server_config: {cert: hunter2, key: hunter2, client_auth_type: NoClientCert}",
        "rate_limit: {interval: 1s, burst: 5}\nhttp_server_config: {http2: false}\n",
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n",
    ];
    fuzz(&good, |input| {
        if let Err(error) = String::from_utf8_lossy(input).parse::<WebFile>() {
            let error = error.to_string();
            assert!(!error.contains("EixZaYVK1"), "{error}");
        }
    });
}
