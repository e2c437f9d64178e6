//! Tests of what people do: sessions, claims, and agents that are theirs.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::seed_data::PREBUILDS;
use super::*;

#[test]
fn agent_that_is_connected_reports_every_30_seconds_and_use_moves_what_coder_writes() {
    let (mut fleet, mut tables, start) = Fleet::with_history(200, 8);
    let mut reports: BTreeMap<Uuid, Time> = BTreeMap::new();
    let (mut in_session, mut idle, mut moved, mut used) = (0, 0, 0, 0);
    let mut early_reports = 0;
    for now in start + 1..start + 3600 {
        let changes = fleet.tick(now);
        for report in &changes.new.reports {
            let before = reports.insert(report.agent_id, now);
            let early = before.is_some_and(|it| now - it < 30);
            early_reports += usize::from(early);
            assert!(report.connection_count > 0 || report.session.is_none());
            in_session += usize::from(report.session.is_some());
            idle += usize::from(report.connection_count == 0);
        }
        for (build, seconds) in &changes.deadlines {
            let before = tables.builds.get(build).and_then(|it| it.deadline);
            if let Some(before) = before {
                assert_eq!(*seconds, 3600, "a move is to an hour from now");
                assert!(before - now < 57 * 60 && before >= now, "{before} at {now}");
                moved += 1;
            }
        }
        used += changes.used.len();
        tables.apply(&changes, now);
    }
    assert!(in_session > 1000 && idle > 1000, "{in_session}, {idle}");
    // Only an agent that connects anew is early.
    assert!(early_reports * 100 < in_session + idle, "{early_reports}");
    assert!(moved > 2 && used > 500, "{moved}, {used}");
}

#[test]
fn prebuilt_workspaces_are_claimed_and_made_anew() {
    let (mut fleet, mut tables, start) = Fleet::with_history(200, 8);
    let owner = seed_data::SeedData::new(&mut Rng::new(0)).users[PREBUILDS].id;
    let unclaimed = |tables: &Tables| {
        let workspaces = tables.workspaces.values();
        let unclaimed = workspaces.filter(|it| it.owner_id == owner && !it.deleted);
        unclaimed.count()
    };
    let mut claims = 0;
    for now in start + 1..start + 3 * 3600 {
        let changes = fleet.tick(now);
        for claim in &changes.claims {
            let before = &tables.workspaces[&claim.workspace];
            assert_eq!(before.owner_id, owner);
            assert!(before.name.starts_with("prebuild-"), "{before:?}");
            let build = changes.new.builds.iter();
            let mut build = build.filter(|it| it.workspace_id == claim.workspace);
            let build = build.next().unwrap();
            assert_eq!((build.transition, build.build_number), ("start", 2));
            claims += 1;
        }
        tables.apply(&changes, now);
        assert_eq!(unclaimed(&tables), 4);
    }
    assert!(claims > 5, "{claims}");
}

#[test]
fn external_agents_wait_for_their_users_and_sub_agents_come_and_go() {
    let (mut fleet, mut tables, start) = Fleet::with_history(400, 8);
    let external: BTreeSet<Uuid> = tables
        .resources
        .values()
        .filter(|it| it.kind == "coder_external_agent")
        .map(|it| it.id)
        .collect();
    let agents = tables.agents.values();
    let waiting =
        agents.filter(|it| external.contains(&it.resource_id) && it.first_connected_at.is_none());
    assert!(waiting.count() > 1);
    let (mut came, mut went) = (0, 0);
    for now in start + 1..start + 3600 {
        let changes = fleet.tick(now);
        came += changes
            .new
            .agents
            .iter()
            .filter(|it| it.parent_id.is_some())
            .count();
        let gone = changes.agents_deleted.iter();
        went += gone
            .filter(|it| tables.agents[it].parent_id.is_some())
            .count();
        let builds = &changes.new.builds;
        tables.apply(&changes, now);
        for build in builds {
            let jobs = tables
                .resources
                .values()
                .filter(|it| external.contains(&it.id));
            let is_external = |job| {
                tables
                    .builds
                    .values()
                    .any(|it| it.job_id == job && it.workspace_id == build.workspace_id)
            };
            assert!(!jobs.map(|it| it.job_id).any(is_external), "{build:?}");
        }
    }
    assert!(came > 5 && went > 5, "{came}, {went}");
}
