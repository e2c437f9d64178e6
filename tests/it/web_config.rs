//! Passwords, headers and limits of the web configuration file (`docs/spec/http.md`).

use std::time::{Duration, Instant};

use crate::harness::exposition::{Format, Page};
use crate::harness::*;

const NOWHERE: &str = "--postgres.url=postgres://u@/d?host=/nowhere";
const RELOADED: &str = "coder_exporter_config_last_reload_successful";

/// A program with this web configuration.
async fn served(config: &str) -> (Folder, Program) {
    let folder = Folder::new();
    let path = folder.write("web.yml", config);
    let program = Program::serve(&[NOWHERE, &format!("--web.config.file={path}")]).await;
    (folder, program)
}

fn users(password: &str) -> String {
    let hash = bcrypt::hash(password, 5).unwrap();
    format!("basic_auth_users:\n  alice: {hash}\n")
}

async fn get(program: &Program, path: &str, arguments: &[&str]) -> Curled {
    let url = format!("http://{}{path}", program.address);
    curl(&[arguments, &[url.as_str()]].concat()).await
}

#[tokio::test]
async fn password_is_asked_for_everywhere_but_of_health_checks() {
    let (_folder, program) = served(&users("secret")).await;
    for path in [
        "/",
        "/metrics",
        "/-/config",
        "/nonsense",
        "/-/ready/",
        "//-/healthy",
        "/-/%68ealthy",
    ] {
        let answer = get(&program, path, &["--path-as-is"]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(
            answer.text.contains("www-authenticate: Basic"),
            "{}",
            answer.text
        );
    }
    assert_eq!(
        get(&program, "/-/reload", &["-X", "POST"]).await.status,
        401
    );
    assert_eq!(get(&program, "/-/healthy", &[]).await.status, 200);
    // A stranger gets the state in a word; the reason has names of user, host and database.
    let ready = get(&program, "/-/ready", &[]).await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.text.ends_with("\r\n\r\nnot ready\n"),
        "{}",
        ready.text
    );
    let ready = get(&program, "/-/ready", &["-u", "alice:guess"]).await;
    assert!(
        ready.text.ends_with("\r\n\r\nnot ready\n"),
        "{}",
        ready.text
    );
    let ready = get(&program, "/-/ready", &["-u", "alice:secret"]).await;
    assert!(
        ready.text.contains("not ready: connecting to"),
        "{}",
        ready.text
    );
    for (user, expected) in [
        ("alice:secret", 200),
        ("alice:guess", 401),
        ("bob:secret", 401),
    ] {
        let answer = get(&program, "/metrics", &["-u", user]).await;
        assert_eq!(answer.status, expected, "{user}");
    }
}

#[tokio::test]
async fn scrape_after_the_first_does_not_pay_for_the_hash() {
    let hash = bcrypt::hash("secret", 9).unwrap();
    let (_folder, program) = served(&format!("basic_auth_users: {{alice: {hash}}}")).await;
    let started = Instant::now();
    assert_eq!(
        get(&program, "/", &["-u", "alice:secret"]).await.status,
        200
    );
    let first = started.elapsed();
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(
            get(&program, "/", &["-u", "alice:secret"]).await.status,
            200
        );
    }
    assert!(
        started.elapsed() / 5 < first,
        "{first:?} {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn changed_password_is_in_force_within_a_second_or_two() {
    let (folder, program) = served(&users("old")).await;
    assert_eq!(get(&program, "/", &["-u", "alice:old"]).await.status, 200);
    folder.write("web.yml", &users("new"));
    eventually("the new password works", async || {
        get(&program, "/", &["-u", "alice:new"]).await.status == 200
    })
    .await;
    assert_eq!(get(&program, "/", &["-u", "alice:old"]).await.status, 401);
}

#[tokio::test]
async fn broken_file_changes_nothing_and_is_told_once() {
    let (folder, program) = served(&users("secret")).await;
    let scrape = async || {
        let answer = get(&program, "/metrics", &["-u", "alice:secret"]).await;
        let (_, body) = answer.text.split_once("\r\n\r\n").unwrap();
        Page::read(Format::Text, body).unwrap()
    };
    assert_eq!(scrape().await.value(RELOADED, &[]), 1.0);
    for broken in ["basic_auth_users: [", "basic_auth_user: {}", ""] {
        folder.write("web.yml", broken);
        eventually("the gauge falls", async || {
            scrape().await.value(RELOADED, &[]) == 0.0
        })
        .await;
        folder.write("web.yml", &users("secret"));
        eventually("the gauge rises", async || {
            scrape().await.value(RELOADED, &[]) == 1.0
        })
        .await;
    }
    program.terminate().await;
    let said = program.ended().await.stderr;
    assert_eq!(said.matches("is invalid").count(), 3, "{said}");
    assert!(said.contains("basic_auth_user"), "{said}");
}

#[tokio::test]
async fn headers_are_on_every_answer() {
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Content-Security-Policy: default-src 'self'\n";
    let (_folder, program) = served(&format!("{headers}{}", users("x"))).await;
    for path in ["/metrics", "/-/healthy"] {
        let answer = get(&program, path, &[]).await;
        for header in [
            "x-frame-options: deny",
            "content-security-policy: default-src 'self'",
            "x-content-type-options: nosniff",
        ] {
            assert!(
                answer.text.contains(header),
                "{path} {header}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn page_may_load_nothing_and_no_type_is_guessed() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    let home = exporter.get("/").await;
    let policy = home.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for path in ["/", "/metrics", "/-/healthy", "/-/config", "/nonsense"] {
        let answer = exporter.get(path).await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn requests_beyond_the_rate_are_refused_but_never_health_checks() {
    let (_folder, program) = served("rate_limit: {interval: 10m, burst: 3}\n").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(get(&program, "/", &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(get(&program, "/-/healthy", &[]).await.status, 200);
}

#[tokio::test]
async fn broken_file_at_the_start_is_a_wrong_setting() {
    let folder = Folder::new();
    for (config, said) in [
        (
            "basic_auth_users: {alice: plain}",
            r"create one with: htpasswd -nBC 10 '' | tr -d ':\n'",
        ),
        (
            "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n",
            "none.crt",
        ),
        ("tls_server_config:\n  nonsense: 1\n", "nonsense"),
    ] {
        let path = folder.write("web.yml", config);
        let flag = format!("--web.config.file={path}");
        let ended = run(&["serve", NOWHERE, &flag]).await;
        assert_eq!(ended.code, Some(64), "{}", ended.stderr);
        for part in ["--web.config.file", &path, said] {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
        let checked = run(&["check", NOWHERE, &flag]).await;
        assert_eq!(checked.code, Some(1));
        let line = checked
            .stdout
            .lines()
            .find(|it| it.contains("web config"))
            .unwrap();
        assert!(line.starts_with("FAIL") && line.contains(said), "{line}");
    }
    let path = folder.write("web.yml", &users("secret"));
    let checked = run(&["check", NOWHERE, &format!("--web.config.file={path}")]).await;
    assert!(
        checked.stdout.contains("no TLS; 1 user"),
        "{}",
        checked.stdout
    );
}

#[tokio::test]
async fn guesses_do_not_keep_who_knows_the_password_out() {
    let hash = bcrypt::hash("secret", 7).unwrap();
    let (_folder, program) = served(&format!("basic_auth_users: {{alice: {hash}}}")).await;
    assert_eq!(
        get(&program, "/", &["-u", "alice:secret"]).await.status,
        200
    );
    let guesses = (0..40).map(|it| {
        let address = program.address;
        tokio::spawn(async move {
            // "alice:guess" and a letter, encoded.
            let basic = format!("Basic YWxpY2U6Z3Vlc3{}=", char::from(b'A' + it % 26));
            http::get(address, "/", &[("Authorization", &basic)]).await
        })
    });
    let guesses: Vec<_> = guesses.collect();
    let started = Instant::now();
    assert_eq!(
        get(&program, "/", &["-u", "alice:secret"]).await.status,
        200
    );
    assert!(started.elapsed() < Duration::from_secs(2));
    for guess in guesses {
        let status = guess.await.unwrap().unwrap().status;
        assert!(matches!(status, 401 | 503), "{status}");
    }
}
