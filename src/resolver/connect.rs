//! Connects to the agent of a workspace (`docs/spec/resolver.md`).

use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::latest::{AgentAt, Candidate};
use crate::fleet::rules::status::{Status, lost_since, status};

use super::cache::{Cache, Hit};
use super::choose::{NoChoice, choose, choose_agent};
use super::lazy::{DialLimits, Dialed, Undialed, dial_with_lazy_validation};
use super::parts::{DialError, Dialer, Directory, Target};
use super::result::{Resolved, Route, Unresolved};
use super::settings::ResolverSettings;
use super::trace::{Phase, Trace};

/// Finds the agent that serves a workspace and reaches it: repairs a stale binding, fails fast
/// when there is nothing to reach, and never hangs.
///
/// A call ends within validation delay plus [`dial_limit`](Resolver::dial_limit). Dropping it at
/// any point leaks no connection and leaves what is remembered whole.
///
/// A connection that is remembered is used again as long as its agent's row does not speak against
/// it: that is for callers who hold connections. It proves nothing anew, so the probe, `resolve`
/// and `wait` let go of theirs after each call.
///
/// ```
/// use std::convert::Infallible;
/// use std::future::pending;
///
/// use coder_agent_exporter::error::{ErrorKind, Failure};
/// use coder_agent_exporter::fleet::model::latest::{AgentAt, WorkspaceAt};
/// use coder_agent_exporter::resolver::{
///     DialError, Dialer, Directory, Resolver, ResolverSettings, Route, Target, Trace,
/// };
/// use uuid::Uuid;
///
/// /// A database that is down: what is bound and connected still works.
/// struct Down;
///
/// impl Directory for Down {
///     async fn latest(&self, _: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
///         Err(Failure::new(ErrorKind::Connect, "connection refused"))
///     }
///
///     async fn agent(&self, _: Uuid) -> Result<Option<AgentAt>, Failure> {
///         Err(Failure::new(ErrorKind::Connect, "connection refused"))
///     }
/// }
///
/// /// Reaches every agent; the connection is its name.
/// struct Names;
///
/// impl Dialer for Names {
///     type Connection = String;
///
///     async fn dial(&self, target: &Target) -> Result<String, DialError> {
///         Ok(target.agent.to_string())
///     }
///
///     fn counts_as_use(&self) -> bool {
///         false
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let resolver = Resolver::new(Down, Names, ResolverSettings::default());
/// let workspace = Uuid::from_u128(1);
/// resolver.bind(
///     workspace,
///     Target {
///         workspace_id: workspace,
///         agent_id: Uuid::from_u128(2),
///         agent: "main".into(),
///         workspace: "box".into(),
///         owner: "ada".into(),
///         is_external: false,
///     },
/// );
/// let trace = Trace::default();
/// for route in [Route::Dialed, Route::Cached] {
///     // A caller who never gives up.
///     let Ok(resolved) = resolver
///         .connect(workspace, pending::<Infallible>(), &trace)
///         .await;
///     let resolved = resolved.expect("the bound agent answers");
///     assert_eq!((&**resolved.connection, resolved.route), ("main", route));
/// }
/// # }
/// ```
pub struct Resolver<D, L: Dialer> {
    directory: D,
    dialer: L,
    settings: ResolverSettings,
    cache: Cache<L::Connection>,
}

/// The states in which Coder says that an agent has never connected.
const NEVER: [&str; 2] = ["connecting", "timeout"];

/// What a connection that was there comes to.
enum Rechecked<C> {
    /// It is used.
    Use(Resolved<C>),
    /// It was let go of, and the workspace is resolved anew: by dialing this agent, if the
    /// directory has named one.
    Another(Option<Target>),
}

/// What is known when the last dial has failed.
struct End<'a> {
    began: Instant,
    /// Whatever is asked now has until then.
    deadline: Instant,
    trace: &'a Trace,
}

impl<D: Directory, L: Dialer> Resolver<D, L> {
    /// A resolver with an empty cache.
    pub fn new(directory: D, dialer: L, settings: ResolverSettings) -> Self {
        Self {
            directory,
            dialer,
            settings,
            cache: Cache::new(settings.most_remembered),
        }
    }

    /// The directory that it reads.
    pub fn directory(&self) -> &D {
        &self.directory
    }

    /// The dialer that it uses.
    pub fn dialer(&self) -> &L {
        &self.dialer
    }

    /// How long all dials of one call may take. Where each dial has a limit of its own, there is
    /// time for two of them: one that is slow, and one of the agent that the directory names.
    pub fn dial_limit(&self) -> Duration {
        match self.dialer.time_limit() {
            Some(one_dial) => self.settings.validation_delay + 2 * one_dial,
            None => self.settings.dial_timeout,
        }
    }

    /// Timeouts and cache size.
    pub fn settings(&self) -> &ResolverSettings {
        &self.settings
    }

    /// The agent that this workspace is bound to. The next call dials it first.
    pub fn bound(&self, workspace: Uuid) -> Option<Target> {
        self.cache.bound(workspace)
    }

    /// Binds a workspace without a connection to an agent, for example to the agent of a chat's
    /// binding.
    pub fn bind(&self, workspace: Uuid, target: Target) {
        self.cache.bind(workspace, target);
    }

    /// Closes a workspace's connection and keeps its binding, so that the next call dials again.
    pub fn release(&self, workspace: Uuid) {
        self.cache.release(workspace);
    }

    /// Connects to the agent that serves `workspace`, unless `caller` completes first.
    ///
    /// # Errors
    ///
    /// The outer error is the output of `caller`. A dial that succeeds at the same moment takes
    /// precedence over it. The inner error is the reason why no agent was reached.
    pub async fn connect<R>(
        &self,
        workspace: Uuid,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R> {
        let dial_limit = self.dial_limit();
        self.connect_within(workspace, dial_limit, caller, trace)
            .await
    }

    /// As [`connect`](Self::connect), with a shorter timeout than in the settings.
    ///
    /// # Errors
    ///
    /// The same as [`connect`](Self::connect).
    pub async fn connect_within<R>(
        &self,
        workspace: Uuid,
        dial_limit: Duration,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R> {
        self.connect_through(&self.dialer, workspace, dial_limit, caller, trace)
            .await
    }

    /// As [`connect_within`](Self::connect_within), with `dialer` instead of the resolver's own.
    ///
    /// # Errors
    ///
    /// The same as [`connect`](Self::connect).
    pub async fn connect_through<R, T>(
        &self,
        dialer: &T,
        workspace: Uuid,
        dial_limit: Duration,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R>
    where
        T: Dialer<Connection = L::Connection>,
    {
        let mut caller = pin!(caller);
        tokio::select! {
            biased;
            resolved = self.resolve(dialer, workspace, dial_limit, trace) => match resolved {
                Ok(resolved) => Ok(Ok(resolved)),
                // What failed as the caller left did not fail the caller.
                Err(unresolved) => tokio::select! {
                    biased;
                    reason = &mut caller => Err(reason),
                    () = ready(()) => Ok(Err(unresolved)),
                },
            },
            reason = &mut caller => Err(reason),
        }
    }

    pub(super) async fn resolve<T>(
        &self,
        dialer: &T,
        workspace: Uuid,
        dial_limit: Duration,
        trace: &Trace,
    ) -> Result<Resolved<L::Connection>, Unresolved>
    where
        T: Dialer<Connection = L::Connection>,
    {
        // What is asked before the dial has this long all together, so that the dial has all of
        // its own time, and what is asked after it the rest.
        let began = Instant::now();
        let dial_by = began + self.settings.validation_delay;
        let deadline = dial_by + dial_limit;
        let mut another = None;
        if let Some(hit) = self.cache.hit(workspace) {
            match self.recheck(workspace, hit, dial_by, trace).await? {
                Rechecked::Use(resolved) => return Ok(resolved),
                Rechecked::Another(target) => another = target,
            }
        }
        let bound = another.or_else(|| self.cache.bound(workspace));
        let bound = self.to_dial(workspace, bound, dial_by, trace).await?;
        let one_dial = dialer.time_limit().unwrap_or(self.settings.dial_timeout);
        let limits = DialLimits {
            delay: self.settings.validation_delay,
            one_dial: one_dial.min(dial_limit),
        };
        let validate = || self.validate(workspace);
        let dialing = dial_with_lazy_validation(dialer, &bound, limits, validate, trace);
        let undialed = match timeout(dial_limit, dialing).await {
            Ok(Ok(dialed)) => return Ok(self.remember(workspace, dialed)),
            Ok(Err(undialed)) => undialed,
            Err(_passed) => Undialed::Dial(DialError::Unanswered(dial_limit)),
        };
        let end = End {
            began,
            deadline,
            trace,
        };
        Err(self.explain(dialer, workspace, undialed, &end).await)
    }

    /// What a dial that failed comes to.
    async fn explain<T: Dialer>(
        &self,
        dialer: &T,
        workspace: Uuid,
        undialed: Undialed,
        end: &End<'_>,
    ) -> Unresolved {
        match undialed {
            Undialed::NoChoice(no_choice) => {
                self.cache.forget(workspace);
                no_choice.into()
            }
            Undialed::Unvalidated(dial, directory) => Unresolved::Unvalidated { dial, directory },
            Undialed::Dial(DialError::Unanswered(limit)) => {
                let timed_out = self.timed_out(workspace, limit, end);
                let is_up = timeout_at(end.deadline, dialer.check_up());
                match tokio::join!(timed_out, is_up) {
                    (timed_out, Ok(Ok(()))) => timed_out,
                    (_, Ok(Err(failure))) => DialError::Exporter(failure).into(),
                    (_, Err(_late)) => {
                        let message = "neither the agent nor coderd answered in time";
                        DialError::Exporter(Failure::new(ErrorKind::Timeout, message)).into()
                    }
                }
            }
            Undialed::Dial(DialError::GaveUp { after, .. }) => {
                self.timed_out(workspace, after, end).await
            }
            Undialed::Dial(DialError::Unreachable { state }) if NEVER.contains(&&*state) => {
                self.never_connected(workspace, state, end).await
            }
            Undialed::Dial(error) => error.into(),
        }
    }

    /// Checks a cached connection against its agent's current row. The row must be read again,
    /// because with the heartbeat from the time of the dial every agent would count as lost after
    /// half a minute.
    async fn recheck(
        &self,
        workspace: Uuid,
        hit: Hit<L::Connection>,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<Rechecked<L::Connection>, Unresolved> {
        let agent_id = hit.target.agent_id;
        let question = format!("status of agent {agent_id}");
        let span = trace.ask(Phase::Lookup, question);
        let asked = self.by(deadline, self.directory.agent(agent_id));
        let found = match asked.await {
            Ok(Some(agent_at)) => {
                let AgentAt { agent, now } = &agent_at;
                let found = status(agent, self.settings.inactive_timeout, *now);
                span.answer(found.as_str());
                found
            }
            Ok(None) => {
                span.answer("not found");
                self.cache.forget_connection(workspace, &hit.connection);
                return Ok(Rechecked::Another(None));
            }
            Err(failure) => {
                tracing::warn!(%workspace, agent = %agent_id, error = %failure, "the agent's row cannot be read, so its connection is used unchecked; it is checked again next time");
                span.answer(format!("unknown, so the connection is used: {failure}"));
                Status::Connected
            }
        };
        let gone = match found {
            Status::Connected | Status::Connecting => {
                return Ok(Rechecked::Use(Resolved {
                    connection: hit.connection,
                    target: hit.target,
                    route: Route::Cached,
                }));
            }
            Status::Disconnected => Unresolved::Disconnected,
            Status::Timeout => Unresolved::NeverConnected,
        };
        self.cache.forget_connection(workspace, &hit.connection);
        drop(hit);
        match self.look_up(workspace, deadline, trace).await {
            Ok((target, _)) if target.agent_id != agent_id => Ok(Rechecked::Another(Some(target))),
            // What the row says is known, whatever the directory cannot say.
            Ok(_) | Err(Unresolved::Directory(_)) => Err(gone),
            Err(unresolved) => Err(unresolved),
        }
    }

    /// The agent to dial first: the bound one, else the latest build's. An external agent that is
    /// the latest build's is not dialed while its row says that it is not there.
    async fn to_dial(
        &self,
        workspace: Uuid,
        bound: Option<Target>,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<Target, Unresolved> {
        let bound = match bound {
            Some(bound) if !bound.is_external => return Ok(bound),
            bound => bound,
        };
        match (self.look_up(workspace, deadline, trace).await, bound) {
            // It may belong to the old build: the dial and its validation decide.
            (Ok((latest, _)), Some(bound)) if latest.agent_id != bound.agent_id => Ok(bound),
            (Err(Unresolved::Directory(_)), Some(bound)) => Ok(bound),
            (Ok((latest, status)), _) => match status {
                Status::Disconnected if latest.is_external => Err(Unresolved::Disconnected),
                Status::Timeout if latest.is_external => Err(Unresolved::NeverConnected),
                _ => Ok(latest),
            },
            (Err(unresolved), _) => Err(unresolved),
        }
    }

    /// The agent of the latest build, and its status by its row.
    async fn look_up(
        &self,
        workspace: Uuid,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<(Target, Status), Unresolved> {
        let span = trace.ask(Phase::Lookup, "agent of the latest build");
        let asked = self.by(deadline, self.directory.latest(workspace));
        let target = match asked.await {
            Ok(Some(latest)) if !latest.deleted => {
                let chosen = choose_agent(&latest.agents).map_err(Unresolved::NoChoice);
                chosen.map(|it| {
                    let timeout = self.settings.inactive_timeout;
                    let status = status(&it.agent, timeout, latest.now);
                    (Target::of(&it.agent), status)
                })
            }
            Ok(_) => Err(Unresolved::NoWorkspace),
            Err(failure) => Err(Unresolved::Directory(failure)),
        };
        match &target {
            Ok((target, _)) => span.answer(format!("{} ({})", target.agent, target.agent_id)),
            Err(error) => span.answer(error.to_string()),
        }
        if let Err(Unresolved::NoWorkspace | Unresolved::NoChoice(_)) = target {
            // As after a validation; another call may have remembered something meanwhile.
            self.cache.forget(workspace);
        }
        target
    }

    async fn validate(&self, workspace: Uuid) -> Result<Result<Target, NoChoice>, Failure> {
        let latest = self.in_time(self.directory.latest(workspace)).await?;
        // A workspace that is gone has no agent either.
        let latest = latest.filter(|latest| !latest.deleted);
        Ok(latest.as_ref().map_or(Err(NoChoice::NoAgent), choose))
    }

    /// Stores the connection. If another call has stored one for the workspace meanwhile, that one
    /// is used and the new one is released.
    fn remember(&self, workspace: Uuid, dialed: Dialed<L::Connection>) -> Resolved<L::Connection> {
        let (dialed_id, switched) = (dialed.target.agent_id, dialed.switched);
        let Hit { target, connection } = self.cache.share(workspace, dialed);
        let route = match switched {
            true => Route::Switched,
            // Another call has repaired the binding meanwhile.
            false if target.agent_id != dialed_id => Route::Cached,
            false => Route::Dialed,
        };
        Resolved {
            connection,
            target,
            route,
        }
    }

    /// A time limit passed while the caller is still there: what is the latest agent's row?
    async fn timed_out(&self, workspace: Uuid, limit: Duration, end: &End<'_>) -> Unresolved {
        let question = "agent of the latest build, after the time limit";
        let span = end.trace.ask(Phase::Validate, question);
        let asked = timeout_at(end.deadline, self.directory.latest(workspace)).await;
        let Ok(Ok(latest)) = asked else {
            span.answer("no answer from the database");
            return Unresolved::DialTimeout(limit);
        };
        let latest = latest.filter(|latest| !latest.deleted);
        let chosen = latest.as_ref().map(|it| (choose_agent(&it.agents), it.now));
        let (Candidate { agent, .. }, now) = match chosen {
            Some((Ok(candidate), now)) => (candidate, now),
            Some((Err(NoChoice::Ambiguous(_)), _)) => {
                span.answer("ambiguous");
                return Unresolved::DialTimeout(limit);
            }
            Some((Err(NoChoice::NoAgent), _)) | None => {
                span.answer("none");
                self.cache.forget(workspace);
                return NoChoice::NoAgent.into();
            }
        };
        match status(agent, self.settings.inactive_timeout, now) {
            Status::Timeout => {
                span.answer("it has never connected");
                Unresolved::NeverConnected
            }
            Status::Disconnected => {
                let silent = lost_since(agent).map_or(0.0, |lost| now.seconds_since(lost));
                span.answer(format!("disconnected for {silent:.1} s"));
                match silent >= self.settings.recovery_threshold.as_secs_f64() {
                    true => Unresolved::Disconnected,
                    false => Unresolved::DialTimeout(limit),
                }
            }
            status => {
                span.answer(status.as_str());
                Unresolved::DialTimeout(limit)
            }
        }
    }

    /// coderd says that the agent has never connected. Where the row says since before the dial
    /// that it has, coderd could not read its database, and the agent is not to blame.
    async fn never_connected(&self, workspace: Uuid, state: String, end: &End<'_>) -> Unresolved {
        let span = end.trace.ask(Phase::Validate, "has the agent connected?");
        let asked = timeout_at(end.deadline, self.directory.latest(workspace)).await;
        let first_connected = asked
            .ok()
            .and_then(Result::ok)
            .flatten()
            .and_then(|latest| {
                let chosen = choose_agent(&latest.agents).ok()?;
                let first = chosen.agent.first_connected_at?;
                Some(latest.now.seconds_since(first))
            });
        match first_connected {
            Some(ago) if ago > end.began.elapsed().as_secs_f64() => {
                span.answer("yes: coderd and its database do not agree");
                let message = format!(
                    "coderd says that the agent is {state}, but its row has connected: coderd \
                     could not read its database"
                );
                DialError::Exporter(Failure::new(ErrorKind::Connect, message)).into()
            }
            _ => {
                span.answer("no, as far as the database says");
                DialError::Unreachable { state }.into()
            }
        }
    }

    /// The directory's answer, or a failure after the validation delay.
    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.settings.validation_delay;
        self.by(deadline, asked).await
    }

    /// The directory's answer, or a failure at the deadline, at most after the validation delay.
    async fn by<T>(
        &self,
        deadline: Instant,
        asked: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.settings.validation_delay;
        let late = |_| {
            let message = format!("no answer within {} s", limit.as_secs_f64());
            Failure::new(ErrorKind::Timeout, message)
        };
        let answer = timeout_at(deadline, asked).await;
        answer.map_err(late).flatten()
    }
}
