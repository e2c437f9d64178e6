//! A list of agents as a table.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::{age, moment};
use crate::fleet::rules::health::Assessment;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::membership::Membership;
use crate::incident::model::Incident;

use super::table::{Cell, Column, Row, Shown, Table};
use super::text::of_health;

/// The columns. An agent of the fleet has a cell in each.
pub(super) const COLUMNS: [Column; 17] = {
    use Shown::{Always, Fields, Wide};
    [
        Column::new("age_seconds", "FOR", Always),
        Column::new("health", "HEALTH", Always),
        Column::name("agent", "AGENT", Always),
        Column::name("template_name", "TEMPLATE", Always),
        Column::name("organization_name", "ORGANIZATION", Wide),
        Column::new("kind", "KIND", Wide),
        Column::new("status", "STATUS", Wide),
        Column::new("lifecycle_state", "LIFECYCLE", Wide),
        Column::new("cause", "CAUSE", Wide),
        Column::new("since", "SINCE", Wide),
        Column::new("version", "VERSION", Wide),
        Column::new("incident_id", "INCIDENT", Wide),
        Column::new("agent_id", "ID", Wide),
        Column::name("workspace_owner", "OWNER", Fields),
        Column::name("workspace_name", "WORKSPACE", Fields),
        Column::name("agent_name", "NAME", Fields),
        Column::new("workspace_id", "WORKSPACE_ID", Fields),
    ]
};

/// `owner/workspace.agent`, the form that `explain` accepts.
pub(super) fn name_of(agent: &Agent) -> String {
    format!("{}/{}.{}", agent.owner, agent.workspace, agent.name)
}

/// The agents with a problem, oldest first.
pub(super) fn problems(fleet: &FleetStats, membership: &Membership<'_>) -> Table {
    let assessments: HashMap<Uuid, Assessment> =
        fleet.judged().map(|(agent, it)| (agent.id, it)).collect();
    let problems = fleet.problems();
    let rows = problems.filter_map(|it| {
        let assessment = assessments.get(&it.agent.id)?;
        Some(row(fleet, membership, it.agent, *assessment))
    });
    table(rows.collect())
}

/// All agents: those with a problem oldest first, then the others by name.
pub(super) fn all(fleet: &FleetStats, membership: &Membership<'_>) -> Table {
    let mut judged: Vec<_> = fleet.judged().collect();
    judged.sort_by_cached_key(|(agent, assessment)| {
        let since = assessment.since;
        (since.is_none(), since, name_of(agent), agent.id)
    });
    let rows = judged.into_iter();
    table(
        rows.map(|(agent, it)| row(fleet, membership, agent, it))
            .collect(),
    )
}

fn table(rows: Vec<Row>) -> Table {
    Table {
        columns: COLUMNS.to_vec(),
        rows,
        sum: None,
    }
}

fn row(
    fleet: &FleetStats,
    membership: &Membership<'_>,
    agent: &Agent,
    assessment: Assessment,
) -> Row {
    let snapshot = &fleet.snapshot;
    let scope = snapshot.scopes.get(agent.scope);
    let name = |name: fn(&Scope) -> &str| scope.map(name).unwrap_or_default();
    let seconds = assessment.since.map(|it| snapshot.now.seconds_since(it));
    let health = assessment.health;
    let cause = snapshot.causes.get(&agent.id).copied().map(Cause::as_str);
    let incident = membership.get(agent.id).map(Incident::id);
    let cells = vec![
        Cell::new(seconds).shown(seconds.map(age).unwrap_or_default()),
        Cell::new(health.as_str()).styled(of_health(health)),
        Cell::new(name_of(agent)),
        Cell::new(name(|it| &it.template)),
        Cell::new(name(|it| &it.organization)),
        Cell::new(agent.kind.as_str()),
        Cell::new(assessment.status.as_str()),
        Cell::new(agent.lifecycle.as_str()),
        Cell::new(cause),
        Cell::new(assessment.since.map(moment)),
        Cell::new(&*agent.version),
        Cell::new(incident.map(|it| it.to_string())),
        Cell::new(agent.id.to_string()),
        Cell::new(&*agent.owner),
        Cell::new(&*agent.workspace),
        Cell::new(&*agent.name),
        Cell::new(agent.workspace_id.to_string()),
    ];
    Row {
        name: name_of(agent),
        cells,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, fleet_of};

    #[test]
    fn every_column_has_its_cell() {
        let fleet = fleet_of(vec![agent()]);
        let table = all(&fleet, &Membership::default());
        assert_eq!(table.rows[0].cells.len(), table.columns.len());
        let csv = table.csv(true);
        let (titles, row) = csv.split_once('\n').unwrap();
        let of = |field: &str| {
            let place = titles.split(',').position(|it| it == field).unwrap();
            row.split(',').nth(place).unwrap().trim_end().to_owned()
        };
        let agent = agent();
        assert_eq!(of("agent_id"), agent.id.to_string());
        assert_eq!(of("agent"), name_of(&agent));
        assert_eq!(of("workspace_owner"), *agent.owner);
        assert_eq!(of("workspace_id"), agent.workspace_id.to_string());
    }
}
