//! One round: choose, resolve, look again, record; each workspace as its dial ends.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::wall_clock;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::probed::{Probed, ProbedAgent, Story, StoryStep};
use crate::fleet::probe::scheduler::{InScope, ProbeCandidate, candidates};
use crate::fleet::probe::scope::SkipReason;
use crate::log_dedup::Subject;
use crate::log_output::say;
use crate::resolver::{Dialer, Resolved, Trace, Unresolved, choose_agent, outcome};

use super::gate::{Reach, ScopedDialer};
use super::source::Source;
use super::{Probe, Shared};

/// The result for one workspace.
pub(super) enum Tried {
    /// It has an outcome.
    Probed(Box<Probed>),
    /// It is out of scope: there was no dial and there is no outcome.
    Skipped(SkipReason),
}

impl<L: Dialer, S: Source> Probe<L, S> {
    /// Makes one round. What goes wrong in it is counted and logged. Where what dials does not
    /// work, there is no round: it would say nothing of any agent.
    pub async fn round(&self) {
        if let Err(failure) = self.shared.resolver.dialer().check_up().await {
            return self.note_trouble(Some(&failure));
        }
        let began = Instant::now();
        let (in_scope, chosen) = match self.begin().await {
            Ok(begun) => begun,
            Err(failure) => return self.give_up(&failure, began.elapsed()),
        };
        let uptime = self.shared.began.elapsed();
        self.lock().probes.begin_round(in_scope, uptime);
        let trouble = self.probe_all(chosen).await;
        self.lock().probes.end_round(wall_clock());
        self.note_trouble(trouble.as_ref());
    }

    /// Returns the workspaces in scope, and the current rows of the chosen ones.
    async fn begin(&self) -> Result<(HashSet<Uuid>, Vec<WorkspaceAt>), Failure> {
        let candidates = self.candidates().await?;
        let in_scope: HashSet<_> = candidates
            .iter()
            .filter(|it| it.in_scope == InScope::Yes)
            .map(|it| it.workspace)
            .collect();
        let chosen = {
            let sample = self.shared.settings.pace().sample_of(in_scope.len());
            self.lock().scheduler.choose(&candidates, sample)
        };
        let mut latest = self.shared.questions.begin(chosen.clone()).await?;
        let chosen: Vec<_> = chosen
            .into_iter()
            .filter_map(|workspace| latest.remove(&workspace))
            .collect();
        Ok((in_scope, chosen))
    }

    /// The running workspaces, and whether each one is in scope.
    async fn candidates(&self) -> Result<Vec<ProbeCandidate>, Failure> {
        let Shared {
            source,
            resolver,
            gate,
            ..
        } = &*self.shared;
        let deadline = Instant::now() + self.shared.settings.collect_timeout;
        let collection = source.fleet(deadline).await;
        let fleet = collection.fleet.as_ref().map_err(Clone::clone)?;
        if fleet.agents.is_none() {
            let message = "the agents collector is off or failed, so no workspace can be chosen";
            return Err(Failure::new(ErrorKind::Query, message));
        }
        gate.begin_round(fleet.heartbeat_lead_seconds());
        let stale = match source.stale_bindings().await {
            Ok(stale) => stale,
            Err(failure) => {
                // Where this stays so, the bindings collector says it.
                tracing::debug!(error = %failure, "stale bindings cannot be read; the round does not prefer them");
                HashMap::new()
            }
        };
        let mut candidates = candidates(
            fleet,
            |workspace| stale.contains_key(&workspace),
            |agent, status| gate.is_in_scope(agent, status),
        );
        for (workspace, target) in stale {
            resolver.bind(workspace, target);
        }
        self.settle_scopes(&mut candidates).await;
        Ok(candidates)
    }

    /// Decides the scope of workspaces with agents of both kinds, in and out of scope. One query
    /// finds the agents that serve these workspaces.
    async fn settle_scopes(&self, candidates: &mut [ProbeCandidate]) {
        let is_open = |it: &&mut ProbeCandidate| it.in_scope == InScope::SomeAgents;
        let mut open: Vec<_> = candidates.iter_mut().filter(is_open).collect();
        if open.is_empty() {
            return;
        }
        let workspaces: Vec<_> = open.iter().map(|it| it.workspace).collect();
        let latest = self.shared.source.latest_of(&workspaces).await;
        let latest = latest.unwrap_or_else(|failure| {
            tracing::debug!(error = %failure, "the agents of some workspaces cannot be read; the round skips workspaces with several agents");
            HashMap::new()
        });
        for candidate in &mut open {
            let latest = latest.get(&candidate.workspace);
            let is_in_scope = latest.is_some_and(|latest| self.is_chosen_agent_in_scope(latest));
            candidate.in_scope = if is_in_scope {
                InScope::Yes
            } else {
                InScope::No
            };
        }
    }

    fn is_chosen_agent_in_scope(&self, latest: &WorkspaceAt) -> bool {
        // Without an agent to choose the outcome needs no dial.
        choose_agent(&latest.agents).map_or(true, |chosen| {
            let gate = &self.shared.gate;
            gate.is_in_scope(chosen.agent.id, gate.status(&chosen.agent, latest.now))
        })
    }

    /// Resolves them, some at a time, and records each as it ends; ends early when the exporter
    /// itself is at fault. Comes back with the first trouble of our own.
    async fn probe_all(&self, chosen: Vec<WorkspaceAt>) -> Option<Failure> {
        let dials = chosen.into_iter().map(|latest| async move {
            let _place = self.shared.places.acquire().await;
            let (tried, fails_everywhere) = self.probe_one(&latest).await;
            (latest.workspace_id, tried, fails_everywhere)
        });
        let mut dials = stream::iter(dials).buffer_unordered(self.shared.settings.concurrency);
        // Rows are read again while others are dialed.
        let mut doubted = FuturesUnordered::new();
        let mut trouble = None;
        loop {
            let (workspace, tried, fails_everywhere) = tokio::select! {
                Some(one) = doubted.next(), if !doubted.is_empty() => {
                    self.record(one);
                    continue;
                }
                dialed = dials.next() => match dialed {
                    Some(dialed) => dialed,
                    None => break,
                },
            };
            self.lock().scheduler.reached(workspace);
            match tried {
                Tried::Probed(one) if one.contradiction().is_some() => {
                    doubted.push(self.look_again(*one, Instant::now()));
                }
                Tried::Probed(one) => {
                    trouble = trouble.or_else(|| trouble_of(&one));
                    self.record(*one);
                }
                Tried::Skipped(reason) => {
                    tracing::debug!(%workspace, reason = reason.as_str(), "not dialed");
                }
            }
            if fails_everywhere {
                // Said once a round: the others would fail alike, and no agent is to blame.
                break;
            }
        }
        while let Some(one) = doubted.next().await {
            self.record(one);
        }
        trouble
    }

    /// The result for one workspace, and whether the same failure would affect every workspace.
    async fn probe_one(&self, latest: &WorkspaceAt) -> (Tried, bool) {
        let resolver = &self.shared.resolver;
        let trace = Trace::default();
        let never = std::future::pending::<std::convert::Infallible>();
        let dialer = self.dialer(Reach::InScope);
        let dial_limit = resolver.dial_limit();
        let workspace = latest.workspace_id;
        let connecting = resolver.connect_through(&dialer, workspace, dial_limit, never, &trace);
        // One that panics costs itself, and has had its turn: the others are not to wait for it.
        let result = match AssertUnwindSafe(connecting).catch_unwind().await {
            Ok(Ok(result)) => result,
            Ok(Err(never)) => match never {},
            Err(_) => {
                let message = "the probe panicked; this is a bug in the exporter".into();
                let outcome = ProbeOutcome::ExporterError;
                let probed = self.of(latest, None, outcome, message, &trace);
                return (Tried::Probed(Box::new(probed)), false);
            }
        };
        resolver.release(workspace);
        let fails_everywhere = result.as_ref().is_err_and(Unresolved::is_everywhere);
        (self.tried(latest, &result, &trace), fails_everywhere)
    }

    /// A dialer for one call.
    pub(super) fn dialer(&self, reach: Reach) -> ScopedDialer<'_, S, L> {
        ScopedDialer {
            gate: &self.shared.gate,
            directory: &self.shared.questions,
            dialer: self.shared.resolver.dialer(),
            reach,
        }
    }

    /// Converts a result for the record.
    pub(super) fn tried(
        &self,
        latest: &WorkspaceAt,
        result: &Result<Resolved<L::Connection>, Unresolved>,
        trace: &Trace,
    ) -> Tried {
        let outcome = match outcome(result) {
            Ok(outcome) => outcome,
            Err(reason) => return Tried::Skipped(reason),
        };
        let message = match result {
            Ok(resolved) => format!("agent {} answered", resolved.target.agent),
            Err(unresolved) => unresolved.to_string(),
        };
        let reached = result.as_ref().ok().map(|it| it.target.agent_id);
        let probed = self.of(latest, reached, outcome, message, trace);
        let trouble = result.as_ref().err().and_then(Unresolved::kind);
        Tried::Probed(Box::new(Probed { trouble, ..probed }))
    }

    /// The record of a workspace, with the agent that was reached if there is one.
    pub(super) fn of(
        &self,
        latest: &WorkspaceAt,
        reached: Option<Uuid>,
        outcome: ProbeOutcome,
        message: String,
        trace: &Trace,
    ) -> Probed {
        Probed {
            number: 0,
            at: wall_clock(),
            workspace_id: latest.workspace_id,
            owner: latest.owner.clone(),
            workspace: latest.workspace.clone(),
            agent: self.agent_of(latest, reached),
            outcome,
            trouble: None,
            duration: trace.elapsed(),
            message,
            story: story(trace),
        }
    }

    /// The reached agent, or else the chosen one, with its row.
    pub(super) fn agent_of(
        &self,
        latest: &WorkspaceAt,
        reached: Option<Uuid>,
    ) -> Option<ProbedAgent> {
        let is_reached = |id| reached.is_none_or(|reached| reached == id);
        let chosen = choose_agent(&latest.agents).ok();
        let chosen = chosen.filter(|it| is_reached(it.agent.id)).or_else(|| {
            let mut others = latest.agents.iter();
            others.find(|it| Some(it.agent.id) == reached)
        })?;
        let limits = &self.shared.settings.limits;
        Some(ProbedAgent::of(&chosen.agent, limits, latest.now))
    }

    /// A row was read up to a minute before its agent was dialed. One that contradicts the dial,
    /// which ended at `ended`, is read once more: what has been true by turns is no contradiction.
    async fn look_again(&self, probed: Probed, ended: Instant) -> Probed {
        let questions = &self.shared.questions;
        let latest = questions.latest_after(probed.workspace_id, ended).await;
        let reached = probed.agent.as_ref().map(|agent| agent.id);
        // Rows that cannot be read again accuse no agent.
        let latest = latest.ok().flatten();
        let agent = latest.and_then(|latest| self.agent_of(&latest, reached));
        Probed { agent, ..probed }
    }

    fn record(&self, probed: Probed) {
        let uptime = self.shared.began.elapsed();
        self.lock().probes.count(probed, uptime);
    }

    /// Logs what kept us from asking, once until it changes; `None`: nothing does.
    fn note_trouble(&self, trouble: Option<&Failure>) {
        let uptime = self.shared.began.elapsed();
        let line = {
            let mut record = self.lock();
            match trouble {
                Some(trouble) => Some(record.log.failed(Subject::Probe, trouble, uptime)),
                None => record.log.works(Subject::Probe, uptime),
            }
        };
        line.iter().for_each(say);
    }

    /// Handles a panic of a round. Its workspaces count as not probed and keep their turn.
    pub(super) fn broke(&self) {
        let message = "the probe round panicked; this is a bug in the exporter. The next round \
                       starts on schedule";
        self.give_up(&Failure::new(ErrorKind::Query, message), Duration::ZERO);
    }

    /// Handles a failure to read the fleet.
    fn give_up(&self, failure: &Failure, duration: Duration) {
        self.lock().probes.count_unasked(duration);
        self.note_trouble(Some(failure));
    }
}

/// What kept us from asking about an agent.
fn trouble_of(probed: &Probed) -> Option<Failure> {
    let is_ours = probed.outcome == ProbeOutcome::ExporterError;
    let kind = probed.trouble.unwrap_or(ErrorKind::Query);
    is_ours.then(|| Failure::new(kind, probed.message.clone()))
}

/// The steps of a trace, for the history.
pub(super) fn story(trace: &Trace) -> Story {
    let steps = trace.steps().into_iter();
    let steps = steps.map(|it| StoryStep {
        at: it.at,
        phase: it.phase.as_str(),
        text: it.text.into(),
    });
    Story {
        steps: steps.collect(),
        phases: trace
            .phases()
            .map(|(it, took)| (it.as_str(), took))
            .collect(),
    }
}
