use super::super::postgres_tls::{TlsMode, Verify};
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
    assert_eq!(url.tls.mode, TlsMode::Never);
    assert_eq!(url.tls.verify, Verify::Nothing);
}

#[test]
fn password_may_hold_anything_url_syntax_leaves_it() {
    assert_eq!(password("postgres://u:p@ss:w@h/d"), "p@ss:w");
    assert_eq!(password("postgres://u:p%40s%3As%25@h/d"), "p@s:s%");
    assert_eq!(password("postgres://u:it's\\it@h/d"), "it's\\it");
    assert_eq!(password("postgres://u:a%2Fb%3Fc%23@h/d"), "a/b?c#");
    assert_eq!(password("postgres://u@h/d?password=x%26y"), "x&y");
    assert_eq!(
        password("postgres://u:wh?t#@h/d?application_name=a@b"),
        "wh?t#"
    );
    assert_eq!(parse("postgres://u:wh?t@h:1/d").target(), "u@h:1/d");
    assert_eq!(parse("postgres://h:1?user=a@b").target(), "a@b@h:1/a@b");
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
    assert!(refused("postgres://u:p@/d").contains("contains no host"));
    assert!(refused("postgres:///d").contains("contains no host"));
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
    assert_eq!(url.tls.mode, TlsMode::Always);
    assert_eq!(url.ignored, ["pool_max_conns"]);
    assert_eq!(
        parse("postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem")
            .tls
            .verify,
        Verify::Authority
    );
    assert!(refused("postgres://u@h/d?sslmode=maybe").contains("verify-full"));
    assert!(refused("postgres://u@h/d?sslcert=/c.pem").contains("sslkey"));
    assert!(refused("postgres://u@h/d?connect_timeout=soon").contains("connect_timeout"));
}

#[test]
fn run_time_parameters_are_those_that_libpq_would_forward() {
    let url = parse("postgres://u@h/d?search_path=a,b&statement_timeout=5s&sslsni=1&pool_x=1");
    let expected = [("search_path", "a,b"), ("statement_timeout", "5s")];
    assert_eq!(
        url.parameters,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(url.ignored, ["sslsni", "pool_x"]);
}

#[test]
fn wanted_server_is_named_as_in_libpq() {
    let wanted = |value: &str| {
        parse(&format!("postgres://u@a,b/d?target_session_attrs={value}")).target_session
    };
    assert_eq!(wanted("any"), TargetSession::Any);
    assert_eq!(wanted("read-write"), TargetSession::Primary);
    assert_eq!(wanted("primary"), TargetSession::Primary);
    assert_eq!(wanted("read-only"), TargetSession::Standby);
    assert_eq!(wanted("standby"), TargetSession::Standby);
    assert_eq!(wanted("prefer-standby"), TargetSession::PreferStandby);
    let error = refused("postgres://u@a,b/d?target_session_attrs=master");
    assert!(error.contains("prefer-standby"), "{error}");
}

#[test]
fn debug_shows_no_password() {
    let shown = format!("{:?}", parse("postgres://u:hunter2@h/d"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Parses the URL with these environment variables.
fn parse_with(url: &str, variables: &[(&str, &str)]) -> PostgresUrl {
    let value = |name: &str| {
        let found = variables.iter().find(|(it, _)| *it == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    PostgresUrl::read(url, &value).unwrap_or_else(|error| panic!("{url}: {error}"))
}

const EVERY_VARIABLE: [(&str, &str); 12] = [
    ("PGHOST", "other"),
    ("PGPORT", "6432"),
    ("PGUSER", "somebody"),
    ("PGPASSWORD", "p'a\\ss w"),
    ("PGDATABASE", "thing"),
    ("PGSSLMODE", "verify-full"),
    ("PGSSLROOTCERT", "/ca.pem"),
    ("PGSSLCERT", "/c.pem"),
    ("PGSSLKEY", "/k.pem"),
    ("PGCONNECT_TIMEOUT", "7"),
    ("PGAPPNAME", "it's us"),
    ("PGOPTIONS", "-c geqo=off"),
];

#[test]
fn variables_fill_in_what_the_url_leaves_out() {
    for url in ["postgres://", "postgresql:///", "postgres://?sslmode="] {
        let url = parse_with(url, &EVERY_VARIABLE);
        assert_eq!(url.target(), "somebody@other:6432/thing");
        assert_eq!(url.config.get_password(), Some("p'a\\ss w".as_bytes()));
        assert_eq!(url.tls.mode, TlsMode::Always);
        assert_eq!(url.tls.verify, Verify::AuthorityAndHost);
        assert_eq!(url.tls.root_certificates, Some("/ca.pem".into()));
        let identity = url.tls.identity.unwrap();
        assert_eq!(identity.certificate, PathBuf::from("/c.pem"));
        assert_eq!(identity.key, PathBuf::from("/k.pem"));
        let timeout = url.config.get_connect_timeout().unwrap();
        assert_eq!(timeout.as_secs(), 7);
        assert_eq!(url.config.get_application_name(), Some("it's us"));
        assert_eq!(url.config.get_options(), Some("-c geqo=off"));
    }
    let half = parse_with("postgres:///coder", &EVERY_VARIABLE);
    assert_eq!(half.target(), "somebody@other:6432/coder");
}

#[test]
fn url_wins_over_variables() {
    let url = "postgres://u:p@h:1/d?sslmode=disable&connect_timeout=3&application_name=a&options=b";
    let url = parse_with(url, &EVERY_VARIABLE);
    assert_eq!(url.target(), "u@h:1/d");
    assert_eq!(url.config.get_password(), Some("p".as_bytes()));
    assert_eq!(url.tls.mode, TlsMode::Never);
    assert_eq!(url.tls.identity, None);
    assert_eq!(url.config.get_connect_timeout().unwrap().as_secs(), 3);
    assert_eq!(url.config.get_application_name(), Some("a"));
    assert_eq!(url.config.get_options(), Some("b"));
}

#[test]
fn url_that_names_a_host_never_leads_to_another() {
    let elsewhere = [("PGHOST", "other"), ("PGHOSTADDR", "192.0.2.1")];
    for url in ["postgres://u@h/d", "postgres://u@/d?host=h"] {
        let url = parse_with(url, &elsewhere);
        assert_eq!(url.target(), "u@h:5432/d");
        assert!(url.config.get_hostaddrs().is_empty());
    }
    let address = parse_with("postgres://u@/d?hostaddr=192.0.2.7", &elsewhere);
    assert_eq!(address.target(), "u@192.0.2.7:5432/d");
}

#[test]
fn address_alone_is_also_the_name_on_the_certificate() {
    let url = parse_with("postgres://u@/d", &[("PGHOSTADDR", "192.0.2.1")]);
    assert_eq!(url.config.get_hosts(), [Host::Tcp("192.0.2.1".into())]);
    let both = [("PGHOSTADDR", "192.0.2.1"), ("PGHOST", "db.example")];
    let url = parse_with("postgres://u@/d", &both);
    assert_eq!(url.config.get_hosts(), [Host::Tcp("db.example".into())]);
    assert_eq!(url.config.get_hostaddrs().len(), 1);
}

#[test]
fn port_of_the_environment_is_for_hosts_without_one() {
    let port = [("PGPORT", "6432")];
    let target = |url| parse_with(url, &port).target();
    assert_eq!(target("postgres://u@h/d"), "u@h:6432/d");
    assert_eq!(target("postgres://u@h:1/d"), "u@h:1/d");
    assert_eq!(target("postgres://u@a,b/d"), "u@a:6432,b:6432/d");
    assert_eq!(target("postgres://u@a:1,b/d"), "u@a:1,b:5432/d");
}

#[test]
fn empty_variables_are_none() {
    let empty = [("PGUSER", ""), ("PGPORT", ""), ("PGSSLMODE", "")];
    assert_eq!(
        parse_with("postgres://u@h/d", &empty).target(),
        "u@h:5432/d"
    );
    let nowhere = PostgresUrl::read("postgres://", &|_| Some(String::new()));
    assert!(nowhere.unwrap_err().to_string().contains("PGHOST"));
}

#[test]
fn socket_of_this_machine_has_no_use_for_tls() {
    let strict = [("PGSSLMODE", "verify-full"), ("PGSSLCERT", "/c.pem")];
    let url = parse_with("postgres://u@/d?host=/run/postgresql", &strict);
    assert_eq!(url.tls.mode, TlsMode::Never);
    assert_eq!(url.tls.identity, None);
}

#[test]
fn authorities_called_system_are_asked_in_full() {
    let url = parse("postgres://u@h/d?sslrootcert=system");
    assert_eq!(url.tls.mode, TlsMode::Always);
    assert_eq!(url.tls.verify, Verify::AuthorityAndHost);
    assert_eq!(url.tls.root_certificates, None);
}

#[test]
fn fuzzed_url_is_a_server_or_an_error_without_the_password() {
    let good = [
        "postgres://coder:hunter2hunter2@db.example:5432/coder?sslmode=verify-full",
        "postgresql://u:hunter2hunter2@h1:1,h2:2/d?connect_timeout=3",
        "postgres://u@/d?host=/run/postgresql&password=hunter2hunter2",
    ];
    crate::fuzzing::fuzz(&good, |input| {
        let text = String::from_utf8_lossy(input);
        if let Err(error) = PostgresUrl::read(&text, &|_| None) {
            assert!(!error.to_string().contains("hunter2hunter2"), "{error}");
        }
        let _ = text.parse::<crate::config::http_url::HttpUrl>();
    });
}
