//! Waiting until a workspace can be used (`docs/spec/resolver.md#readiness`).

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

/// Between two looks, and between two dials.
pub(super) const POLL: Duration = Duration::from_secs(2);
/// A build may take this long.
pub(super) const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
/// An agent may take this long to answer, from the end of the build.
pub(super) const DIAL_LIMIT: Duration = Duration::from_secs(2 * 60);
/// One dial may take this long: another is not far.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// An agent may take this long to come up, from its first answer.
pub(super) const START_LIMIT: Duration = Duration::from_secs(10 * 60);

/// All stages together may take this long, however often the workspace is built again meanwhile.
pub(super) const WHOLE_LIMIT: Duration =
    Duration::from_secs(BUILD_LIMIT.as_secs() + DIAL_LIMIT.as_secs() + START_LIMIT.as_secs());

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The build's end.
    Build,
    /// The agent's answer.
    Dial,
    /// The end of the agent's startup script.
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

/// What is known while waiting.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The workspace was looked at.
    Seen(Stage, &'a Readiness),
    /// The database did not say; it is asked again.
    Unseen(&'a Failure),
    /// The agent was dialed and did not answer; it is dialed again.
    Unanswered(&'a Unresolved),
}

/// How the waiting ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The workspace has come to a state that more waiting does not change, `ready` above all.
    Settled(Readiness),
    /// A stage took longer than it may.
    TimedOut {
        /// What was waited for.
        stage: Stage,
        /// What was seen last; `None` when the database never said.
        last: Option<Readiness>,
        /// Why the agent did not answer when it was last dialed; `None` when it was not dialed, or
        /// answered.
        unanswered: Option<Unresolved>,
    },
}

impl<D: Directory, L: Dialer> Resolver<D, L> {
    /// What is the state of this workspace?
    ///
    /// # Errors
    ///
    /// When the database does not say.
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

/// The stage a workspace is in, if one is to be waited for; `reached` is the one before.
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
