//! Tests of simulations that run faster than the real clock.

use std::time::Duration;

use super::tests::check_rows;
use super::*;

/// Time without a heartbeat after which an agent counts as lost, in real time.
const INACTIVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Coder's heartbeat interval in real seconds.
const HEARTBEAT_INTERVAL: Time = 15;

/// Simulates this many real seconds. Checks at every moment that each healthy agent sent a
/// heartbeat within the timeout. Returns the number of messages.
fn live(scenario: Scenario, speed: f64, seconds: u32) -> usize {
    let pace = Pace::new(speed);
    let (mut fleet, mut tables, epoch) = Fleet::of(200, 4, scenario, pace);
    let end = Duration::from_secs(1) * seconds;
    let mut clock = Duration::ZERO;
    let mut messages = 0;
    while clock < end {
        clock += pace.tick();
        let now = epoch + pace.story_of(clock);
        let changes = fleet.tick(now);
        messages += changes.messages.len();
        tables.apply(&changes, now);
        let agents = fleet.workspaces.iter().flat_map(|it| &it.agents);
        for agent in agents.filter(|it| it.is_ready()) {
            let heard = tables.agents[&agent.id].last_connected_at.unwrap();
            // What was heard before the demo began is as old as the story says.
            let silent = pace.by_clock(now - heard.max(epoch)) + (epoch - heard).max(0);
            assert!(
                silent <= HEARTBEAT_INTERVAL + 3,
                "silent for {silent} s by the clock at speed {speed}"
            );
        }
    }
    tables.prune();
    check_rows(&tables, epoch + pace.story_of(end));
    messages
}

#[test]
fn no_healthy_agent_is_lost_at_any_speed() {
    for speed in [0.5, 1.0, 5.0, 20.0, 100.0] {
        live(Scenario::All, speed, 90);
    }
}

#[test]
fn more_happens_at_a_higher_speed() {
    let slow = live(Scenario::Calm, 1.0, 120);
    let fast = live(Scenario::Calm, 20.0, 120);
    assert!(fast > 8 * slow, "{fast} events at speed 20, {slow} at 1");
}

#[test]
fn heartbeats_come_no_more_often_than_coders_at_a_high_speed() {
    let pace = Pace::new(20.0);
    let (mut fleet, _, epoch) = Fleet::of(200, 4, Scenario::Calm, pace);
    let agents = fleet.workspaces.iter().map(|it| it.agents.len());
    let agents: usize = agents.sum();
    let mut beats = 0;
    for tick in 1..=75 {
        beats += fleet
            .tick(epoch + pace.story_of(tick * pace.tick()))
            .heartbeats
            .len();
    }
    // In 15 s one of each, and the first ones of those that are started.
    assert!(
        (agents * 8 / 10..agents * 2).contains(&beats),
        "{beats} of {agents}"
    );
}

#[test]
fn coder_gives_signs_of_life_every_five_seconds_of_the_clock() {
    for speed in [0.5, 1.0, 20.0, 100.0] {
        let pace = Pace::new(speed);
        let (mut fleet, _, epoch) = Fleet::of(3, 4, Scenario::Calm, pace);
        let ticks = Duration::from_secs(60).div_duration_f64(pace.tick()) as u32;
        let beats = (1..=ticks).filter(|tick| {
            let now = epoch + pace.story_of(*tick * pace.tick());
            !fleet.tick(now).replicas_seen.is_empty()
        });
        let beats = beats.count();
        // At the lowest speed five seconds are two and a half of the story, which are two.
        assert!((10..=16).contains(&beats), "{beats} at speed {speed}");
    }
}

#[test]
fn outage_lasts_until_it_has_been_judged_at_a_high_speed() {
    let pace = Pace::new(50.0);
    let (mut fleet, mut tables, epoch) = Fleet::of(200, 2, Scenario::Outage, pace);
    let lost_for = |tables: &Tables, fleet: &Fleet, now: Time| {
        let agents = fleet.workspaces.iter().flat_map(|it| &it.agents);
        let heard = agents.filter_map(|it| tables.agents[&it.id].last_connected_at);
        heard
            .filter(|at| now - at > pace.story_of(INACTIVE_TIMEOUT))
            .count()
    };
    let mut most = 0;
    for tick in 1..=5 * 60 {
        let now = epoch + pace.story_of(tick * pace.tick());
        tables.apply(&fleet.tick(now), now);
        most = most.max(lost_for(&tables, &fleet, now));
    }
    assert!(most >= 10, "{most} were lost within a minute");
}
