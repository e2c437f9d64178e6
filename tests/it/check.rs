//! `check`: a line for each thing that must be right, exit code 0 or 1
//! (`docs/spec/command-line.md`).

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::*;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::collection::Collector;

/// A probe that needs nothing but the database.
const TCP: &[&str] = &[
    "--probe.dialer=tcp",
    "--probe.tcp-address={workspace}.a.example:22",
];

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    let lost = agent("lost").closed_ago(60.0);
    let build = start(1).agent(agent("main").app("healthy")).agent(lost);
    coder.add(workspace("box").build(build)).await;
    coder
}

async fn check(coder: &Coder) -> Ended {
    let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
    assert_eq!(ended.stderr, "");
    ended
}

/// The one line that says FAIL.
#[track_caller]
fn failure(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let mut bad = ended.stdout.lines().filter(|line| line.starts_with("FAIL"));
    let first = bad.next().expect("a line says what is wrong");
    assert!(!first.contains("not run"), "{}", ended.stdout);
    first
}

#[tokio::test]
async fn where_all_is_well_every_line_is_ok() {
    let coder = one_agent().await;
    let ended = check(&coder).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let said: Vec<_> = ended
        .stdout
        .lines()
        .map(|line| {
            let (verdict, rest) = line.split_at(6);
            assert_eq!(verdict, "ok    ", "{line}");
            rest
        })
        .collect();
    let before = ["settings", "connection", "schema", "grants"].map(String::from);
    let collectors = Collector::DEFAULT.iter();
    let collectors = collectors.map(|it| format!("collector {}", it.as_str()));
    let mut expected = before.to_vec();
    expected.extend(collectors);
    expected.push("collection".into());
    assert_eq!(said.len(), expected.len(), "{}", ended.stdout);
    for (line, subject) in said.iter().zip(&expected) {
        assert!(
            line.starts_with(&format!("{subject}  ")),
            "{subject}: {line}"
        );
    }
    let last = said[said.len() - 1];
    assert!(last.ends_with("2 agents, 1 with a problem"), "{last}");
}

#[tokio::test]
async fn role_that_the_program_prints_is_all_it_needs() {
    let coder = one_agent().await;
    let name = format!("printed_{}", coder.role);
    let sql = run(&["role", &name]).await.stdout;
    // As psql -1 runs it, and again.
    coder.sql(&format!("BEGIN; {sql} COMMIT; {sql}")).await;
    let url = coder.cluster().url(&name, &coder.database);
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[tokio::test]
async fn role_is_for_another_schema_and_needs_a_name_that_postgres_keeps() {
    let coder = one_agent().await;
    let name = format!("odd'\"\\{}", coder.role);
    coder
        .sql("ALTER SCHEMA public RENAME TO \"the schema\"; CREATE SCHEMA public")
        .await;
    let sql = run(&["role", &name, "--schema=the schema"]).await.stdout;
    coder.sql(&sql).await;
    let url = coder.cluster().url(&name, &coder.database);
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    for name in ["", &"x".repeat(64)] {
        let ended = run(&["role", name]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""));
    }
}

#[tokio::test]
async fn check_names_the_grant_to_run() {
    let coder = one_agent().await;
    coder
        .sql(&format!(
            "REVOKE SELECT ON workspace_apps FROM {}",
            coder.role
        ))
        .await;
    let ended = check(&coder).await;
    let line = failure(&ended);
    assert!(line.contains("ON workspace_apps TO"), "{line}");
    let (_, grant) = line.split_once("run: ").expect(line);
    coder.sql(grant).await;
    assert_eq!(check(&coder).await.code, Some(0));
}

#[tokio::test]
async fn check_names_the_column_that_a_coder_too_old_lacks() {
    let coder = one_agent().await;
    coder
        .sql("ALTER TABLE provisioner_jobs DROP COLUMN job_status")
        .await;
    let ended = check(&coder).await;
    let line = failure(&ended);
    for part in ["schema", "provisioner_jobs.job_status", "v2.3"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test]
async fn check_doubts_that_a_database_without_the_tables_is_coders() {
    let coder = one_agent().await;
    coder.sql("DROP SCHEMA public CASCADE").await;
    let ended = check(&coder).await;
    assert!(
        failure(&ended).contains("check that this is Coder's database"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn check_says_where_nobody_answered() {
    let ended = run(&["check", "--postgres.url=postgres://u@127.0.0.1:1/coder"]).await;
    let line = failure(&ended);
    assert!(line.contains("connection"), "{line}");
    assert!(line.contains("u@127.0.0.1:1/coder"), "{line}");
}

#[tokio::test]
async fn check_names_a_database_that_does_not_exist() {
    let coder = one_agent().await;
    let url = coder.cluster().url(&coder.role, "no_such_database");
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    assert!(
        failure(&ended).contains("no_such_database"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn check_says_which_options_of_the_url_mean_nothing_to_it() {
    let coder = one_agent().await;
    let url = format!("--postgres.url={}&pool_max_conns=9", coder.url());
    let ended = run(&["check", &url]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("pool_max_conns"), "{}", ended.stdout);
}

#[tokio::test]
async fn it_says_how_agents_would_be_dialed_and_not_with_which_token() {
    let coder = one_agent().await;
    let url = format!("--postgres.url={}", coder.url());
    for (dialer, expected, code) in [
        (
            &[
                "--probe.dialer=coderd",
                "--coder.url=https://c.invalid/dev/",
            ][..],
            "agents are dialed by Coder at https://c.invalid/dev; probe scope in-use\n",
            1,
        ),
        (
            TCP,
            "agents are dialed at {workspace}.a.example:22; probe scope all\n",
            0,
        ),
    ] {
        let arguments = [&["check", &url], dialer].concat();
        let ended = run_with(&arguments, &[("CODER_SESSION_TOKEN", "hunter2")]).await;
        assert_eq!(ended.code, Some(code), "{}", ended.stdout);
        assert!(ended.stdout.contains(expected), "{}", ended.stdout);
        assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn what_serve_would_refuse_of_the_probe_is_refused() {
    let coder = one_agent().await;
    let url = format!("--postgres.url={}", coder.url());
    let single = "--postgres.max-connections=1";
    let ended = run(&[&["check", &url, single], TCP].concat()).await;
    assert_eq!(ended.code, Some(64), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("--postgres.max-connections"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn grant_that_the_probe_alone_needs_is_missed_where_there_is_one() {
    let coder = one_agent().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (display_order) ON workspace_agents FROM {role}"
        ))
        .await;
    assert_eq!(check(&coder).await.code, Some(0));
    let url = format!("--postgres.url={}", coder.url());
    let ended = run(&[&["check", &url], TCP].concat()).await;
    let grant = "GRANT SELECT (display_order) ON workspace_agents";
    assert!(failure(&ended).contains(grant), "{}", ended.stdout);
}

/// Checks a database and this Coder, with this token.
async fn check_with(coder: &Coder, coderd: &str, token: &str) -> Ended {
    let url = format!("--postgres.url={}", coder.url());
    let coder_url = format!("--coder.url={coderd}");
    let arguments = ["check", &url, "--probe.dialer=coderd", &coder_url];
    run_with(&arguments, &[("CODER_SESSION_TOKEN", token)]).await
}

#[tokio::test]
async fn coder_is_asked_whether_it_is_there_and_what_the_token_may() {
    let coder = Coder::new().await;
    let coderd = StandIn::start().await;
    let main = agent("main");
    coder.add(workspace("box").agent(main.clone())).await;
    let url = coderd.url("127.0.0.1");

    let hidden = check_with(&coder, &url, TOKEN).await;
    assert!(
        failure(&hidden).contains("template admin"),
        "{}",
        hidden.stdout
    );

    coderd.answer(main.id, Answer::ports());
    let well = check_with(&coder, &url, TOKEN).await;
    assert_eq!(well.code, Some(0), "{}", well.stdout);
    for line in [
        "coder version           v2.35.1+abc",
        "coder token             valid; its user is monitor",
        "coder agents            the token may read agents",
    ] {
        assert!(well.stdout.contains(line), "{line}: {}", well.stdout);
    }
    let dialed = |head: &String| head.contains("listening-ports");
    assert!(!coderd.requests().iter().any(dialed), "nothing is dialed");

    let expired = check_with(&coder, &url, "expired").await;
    assert!(failure(&expired).contains("(401)"), "{}", expired.stdout);
    drop(coderd);
    let gone = check_with(&coder, &url, TOKEN).await;
    assert!(
        failure(&gone).contains("cannot be reached"),
        "{}",
        gone.stdout
    );
}

#[tokio::test]
async fn coder_is_asked_without_a_probe_and_without_a_database_too() {
    let coder = one_agent().await;
    let coderd = StandIn::start().await;
    let url = format!("--postgres.url={}", coder.url());
    let gone = "--postgres.url=postgres://u@127.0.0.1:1/coder";
    let coder_url = format!("--coder.url={}", coderd.url("127.0.0.1"));
    let well = run(&["check", &url, &coder_url]).await;
    assert_eq!(well.code, Some(0), "{}", well.stdout);
    assert!(well.stdout.contains("coder version"), "{}", well.stdout);
    let wrong = [("CODER_SESSION_TOKEN", "expired")];
    let expired = run_with(&["check", gone, &coder_url], &wrong).await;
    assert!(
        failure(&expired).contains("connection"),
        "{}",
        expired.stdout
    );
    assert!(
        expired.stdout.contains("FAIL  coder token"),
        "{}",
        expired.stdout
    );
    drop(coderd);
    let away = run(&["check", &url, &coder_url]).await;
    assert!(
        failure(&away).contains("cannot be reached"),
        "{}",
        away.stdout
    );
}

#[tokio::test]
async fn offline_it_reads_every_file_and_connects_to_nothing() {
    let (folder, listener) = (
        Folder::new(),
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let authority = Authority::new();
    let roots = folder.write("roots.pem", &authority.certificate);
    let url = |roots: &str| {
        format!("--postgres.url=postgres://u@{address}/d?sslmode=verify-full&sslrootcert={roots}")
    };
    let coder_url = format!("--coder.url=http://{address}");
    let offline =
        async |arguments: &[&str]| run(&[&["check", "--offline"], arguments].concat()).await;

    let well = offline(&[&url(&roots), &coder_url, "--probe.dialer=tcp", TCP[1]]).await;
    assert_eq!((well.code, &*well.stderr), (Some(0), ""), "{}", well.stdout);
    for part in [
        roots.as_str(),
        "authority and name verified",
        "with no token",
    ] {
        assert!(well.stdout.contains(part), "{part}: {}", well.stdout);
    }
    assert!(listener.accept().is_err(), "nothing connects");

    let missing = offline(&[&url("/no/such.pem")]).await;
    assert_eq!(missing.code, Some(64), "{}", missing.stdout);
    assert!(
        missing.stderr.contains("/no/such.pem"),
        "{}",
        missing.stderr
    );
    let broken = folder.write("web.yml", "tls_server_config: {cert_file: /no/cert}\n");
    let broken = offline(&[&url(&roots), &format!("--web.config.file={broken}")]).await;
    assert!(failure(&broken).contains("web config"), "{}", broken.stdout);
    let token = offline(&[&url(&roots), &coder_url, "--coder.token-file=/no/token"]).await;
    assert_eq!(token.code, Some(64), "{}", token.stdout);
}

#[tokio::test]
async fn programs_read_the_checks_as_fields() {
    let coder = one_agent().await;
    let url = format!("--postgres.url={}", coder.url());
    let well = run(&["check", &url, "-o", "json"]).await;
    let report = json::json(&well.stdout);
    assert_eq!((well.code, &report["ok"]), (Some(0), &true.into()));
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|it| it["verdict"] == "ok"), "{report}");
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE SELECT ON templates FROM {role}"))
        .await;
    let ended = run(&["check", &url, "--json"]).await;
    let report = json::json(&ended.stdout);
    assert_eq!((ended.code, &report["ok"]), (Some(1), &false.into()));
    let failed = |it: &&serde_json::Value| it["verdict"] == "fail";
    let failed: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(failed)
        .collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["check"], "grants");
    assert!(
        failed[0]["detail"].as_str().unwrap().contains("run: "),
        "{report}"
    );
}

#[tokio::test]
async fn all_wrong_settings_are_named_at_once() {
    let arguments = [
        "--postgres.url=nonsense",
        "--coder.url=ftp://coder",
        "--probe.dialer=tcp",
        "--web.config.file=/no/web.yml",
        "--web.grafana-url=grafana",
    ];
    let flags = [
        "--postgres.url",
        "--coder.url",
        "--web.config.file",
        "--web.grafana-url",
    ];
    for command in ["serve", "check"] {
        let ended = run(&[&[command], &arguments[..]].concat()).await;
        assert_eq!(ended.code, Some(64), "{}", ended.stdout);
        for flag in flags {
            let of_flag = ended.stderr.lines().filter(|it| it.contains(flag));
            assert_eq!(of_flag.count(), 1, "{flag}: {}", ended.stderr);
        }
    }
    // For a program, too.
    let wanted = ["check", "--offline", "-o", "json"];
    let ended = run(&[&wanted[..], &arguments[..]].concat()).await;
    let report = json::json(&ended.stdout);
    assert_eq!((ended.code, &report["ok"]), (Some(64), &false.into()));
    let checks = report["checks"].as_array().unwrap();
    for flag in flags {
        let says = |it: &&serde_json::Value| it["detail"].as_str().unwrap().starts_with(flag);
        assert_eq!(checks.iter().filter(says).count(), 1, "{flag}: {report}");
    }
    // A value that cannot be read does not hide the next.
    let variables = [("CODER_EXPORTER_AGENT_INACTIVE_TIMEOUT", "abc")];
    let more = [&["check"], &arguments[..], &["--collect.timeout=soon"]].concat();
    let ended = run_with(&more, &variables).await;
    assert_eq!(ended.code, Some(64), "{}", ended.stdout);
    for part in [
        "CODER_EXPORTER_AGENT_INACTIVE_TIMEOUT (--agent.inactive-timeout)",
        "--collect.timeout",
        "--postgres.url",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
