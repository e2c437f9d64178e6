//! How long the analysis of a judged fleet takes, from its agents to its incidents.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::chance::Chance;
use crate::fleet::model::agent::{Agent, Kind, Label, Lifecycle, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::Origin;
use crate::fleet::model::shared_fact::SharedFact;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::facts::incidents_of;
use crate::incident::model::IncidentSettings;

/// Each figure is the median of so many.
const ROUNDS: usize = 9;

/// The moment of the fleet, in microseconds.
const NOW: i64 = 1_800_000_000_000_000;

/// Prints the time for 10,000 and for 100,000 agents, with 500 and 5,000 problems.
pub(crate) fn print() {
    for agents in [10_000, 100_000] {
        let fleet = fleet(agents);
        let problems = fleet.problems().count();
        let mut found = 0;
        let rounds = (0..ROUNDS).map(|_| {
            let started = Instant::now();
            found = incidents_of(&fleet, IncidentSettings::default()).len();
            started.elapsed()
        });
        let mut rounds: Vec<Duration> = rounds.collect();
        rounds.sort_unstable();
        let median = rounds[ROUNDS / 2].as_secs_f64() * 1000.0;
        println!("{agents} agents, {problems} problems, {found} incidents: {median:.1} ms");
    }
}

/// Four of five problems are those of a replica that is gone; the others came over the last day.
fn fleet(agents: u32) -> FleetStats {
    let mut chance = Chance::new(7);
    let before = |seconds: u64| {
        let micros = NOW - 1_000_000 * seconds.cast_signed();
        Timestamp::from_unix_micros(micros)
    };
    let mut snapshot = Snapshot::at(before(0));
    let scopes: Vec<_> = (0..60)
        .map(|it| {
            snapshot.scopes.intern(Scope {
                organization: Label::from(format!("org-{}", it % 4)),
                template: Label::from(format!("template-{it}")),
            })
        })
        .collect();
    // One of 25 replicas has 4 % of the agents.
    let origins: Vec<_> = (0..25)
        .map(|it| {
            snapshot.origins.add(Origin {
                replica: Some(Uuid::from_u128(it)),
                operating_system: "linux".into(),
                architecture: "amd64".into(),
                resource_type: "kubernetes_pod".into(),
            })
        })
        .collect();
    let owners: Vec<_> = (0..agents / 2)
        .map(|it| Label::from(format!("owner-{it}")))
        .collect();
    let versions: Vec<_> = (0..4).map(|it| Label::from(format!("v{it}"))).collect();
    let rows = (0..agents).map(|number| {
        let origin = chance.below(25) as usize;
        let is_single = chance.below(100) == 0;
        let gone = match origin {
            0 => Some(chance.below(60) + 100),
            _ if is_single => Some(chance.below(86_000) + 100),
            _ => None,
        };
        Agent {
            id: Uuid::from_u128(number.into()),
            name: "main".into(),
            version: versions[chance.below(3) as usize].clone(),
            workspace_id: Uuid::from_u128(u128::from(number) << 32),
            workspace: "dev".into(),
            owner: owners[chance.below(u64::from(agents / 2)) as usize].clone(),
            template_version: versions[chance.below(4) as usize].clone(),
            scope: scopes[chance.below(60) as usize],
            origin: origins[origin],
            kind: Kind::Root,
            transition: DbEnum::Known(Transition::Start),
            lifecycle: DbEnum::Known(Lifecycle::Ready),
            created_at: Some(before(200_000)),
            first_connected_at: Some(before(199_000)),
            last_connected_at: Some(before(gone.unwrap_or(5))),
            disconnected_at: gone.map(before),
            started_at: Some(before(199_000)),
            ready_at: Some(before(198_000)),
            connection_timeout_seconds: 120,
        }
    });
    snapshot.agents = Some(rows.collect());
    snapshot.provisioners_of_agents = Some(SharedFact {
        values: (0..30).map(Uuid::from_u128).collect(),
        codes: (0..agents).map(|it| it * 7 % 30).collect(),
    });
    FleetStats::of(snapshot, &Limits::default())
}
