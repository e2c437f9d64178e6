//! One read-only transaction: one moment, one snapshot, one connection.

use std::pin::pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::Client;

use crate::clock::wall_clock;
use crate::error::{ErrorKind, Failure};
use crate::postgres::catalog::{Catalog, ColumnSet, MIGRATION};
use crate::postgres::connection::locks::{self, Tables};
use crate::postgres::connection::moment;
use crate::postgres::connection::moment::Moment;
use crate::postgres::connection::pool::PooledClient;
use crate::postgres::decode::column;
use crate::postgres::failure::{from_driver, is_hang_up};

/// A database of encoding `SQL_ASCII` may hold text that is not UTF-8, and refuses the whole
/// statement to a client that wants UTF-8. Ask it for the bytes as they are: what cannot be
/// read is then replaced here, in its own row.
const RAW_TEXT: &str = "SELECT set_config('client_encoding', 'SQL_ASCII', true) \
    WHERE current_setting('server_encoding') = 'SQL_ASCII'";

/// How long the server may take to stop what is no longer wanted.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that has nothing to do ends its transaction sooner than this, and needs no cancel.
const FIRST_CANCEL_AFTER: Duration = Duration::from_millis(10);

/// An open transaction, and what was learnt on opening it.
///
/// [`finish`](Self::finish) gives the connection back. Dropped without it, by a deadline, an
/// error or a scraper that went away, the running statement is cancelled on the server and the
/// connection closed: no other client gets one in the middle of a transaction.
pub(crate) struct Session {
    connection: Connection,
    deadline: Instant,
    /// The moment its snapshot is true for.
    pub(crate) moment: Moment,
    /// What could not be asked of the moment.
    pub(crate) note: Option<String>,
    /// Our clock minus the database's, give or take half a round trip.
    pub(crate) clock_skew_seconds: f64,
    /// What can be read.
    pub(crate) catalog: Catalog,
    /// Why there is nothing to read: another session holds a lock on a table that is needed.
    pub(crate) locked: Option<Failure>,
}

impl Session {
    /// Begins the transaction in one round trip: its limits, its `now()`, its locks and the look
    /// at the catalog travel together.
    ///
    /// A connection of the pool may have died at its other end without our knowing: the first
    /// to use it gets [`NotBegun::HungUp`], and nothing has been read by then.
    pub(crate) async fn begin(
        client: PooledClient,
        application_name: &str,
        deadline: Instant,
        parameters: &[(String, String)],
        reads: &[ColumnSet],
        tables: &Tables,
    ) -> Result<Self, NotBegun> {
        let connection = Connection {
            object: Some(client),
        };
        let client = connection.client()?;
        let begin = begin_statement(
            application_name,
            deadline.saturating_duration_since(Instant::now()),
            parameters,
            tables,
        );
        let sent_at = wall_clock();
        let opening = async {
            let opened = client.batch_execute(&begin).await;
            opened.map(|()| wall_clock())
        };
        let flight = async {
            tokio::join!(
                biased;
                opening,
                moment::ask(client),
                tables.lock(client),
                Catalog::introspect(client, reads)
            )
        };
        let (opened, moment, locked, catalog) = timeout_at(deadline, flight)
            .await
            .map_err(|_| too_late("starting a transaction"))?;
        let opened_at = opened.map_err(|error| {
            let is_hang_up = is_hang_up(&error);
            let failure = from_driver("starting a transaction", error);
            match is_hang_up {
                true => NotBegun::HungUp(failure),
                false => NotBegun::Refused(failure),
            }
        })?;
        let (moment, note) = moment?;
        let half_way = sent_at.after(Duration::from_secs_f64(
            opened_at.seconds_since(sent_at).max(0.0) / 2.0,
        ));
        Ok(Self {
            deadline,
            clock_skew_seconds: half_way.seconds_since(moment.clock),
            moment,
            note,
            catalog: catalog?.with_locked(locked.optional),
            locked: locked.core,
            connection,
        })
    }

    /// The connection, for statements inside the transaction.
    pub(crate) fn client(&self) -> Result<&Client, Failure> {
        self.connection.client()
    }

    /// Whether nothing more can be asked: the connection is gone, or the deadline has passed.
    pub(crate) fn is_over(&self) -> bool {
        let gone = self.client().map_or(true, Client::is_closed);
        gone || Instant::now() >= self.deadline
    }

    /// Runs one collector's statement behind a savepoint of its own, so that its failure costs
    /// nobody else the transaction. `name` is the savepoint's, `work` the statement.
    ///
    /// It goes back to the savepoint whether or not the statement failed, which takes nothing
    /// from one that only reads. So all three are sent before any is answered, and statements
    /// of several collectors, polled together, share one round trip in the same way.
    pub(crate) async fn guarded<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let client = self.client()?;
        let savepoint = format!("SAVEPOINT {name}");
        let rollback = format!("ROLLBACK TO SAVEPOINT {name}");
        let all = async {
            tokio::join!(
                biased;
                client.batch_execute(&savepoint),
                work,
                client.batch_execute(&rollback)
            )
        };
        let (saved, result, undone) = timeout_at(self.deadline, all)
            .await
            .map_err(|_| too_late(&format!("reading the {name}")))?;
        saved.map_err(|error| from_driver("setting a savepoint", error))?;
        if let Err(error) = undone {
            tracing::debug!(%error, savepoint = name, "rollback to the savepoint failed");
        }
        result
    }

    /// Ends the transaction, gives the connection back to the pool, and tells the version of
    /// the last migration, where it may be read.
    ///
    /// The question travels with the `COMMIT`: all else has been read, so if it fails it costs
    /// nobody anything.
    pub(crate) async fn finish(mut self) -> Option<i64> {
        let client = self.client().ok()?;
        let migration = async {
            match self.catalog.check(MIGRATION) {
                Ok(()) if self.catalog.can_read_named("schema_migrations.version") => {
                    let sql = "SELECT max(version)::int8 FROM schema_migrations";
                    client.query_typed(sql, &[]).await.ok()
                }
                _ => None,
            }
        };
        let commit = format!("COMMIT; {FORGET_NAME}");
        let both = async { tokio::join!(biased; migration, client.batch_execute(&commit)) };
        let (rows, committed) = timeout_at(self.deadline, both).await.ok()?;
        let migration = rows.as_ref().and_then(|rows| rows.first());
        let version = migration.and_then(|row| column(row, 0).ok().flatten());
        if committed.is_ok() {
            self.connection.give_back();
        }
        version
    }
}

/// What ends a session for the next client of a pooler, besides the end of the transaction: the
/// name that a pooler has given the server's session on our behalf. One that came with the
/// connection itself stays, as it is what `RESET` goes back to.
const FORGET_NAME: &str = "RESET application_name";

/// A connection that is cancelled and closed when dropped, unless it was given back.
struct Connection {
    object: Option<PooledClient>,
}

impl Connection {
    fn client(&self) -> Result<&Client, Failure> {
        let client = self.object.as_deref();
        client.ok_or_else(|| Failure::new(ErrorKind::Connect, "the connection was given back"))
    }

    fn give_back(&mut self) {
        drop(self.object.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(end(object))),
            Err(_) => object.close(),
        }
    }
}

/// Ends the transaction, cancelling what still runs in it, and then closes the connection.
///
/// In this order: a pooler forgets which server runs a client's statement once the client has
/// hung up, and would drop the cancel that comes after. Its place in our own pool is kept until
/// then, because so is the server's.
async fn end(object: PooledClient) {
    stop(&object).await;
    // Closed, not given back: a cancel on its way could still hit the next statement.
    object.close();
}

async fn stop(client: &PooledClient) {
    let canceller = client.canceller();
    let cancel = client.cancel_token();
    let rollback = format!("ROLLBACK; {FORGET_NAME}");
    let mut ended = pin!(client.batch_execute(&rollback));
    let deadline = Instant::now() + CANCEL_TIMEOUT;
    let mut pause = FIRST_CANCEL_AFTER;
    while Instant::now() < deadline {
        tokio::select! {
            biased;
            _ = &mut ended => break,
            () = sleep(pause) => {}
        }
        // In a task of its own: it is to be sent to its end even where we wait no longer.
        let cancelling = tokio::spawn(canceller.clone().cancel(cancel.clone()));
        let _ = timeout_at(deadline, cancelling).await;
        // Again, where another statement was sent behind the one that was hit.
        pause *= 2;
    }
}

/// Why there is no transaction.
pub(crate) enum NotBegun {
    /// The other end is gone, without a word of why.
    HungUp(Failure),
    /// The connection works, but the transaction could not begin for another reason.
    Refused(Failure),
}

impl From<Failure> for NotBegun {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<NotBegun> for Failure {
    fn from(not_begun: NotBegun) -> Self {
        match not_begun {
            NotBegun::HungUp(failure) | NotBegun::Refused(failure) => failure,
        }
    }
}

/// Everything by `SET LOCAL`: behind a connection pooler the next client finds its session as
/// it left it.
///
/// What compiling a plan costs is never won back. Parallel workers are Coder's: our plans
/// go by index, and gain nothing from them but at the expense of others.
fn begin_statement(
    application_name: &str,
    remaining: Duration,
    parameters: &[(String, String)],
    tables: &Tables,
) -> String {
    let name = literal(application_name);
    // As the server takes what a client sends when it connects, unlike SET: a list is a list. What
    // a collection needs comes after it, and wins.
    let theirs: String = parameters
        .iter()
        .map(|(name, value)| (literal(name), literal(value)))
        .map(|(name, value)| format!("SELECT set_config({name}, {value}, true); "))
        .collect();
    let statement_millis = remaining.as_millis().max(1);
    let limit_waits = tables.limit_waits();
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         {theirs}\
         SET LOCAL statement_timeout = {statement_millis}; \
         SET LOCAL idle_in_transaction_session_timeout = {statement_millis}; \
         SET LOCAL jit = off; \
         SET LOCAL max_parallel_workers_per_gather = 0; \
         SET LOCAL application_name = {name}; \
         {RAW_TEXT}; {limit_waits}; {}",
        locks::BEGIN
    )
}

/// Escaped, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

pub(crate) fn too_late(doing: &str) -> Failure {
    let message = format!("{doing}: the deadline passed before the database answered");
    Failure::new(ErrorKind::Timeout, message)
}
