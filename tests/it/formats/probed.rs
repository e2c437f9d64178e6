//! What a probe may have found.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::model::outcome::ProbeOutcome;
use coder_agent_exporter::fleet::model::time::Timestamp;
use coder_agent_exporter::fleet::probe::pace::Pace;
use coder_agent_exporter::fleet::probe::probed::{Probed, ProbedAgent, Story};
use coder_agent_exporter::fleet::probe::results::{ProbeStats, Probes};
use coder_agent_exporter::fleet::rules::explain::Reason;
use coder_agent_exporter::fleet::rules::status::Status;

/// Nothing, or some probes in a round that may not have ended.
pub(super) fn stats() -> impl Strategy<Value = Option<ProbeStats>> {
    let one = (
        select(Status::ALL),
        select(ProbeOutcome::ALL),
        0..100_000_u64,
    );
    let round = (prop::collection::vec(one, 0..20), any::<bool>());
    prop::option::of(round.prop_map(|(found, ended)| after(&found, ended)))
}

/// What is known after these probes, given by status, outcome and milliseconds.
pub(super) fn after(found: &[(Status, ProbeOutcome, u64)], ended: bool) -> ProbeStats {
    let mut probes = Probes::new(Pace {
        interval: Duration::from_secs(60),
        sample: None,
        horizon: Duration::from_secs(900),
    });
    let mut running = HashSet::new();
    for (number, &(status, outcome, millis)) in (0..).zip(found) {
        let id = Uuid::from_u128(number);
        running.insert(id);
        let probed = Probed {
            number: 0,
            at: Timestamp::from_unix_micros(0),
            workspace_id: id,
            owner: "ada".into(),
            workspace: "box".into(),
            agent: Some(ProbedAgent {
                id,
                name: "main".into(),
                status,
                reason: Reason {
                    rule: "alive",
                    saw: String::new(),
                },
                last_connected_at: None,
                seen_at: Timestamp::from_unix_micros(0),
            }),
            outcome,
            trouble: None,
            duration: Duration::from_millis(millis),
            message: String::new(),
            story: Story::default(),
        };
        probes.count(probed, Duration::from_secs(1));
    }
    if ended {
        let now = Timestamp::from_unix_micros(1_735_689_600_000_000);
        probes.begin_round(running, Duration::from_secs(1));
        probes.end_round(now);
    }
    probes.stats(Duration::from_secs(2))
}
