//! What a running Coder (v2.26.6) answered to `listening-ports` with two tokens, replayed: each
//! answer has the outcome of `docs/spec/resolver.md`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use crate::coder_api::Answer;
use crate::error::Failure;
use crate::fleet::fixtures::agent;
use crate::fleet::model::agent::{Agent, Scope, Transition};
use crate::fleet::model::label_value::{DbEnum, Variants};
use crate::fleet::model::latest::{AgentAt, Build, Candidate, WorkspaceAt};
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;
use crate::fleet::rules::status::status;
use crate::resolver::{
    DialError, Dialer, Directory, Resolver, ResolverSettings, Target, Trace, outcome,
};

use super::answer::judge;

const RECORDED: &str = include_str!("recorded/listening_ports.jsonl");
const INACTIVE: Duration = Duration::from_secs(30);

/// One agent at one moment: its row, and what coderd answered about it to one token.
#[derive(Clone)]
struct Moment {
    now: Timestamp,
    agent: Agent,
    /// Coder's own word about the agent.
    status: String,
    answer: Value,
}

impl Moment {
    fn read(line: &str, token: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let row = &line["row"];
        let time = |key: &str| row[key].as_i64().map(Timestamp::from_unix_micros);
        let timeout = row["connection_timeout_seconds"].as_u64().unwrap();
        Self {
            now: Timestamp::from_unix_micros(line["now"].as_i64().unwrap()),
            agent: Agent {
                id: line["agent"].as_str().unwrap().parse().unwrap(),
                created_at: time("created_at"),
                first_connected_at: time("first_connected_at"),
                last_connected_at: time("last_connected_at"),
                disconnected_at: time("disconnected_at"),
                connection_timeout_seconds: timeout as u32,
                ..agent()
            },
            status: line["status"].as_str().unwrap().to_owned(),
            answer: line[token].clone(),
        }
    }
}

impl Directory for Moment {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        Ok(Some(WorkspaceAt {
            now: self.now,
            workspace_id: workspace,
            workspace: self.agent.workspace.clone(),
            owner: self.agent.owner.clone(),
            scope: Scope {
                organization: "acme".into(),
                template: "docker".into(),
            },
            deleted: false,
            build: Some(Build {
                number: 1,
                transition: DbEnum::Known(Transition::Start),
                job: DbEnum::Known(JobStatus::Succeeded),
                error: None,
            }),
            agents: vec![Candidate {
                agent: self.agent.clone(),
                display_order: 0,
                parent_id: None,
            }],
        }))
    }

    async fn agent(&self, _: Uuid) -> Result<Option<AgentAt>, Failure> {
        Ok(Some(AgentAt {
            now: self.now,
            agent: self.agent.clone(),
        }))
    }
}

impl Dialer for Moment {
    type Connection = ();

    async fn dial(&self, _: &Target) -> Result<(), DialError> {
        let took = Duration::from_secs_f64(self.answer["seconds"].as_f64().unwrap());
        sleep(took).await;
        let status = self.answer["code"].as_u64().unwrap() as u16;
        let body = match &self.answer["message"] {
            Value::Null => serde_json::json!({ "ports": [] }),
            message => serde_json::json!({ "message": message }),
        };
        let body = body.to_string();
        judge(Answer::new(status, body.as_bytes(), "token", took))
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(super::coderd::TIME_LIMIT)
    }

    fn counts_as_use(&self) -> bool {
        true
    }
}

/// How often each outcome came up, with Coder's word about the agent.
async fn replayed(token: &str) -> BTreeMap<(String, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for line in RECORDED.lines() {
        let moment = Moment::read(line, token);
        let ours = status(&moment.agent, INACTIVE, moment.now);
        assert_eq!(ours.as_str(), moment.status, "{line}");
        let settings = ResolverSettings::default();
        let resolver = Resolver::new(moment.clone(), moment.clone(), settings);
        let trace = Trace::default();
        let workspace = moment.agent.workspace_id;
        let never = pending::<Infallible>();
        let Ok(result) = resolver.connect(workspace, never, &trace).await;
        let outcome = outcome(&result).unwrap().as_str();
        *counts.entry((moment.status, outcome)).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn owners_token_gets_the_outcome_of_each_agent() {
    let expected = [
        (("connected", "dial_timeout"), 1),
        (("connected", "ok"), 62),
        (("disconnected", "disconnected"), 9),
        (("timeout", "never_connected"), 24),
    ];
    let expected = expected.map(|((status, outcome), count)| ((status.to_owned(), outcome), count));
    assert_eq!(replayed("owner").await, BTreeMap::from(expected));
}

#[tokio::test(start_paused = true)]
async fn members_token_gets_404_for_every_agent_and_blames_none() {
    let counts = replayed("member").await;
    assert!(
        counts
            .keys()
            .all(|(_, outcome)| *outcome == "exporter_error")
    );
    assert_eq!(counts.values().sum::<usize>(), 96);
}
