//! `/probe`: one workspace, in the style of multi-target exporters (`docs/spec/probe.md`).

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;

use crate::fleet::named::Variants;
use crate::fleet::printable::printable;
use crate::fleet::reference::Reference;
use crate::metrics::exposition::Format;
use crate::metrics::single::{ProbePage, ProbePageAgent};
use crate::probe::{Asked, Refused};

use super::router::App;
use super::{deadline, scrape};

/// What the URL asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    workspace: String,
    #[serde(default)]
    debug: bool,
}

/// Probes one workspace; 404 for one that does not exist, 429 when all places are taken.
pub(super) async fn probe(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Some(probe) = &app.settings.probe else {
        let message = "the probe is off: set --probe.dialer\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    let Ok(Query(wanted)) = wanted else {
        return refuse("write /probe?workspace=…&debug=true, each once");
    };
    let reference = match wanted.workspace.parse() {
        Ok(reference @ (Reference::Id(_) | Reference::Named { agent: None, .. })) => reference,
        _ => return refuse("workspace takes a UUID or owner/name"),
    };
    let settings = &app.settings;
    let allowed =
        deadline::allowed_time(&headers, settings.timeout_offset, settings.collect_timeout);
    let asked = match probe.ask(&reference, Instant::now() + allowed).await {
        Ok(asked) => asked,
        Err(refused) => return not_probed(&refused),
    };
    let format = match wanted.debug {
        // For a person, whatever the browser says.
        true => Format::Text,
        false => scrape::format(&headers),
    };
    let page = Arc::new(page(&asked));
    let Ok(mut body) = format.write(&page) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let content_type = match wanted.debug {
        true => {
            body.splice(0..0, story(&asked).into_bytes());
            "text/plain; charset=utf-8"
        }
        false => format.content_type(),
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

fn page(asked: &Asked) -> ProbePage {
    let agent = asked.probed.agent.as_ref().zip(asked.assessment);
    ProbePage {
        outcome: asked.probed.outcome,
        duration: asked.probed.duration,
        phases: asked.probed.story.phases.clone(),
        agent: agent.map(|(agent, assessment)| ProbePageAgent {
            id: agent.id,
            name: agent.name.clone(),
            assessment,
        }),
    }
}

/// What was asked and answered, before the metrics it led to.
fn story(asked: &Asked) -> String {
    let probed = &asked.probed;
    let name = format!("{}/{}", probed.owner, probed.workspace);
    let mut story = format!("Probe of {}\n\n", printable(&name));
    for step in &probed.story.steps {
        let at = step.at.as_secs_f64();
        let phase = step.phase;
        let _ = writeln!(story, "{at:>9.3} s  {phase:<8}  {}", printable(&step.text));
    }
    let outcome = probed.outcome;
    let _ = writeln!(
        story,
        "\n{}: {}",
        outcome.as_str(),
        printable(&probed.message)
    );
    let _ = writeln!(story, "{}\n\nMetrics:\n", outcome.advice());
    story
}
