//! A simulated Coder that counts connections through coderd as use: a dial appears in the agent's
//! next reports, a report with connections moves the autostop deadline, and a workspace is stopped
//! when its deadline passes.
//!
//! It uses tokio's clock. A test pauses the clock, so a day takes seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::activity::ReportSource;
use crate::error::Failure;
use crate::fleet::fixtures::{agent, at};
use crate::fleet::model::activity::{Activity, IN_USE_FOR};
use crate::fleet::model::agent::{Agent, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::latest::{AgentAt, Build, Candidate, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::postgres::lookup::directory::Found;
use crate::probe::source::Source;
use crate::resolver::{DialError, Dialer, Target};

/// Interval of an agent's reports, in seconds.
const REPORT_EVERY: u64 = 30;
/// A connection of coderd appears in reports for this many seconds.
const LINGERS: u64 = 45;
/// A report with connections moves the deadline to this many seconds later.
const BUMP: u64 = 3600;

/// How a user works with a workspace, in seconds of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// The user is absent.
    Idle,
    /// An ssh session between these seconds, with traffic in its first minute only.
    IdleSession(u64, u64),
    /// An ssh session between these seconds, with traffic all the time.
    BusySession(u64, u64),
    /// An ssh session between these seconds, with traffic in one of seven minutes.
    OccasionalSession(u64, u64),
    /// A web app without a session: reports show connections only.
    WebApp(u64, u64),
    /// The agent is disconnected from the start.
    Lost,
}

impl Habit {
    /// Whether the user has open sessions and connections in the report of this second.
    fn use_at(self, second: u64) -> (bool, bool) {
        match self {
            Self::Idle | Self::Lost => (false, false),
            Self::IdleSession(from, to) => {
                let is_open = (from..to).contains(&second);
                (is_open, is_open && second < from + 60)
            }
            Self::BusySession(from, to) => {
                let is_open = (from..to).contains(&second);
                (is_open, is_open)
            }
            Self::OccasionalSession(from, to) => {
                let is_open = (from..to).contains(&second);
                (is_open, is_open && second % 420 < 60)
            }
            Self::WebApp(from, to) => (false, (from..to).contains(&second)),
        }
    }

    /// Whether the user ever opens a session.
    pub(super) fn has_session(self) -> bool {
        matches!(
            self,
            Self::IdleSession(..) | Self::BusySession(..) | Self::OccasionalSession(..)
        )
    }
}

/// A workspace with one agent in its latest build.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub(super) habit: Habit,
    /// Whether a chat is bound to a deleted agent of an earlier build.
    pub(super) has_stale_binding: bool,
    /// When Coder stops the workspace, in seconds of the simulation.
    pub(super) deadline: u64,
    pub(super) moves: u64,
    pub(super) is_stopped: bool,
    pub(super) dials: Vec<u64>,
    next_report: u64,
    /// The last report with a session and traffic, in seconds of the simulation.
    newest_session: Option<u64>,
}

impl Workspace {
    pub(super) fn new(number: u64, habit: Habit) -> Self {
        Self {
            habit,
            has_stale_binding: false,
            deadline: 8 * 3600,
            moves: 0,
            is_stopped: false,
            dials: Vec::new(),
            next_report: number * 7 % REPORT_EVERY,
            newest_session: None,
        }
    }

    pub(super) fn with_stale_binding(self) -> Self {
        Self {
            has_stale_binding: true,
            ..self
        }
    }

    fn is_connected(&self) -> bool {
        self.habit != Habit::Lost && !self.is_stopped
    }

    /// Simulates up to and including this second.
    fn live_until(&mut self, now: u64) {
        while self.next_report <= now && !self.is_stopped {
            let second = self.next_report;
            self.next_report += REPORT_EVERY;
            if self.deadline <= second {
                self.is_stopped = true;
            } else if self.is_connected() {
                self.report(second);
            }
        }
    }

    fn report(&mut self, second: u64) {
        let (has_session, has_traffic) = self.habit.use_at(second);
        let is_shown = |dial: &&u64| (**dial..**dial + LINGERS).contains(&second);
        let has_connections = has_traffic || self.dials.last().as_ref().is_some_and(is_shown);
        if !has_connections {
            return;
        }
        if self.deadline < second + BUMP {
            self.deadline = second + BUMP;
            self.moves += 1;
        }
        if has_session {
            self.newest_session = Some(second);
        }
    }
}

/// A simulated Coder. Clones share the same state.
#[derive(Debug, Clone)]
pub(super) struct Coder {
    began: Instant,
    workspaces: Arc<Mutex<Vec<Workspace>>>,
}

impl Coder {
    pub(super) fn new(workspaces: Vec<Workspace>) -> Self {
        Self {
            began: Instant::now(),
            workspaces: Arc::new(Mutex::new(workspaces)),
        }
    }

    /// The workspaces at the current time.
    pub(super) fn workspaces(&self) -> Vec<Workspace> {
        self.lived().clone()
    }

    fn second(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    fn now(&self) -> Timestamp {
        at(0).after(self.began.elapsed())
    }

    fn lived(&self) -> MutexGuard<'_, Vec<Workspace>> {
        let second = self.second();
        let mut workspaces = self.workspaces.lock().unwrap();
        workspaces.iter_mut().for_each(|it| it.live_until(second));
        workspaces
    }

    fn row(&self, number: usize, workspace: &Workspace) -> Agent {
        let now = self.now();
        let last_connected_at = match workspace.habit {
            Habit::Lost => at(-3600),
            _ => now,
        };
        Agent {
            id: agent_id(number),
            workspace_id: workspace_id(number),
            last_connected_at: Some(last_connected_at),
            ..agent()
        }
    }

    fn latest(&self, number: usize, workspace: &Workspace) -> WorkspaceAt {
        let candidate = Candidate {
            agent: self.row(number, workspace),
            display_order: 0,
            parent_id: None,
        };
        WorkspaceAt {
            now: self.now(),
            workspace_id: workspace_id(number),
            workspace: "build-box".into(),
            owner: "ada".into(),
            scope: scope(),
            deleted: false,
            build: Some(Build {
                number: 2,
                transition: DbEnum::Known(Transition::Start),
                job: DbEnum::Known(JobStatus::Succeeded),
                error: None,
            }),
            agents: vec![candidate],
        }
    }
}

fn scope() -> Scope {
    Scope {
        organization: "acme".into(),
        template: "docker".into(),
    }
}

pub(super) fn workspace_id(number: usize) -> Uuid {
    Uuid::from_u128(1_000 + number as u128)
}

pub(super) fn agent_id(number: usize) -> Uuid {
    Uuid::from_u128(1_000_000 + number as u128)
}

fn old_agent_id(number: usize) -> Uuid {
    Uuid::from_u128(2_000_000 + number as u128)
}

impl ReportSource for Coder {
    async fn activity(&self) -> Result<Activity, Failure> {
        let second = self.second();
        let lived = self.lived();
        let sessions = lived.iter().enumerate().filter_map(|(number, it)| {
            let newest = it.newest_session?;
            let is_recent = second - newest <= IN_USE_FOR.as_secs();
            let reported_at = at(i64::try_from(newest).unwrap());
            is_recent.then(|| (agent_id(number), reported_at))
        });
        Ok(Activity {
            now: self.now(),
            newest_report: Some(at(i64::try_from(second / 30 * 30).unwrap())),
            sessions: sessions.collect(),
            recent: HashMap::new(),
        })
    }
}

impl Source for Coder {
    async fn fleet(&self, _: Instant) -> Arc<CollectionResult> {
        let lived = self.lived();
        let running = lived.iter().enumerate().filter(|(_, it)| !it.is_stopped);
        let mut snapshot = Snapshot::at(self.now());
        snapshot.scopes.intern(scope());
        snapshot.agents = Some(running.map(|(number, it)| self.row(number, it)).collect());
        Arc::new(CollectionResult {
            fleet: Ok(FleetStats::of(snapshot, &Limits::default())),
            reports: Vec::new(),
            clock_skew_seconds: Some(0.0),
        })
    }

    async fn latest_of(&self, workspaces: &[Uuid]) -> Result<HashMap<Uuid, WorkspaceAt>, Failure> {
        let lived = self.lived();
        let all = lived.iter().enumerate();
        let wanted = all.filter(|(number, _)| workspaces.contains(&workspace_id(*number)));
        let latest = wanted.map(|(number, it)| (workspace_id(number), self.latest(number, it)));
        Ok(latest.collect())
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        let lived = self.lived();
        let mut all = lived.iter().enumerate();
        let found = all.find(|(number, _)| agent_id(*number) == agent);
        Ok(found.map(|(number, it)| AgentAt {
            now: self.now(),
            agent: self.row(number, it),
        }))
    }

    async fn stale_bindings(&self) -> Result<HashMap<Uuid, Target>, Failure> {
        let lived = self.lived();
        let all = lived.iter().enumerate();
        let stale = all.filter(|(_, it)| it.has_stale_binding && !it.is_stopped);
        let stale = stale.map(|(number, it)| {
            let mut target = Target::of(&self.row(number, it));
            target.agent_id = old_agent_id(number);
            (workspace_id(number), target)
        });
        Ok(stale.collect())
    }

    async fn find(&self, reference: &Reference, _: Instant) -> Result<Found, Failure> {
        let Reference::Id(workspace) = *reference else {
            return Ok(Found::Nothing { near: Vec::new() });
        };
        let agent = None;
        Ok(Found::One { workspace, agent })
    }
}

impl Dialer for Coder {
    type Connection = ();

    /// Dials as coderd does: it checks the row first, and dials only a connected agent.
    async fn dial(&self, target: &Target) -> Result<(), DialError> {
        sleep(Duration::from_millis(40)).await;
        let second = self.second();
        let mut lived = self.lived();
        let mut all = lived.iter_mut().enumerate();
        let found = all.find(|(number, _)| agent_id(*number) == target.agent_id);
        let (_, workspace) = found.ok_or(DialError::NoSuchAgent)?;
        workspace.dials.push(second);
        match workspace.is_connected() {
            true => Ok(()),
            false => Err(DialError::Unreachable {
                state: "disconnected".into(),
            }),
        }
    }

    fn counts_as_use(&self) -> bool {
        true
    }
}
