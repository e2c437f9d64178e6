//! From a workspace to its agent (`docs/spec/resolver.md`).

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
use super::lazy::{Dialed, Undialed, dial_with_lazy_validation};
use super::parts::{Dialer, Directory, Target};
use super::result::{Resolved, Route, Unresolved};
use super::settings::ResolverSettings;
use super::trace::{Phase, Trace};

/// Finds the agent that serves a workspace and reaches it: repairs a stale binding, fails fast
/// when there is nothing to reach, and never hangs.
///
/// A call ends within dial timeout plus validation delay. Dropping it at any point leaks no
/// connection and leaves what is remembered whole.
pub struct Resolver<D, L: Dialer> {
    directory: D,
    dialer: L,
    settings: ResolverSettings,
    cache: Cache<L::Connection>,
}

impl<D: Directory, L: Dialer> Resolver<D, L> {
    /// Remembers nothing yet.
    pub fn new(directory: D, dialer: L, settings: ResolverSettings) -> Self {
        Self {
            directory,
            dialer,
            settings,
            cache: Cache::new(settings.most_remembered),
        }
    }

    /// What the database says.
    pub fn directory(&self) -> &D {
        &self.directory
    }

    /// How it reaches agents.
    pub fn dialer(&self) -> &L {
        &self.dialer
    }

    /// The constants it runs with.
    pub fn settings(&self) -> &ResolverSettings {
        &self.settings
    }

    /// The agent this workspace is bound to: dialed first by the next call.
    pub fn bound(&self, workspace: Uuid) -> Option<Target> {
        self.cache.bound(workspace)
    }

    /// Binds a workspace that is not connected to an agent, as something else remembers it.
    pub fn bind(&self, workspace: Uuid, target: Target) {
        self.cache.bind(workspace, target);
    }

    /// Lets go of a workspace's connection and remembers its binding, so that the next call
    /// dials anew.
    pub fn release(&self, workspace: Uuid) {
        self.cache.release(workspace);
    }

    /// Reaches the agent that serves `workspace`, until `caller` gives up.
    ///
    /// # Errors
    ///
    /// The outer one is the caller's own reason, unchanged: of what ends at that moment only a
    /// dial that is ready still wins. The inner one is what stood in the way.
    pub async fn connect<R>(
        &self,
        workspace: Uuid,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R> {
        let dial_timeout = self.settings.dial_timeout;
        self.connect_within(workspace, dial_timeout, caller, trace)
            .await
    }

    /// As [`connect`](Self::connect), for a caller who waits less long than the settings do.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn connect_within<R>(
        &self,
        workspace: Uuid,
        dial_timeout: Duration,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R> {
        self.connect_through(&self.dialer, workspace, dial_timeout, caller, trace)
            .await
    }

    /// As [`connect_within`](Self::connect_within), with every dial of this call made by
    /// `dialer` in place of the resolver's own.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn connect_through<R, T>(
        &self,
        dialer: &T,
        workspace: Uuid,
        dial_timeout: Duration,
        caller: impl Future<Output = R>,
        trace: &Trace,
    ) -> Result<Result<Resolved<L::Connection>, Unresolved>, R>
    where
        T: Dialer<Connection = L::Connection>,
    {
        let mut caller = pin!(caller);
        tokio::select! {
            biased;
            resolved = self.resolve(dialer, workspace, dial_timeout, trace) => match resolved {
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
        dial_timeout: Duration,
        trace: &Trace,
    ) -> Result<Resolved<L::Connection>, Unresolved>
    where
        T: Dialer<Connection = L::Connection>,
    {
        // What is asked before the dial has this long all together, so that the dial has all of
        // its own time, and what is asked after it the rest.
        let dial_by = Instant::now() + self.settings.validation_delay;
        let deadline = dial_by + dial_timeout;
        if let Some(hit) = self.cache.hit(workspace)
            && let Some(resolved) = self.recheck(workspace, hit, dial_by, trace).await?
        {
            return Ok(resolved);
        }
        let bound = match self.cache.bound(workspace) {
            Some(bound) => bound,
            None => self.look_up(workspace, dial_by, trace).await?,
        };
        let dialing = dial_with_lazy_validation(
            dialer,
            &bound,
            self.settings.validation_delay,
            || self.validate(workspace),
            trace,
        );
        match timeout(dial_timeout, dialing).await {
            Ok(Ok(dialed)) => Ok(self.remember(workspace, dialed)),
            Ok(Err(Undialed::NoChoice(no_choice))) => {
                self.cache.forget(workspace);
                Err(no_choice.into())
            }
            Ok(Err(Undialed::Dial(error))) => Err(error.into()),
            Err(_passed) if self.is_lost(workspace, deadline, trace).await => {
                Err(Unresolved::Disconnected)
            }
            Err(_passed) => Err(Unresolved::DialTimeout(dial_timeout)),
        }
    }

    /// A connection that is there, if its agent's row does not speak against it. The row is
    /// read anew: the heartbeat it had when we connected makes every agent look lost after
    /// half a minute.
    async fn recheck(
        &self,
        workspace: Uuid,
        hit: Hit<L::Connection>,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<Option<Resolved<L::Connection>>, Unresolved> {
        let question = format!("status of agent {}", hit.target.agent_id);
        let span = trace.ask(Phase::Lookup, question);
        let asked = self.by(deadline, self.directory.agent(hit.target.agent_id));
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
                return Ok(None);
            }
            Err(failure) => {
                span.answer(format!("unknown, so the connection is used: {failure}"));
                Status::Connected
            }
        };
        let gone = match found {
            Status::Connected | Status::Connecting => {
                return Ok(Some(Resolved {
                    connection: hit.connection,
                    target: hit.target,
                    route: Route::Cached,
                }));
            }
            Status::Disconnected => Unresolved::Disconnected,
            Status::Timeout => Unresolved::NeverConnected,
        };
        self.cache.forget_connection(workspace, &hit.connection);
        Err(gone)
    }

    /// The agent to dial when none is bound.
    async fn look_up(
        &self,
        workspace: Uuid,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<Target, Unresolved> {
        let span = trace.ask(Phase::Lookup, "agent of the latest build");
        let asked = self.by(deadline, self.directory.latest(workspace));
        let target = match asked.await {
            Ok(Some(latest)) if !latest.deleted => choose(&latest).map_err(Unresolved::NoChoice),
            Ok(_) => Err(Unresolved::NoWorkspace),
            Err(failure) => Err(Unresolved::Directory(failure)),
        };
        match &target {
            Ok(target) => span.answer(format!("{} ({})", target.agent, target.agent_id)),
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

    /// Of two calls at once on one workspace the second releases its own connection and shares
    /// the first one's.
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

    /// Our own deadline passed while the caller is still there: has the latest agent's row said
    /// disconnected for at least the recovery threshold?
    async fn is_lost(&self, workspace: Uuid, deadline: Instant, trace: &Trace) -> bool {
        let span = trace.ask(
            Phase::Validate,
            "time without a heartbeat of the latest agent",
        );
        let asked = timeout_at(deadline, self.directory.latest(workspace)).await;
        let Ok(Ok(Some(latest))) = asked else {
            span.answer("no answer from the database");
            return false;
        };
        let Ok(Candidate { agent, .. }) = choose_agent(&latest.agents) else {
            span.answer("none");
            return false;
        };
        let status = status(agent, self.settings.inactive_timeout, latest.now);
        let lost = lost_since(agent).filter(|_| status == Status::Disconnected);
        let Some(silent) = lost.map(|lost| latest.now.seconds_since(lost)) else {
            span.answer(status.as_str());
            return false;
        };
        span.answer(format!("disconnected for {silent:.1} s"));
        silent >= self.settings.recovery_threshold.as_secs_f64()
    }

    /// The directory's answer, or a failure once it takes longer than the validation delay.
    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.settings.validation_delay;
        self.by(deadline, asked).await
    }

    /// The directory's answer, or a failure once its time, a validation delay at most, is over.
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
