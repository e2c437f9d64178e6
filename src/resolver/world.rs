//! A simulated Coder on tokio's clock, for tests. It answers as configured, and keeps a log.
//!
//! The log has a line for each event, with its second: `0 dial old`, `5 ask`, `5 cancel old`,
//! `6 reached new`, `7 released new`. A test compares the complete log.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::fleet::model::time::Timestamp;

use super::rows::{self, Row};
use super::{DialError, Dialer, Directory, Resolver, ResolverSettings, Target};

mod connection;

use connection::Underway;
pub(super) use connection::{Connection, said};

/// The workspace of tests that need only one.
pub(super) const WORKSPACE: Uuid = Uuid::from_u128(2);

/// A simulated Coder. The resolver and the test have clones of it, which share the state.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<WorldState>>);

struct WorldState {
    began: Instant,
    diary: Vec<String>,
    /// Agents of the latest build. A workspace without an entry does not exist.
    workspaces: HashMap<Uuid, Vec<&'static str>>,
    deleted: BTreeSet<Uuid>,
    rows: HashMap<Uuid, Row>,
    edit: fn(&mut WorkspaceAt),
    directory: Manner,
    is_down: bool,
    is_start_queued: fn(f64) -> bool,
    dials: HashMap<&'static str, VecDeque<Dial>>,
    opened: usize,
    released: usize,
}

/// How the directory answers, after this many seconds.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    Answers(f64),
    Fails(f64),
    Hangs,
}

/// How a dial ends, after this many seconds.
#[derive(Clone)]
pub(super) enum Dial {
    Reached(f64),
    /// Connects in a separate task, even if the caller has left.
    ReachedByTask(f64),
    Fails(f64, DialError),
    Never,
}

/// A dial that fails after this many seconds.
pub(super) fn fails(seconds: f64, message: &str) -> Dial {
    Dial::Fails(seconds, failed(message))
}

/// The error of a dial that fails with this message.
pub(super) fn failed(message: &str) -> DialError {
    DialError::Failed(message.into())
}

/// The error of a failed directory.
pub(super) fn failure() -> Failure {
    Failure::new(ErrorKind::Connect, "connection refused")
}

impl World {
    /// [`WORKSPACE`] has one agent, `old`. All rows are connected, the directory answers at once,
    /// and a dial that is not configured hangs.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(WorldState {
            began: Instant::now(),
            diary: Vec::new(),
            workspaces: HashMap::from([(WORKSPACE, vec!["old"])]),
            deleted: BTreeSet::new(),
            rows: HashMap::new(),
            edit: |_| {},
            directory: Manner::Answers(0.0),
            is_down: false,
            is_start_queued: |_| false,
            dials: HashMap::new(),
            opened: 0,
            released: 0,
        })))
    }

    /// Sets the agents of the workspace's latest build.
    pub(super) fn build(&self, workspace: Uuid, agents: &[&'static str]) {
        self.lock().workspaces.insert(workspace, agents.to_vec());
    }

    pub(super) fn delete(&self, workspace: Uuid) {
        self.lock().deleted.insert(workspace);
    }

    pub(super) fn row(&self, agent: &str, row: Row) {
        self.lock().rows.insert(rows::id(agent), row);
    }

    /// Sets a function that edits every answer of the directory about a workspace.
    pub(super) fn edit(&self, edit: fn(&mut WorkspaceAt)) {
        self.lock().edit = edit;
    }

    pub(super) fn directory(&self, manner: Manner) {
        self.lock().directory = manner;
    }

    /// Whether a start is queued, by the second.
    pub(super) fn queue_start(&self, is_queued: fn(f64) -> bool) {
        self.lock().is_start_queued = is_queued;
    }

    /// What dials does not work from now on.
    pub(super) fn break_down(&self) {
        self.lock().is_down = true;
    }

    /// Configures the next dials of this agent. The last one applies to all later dials.
    pub(super) fn dials<const N: usize>(&self, agent: &'static str, dials: [Dial; N]) {
        self.lock().dials.insert(agent, dials.into());
    }

    /// The log since the last call.
    pub(super) fn diary(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().diary)
    }

    /// Adds a line to the log.
    pub(super) fn note(&self, what: &str) {
        let mut state = self.lock();
        let line = format!("{} {what}", state.seconds());
        state.diary.push(line);
    }

    /// The number of open connections.
    pub(super) fn open(&self) -> usize {
        let state = self.lock();
        state.opened - state.released
    }

    /// A resolver that uses this simulated Coder.
    pub(super) fn resolver(&self) -> Resolver<Self, Self> {
        self.resolver_with(ResolverSettings::default())
    }

    pub(super) fn resolver_with(&self, settings: ResolverSettings) -> Resolver<Self, Self> {
        Resolver::new(self.clone(), self.clone(), settings)
    }

    /// A resolver that is bound to `old`.
    pub(super) fn bound_resolver(&self) -> Resolver<Self, Self> {
        let resolver = self.resolver();
        resolver.bind(WORKSPACE, rows::target("old"));
        resolver
    }

    fn open_connection(&self, agent: &str) -> Connection {
        self.lock().opened += 1;
        Connection {
            world: self.clone(),
            agent: agent.into(),
        }
    }

    fn underway(&self, cancelled: String) -> Underway<'_> {
        Underway {
            world: self,
            cancelled: Some(cancelled),
        }
    }

    async fn consult<T>(
        &self,
        question: String,
        answer: impl FnOnce(&WorldState) -> T + Send,
    ) -> Result<T, Failure> {
        self.note(&question);
        let underway = self.underway(format!("cancel {question}"));
        let manner = self.lock().directory;
        let result = match manner {
            Manner::Answers(seconds) => {
                rest(seconds).await;
                Ok(answer(&self.lock()))
            }
            Manner::Fails(seconds) => {
                rest(seconds).await;
                Err(failure())
            }
            Manner::Hangs => pending().await,
        };
        underway.ended();
        result
    }

    fn lock(&self) -> MutexGuard<'_, WorldState> {
        self.0.lock().unwrap()
    }
}

impl WorldState {
    /// Seconds since the start. Tokio's timers have a resolution of one millisecond, rounded up, so
    /// the value is rounded to hundredths.
    fn seconds(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }

    fn now(&self) -> Timestamp {
        rows::BEGAN.after(Duration::from_secs_f64(self.seconds()))
    }

    fn row(&self, id: Uuid) -> Row {
        self.rows.get(&id).copied().unwrap_or(Row::Beating)
    }

    fn latest(&self, workspace: Uuid) -> Option<WorkspaceAt> {
        let names = self.workspaces.get(&workspace)?;
        let agents = names.iter().map(|name| (*name, self.row(rows::id(name))));
        let mut latest = rows::latest(workspace, agents, self.now());
        latest.deleted = self.deleted.contains(&workspace);
        (self.edit)(&mut latest);
        Some(latest)
    }

    fn next_dial(&mut self, agent: &str) -> Dial {
        let Some(dials) = self.dials.get_mut(agent) else {
            return Dial::Never;
        };
        match dials.len() {
            1 => dials[0].clone(),
            _ => dials.pop_front().unwrap_or(Dial::Never),
        }
    }
}

impl Directory for World {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        self.consult("ask".into(), |state| state.latest(workspace))
            .await
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        let name = rows::name(agent);
        self.consult(format!("read {name}"), |state| {
            rows::agent_at(&name, state.row(agent), state.now())
        })
        .await
    }

    async fn is_start_queued(&self, _: Uuid) -> Result<bool, Failure> {
        self.consult("ask for a start".into(), |state| {
            (state.is_start_queued)(state.seconds())
        })
        .await
    }
}

impl Dialer for World {
    type Connection = Connection;

    async fn dial(&self, target: &Target) -> Result<Connection, DialError> {
        let name = target.agent.to_string();
        self.note(&format!("dial {name}"));
        let underway = self.underway(format!("cancel {name}"));
        let dial = self.lock().next_dial(&name);
        let dialed = match dial {
            Dial::Reached(seconds) => {
                rest(seconds).await;
                Ok(self.open_connection(&name))
            }
            Dial::ReachedByTask(seconds) => Ok(self.open_by_task(&name, seconds).await),
            Dial::Fails(seconds, error) => {
                rest(seconds).await;
                Err(error)
            }
            Dial::Never => pending().await,
        };
        underway.ended();
        let end = if dialed.is_ok() { "reached" } else { "failed" };
        self.note(&format!("{end} {name}"));
        dialed
    }

    async fn check_up(&self) -> Result<(), Failure> {
        match self.lock().is_down {
            true => Err(failure()),
            false => Ok(()),
        }
    }

    fn counts_as_use(&self) -> bool {
        false
    }
}

impl World {
    async fn open_by_task(&self, agent: &str, seconds: f64) -> Connection {
        let (sender, receiver) = oneshot::channel();
        let (world, agent) = (self.clone(), agent.to_owned());
        tokio::spawn(async move {
            rest(seconds).await;
            // The caller is gone: it comes back, and is dropped.
            let _unwanted = sender.send(world.open_connection(&agent));
        });
        receiver.await.unwrap()
    }
}

async fn rest(seconds: f64) {
    if seconds > 0.0 {
        sleep(Duration::from_secs_f64(seconds)).await;
    }
}
