//! `scripts/check-release` refuses a release whose version, tag or metadata is incomplete.

use std::fs;
use std::process::{Command, Output};

use super::root;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the script for `tag` on a `Cargo.toml` with these lines in its package section.
fn check(lines: &str, tag: &str, github: Option<&str>) -> Output {
    let name = format!(
        "check-release-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    let folder = std::env::temp_dir().join(name.replace(['(', ')'], "-"));
    fs::create_dir_all(folder.join("scripts")).unwrap();
    for name in ["scripts/check-release", "scripts/manifest.sh"] {
        fs::copy(root().join(name), folder.join(name)).unwrap();
    }
    let script = folder.join("scripts/check-release");
    let manifest = format!("[package]\nversion = \"{VERSION}\"\n{lines}\n[features]\n");
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    let mut command = Command::new("bash");
    command.arg(&script).arg(tag);
    command
        .env_remove("GITHUB_REPOSITORY")
        .env_remove("GITHUB_SERVER_URL");
    if let Some(github) = github {
        command.env("GITHUB_REPOSITORY", github);
    }
    let output = command.output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    output
}

#[test]
fn release_needs_the_repository_and_the_tag_of_its_version() {
    let tag = format!("v{VERSION}");
    let there = "repository = \"https://github.com/example/exporter\"";
    for (lines, tag, github, missing) in [
        ("", &*tag, None, Some("where the repository is")),
        (
            "repository = \"\"",
            &tag,
            None,
            Some("where the repository is"),
        ),
        (
            "# repository = \"https://a/b\"",
            &tag,
            None,
            Some("where the repository is"),
        ),
        (there, "v99.0.0", None, Some("the tag is v99.0.0")),
        (
            there,
            &tag,
            Some("other/exporter"),
            Some("but this is https://github.com/other"),
        ),
        (there, &tag, Some("example/exporter"), None),
        (there, &tag, None, None),
    ] {
        let output = check(lines, tag, github);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.success(),
            missing.is_none(),
            "{lines} {tag}: {said}"
        );
        assert!(
            said.contains(missing.unwrap_or_default()),
            "{lines} {tag}: {said}"
        );
    }
}

#[test]
fn release_workflow_asks_before_it_builds_anything() {
    let workflow = fs::read_to_string(root().join(".github/workflows/release.yaml")).unwrap();
    let asked = workflow.find("scripts/check-release").unwrap();
    let built = workflow.find("docker/build-push-action").unwrap();
    assert!(asked < built);
}
