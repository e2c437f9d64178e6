//! Makes connections (`docs/spec/collection.md`).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::config::{LoadBalanceHosts, SslNegotiation};

use crate::config::postgres_session::TargetSession;
use crate::config::postgres_tls::TlsMode;
use crate::config::postgres_url::PostgresUrl;
use crate::error::{ErrorKind, Failure};
use crate::postgres::connection::cancel::Canceller;
use crate::postgres::connection::dial::{self, Endpoint, Server};
use crate::postgres::connection::login::{Tls, log_in};
use crate::postgres::connection::{password, tls};
use crate::postgres::decode::column;
use crate::postgres::failure::{Login, from_driver, from_login};

/// Of several servers or addresses, one that swallows what it is sent must leave time for the
/// next: of the ten seconds a scraper usually waits, two. `connect_timeout` in the URL wins.
const HOST_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the URL again, with its password, from where it came from.
#[derive(Clone)]
pub struct UrlSource(pub Arc<dyn Fn() -> Result<PostgresUrl, Failure> + Send + Sync>);

/// A session of the driver's, and how to cancel what runs in it.
pub(crate) struct Connected {
    client: Client,
    canceller: Canceller,
    driver: JoinHandle<()>,
}

impl Connected {
    /// The session, what cancels its statements, and the task that drives it.
    pub(crate) fn into_parts(self) -> (Client, Canceller, JoinHandle<()>) {
        (self.client, self.canceller, self.driver)
    }
}

/// Makes connections to the servers of a URL.
pub(crate) struct Connector {
    /// As it was last read.
    url: Mutex<Arc<PostgresUrl>>,
    source: Option<UrlSource>,
    /// The server that let us in last; it is tried first.
    last_good: AtomicUsize,
}

impl Connector {
    pub(crate) fn new(url: PostgresUrl, source: Option<UrlSource>) -> Self {
        Self {
            url: Mutex::new(Arc::new(url)),
            source,
            last_good: AtomicUsize::new(0),
        }
    }

    /// Connects to the first server that lets us in and is of the wanted sort.
    async fn connect(&self, url: &PostgresUrl) -> Result<Connected, Failure> {
        let tls = self.tls(url).await?;
        let servers = dial::servers(&url.config);
        let is_random = url.config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let order = order(
            servers.len(),
            self.last_good.load(Ordering::Relaxed),
            is_random,
        );
        let mut failures: Vec<Failure> = Vec::new();
        for &target in passes(url.target_session) {
            for (index, server) in order.iter().filter_map(|&it| Some((it, servers.get(it)?))) {
                let login = Attempt {
                    url,
                    tls: tls.as_ref(),
                    server,
                    target,
                };
                match login.connect(servers.len() > 1).await {
                    Ok(connected) => {
                        self.last_good.store(index, Ordering::Relaxed);
                        return Ok(connected);
                    }
                    // libpq's rule: what one server says of a password, the others would too.
                    Err(failure) if failure.kind == ErrorKind::Authentication => {
                        return Err(failure);
                    }
                    Err(failure) if failures.contains(&failure) => {}
                    Err(failure) => failures.push(failure),
                }
            }
        }
        Err(together(failures))
    }

    /// Certificates are read for each connection: those that were renewed are used from the next
    /// one on.
    async fn tls(&self, url: &PostgresUrl) -> Result<Option<Tls>, Failure> {
        if url.tls.mode == TlsMode::Never {
            return Ok(None);
        }
        let is_direct = url.config.get_ssl_negotiation() == SslNegotiation::Direct;
        let settings = url.tls.clone();
        let read = spawn_blocking(move || tls::connector(&settings, is_direct)).await;
        let connect = read.map_err(|error| {
            Failure::new(ErrorKind::Tls, "reading the certificates").caused_by(error)
        })??;
        Ok(Some(Tls {
            connect,
            is_direct,
            is_required: url.tls.mode != TlsMode::Preferred,
        }))
    }

    /// The URL as it is now, if user or password are others than before and the rest is the same:
    /// another database is for a reload.
    async fn read_again(&self, known: &PostgresUrl) -> Option<Arc<PostgresUrl>> {
        let source = self.source.clone()?;
        if known.password_command.is_some() {
            return None;
        }
        let read = spawn_blocking(move || (source.0)()).await.ok()?;
        let fresh = read
            .inspect_err(|error| tracing::debug!(%error, "the database URL cannot be read again"))
            .ok()?;
        let login = |it: &PostgresUrl| {
            let user = it.config.get_user().map(str::to_owned);
            (user, it.config.get_password().map(<[u8]>::to_vec))
        };
        let place = |it: &PostgresUrl| {
            let (hosts, ports) = (
                it.config.get_hosts().to_vec(),
                it.config.get_ports().to_vec(),
            );
            (hosts, ports, it.config.get_dbname().map(str::to_owned))
        };
        if place(&fresh) != place(known) || login(&fresh) == login(known) {
            return None;
        }
        let mut fresh = fresh;
        if let Some(name) = known.config.get_application_name() {
            fresh.config.application_name(name);
        }
        let fresh = Arc::new(fresh);
        *self.url.lock() = fresh.clone();
        Some(fresh)
    }
}

impl Connector {
    /// Makes one connection. A password that was replaced since it was read is read again when it
    /// is refused, once.
    ///
    /// # Errors
    ///
    /// What each server said.
    pub(crate) async fn create(&self) -> Result<Connected, Failure> {
        let mut url = self.url.lock().clone();
        if let Some(command) = url.password_command.clone() {
            let password = password::ask(&command).await?;
            Arc::make_mut(&mut url).config.password(password);
        }
        match self.connect(&url).boxed().await {
            Err(refused) if refused.kind == ErrorKind::Authentication => {
                match self.read_again(&url).await {
                    Some(fresh) => self.connect(&fresh).boxed().await,
                    None => Err(refused),
                }
            }
            connected => connected,
        }
    }
}

/// One server, of one sort.
struct Attempt<'a> {
    url: &'a PostgresUrl,
    tls: Option<&'a Tls>,
    server: &'a Server,
    target: TargetSession,
}

impl Attempt<'_> {
    /// Tries the addresses of the server one after the other. Each has its own time.
    async fn connect(&self, has_neighbours: bool) -> Result<Connected, Failure> {
        let given = self.url.config.get_connect_timeout().copied();
        let given = given.filter(|it| !it.is_zero());
        let found = within(given.or(has_neighbours.then_some(HOST_TIMEOUT)), async {
            let endpoints = self.server.endpoints().await;
            endpoints.map_err(|error| self.failed(&error.to_string()).caused_by(error))
        });
        let endpoints = found
            .await
            .unwrap_or_else(|limit| Err(self.too_late(limit)))?;
        let has_neighbours = has_neighbours || endpoints.len() > 1;
        let limit = given.or(has_neighbours.then_some(HOST_TIMEOUT));
        let mut last = self.failed("its name has no address");
        for endpoint in endpoints {
            let connected = within(limit, self.connect_to(&endpoint)).await;
            match connected.unwrap_or_else(|limit| Err(self.too_late(limit))) {
                Ok(connected) => return Ok(connected),
                Err(failure) if failure.kind == ErrorKind::Authentication => return Err(failure),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// In clear and within TLS, in the order that `sslmode` says.
    async fn connect_to(&self, endpoint: &Endpoint) -> Result<Connected, Failure> {
        match (self.url.tls.mode, self.tls) {
            (TlsMode::Reluctantly, Some(tls)) => match self.log_in(endpoint, None).await {
                Err(failure) if failure.kind == ErrorKind::Authentication => {
                    self.log_in(endpoint, Some(tls)).await
                }
                done => done,
            },
            (TlsMode::Preferred, Some(tls)) => match self.log_in(endpoint, Some(tls)).await {
                Err(failure) if failure.kind == ErrorKind::Tls => {
                    let plain = self.log_in(endpoint, None).await;
                    // What is wrong with TLS is what mends it.
                    plain.map_err(|_| failure)
                }
                done => done,
            },
            (_, tls) => self.log_in(endpoint, tls).await,
        }
    }

    /// On the heap: it is begun at several places, and each would have room for it.
    fn log_in<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        tls: Option<&'a Tls>,
    ) -> BoxFuture<'a, Result<Connected, Failure>> {
        self.log_in_once(endpoint, tls).boxed()
    }

    async fn log_in_once(
        &self,
        endpoint: &Endpoint,
        tls: Option<&Tls>,
    ) -> Result<Connected, Failure> {
        let config = &self.url.config;
        let canceller = Canceller::new(endpoint, self.server.name(), tls);
        let dialed = endpoint.dial(config).await;
        let wire = dialed.map_err(|error| self.failed(&error.to_string()).caused_by(error))?;
        let stream = canceller.secure(wire).await;
        let stream = stream.map_err(|it| it.within(&self.doing()))?;
        let login = Login {
            role: config.get_user().unwrap_or_default(),
            database: config
                .get_dbname()
                .or(config.get_user())
                .unwrap_or_default(),
            has_password: config.get_password().is_some(),
        };
        let (client, driver) = log_in(config, stream)
            .await
            .map_err(|error| from_login(&self.doing(), error, &login))?;
        self.check_sort(&client).await?;
        Ok(Connected {
            client,
            canceller,
            driver,
        })
    }

    /// Whether the server is of the wanted sort.
    async fn check_sort(&self, client: &Client) -> Result<(), Failure> {
        if self.target == TargetSession::Any {
            return Ok(());
        }
        let rows = client.query_typed("SELECT pg_is_in_recovery()", &[]).await;
        let rows = rows.map_err(|error| from_driver(&self.doing(), error))?;
        let is_standby = rows.first().and_then(|it| column(it, 0).ok().flatten());
        let (wanted, found) = match self.target {
            TargetSession::Primary => (false, "a standby"),
            _ => (true, "a primary"),
        };
        match is_standby == Some(wanted) {
            true => Ok(()),
            false => Err(self.failed(&format!(
                "it is {found}, which target_session_attrs does not want"
            ))),
        }
    }

    fn doing(&self) -> String {
        let target = self.url.target_of(&self.server.host, self.server.port);
        format!("connecting to {target}")
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::new(ErrorKind::Connect, format!("{}: {why}", self.doing()))
    }

    fn too_late(&self, limit: Duration) -> Failure {
        let limit = humantime::format_duration(limit);
        self.failed(&format!("no answer within {limit} (connect_timeout)"))
    }
}

/// Which sorts of servers are tried, one after the other.
fn passes(target: TargetSession) -> &'static [TargetSession] {
    match target {
        TargetSession::Any => &[TargetSession::Any],
        TargetSession::Primary => &[TargetSession::Primary],
        TargetSession::Standby => &[TargetSession::Standby],
        TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
    }
}

/// The order in which servers are tried: the one that let us in last, and then the others.
fn order(servers: usize, last_good: usize, is_random: bool) -> Vec<usize> {
    let mut order: Vec<_> = (0..servers).collect();
    if is_random {
        let random = RandomState::new();
        order.sort_by_key(|it| random.hash_one(it));
    }
    order.sort_by_key(|&it| it != last_good);
    order
}

/// The limit, if it passed first.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Duration> {
    match limit {
        Some(limit) => timeout(limit, work).await.map_err(|_| limit),
        None => Ok(work.await),
    }
}

/// What all servers said; it counts as the last of it.
fn together(mut failures: Vec<Failure>) -> Failure {
    let Some(last) = failures.pop() else {
        return Failure::new(ErrorKind::Connect, "the database URL names no server");
    };
    if failures.is_empty() {
        return last;
    }
    failures.push(last.clone());
    let messages: Vec<_> = failures.iter().map(|it| it.message.as_str()).collect();
    Failure::new(last.kind, messages.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_that_let_us_in_last_is_tried_first_and_each_once() {
        assert_eq!(order(3, 0, false), [0, 1, 2]);
        assert_eq!(order(3, 2, false), [2, 0, 1]);
        for _ in 0..20 {
            let mut order = order(4, 1, true);
            assert_eq!(order[0], 1);
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn failures_of_all_servers_are_one_sentence() {
        let failure = |kind, message: &str| Failure::new(kind, message);
        let alone = together(vec![failure(ErrorKind::Tls, "a: no TLS")]);
        assert_eq!(alone, failure(ErrorKind::Tls, "a: no TLS"));
        let both = [
            failure(ErrorKind::Tls, "a: no TLS"),
            failure(ErrorKind::Connect, "b: gone"),
        ];
        let both = together(both.to_vec());
        assert_eq!(both, failure(ErrorKind::Connect, "a: no TLS; b: gone"));
    }
}
