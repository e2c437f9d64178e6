//! Incidents as a table, a line each.

use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::{age, moment};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::advice::Advice;
use crate::incident::model::Incident;
use crate::incident::report::title;

use super::table::{Cell, Column, Row, Shown, Table};
use super::text::BAD;

/// The columns. An incident has a cell in each.
pub(super) const COLUMNS: [Column; 16] = {
    use Shown::{Always, Wide};
    [
        Column::name("title", "INCIDENT", Always),
        Column::new("agents", "AGENTS", Always),
        Column::new("expected_agents", "EXPECTED", Always),
        Column::new("users", "USERS", Always),
        Column::new("age_seconds", "FOR", Always),
        Column::new("is_growing", "GROWING", Always),
        Column::new("workspaces", "WORKSPACES", Wide),
        Column::new("users_in_session", "IN_SESSION", Wide),
        Column::new("start", "START", Wide),
        Column::new("last_agent", "LAST", Wide),
        Column::new("kind", "KIND", Wide),
        Column::new("family", "FAMILY", Wide),
        Column::new("factor", "FACTOR", Wide),
        Column::name("value", "VALUE", Wide),
        Column::new("runbook", "RUNBOOK", Wide),
        Column::new("incident_id", "ID", Wide),
    ]
};

/// A row for each of these incidents of the fleet.
pub(super) fn table(fleet: &FleetStats, incidents: &[&Incident]) -> Table {
    Table {
        columns: COLUMNS.to_vec(),
        rows: incidents.iter().map(|it| row(fleet, it)).collect(),
        sum: None,
    }
}

fn row(fleet: &FleetStats, incident: &Incident) -> Row {
    let seconds = incident
        .first
        .map(|it| fleet.snapshot.now.seconds_since(it));
    let growing = match incident.is_growing {
        true => "yes",
        false => "no",
    };
    let id = incident.id().to_string();
    let cells = vec![
        Cell::new(title(fleet, incident)).styled(BAD),
        Cell::new(incident.members.len()),
        Cell::new(incident.expected),
        Cell::new(incident.owners),
        Cell::new(seconds).shown(seconds.map(age).unwrap_or_default()),
        Cell::new(incident.is_growing).shown(growing.to_owned()),
        Cell::new(incident.workspaces),
        Cell::new(incident.owners_in_session),
        Cell::new(incident.first.map(moment)),
        Cell::new(incident.last.map(moment)),
        Cell::new(incident.kind.as_str()),
        Cell::new(incident.family.as_str()),
        Cell::new(incident.common.factor().into_owned()),
        Cell::new(incident.common.value()),
        Cell::new(Advice::of(fleet, incident).runbook),
        Cell::new(id.clone()),
    ];
    Row { name: id, cells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::fleet_of;
    use crate::fleet::model::agent::Kind;
    use crate::incident::advice::tests;
    use crate::incident::model::Common;
    use crate::incident::population::Family;

    #[test]
    fn every_column_has_its_cell() {
        let incident = tests::incident(Kind::Root, Family::Lost, Common::Deployment);
        let table = table(&fleet_of(Vec::new()), &[&incident]);
        assert_eq!(table.rows[0].cells.len(), COLUMNS.len());
        let csv = table.csv(false);
        assert!(
            csv.trim_end().ends_with(&incident.id().to_string()),
            "{csv}"
        );
        assert_eq!(table.names().trim_end(), incident.id().to_string());
    }
}
