use crate::fleet::fixtures::at;
use crate::fleet::probe::probed::{ProbedAgent, Story};
use crate::fleet::probe::results::*;
use crate::fleet::rules::explain::Reason;

const HORIZON: Duration = Duration::from_secs(900);
const PACE: Pace = Pace {
    interval: Duration::from_secs(60),
    sample: Some(1),
    horizon: HORIZON,
};

fn probed(workspace: u128, status: Status, outcome: ProbeOutcome) -> Probed {
    Probed {
        number: 0,
        at: at(0),
        workspace_id: Uuid::from_u128(workspace),
        owner: "ada".into(),
        workspace: "box".into(),
        agent: Some(ProbedAgent {
            id: Uuid::from_u128(workspace),
            name: "main".into(),
            status,
            reason: Reason {
                rule: "alive",
                saw: "last heartbeat 5.0 s before now, limit 30 s".into(),
            },
            last_connected_at: Some(at(-5)),
            seen_at: at(0),
        }),
        outcome,
        trouble: None,
        duration: Duration::from_millis(20),
        message: String::new(),
        story: Story::default(),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn running(count: u128) -> HashSet<Uuid> {
    (1..=count).map(Uuid::from_u128).collect()
}

fn disagreements(probes: &Probes, uptime: Duration) -> u64 {
    let pairs = probes.stats(uptime).disagreements.unwrap();
    pairs.iter().map(|(_, _, count)| count).sum()
}

#[test]
fn nothing_is_known_before_the_first_round_and_no_outcome_is_missing() {
    let stats = Probes::new(PACE).stats(seconds(0));
    assert_eq!(stats.outcomes.len(), ProbeOutcome::ALL.len());
    assert_eq!(stats.durations.len(), ProbeOutcome::ALL.len());
    assert!(stats.disagreements.is_none() && stats.coverage.is_none() && stats.last.is_none());
}

#[test]
fn database_and_dial_disagree_where_both_cannot_be_true() {
    for (status, outcome, expected) in [
        (Status::Connected, ProbeOutcome::Ok, false),
        (Status::Connected, ProbeOutcome::Switched, false),
        (Status::Connected, ProbeOutcome::DialTimeout, true),
        (Status::Connected, ProbeOutcome::DialError, true),
        (Status::Connected, ProbeOutcome::Disconnected, true),
        (Status::Connected, ProbeOutcome::NeverConnected, true),
        (Status::Connected, ProbeOutcome::NoAgent, false),
        (Status::Connected, ProbeOutcome::Ambiguous, false),
        (Status::Connected, ProbeOutcome::ExporterError, false),
        (Status::Disconnected, ProbeOutcome::Ok, true),
        (Status::Disconnected, ProbeOutcome::Switched, true),
        (Status::Disconnected, ProbeOutcome::DialTimeout, false),
        (Status::Timeout, ProbeOutcome::Ok, true),
        (Status::Timeout, ProbeOutcome::NeverConnected, false),
        (Status::Connecting, ProbeOutcome::Ok, false),
        (Status::Connecting, ProbeOutcome::DialError, false),
    ] {
        let found = is_contradiction(status, outcome);
        assert_eq!(found, expected, "{status:?} and {outcome:?}");
    }
}

#[test]
fn what_is_older_than_the_horizon_neither_disagrees_nor_covers() {
    let mut probes = Probes::new(PACE);
    probes.count(
        probed(1, Status::Connected, ProbeOutcome::DialError),
        seconds(100),
    );
    probes.begin_round(running(2), seconds(100));
    probes.end_round(at(1));
    let at_the_limit = seconds(100) + HORIZON;
    assert_eq!(disagreements(&probes, at_the_limit), 1);
    assert_eq!(probes.stats(at_the_limit).coverage, Some(0.5));
    let limit = PACE.coverage_limit(2);
    assert_eq!(probes.stats(at_the_limit).coverage_limit, limit);
    let after = at_the_limit + Duration::from_nanos(1);
    assert_eq!(disagreements(&probes, after), 0);
    assert_eq!(probes.stats(after).coverage, Some(0.0));
}

#[test]
fn newest_probe_of_a_workspace_is_the_one_that_counts() {
    let mut probes = Probes::new(PACE);
    probes.count(
        probed(1, Status::Connected, ProbeOutcome::DialError),
        seconds(1),
    );
    probes.count(probed(1, Status::Connected, ProbeOutcome::Ok), seconds(2));
    probes.begin_round(running(1), seconds(2));
    probes.end_round(at(2));
    assert_eq!(disagreements(&probes, seconds(3)), 0);
    assert_eq!(probes.stats(seconds(2) + HORIZON).coverage, Some(1.0));
}

#[test]
fn exporters_own_error_says_nothing_of_an_agent() {
    let mut probes = Probes::new(PACE);
    probes.count(
        probed(1, Status::Connected, ProbeOutcome::DialError),
        seconds(1),
    );
    probes.count(
        probed(1, Status::Connected, ProbeOutcome::ExporterError),
        seconds(2),
    );
    probes.begin_round(running(1), seconds(2));
    probes.end_round(at(2));
    assert_eq!(disagreements(&probes, seconds(3)), 1);
}

#[test]
fn no_workspace_running_is_not_a_coverage_of_nothing() {
    let mut probes = Probes::new(PACE);
    probes.begin_round(running(0), seconds(2));
    probes.end_round(at(2));
    assert_eq!(probes.stats(seconds(3)).coverage, None);
    assert_eq!(probes.stats(seconds(3)).last, Some(at(2)));
}

#[test]
fn coverage_is_of_what_is_in_scope_now_and_was_one_horizon_ago() {
    let mut probes = Probes::new(PACE);
    probes.begin_round(running(1), seconds(10));
    probes.end_round(at(1));
    // One that has just come into scope is not asked for yet.
    probes.begin_round(running(2), seconds(10) + HORIZON);
    probes.end_round(at(2));
    assert_eq!(probes.stats(seconds(9) + HORIZON).coverage, None);
    assert_eq!(probes.stats(seconds(10) + HORIZON).coverage, Some(0.0));
    let now = seconds(11) + HORIZON;
    probes.count(probed(1, Status::Connected, ProbeOutcome::Ok), now);
    assert_eq!(probes.stats(now).coverage, Some(1.0));
    // One that has left the scope is not asked for any more.
    probes.begin_round(running(0), seconds(20) + HORIZON);
    probes.end_round(at(3));
    assert_eq!(probes.stats(seconds(20) + HORIZON).coverage, None);
}

#[test]
fn good_probes_do_not_wash_failures_away() {
    let mut probes = Probes::new(PACE);
    probes.count(
        probed(1, Status::Connected, ProbeOutcome::DialError),
        seconds(1),
    );
    for workspace in 0..500 {
        probes.count(
            probed(workspace, Status::Connected, ProbeOutcome::Ok),
            seconds(2),
        );
    }
    assert_eq!(probes.history().count(), 100);
    assert_eq!(probes.failures().count(), 1);
}

#[test]
fn probe_that_was_asked_for_is_shown_and_not_counted() {
    let mut probes = Probes::new(PACE);
    probes.keep(probed(1, Status::Connected, ProbeOutcome::DialError));
    probes.begin_round(running(1), seconds(2));
    probes.end_round(at(2));
    let stats = probes.stats(seconds(2) + HORIZON);
    assert!(stats.outcomes.iter().all(|(_, count)| *count == 0));
    assert_eq!(stats.coverage, Some(0.0));
    assert_eq!(probes.failures().count(), 1);
}

#[test]
fn who_disagrees_is_known_by_workspace_for_as_long_as_it_is_counted() {
    let mut probes = Probes::new(PACE);
    let failed = |workspace| probed(workspace, Status::Connected, ProbeOutcome::DialError);
    probes.count(failed(1), seconds(1));
    probes.count(failed(2), seconds(1));
    probes.count(probed(1, Status::Connected, ProbeOutcome::Ok), seconds(2));
    probes.count(failed(3), seconds(3));
    let at_odds = |uptime| {
        let found = probes.at_odds(uptime);
        let ids = found.iter().map(|it| it.workspace_id.as_u128());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(at_odds(seconds(3)), [3, 2]);
    assert_eq!(at_odds(seconds(1) + HORIZON), [3, 2]);
    assert_eq!(at_odds(seconds(2) + HORIZON), [3]);
}

#[test]
fn probes_of_a_workspace_are_told_once_and_newest_first() {
    let mut probes = Probes::new(PACE);
    probes.keep(probed(1, Status::Connected, ProbeOutcome::DialError));
    for _ in 0..150 {
        probes.keep(probed(2, Status::Connected, ProbeOutcome::Ok));
    }
    probes.keep(probed(1, Status::Connected, ProbeOutcome::DialTimeout));
    probes.keep(probed(1, Status::Connected, ProbeOutcome::Ok));
    let found = probes.of_workspace(Uuid::from_u128(1));
    let numbers: Vec<_> = found.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [153, 152, 1]);
}
