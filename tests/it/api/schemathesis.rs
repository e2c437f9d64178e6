//! Schemathesis: a judge we did not write. It reads the description, asks what it allows and
//! what it forbids, and compares the answers with what was promised.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::commands::hostile_names::hostile;

use super::*;

/// Requests made up for each path, of each sort.
const EXAMPLES: &str = "--max-examples=25";

/// All of its checks; what it had to say, where it is not content.
async fn judge(address: SocketAddr) -> Result<String, String> {
    let folder = Folder::new();
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    let output = Command::new(program)
        .args(["run", &format!("http://{address}/api/v1/openapi.json")])
        .args([
            EXAMPLES,
            "--checks=all",
            "--continue-on-failure",
            "--seed=1",
        ])
        // It keeps notes where it runs.
        .current_dir(folder.file(""))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(300), output).await;
    let output = output.expect("it ends").unwrap_or_else(|error| {
        panic!("schemathesis cannot be run ({error}): run scripts/test, which installs it")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(said),
        code => Err(format!("exit code {code:?}: {said}")),
    }
}

#[tokio::test]
async fn api_of_a_lively_fleet_is_as_described() {
    let demo = Program::demo(&["--coder.url=https://coder.example"]).await;
    let verdict = judge(demo.address).await;
    demo.terminate().await;
    demo.ended().await;
    let said = verdict.unwrap_or_else(|said| panic!("{said}"));
    // So that silence means something.
    assert!(said.contains("No issues found"), "{said}");
}

#[tokio::test]
async fn api_of_a_fleet_of_odd_names_is_as_described() {
    let (coder, _) = hostile().await;
    let exporter = coder.exporter().await;
    let verdict = judge(exporter.address).await;
    verdict.unwrap_or_else(|said| panic!("{said}"));
}
