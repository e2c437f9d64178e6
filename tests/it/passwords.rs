//! Passwords: they work whatever they hold, and are never shown.

use coder_agent_exporter::demo::cluster::{Listen, Options};

use crate::harness::*;

/// Everything that means something in a URL.
const PASSWORD: &str = "p@ss:w/rd?100%#&=+ \u{e9}'\"\\";

/// The same as a URL carries it, and with what may stay as it is left so.
const ENCODED: &str = "p%40ss%3Aw%2Frd%3F100%25%23%26%3D%2B%20%C3%A9%27%22%5C";
const RAW: &str = "p@ss:w%2Frd%3F100%25%23&=+ \u{e9}'\"\\";

/// A server that wants passwords on TCP, by one method, and the exporter's role with one.
async fn coder_with_passwords(method: &str) -> Coder {
    let rules = format!("local all all trust\nhost all all 127.0.0.1/32 {method}\n");
    let coder = Coder::on(Options {
        listen: Listen::SocketAndTcp,
        settings: vec![format!("password_encryption = '{method}'")],
        hba: Some(rules),
        ..prepared()
    })
    .await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let password = literal(PASSWORD);
    coder
        .sql(&format!("ALTER ROLE {} PASSWORD {password}", coder.role))
        .await;
    coder
}

fn url(coder: &Coder, password: &str) -> String {
    let (role, port, database) = (&coder.role, coder.cluster().port(), &coder.database);
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
}

#[tokio::test]
async fn password_of_awkward_letters_works_encoded_and_raw() {
    for method in ["scram-sha-256", "md5"] {
        let coder = coder_with_passwords(method).await;
        for password in [ENCODED, RAW] {
            let exporter = Exporter::start(&url(&coder, password), |_| {}).await;
            let page = exporter.scrape().await;
            assert_eq!(
                page.value("coder_exporter_up", &[]),
                1.0,
                "{method} {password}"
            );
        }
    }
}

#[tokio::test]
async fn wrong_password_counts_as_authentication_and_a_right_one_mends_it() {
    let coder = coder_with_passwords("scram-sha-256").await;
    let exporter = Exporter::start(&url(&coder, "wrong"), |_| {}).await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    let kind = [("kind", "authentication")];
    assert_eq!(page.value("coder_exporter_errors_total", &kind), 1.0);
    let ready = exporter.get("/-/ready").await;
    assert!(
        ready.body.contains("check the user and password"),
        "{}",
        ready.body
    );

    coder
        .sql(&format!("ALTER ROLE {} PASSWORD 'wrong'", coder.role))
        .await;
    assert_eq!(exporter.scrape().await.value("coder_exporter_up", &[]), 1.0);
}

#[tokio::test]
async fn missing_password_and_refused_host_count_as_authentication() {
    let coder = coder_with_passwords("scram-sha-256").await;
    let (role, port) = (&coder.role, coder.cluster().port());
    let without = format!("postgres://{role}@127.0.0.1:{port}/{}", coder.database);
    let refused = Coder::on(Options {
        hba: Some("local all postgres trust\n".into()),
        ..prepared()
    })
    .await;
    for url in [without, refused.url()] {
        let page = Exporter::start(&url, |_| {}).await.scrape().await;
        let kind = [("kind", "authentication")];
        assert_eq!(
            page.value("coder_exporter_errors_total", &kind),
            1.0,
            "{url}"
        );
    }
}

/// Words that occur in no other text.
const SECRET: &str = "hunter2-xyzzy";

async fn never_shown(arguments: &[&str], variables: &[(&str, &str)]) {
    let ended = run_with(arguments, variables).await;
    let said = ended.stdout + &ended.stderr;
    assert_ne!(ended.code, Some(0), "{arguments:?}: {said}");
    assert!(!said.is_empty(), "{arguments:?}");
    assert!(
        !said.contains("hunter2") && !said.contains("xyzzy"),
        "{arguments:?}: {said}"
    );
}

#[tokio::test]
async fn password_is_never_shown_whatever_is_wrong() {
    let coder = coder_with_passwords("scram-sha-256").await;
    let urls = [
        url(&coder, SECRET),
        format!("postgres://u:{SECRET}@127.0.0.1:1/d"),
        format!("postgres://u:{SECRET}@no.such.host.invalid/d"),
        format!("postgres://u:{SECRET}%@h/d"),
        format!("postgres://u:{SECRET}/slash@h/d"),
        format!("postgres://u:{SECRET}@h:port/d"),
        format!("postgres://u:{SECRET}@/d"),
        format!("postgres://u:{SECRET}@h/d?sslmode=no"),
        format!("postgres://u@h/d?password={SECRET}&sslmode=no"),
        format!("u:{SECRET}@h/d"),
        format!("host=h user=u password={SECRET}"),
    ];
    for url in &urls {
        let flag = format!("--postgres.url={url}");
        never_shown(&["check", "--log.level=debug", &flag], &[]).await;
        never_shown(&["check"], &[("CODER_PG_CONNECTION_URL", url)]).await;
        never_shown(&["check"], &[("CODER_EXPORTER_POSTGRES_URL", url)]).await;
        never_shown(&["check", &flag, "--log.level=loud"], &[]).await;
        never_shown(&["serve", &flag, "--web.listen-address=203.0.113.1:9"], &[]).await;
    }
}

#[tokio::test]
async fn password_is_never_shown_though_the_url_stands_in_the_wrong_place() {
    let url = format!("postgres://u:{SECRET}@h/d");
    never_shown(&[&url], &[]).await;
    never_shown(&["check", &url], &[]).await;
    never_shown(&[&format!("--postgres.ulr={url}")], &[]).await;
    never_shown(&["--postgres.url", "", &url], &[]).await;
    for flag in [
        "postgres.url-file",
        "postgres.max-connections",
        "web.listen-address",
        "web.disable-ui",
        "log.level",
        "collector.apps",
    ] {
        never_shown(&[&format!("--{flag}={url}")], &[]).await;
    }
}

#[tokio::test]
async fn password_is_never_logged_nor_served() {
    let coder = coder_with_passwords("scram-sha-256").await;
    let flag = format!("--postgres.url={}", url(&coder, SECRET));
    let program = Program::serve(&[&flag, "--log.level=debug"]).await;
    for path in ["/metrics", "/-/ready", "/"] {
        let response = http::get(program.address, path, &[]).await.unwrap();
        assert!(
            !response.body.contains("hunter2"),
            "{path}: {}",
            response.body
        );
    }
    program.terminate().await;
    let ended = program.ended().await;
    assert!(ended.stderr.contains("authentication"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}
