//! Shows the progress and the events of a demo: on a terminal, or in the log.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use crate::cli::text::{BAD, FAINT, GOOD, STRONG, styled};
use crate::config::demo_args::{DemoArgs, FleetArgs};
use crate::config::log_args::{LogArgs, LogFormat, LogLevel};
use crate::demo::News;
use crate::demo::fleet::Weight;

/// Progress is only shown for fleets at least this large; smaller ones are created too fast.
const LARGE_FLEET: usize = 2000;
/// Step between two percentages on a terminal.
const SHOWN_PERCENT: usize = 2;
/// Step between two percentages in the log.
const LOGGED_PERCENT: usize = 20;

/// The output: terminal or log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    /// Sentences on stdout, for a person at a terminal.
    Terminal,
    /// Log lines on stderr.
    Log,
}

/// Shows the events of a demo to the person who runs it.
#[derive(Debug)]
pub(super) struct Stage {
    medium: Medium,
    workspaces: usize,
    /// The last percentage that was shown, from 0 to 100.
    percent: AtomicUsize,
}

/// What the first screen shows: addresses and how to end the demo.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) urls: &'a [String],
    pub(super) database: Option<&'a str>,
    pub(super) args: &'a DemoArgs,
}

impl Stage {
    /// Uses the terminal if stdout is one and the log format is not JSON; otherwise the log.
    pub(super) fn new(args: &DemoArgs) -> Self {
        let is_for_people =
            std::io::stdout().is_terminal() && args.exporter.log.format == LogFormat::Logfmt;
        Self {
            medium: match is_for_people {
                true => Medium::Terminal,
                false => Medium::Log,
            },
            workspaces: args.demo.agents,
            percent: AtomicUsize::new(0),
        }
    }

    /// The log settings to use: on a terminal only warnings are logged, because the events are
    /// shown there.
    pub(super) fn log_args(&self, asked_for: &LogArgs) -> LogArgs {
        let mut args = asked_for.clone();
        if self.medium == Medium::Terminal && args.level == LogLevel::Info {
            args.level = LogLevel::Warn;
        }
        args
    }

    /// Announces that the fleet is being created.
    pub(super) fn begin(&self, args: &FleetArgs) {
        match self.medium {
            Medium::Terminal => self.show_progress(0),
            Medium::Log => tracing::info!(
                workspaces = args.agents,
                scenario = args.scenario.name(),
                seed = args.seed,
                speed = args.speed,
                "creating the demo fleet"
            ),
        }
    }

    /// Announces that the fleet can be viewed.
    pub(super) fn open(&self, opening: &Opening<'_>) {
        if self.medium == Medium::Terminal {
            show(&format!("\r\x1b[K{}", block(opening)));
        }
    }

    /// Announces that the demo is stopping because of this signal.
    pub(super) fn stop(&self, signal: &str) {
        if self.medium == Medium::Terminal {
            show(&format!(
                "\r\x1b[K{signal}: removing everything (repeat to stop immediately)\n"
            ));
        }
    }

    /// Announces that the database is removed.
    pub(super) fn end(&self) {
        if self.medium == Medium::Terminal {
            show("Everything was removed.\n");
        }
    }

    /// Shows one event as a line, or logs it.
    pub(super) fn tell(&self, news: &News) {
        match (self.medium, news) {
            (Medium::Terminal, News::MadeUp(percent)) => self.show_progress(*percent),
            (Medium::Terminal, _) => show(&line(news, SystemTime::now())),
            (Medium::Log, News::MadeUp(percent)) => self.log_progress(*percent),
            (Medium::Log, News::Happened { text, .. }) => tracing::info!("{text}"),
            (Medium::Log, News::More(count)) => tracing::info!("and {count} more"),
            (Medium::Log, News::Amiss(text)) => tracing::warn!("{text}"),
            (Medium::Log, News::Mended(text)) => tracing::info!("{text}"),
        }
    }

    fn show_progress(&self, percent: usize) {
        let workspaces = grouped(self.workspaces);
        if self.workspaces < LARGE_FLEET {
            if percent == 0 {
                show(&format!("creating {workspaces} workspaces"));
            }
        } else if percent == 0 || self.is_due(percent, SHOWN_PERCENT) {
            show(&format!(
                "\r\x1b[Kcreating {workspaces} workspaces: {percent} %"
            ));
        }
    }

    fn log_progress(&self, percent: usize) {
        if self.workspaces >= LARGE_FLEET && self.is_due(percent, LOGGED_PERCENT) {
            tracing::info!(percent, "creating {} workspaces", grouped(self.workspaces));
        }
    }

    fn is_due(&self, percent: usize, step: usize) -> bool {
        let is_due = percent >= self.percent.load(Ordering::Relaxed) + step;
        if is_due {
            self.percent.store(percent, Ordering::Relaxed);
        }
        is_due
    }
}

/// Ignores write errors: the terminal may be closed.
fn show(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// The block that says which page to open and how to end the demo.
fn block(
    Opening {
        urls,
        database,
        args,
    }: &Opening<'_>,
) -> String {
    let FleetArgs {
        agents,
        scenario,
        seed,
        speed,
        ..
    } = &args.demo;
    let mut text = format!(
        "{}: {} workspaces, scenario {}, seed {seed}, speed {speed}\n\n",
        styled(STRONG, "Simulated Coder"),
        grouped(*agents),
        scenario.name(),
    );
    for url in *urls {
        if !args.exporter.web.disable_ui {
            text += &format!("  page      {}\n", styled(STRONG, url));
        }
        let path = &args.exporter.web.telemetry_path;
        text += &format!("  metrics   {url}{path}\n");
    }
    if let Some(database) = database {
        text += &format!("  database  psql '{database}'\n");
    }
    text + "\nPress Ctrl-C to stop and remove everything. Events (UTC):\n\n"
}

/// One event as a line, with its time.
fn line(news: &News, now: SystemTime) -> String {
    let clock = humantime::format_rfc3339_seconds(now).to_string();
    // 2026-11-21T14:03:21Z
    let clock = styled(FAINT, clock.get(11..19).unwrap_or_default());
    let text = match news {
        News::Happened { text, weight } => match weight {
            Weight::Headline => styled(STRONG, text),
            Weight::Trouble | Weight::Everyday => text.clone(),
        },
        News::More(count) => styled(FAINT, &format!("and {count} more")),
        News::Amiss(text) => styled(BAD, text),
        News::Mended(text) => styled(GOOD, text),
        News::MadeUp(percent) => format!("{percent} % created"),
    };
    format!("{clock}  {text}\n")
}

/// The number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::Cli;

    fn args(arguments: &[&str]) -> DemoArgs {
        let command = Cli::command();
        let arguments = [&["exporter", "demo"], arguments].concat();
        let matches = command.get_matches_from(arguments);
        DemoArgs::from_arg_matches(matches.subcommand().unwrap().1).unwrap()
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn block_says_where_to_look_and_how_it_ends() {
        let urls = ["http://localhost:21120".to_owned()];
        let args = args(&["--demo.agents=10000", "--demo.scenario=outage"]);
        let opening = Opening {
            urls: &urls,
            database: Some("postgres://coder_exporter@/coder_demo?host=%2Ftmp%2Fx&port=5432"),
            args: &args,
        };
        insta::assert_snapshot!(plain(&block(&opening)));
    }

    #[test]
    fn block_names_no_page_where_there_is_none() {
        let urls = ["http://localhost:1".to_owned()];
        let args = args(&["--web.disable-ui", "--web.telemetry-path=/m"]);
        let opening = Opening {
            urls: &urls,
            database: None,
            args: &args,
        };
        let text = plain(&block(&opening));
        assert!(!text.contains("page") && !text.contains("psql"), "{text}");
        assert!(text.contains("http://localhost:1/m\n"), "{text}");
    }

    #[test]
    fn line_of_the_story_has_its_time() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_269_801);
        let happened = |weight| News::Happened {
            text: "ada/api stopped sending heartbeats".into(),
            weight,
        };
        for weight in [Weight::Everyday, Weight::Trouble, Weight::Headline] {
            let text = plain(&line(&happened(weight), now));
            assert_eq!(text, "14:03:21  ada/api stopped sending heartbeats\n");
        }
        assert_eq!(
            plain(&line(&News::More(14), now)),
            "14:03:21  and 14 more\n"
        );
    }

    #[test]
    fn numbers_have_a_comma_between_thousands() {
        let numbers = [1, 200, 2000, 10_000, 1_000_000].map(grouped);
        assert_eq!(numbers, ["1", "200", "2,000", "10,000", "1,000,000"]);
    }
}
