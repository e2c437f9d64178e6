//! How Postgres would run the statements of the collectors.

use tokio::time::Instant;

use crate::error::Failure;
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;
use crate::postgres::database::Database;
use crate::postgres::decode::column;
use crate::postgres::failure::from_driver;

use super::collectors::row;
use super::reads_of;
use super::sql::{for_catalog, settings};

/// No plan is asked for with more values: they are written into the plan's constants.
const MOST_VALUES: usize = 10_000;

/// The plan of one statement.
#[derive(Debug)]
pub struct Plan {
    /// The collector that asks it.
    pub collector: Collector,
    /// The statement as it is asked here, adapted to this Coder.
    pub sql: String,
    /// What EXPLAIN answers, a line each.
    pub lines: Result<Vec<String>, Failure>,
}

impl Database {
    /// The plans of the collectors' statements for so many agents, by EXPLAIN: none of them runs.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline. A statement that cannot be planned is
    /// part of the result.
    pub async fn plans(
        &self,
        collectors: &[Collector],
        agents: usize,
        deadline: Instant,
    ) -> Result<Vec<Plan>, Failure> {
        let session = self.open(reads_of(collectors), deadline).await?;
        let mut plans = Vec::new();
        for &collector in collectors {
            for sql in row(collector).statements {
                let settings = settings(sql);
                let sql = with_values(&for_catalog(sql, &session.catalog), agents);
                let explain = format!("EXPLAIN (SETTINGS) {sql}");
                let asked = async {
                    let client = session.client()?;
                    let (set, rows) = tokio::join!(
                        biased;
                        client.batch_execute(&settings),
                        client.query_typed(&explain, &[])
                    );
                    let failed = |error| from_driver("explaining a statement", error);
                    set.map_err(failed)?;
                    let rows = rows.map_err(failed)?;
                    let lines = rows.iter().map(|row| column::<String>(row, 0));
                    let lines: Result<Vec<_>, _> = lines.collect();
                    Ok(lines?.into_iter().flatten().collect())
                };
                let lines = session.guarded(collector.as_str(), asked).await;
                plans.push(Plan {
                    collector,
                    sql,
                    lines,
                });
            }
        }
        session.finish().await;
        Ok(plans)
    }
}

/// The statement with values in the place of its parameters: arrays of so many that are nothing's,
/// whose length the planner knows, and the moment.
fn with_values(sql: &str, agents: usize) -> String {
    let count = agents.clamp(1, MOST_VALUES);
    let mut text = String::new();
    let mut rest = sql;
    while let Some(place) = rest.find('$') {
        let (before, parameter) = rest.split_at(place);
        let after = parameter[1..].trim_start_matches(|it: char| it.is_ascii_digit());
        text += before;
        let element = after.strip_prefix("::").and_then(|it| it.split_once("[]"));
        text += &match element {
            Some((element, _)) => format!("array_fill(NULL::{element}, ARRAY[{count}])"),
            None if before.ends_with("to_timestamp(") => "extract(epoch FROM now())".to_owned(),
            None => format!("array_fill(NULL::uuid, ARRAY[{count}])"),
        };
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_values_of_their_type() {
        let sql =
            "SELECT 1 FROM unnest($1::uuid[], $2::int4[]), to_timestamp($2) WHERE a = ANY($1)";
        let expected = "SELECT 1 FROM unnest(array_fill(NULL::uuid, ARRAY[7])::uuid[], \
                        array_fill(NULL::int4, ARRAY[7])::int4[]), \
                        to_timestamp(extract(epoch FROM now())) \
                        WHERE a = ANY(array_fill(NULL::uuid, ARRAY[7]))";
        assert_eq!(with_values(sql, 7), expected);
        assert!(with_values("$1", 0).ends_with("ARRAY[1])"));
        assert!(with_values("$1", usize::MAX).ends_with("ARRAY[10000])"));
    }

    #[test]
    fn every_collector_has_its_statements() {
        for &collector in Collector::ALL {
            let statements = row(collector).statements;
            assert!(!statements.is_empty(), "{collector:?}");
            for sql in statements {
                assert!(!with_values(sql, 1).contains("$1::"), "{collector:?}");
            }
        }
    }
}
