use crate::fleet::fixtures::fleet_of;
use crate::fleet::stats::collection::CollectorReport;

use super::*;

const COLLECTION: Subject = Subject::Collection;
const APPS: Subject = Subject::Collector(Collector::Apps);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn down(message: &str) -> Failure {
    Failure::new(ErrorKind::Connect, message)
}

fn still(times: u64, over: u64) -> Line {
    Line::StillFailing {
        subject: COLLECTION,
        failure: down("refused"),
        times,
        over: at(over),
    }
}

fn again(subject: Subject, after: u64, failures: u64) -> Line {
    Line::WorksAgain {
        subject,
        after: at(after),
        failures,
    }
}

/// Fails the collection at these seconds and returns the line for the last failure.
fn last_of(seconds: &[u64]) -> Line {
    let mut log = LogDedup::default();
    let lines = seconds
        .iter()
        .map(|&it| log.failed(COLLECTION, &down("refused"), at(it)));
    lines.last().unwrap()
}

#[test]
fn first_failure_is_said_at_once_and_the_next_is_not() {
    assert_eq!(last_of(&[7]), Line::Failed(COLLECTION, down("refused")));
    assert_eq!(
        last_of(&[7, 8]),
        Line::Repeated(COLLECTION, down("refused"))
    );
}

#[test]
fn repeats_are_told_after_five_minutes_and_not_just_before() {
    assert_eq!(
        last_of(&[7, 8, 306]),
        Line::Repeated(COLLECTION, down("refused"))
    );
    assert_eq!(last_of(&[7, 8, 306, 307]), still(3, 300));
    assert_eq!(last_of(&[7, 8, 308]), still(2, 301));
}

#[test]
fn interval_begins_anew_with_what_was_told() {
    assert_eq!(
        last_of(&[0, 300, 599]),
        Line::Repeated(COLLECTION, down("refused"))
    );
    assert_eq!(last_of(&[0, 300, 599, 600]), still(2, 300));
}

#[test]
fn failure_of_another_sort_is_said_at_once() {
    let mut log = LogDedup::default();
    log.failed(COLLECTION, &down("refused"), at(0));
    let other_message = down("no route");
    let other_kind = Failure::new(ErrorKind::Timeout, "refused");
    for failure in [other_message, other_kind] {
        let said = log.failed(COLLECTION, &failure, at(1));
        assert_eq!(said, Line::Failed(COLLECTION, failure));
    }
    let said = log.failed(APPS, &down("refused"), at(1));
    assert_eq!(said, Line::Failed(APPS, down("refused")));
    let said = log.failed(COLLECTION, &down("refused"), at(2));
    assert_eq!(said, Line::Repeated(COLLECTION, down("refused")));
}

#[test]
fn end_is_said_once_with_its_length_and_all_failures() {
    let mut log = LogDedup::default();
    assert_eq!(log.works(COLLECTION, at(0)), None);
    log.failed(COLLECTION, &down("refused"), at(10));
    log.failed(COLLECTION, &down("no route"), at(20));
    log.failed(COLLECTION, &down("refused"), at(30));
    assert_eq!(log.works(APPS, at(35)), None);
    assert_eq!(
        log.works(COLLECTION, at(40)),
        Some(again(COLLECTION, 30, 3))
    );
    assert_eq!(log.works(COLLECTION, at(50)), None);
    let said = log.failed(COLLECTION, &down("refused"), at(60));
    assert_eq!(
        said,
        Line::Failed(COLLECTION, down("refused")),
        "a new failure is a first"
    );
}

#[test]
fn messages_that_are_never_the_same_fill_neither_log_nor_memory() {
    let mut log = LogDedup::default();
    let lines: Vec<_> = (0..100)
        .map(|it| log.failed(COLLECTION, &down(&format!("port {it}")), at(it)))
        .collect();
    let said = |line: &&Line| matches!(line, Line::Failed(..));
    // One more for those that are not distinguished.
    assert_eq!(lines.iter().filter(said).count(), MOST_MESSAGES + 1);
    assert_eq!(log.troubles[&COLLECTION].messages.len(), MOST_MESSAGES + 1);
}

#[test]
fn scrape_that_ran_out_of_time_is_news_again_after_five_quiet_minutes() {
    let late = Failure::new(ErrorKind::Timeout, "late");
    for (second, is_news) in [(299, false), (300, true)] {
        let mut log = LogDedup::default();
        log.failed(Subject::Scrape, &late, at(0));
        let line = log.failed(Subject::Scrape, &late, at(second));
        assert_eq!(matches!(line, Line::Failed(..)), is_news, "{second}");
    }
}

#[test]
fn collector_that_had_no_chance_has_not_recovered() {
    let report = |outcome| CollectorReport {
        collector: Collector::Apps,
        outcome,
    };
    let collection = |fleet, outcome| CollectionResult {
        fleet,
        reports: vec![report(outcome)],
        clock_skew_seconds: None,
    };
    let (fleet, no) = (fleet_of(vec![]), down("no grant"));
    let loaded = Outcome::Loaded {
        duration: at(0),
        rows: 0,
    };
    let mut log = LogDedup::default();
    let lines = log.collection(
        &collection(Ok(fleet.clone()), Outcome::Failed(no.clone())),
        at(0),
    );
    assert_eq!(lines, [Line::Failed(APPS, no)]);
    let lines = log.collection(&collection(Err(down("refused")), Outcome::NotRun), at(1));
    assert_eq!(lines, [Line::Failed(COLLECTION, down("refused"))]);
    let lines = log.collection(&collection(Ok(fleet.clone()), Outcome::NotRun), at(2));
    assert_eq!(lines, [again(COLLECTION, 1, 1)]);
    let lines = log.collection(&collection(Ok(fleet), loaded), at(3));
    assert_eq!(lines, [again(APPS, 3, 1)]);
}
