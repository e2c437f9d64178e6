//! Does a workspace still resolve to an agent that answers (`docs/spec/probe.md`)? On a real
//! Postgres, and with real sockets to a stand-in for coderd.

mod endpoint;
mod limits;
mod page;
mod panics;
mod rounds;
mod scope;

use std::time::Duration;

use coder_agent_exporter::config::coder_token::Token;
use coder_agent_exporter::config::probe_args::Dialing;
use uuid::Uuid;

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::exposition::Page;
use crate::harness::fleet::Agent;
use crate::harness::*;

/// A Coder: its database, and coderd.
pub(crate) struct Deployment {
    pub(crate) coder: Coder,
    pub(crate) coderd: StandIn,
}

impl Deployment {
    pub(crate) async fn new() -> Self {
        Self {
            coder: Coder::new().await,
            coderd: StandIn::start().await,
        }
    }

    /// An exporter whose probe asks this coderd.
    pub(crate) async fn exporter(&self, change: impl FnOnce(&mut Settings)) -> Exporter {
        let dialing = dialing(&self.coderd.url("127.0.0.1"));
        let change = |settings: &mut Settings| {
            settings.dialing = Some(dialing);
            change(settings);
        };
        self.coder.exporter_with(change).await
    }

    /// A running workspace with this agent, about which coderd answers so; the agent's id.
    pub(crate) async fn add(&self, name: &str, agent: Agent, answer: Answer) -> Uuid {
        let id = agent.id;
        self.coderd.answer(id, answer);
        self.coder.add(workspace(name).agent(agent)).await;
        id
    }

    /// Running workspaces whose agents answer after this long.
    async fn add_slow(&self, count: usize, delay: Duration) {
        for number in 0..count {
            let agent = agent("main");
            self.coderd.answer_after(agent.id, Answer::ports(), delay);
            let workspace = workspace(&format!("w{number}")).agent(agent);
            self.coder.add(workspace).await;
        }
    }
}

fn dialing(url: &str) -> Dialing {
    let token = Token::Value(TOKEN.to_owned().into());
    Dialing::Coderd(url.parse().unwrap(), token)
}

const OUTCOMES: &str = "coder_agent_probe_outcomes_total";

/// What is known after one more round.
async fn round(exporter: &Exporter) -> Page {
    exporter.probe.as_ref().unwrap().round().await;
    exporter.scrape().await
}

/// How often each outcome was counted that was counted at all.
fn outcomes(page: &Page) -> Vec<(String, f64)> {
    let counted = page.samples(OUTCOMES, &[]).filter(|it| it.value > 0.0);
    let named = counted.map(|it| (it.label("outcome").unwrap().to_owned(), it.value));
    named.collect()
}
