//! The commands that ask once (`docs/spec/command-line.md`): what they print, where, and how they
//! end.

mod explain;
pub(crate) mod hostile_names;
mod names;
mod output;
mod resolve;
mod status;
mod support;
mod wait;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;
use uuid::Uuid;

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::fleet::Agent;
use crate::harness::json::{json, keys};
use crate::harness::terminal::{Running, run_on_terminal};
use crate::harness::*;

/// A Coder: its database, and coderd with a token for it.
struct Deployment {
    coder: Coder,
    coderd: StandIn,
    token: Folder,
}

impl Deployment {
    async fn new() -> Self {
        let token = Folder::new();
        token.write("token", TOKEN);
        Self {
            coder: Coder::new().await,
            coderd: StandIn::start().await,
            token,
        }
    }

    /// A running workspace of ada's with this agent, about which coderd answers so.
    async fn add(&self, name: &str, agent: Agent, answer: Answer) -> Uuid {
        let id = agent.id;
        self.coderd.answer(id, answer);
        self.coder.add(workspace(name).agent(agent)).await;
        id
    }

    /// A command line that asks this deployment.
    fn command_line(&self, arguments: &[&str]) -> Vec<String> {
        let mut line: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
        line.extend([
            format!("--postgres.url={}", self.coder.url()),
            "--probe.dialer=coderd".into(),
            format!("--coder.url={}", self.coderd.url("127.0.0.1")),
            format!("--coder.token-file={}", self.token.file("token")),
        ]);
        line
    }

    /// Runs a command that asks this deployment. The token is nowhere in what it says.
    async fn run(&self, arguments: &[&str]) -> Ended {
        let ended = run(&borrowed(&self.command_line(arguments))).await;
        assert_no_secret(&ended);
        ended
    }

    fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&borrowed(&self.command_line(arguments)))
    }
}

fn borrowed(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[track_caller]
fn assert_no_secret(ended: &Ended) {
    let Ended { stdout, stderr, .. } = ended;
    let it_shows = stdout.contains(TOKEN) || stderr.contains(TOKEN);
    assert!(!it_shows, "the token shows: {stdout}{stderr}");
}

/// Asks this database only.
pub(crate) async fn ask(coder: &Coder, arguments: &[&str]) -> Ended {
    let url = format!("--postgres.url={}", coder.url());
    run(&[arguments, &[&url]].concat()).await
}

/// What a command printed into a pipe that did its work.
async fn printed(coder: &Coder, arguments: &[&str]) -> String {
    let ended = ask(coder, arguments).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
    assert_moves_no_cursor(&ended.stdout);
    ended.stdout
}

/// What a command without colours shows on a terminal of this width, where it fits.
async fn shown(coder: &Coder, arguments: &[&str], columns: usize) -> String {
    let url = format!("--postgres.url={}", coder.url());
    let width = columns.to_string();
    let variables = [("NO_COLOR", "1"), ("TERMINAL_COLUMNS", width.as_str())];
    let ended = run_on_terminal(&[arguments, &[&url]].concat(), &variables).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stdout);
    let shown = ended.stdout.replace("\r\n", "\n");
    assert_fits(&shown, columns);
    shown
}

/// What a command printed as JSON, which may be on a terminal, too.
pub(crate) async fn told_json(coder: &Coder, arguments: &[&str]) -> Value {
    let ended = ask(coder, &[arguments, &["--json"]].concat()).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
    assert!(!ended.stdout.replace('\n', "").contains(is_odd));
    json(&ended.stdout)
}

/// What could move a cursor or turn the direction of reading.
fn is_odd(it: char) -> bool {
    it.is_control()
        || ('\u{200b}'..='\u{202e}').contains(&it) && !('\u{2010}'..='\u{2027}').contains(&it)
}

/// The one sentence of a command that failed.
async fn complaint(coder: &Coder, arguments: &[&str], code: i32) -> String {
    let ended = ask(coder, arguments).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(code), ""));
    let said = ended.stderr.strip_prefix("coder-agent-exporter: ");
    said.expect(&ended.stderr).trim_end().to_owned()
}

#[track_caller]
fn assert_moves_no_cursor(text: &str) {
    for line in text.lines() {
        assert!(!line.contains(is_odd), "{line:?}");
    }
}

/// No line is wider than the terminal, and nothing in it moves the cursor.
#[track_caller]
fn assert_fits(text: &str, columns: usize) {
    assert_moves_no_cursor(text);
    for line in text.lines() {
        let width = line.width();
        assert!(width <= columns, "{width} of {columns} columns: {line}");
    }
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}

/// The lines with each run of spaces as one, for what is in columns.
pub(crate) fn squeezed(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}
