//! A password that a command yields, such as the token of a cloud's login.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::error::{ErrorKind, Failure};

/// A cloud's command line takes a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the command in a shell; its output without the end of the line is the password.
///
/// # Errors
///
/// When it fails, yields nothing or takes too long. What it wrote is never shown.
pub(crate) async fn ask(command: &str) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| {
        let message = format!("--postgres.password-command {why}");
        Failure::new(ErrorKind::Authentication, message)
    };
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = timeout(PATIENCE, shell.kill_on_drop(true).output()).await;
    let output = output
        .map_err(|_| failed(format!("did not end within {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!(
            "failed with {}; run it by hand",
            output.status
        )));
    }
    let end = output.stdout.iter().rposition(|it| !b"\r\n".contains(it));
    match end.and_then(|end| output.stdout.get(..=end)) {
        Some(password) => Ok(password.to_vec()),
        None => Err(failed("yielded no password; run it by hand".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_is_the_password_without_the_end_of_its_line() {
        assert_eq!(ask("printf ' p w \\r\\n\\n'").await.unwrap(), b" p w ");
        assert_eq!(ask("printf secret").await.unwrap(), b"secret");
    }

    #[tokio::test]
    async fn command_that_fails_is_an_error_that_does_not_show_its_output() {
        for command in [
            "echo hunter2; echo hunter3 >&2; exit 3",
            "true",
            "no_such_command_1",
        ] {
            let failure = ask(command).await.unwrap_err();
            assert_eq!(failure.kind, ErrorKind::Authentication);
            assert!(!failure.message.contains("hunter"), "{failure}");
        }
    }
}
