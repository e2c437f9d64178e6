//! Random callers, dials, answers, rebuilds and cancellations, and a reference that checks each
//! call.
//!
//! A failure prints its seed, which reproduces it. To run a single seed, add it to [`SEEDS`].

mod fate;
mod history;
mod judge;
mod trial;

use std::future::pending;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::super::{Resolved, Resolver, ResolverSettings, Trace};
use crate::chance::Chance;
use fate::{CALL, Fate, Opened, number};
use history::{Call, Told};
use trial::{Tally, try_call};

const SEEDS: Range<u64> = 0..10_000;

/// Milliseconds between two actions of a caller.
const PAUSES: [u64; 9] = [0, 0, 1_000, 2_500, 5_000, 10_000, 25_000, 30_000, 35_000];

struct Run {
    fate: Fate,
    resolver: Resolver<Fate, Fate>,
    workspaces: Vec<Uuid>,
    calls: Mutex<Vec<Call>>,
    begun: Mutex<usize>,
}

/// When and how a caller leaves.
#[derive(Clone, Copy)]
enum Patience {
    Endless,
    /// The caller's future completes with an error.
    GivesUp(Duration),
    /// The call's future is dropped, even if it is ready.
    Drops(Duration),
}

impl Run {
    fn new(seed: u64) -> Self {
        let fate = Fate::new(seed);
        let most_remembered = fate.draw(|it| it.pick(&[1, 1, 2, 20]));
        let count = fate.draw(|it| it.pick(&[1, 1, 2, 3]));
        let workspaces: Vec<_> = (0..count).map(Uuid::from_u128).collect();
        workspaces.iter().for_each(|it| fate.strike(*it));
        let settings = ResolverSettings {
            most_remembered,
            ..ResolverSettings::default()
        };
        Self {
            resolver: Resolver::new(fate.clone(), fate.clone(), settings),
            fate,
            workspaces,
            calls: Mutex::default(),
            begun: Mutex::default(),
        }
    }

    async fn pause(&self) {
        let millis = self.fate.draw(|it| it.pick(&PAUSES));
        sleep(Duration::from_millis(millis)).await;
    }

    fn any_workspace(&self) -> Uuid {
        self.fate.draw(|it| it.pick(&self.workspaces))
    }

    /// Applies random events to the workspaces.
    async fn strike(self: Arc<Self>) {
        for _ in 0..self.fate.draw(|it| it.below(8)) {
            self.pause().await;
            self.fate.strike(self.any_workspace());
        }
    }

    /// One caller: calls, holds the connection for a while, releases it, and calls again.
    async fn visit(self: Arc<Self>) {
        for _ in 0..self.fate.draw(|it| 1 + it.below(4)) {
            self.pause().await;
            let workspace = self.any_workspace();
            match self.fate.draw(|it| it.below(12)) {
                0 => self.resolver.release(workspace),
                1 => {
                    if let Some(target) = self.fate.any_target() {
                        self.resolver.bind(workspace, target);
                    }
                }
                _ => {}
            }
            let held = self.call(workspace).await;
            self.pause().await;
            drop(held);
        }
    }

    async fn call(&self, workspace: Uuid) -> Option<Arc<Opened>> {
        let id = {
            let mut begun = self.begun.lock().unwrap();
            *begun += 1;
            *begun
        };
        let patience = self.fate.draw(patience);
        let bound = || {
            let bound = self.resolver.bound(workspace);
            bound.map(|it| number(it.agent_id))
        };
        let (began, bound_before) = (self.fate.elapsed(), bound());
        let (told, held) = CALL.scope(id, self.told(id, workspace, patience)).await;
        let call = Call {
            id,
            began,
            ended: self.fate.elapsed(),
            bound_before,
            bound_after: bound(),
            gives_up_at: match patience {
                Patience::Endless => None,
                Patience::GivesUp(after) | Patience::Drops(after) => Some(began + after),
            },
            told,
        };
        self.calls.lock().unwrap().push(call);
        held
    }

    async fn told(
        &self,
        id: usize,
        workspace: Uuid,
        patience: Patience,
    ) -> (Told, Option<Arc<Opened>>) {
        let trace = Trace::default();
        let caller = async {
            match patience {
                Patience::GivesUp(after) => sleep(after).await,
                _ => pending().await,
            }
            id
        };
        let dropped = async {
            match patience {
                Patience::Drops(after) => sleep(after).await,
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = dropped => (Told::Dropped, None),
            resolved = self.resolver.connect(workspace, caller, &trace) => match resolved {
                Ok(Ok(resolved)) => told_of(resolved),
                Ok(Err(unresolved)) => (Told::Unresolved(unresolved), None),
                Err(reason) => (Told::GaveUp(reason), None),
            }
        }
    }
}

fn patience(chance: &mut Chance) -> Patience {
    let after = chance.pick(&[500, 1_000, 4_999, 5_000, 6_000, 10_000, 30_000, 32_000]);
    let after = Duration::from_millis(after);
    match chance.below(10) {
        0..7 => Patience::Endless,
        7 => Patience::Drops(after),
        _ => Patience::GivesUp(after),
    }
}

fn told_of(resolved: Resolved<Opened>) -> (Told, Option<Arc<Opened>>) {
    let connection = resolved.connection;
    let told = Told::Resolved {
        route: resolved.route,
        agent: number(resolved.target.agent_id),
        connection: connection.number,
    };
    assert_eq!(connection.agent, number(resolved.target.agent_id));
    (told, Some(connection))
}

/// Runs one random history and returns the first violation.
async fn story(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let run = Arc::new(Run::new(seed));
    let mut tasks = vec![tokio::spawn(run.clone().strike())];
    for _ in 0..run.fate.draw(|it| 1 + it.below(4)) {
        tasks.push(tokio::spawn(run.clone().visit()));
    }
    for task in tasks {
        task.await.map_err(|error| error.to_string())?;
    }
    // What arrives late finds no caller; what is left is what the resolver remembers.
    sleep(Duration::from_secs(60)).await;
    let most = run.resolver.settings().most_remembered;
    let run = Arc::into_inner(run).ok_or("somebody still has the resolver")?;
    let kept = count(&run.fate, 0);
    drop(run.resolver);
    if kept > most || count(&run.fate, 1) != run.fate.released().len() {
        return Err(format!(
            "{kept} kept of {most}, then {:?}",
            run.fate.released()
        ));
    }
    let (events, released) = (run.fate.events(), run.fate.released());
    for call in run.calls.into_inner().unwrap_or_default() {
        let own: Vec<_> = events
            .iter()
            .filter(|it| it.call == call.id)
            .cloned()
            .collect();
        let label = try_call(&call, &own, &released)
            .map_err(|wrong| format!("{wrong}\n{call:#?}\n{own:#?}"))?;
        *tally.entry(label).or_default() += 1;
    }
    Ok(())
}

/// The number of connections that were released this many times.
fn count(fate: &Fate, times: usize) -> usize {
    fate.released()
        .iter()
        .filter(|it| it.len() == times)
        .count()
}

#[test]
fn whatever_happens_every_call_keeps_the_rules_and_nothing_leaks() {
    let mut tally = Tally::new();
    for seed in SEEDS {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        if let Err(wrong) = runtime.unwrap().block_on(story(seed, &mut tally)) {
            panic!("seed {seed}: {wrong}");
        }
    }
    // A rule that is never put to the test proves nothing.
    const WAYS: [&str; 13] = [
        "ambiguous",
        "cached",
        "dial_error",
        "dial_timeout",
        "disconnected",
        "dropped",
        "exporter_error",
        "gave_up",
        "never_connected",
        "no_agent",
        "ok",
        "shared",
        "switched",
    ];
    for way in WAYS {
        let times = tally.get(way).copied().unwrap_or(0);
        assert!(times >= 50, "only {times} calls ended {way}: {tally:?}");
    }
    assert_eq!(tally.len(), WAYS.len(), "{tally:?}");
}
