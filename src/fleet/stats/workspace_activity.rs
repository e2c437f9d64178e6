//! What workspaces are used for (`docs/spec/metrics.md#activity`).

use std::collections::{BTreeMap, HashMap};

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::activity::{Activity, RecentUse};
use crate::fleet::model::agent::{Scope, ScopeId, Transition};
use crate::fleet::model::label_value::{CountByLabel, DbEnum, Variants};
use crate::fleet::model::workspace::WorkspaceState;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::fleet_stats::FleetStats;

/// What a started workspace is used for; the first that holds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum WorkspaceActivity {
    /// A person has a session open, and there is traffic.
    Session,
    /// Connections, and no session.
    Traffic,
    /// An agent is connected, and no connections are reported.
    Idle,
    /// No agent is connected.
    Unknown,
}

/// Workspaces whose latest build is a start that succeeded, by activity; `None` where agents,
/// workspaces or reports are unknown.
pub fn workspaces_by_activity(
    fleet: &FleetStats,
    activity: &Activity,
) -> Option<BTreeMap<Scope, CountByLabel<WorkspaceActivity>>> {
    if !activity.is_stored() {
        return None;
    }
    fleet.agents.as_ref()?;
    let states = fleet.workspaces.as_ref()?;
    let mut workspaces: HashMap<Uuid, (ScopeId, WorkspaceActivity)> = HashMap::new();
    for (agent, assessment) in fleet.judged() {
        if agent.transition != DbEnum::Known(Transition::Start) {
            continue;
        }
        let its = match (activity.recent.get(&agent.id), assessment.status) {
            (Some(RecentUse::Session), _) => WorkspaceActivity::Session,
            (Some(RecentUse::Traffic), _) => WorkspaceActivity::Traffic,
            (None, Status::Connected) => WorkspaceActivity::Idle,
            (None, _) => WorkspaceActivity::Unknown,
        };
        let entry = workspaces.entry(agent.workspace_id);
        let (_, most) = entry.or_insert((agent.scope, its));
        *most = its.min(*most);
    }
    let mut counts: BTreeMap<Scope, CountByLabel<WorkspaceActivity>> = BTreeMap::new();
    for (scope, activity) in workspaces.into_values() {
        if let Some(scope) = fleet.snapshot.scopes.get(scope) {
            counts.entry(scope.clone()).or_default().add(activity, 1);
        }
    }
    // Those without an agent, which are not among the agents.
    for (scope, states) in states {
        let started =
            [WorkspaceState::Running, WorkspaceState::NoAgent].map(WorkspaceState::as_str);
        let started = states.iter().filter(|(state, _)| started.contains(state));
        let started: u64 = started.map(|(_, count)| count).sum();
        let counts = counts.entry(scope.clone()).or_default();
        let without = started.saturating_sub(counts.total());
        counts.add(WorkspaceActivity::Unknown, without);
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at};
    use crate::fleet::model::agent::Agent;
    use crate::fleet::model::snapshot::Snapshot;
    use crate::fleet::model::workspace::{JobStatus, WorkspaceCount};
    use crate::fleet::rules::health::Limits;

    fn scope() -> Scope {
        Scope {
            organization: "acme".into(),
            template: "docker".into(),
        }
    }

    /// Agents by number and workspace, connected or not.
    fn fleet(agents: &[(u128, u128, bool)], started: u64) -> FleetStats {
        let mut snapshot = Snapshot::at(at(0));
        let id = snapshot.scopes.intern(scope());
        let agents = agents
            .iter()
            .map(|&(number, workspace, is_connected)| Agent {
                id: Uuid::from_u128(number),
                workspace_id: Uuid::from_u128(workspace),
                scope: id,
                last_connected_at: Some(at(if is_connected { 0 } else { -600 })),
                ..agent()
            });
        snapshot.agents = Some(agents.collect());
        snapshot.workspaces = Some(vec![WorkspaceCount {
            scope: scope(),
            transition: DbEnum::Known(Transition::Start),
            job: DbEnum::Known(JobStatus::Succeeded),
            has_agent: true,
            count: started,
            oldest: None,
        }]);
        FleetStats::of(snapshot, &Limits::default())
    }

    fn activity(recent: &[(u128, RecentUse)]) -> Activity {
        let recent = recent.iter().map(|&(it, what)| (Uuid::from_u128(it), what));
        Activity {
            now: at(0),
            newest_report: Some(at(-5)),
            sessions: HashMap::new(),
            recent: recent.collect(),
        }
    }

    fn counted(fleet: &FleetStats, activity: &Activity) -> Vec<u64> {
        let counts = workspaces_by_activity(fleet, activity).unwrap();
        counts[&scope()].iter().map(|(_, count)| count).collect()
    }

    #[test]
    fn workspace_is_what_its_busiest_agent_is() {
        use RecentUse::{Session, Traffic};
        let agents = [
            (1, 1, true),
            (2, 1, true),
            (3, 2, true),
            (4, 3, true),
            (5, 4, false),
        ];
        let fleet = fleet(&agents, 4);
        let all = activity(&[(1, Traffic), (2, Session), (3, Traffic)]);
        assert_eq!(counted(&fleet, &all), [1, 1, 1, 1]);
        assert_eq!(counted(&fleet, &activity(&[])), [0, 0, 3, 1]);
    }

    #[test]
    fn started_workspaces_without_an_agent_are_unknown() {
        assert_eq!(
            counted(&fleet(&[(1, 1, true)], 3), &activity(&[])),
            [0, 0, 1, 2]
        );
    }

    #[test]
    fn coder_that_stores_no_reports_has_no_activity() {
        let silent = Activity {
            newest_report: None,
            ..activity(&[])
        };
        assert!(workspaces_by_activity(&fleet(&[], 0), &silent).is_none());
    }
}
