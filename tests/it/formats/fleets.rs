//! Random snapshots: names nobody expected, dates at the ends of time and near every limit.

use std::str::FromStr;

use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use coder_agent_exporter::fleet::model::agent::{Agent, Kind, Label, Scope, ScopeId, Transition};
use coder_agent_exporter::fleet::model::app::{AppCount, NamedApp};
use coder_agent_exporter::fleet::model::cause::Cause;
use coder_agent_exporter::fleet::model::label_value::{DbEnum, Variants};
use coder_agent_exporter::fleet::model::origin::OriginId;
use coder_agent_exporter::fleet::model::snapshot::{Schema, Snapshot};
use coder_agent_exporter::fleet::model::time::Timestamp;
use coder_agent_exporter::fleet::model::workspace::{BindingCount, BindingState, WorkspaceCount};

const NOW: i64 = 1_735_689_600_000_000;

/// Up to 64 characters that mean something to somebody; often the same name again. Postgres
/// can hold every character but NUL.
pub(super) fn name() -> impl Strategy<Value = Label> {
    let odd = "\"\\\n\r\t{},=# \u{1}\u{7f}\u{85}\u{2028}\u{feff}é漢\u{1f600}\u{301}";
    let odd: Vec<char> = odd.chars().collect();
    let characters = prop_oneof![
        select(odd),
        prop::char::range('a', 'z'),
        prop::char::range('\u{1}', char::MAX)
    ];
    let of_length = |length| prop::collection::vec(characters.clone(), length);
    let made_up = prop_oneof![of_length(0..=3_usize), of_length(64..=64)];
    prop_oneof![
        2 => select(&["", "main", "ada", "other", "unknown", "\\n", "+Inf"][..]).prop_map(Label::from),
        3 => made_up.prop_map(|it| it.into_iter().collect::<String>().into()),
    ]
}

/// Around now, at the ends of time, or anywhere.
pub(super) fn moment() -> impl Strategy<Value = Timestamp> {
    let second = 1_000_000;
    prop_oneof![
        4 => (NOW - 60 * second..NOW + 5 * second).prop_map(Timestamp::from_unix_micros),
        2 => (NOW - 7200 * second..NOW).prop_map(Timestamp::from_unix_micros),
        1 => any::<i64>().prop_map(Timestamp::from_postgres_micros),
        1 => select(&[Timestamp::BEGINNING, Timestamp::END][..]),
    ]
}

fn named<V: Variants + FromStr + std::fmt::Debug>() -> impl Strategy<Value = DbEnum<V>> {
    let known = select(V::ALL).prop_map(|it| DbEnum::parse(Some(it.as_str())));
    prop_oneof![
        6 => known,
        1 => name().prop_map(|it| DbEnum::parse(Some(&it))),
        1 => Just(DbEnum::parse(None)),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    (name(), name()).prop_map(|(organization, template)| Scope {
        organization,
        template,
    })
}

/// Facts that fit together as those of one transaction do; each part may be unknown.
pub(super) fn snapshot() -> impl Strategy<Value = Snapshot> {
    prop::collection::vec(scope(), 1..4).prop_flat_map(|scopes| {
        let mut empty = Snapshot::at(Timestamp::from_unix_micros(NOW));
        let ids: Vec<_> = scopes
            .iter()
            .map(|it| empty.scopes.intern(it.clone()))
            .collect();
        let parts = (
            prop::option::weighted(0.9, agents(ids.clone())),
            prop::option::weighted(0.9, prop::collection::vec(app_count(ids), 0..6)),
            prop::option::weighted(0.9, prop::collection::vec(named_app(), 0..9)),
            prop::option::weighted(0.9, prop::collection::vec(workspaces(scopes.clone()), 0..6)),
            prop::option::weighted(0.9, prop::collection::vec(bindings(scopes), 0..6)),
            prop::option::of(0.0..1e6_f64),
            prop::option::of(any::<i64>()),
        );
        parts.prop_map(
            move |(agents, apps, named_apps, workspaces, bindings, lag, migration)| {
                let ids = agents.iter().flatten().map(|it: &Agent| it.id);
                let causes = [Cause::SurvivedBuild, Cause::NeverReported];
                Snapshot {
                    causes: ids.zip(causes).collect(),
                    replica_lag_seconds: lag,
                    schema: Schema {
                        migration,
                        ..Schema::default()
                    },
                    agents,
                    apps,
                    named_apps,
                    workspaces,
                    bindings,
                    ..empty.clone()
                }
            },
        )
    })
}

/// Ids are a table's primary key: no two agents share one.
fn with_ids(mut agents: Vec<Agent>) -> Vec<Agent> {
    for (index, agent) in agents.iter_mut().enumerate() {
        agent.id = Uuid::from_u128((agent.id.as_u128() << 8) | index as u128);
    }
    agents
}

/// What all agents of one workspace share.
#[derive(Debug, Clone)]
struct Home {
    id: Uuid,
    name: Label,
    owner: Label,
    template_version: Label,
    scope: ScopeId,
    transition: DbEnum<Transition>,
}

fn home(scopes: Vec<ScopeId>) -> impl Strategy<Value = Home> {
    let start = Just(DbEnum::Known(Transition::Start));
    let transition = prop_oneof![4 => start, 1 => named()];
    let parts = (
        any::<u128>(),
        name(),
        name(),
        name(),
        select(scopes),
        transition,
    );
    parts.prop_map(
        |(id, name, owner, template_version, scope, transition)| Home {
            id: Uuid::from_u128(id),
            name,
            owner,
            template_version,
            scope,
            transition,
        },
    )
}

fn agents(scopes: Vec<ScopeId>) -> impl Strategy<Value = Vec<Agent>> {
    // Sometimes so many that not every version gets series of its own.
    let number = prop_oneof![9 => 0..12_usize, 1 => Just(60)];
    let homes = prop::collection::vec(home(scopes), 1..6);
    (homes, number)
        .prop_flat_map(|(homes, number)| prop::collection::vec(agent(homes), number))
        .prop_map(with_ids)
}

fn agent(homes: Vec<Home>) -> impl Strategy<Value = Agent> {
    let facts = (select(homes), name(), name(), select(Kind::ALL), named());
    let moments = prop::array::uniform6(prop::option::weighted(0.8, moment()));
    let parts = (any::<u128>(), facts, moments, select(&[0, 1, 120][..]));
    parts.prop_map(
        |(id, (home, name, version, kind, lifecycle), moments, limit)| Agent {
            id: Uuid::from_u128(id),
            name,
            version,
            workspace_id: home.id,
            workspace: (*home.name).into(),
            owner: home.owner,
            template_version: home.template_version,
            scope: home.scope,
            origin: OriginId::UNKNOWN,
            kind,
            transition: home.transition,
            lifecycle,
            created_at: moments[0],
            first_connected_at: moments[1],
            last_connected_at: moments[2],
            disconnected_at: moments[3],
            started_at: moments[4],
            ready_at: moments[5],
            connection_timeout_seconds: limit,
        },
    )
}

fn app_count(scopes: Vec<ScopeId>) -> impl Strategy<Value = AppCount> {
    let parts = (select(scopes), named(), any::<u32>());
    parts.prop_map(|(scope, health, count)| AppCount {
        scope,
        health,
        count: count.into(),
    })
}

fn named_app() -> impl Strategy<Value = NamedApp> {
    let parts = (0..12_usize, name(), named(), any::<u32>());
    parts.prop_map(|(agent, name, health, count)| NamedApp {
        agent,
        name,
        health,
        count: count.into(),
    })
}

fn workspaces(scopes: Vec<Scope>) -> impl Strategy<Value = WorkspaceCount> {
    let parts = (
        select(scopes),
        named(),
        named(),
        any::<bool>(),
        any::<u32>(),
        proptest::option::of(moment()),
    );
    parts.prop_map(
        |(scope, transition, job, has_agent, count, oldest)| WorkspaceCount {
            scope,
            transition,
            job,
            has_agent,
            count: count.into(),
            oldest,
        },
    )
}

fn bindings(scopes: Vec<Scope>) -> impl Strategy<Value = BindingCount> {
    let parts = (select(scopes), select(BindingState::ALL), any::<u32>());
    parts.prop_map(|(scope, state, count)| BindingCount {
        scope,
        state,
        count: count.into(),
    })
}
