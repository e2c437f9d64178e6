//! libpq's variables and files, as an operator who uses `psql` has them
//! (`docs/spec/command-line.md`).

use std::fs;
use std::path::{Path, PathBuf};

use coder_agent_exporter::demo::cluster::{Listen, Options};
use uuid::Uuid;

use crate::harness::secured::Secured;
use crate::harness::*;

/// A home of its own, gone with the test.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("home-{}", Uuid::new_v4()));
        fs::create_dir_all(path.join(".postgresql")).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn one_agent(options: Options) -> Coder {
    let coder = Coder::on(options).await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
}

#[tokio::test]
async fn variables_alone_lead_to_the_database_by_socket_and_by_network() {
    let coder = one_agent(Options {
        listen: Listen::SocketAndTcp,
        ..prepared()
    })
    .await;
    let folder = coder.cluster().folder().to_str().unwrap();
    let port = coder.cluster().port().to_string();
    for place in [
        ("PGHOST", folder),
        ("PGHOST", "127.0.0.1"),
        ("PGHOSTADDR", "127.0.0.1"),
    ] {
        let variables = [
            place,
            ("PGPORT", &port),
            ("PGUSER", &coder.role),
            ("PGDATABASE", &coder.database),
        ];
        for arguments in [&["check"][..], &["check", "--postgres.url=postgres://"]] {
            let ended = run_with(arguments, &variables).await;
            assert_eq!(ended.code, Some(0), "{place:?}: {}", ended.stdout);
            assert!(ended.stdout.contains("1 agents"), "{}", ended.stdout);
        }
        let variables = &variables[..3];
        let url = format!("--postgres.url=postgres:///{}", coder.database);
        let ended = run_with(&["check", &url], variables).await;
        assert_eq!(ended.code, Some(0), "{place:?}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn password_comes_from_a_variable_or_a_file_that_nobody_else_may_open() {
    let coder = one_agent(Options {
        listen: Listen::SocketAndTcp,
        hba: Some("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n".into()),
        ..prepared()
    })
    .await;
    let (role, port) = (&coder.role, coder.cluster().port());
    let password = literal("pa:ss\\word");
    coder
        .sql(&format!("ALTER ROLE {role} PASSWORD {password}"))
        .await;
    let database = &coder.database;
    let flag = format!("--postgres.url=postgres://{role}@127.0.0.1:{port}/{database}");
    let check = async |variables: &[(&str, &str)]| run_with(&["check", &flag], variables).await;
    assert_eq!(check(&[]).await.code, Some(1));
    assert_eq!(check(&[("PGPASSWORD", "pa:ss\\word")]).await.code, Some(0));

    let home = Home::new();
    let line = format!("127.0.0.1:{port}:*:{role}:pa\\:ss\\\\word\n");
    let file = home.0.join(".pgpass");
    write(&file, &line, 0o600);
    assert_eq!(check(&[("HOME", home.path())]).await.code, Some(0));
    let named = home.0.join("elsewhere");
    fs::rename(&file, &named).unwrap();
    let named = named.to_str().unwrap();
    assert_eq!(check(&[("HOME", home.path())]).await.code, Some(1));
    assert_eq!(check(&[("PGPASSFILE", named)]).await.code, Some(0));

    write(named.as_ref(), &line, 0o640);
    let ended = check(&[("PGPASSFILE", named)]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("chmod 0600"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("word\n"), "{}", ended.stdout);
    let ended = check(&[("PGPASSFILE", "/no/such/file")]).await;
    assert!(ended.stdout.contains("/no/such/file"), "{}", ended.stdout);
}

#[tokio::test]
async fn certificates_come_from_variables_and_from_the_folder_in_the_home() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let paper = servers.server(&["127.0.0.1"], Valid::Now);
    let server = Secured::asking(paper, "cert", &clients).await;
    let client = clients.client(&server.coder.role, Valid::Now);
    let flag = format!("--postgres.url={}", server.url("127.0.0.1", ""));
    let check = async |variables: &[(&str, &str)]| run_with(&["check", &flag], variables).await;

    let home = Home::new();
    let file = |name: &str| home.0.join(".postgresql").join(name);
    write(&file("root.crt"), &servers.certificate, 0o644);
    write(&file("postgresql.crt"), &client.certificate, 0o644);
    write(&file("postgresql.key"), &client.key, 0o600);
    let in_home = [("HOME", home.path()), ("PGSSLMODE", "verify-full")];
    let ended = check(&in_home).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);

    let names = ["root.crt", "postgresql.crt", "postgresql.key"].map(file);
    let [roots, certificate, key] = names.map(|it| it.to_str().unwrap().to_owned());
    let by_variable = [
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", &roots),
        ("PGSSLCERT", &certificate),
        ("PGSSLKEY", &key),
    ];
    assert_eq!(check(&by_variable).await.code, Some(0));
    assert_eq!(check(&by_variable[..2]).await.code, Some(1));

    // Whose authority is named in the home is asked even where only encryption is wanted.
    write(&file("root.crt"), &clients.certificate, 0o644);
    let ended = check(&[("HOME", home.path()), ("PGSSLMODE", "require")]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("set sslrootcert"), "{}", ended.stdout);
}
