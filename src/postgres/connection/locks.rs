//! All locks of a session, taken before its first answer (`docs/spec/collection.md`).
//!
//! A migration of Coder locks one table after another. If a collection did so too, each could
//! wait for the other, and Postgres would end one of them: perhaps the migration. So a session
//! takes all its locks at the start, each within a time so short that it has stopped waiting when
//! Postgres looks for a circle, and waits for none after that.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio_postgres::{Client, Error};

use crate::error::{ErrorKind, Failure};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::failure::from_driver;

/// The longest wait for one lock, in milliseconds. A migration that holds a table longer than this
/// holds it for seconds; one that only passes by lets go sooner.
const LONGEST_WAIT_MILLIS: usize = 50;

/// Each wait counts against this part of the server's `deadlock_timeout`, in percent.
const PART_OF_DEADLOCK_TIMEOUT: usize = 50;

/// The tables of a session, each once.
pub(crate) struct Tables {
    /// Without one of these there is nothing to answer.
    core: Vec<&'static str>,
    /// Without one of these the others can answer.
    optional: Vec<&'static str>,
}

impl Tables {
    /// Those of `core`, and those that `reads` names besides.
    pub(crate) fn of(core: &[ColumnSet], reads: &[ColumnSet]) -> Self {
        let mut tables = Self {
            core: Vec::new(),
            optional: Vec::new(),
        };
        for table in core.iter().map(|it| it.table) {
            if !tables.core.contains(&table) {
                tables.core.push(table);
            }
        }
        for table in reads.iter().map(|it| it.table) {
            if !tables.core.contains(&table) && !tables.optional.contains(&table) {
                tables.optional.push(table);
            }
        }
        tables
    }

    /// The statement that limits every wait of the transaction for a lock, so that all together
    /// stay below the limit.
    pub(super) fn limit_waits(&self) -> String {
        let tables = self.core.len() + self.optional.len();
        let part = PART_OF_DEADLOCK_TIMEOUT * 10;
        format!(
            "SELECT set_config('lock_timeout', greatest(1, least({LONGEST_WAIT_MILLIS}, \
             floor(extract(epoch FROM current_setting('deadlock_timeout')::interval) * {part} \
             / {tables})))::text, true)"
        )
    }

    /// Takes all locks, in one flight; gives what went wrong.
    pub(super) async fn lock(&self, client: &Client) -> Locked {
        let mut statements = vec![statement(&self.core)];
        statements.extend(self.optional.iter().map(|it| statement(&[*it])));
        statements.push(GO_BACK.to_owned());
        // Polled in their order, which is thus that of the statements.
        let sent = statements.iter().map(|it| client.batch_execute(it));
        let mut results = join_all(sent).await.into_iter();
        Locked {
            core: results.next().and_then(|it| failure(it, "Coder's tables")),
            optional: self
                .optional
                .iter()
                .zip(results)
                .filter_map(|(&table, it)| Some((table, failure(it, table)?)))
                .collect(),
        }
    }
}

/// Which locks were not to be had.
pub(super) struct Locked {
    pub(super) core: Option<Failure>,
    pub(super) optional: BTreeMap<&'static str, Failure>,
}

/// Locks tables by naming them, without reading a row: `LOCK TABLE` would need a grant on the
/// whole table.
///
/// Going back to a savepoint gives up the locks that were taken after it. So there is one on
/// either side of the lock: if it was taken, the newest is behind it, and the lock stays. The
/// statement that follows goes back.
///
/// A union and not a join: the planner would look for the best order of a join.
fn statement(tables: &[&str]) -> String {
    let name = |table: &&str| format!("SELECT FROM {table} WHERE false");
    let tables: Vec<String> = tables.iter().map(name).collect();
    let tables = tables.join(" UNION ALL ");
    format!("{GO_BACK}; SAVEPOINT locks; {tables}; SAVEPOINT locks")
}

/// What the first statement goes back to.
pub(super) const BEGIN: &str = "SAVEPOINT locks";

/// Goes back to the newest savepoint.
const GO_BACK: &str = "ROLLBACK TO SAVEPOINT locks";

/// A lock that another session holds. Any other error is for the look at the catalog to explain:
/// a table that is missing, or may not be read.
fn failure(result: Result<(), Error>, tables: &str) -> Option<Failure> {
    let failure = from_driver(&format!("locking {tables}"), result.err()?);
    (failure.kind == ErrorKind::Lock).then_some(failure)
}
