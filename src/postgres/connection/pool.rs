//! The pool of connections (`docs/spec/collection.md`): deadpool-postgres, with connections of our
//! own making.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, PoolError, QueueMode, RecyclingMethod, Runtime,
    StatementCache, Timeouts,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::cancel::Canceller;
use crate::postgres::connection::connector::Connector;
use crate::postgres::failure::from_pool;

tokio::task_local! {
    /// What became of a connection that the pool asked for, beside what its trait can say.
    static MADE: RefCell<Made>;
}

#[derive(Default)]
struct Made {
    /// How to cancel a statement of the new connection.
    canceller: Option<Canceller>,
    /// Why there is none.
    failure: Option<Failure>,
}

/// The canceller of a connection, as long as that lives. The pool gives each connection a statement
/// cache of its own, which tells it from the others.
type OfConnection = (Weak<StatementCache>, Canceller);

/// A small pool. Cheap to clone; all clones share it.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: deadpool_postgres::Pool,
    /// By connection; those of closed ones go when the next is made.
    cancellers: Arc<Mutex<Vec<OfConnection>>>,
}

impl Pool {
    /// A pool of at most `max_connections` from `connector`; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When there is no runtime.
    pub(crate) fn new(connector: Connector, max_connections: usize) -> Result<Self, Failure> {
        let settings = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(Config::new(), Maker(connector), settings);
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(max_connections)
            // One connection serves all collections, and has the buffers that they need: the other,
            // for a question at the same time, would get as large in its turn.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| {
            Failure::new(ErrorKind::Connect, error.to_string()).caused_by(error)
        })?;
        Ok(Self {
            pool,
            cancellers: Arc::default(),
        })
    }

    /// A connection: one that waits, or a new one. `target` is for messages.
    ///
    /// # Errors
    ///
    /// Why none could be made, or that all were in use.
    pub(crate) async fn get(
        &self,
        timeouts: &Timeouts,
        target: &str,
    ) -> Result<PooledClient, Failure> {
        let get = async {
            let got = self.pool.timeout_get(timeouts).await;
            (got, MADE.with(RefCell::take))
        };
        let (got, made) = MADE.scope(RefCell::default(), get).await;
        match (got, made.failure) {
            (Ok(object), _) => self.with_canceller(object, made.canceller),
            (Err(PoolError::Backend(_)), Some(failure)) => Err(failure),
            (Err(error), _) => Err(from_pool(target, error)),
        }
    }

    fn with_canceller(
        &self,
        object: Object,
        made: Option<Canceller>,
    ) -> Result<PooledClient, Failure> {
        let mut cancellers = self.cancellers.lock();
        let cache = Arc::downgrade(&object.statement_cache);
        if let Some(canceller) = made {
            cancellers.retain(|(of, _)| of.strong_count() > 0);
            cancellers.push((cache.clone(), canceller));
        }
        let found = cancellers.iter().find(|(of, _)| of.ptr_eq(&cache));
        let canceller = found.map(|(_, canceller)| canceller.clone());
        drop(cancellers);
        match canceller {
            Some(canceller) => Ok(PooledClient { object, canceller }),
            None => Err(Failure::new(
                ErrorKind::Connect,
                "the pool gave a connection that it did not make",
            )),
        }
    }

    /// Closes the connections that wait.
    pub(crate) fn close_idle(&self) {
        self.pool.retain(|_, _| false);
    }
}

/// A connection of the pool; dropped, it goes back.
pub(crate) struct PooledClient {
    object: Object,
    canceller: Canceller,
}

impl PooledClient {
    /// What cancels the statements of this session.
    pub(crate) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Whether it had been used before and waited in the pool.
    pub(crate) fn has_waited(&self) -> bool {
        Object::metrics(&self.object).recycled.is_some()
    }

    /// Closes it instead of giving it back.
    pub(crate) fn close(self) {
        drop(Object::take(self.object));
    }
}

impl Deref for PooledClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.object
    }
}

/// Makes the pool's connections.
struct Maker(Connector);

impl Connect for Maker {
    /// The trait takes errors of the driver's only, and no canceller: both go by [`MADE`], in the
    /// task that asked.
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async move {
            let made = match self.0.create().await {
                Ok(connected) => {
                    let (client, canceller, driver) = connected.into_parts();
                    keep(|made| made.canceller = Some(canceller));
                    return Ok((client, driver));
                }
                Err(failure) => failure,
            };
            keep(|it| it.failure = Some(made));
            // Without a server this always fails, with an error of the driver's.
            let (client, connection) = Config::new().connect(NoTls).await?;
            Ok((client, tokio::spawn(connection.map(drop))))
        }
        .boxed()
    }
}

fn keep(change: impl FnOnce(&mut Made)) {
    // Outside of `Pool::get` nothing asks for connections.
    let _ = MADE.try_with(|made| change(&mut made.borrow_mut()));
}
