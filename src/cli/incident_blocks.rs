//! Incidents as text, a block for each.

use std::fmt::Write as _;

use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::{age, moment};
use crate::incident::advice::Advice;
use crate::incident::model::Incident;
use crate::incident::report::{agents_per_minute, title};

use super::fleet_question::KnownFleet;
use super::text::{BAD, FAINT, STRONG, fit, styled};
use super::width::{Answer, Width};

/// Width of the names and the space around them.
const INDENT: usize = 12;

/// The blocks of these incidents of the fleet.
pub(super) fn blocks<'a>(
    known: &KnownFleet,
    incidents: impl IntoIterator<Item = &'a Incident>,
    width: Width,
) -> String {
    let mut out = Answer::new(width);
    for (number, incident) in incidents.into_iter().enumerate() {
        if number > 0 {
            let _ = writeln!(out);
        }
        write_block(&mut out, known, incident);
    }
    out.text
}

fn write_block(out: &mut Answer, known: &KnownFleet, incident: &Incident) {
    let Advice {
        sentence,
        not_to_do,
        commands,
        runbook,
    } = Advice::of(&known.fleet, incident);
    let title = out.width.name(&title(&known.fleet, incident), 0);
    let _ = writeln!(out, "{}", styled(BAD, &title));
    write_line(out, "agents", &agents(incident));
    write_line(out, "since", &since(incident, known.fleet.snapshot.now));
    for (dimension, value) in &incident.also {
        let value = format!("{} {value}", dimension.name());
        write_line(out, "the same", &value);
    }
    for (dimension, value, score) in &incident.runners_up {
        let value = format!("{} {value} (score {score:.0})", dimension.name());
        write_line(out, "or", &value);
    }
    write_line(out, "advice", sentence);
    write_line(out, "not", not_to_do);
    for text in commands {
        let command = out.width.command(&text);
        let _ = writeln!(out, "{}", styled(STRONG, &command));
    }
    write_line(out, "runbook", &format!("alerts/runbooks/{runbook}.md"));
}

fn write_line(out: &mut Answer, name: &str, text: &str) {
    let name = styled(FAINT, &fit(name, INDENT - 3));
    let text = out.width.wrapped(text, INDENT);
    let _ = writeln!(out, "  {name} {text}");
}

fn agents(incident: &Incident) -> String {
    let mut text = format!(
        "{} of {} that could have been hit; {} workspaces, {} users",
        incident.members.len(),
        incident.expected,
        incident.workspaces,
        incident.owners,
    );
    if let Some(cut_off) = incident.owners_in_session {
        let _ = write!(text, ", {cut_off} of them in session");
    }
    text
}

fn since(incident: &Incident, now: Timestamp) -> String {
    let ago = |at: Timestamp| age(now.seconds_since(at));
    let Some(first) = incident.first else {
        return "unknown".to_owned();
    };
    let mut text = format!("{}, {} ago", moment(first), ago(first));
    if let Some(last) = incident.last {
        let _ = write!(text, "; the last {} ago", ago(last));
    }
    if let Some(rate) = agents_per_minute(incident) {
        let _ = write!(text, "; {rate:.1} agents a minute");
    }
    if incident.is_growing {
        text.push_str("; growing");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::Kind;
    use crate::incident::advice::tests;
    use crate::incident::model::Common;
    use crate::incident::population::{Dimension, Family};

    #[test]
    fn block_says_what_is_shared_how_many_since_when_and_what_to_do() {
        let common = Common::Value(Dimension::Template, "acme/docker".into());
        let incident = Incident {
            also: vec![(Dimension::TemplateVersion, "acme/docker/v7".into())],
            runners_up: vec![(Dimension::CoderdReplica, "cdr-1".into(), 12.5)],
            members: (0..41).collect(),
            expected: 44,
            workspaces: 41,
            owners: 38,
            first: Some(at(-90)),
            last: Some(at(-60)),
            is_growing: true,
            ..tests::incident(Kind::Root, Family::StartFailed, common)
        };
        let known = KnownFleet {
            fleet: fleet_of(vec![agent()]),
            incidents: vec![incident],
        };
        let plain = blocks(&known, &known.incidents, Width(Some(80)));
        let plain = anstream::adapter::strip_str(&plain).to_string();
        let expected = "\
root start failed: template acme/docker
  agents    41 of 44 that could have been hit; 41 workspaces, 38 users
  since     2024-12-31T23:58:30Z, 1m 30s ago; the last 1m 0s ago; 41.0 agents a
            minute; growing
  the same  template_version acme/docker/v7
  or        coderd_replica cdr-1 (score 12)
  advice    Read the log of one failed script of this template, and check what
            it downloads.
  not       Do not stop workspaces: people may work in them, and the same script
            may fail again.
  $ coder templates versions list docker --org acme
  $ coder show ada/build-box
  $ coder-agent-exporter explain ada/build-box
  runbook   alerts/runbooks/CoderIncident.md
";
        assert_eq!(plain, expected);
    }
}
