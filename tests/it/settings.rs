//! Bad input on the command line: exit code 64, one clear sentence, the flag named
//! (`docs/spec/command-line.md`).

use crate::harness::*;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::collection::Collector;

const GOOD_URL: &str = "--postgres.url=postgres://u@127.0.0.1:1/d";

/// Every command that takes settings refuses these, and says `expected`.
async fn refused(arguments: &[&str], variables: &[(&str, &str)], expected: &[&str]) {
    for command in ["serve", "check"] {
        let ended = run_with(&[&[command], arguments].concat(), variables).await;
        let said = format!("{command} {arguments:?} {variables:?}: {}", ended.stderr);
        assert_eq!(ended.code, Some(64), "{said}");
        assert_eq!(ended.stdout, "", "{said}");
        for part in expected {
            assert!(ended.stderr.contains(part), "no {part:?} in: {said}");
        }
    }
}

#[tokio::test]
async fn url_that_cannot_be_used_is_refused_with_what_to_write() {
    for (url, expected) in [
        ("", "postgres://user:password@host:5432/database"),
        ("nonsense", "postgres://user:password@host:5432/database"),
        (
            "mysql://u:p@h/d",
            "postgres://user:password@host:5432/database",
        ),
        ("postgres://", "contains no host"),
        ("postgres:///coder", "contains no host"),
        ("postgres://u:p@/coder", "contains no host"),
        ("postgres://u@h:port/coder", "the port"),
        ("postgres://u@h:99999/coder", "the port"),
        ("postgres://u:100%@h/coder", "%25"),
        ("postgres://u@h/coder?sslmode=sometimes", "sslmode"),
        ("postgres://u@h/coder?sslcert=/c.pem", "sslcert"),
        (
            "postgres://u@h/coder?connect_timeout=soon",
            "connect_timeout",
        ),
        (
            "postgres://u@h/coder?sslmode=verify-ca&sslrootcert=/no/such.pem",
            "/no/such.pem",
        ),
    ] {
        let flag = format!("--postgres.url={url}");
        refused(&[&flag], &[], &["--postgres.url", expected]).await;
        let variable = [("CODER_PG_CONNECTION_URL", url)];
        let expected = if url.is_empty() {
            "CODER_PG_CONNECTION_URL"
        } else {
            expected
        };
        refused(&[], &variable, &[expected]).await;
    }
}

#[tokio::test]
async fn without_a_database_it_says_how_to_name_one() {
    let ways = [
        "--postgres.url",
        "--postgres.url-file",
        "CODER_PG_CONNECTION_URL",
    ];
    refused(&[], &[], &ways).await;
    refused(
        &["--postgres.url-file=/no/such/file"],
        &[],
        &["--postgres.url-file", "/no/such/file"],
    )
    .await;
    refused(
        &[GOOD_URL, "--postgres.url-file=/etc/hostname"],
        &[],
        &ways[..2],
    )
    .await;
}

#[tokio::test]
async fn wrong_setting_is_refused_and_its_flag_named() {
    for (flag, value) in [
        ("--postgres.max-connections", "0"),
        ("--postgres.max-connections", "many"),
        ("--agent.inactive-timeout", "0s"),
        ("--agent.inactive-timeout", "30"),
        ("--agent.inactive-timeout", "-1s"),
        ("--agent.inactive-timeout", "1000years"),
        ("--agent.terminated-after", "0s"),
        ("--agent.stuck-connecting-after", "soon"),
        ("--agent.stuck-created-after", "0s"),
        ("--agent.stuck-starting-after", ""),
        ("--collect.timeout", "0s"),
        ("--collect.min-interval", "often"),
        ("--collector.apps", "perhaps"),
        ("--metrics.agent-series", "some"),
        ("--metrics.max-agent-series", "-1"),
        ("--web.external-url", "ops.example/agents"),
        ("--web.external-url", "https://ops.example/agents/"),
        ("--web.listen-address", "21120"),
        ("--web.listen-address", ":99999"),
        ("--web.listen-address", "localhost"),
        ("--web.telemetry-path", "metrics"),
        ("--web.telemetry-path", "/-/healthy"),
        ("--web.telemetry-path", "/{path}"),
        ("--web.max-requests", "0"),
        ("--web.timeout-offset", "x"),
        ("--coder.url", "coder.example"),
        ("--coder.token-file", "/no/such/file"),
        ("--probe.dialer", "udp"),
        ("--probe.tcp-address", "{agents}:22"),
        ("--probe.tcp-address", "agents.example:22"),
        ("--probe.interval", "0s"),
        ("--probe.sample", "0"),
        ("--probe.concurrency", "0"),
        ("--probe.horizon", "0s"),
        ("--log.level", "loud"),
        ("--log.format", "xml"),
    ] {
        refused(&[GOOD_URL, &format!("{flag}={value}")], &[], &[flag]).await;
        let variable = flag
            .trim_start_matches('-')
            .replace(['.', '-'], "_")
            .to_uppercase();
        let variable = format!("CODER_EXPORTER_{variable}");
        refused(&[GOOD_URL], &[(&variable, value)], &[flag, &variable]).await;
    }
}

#[tokio::test]
async fn wrong_variable_is_named_with_its_value_and_an_example() {
    for (variable, value, example) in [
        ("AGENT_INACTIVE_TIMEOUT", "abc", "such as 500ms, 30s"),
        ("AGENT_INACTIVE_TIMEOUT", "30", "such as 500ms, 30s"),
        ("METRICS_MAX_AGENT_SERIES", "many", "such as 1000"),
        ("COLLECTOR_APPS", "perhaps", "true or false"),
        ("WEB_DISABLE_UI", "perhaps", "true or false"),
        ("LOG_LEVEL", "loud", "debug, info, warn, error"),
        ("WEB_LISTEN_ADDRESS", "21120", "for example :21120"),
    ] {
        let variable = format!("CODER_EXPORTER_{variable}");
        let quoted = format!("'{value}' for '{variable} (--");
        refused(&[GOOD_URL], &[(&variable, value)], &[&quoted, example]).await;
    }
    // The flag wins, and is the one to blame.
    let variable = "CODER_EXPORTER_COLLECT_TIMEOUT";
    let arguments = [&["check"], &[GOOD_URL, "--collect.timeout=soon"][..]].concat();
    let ended = run_with(&arguments, &[(variable, "1s")]).await;
    assert!(
        ended.stderr.contains("--collect.timeout"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(variable), "{}", ended.stderr);
    let secret = [("CODER_EXPORTER_POSTGRES_URL", "mysql://u:hunter2@h/d")];
    refused(
        &[],
        &secret,
        &["CODER_EXPORTER_POSTGRES_URL (--postgres.url): "],
    )
    .await;
    let ended = run_with(&["check"], &secret).await;
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[tokio::test]
async fn dialer_that_lacks_something_is_refused_with_what_it_needs() {
    let coderd = [GOOD_URL, "--probe.dialer=coderd"];
    refused(&coderd, &[], &["--coder.url", "CODER_URL"]).await;
    let url = [("CODER_URL", "https://coder.example")];
    refused(
        &coderd,
        &url,
        &["--coder.token-file", "CODER_SESSION_TOKEN"],
    )
    .await;
    let tcp = [GOOD_URL, "--probe.dialer=tcp"];
    refused(&tcp, &[], &["--probe.tcp-address", "{workspace}"]).await;
}

#[tokio::test]
async fn secrets_in_coders_settings_are_not_repeated() {
    for (arguments, variables) in [
        (
            &["--coder.url=https://ada:hunter2@coder.example"][..],
            &[][..],
        ),
        (&[], &[("CODER_URL", "https://hunter2@coder.example")]),
        (&["--coder.token-file=hunter2"], &[]),
        (&[], &[("CODER_SESSION_TOKEN", "hunter2 hunter2")]),
    ] {
        let ended = run_with(&[&["check", GOOD_URL], arguments].concat(), variables).await;
        assert_eq!(ended.code, Some(64), "{arguments:?}");
        let said = ended.stdout + &ended.stderr;
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn unknown_flags_and_commands_are_refused() {
    refused(&[GOOD_URL, "--no-such.flag"], &[], &["--no-such.flag"]).await;
    refused(
        &[GOOD_URL, "--collector.nonsense"],
        &[],
        &["--collector.nonsense"],
    )
    .await;
    let none: Vec<_> = Collector::DEFAULT
        .iter()
        .map(|it| format!("--no-collector.{}", it.as_str()))
        .collect();
    let none: Vec<_> = [GOOD_URL]
        .into_iter()
        .chain(none.iter().map(String::as_str))
        .collect();
    refused(&none, &[], &["--no-collector"]).await;
    let ended = run(&["no-such-command"]).await;
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("no-such-command"), "{}", ended.stderr);
}

#[tokio::test]
async fn help_version_catalogue_and_role_go_to_stdout() {
    for (arguments, expected) in [
        (&["--help"][..], "serve"),
        (&["serve", "--help"], "--web.listen-address"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["metrics"], "| `coder_agents` | gauge |"),
        (&["role"], "reader constant text := 'coder_exporter';"),
        (&["role", "watcher"], "reader constant text := 'watcher';"),
    ] {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stdout.contains(expected),
            "{arguments:?}: {}",
            ended.stdout
        );
        assert_eq!(ended.stderr, "", "{arguments:?}");
    }
}
