//! `/probe`: one workspace, in the style of multi-target exporters (`docs/spec/probe.md`).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::reference::Reference;
use crate::fleet::report::sanitize::sanitize;
use crate::metrics::exposition::Format;
use crate::metrics::single::{ProbePage, ProbePageAgent};
use crate::probe::{Answer, Asked, Reach, Refused};
use crate::web::handlers::{deadline, scrape};
use crate::web::state::App;

/// Query parameters of `/probe`.
#[derive(Debug, Deserialize)]
pub(crate) struct ProbeQuery {
    #[serde(default)]
    workspace: String,
    /// Anything but `true` is no, as in blackbox exporter.
    #[serde(default)]
    debug: String,
    /// Dial even if the workspace is out of scope. Coder counts this as use of the workspace.
    #[serde(default)]
    force: bool,
}

/// Probes one workspace if it is in scope or `force` is set. 404 if it does not exist, 429 if the
/// maximum number of dials is in progress.
pub(crate) async fn probe(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    wanted: Result<Query<ProbeQuery>, QueryRejection>,
) -> Response {
    let Some(probe) = &app.settings.probe else {
        let message = "the probe is off: set --probe.dialer\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    let Ok(Query(wanted)) = wanted else {
        return refuse("use /probe?workspace=…&debug=true&force=true, each parameter once");
    };
    let reference = match wanted.workspace.parse() {
        Ok(reference @ (Reference::Id(_) | Reference::Named { agent: None, .. })) => reference,
        _ => return refuse("workspace must be a UUID or owner/name"),
    };
    let settings = &app.settings;
    let allowed =
        deadline::allowed_time(&headers, settings.timeout_offset, settings.collect_timeout);
    let reach = match wanted.force {
        true => Reach::Forced,
        false => Reach::InScope,
    };
    let deadline = Instant::now() + allowed;
    let asked = match probe.ask(&reference, reach, deadline).await {
        Ok(asked) => asked,
        Err(refused) => return not_probed(&refused),
    };
    let is_debug = wanted.debug == "true";
    let negotiated = match is_debug {
        // For a person, whatever the browser says.
        true => Format::Text.into(),
        false => scrape::negotiated(&headers),
    };
    let page = Arc::new(page(&asked, allowed));
    let Ok(mut body) = negotiated.format.write(&page) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let content_type = match is_debug {
        true => {
            body.splice(0..0, story(&asked).into_bytes());
            "text/plain; charset=utf-8"
        }
        false => negotiated.content_type,
    };
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn refuse(sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response()
}

fn not_probed(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Unknown(_) => StatusCode::NOT_FOUND,
        Refused::Busy => StatusCode::TOO_MANY_REQUESTS,
        Refused::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{refused}\n")).into_response()
}

fn page(asked: &Asked, allowed: Duration) -> ProbePage {
    let agent = asked.answer.agent().zip(asked.assessment);
    let (outcome, duration, story) = match &asked.answer {
        Answer::Probed(it) => (Ok(it.outcome), it.duration, &it.story),
        Answer::Skipped(it) => (Err(it.reason), it.duration, &it.story),
    };
    ProbePage {
        outcome,
        duration,
        allowed,
        phases: story.phases.clone(),
        agent: agent.map(|(agent, assessment)| ProbePageAgent {
            id: agent.id,
            name: agent.name.clone(),
            assessment,
        }),
    }
}

/// The steps of the probe as comments before the metrics.
fn story(asked: &Asked) -> String {
    let (owner, workspace, steps) = match &asked.answer {
        Answer::Probed(it) => (&it.owner, &it.workspace, &it.story.steps),
        Answer::Skipped(it) => (&it.owner, &it.workspace, &it.story.steps),
    };
    let name = format!("{owner}/{workspace}");
    let mut story = format!("Probe of {}\n\n", sanitize(&name));
    for step in steps {
        let at = step.at.as_secs_f64();
        let phase = step.phase;
        let _ = writeln!(story, "{at:>9.3} s  {phase:<8}  {}", sanitize(&step.text));
    }
    let (result, message, advice) = match &asked.answer {
        Answer::Probed(it) => (it.outcome.as_str(), &*it.message, it.outcome.advice()),
        Answer::Skipped(it) => (it.reason.as_str(), it.reason.sentence(), FORCE),
    };
    let _ = writeln!(story, "\n{result}: {}", sanitize(message));
    let _ = writeln!(story, "{advice}\n\nMetrics:\n");
    story
}

/// How to dial a workspace that is out of scope.
const FORCE: &str = "Not dialed. Add &force=true to dial it; Coder counts this as use.";
