//! Notes what the program is built from, for its command `version`.
//!
//! The same sources give the same program: the date is that of `SOURCE_DATE_EPOCH` only, and the
//! commit that of `CODER_EXPORTER_COMMIT`, else of the checkout a release is built in.

use std::env;
use std::io::{self, Write};
use std::process::Command;

fn main() {
    let commit = variable("CODER_EXPORTER_COMMIT").or_else(commit_of_checkout);
    let epoch = variable("SOURCE_DATE_EPOCH");
    let rustc = variable("RUSTC").and_then(|rustc| output(&rustc, &["--version"]));
    for (name, value) in [
        ("BUILD_COMMIT", commit),
        ("BUILD_EPOCH", epoch),
        ("BUILD_RUSTC", rustc),
    ] {
        let value = value.unwrap_or_default();
        tell(&format!("cargo:rustc-env={name}={value}"));
    }
    for variable in ["CODER_EXPORTER_COMMIT", "SOURCE_DATE_EPOCH"] {
        tell(&format!("cargo:rerun-if-env-changed={variable}"));
    }
}

/// Only for a release: while developing, every commit would compile the program again.
fn commit_of_checkout() -> Option<String> {
    if env::var("PROFILE").ok()? != "release" {
        return None;
    }
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    tell(&format!("cargo:rerun-if-changed={log}"));
    output("git", &["rev-parse", "HEAD"])
}

fn variable(name: &str) -> Option<String> {
    let value = env::var(name).ok()?.trim().to_owned();
    Some(value).filter(|it| !it.is_empty())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Some(text).filter(|it| output.status.success() && !it.is_empty())
}

fn tell(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}
