//! The agents of each template by health, as a table.

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in, total};

use super::table::{Cell, Column, Row, Shown, Table};
use super::text::of_health;

/// The columns: sums for people, and each health class in the wide table.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::name("organization_name", "ORGANIZATION", Shown::Always),
        Column::name("template_name", "TEMPLATE", Shown::Always),
        Column::new("agents", "AGENTS", Shown::Always),
        Column::new("healthy", "HEALTHY", Shown::Always),
        Column::new("starting_or_connecting", "STARTING", Shown::Always),
        Column::new("shutdown", "SHUTDOWN", Shown::Always),
        Column::new("problems", "PROBLEMS", Shown::Always),
    ];
    let classes = others().map(Health::as_str);
    columns.extend(classes.map(|it| Column::new(it, it, Shown::Wide)));
    columns
}

/// The classes that are not a column by themselves already.
fn others() -> impl Iterator<Item = Health> {
    let classes = Health::ALL.iter().copied();
    classes.filter(|it| !matches!(it, Health::Healthy | Health::Shutdown))
}

/// A row for each template, and the sum unless there is one row only.
pub(super) fn table(fleet: &FleetStats) -> Table {
    let counts = by_template(fleet);
    let rows = counts
        .iter()
        .map(|(scope, counts)| row(&scope.organization, &scope.template, counts));
    let rows: Vec<_> = rows.collect();
    let sum = (rows.len() != 1).then(|| row("all", "", &total(&counts)));
    Table {
        columns: columns(),
        rows,
        sum,
    }
}

fn row(organization: &str, template: &str, counts: &ByHealth) -> Row {
    let count = |health| counts.get(&health).copied().unwrap_or_default();
    let problems = problems_in(counts);
    let colour = match problems {
        0 => of_health(Health::Healthy),
        _ => of_health(Health::Disconnected),
    };
    let mut cells = vec![
        Cell::new(organization),
        Cell::new(template),
        Cell::new(counts.values().sum::<u64>()),
        Cell::new(count(Health::Healthy)),
        Cell::new(count(Health::Connecting) + count(Health::Starting)),
        Cell::new(count(Health::Shutdown)),
        Cell::new(problems).styled(colour),
    ];
    cells.extend(others().map(|it| Cell::new(count(it))));
    Row {
        name: format!("{organization}/{template}"),
        cells,
    }
}
