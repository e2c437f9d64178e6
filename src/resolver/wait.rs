//! Waits until a workspace is ready (`docs/spec/resolver.md#readiness`).

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::rules::health::Limits;

use super::connect::Resolver;
use super::parts::{Dialer, Directory};
use super::result::Unresolved;
use super::trace::Trace;
use super::verdict::{Readiness, Verdict, verdict};

/// Interval of queries, and of dials.
pub(super) const POLL: Duration = Duration::from_secs(2);
/// Timeout of a build.
pub(super) const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Timeout for the agent's first answer, counted from the end of the build.
pub(super) const DIAL_LIMIT: Duration = Duration::from_secs(2 * 60);
/// Timeout of one dial. It is short, because another dial follows.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of the startup script, counted from the agent's first answer.
pub(super) const START_LIMIT: Duration = Duration::from_secs(10 * 60);

/// All stages together may take this long, however often the workspace is built again meanwhile.
pub(super) const WHOLE_LIMIT: Duration =
    Duration::from_secs(BUILD_LIMIT.as_secs() + DIAL_LIMIT.as_secs() + START_LIMIT.as_secs());

/// A stage of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waits until the latest build has ended.
    Build,
    /// Waits until the agent answers a dial.
    Dial,
    /// Waits until the agent's startup script has ended.
    Start,
}

impl Stage {
    fn limit(self) -> Duration {
        match self {
            Self::Build => BUILD_LIMIT,
            Self::Dial => DIAL_LIMIT,
            Self::Start => START_LIMIT,
        }
    }
}

/// Progress of the wait.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The workspace was read.
    Seen(Stage, &'a Readiness),
    /// The query failed, and is repeated.
    Unseen(&'a Failure),
    /// The agent was dialed and did not answer. The dial is repeated.
    Unanswered(&'a Unresolved),
}

/// The result of the wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The workspace has a final state, such as `ready`.
    Settled(Readiness),
    /// A stage exceeded its timeout.
    TimedOut {
        /// The stage that timed out.
        stage: Stage,
        /// The last known state; `None` if the database never answered.
        last: Option<Readiness>,
        /// Why the agent did not answer when it was last dialed; `None` when it was not dialed, or
        /// answered.
        unanswered: Option<Unresolved>,
    },
}

impl<D: Directory, L: Dialer> Resolver<D, L> {
    /// The current state of this workspace.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn verdict(&self, workspace: Uuid, limits: &Limits) -> Result<Readiness, Failure> {
        let latest = self.in_time(self.directory().latest(workspace)).await?;
        Ok(verdict(latest.as_ref(), limits))
    }

    /// Waits until the workspace can be used, or never will: for its build, then until its
    /// agent answers, then for its startup script. Each stage has its limit, and all together
    /// have the sum, however often the workspace is built anew meanwhile. A database that does
    /// not answer is asked again. `at_most` is a limit on all of it. Dropping it ends it at once.
    pub async fn wait(
        &self,
        workspace: Uuid,
        limits: &Limits,
        at_most: Duration,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Waited {
        let end = Instant::now() + at_most.min(WHOLE_LIMIT);
        let mut stage = Stage::Build;
        let mut deadline = end.min(Instant::now() + stage.limit());
        let mut last = None;
        let mut unanswered = None;
        loop {
            let next_look = Instant::now() + POLL;
            match self.look(workspace, limits).await {
                Ok(readiness) => {
                    let Some(mut seen) = stage_of(stage, &readiness) else {
                        return Waited::Settled(readiness);
                    };
                    progress(Progress::Seen(seen, &readiness));
                    if seen != stage {
                        (stage, deadline) = (seen, end.min(Instant::now() + seen.limit()));
                    }
                    if seen == Stage::Dial && Instant::now() < deadline {
                        unanswered = self.dial_once(workspace, &readiness, deadline).await;
                        if let Some(unresolved) = &unanswered {
                            progress(Progress::Unanswered(unresolved));
                        } else if readiness.verdict == Verdict::Ready {
                            return Waited::Settled(readiness);
                        } else {
                            seen = Stage::Start;
                            (stage, deadline) = (seen, end.min(Instant::now() + seen.limit()));
                        }
                    }
                    last = Some(readiness);
                }
                Err(failure) => progress(Progress::Unseen(&failure)),
            }
            if Instant::now() >= deadline {
                return Waited::TimedOut {
                    stage,
                    last,
                    unanswered,
                };
            }
            sleep_until(next_look.min(deadline)).await;
        }
    }

    /// The verdict; a stopped workspace that is about to be started is still being built.
    async fn look(&self, workspace: Uuid, limits: &Limits) -> Result<Readiness, Failure> {
        let mut readiness = self.verdict(workspace, limits).await?;
        if readiness.verdict == Verdict::Stopped
            && self
                .in_time(self.directory().is_start_queued(workspace))
                .await?
        {
            readiness.verdict = Verdict::Building;
            readiness.detail.push_str("; a start is queued");
        }
        Ok(readiness)
    }

    /// Dials the agent once: why it did not answer, if it did not.
    async fn dial_once(
        &self,
        workspace: Uuid,
        readiness: &Readiness,
        deadline: Instant,
    ) -> Option<Unresolved> {
        if let Some((target, _)) = &readiness.agent {
            self.release(workspace);
            self.bind(workspace, target.clone());
        }
        let allowed = deadline.saturating_duration_since(Instant::now());
        let timeout = ATTEMPT_TIMEOUT.min(allowed);
        let trace = Trace::default();
        let dialed = self
            .resolve(self.dialer(), workspace, timeout, &trace)
            .await;
        self.release(workspace);
        dialed.err()
    }
}

/// The stage of a workspace in this state; `None` if the state is final. `reached` is the stage
/// before.
fn stage_of(reached: Stage, readiness: &Readiness) -> Option<Stage> {
    match readiness.verdict {
        Verdict::Building => Some(Stage::Build),
        Verdict::Stopped
        | Verdict::Gone
        | Verdict::NoAgent
        | Verdict::Ambiguous
        | Verdict::ShutDown
        | Verdict::StartFailed => None,
        // It has answered, and its script has ended since.
        Verdict::Ready if reached == Stage::Start => None,
        Verdict::Starting if reached == Stage::Start => Some(Stage::Start),
        // Whatever its row says, what counts is whether it answers.
        Verdict::Ready | Verdict::Starting | Verdict::Connecting | Verdict::Unreachable => {
            Some(Stage::Dial)
        }
    }
}
