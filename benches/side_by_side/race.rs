//! Everybody at one fleet, one after the other, round after round.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::answer::Answer;
use crate::contestants::{Contestant, Kind, Place};
use crate::process;
use crate::progress;
use crate::relay::{Relay, Sort};
use crate::server::Server;
use crate::shapes::Shape;
use crate::statistics::Spread;
use crate::wire::Tally;

/// What became of one contestant.
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    /// Why it is out of the race.
    pub(crate) out: Option<String>,
    pub(crate) times: Option<Spread>,
    /// Processor time of one round, of its own process and of Postgres.
    pub(crate) own_processor: Duration,
    pub(crate) server_processor: Duration,
    pub(crate) peak_memory_bytes: u64,
    pub(crate) page_bytes: Option<u64>,
    /// Agents and apps it counted, where it told.
    pub(crate) counted: Option<(u64, u64)>,
    /// What went over the wire in one more round. `None` where a relay is in the way already.
    pub(crate) wire: Option<Tally>,
}

impl Outcome {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            out: None,
            times: None,
            own_processor: Duration::ZERO,
            server_processor: Duration::ZERO,
            peak_memory_bytes: 0,
            page_bytes: None,
            counted: None,
            wire: None,
        }
    }

    /// In seconds; `None` for one that is out.
    pub(crate) fn median(&self) -> Option<f64> {
        let times = self.times.as_ref().filter(|_| self.out.is_none());
        times.map(Spread::median)
    }
}

/// What became of all of them at one fleet.
pub(crate) struct Race {
    pub(crate) shape: Shape,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Race {
    pub(crate) fn outcome(&self, kind: Kind) -> Option<&Outcome> {
        self.outcomes.iter().find(|it| it.kind == kind)
    }

    pub(crate) fn median(&self, kind: Kind) -> Option<f64> {
        self.outcome(kind).and_then(Outcome::median)
    }

    /// Processor time of Postgres, in seconds; `None` for one that is out.
    pub(crate) fn server_seconds(&self, kind: Kind) -> Option<f64> {
        let outcome = self.outcome(kind).filter(|it| it.out.is_none())?;
        Some(outcome.server_processor.as_secs_f64())
    }
}

struct Runner {
    contestant: Option<Box<dyn Contestant>>,
    times: Vec<Duration>,
    outcome: Outcome,
}

impl Runner {
    fn start(kind: Kind, place: Place<'_>) -> Self {
        let mut outcome = Outcome::new(kind);
        let contestant = kind.start(place);
        outcome.out = contestant.as_ref().err().map(|error| format!("{error:#}"));
        Self {
            contestant: contestant.ok(),
            times: Vec::new(),
            outcome,
        }
    }

    fn answer(&mut self) -> Option<Answer> {
        let contestant = self.contestant.as_mut()?;
        match contestant.answer() {
            Ok(answer) => answer,
            Err(error) => {
                self.leave(format!("no answer: {error:#}"));
                None
            }
        }
    }

    /// One that left no longer runs.
    fn leave(&mut self, reason: String) {
        let said = self
            .contestant
            .as_ref()
            .map(|it| it.log())
            .unwrap_or_default();
        let last = said
            .lines()
            .last()
            .map(|line| format!(" (it said last: {line})"));
        self.outcome.out = Some(reason + &last.unwrap_or_default());
        self.contestant = None;
    }

    fn round(&mut self, server: u32, is_counted: bool) {
        let Some(contestant) = &mut self.contestant else {
            return;
        };
        match round(contestant.as_mut(), server) {
            Ok(round) if is_counted => {
                self.times.push(round.took);
                self.outcome.own_processor += round.own;
                self.outcome.server_processor += round.server;
            }
            Ok(_) => {}
            Err(error) => self.leave(format!("failed: {error:#}")),
        }
    }

    fn finish(mut self) -> Outcome {
        let rounds = u32::try_from(self.times.len()).unwrap_or(1).max(1);
        self.outcome.times = Spread::of(&self.times);
        self.outcome.own_processor /= rounds;
        self.outcome.server_processor /= rounds;
        if let Some(contestant) = &self.contestant {
            let peak = process::peak_memory_bytes(contestant.process_id());
            self.outcome.peak_memory_bytes = peak.unwrap_or_default();
            self.outcome.page_bytes = contestant.page_bytes();
        }
        self.outcome
    }
}

struct Round {
    took: Duration,
    own: Duration,
    server: Duration,
}

/// Nobody else is at the server meanwhile, so what that takes is this contestant's.
fn round(contestant: &mut dyn Contestant, server: u32) -> Result<Round> {
    let id = contestant.process_id();
    let own = process::processor_time(id)?;
    let servers = process::processor_time_of_all(server)?;
    let took = contestant.run()?;
    let now = contestant.process_id();
    // A new process has taken all its time in this round.
    let before = if now == id { own } else { Duration::ZERO };
    Ok(Round {
        took,
        own: process::processor_time(now)?.saturating_sub(before),
        server: process::processor_time_of_all(server)?.saturating_sub(servers),
    })
}

/// Compares all answers with ours, then times whoever agrees, then counts what goes over the
/// wire.
pub(crate) fn race(
    server: &Server,
    place: Place<'_>,
    kinds: &[Kind],
    rounds: usize,
) -> Result<Race> {
    let name = place.shape.name();
    progress(&format!("{name}: starting and comparing"));
    let mut runners: Vec<Runner> = kinds
        .iter()
        .map(|kind| Runner::start(*kind, place))
        .collect();
    compare(&mut runners)?;
    for turn in 0..=rounds {
        match turn {
            0 => progress(&format!("{name}: warming up")),
            _ => progress(&format!("{name}: round {turn} of {rounds}")),
        }
        let id = server.process_id()?;
        // Who runs after whom is another each time.
        let first = turn % runners.len();
        let (before, after) = runners.split_at_mut(first);
        for runner in after.iter_mut().chain(before) {
            runner.round(id, turn > 0);
        }
    }
    let mut outcomes: Vec<Outcome> = runners.into_iter().map(Runner::finish).collect();
    progress(&format!("{name}: counting what goes over the wire"));
    for outcome in outcomes.iter_mut().filter(|it| it.out.is_none()) {
        if !matches!(outcome.kind, Kind::OursFarAway | Kind::EachAgent) {
            // What has been timed is worth more than this.
            match over_the_wire(outcome.kind, place, server) {
                Ok(tally) => outcome.wire = Some(tally),
                Err(error) => progress(&format!("{}: {error:#}", outcome.kind.name().trim())),
            }
        }
    }
    Ok(Race {
        shape: place.shape,
        outcomes,
    })
}

fn compare(runners: &mut [Runner]) -> Result<()> {
    let ours = runners.iter_mut().find(|it| it.outcome.kind == Kind::Ours);
    let ours = ours.context("nobody to compare with")?;
    let reference = ours.answer();
    let failed = || format!("no answer of ours: {:?}", ours.outcome.out);
    let reference = reference.with_context(failed)?;
    for runner in runners {
        let Some(answer) = runner.answer() else {
            continue;
        };
        runner.outcome.counted = Some(answer.totals());
        if let Some(difference) = answer.first_difference(&reference) {
            runner.leave(format!("counts differently: {difference}"));
        }
    }
    Ok(())
}

fn over_the_wire(kind: Kind, place: Place<'_>, server: &Server) -> Result<Tally> {
    let relay = Relay::start(Sort::Counting, server.port())?;
    let mut contestant = kind.start(place.behind(&relay))?;
    contestant.run()?;
    relay.take();
    contestant.run()?;
    Ok(relay.take())
}
