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
    /// not answer is asked again. Dropping it ends it at once.
    pub async fn wait(
        &self,
        workspace: Uuid,
        limits: &Limits,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Waited {
        let end = Instant::now() + BUILD_LIMIT + DIAL_LIMIT + START_LIMIT;
        let mut stage = Stage::Build;
        let mut deadline = Instant::now() + stage.limit();
        let mut last = None;
        loop {
            let next_look = Instant::now() + POLL;
            match self.verdict(workspace, limits).await {
                Ok(readiness) => {
                    let Some(mut seen) = stage_of(stage, &readiness) else {
                        return Waited::Settled(readiness);
                    };
                    progress(Progress::Seen(seen, &readiness));
                    if seen != stage {
                        (stage, deadline) = (seen, end.min(Instant::now() + seen.limit()));
                    }
                    if seen == Stage::Dial
                        && self
                            .answers(workspace, &readiness, deadline, &mut progress)
                            .await
                    {
                        if readiness.verdict == Verdict::Ready {
                            return Waited::Settled(readiness);
                        }
                        seen = Stage::Start;
                        (stage, deadline) = (seen, end.min(Instant::now() + seen.limit()));
                    }
                    last = Some(readiness);
                }
                Err(failure) => progress(Progress::Unseen(&failure)),
            }
            if Instant::now() >= deadline {
                return Waited::TimedOut { stage, last };
            }
            sleep_until(next_look.min(deadline)).await;
        }
    }

    /// Dials the agent once.
    async fn answers(
        &self,
        workspace: Uuid,
        readiness: &Readiness,
        deadline: Instant,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> bool {
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
        if let Err(unresolved) = &dialed {
            progress(Progress::Unanswered(unresolved));
        }
        dialed.is_ok()
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
