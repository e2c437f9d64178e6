//! Tests of a machine that is suspended and resumed with a new row, with agents of two versions.

use uuid::Uuid;

use super::event::Event;
use super::*;

/// The rows of the latest agent of a workspace that this happened to, one for each second since its
/// first connection.
fn resumed(how: Event) -> Vec<(Time, AgentRow)> {
    let (mut fleet, mut tables, mut now) = Fleet::with_history(100, 21);
    let mut changes = Changes::default();
    assert!(fleet.event(how, now, &mut changes), "no machine to suspend");
    let workspace = changes.new.builds[0].workspace_id;
    let stop_number = changes.new.builds[0].build_number;
    tables.apply(&changes, now);
    let mut rows = Vec::new();
    for _ in 0..120 {
        now += 1;
        tables.apply(&fleet.tick(now), now);
        let mut builds = tables.builds.values();
        let start = builds
            .find(|build| build.workspace_id == workspace && build.build_number == stop_number + 1);
        let Some(start) = start else { continue };
        assert_eq!(start.transition, "start");
        let row = tables.agents.values().find(|agent| {
            tables.resources[&agent.resource_id].job_id == start.job_id
                && agent.first_connected_at.is_some()
        });
        rows.extend(row.map(|row| (now, row.clone())));
    }
    assert!(rows.len() > 60, "it connected late: {rows:?}");
    rows
}

#[test]
fn old_agent_says_nothing_to_the_row_it_is_resumed_on() {
    for (_, row) in resumed(Event::ResumeAndStick) {
        assert_eq!(row.lifecycle_state, "created");
        assert_eq!((row.started_at, row.ready_at), (None, None));
    }
}

#[test]
fn reboot_runs_through_starting_and_ready_again_on_its_row() {
    let (mut fleet, mut tables, start) = Fleet::with_history(100, 21);
    let mut changes = Changes::default();
    assert!(fleet.event(Event::Reboot, start, &mut changes));
    let text = &changes.messages[0].text;
    let mut workspaces = fleet.workspaces.iter();
    let rebooted = workspaces.find(|it| text.contains(&format!(" {} ", it.label)));
    let id = rebooted.unwrap().agents[0].id;
    let before = tables.agents[&id].clone();
    let mut states = vec![before.lifecycle_state];
    for now in start..start + 150 {
        tables.apply(&fleet.tick(now), now);
        let row = &tables.agents[&id];
        if states.last() != Some(&row.lifecycle_state) {
            states.push(row.lifecycle_state);
            assert_eq!(row.ready_at.is_none(), row.lifecycle_state == "starting");
        }
    }
    let expected = ["ready", "shutting_down", "off", "starting", "ready"];
    assert_eq!(states, expected);
    let row = &tables.agents[&id];
    assert_eq!(row.first_connected_at, before.first_connected_at);
    assert!(row.disconnected_at > before.last_connected_at);
    assert!(row.started_at > row.disconnected_at && row.ready_at > row.started_at);
}

#[test]
fn agent_that_reports_again_is_ready_on_its_new_row_a_second_after_it_connects() {
    let rows = resumed(Event::ResumeAndReport);
    let states = rows.iter().map(|(_, row)| row.lifecycle_state);
    let states: Vec<_> = states.take(3).collect();
    assert_eq!(states, ["starting", "ready", "ready"]);
    let (_, last) = rows.last().unwrap();
    assert_eq!(last.lifecycle_state, "ready");
    assert_eq!(last.started_at, last.first_connected_at);
    assert_eq!(last.ready_at, last.started_at.map(|at| at + 1));
}

/// The start that follows this event: at each second whether its script has a timing, beside the
/// agent's row.
fn started(how: Event) -> Vec<(Option<(Word, Time)>, AgentRow)> {
    let (mut fleet, mut tables, start) = Fleet::with_history(100, 21);
    let mut changes = Changes::default();
    assert!(fleet.event(how, start, &mut changes));
    let build = &changes.new.builds[0];
    let (workspace, number) = (build.workspace_id, build.build_number + 1);
    tables.apply(&changes, start);
    let mut seen = Vec::new();
    for now in start + 1..start + 240 {
        tables.apply(&fleet.tick(now), now);
        let mut builds = tables.builds.values();
        let is_its = |it: &&rows::Build| (it.workspace_id, it.build_number) == (workspace, number);
        let Some(job) = builds.find(is_its).map(|it| it.job_id) else {
            continue;
        };
        let mut agents = tables.agents.values();
        let is_its = |it: &&AgentRow| tables.resources[&it.resource_id].job_id == job;
        if let Some(agent) = agents.find(|it| is_its(it) && it.parent_id.is_none()) {
            let timings = tables.timings.values();
            let its = |script: Uuid| tables.scripts[&script].workspace_agent_id == agent.id;
            let mut timings = timings.filter(|it| its(it.script_id));
            let timing = timings.next().map(|it| (it.status, it.ended_at));
            seen.push((timing, agent.clone()));
        }
    }
    seen
}

#[test]
fn script_has_its_timing_when_it_ends_and_one_that_hangs_has_none() {
    let seen = started(Event::StartError);
    for (timing, row) in &seen {
        let expected = (row.lifecycle_state == "start_error").then_some("exit_failure");
        assert_eq!(timing.map(|it| it.0), expected, "{row:?}");
        assert_eq!(
            timing.map(|it| it.1),
            row.ready_at.filter(|_| timing.is_some())
        );
    }
    assert!(seen.last().unwrap().0.is_some(), "{seen:?}");
    let hanging = started(Event::StartHangs);
    assert!(hanging.iter().all(|(timing, _)| timing.is_none()));
    assert_eq!(hanging.last().unwrap().1.lifecycle_state, "starting");
}

#[test]
fn pod_that_is_evicted_shuts_down_and_stays_away() {
    let (mut fleet, mut tables, start) = Fleet::with_history(100, 21);
    let mut changes = Changes::default();
    assert!(fleet.event(Event::Evicted, start, &mut changes));
    let text = changes.messages[0].text.clone();
    let mut workspaces = fleet.workspaces.iter();
    let evicted = workspaces.find(|it| text.contains(&format!(" {} ", it.label)));
    let id = evicted.unwrap().agents[0].id;
    for now in start..start + 900 {
        tables.apply(&fleet.tick(now), now);
    }
    let row = &tables.agents[&id];
    assert_eq!(row.lifecycle_state, "off");
    assert!(row.disconnected_at >= row.last_connected_at, "{row:?}");
    assert!(row.last_connected_at < Some(start + 60), "{row:?}");
}
