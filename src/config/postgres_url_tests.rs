use tokio_postgres::config::SslMode;

use super::super::postgres_tls::Verify;
use super::*;

fn parse(url: &str) -> PostgresUrl {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn refused(url: &str) -> String {
    url.parse::<PostgresUrl>().unwrap_err().to_string()
}

fn password(url: &str) -> String {
    let url = parse(url);
    String::from_utf8(url.config.get_password().unwrap().to_vec()).unwrap()
}

#[test]
fn plain_url_is_taken_apart() {
    let url = parse("postgres://coder:secret@db.example:6432/coder?sslmode=disable");
    assert_eq!(url.target(), "coder@db.example:6432/coder");
    assert_eq!(url.config.get_ssl_mode(), SslMode::Disable);
    assert_eq!(url.tls.verify, Verify::Nothing);
}

#[test]
fn password_may_hold_anything_url_syntax_leaves_it() {
    assert_eq!(password("postgres://u:p@ss:w@h/d"), "p@ss:w");
    assert_eq!(password("postgres://u:p%40s%3As%25@h/d"), "p@s:s%");
    assert_eq!(password("postgres://u:it's\\it@h/d"), "it's\\it");
    assert_eq!(password("postgres://u:a%2Fb%3Fc%23@h/d"), "a/b?c#");
    assert_eq!(password("postgres://u@h/d?password=x%26y"), "x&y");
}

#[test]
fn half_an_escape_is_refused_with_the_remedy_and_without_the_password() {
    let error = refused("postgres://u:100%sure@h/d");
    assert!(error.contains("%25"), "{error}");
    assert!(!error.contains("sure"), "{error}");
}

#[test]
fn slash_in_a_password_is_refused_with_the_remedy_and_without_the_password() {
    let error = refused("postgres://u:top/secret@h/d");
    assert!(error.contains("%2F"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn url_without_host_is_refused() {
    assert!(refused("postgres://u:p@/d").contains("names no host"));
    assert!(refused("postgres:///d").contains("names no host"));
}

#[test]
fn other_schemes_are_refused() {
    for url in ["", "mysql://u@h/d", "host=h user=u", "u@h/d"] {
        assert!(refused(url).contains("postgres://"), "{url}");
    }
}

#[test]
fn socket_and_several_hosts_are_understood() {
    let socket = parse("postgres://u@/d?host=/run/postgresql");
    assert_eq!(socket.target(), "u@/run/postgresql:5432/d");
    let several = parse("postgres://u@a:1,b,[::1]:3/d?target_session_attrs=read-write");
    assert_eq!(several.target(), "u@a:1,b:5432,[::1]:3/d");
}

#[test]
fn what_coders_urls_carry_is_honoured_or_named() {
    let url = parse("postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem&pool_max_conns=9");
    assert_eq!(url.tls.verify, Verify::AuthorityAndHost);
    assert_eq!(url.tls.root_certificates, Some("/ca.pem".into()));
    assert_eq!(url.config.get_ssl_mode(), SslMode::Require);
    assert_eq!(url.ignored, ["pool_max_conns"]);
    assert_eq!(
        parse("postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem")
            .tls
            .verify,
        Verify::Authority
    );
    assert!(refused("postgres://u@h/d?sslmode=maybe").contains("verify-full"));
    assert!(refused("postgres://u@h/d?sslcert=/c.pem").contains("sslcert"));
    assert!(refused("postgres://u@h/d?connect_timeout=soon").contains("connect_timeout"));
}

#[test]
fn debug_shows_no_password() {
    let shown = format!("{:?}", parse("postgres://u:hunter2@h/d"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
