//! Writes the lines that [`log_dedup`](crate::log_dedup) returns.

use std::time::Duration;

use crate::fleet::model::label_value::Variants;
use crate::log_dedup::{Line, Subject};

/// Logs a line at the level of its content.
pub(crate) fn say(line: &Line) {
    match line {
        Line::Failed(subject, error) => {
            let (kind, collector) = (error.kind.as_str(), subject.collector());
            tracing::warn!(kind, collector, %error, "{}", happened(*subject));
        }
        Line::Repeated(subject, error) => {
            let (kind, collector) = (error.kind.as_str(), subject.collector());
            tracing::debug!(kind, collector, %error, "{} again", happened(*subject));
        }
        Line::Note(note) => tracing::warn!("{note}"),
        Line::StillFailing {
            subject,
            failure: error,
            times,
            over,
        } => {
            let (kind, collector) = (error.kind.as_str(), subject.collector());
            let over = rounded(*over);
            tracing::warn!(kind, collector, times, %over, %error, "still failing");
        }
        Line::WorksAgain {
            subject,
            after,
            failures,
        } => {
            let (collector, after) = (subject.collector(), rounded(*after));
            let works = match subject {
                Subject::Rows => "rows are no longer merged",
                Subject::Probe => "the probe works again",
                Subject::Coder => "Coder answers again",
                Subject::CutOff => "the sessions before a loss can be read again",
                Subject::Activity => "session reports can be read again",
                _ => "works again",
            };
            tracing::info!(collector, %after, failures, "{works}");
        }
    }
}

fn happened(subject: Subject) -> &'static str {
    match subject {
        Subject::Rows => "rows were merged",
        Subject::Probe => "the probe round ended with an exporter error",
        Subject::Coder => "Coder does not answer this exporter",
        Subject::Activity => {
            "session reports cannot be read; the activity of workspaces is unknown, and connected agents are not probed"
        }
        Subject::CutOff => {
            "the sessions before a loss cannot be read; how many people an incident cut off is unknown"
        }
        Subject::Collection | Subject::Collector(_) | Subject::Scrape => "collection failed",
    }
}

/// Rounds down to milliseconds below ten seconds, and to whole seconds above.
fn rounded(duration: Duration) -> humantime::FormattedDuration {
    let millis = duration.as_millis() as u64;
    let unit = if millis < 10_000 { 1 } else { 1000 };
    humantime::format_duration(Duration::from_millis(millis / unit * unit))
}
