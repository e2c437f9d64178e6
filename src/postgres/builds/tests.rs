//! What is remembered of builds from one collection to the next.

use std::collections::BTreeSet;

use super::turns::TURNS;
use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A workspace whose turn to be read again comes in the first collection after the one that read
/// it first.
const DOUBTED: u128 = 2;

/// Reads these workspaces, each with its job; the answer to what is asked is that the job has
/// finished and made two resources, the first with an agent.
fn collect(builds: &mut Builds, workspaces: &[(u128, u128)]) -> Asked {
    let ids: Vec<Uuid> = workspaces.iter().map(|it| id(it.0)).collect();
    builds.begin(&ids);
    let mut asked = Asked::default();
    let mut read = Vec::new();
    for (place, &(_, job)) in workspaces.iter().enumerate() {
        if builds.list()[place].number() != job as i32 {
            asked.builds.push(job);
            builds.add_build(place, build(job));
            read.push((job, place as u32));
        }
    }
    builds.drop_old_resources();
    for &(job, index) in &read {
        builds.add_resource(id(job * 10), index, "container".into());
        builds.add_resource(id(job * 10 + 1), index, "volume".into());
    }
    builds.sort_resources();
    asked.resources = builds
        .resources()
        .iter()
        .map(|it| it.id.as_u128())
        .collect();
    let with_agents: Vec<usize> = (0..builds.resources().len())
        .filter(|&it| builds.resources()[it].id.as_u128().is_multiple_of(10))
        .collect();
    with_agents
        .into_iter()
        .for_each(|it| builds.has_agent(it, true));
    for (_, index) in read {
        builds.ran(index, Some(id(7)));
        builds.finish(index, JobStatus::Succeeded);
    }
    asked
}

/// A build that begins a workspace, with the number of its job.
fn build(job: u128) -> NewBuild {
    NewBuild {
        number: job as i32,
        built_at: None,
        template_version: Some(id(1)),
        transition: DbEnum::Known(Transition::Start),
    }
}

/// What was asked in a collection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Jobs of the builds that are others than was known, whose resources were asked for.
    builds: Vec<u128>,
    /// Resources whose agents were asked for.
    resources: Vec<u128>,
}

#[test]
fn finished_build_is_asked_once_and_its_resource_without_an_agent_no_more() {
    let mut builds = Builds::default();
    let first = collect(&mut builds, &[(1, 100), (3, 300)]);
    assert_eq!(first.builds, [100, 300]);
    assert_eq!(first.resources, [1000, 1001, 3000, 3001]);
    builds.end();
    builds.turn = 10;
    let second = collect(&mut builds, &[(1, 100), (3, 300)]);
    let expected = Asked {
        resources: vec![1000, 3000],
        ..Asked::default()
    };
    assert_eq!(second, expected);
    let build = &builds.list()[1];
    assert_eq!(builds.finished(build), Some(JobStatus::Succeeded));
    assert_eq!(builds.workers()[build.worker() as usize], id(7));
    assert_eq!(build.has_agent, HasAgent::Serving);
}

#[test]
fn workspaces_come_and_go_and_a_rebuild_is_read() {
    let mut builds = Builds::default();
    collect(&mut builds, &[(1, 100), (3, 300), (5, 500)]);
    builds.end();
    builds.turn = 10;
    let asked = collect(&mut builds, &[(1, 101), (4, 400), (5, 500)]);
    assert_eq!(asked.builds, [101, 400]);
    assert_eq!(asked.resources, [1010, 1011, 4000, 4001, 5000]);
    assert_eq!(builds.find(id(3)), None);
    assert_eq!(builds.resources().last().unwrap().build, 2);
    builds.end();
    assert_eq!(builds.differences, 0);
}

#[test]
fn what_has_not_finished_is_forgotten() {
    let mut builds = Builds::default();
    builds.begin(&[id(1)]);
    builds.add_build(0, build(100));
    builds.add_resource(id(1000), 0, "container".into());
    builds.has_agent(0, true);
    builds.ran(0, Some(id(7)));
    assert_eq!(builds.finished(&builds.list()[0]), None);
    builds.end();
    assert!(builds.resources().is_empty());
    builds.begin(&[id(1)]);
    assert!(!builds.list()[0].is_there());
}

#[test]
fn each_build_is_read_again_within_as_many_collections_as_there_are_turns() {
    let mut builds = Builds::default();
    let all: Vec<(u128, u128)> = (1..=200).map(|it| (it, it * 100)).collect();
    collect(&mut builds, &all);
    builds.end();
    let mut again = BTreeSet::new();
    for _ in 0..TURNS {
        let asked = collect(&mut builds, &all);
        assert!(asked.builds.len() <= 4, "{asked:?}");
        again.extend(asked.builds);
        builds.end();
    }
    assert_eq!(again.len(), all.len());
    assert_eq!(builds.differences, 0);
}

/// Remembers a build, changes it, and reads it again.
fn differences_after(change: impl Fn(&mut Builds)) -> u64 {
    let mut builds = Builds::default();
    let workspaces = [(DOUBTED, 100), (DOUBTED + 1, 200)];
    collect(&mut builds, &workspaces);
    builds.end();
    change(&mut builds);
    builds.turn = DOUBTED as u8 - 1;
    assert_eq!(collect(&mut builds, &workspaces).builds, [100]);
    builds.end();
    builds.differences
}

#[test]
fn build_that_is_not_what_was_remembered_counts_once() {
    assert_eq!(differences_after(|_| {}), 0);
    let failed = State::Finished(JobStatus::Failed);
    assert_eq!(differences_after(|it| it.list[0].state = failed), 1);
    assert_eq!(differences_after(|it| it.list[0].worker = NONE), 1);
    let later = Some(Timestamp::from_unix_micros(1));
    assert_eq!(differences_after(|it| it.list[0].built_at = later), 1);
    assert_eq!(differences_after(|it| it.list[0].template_version = 9), 1);
    // A resource with an agent that was not there.
    assert_eq!(differences_after(|it| _ = it.resources.remove(0)), 1);
    let all = |it: &mut Builds| {
        it.list[0].state = failed;
        it.list[0].worker = NONE;
        it.resources.clear();
    };
    assert_eq!(differences_after(all), 1);
    // Of a build that is not read again nothing is noticed yet.
    assert_eq!(differences_after(|it| it.list[1].worker = NONE), 0);
}

#[test]
fn later_build_and_a_workspace_that_is_gone_are_no_difference() {
    for now in [vec![(DOUBTED, 101)], vec![]] {
        let mut builds = Builds::default();
        collect(&mut builds, &[(DOUBTED, 100)]);
        builds.end();
        builds.turn = DOUBTED as u8 - 1;
        collect(&mut builds, &now);
        builds.end();
        assert_eq!(builds.differences, 0);
    }
}

#[test]
fn workspace_without_a_build_is_asked_about_again() {
    let mut builds = Builds::default();
    builds.begin(&[id(1)]);
    builds.no_build(0);
    builds.end();
    assert_eq!(collect(&mut builds, &[(1, 100)]).builds, [100]);
    builds.end();
    builds.turn = 10;
    builds.begin(&[id(1)]);
    assert!(builds.list()[0].is_there());
    // All its builds were deleted.
    builds.no_build(0);
    builds.drop_old_resources();
    assert!(!builds.list()[0].is_there() && builds.resources().is_empty());
}

#[test]
fn build_whose_agents_are_gone_is_read_again() {
    let mut builds = Builds::default();
    collect(&mut builds, &[(1, 100), (3, 300)]);
    builds.end();
    builds.turn = 10;
    builds.begin(&[id(1), id(3)]);
    assert_eq!(builds.resources().len(), 2);
    builds.has_agent(0, true);
    builds.end();
    // Another build has the number of the one that was remembered.
    builds.turn = 10;
    let asked = collect(&mut builds, &[(1, 100), (3, 300)]);
    assert_eq!(asked.builds, [300]);
    assert_eq!(builds.differences, 0);
}

#[test]
fn build_takes_no_more_room_than_it_did() {
    // They are remembered between collections, one for each workspace.
    assert_eq!((size_of::<Build>(), size_of::<Resource>()), (40, 24));
}
