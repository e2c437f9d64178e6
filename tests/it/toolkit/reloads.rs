//! What a change of the file does to an exporter that runs.

use super::*;

const KEPT: &str = "the toolkit answers 500, or ends every handshake, until the file is good again: \
                    here the last good file stays in force, and a gauge says so";
const CLOSED: &str = "the toolkit opens what was closed: here a file that asks for less than before \
                      may have been caught half written, and is refused";

const OLD: &str = "alice:old";
const NEW: &str = "alice:new";
const BOB: &str = "bob:bob";

/// What the file says; whether it is taken; who is let in then; where we differ.
struct Step {
    file: String,
    is_taken: bool,
    let_in: &'static [&'static str],
    differs: &'static str,
}

fn step(
    file: impl Into<String>,
    is_taken: bool,
    let_in: &'static [&'static str],
    differs: &'static str,
) -> Step {
    Step {
        file: file.into(),
        is_taken,
        let_in,
        differs,
    }
}

fn steps() -> [Step; 16] {
    let users = |all: &[&str]| {
        let lines = all.iter().map(|it| {
            let (name, password) = it.split_once(':').unwrap();
            user(name, password)
        });
        format!("basic_auth_users:\n{}", lines.collect::<String>())
    };
    let header = "http_server_config: {headers: {X-Frame-Options: deny}}\n";
    let pair = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
    let gone = "tls_server_config: {cert_file: gone.crt, key_file: server.key}\n";
    [
        step(users(&[OLD]), true, &[OLD], SAME),
        step("basic_auth_users: [", false, &[OLD], KEPT),
        step(users(&[OLD]), true, &[OLD], SAME),
        step(users(&[NEW]), true, &[NEW], SAME),
        step("", false, &[NEW], CLOSED),
        step(users(&[NEW, BOB]), true, &[NEW, BOB], SAME),
        step(users(&[BOB]), true, &[BOB], SAME),
        step("basic_auth_users: {alice: plain}", false, &[BOB], KEPT),
        step(format!("{header}{}", users(&[BOB])), true, &[BOB], SAME),
        step(
            format!(
                "http_server_config: {{headers: {{Server: x}}}}\n{}",
                users(&[BOB])
            ),
            false,
            &[BOB],
            KEPT,
        ),
        step(
            format!("rate_limit: {{interval: 1s}}\n{}", users(&[BOB])),
            false,
            &[BOB],
            "the toolkit refuses every request: here a limit that lets nobody in is a mistake",
        ),
        step(
            format!(
                "rate_limit: {{interval: 1ms, burst: 100}}\n{}",
                users(&[BOB, OLD])
            ),
            true,
            &[BOB, OLD],
            SAME,
        ),
        step(format!("{gone}{}", users(&[NEW])), false, &[BOB, OLD], KEPT),
        step(users(&[NEW]), true, &[NEW], SAME),
        step("tls_confg: {}", false, &[NEW], KEPT),
        // From the next connection on.
        step(format!("{pair}{}", users(&[NEW])), true, &[NEW], SAME),
    ]
}

async fn ask(folder: &Folder, url: &str, user: &str, how: &[&str]) -> u16 {
    let ca = folder.file("ca.pem");
    let common = ["--cacert", ca.as_str(), "-u", user];
    curl(&[&common, how, &[url]].concat()).await.status
}

#[tokio::test]
async fn reloads_take_good_files_and_keep_the_last_good_one() {
    let folder = certified();
    let exporter = serving(&folder, &steps()[0].file).await;
    let mut scheme = "http";
    let mut admin = OLD;
    for (number, step) in steps().into_iter().enumerate() {
        folder.write("web.yml", &step.file);
        // A file is looked at by itself, too: by now either may be in force.
        let next = match step.is_taken && step.file.contains("tls_server_config") {
            true => "https",
            false => scheme,
        };
        let admins = [
            (scheme, admin),
            (scheme, step.let_in[0]),
            (next, step.let_in[0]),
        ];
        let mut reloaded = 0;
        for (scheme, admin) in admins {
            let url = format!("{scheme}://{}/-/reload", exporter.address);
            reloaded = ask(&folder, &url, admin, &["-X", "POST"]).await;
            if [200, 500].contains(&reloaded) {
                break;
            }
        }
        scheme = next;
        let expected = if step.is_taken { 200 } else { 500 };
        assert_eq!(reloaded, expected, "step {number}: {}", step.file);
        assert_eq!(step.is_taken, step.differs == SAME, "step {number}");
        let page = format!("{scheme}://{}/-/config", exporter.address);
        for user in [OLD, NEW, BOB] {
            let expected = if step.let_in.contains(&user) {
                200
            } else {
                401
            };
            assert_eq!(
                ask(&folder, &page, user, &[]).await,
                expected,
                "step {number}: {user}"
            );
        }
        admin = step.let_in[0];
    }
}
