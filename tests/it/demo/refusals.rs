//! What keeps a demo from starting is told in one sentence, with what to do.

use tokio::process::Command;

use crate::harness::*;

/// Runs the demo in a world of its own, which `prepare` (shell) has changed for the worse.
async fn refused(prepare: &str, arguments: &[&str]) -> String {
    // The program may lie in what is changed: it is opened before.
    let script = format!(
        "set -e\nexec 9<\"$1\"\nshift\n{prepare}\nset -- /proc/self/fd/9 \"$@\"\nexec \"$@\""
    );
    let user = Command::new("id").arg("-u").output().await.unwrap().stdout;
    // Without root, the world of a user who may mount in it and is still himself.
    let rights: &[&str] = match user.as_slice() {
        b"0\n" => &[],
        _ => &["--user", "--map-current-user", "--keep-caps"],
    };
    let mut world = vec!["--mount", "--net"];
    world.extend(rights);
    world.extend([
        "sh",
        "-c",
        &script,
        "demo",
        BINARY,
        "demo",
        "--demo.agents=10",
    ]);
    world.extend(arguments);
    let path = std::env::var("PATH").unwrap();
    let ended = run_program("unshare", &world, &[("PATH", &path)]).await;
    let lines: Vec<_> = ended.stderr.lines().collect();
    let last = lines.last().copied().unwrap_or_default();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        last.starts_with("coder-agent-exporter: "),
        "{}",
        ended.stderr
    );
    last.to_owned()
}

const ANY_PORT: &str = "--web.listen-address=127.0.0.1:0";

#[tokio::test]
async fn port_in_use_is_told_before_anything_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = run(&["demo", &format!("--web.listen-address={address}")]).await;
    assert_eq!(ended.code, Some(1));
    let port = format!("port {} is in use", address.port());
    for part in [port.as_str(), "possibly by another", "--web.listen-address"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn port_that_is_roots_is_told_as_such() {
    let script = "exec setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service /proc/self/fd/9 \"$@\"";
    let said = refused(script, &["--web.listen-address=127.0.0.1:80"]).await;
    assert!(said.contains("ports below 1024 require root"), "{said}");
    assert!(said.contains("--web.listen-address"), "{said}");
}

#[tokio::test]
async fn machine_without_postgres_is_told_what_to_install() {
    let script = "mount -t tmpfs none /usr/lib/postgresql; PATH=/usr/bin:/bin";
    let said = refused(script, &[ANY_PORT]).await;
    assert!(said.contains("found no `initdb` and `postgres`"), "{said}");
    assert!(said.contains("install the package `postgresql`"), "{said}");
}

#[tokio::test]
async fn temporary_folder_that_is_read_only_is_named_with_the_variable_to_set() {
    let script = "unset TMPDIR; mount -t tmpfs -o ro none /tmp";
    let said = refused(script, &[ANY_PORT]).await;
    assert!(said.contains("/tmp: Read-only file system"), "{said}");
    assert!(said.contains("set TMPDIR"), "{said}");
}

#[tokio::test]
async fn temporary_folder_that_is_full_is_told_with_the_variable_to_set() {
    let script = "unset TMPDIR; mount -t tmpfs -o size=256k none /tmp";
    let said = refused(script, &[ANY_PORT]).await;
    assert!(said.contains("No space left on device"), "{said}");
    assert!(
        said.contains("set TMPDIR to a folder on a disk with free space"),
        "{said}"
    );
}
