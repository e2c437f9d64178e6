//! The section with the last builds of the workspace, and the progress of the agent in each. It
//! shows whether a process has survived a build.

use maud::{Markup, html};

use crate::details::{AgentDetails, WorkspaceDetails};
use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::latest::{PastAgent, PastBuild};
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::age;
use crate::fleet::report::sanitize::sanitize;
use crate::web::state::App;

use super::super::moments::ago;
use super::super::parts::{long_text, name};

/// Renders the section, for agents with the name of `own` or for all agents.
pub(super) fn section(app: &App, details: &WorkspaceDetails, own: Option<&AgentDetails>) -> Markup {
    let is_shown = |it: &&PastAgent| own.is_none_or(|own| own.agent.name == it.name);
    let agents = details.builds.iter().flat_map(|build| {
        let shown = build.agents.iter().filter(is_shown);
        shown.map(move |agent| (build, agent))
    });
    let rows: Vec<_> = agents.collect();
    let survived = own.is_some_and(|it| it.cause == Some(Cause::SurvivedBuild));
    html! {
        section class="card" aria-labelledby="builds" data-key="builds" {
            h2 id="builds" { "The last builds with agents" }
            @if survived {
                p class="note" {
                    "An agent of this name was ready in an earlier build. Its process is still running "
                    "and does not report its state again for this build."
                }
            }
            @if rows.is_empty() {
                p class="faint" { "There are no builds with agents." }
            } @else {
                table class="data cards" {
                    caption class="hidden" { "The last builds with agents, the newest first" }
                    thead {
                        tr {
                            th scope="col" { "Build" } th scope="col" { "Transition" }
                            th scope="col" { "Job" } th scope="col" { "Agent" }
                            th scope="col" { "How it went" } th scope="col" { "Created" }
                            th scope="col" { "First connected" } th scope="col" { "Ready" }
                        }
                    }
                    tbody {
                        @for (build, agent) in rows { (row(app, details.latest.now, build, agent, own)) }
                    }
                }
            }
        }
    }
}

fn row(
    app: &App,
    now: Timestamp,
    PastBuild { build, .. }: &PastBuild,
    agent: &PastAgent,
    own: Option<&AgentDetails>,
) -> Markup {
    let is_own = own.is_some_and(|own| own.agent.id == agent.id);
    let link = app.settings.links.here(&format!("/agents/{}", agent.id));
    html! {
        tr data-key=(agent.id) class=[is_own.then_some("current")] {
            th scope="row" { "Build " (build.number) }
            td { (sanitize(build.transition.as_str())) }
            td {
                (sanitize(build.job.as_str()))
                @if let Some(error) = &build.error { (long_text(error)) }
            }
            td {
                @if is_own { strong aria-current="true" { (name(&agent.name)) } }
                @else { a href=(link) { (name(&agent.name)) } }
            }
            td data-label="How it went" { (went(agent)) }
            @for (label, at) in [
                ("Created", agent.created_at),
                ("First connected", agent.first_connected_at),
                ("Ready", agent.ready_at),
            ] {
                td data-label=(label) {
                    @match at { Some(at) => (ago(at, now)), None => span class="faint" { "never" } }
                }
            }
        }
    }
}

/// How far the agent came, in a few words.
fn went(agent: &PastAgent) -> String {
    let lifecycle = sanitize(agent.lifecycle.as_str()).replace('_', " ");
    let took = agent.created_at.zip(agent.ready_at);
    let took = took.map(|(created, ready)| age(ready.seconds_since(created)));
    match (&agent.lifecycle, agent.first_connected_at, took) {
        (DbEnum::Known(Lifecycle::Ready), _, Some(took)) => format!("ready after {took}"),
        (DbEnum::Known(Lifecycle::Created), None, _) => "never connected".to_owned(),
        (DbEnum::Known(Lifecycle::Created), Some(_), _) => {
            "connected, never reported its state".to_owned()
        }
        (DbEnum::Known(Lifecycle::StartError), ..) => "startup script failed".to_owned(),
        (DbEnum::Known(Lifecycle::StartTimeout), ..) => "startup script timed out".to_owned(),
        _ => lifecycle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::at;

    #[test]
    fn build_says_how_far_its_agent_came() {
        let check = |lifecycle, connected: Option<i64>, ready: Option<i64>, expected: &str| {
            let agent = PastAgent {
                id: uuid::Uuid::nil(),
                name: "main".into(),
                lifecycle: DbEnum::Known(lifecycle),
                created_at: Some(at(0)),
                first_connected_at: connected.map(at),
                ready_at: ready.map(at),
            };
            assert_eq!(went(&agent), expected);
        };
        check(Lifecycle::Ready, Some(5), Some(65), "ready after 1m 5s");
        check(Lifecycle::Ready, Some(5), None, "ready");
        check(Lifecycle::Created, None, None, "never connected");
        let silent = "connected, never reported its state";
        check(Lifecycle::Created, Some(5), None, silent);
        check(
            Lifecycle::StartError,
            Some(5),
            Some(9),
            "startup script failed",
        );
    }
}
