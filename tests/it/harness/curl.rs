//! curl: a client we did not write.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What curl got.
#[derive(Debug)]
pub(crate) struct Curled {
    /// Zero when there was an answer.
    pub(crate) exit: i32,
    pub(crate) status: u16,
    /// As curl writes it: 1.1 or 2.
    pub(crate) version: String,
    /// Head and body.
    pub(crate) text: String,
}

/// Runs it with these arguments, the last of which is a URL.
pub(crate) async fn curl(arguments: &[&str]) -> Curled {
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-i", "--max-time", "20"])
        .args(["-w", "\n%{http_code} %{http_version}"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(30), output)
        .await
        .expect("curl ends");
    let output = output.unwrap_or_else(|error| {
        panic!("curl cannot be run ({error}): run scripts/test, which installs it")
    });
    let text = String::from_utf8_lossy(&output.stdout);
    let (text, last) = text.rsplit_once('\n').unwrap_or(("", ""));
    let (status, version) = last.split_once(' ').unwrap_or(("0", ""));
    Curled {
        exit: output.status.code().unwrap_or(-1),
        status: status.parse().unwrap_or(0),
        version: version.to_owned(),
        text: text.to_owned(),
    }
}
