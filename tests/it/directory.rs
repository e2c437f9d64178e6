//! What the database says of single workspaces and agents: to the resolver and the commands
//! (`docs/spec/resolver.md`), as the least-privileged role.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::statements::{logging_coder, statements};
use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::error::ErrorKind;
use coder_agent_exporter::fleet::model::agent::Kind;
use coder_agent_exporter::fleet::model::latest::WorkspaceAt;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::postgres::database::Database;
use coder_agent_exporter::postgres::lookup::details::Gathered;
use coder_agent_exporter::postgres::lookup::directory::Found;

fn database(coder: &Coder) -> Database {
    Database::new(&coder.url().parse().unwrap(), 2).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn latest_of(coder: &Coder, ids: &[Uuid]) -> HashMap<Uuid, WorkspaceAt> {
    database(coder).latest_of(ids, soon()).await.unwrap()
}

/// Names of agents, each with its kind, in order.
fn agents(latest: &WorkspaceAt) -> Vec<(&str, Kind)> {
    let candidates = latest.agents.iter().map(|it| &it.agent);
    let mut agents: Vec<_> = candidates.map(|it| (&*it.name, it.kind)).collect();
    agents.sort_unstable_by_key(|it| it.0);
    agents
}

#[tokio::test]
async fn many_workspaces_are_one_statement() {
    let coder = logging_coder().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        let it = workspace(&format!("w{number}")).agent(agent("main"));
        ids.push(it.id);
        coder.add(it).await;
    }
    let asked_of = async |ids: &[Uuid]| {
        let before = statements(&coder).len();
        assert_eq!(latest_of(&coder, ids).await.len(), ids.len());
        let mut said = statements(&coder).split_off(before);
        said.retain(|it| it.contains("FROM workspaces AS workspace"));
        said.len()
    };
    assert_eq!(asked_of(&ids[..1]).await, 1);
    assert_eq!(asked_of(&ids).await, 1);
}

#[tokio::test]
async fn agents_are_those_of_the_latest_build_that_are_not_deleted_with_sub_agents_marked() {
    let coder = Coder::new().await;
    let build = start(2)
        .agent(agent("main").sub(agent("dev")).set("display_order", 7))
        .agent(agent("gone").soft_deleted())
        .resource()
        .agent(agent("disk"));
    // Numbers decide which build is the latest, not the order of rows.
    let it = workspace("box")
        .build(build)
        .build(start(1).agent(agent("old")));
    coder.add(it.clone()).await;
    let found = latest_of(&coder, &[it.id]).await.remove(&it.id).unwrap();
    let expected = [
        ("dev", Kind::Sub),
        ("disk", Kind::Root),
        ("main", Kind::Root),
    ];
    assert_eq!(agents(&found), expected);
    let order = found.agents.iter().map(|it| it.display_order).max();
    assert_eq!(order, Some(7));
    assert_eq!((&*found.owner, &*found.workspace), ("ada", "box"));
    assert_eq!(
        (&*found.scope.organization, &*found.scope.template),
        ("acme", "docker")
    );
    assert_eq!(found.build.unwrap().number, 2);
}

#[tokio::test]
async fn deleted_failed_empty_and_never_built_workspaces_are_told_apart() {
    let coder = Coder::new().await;
    let deleted = workspace("deleted").deleted().agent(agent("main"));
    let never = workspace("never");
    let empty = workspace("empty").build(start(1));
    let failed = workspace("failed").build(start(1).job(Job::Failed));
    for it in [&deleted, &never, &empty, &failed] {
        coder.add(it.clone()).await;
    }
    let unknown = Uuid::new_v4();
    let ids = [deleted.id, never.id, empty.id, failed.id, unknown];
    let found = latest_of(&coder, &ids).await;
    assert_eq!(found.len(), 4);
    assert!(found[&deleted.id].deleted && !found[&never.id].deleted);
    assert_eq!(found[&never.id].build, None);
    for id in [never.id, empty.id, failed.id] {
        assert_eq!(agents(&found[&id]), []);
    }
    let build = found[&failed.id].build.as_ref().unwrap();
    assert_eq!(build.job.as_str(), "failed");
    assert_eq!(build.error.as_deref(), Some("no space left"));
    assert_eq!(found[&empty.id].build.as_ref().unwrap().error, None);
}

#[tokio::test]
async fn every_supported_coder_can_be_asked() {
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        let (main, sub) = (agent("main"), agent("sub"));
        let old = agent("old").soft_deleted();
        let build = start(1)
            .agent(main.clone().sub(sub.clone()))
            .agent(old.clone());
        let it = workspace("box").build(build);
        coder.add(it.clone()).await;
        let database = database(&coder);
        let found = latest_of(&coder, &[it.id]).await.remove(&it.id).unwrap();
        let is_sub = match era >= Era::V2_22 {
            true => Kind::Sub,
            false => Kind::Root,
        };
        let mut expected = vec![("main", Kind::Root), ("old", Kind::Root), ("sub", is_sub)];
        if era >= Era::V2_24 {
            expected.remove(1);
        }
        assert_eq!(agents(&found), expected, "{era:?}");

        let seen = database.agent_at(sub.id, soon()).await.unwrap().unwrap();
        assert_eq!((&*seen.agent.name, seen.agent.kind), ("sub", is_sub));
        let seen = database.agent_at(old.id, soon()).await.unwrap();
        assert_eq!(seen.is_some(), era < Era::V2_24, "{era:?}");
        let name = "ada/box".parse().unwrap();
        let one = Found::One {
            workspace: it.id,
            agent: None,
        };
        assert_eq!(database.find(&name, soon()).await, Ok(one), "{era:?}");
        let gathered = database.gather(&name, &Limits::default(), soon()).await;
        let Ok(Gathered::One(everything)) = gathered else {
            panic!("{era:?}: {gathered:?}");
        };
        assert_eq!(agents(&everything.latest), expected, "{era:?}");
        assert_eq!(everything.builds.len(), 1, "{era:?}");
        let parents = everything.latest.agents.iter().map(|it| it.parent_id);
        assert_eq!(
            parents.flatten().count(),
            usize::from(is_sub == Kind::Sub),
            "{era:?}"
        );
        let stale = database.stale_bindings(soon()).await;
        assert_eq!(stale.unwrap().len(), 0, "{era:?}");
    }
}

#[tokio::test]
async fn agent_of_an_earlier_build_is_seen_by_its_key() {
    let coder = Coder::new().await;
    let old = agent("main").silent_for(3600.0);
    let it = workspace("box")
        .build(start(1).agent(old.clone()))
        .build(start(2).agent(agent("main")));
    coder.add(it.clone()).await;
    let database = database(&coder);
    let seen = database.agent_at(old.id, soon()).await.unwrap().unwrap();
    let heartbeat = seen.agent.last_connected_at.unwrap();
    let silence = seen.now.seconds_since(heartbeat);
    assert!((3600.0..3660.0).contains(&silence), "{silence}");
    assert_eq!(
        (&*seen.agent.workspace, seen.agent.workspace_id),
        ("box", it.id)
    );
    let unknown = database.agent_at(Uuid::new_v4(), soon()).await;
    assert_eq!(unknown, Ok(None));
    let id = old.id.to_string().parse().unwrap();
    let one = Found::One {
        workspace: it.id,
        agent: Some(old.id),
    };
    assert_eq!(database.find(&id, soon()).await, Ok(one));
}

#[tokio::test]
async fn stale_bindings_are_those_of_open_chats_to_agents_that_are_not_of_the_latest_build() {
    let coder = Coder::new().await;
    let chat_of = async |workspace: Uuid, agent: Uuid, archived: bool| {
        let bound = literal(&agent.to_string());
        let columns = [("agent_id", bound), ("archived", archived.to_string())];
        coder.add_chat(workspace, &columns).await;
    };
    let two_builds = |name: &str| {
        let (old, new) = (agent("old"), agent("new"));
        let it = workspace(name)
            .build(start(1).agent(old.clone()))
            .build(start(2).agent(new.clone()));
        (it, old.id, new.id)
    };
    let (stale, old, _) = two_builds("stale");
    coder.add(stale.clone()).await;
    chat_of(stale.id, old, false).await;
    let (current, _, new) = two_builds("current");
    coder.add(current.clone()).await;
    chat_of(current.id, new, false).await;
    let (archived, old_of_archived, _) = two_builds("archived");
    coder.add(archived.clone()).await;
    chat_of(archived.id, old_of_archived, true).await;
    let (unbound, _, _) = two_builds("unbound");
    coder.add(unbound.clone()).await;
    coder.add_chat(unbound.id, &[]).await;
    let gone = agent("gone").soft_deleted();
    let deleted = workspace("agent-deleted").agent(gone.clone());
    coder.add(deleted.clone()).await;
    chat_of(deleted.id, gone.id, false).await;

    let found = database(&coder).stale_bindings(soon()).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let target = &found[&stale.id];
    assert_eq!((target.agent_id, &*target.agent), (old, "old"));
    assert_eq!((&*target.owner, &*target.workspace), ("ada", "stale"));
    assert_eq!(found[&deleted.id].agent_id, gone.id);
}

#[tokio::test]
async fn missing_grant_on_a_column_is_told_with_the_statement_that_gives_it() {
    for (table, column) in [
        ("workspace_agents", "display_order"),
        ("provisioner_jobs", "error"),
        ("users", "username"),
    ] {
        let coder = Coder::new().await;
        let it = workspace("box").agent(agent("main"));
        coder.add(it.clone()).await;
        let role = &coder.role;
        coder
            .sql(&format!("REVOKE SELECT ({column}) ON {table} FROM {role}"))
            .await;
        let refused = database(&coder).latest_of(&[it.id], soon()).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Permission, "{refused}");
        let message = refused.to_string();
        let (_, grant) = message.split_once("run: ").expect(&message);
        assert!(
            grant.contains(&format!("({column}) ON {table} TO")),
            "{grant}"
        );
        coder.sql(grant).await;
        assert_eq!(latest_of(&coder, &[it.id]).await.len(), 1);
    }
}

#[tokio::test]
async fn names_that_were_never_meant_to_be_are_found_by_id_and_told_as_they_are() {
    let coder = Coder::new().await;
    let it = workspace("a'; DROP TABLE chats --\n🦀").agent(agent("\u{202e}x"));
    coder.add(it.clone()).await;
    let found = latest_of(&coder, &[it.id]).await.remove(&it.id).unwrap();
    assert_eq!(&*found.workspace, "a'; DROP TABLE chats --\n🦀");
    assert_eq!(agents(&found), [("\u{202e}x", Kind::Root)]);
    // What looks like SQL or a pattern is a name like any other.
    for name in ["ada/%", "a_a/box", "ada/'", "ada/$1"] {
        let asked = database(&coder).find(&name.parse().unwrap(), soon()).await;
        assert!(
            matches!(asked, Ok(Found::Nothing { .. })),
            "{name}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn at_most_twenty_names_are_told_that_come_near() {
    let coder = Coder::new().await;
    coder.add_many(1, 100, 0).await;
    let name = "ada/nothing".parse().unwrap();
    let asked = database(&coder).find(&name, soon()).await;
    let Ok(Found::Nothing { near }) = asked else {
        panic!("it is found");
    };
    assert_eq!(near.len(), 20);
}
