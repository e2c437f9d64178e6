//! The metadata collector: values that templates give to the resources of agents, for the keys of
//! `--incident.resource-metadata`, in one query. Without keys it is off.

use futures_util::FutureExt;
use tokio_postgres::types::{ToSql, Type};

use crate::fleet::model::agent::{Agent, Label};
use crate::fleet::model::shared_fact::SharedFact;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("metadata.sql");

/// Columns that the query reads.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of("workspace_agents", &["id", "resource_id"]),
    ColumnSet::of(
        "workspace_resource_metadata",
        &["workspace_resource_id", "key", "value", "sensitive"],
    ),
];

/// Reads the value of each key of each agent.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let agents = context.found.snapshot.agents.as_deref();
        let agents = agents.unwrap_or_default();
        let (ids, keys) = (Array(agents, |it: &Agent| it.id), context.metadata_keys);
        let keys: Vec<&str> = keys.iter().map(Label::as_str).collect();
        let params: &[(&(dyn ToSql + Sync), Type)] =
            &[(&keys, Type::TEXT_ARRAY), (&ids, Type::UUID_ARRAY)];
        let rows = context.client()?.query_typed(SQL, params).await;
        let rows = rows.map_err(|error| from_driver("reading the resource metadata", error))?;
        let mut facts = Facts::new(context.metadata_keys, agents.len());
        let columns = Columns::default();
        for row in &rows {
            let row = columns.of(row);
            let (key, value) = (row.string("key")?, row.string("value")?);
            let places: Option<Vec<i32>> = row.get("places")?;
            facts.add(&key, value.into(), &places.unwrap_or_default());
        }
        Ok(Loaded::new(rows.len(), |found| {
            found.snapshot.metadata_of_agents = facts.0;
        }))
    };
    work.boxed()
}

/// A fact for each key.
struct Facts(Vec<(Label, SharedFact<Label>)>);

impl Facts {
    fn new(keys: &[Label], agents: usize) -> Self {
        let fact = |_| SharedFact {
            values: Vec::new(),
            codes: vec![SharedFact::<Label>::NONE; agents],
        };
        Self(keys.iter().map(|key| (key.clone(), fact(key))).collect())
    }

    /// Adds a value of a key, with the places of its agents, counted from one.
    fn add(&mut self, key: &str, value: Label, places: &[i32]) {
        let Some((_, fact)) = self.0.iter_mut().find(|it| it.0 == key) else {
            return;
        };
        // There are no more values than agents: the cast never cuts anything off.
        let number = fact.values.len() as u32;
        fact.values.push(value);
        for place in places {
            let index = usize::try_from(*place)
                .ok()
                .and_then(|it| it.checked_sub(1));
            if let Some(code) = index.and_then(|it| fact.codes.get_mut(it)) {
                *code = number;
            }
        }
    }
}
