//! What a shell and a package make of the program: help, completion, manual, version
//! (`docs/spec/command-line.md`).

use std::fs;

use clap::CommandFactory;
use coder_agent_exporter::cli::Cli;

use crate::harness::json::json;
use crate::harness::*;

fn commands() -> Vec<String> {
    let cli = Cli::command();
    let names = cli.get_subcommands().map(|it| it.get_name().to_owned());
    names.collect()
}

/// What bash offers for the last of these words.
async fn offered(words: &[&str]) -> Vec<String> {
    const COMPLETE: &str = r#"
        source <("$0" completion bash) || exit 1
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        [[ $(complete -p "$1") =~ -F\ ([^ ]+) ]] || exit 2
        "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let arguments = [&["-c", COMPLETE, BINARY, "coder-agent-exporter"], words].concat();
    let path = std::env::var("PATH").unwrap();
    let ended = run_program("bash", &arguments, &[("PATH", &path)]).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    ended.stdout.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_flags_and_values() {
    assert_eq!(offered(&["sta"]).await, ["status"]);
    assert_eq!(offered(&["status", "--prob"]).await, ["--problems"]);
    assert_eq!(
        offered(&["--agent.inac"]).await,
        ["--agent.inactive-timeout"]
    );
    let levels = offered(&["serve", "--log.level", ""]).await;
    assert_eq!(levels, ["debug", "info", "warn", "error"]);
}

#[tokio::test]
async fn every_shell_gets_a_script_with_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = run(&["completion", shell]).await;
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
        for command in commands() {
            assert!(ended.stdout.contains(&command), "{shell}: {command}");
        }
    }
    let ended = run(&["completion", "tcsh"]).await;
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("elvish"), "{}", ended.stderr);
}

#[tokio::test]
async fn manual_has_a_page_for_each_command_and_a_main_page_with_all_flags() {
    let folder = Folder::new();
    let directory = folder.file("man1");
    let ended = run(&["man", "--directory", &directory]).await;
    assert_eq!(
        (ended.code, &*ended.stdout, &*ended.stderr),
        (Some(0), "", "")
    );
    let main = run(&["man"]).await.stdout;
    let page = |name: &str| fs::read_to_string(format!("{directory}/{name}.1")).unwrap();
    assert_eq!(page("coder-agent-exporter"), main);
    for command in commands() {
        assert!(page(&format!("coder-agent-exporter-{command}")).contains(".SH SYNOPSIS"));
    }
    let plain = main.replace('\\', "");
    for part in [
        "--web.listen-address",
        "CODER_EXPORTER_WEB_LISTEN_ADDRESS",
        ".SH DATABASE",
    ] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    let ended = run(&["man", "--directory=/proc/nowhere"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("/proc/nowhere"), "{}", ended.stderr);
}

#[tokio::test]
async fn version_says_what_it_was_built_from() {
    let report = json(&run(&["version", "-o", "json"]).await.stdout);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    for field in ["commit", "build_date", "rustc", "platform"] {
        let value = report[field].as_str().unwrap();
        assert!(!value.is_empty(), "{field}");
    }
    let rustc = report["rustc"].as_str().unwrap();
    assert!(rustc.starts_with("1."), "{rustc}");
    for arguments in [
        ["version", "--json"],
        ["--json", "version"],
        ["-ojson", "version"],
    ] {
        assert_eq!(json(&run(&arguments).await.stdout), report);
    }
    let text = run(&["version"]).await.stdout;
    assert!(text.contains(rustc), "{text}");
    let short = run(&["-V"]).await.stdout;
    assert_eq!(
        short,
        format!("coder-agent-exporter {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn help_has_every_group_of_flags_and_needs_no_valid_variable() {
    let broken = [("CODER_EXPORTER_COLLECT_TIMEOUT", "soon")];
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let ended = run_with(arguments, &broken).await;
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
        for group in ["Commands", "Database", "Agents", "Probe", "Web", "Log"] {
            let heading = format!("\n{group}:\n");
            assert_eq!(ended.stdout.matches(&heading).count(), 1, "{group}");
        }
    }
}

#[tokio::test]
async fn command_after_its_flags_is_run() {
    let coder = Coder::new().await;
    let url = coder.url();
    for arguments in [
        &["--postgres.url", &url, "status"][..],
        &["--json", "--postgres.url", &url, "status"],
    ] {
        let ended = run(arguments).await;
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    }
}

#[tokio::test]
async fn command_that_does_not_exist_is_answered_with_one_that_does() {
    for arguments in [&["stauts"][..], &["--postgres.url=x", "stauts"]] {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(64));
        assert!(ended.stderr.contains("'status'"), "{}", ended.stderr);
    }
}
