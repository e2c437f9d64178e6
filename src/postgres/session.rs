//! One read-only transaction: one moment, one snapshot, one connection.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clock::wall_clock;
use crate::fleet::pass::{ErrorKind, Failure};

use super::catalog::{Catalog, MIGRATION, Reads};
use super::decode::column;
use super::failure::from_driver;
use super::moment::{self, Moment};

/// Waiting for a lock means that somebody changes the schema: better to say so soon than to
/// stand in the queue, where others would stand behind us.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A database of encoding `SQL_ASCII` may hold text that is not UTF-8, and refuses the whole
/// statement to a client that wants UTF-8. Ask it for the bytes as they are: what cannot be
/// read is then replaced here, in its own row.
const RAW_TEXT: &str = "SELECT set_config('client_encoding', 'SQL_ASCII', true) \
    WHERE current_setting('server_encoding') = 'SQL_ASCII'";

/// How long the server may take to hear that a statement is no longer wanted.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// An open transaction, and what was learnt on opening it.
///
/// [`finish`](Self::finish) gives the connection back. Dropped without it, by a deadline, an
/// error or a scraper that went away, the running statement is cancelled on the server and the
/// connection closed: nobody else gets one in the middle of a transaction.
pub(super) struct Session {
    connection: Connection,
    deadline: Instant,
    /// The moment its snapshot is true for.
    pub(super) moment: Moment,
    /// Our clock minus the database's, give or take half a round trip.
    pub(super) clock_skew_seconds: f64,
    /// What can be read.
    pub(super) catalog: Catalog,
}

impl Session {
    /// Begins the transaction in one round trip: its limits, its `now()` and the look at the
    /// catalog travel together.
    pub(super) async fn begin(
        client: Object,
        tls: MakeRustlsConnect,
        deadline: Instant,
        reads: &[Reads],
    ) -> Result<Self, Failure> {
        let connection = Connection {
            object: Some(client),
            tls,
        };
        let client = connection.client()?;
        let begin = begin_statement(deadline.saturating_duration_since(Instant::now()));
        let sent_at = wall_clock();
        let opening = async {
            let opened = client.batch_execute(&begin).await;
            opened.map(|()| wall_clock())
        };
        let flight = async {
            tokio::join!(biased; opening, moment::ask(client), Catalog::look(client, reads))
        };
        let (opened, moment, catalog) = timeout_at(deadline, flight)
            .await
            .map_err(|_| too_late("opening a transaction"))?;
        let opened_at = opened.map_err(|error| from_driver("opening a transaction", &error))?;
        let moment = moment?;
        let half_way = sent_at.after(Duration::from_secs_f64(
            opened_at.seconds_since(sent_at).max(0.0) / 2.0,
        ));
        Ok(Self {
            deadline,
            clock_skew_seconds: half_way.seconds_since(moment.clock),
            moment,
            catalog: catalog?,
            connection,
        })
    }

    /// The connection, for statements inside the transaction.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        self.connection.client()
    }

    /// Whether nothing more can be asked: the connection is gone, or the deadline has passed.
    pub(super) fn is_over(&self) -> bool {
        let gone = self.client().map_or(true, Client::is_closed);
        gone || Instant::now() >= self.deadline
    }

    /// Runs one collector's statement behind a savepoint of its own, so that its failure costs
    /// nobody else the transaction. `name` is the savepoint's, `work` the statement.
    ///
    /// It goes back to the savepoint whether or not the statement failed, which takes nothing
    /// from one that only reads. So all three are sent before any is answered, and statements
    /// of several collectors, polled together, share one round trip in the same way.
    pub(super) async fn guarded<T>(
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
        saved.map_err(|error| from_driver("setting a savepoint", &error))?;
        if let Err(error) = undone {
            tracing::debug!(%error, savepoint = name, "rolling back failed");
        }
        result
    }

    /// Ends the transaction, gives the connection back to the pool, and tells the version of
    /// the last migration, where it may be read.
    ///
    /// The question travels with the `COMMIT`: all else has been read, so if it fails it costs
    /// nobody anything.
    pub(super) async fn finish(mut self) -> Option<i64> {
        let client = self.client().ok()?;
        let migration = async {
            match self.catalog.check(MIGRATION) {
                Ok(()) if self.catalog.has("schema_migrations", "version") => {
                    let sql = "SELECT max(version)::int8 FROM schema_migrations";
                    client.query_typed(sql, &[]).await.ok()
                }
                _ => None,
            }
        };
        let both = async { tokio::join!(biased; migration, client.batch_execute("COMMIT")) };
        let (rows, committed) = timeout_at(self.deadline, both).await.ok()?;
        let migration = rows.as_ref().and_then(|rows| rows.first());
        let version = migration.and_then(|row| column(row, 0).ok().flatten());
        if committed.is_ok() {
            self.connection.give_back();
        }
        version
    }
}

/// A connection that is cancelled and closed when dropped, unless it was given back.
struct Connection {
    object: Option<Object>,
    tls: MakeRustlsConnect,
}

impl Connection {
    fn client(&self) -> Result<&Client, Failure> {
        let client = self.object.as_ref().map(|object| &***object);
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
        let cancel = object.cancel_token();
        drop(Object::take(object));
        let tls = self.tls.clone();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Nobody is left to tell: if this fails, statement_timeout ends the statement.
                let _ = timeout(CANCEL_TIMEOUT, cancel.cancel_query(tls)).await;
            });
        }
    }
}

/// Everything by `SET LOCAL`: behind a connection pooler the next client finds its session as
/// it left it.
fn begin_statement(remaining: Duration) -> String {
    let statement_millis = remaining.as_millis().max(1);
    let lock_millis = remaining.min(LOCK_TIMEOUT).as_millis().max(1);
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SET LOCAL statement_timeout = {statement_millis}; \
         SET LOCAL lock_timeout = {lock_millis}; \
         SET LOCAL idle_in_transaction_session_timeout = {statement_millis}; \
         SET LOCAL jit = off; \
         {RAW_TEXT}"
    )
}

pub(super) fn too_late(doing: &str) -> Failure {
    let message = format!("{doing}: the deadline passed before the database answered");
    Failure::new(ErrorKind::Timeout, message)
}
