//! What is selected on the page, to take along: text for a chat, CSV, and commands.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::fleet::model::label_value::Variants;
use crate::fleet::report::csv::csv;
use crate::fleet::report::format::{age, moment};
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::select::selection::Selected;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::commands::show;
use crate::offload::offload;
use crate::web::state::App;
use crate::web::ui::parts::counted;

use super::{query, select_members};

/// Maximum number of agents in a file: about 3 MB.
const MOST: usize = 20_000;

/// Agents that a chat still reads; the text says how many more there are.
const MOST_LINES: usize = 200;

/// The forms that a selection is written in.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Csv,
    Commands,
}

/// Serves `/agents.csv`, `/agents.txt` and `/agents.sh`, with the parameters of the page.
pub(in crate::web::ui) async fn export(
    State(app): State<Arc<App>>,
    uri: Uri,
    RawQuery(address): RawQuery,
) -> Response {
    let form = match uri.path().rsplit_once('.') {
        Some((_, "csv")) => Form::Csv,
        Some((_, "sh")) => Form::Commands,
        _ => Form::Text,
    };
    let collection = match app.cached_collection().await {
        Ok(collection) => collection,
        Err(refusal) => return refusal,
    };
    let agents = collection.agent_count();
    offload(agents, move || {
        write(&app, &collection, &address.unwrap_or_default(), form)
    })
    .await
}

fn write(app: &App, collection: &CollectionResult, address: &str, form: Form) -> Response {
    let fleet = match &collection.fleet {
        Ok(fleet) if fleet.agents.is_some() => fleet,
        Ok(_) => return unknown("the agents are not known\n".to_owned()),
        Err(failure) => return unknown(format!("{failure}\n")),
    };
    let (mut query, notes) = query::read(address);
    // A file cannot say that a part of its address was left out.
    if let Some(note) = notes.first() {
        return (StatusCode::BAD_REQUEST, format!("{note}\n")).into_response();
    }
    let incidents = app.collect.incidents_of(collection);
    select_members(&mut query, fleet, incidents.as_deref().unwrap_or_default());
    let mut selected = query.selection.of(fleet);
    selected.truncate(MOST);
    let (content_type, body) = match form {
        Form::Csv => ("text/csv; charset=utf-8; header=present", csv(selected)),
        Form::Text => ("text/plain; charset=utf-8", text(fleet, &selected)),
        Form::Commands => ("text/plain; charset=utf-8", commands(&selected)),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

fn unknown(why: String) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

/// A line for each agent, below a line that says how many and when.
fn text(fleet: &FleetStats, selected: &[Selected<'_>]) -> String {
    let now = fleet.snapshot.now;
    let mut text = format!(
        "{} at {}\n",
        counted(selected.len() as u64, "agent"),
        moment(now)
    );
    for it in selected.iter().take(MOST_LINES) {
        let agent = it.agent;
        let template = it.scope.map_or("", |it| &*it.template);
        let since = it
            .since
            .map(|at| format!(" for {}", age(now.seconds_since(at))));
        let line = format!(
            "{}/{}.{}: {}{} (template {template})",
            agent.owner,
            agent.workspace,
            agent.name,
            it.health.as_str().replace('_', " "),
            since.unwrap_or_default(),
        );
        text.push_str(&sanitize(&line));
        text.push('\n');
    }
    let more = selected.len().saturating_sub(MOST_LINES);
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    text
}

/// A command for each workspace, once. They look, and change nothing.
fn commands(selected: &[Selected<'_>]) -> String {
    let mut seen = std::collections::HashSet::new();
    let new = selected
        .iter()
        .filter(|it| seen.insert(it.agent.workspace_id));
    let commands = new.filter_map(|it| show(it.agent));
    commands.map(|it| format!("{it}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::Agent;
    use crate::fleet::select::selection::Selection;

    fn lost(owner: &str) -> Agent {
        Agent {
            owner: owner.into(),
            last_connected_at: Some(at(-90)),
            ..agent()
        }
    }

    #[test]
    fn text_has_a_line_for_each_agent_and_counts_the_rest() {
        let fleet = fleet_of(vec![lost("two\nlines"); MOST_LINES + 2]);
        let text = text(&fleet, &Selection::default().of(&fleet));
        assert_eq!(text.lines().count(), 1 + MOST_LINES + 1);
        assert!(text.ends_with("and 2 more\n"), "{text}");
        assert!(text.contains("two\u{fffd}lines/"), "{text}");
        assert!(
            text.contains(": disconnected for 1m 30s (template"),
            "{text}"
        );
    }

    #[test]
    fn commands_are_one_for_a_workspace_and_none_for_a_name_that_a_shell_would_read() {
        let other = Agent {
            workspace_id: uuid::Uuid::from_u128(99),
            ..lost("$(x)")
        };
        let fleet = fleet_of(vec![lost("ada"), lost("ada"), other]);
        let text = commands(&Selection::default().of(&fleet));
        assert!(text.starts_with("coder show ada/"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
