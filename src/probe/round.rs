//! One round: choose, resolve, look again, record.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::Instant;
use uuid::Uuid;

use super::Probe;
use crate::clock::wall_clock;
use crate::fleet::latest::Latest;
use crate::fleet::named::Variants;
use crate::fleet::outcome::ProbeOutcome;
use crate::fleet::pass::{ErrorKind, Failure};
use crate::fleet::probed::{Probed, ProbedAgent, Story, StoryStep};
use crate::fleet::rota::{Standing, standings};
use crate::log_lines::say;
use crate::logfold::Subject;
use crate::resolver::{Dialer, Resolved, Trace, Unresolved, choose_agent, outcome};

impl<L: Dialer> Probe<L> {
    /// Makes one round. What goes wrong in it is counted, not told.
    pub async fn round(&self) {
        let began = Instant::now();
        let (running, mut probed) = match self.begin().await {
            Ok((running, chosen)) => (running, self.probe_all(chosen).await),
            Err(failure) => return self.give_up(&failure, began.elapsed()),
        };
        self.look_again(&mut probed).await;
        self.record(running, probed);
    }

    /// Who is running, and who has their turn, as they are now.
    async fn begin(&self) -> Result<(HashSet<Uuid>, Vec<Latest>), Failure> {
        let resolver = &self.shared.resolver;
        let standings = self.standings().await?;
        let chosen = {
            let sample = self.shared.settings.sample;
            self.lock().rota.choose(&standings, sample)
        };
        let mut latest = resolver.directory().begin(chosen.clone()).await?;
        let chosen: Vec<_> = chosen
            .into_iter()
            .filter_map(|workspace| latest.remove(&workspace))
            .collect();
        let running = standings.iter().map(|it| it.workspace).collect();
        Ok((running, chosen))
    }

    async fn standings(&self) -> Result<Vec<Standing>, Failure> {
        let resolver = &self.shared.resolver;
        let deadline = Instant::now() + self.shared.settings.collect_timeout;
        let pass = self.shared.collect.pass(deadline).await;
        let fleet = pass.fleet.as_ref().map_err(Clone::clone)?;
        if fleet.agents.is_none() {
            let message = "the agents collector is off or failed, so nobody can be chosen";
            return Err(Failure::new(ErrorKind::Query, message));
        }
        let stale = match resolver.directory().stale_bindings().await {
            Ok(stale) => stale,
            Err(failure) => {
                // Where this stays so, the bindings collector says it.
                tracing::debug!(error = %failure, "the probe does without stale bindings");
                HashMap::new()
            }
        };
        let standings = standings(fleet, |workspace| stale.contains_key(&workspace));
        for (workspace, target) in stale {
            resolver.bind(workspace, target);
        }
        Ok(standings)
    }

    /// Resolves them, some at a time; ends early when the exporter itself is at fault.
    async fn probe_all(&self, chosen: Vec<Latest>) -> Vec<Probed> {
        let mut probed = Vec::with_capacity(chosen.len());
        let dials = chosen.into_iter().map(|latest| async move {
            let _place = self.shared.places.acquire().await;
            self.probe_one(&latest).await
        });
        let mut dials = stream::iter(dials).buffer_unordered(self.shared.settings.concurrency);
        while let Some((one, fails_everywhere)) = dials.next().await {
            probed.push(one);
            if fails_everywhere {
                // Said once a round: the others would fail alike, and no agent is to blame.
                break;
            }
        }
        probed
    }

    /// What came of it, and whether it would be the same with every other workspace.
    async fn probe_one(&self, latest: &Latest) -> (Probed, bool) {
        let resolver = &self.shared.resolver;
        let trace = Trace::default();
        let never = std::future::pending::<std::convert::Infallible>();
        let connecting = resolver.connect(latest.workspace_id, never, &trace);
        // One that panics costs itself, and has had its turn: the others are not to wait for it.
        let result = match AssertUnwindSafe(connecting).catch_unwind().await {
            Ok(Ok(result)) => result,
            Ok(Err(never)) => match never {},
            Err(_) => {
                let message = "the probe panicked, which is a mistake in this exporter".into();
                let outcome = ProbeOutcome::ExporterError;
                return (self.of(latest, None, outcome, message, &trace), false);
            }
        };
        resolver.release(latest.workspace_id);
        let fails_everywhere = result.as_ref().is_err_and(Unresolved::is_everywhere);
        let probed = self.probed(latest, &result, &trace);
        (probed, fails_everywhere)
    }

    /// What is recorded of this result.
    pub(super) fn probed(
        &self,
        latest: &Latest,
        result: &Result<Resolved<L::Connection>, Unresolved>,
        trace: &Trace,
    ) -> Probed {
        let message = match result {
            Ok(resolved) => format!("agent {} answered", resolved.target.agent),
            Err(unresolved) => unresolved.to_string(),
        };
        let reached = result.as_ref().ok().map(|it| it.target.agent_id);
        let probed = self.of(latest, reached, outcome(result), message, trace);
        let trouble = result.as_ref().err().and_then(Unresolved::kind);
        Probed { trouble, ..probed }
    }

    /// What is recorded of a workspace whose agent was `reached`, or none.
    pub(super) fn of(
        &self,
        latest: &Latest,
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

    /// The agent that was reached, else the one that should have been, as its row is.
    fn agent_of(&self, latest: &Latest, reached: Option<Uuid>) -> Option<ProbedAgent> {
        let is_reached = |id| reached.is_none_or(|reached| reached == id);
        let chosen = choose_agent(&latest.agents).ok();
        let chosen = chosen.filter(|it| is_reached(it.agent.id)).or_else(|| {
            let mut others = latest.agents.iter();
            others.find(|it| Some(it.agent.id) == reached)
        })?;
        let limits = &self.shared.settings.limits;
        Some(ProbedAgent::of(&chosen.agent, limits, latest.now))
    }

    /// A row was read up to a minute before its agent was dialed. Those that contradict each
    /// other are read once more: what has been true by turns is no contradiction.
    async fn look_again(&self, probed: &mut [Probed]) {
        let at_odds: Vec<_> = probed
            .iter()
            .filter(|it| it.contradiction().is_some())
            .map(|it| it.workspace_id)
            .collect();
        if at_odds.is_empty() {
            return;
        }
        let latest = self.shared.resolver.directory().latest_of(&at_odds).await;
        for it in probed.iter_mut().filter(|it| it.contradiction().is_some()) {
            let now = latest
                .as_ref()
                .ok()
                .and_then(|latest| latest.get(&it.workspace_id));
            let reached = it.agent.as_ref().map(|agent| agent.id);
            // Rows that cannot be read again accuse nobody.
            it.agent = now.and_then(|latest| self.agent_of(latest, reached));
        }
    }

    fn record(&self, running: HashSet<Uuid>, probed: Vec<Probed>) {
        let uptime = self.shared.began.elapsed();
        let ours = probed
            .iter()
            .find(|it| it.outcome == ProbeOutcome::ExporterError);
        let trouble = ours.map(|it| {
            let kind = it.trouble.unwrap_or(ErrorKind::Query);
            Failure::new(kind, it.message.clone())
        });
        let line = {
            let mut record = self.lock();
            for one in probed {
                record.rota.reached(one.workspace_id);
                record.probes.count(one, uptime);
            }
            record.probes.end_round(running, uptime, wall_clock());
            match trouble {
                Some(trouble) => Some(record.log.failed(Subject::Probe, &trouble, uptime)),
                None => record.log.works(Subject::Probe, uptime),
            }
        };
        line.iter().for_each(say);
    }

    /// A round panicked. Who was dialed in it keeps their turn.
    pub(super) fn broke(&self) {
        let message = "a round of probes panicked, which is a mistake in this exporter; the next \
                       begins when it is due";
        self.give_up(&Failure::new(ErrorKind::Query, message), Duration::ZERO);
    }

    /// The fleet itself could not be read.
    fn give_up(&self, failure: &Failure, duration: Duration) {
        let line = {
            let mut record = self.lock();
            record.probes.count_unasked(duration);
            let uptime = self.shared.began.elapsed();
            record.log.failed(Subject::Probe, failure, uptime)
        };
        say(&line);
    }
}

/// What the trace tells, to be remembered.
fn story(trace: &Trace) -> Story {
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
