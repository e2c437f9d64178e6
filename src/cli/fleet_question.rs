//! The whole fleet with its incidents, for commands that ask once.

use std::borrow::Cow;
use std::collections::HashSet;

use anyhow::anyhow;
use tokio::time::Instant;

use crate::config::incident_args::IncidentArgs;
use crate::fleet::rules::health::Limits;
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::facts::incidents_of;
use crate::incident::membership::ids_of;
use crate::incident::model::{Incident, IncidentSettings};
use crate::incident::sessions::{SessionRecord, first_question};
use crate::postgres::database::{CollectionRequest, Database};

use super::PATIENCE;

/// What incidents are found with.
const COLLECTORS: &[Collector] = &[
    Collector::Agents,
    Collector::Workspaces,
    Collector::Replicas,
    Collector::Provisioners,
];

/// A fleet whose agents are known, and its incidents.
pub(super) struct KnownFleet {
    pub(super) fleet: FleetStats,
    pub(super) incidents: Vec<Incident>,
}

impl KnownFleet {
    /// Reads the agents and what they may have in common, and `more`.
    pub(super) async fn read(
        database: &Database,
        limits: &Limits,
        args: &IncidentArgs,
        more: &[Collector],
    ) -> anyhow::Result<Self> {
        let metadata_keys = args.metadata_keys();
        let metadata: &[Collector] = match metadata_keys.is_empty() {
            true => &[],
            false => &[Collector::Metadata],
        };
        let collectors = [COLLECTORS, metadata, more].concat();
        let wanted = CollectionRequest {
            collectors: &collectors,
            limits,
            named_apps: false,
            metadata_keys: &metadata_keys,
        };
        let collection = database.collection(wanted, Instant::now() + PATIENCE).await;
        // Others that cannot be read cost what they say alone: causes, or whether Coder runs.
        let is_known = |it: &FleetStats| it.agents.is_some();
        if !collection.fleet.as_ref().is_ok_and(is_known)
            && let Some((_, failure)) = collection.failures().next()
        {
            return Err(anyhow!("{failure}"));
        }
        let fleet = collection.fleet.map_err(|failure| anyhow!("{failure}"))?;
        let mut incidents = incidents_of(&fleet, IncidentSettings { gap: args.gap });
        fill_in_session(database, &fleet, &mut incidents).await;
        Ok(Self { fleet, incidents })
    }
}

impl KnownFleet {
    /// The fleet of the agents that pass the filter, and the incidents that one of them is in. The
    /// incidents are those of the whole fleet.
    pub(super) fn only(
        &self,
        filter: Option<&Filter>,
        limits: &Limits,
    ) -> (Cow<'_, FleetStats>, Vec<&Incident>) {
        let Some(filter) = filter else {
            return (Cow::Borrowed(&self.fleet), self.incidents.iter().collect());
        };
        let mut matcher = Matcher::new(&self.fleet, filter);
        let judged = self.fleet.judged().enumerate();
        let passing = judged.filter(|(position, (agent, it))| matcher.wants(*position, agent, *it));
        let passing: HashSet<_> = passing.map(|(_, (agent, _))| agent.id).collect();
        let incidents = self.incidents.iter();
        let incidents = incidents.filter(|it| !ids_of(&self.fleet, it).is_disjoint(&passing));
        let mut snapshot = self.fleet.snapshot.clone();
        // They go by the position of the agent, and no command shows them.
        snapshot.provisioners_of_agents = None;
        snapshot.metadata_of_agents.clear();
        let agents = snapshot.agents.iter_mut();
        agents.for_each(|agents| agents.retain(|it| passing.contains(&it.id)));
        let fleet = FleetStats::of(snapshot, limits);
        (Cow::Owned(fleet), incidents.collect())
    }
}

/// Asks how many people were cut off. Where that cannot be read, it stays unknown.
async fn fill_in_session(database: &Database, fleet: &FleetStats, incidents: &mut [Incident]) {
    let mut sessions = SessionRecord::default();
    let deadline = Instant::now() + PATIENCE;
    let mut losses = sessions.follow(fleet, incidents);
    while !losses.is_empty() {
        let rest = losses.split_off(first_question(&losses));
        match database.cut_off(&losses, deadline).await {
            Ok(answer) => sessions.learn(&losses, &answer),
            Err(_) => break,
        }
        losses = rest;
    }
    sessions.fill(fleet, incidents);
}
