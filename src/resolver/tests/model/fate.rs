//! A simulated Coder with random behaviour, which records all events.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::chance::Chance;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};

use super::super::super::rows::{self, BEGAN, Row};
use super::super::super::world::failure;
use super::super::super::{DialError, Dialer, Directory, Target};
use super::history::{Answer, Event, Number, What};

mod opened;

use opened::Underway;
pub(super) use opened::{CALL, Opened};

/// Dial durations in milliseconds, at and around the resolver's limits, so that events often
/// coincide.
const DIAL_TIMES: [u64; 11] = [
    0, 0, 1_000, 2_000, 4_999, 5_000, 5_001, 10_000, 29_999, 30_000, 40_000,
];
const ANSWER_TIMES: [u64; 9] = [0, 0, 0, 500, 1_000, 2_000, 4_999, 5_000, 5_001];
/// Seconds since the last heartbeat, or since the creation of a row.
const AGES: [f64; 8] = [30.0, 30.5, 60.0, 89.9, 90.0, 119.0, 121.0, 600.0];

#[derive(Clone)]
pub(super) struct Fate(Arc<Mutex<State>>);

struct State {
    chance: Chance,
    began: Instant,
    events: Vec<Event>,
    /// The agents of each workspace's latest build. A workspace without an entry does not exist.
    latest: BTreeMap<Uuid, Vec<Number>>,
    /// Each agent's row: its state, and since when.
    rows: Vec<(Row, Duration)>,
    /// Times at which each connection was released.
    released: Vec<Vec<Duration>>,
}

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            chance: Chance::new(seed),
            began: Instant::now(),
            events: Vec::new(),
            latest: BTreeMap::new(),
            rows: Vec::new(),
            released: Vec::new(),
        })))
    }

    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.lock().chance)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.lock().began.elapsed()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Times at which each connection was released.
    pub(super) fn released(&self) -> Vec<Vec<Duration>> {
        self.lock().released.clone()
    }

    /// Applies a random event to a workspace or its agents.
    pub(super) fn strike(&self, workspace: Uuid) {
        let mut state = self.lock();
        match state.chance.below(12) {
            0 => drop(state.latest.remove(&workspace)),
            1 => drop(state.latest.insert(workspace, Vec::new())),
            2 => {
                let two = vec![state.new_agent(), state.new_agent()];
                state.latest.insert(workspace, two);
            }
            3..=6 => {
                let one = vec![state.new_agent()];
                state.latest.insert(workspace, one);
            }
            _ if state.rows.is_empty() => {}
            _ => {
                let agent = state.any_agent();
                state.rows[agent] = state.new_row();
            }
        }
    }

    /// A random agent of any build.
    pub(super) fn any_target(&self) -> Option<Target> {
        let mut state = self.lock();
        (!state.rows.is_empty()).then(|| rows::target(&name(state.any_agent())))
    }

    fn record(&self, call: usize, what: What) {
        let mut state = self.lock();
        let at = state.began.elapsed();
        state.events.push(Event { at, call, what });
    }

    fn open(&self, agent: Number) -> Opened {
        let mut state = self.lock();
        state.released.push(Vec::new());
        Opened {
            fate: self.clone(),
            agent,
            number: state.released.len() - 1,
        }
    }

    /// Sleeps, and then sometimes yields to other tasks.
    async fn rest(&self, millis: u64) {
        if millis > 0 {
            sleep(Duration::from_millis(millis)).await;
        }
        for _ in 0..self.draw(|chance| chance.below(3)) {
            yield_now().await;
        }
    }

    /// A random delay of the directory, possibly endless, and a random failure.
    async fn consult(&self) -> Result<(), Failure> {
        let (millis, fate) = self.draw(|it| (it.pick(&ANSWER_TIMES), it.below(100)));
        self.rest(millis).await;
        match fate {
            0..5 => pending().await,
            5..20 => Err(failure()),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn new_agent(&mut self) -> Number {
        let row = self.new_row();
        self.rows.push(row);
        self.rows.len() - 1
    }

    fn any_agent(&mut self) -> Number {
        self.chance.below(self.rows.len() as u64) as usize
    }

    fn new_row(&mut self) -> (Row, Duration) {
        let age = self.chance.pick(&AGES);
        let row = match self.chance.below(10) {
            0..5 => Row::Beating,
            5..8 => Row::SilentFor(age),
            8 => Row::NeverConnectedFor(age),
            _ => Row::Gone,
        };
        (row, self.began.elapsed())
    }

    fn row(&self, agent: Number) -> Row {
        let (row, then) = self.rows[agent];
        let since = (self.began.elapsed() - then).as_secs_f64();
        match row {
            Row::SilentFor(seconds) => Row::SilentFor(seconds + since),
            Row::NeverConnectedFor(seconds) => Row::NeverConnectedFor(seconds + since),
            other => other,
        }
    }

    /// The directory's data for the workspace, and the answer that follows from it.
    fn look(&self, workspace: Uuid) -> (Option<WorkspaceAt>, Answer) {
        let Some(agents) = self.latest.get(&workspace) else {
            return (None, Answer::NoWorkspace);
        };
        let known = |&&agent: &&Number| self.row(agent) != Row::Gone;
        let agents: Vec<_> = agents.iter().filter(known).collect();
        let answer = match *agents {
            [] => Answer::NoAgent,
            [&only] => Answer::Agent(only, self.row(only)),
            _ => Answer::Ambiguous(agents.iter().map(|it| name(**it).into()).collect()),
        };
        let names: Vec<_> = agents
            .iter()
            .map(|it| (name(**it), self.row(**it)))
            .collect();
        let rows = names.iter().map(|(name, row)| (name.as_str(), *row));
        let now = BEGAN.after(self.began.elapsed());
        (Some(rows::latest(workspace, rows, now)), answer)
    }
}

impl Directory for Fate {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        let underway = Underway::begin(self, What::Ask, What::CancelAsk);
        let consulted = self.consult().await;
        let (latest, answer) = match &consulted {
            Ok(()) => self.lock().look(workspace),
            Err(_) => (None, Answer::Failed),
        };
        underway.end(What::Told(answer));
        consulted.map(|()| latest)
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        let number = number(agent);
        let underway = Underway::begin(self, What::Read(number), What::CancelRead);
        if let Err(failure) = self.consult().await {
            underway.end(What::ReadFailed);
            return Err(failure);
        }
        let row = self.lock().row(number);
        let now = BEGAN.after(self.elapsed());
        underway.end(What::Seen((row != Row::Gone).then_some(row)));
        Ok(rows::agent_at(&name(number), row, now))
    }
}

impl Dialer for Fate {
    type Connection = Opened;

    async fn dial(&self, target: &Target) -> Result<Opened, DialError> {
        let agent = number(target.agent_id);
        let underway = Underway::begin(self, What::Dial(agent), What::CancelDial(agent));
        let (millis, fate) = self.draw(|it| (it.pick(&DIAL_TIMES), it.below(12)));
        let dialed = match fate {
            0..4 => {
                self.rest(millis).await;
                Ok(self.open(agent))
            }
            4 => Ok(self.open_by_task(agent, millis).await),
            5 => pending().await,
            _ => {
                self.rest(millis).await;
                Err(error(fate))
            }
        };
        underway.end(match &dialed {
            Ok(opened) => What::Reached {
                agent,
                connection: opened.number,
            },
            Err(error) => What::Failed(agent, error.clone()),
        });
        dialed
    }

    fn counts_as_use(&self) -> bool {
        false
    }
}

impl Fate {
    /// Opens the connection in a separate task, even if no caller waits for it any more.
    async fn open_by_task(&self, agent: Number, millis: u64) -> Opened {
        let (sender, receiver) = oneshot::channel();
        let fate = self.clone();
        tokio::spawn(async move {
            fate.rest(millis).await;
            let _unwanted = sender.send(fate.open(agent));
        });
        receiver.await.unwrap()
    }
}

fn error(fate: u64) -> DialError {
    match fate {
        6 => DialError::Failed("i/o timeout".into()),
        7 => DialError::NoSuchAgent,
        8 => DialError::Exporter(Failure::new(ErrorKind::Authentication, "token expired")),
        10 => DialError::Unreachable {
            state: "timeout".into(),
        },
        11 => DialError::GaveUp {
            after: Duration::from_secs(30),
            message: "agent is unreachable".into(),
        },
        _ => DialError::Unreachable {
            state: "disconnected".into(),
        },
    }
}

/// The name of an agent. Every agent is for chats, so in a build with two agents neither can be
/// chosen.
fn name(agent: Number) -> String {
    format!("{agent}-coderd-chat")
}

pub(super) fn number(id: Uuid) -> Number {
    let name = rows::name(id);
    name.split('-').next().unwrap().parse().unwrap()
}
