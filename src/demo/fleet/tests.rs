use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;

const INACTIVE_TIMEOUT: Time = 30;
const PROBLEMS: [Word; 7] = [
    "terminated",
    "stuck_connecting",
    "connect_timeout",
    "disconnected",
    "start_error",
    "stuck_created",
    "stuck_starting",
];
const OTHERS: [Word; 4] = ["shutdown", "connecting", "starting", "healthy"];

/// `docs/spec/connection-status.md`, implemented a second time. A test with the code under test
/// would prove nothing.
fn status(agent: &AgentRow, now: Time) -> Word {
    let timeout = Time::from(agent.connection_timeout_seconds);
    let Some(last) = agent.last_connected_at else {
        let is_late = timeout > 0 && now - agent.created_at > timeout;
        return if is_late { "timeout" } else { "connecting" };
    };
    let left = agent.disconnected_at.is_some_and(|at| at >= last);
    if left || now - last > INACTIVE_TIMEOUT {
        "disconnected"
    } else {
        "connected"
    }
}

/// `docs/spec/health.md`, implemented a second time for the same reason.
fn health(agent: &AgentRow, is_external: bool, transition: Word, now: Time) -> Word {
    let lifecycle = agent.lifecycle_state;
    let since = |at: Option<Time>| now - at.unwrap_or(now);
    let is_going = matches!(lifecycle, "shutting_down" | "off");
    let lost = agent.disconnected_at.max(agent.last_connected_at);
    match status(agent, now) {
        _ if transition != "start" => "shutdown",
        "disconnected" if is_going && since(lost) > 300 => "terminated",
        "connected" | "disconnected" if is_going => "shutdown",
        "connecting" | "timeout" if is_external => "connecting",
        "connecting" if now - agent.created_at > 600 => "stuck_connecting",
        "connecting" => "connecting",
        "timeout" => "connect_timeout",
        "disconnected" => "disconnected",
        _ => match lifecycle {
            "start_error" => "start_error",
            "created" if since(agent.first_connected_at) > 120 => "stuck_created",
            "starting" if since(agent.started_at) > 1800 => "stuck_starting",
            "created" | "starting" => "starting",
            _ => "healthy",
        },
    }
}

/// Number of agents of the latest builds in each health class.
pub(super) fn count(tables: &Tables, now: Time) -> BTreeMap<Word, usize> {
    let mut latest: BTreeMap<Uuid, &BuildRow> = BTreeMap::new();
    for build in tables.builds.values() {
        let known = latest.entry(build.workspace_id).or_insert(build);
        if known.build_number < build.build_number {
            *known = build;
        }
    }
    let transitions: BTreeMap<Uuid, Word> = latest
        .values()
        .filter(|build| !tables.workspaces[&build.workspace_id].deleted)
        .map(|build| (build.job_id, build.transition))
        .collect();
    let mut counts = BTreeMap::new();
    for agent in tables.agents.values().filter(|agent| !agent.deleted) {
        let resource = &tables.resources[&agent.resource_id];
        if let Some(transition) = transitions.get(&resource.job_id) {
            let is_external = resource.kind == "coder_external_agent";
            let health = health(agent, is_external, transition, now);
            *counts.entry(health).or_default() += 1;
        }
    }
    counts
}

pub(super) fn problems(counts: &BTreeMap<Word, usize>) -> usize {
    PROBLEMS
        .iter()
        .filter_map(|health| counts.get(health))
        .sum()
}

/// Checks that Coder could have written these rows.
pub(super) fn check_rows(tables: &Tables, now: Time) {
    for agent in tables.agents.values() {
        let times = [
            Some(agent.created_at),
            agent.first_connected_at,
            agent.last_connected_at,
            agent.disconnected_at,
            agent.started_at,
            agent.ready_at,
        ];
        let all_in_the_past = times
            .iter()
            .flatten()
            .all(|at| (agent.created_at..=now).contains(at));
        assert!(all_in_the_past, "{agent:?} at {now}");
        let is_connected_once = agent.first_connected_at.is_some();
        assert_eq!(
            agent.last_connected_at.is_some(),
            is_connected_once,
            "{agent:?}"
        );
        assert!(
            agent.first_connected_at <= agent.last_connected_at,
            "{agent:?}"
        );
        assert!(agent.started_at.is_none() || is_connected_once, "{agent:?}");
        assert!(
            agent.ready_at.is_none() || agent.started_at <= agent.ready_at,
            "{agent:?}"
        );
        assert!(
            agent.disconnected_at.is_none() || is_connected_once,
            "{agent:?}"
        );
        assert_eq!(
            agent.lifecycle_state == "created",
            agent.started_at.is_none(),
            "{agent:?}"
        );
        if let Some(parent) = agent.parent_id {
            let parent = &tables.agents[&parent];
            assert_eq!(parent.resource_id, agent.resource_id, "{agent:?}");
            assert_eq!(parent.parent_id, None, "{agent:?}");
        }
    }
    let mut numbers = BTreeSet::new();
    let mut names = BTreeSet::new();
    for build in tables.builds.values() {
        assert!(
            numbers.insert((build.workspace_id, build.build_number)),
            "{build:?}"
        );
        assert!(tables.jobs.contains_key(&build.job_id), "{build:?}");
    }
    for workspace in tables
        .workspaces
        .values()
        .filter(|workspace| !workspace.deleted)
    {
        assert!(
            names.insert((workspace.owner_id, &workspace.name)),
            "{workspace:?}"
        );
    }
    assert!(
        tables
            .apps
            .values()
            .all(|app| tables.agents.contains_key(&app.agent_id))
    );
}

#[test]
fn young_fleet_shows_every_health_class() {
    for seed in 0..20 {
        let (_, tables, now) = Fleet::with_history(200, seed);
        let counts = count(&tables, now);
        for health in PROBLEMS.iter().chain(&OTHERS) {
            assert!(
                counts.contains_key(health),
                "seed {seed} has no {health}: {counts:?}"
            );
        }
        let agents: usize = counts.values().sum();
        assert!(
            problems(&counts) * 100 <= agents * 10,
            "seed {seed}: {counts:?}"
        );
        check_rows(&tables, now);
    }
}

#[test]
fn young_fleet_has_old_builds_deleted_workspaces_and_every_kind_of_binding() {
    let (_, tables, _) = Fleet::with_history(200, 1);
    assert!(tables.builds.len() > 2 * tables.workspaces.len());
    assert!(
        tables
            .workspaces
            .values()
            .any(|workspace| workspace.deleted)
    );
    assert!(tables.jobs.values().any(|job| job.error.is_some()));
    assert!(
        tables
            .agents
            .values()
            .any(|agent| agent.parent_id.is_some())
    );
    assert!(tables.agents.values().any(|agent| agent.deleted));
    let unhealthy = tables.apps.values().filter(|app| app.health == "unhealthy");
    assert!(unhealthy.count() > 0);
    let newest = |workspace: Uuid| {
        let builds = tables.builds.values();
        let builds = builds.filter(|build| build.workspace_id == workspace);
        builds
            .max_by_key(|build| build.build_number)
            .unwrap()
            .job_id
    };
    let is_current = |chat: &&ChatRow| {
        let agent = &tables.agents[&chat.agent_id.unwrap()];
        tables.resources[&agent.resource_id].job_id == newest(chat.workspace_id.unwrap())
    };
    let bound = || tables.chats.values().filter(|chat| chat.agent_id.is_some());
    assert!(bound().filter(is_current).count() > 5);
    assert!(bound().count() > bound().filter(is_current).count() + 5);
    assert!(tables.chats.len() > bound().count() + 5);
}

#[test]
fn hours_of_life_leave_most_agents_healthy_and_the_tables_small() {
    let (mut fleet, mut tables, start) = Fleet::with_history(200, 7);
    let mut healthy_least = 100;
    for now in start + 1..start + 6 * 3600 {
        tables.apply(&fleet.tick(now), now);
        if now % 60 == 0 {
            tables.prune();
            let counts = count(&tables, now);
            let agents: usize = counts.values().sum();
            let problems = problems(&counts);
            assert!(agents > 150, "{counts:?}");
            assert!((3..=agents / 10).contains(&problems), "{counts:?}");
            healthy_least = healthy_least.min(counts["healthy"] * 100 / agents);
            check_rows(&tables, now);
        }
    }
    assert!(healthy_least > 75, "{healthy_least} %");
    assert!(tables.builds.len() < 5 * 220, "{}", tables.builds.len());
    assert!(tables.workspaces.len() <= 200 + 13);
    assert!(tables.chats.len() <= 3 * 220);
}

#[test]
fn lost_agents_are_closed_within_30_s_and_what_was_written_stays() {
    let (mut fleet, mut tables, start) = Fleet::with_history(200, 3);
    let mut closed: BTreeMap<Uuid, Time> = BTreeMap::new();
    let (mut seen_closed, mut seen_back) = (0, 0);
    for now in start + 1..start + 3600 {
        tables.apply(&fleet.tick(now), now);
        let agents = fleet.workspaces.iter().flat_map(|it| &it.agents);
        for agent in agents.map(|it| &tables.agents[&it.id]) {
            let Some(heard) = agent.last_connected_at else {
                continue;
            };
            let ended = agent.disconnected_at;
            let is_closed = ended.is_some_and(|at| at >= heard);
            assert!(is_closed || now - heard <= 15 + 30, "{agent:?} at {now}");
            let before = ended.and_then(|at| closed.insert(agent.id, at));
            assert!(ended >= before, "{agent:?} at {now}");
            assert!(ended.is_some() || !closed.contains_key(&agent.id));
            seen_closed += usize::from(is_closed && ended == Some(now));
            seen_back += usize::from(!is_closed && ended.is_some() && heard == now);
        }
    }
    assert!(
        seen_closed > 20 && seen_back > 20,
        "{seen_closed}, {seen_back}"
    );
}

#[test]
fn agents_of_earlier_builds_are_deleted_once_a_later_one_has_succeeded() {
    let (mut fleet, mut tables, start) = Fleet::with_history(200, 6);
    let mut waiting = 0;
    for now in start + 1..start + 1800 {
        tables.apply(&fleet.tick(now), now);
        if now % 10 != 0 {
            continue;
        }
        tables.prune();
        let mut succeeded: BTreeMap<Uuid, i32> = BTreeMap::new();
        let mut by_job = BTreeMap::new();
        for build in tables.builds.values() {
            by_job.insert(build.job_id, build);
            let job = &tables.jobs[&build.job_id];
            if job.completed_at.is_some() && job.error.or(job.canceled_at.map(|_| "")).is_none() {
                let newest = succeeded.entry(build.workspace_id).or_default();
                *newest = build.build_number.max(*newest);
            }
        }
        for agent in tables.agents.values() {
            let build = by_job[&tables.resources[&agent.resource_id].job_id];
            let newest = succeeded[&build.workspace_id];
            if build.build_number < newest {
                assert!(agent.deleted, "{agent:?} of {build:?}, {newest}");
            } else if agent.parent_id.is_none() {
                assert!(!agent.deleted, "{agent:?} of {build:?}, {newest}");
                waiting += usize::from(build.build_number == newest);
            }
        }
    }
    assert!(waiting > 1000, "{waiting}");
}

#[test]
fn same_seed_tells_the_same_story() {
    let story = |seed| {
        let (mut fleet, tables, now) = Fleet::with_history(50, seed);
        let changes: Vec<Changes> = (1..300).map(|second| fleet.tick(now + second)).collect();
        (tables.rows(), changes)
    };
    assert!(story(3) == story(3), "another story from the same seed");
    assert!(story(3) != story(4), "the same story from another seed");
}

#[test]
fn heartbeats_are_spread_over_their_interval() {
    let (mut fleet, _, now) = Fleet::with_history(200, 5);
    let beats = (1..=15).map(|second| fleet.tick(now + second).heartbeats.len());
    let beats: Vec<usize> = beats.collect();
    let mean = beats.iter().sum::<usize>() / beats.len();
    assert!(mean > 8, "{beats:?}");
    assert!(beats.iter().all(|beat| *beat < 3 * mean), "{beats:?}");
}

#[test]
fn late_tick_beats_once_and_loses_nobody() {
    let (mut fleet, mut tables, mut now) = Fleet::with_history(200, 5);
    let before = count(&tables, now)["disconnected"];
    now += 300;
    let changes = fleet.tick(now);
    let distinct: BTreeSet<Uuid> = changes.heartbeats.iter().map(|it| it.0).collect();
    assert_eq!(distinct.len(), changes.heartbeats.len());
    tables.apply(&changes, now);
    let after = count(&tables, now).get("disconnected").copied();
    assert!(after.unwrap_or(0) <= before + 6, "{after:?} after {before}");
}

#[test]
fn fleets_of_any_size_live() {
    for size in [0, 1, 3, 25, 400] {
        let (mut fleet, mut tables, now) = Fleet::with_history(size, 9);
        for second in 1..120 {
            tables.apply(&fleet.tick(now + second), now + second);
        }
        tables.prune();
        let alive = tables
            .workspaces
            .values()
            .filter(|workspace| !workspace.deleted);
        assert_eq!(alive.count(), size);
        check_rows(&tables, now + 120);
    }
}
