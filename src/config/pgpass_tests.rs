use std::os::unix::fs::OpenOptionsExt;

use super::*;

fn login(host: &str) -> Login {
    let host = match host.starts_with('/') {
        true => Host::Unix(host.into()),
        false => Host::Tcp(host.into()),
    };
    Login {
        host,
        port: 5432,
        database: "coder".into(),
        user: "me".into(),
    }
}

#[track_caller]
fn assert_password(text: &str, host: &str, expected: Option<&str>) {
    let found = find(text, &[login(host)]).unwrap();
    assert_eq!(found.as_deref(), expected, "{text:?} for {host}");
}

#[test]
fn first_line_that_fits_wins() {
    let text = "other:5432:coder:me:one\n\
                h:5433:coder:me:two\n\
                h:5432:thing:me:three\n\
                h:5432:coder:you:four\n\
                h:5432:coder:me:five\n\
                h:5432:coder:me:six\n";
    assert_password(text, "h", Some("five"));
    assert_password(text, "other", Some("one"));
    assert_password(text, "nowhere", None);
}

#[test]
fn star_fits_everything_and_one_behind_a_backslash_does_not() {
    assert_password("*:*:*:*:any", "h", Some("any"));
    assert_password("h:*:coder:*:some", "h", Some("some"));
    assert_password("\\*:*:*:*:star", "h", None);
    assert_password("\\*:*:*:*:star", "*", Some("star"));
    assert_password("h*:*:*:*:part", "hh", None);
}

#[test]
fn backslash_takes_the_meaning_from_colon_and_backslash() {
    assert_password("\\:\\:1:*:*:*:v6", "::1", Some("v6"));
    assert_password("h:*:*:*:a\\:b\\\\c", "h", Some("a:b\\c"));
    assert_password("h:*:*:*:ends\\", "h", Some("ends\\"));
    assert_password("h:*:*:*:word:more", "h", Some("word"));
}

#[test]
fn comments_and_lines_too_short_are_passed_over() {
    let text = "# h:5432:coder:me:no\n\nh:5432:coder:me\nh:5432:coder:me:\nh:*:*:*:yes\r\n";
    assert_password(text, "h", Some("yes"));
    assert_password("", "h", None);
}

#[test]
fn localhost_is_the_host_and_the_usual_sockets() {
    let text = "localhost:*:*:*:local\n/srv/pg:*:*:*:own";
    for host in [
        "localhost",
        "/run/postgresql",
        "/var/run/postgresql",
        "/tmp",
    ] {
        assert_password(text, host, Some("local"));
    }
    assert_password(text, "/srv/pg", Some("own"));
    assert_password(text, "/srv/other", None);
    assert_password(text, "127.0.0.1", None);
}

#[test]
fn hosts_of_one_url_must_share_a_password() {
    let hosts = [login("a"), login("b")];
    let same = find("a:*:*:*:x\nb:*:*:*:x", &hosts);
    assert_eq!(same.unwrap().as_deref(), Some("x"));
    // What is meant for one is not for the other.
    assert!(find("b:*:*:*:x", &hosts).is_err());
    assert_eq!(find("c:*:*:*:x", &hosts).unwrap(), None);
    let error = find("a:*:*:*:hunter2\nb:*:*:*:xyzzy", &hosts).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("PGPASSWORD"), "{error}");
    assert!(
        !error.contains("hunter2") && !error.contains("xyzzy"),
        "{error}"
    );
}

#[test]
fn file_that_others_may_open_is_passed_over_with_the_remedy() {
    let path = std::env::temp_dir().join(format!("pgpass-{}", uuid::Uuid::new_v4()));
    assert_eq!(read(&path), Ok(None));
    for (mode, usable) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(&path);
        file.unwrap();
        let text = read(&path);
        fs::remove_file(&path).unwrap();
        match text {
            Ok(text) => assert!(usable && text.is_some(), "{mode:o}"),
            Err(note) => assert!(!usable && note.contains("chmod 0600"), "{mode:o}: {note}"),
        }
    }
    assert!(
        read(&std::env::temp_dir())
            .unwrap_err()
            .contains("not a regular file")
    );
}
