//! `/`: the page of the fleet, with problems, their number, place and age, and what to do.

mod changes;
mod ended;
mod export;
mod exporter;
mod filters;
#[cfg(test)]
mod fixtures;
mod glance;
mod groups;
mod incidents;
mod problems;
mod query;
mod state;
mod verdict;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use ring::digest::{Context, SHA256};

use crate::clock::wall_clock;
use crate::dialer::AnyDialer;
use crate::fleet::model::time::Timestamp;
use crate::fleet::select::selection::Selection;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::health_history::HealthHistory;
use crate::incident::history::EndedIncident;
use crate::incident::membership::{Membership, ids_of};
use crate::incident::model::Incident;
use crate::offload::offload;
use crate::probe::Probe;
use crate::web::links::Links;
use crate::web::state::App;

pub(super) use export::export;

use super::layout::{Place, page};
use super::moments::{clock_time, since};
use super::pictures;
use query::Query;
use state::FleetState;
use verdict::{OLD, Verdict};

/// The data of the page's sections.
struct View<'a> {
    links: &'a Links,
    probe: Option<&'a Probe<AnyDialer>>,
    collection: &'a CollectionResult,
    /// What agents with problems have in common; empty where that is unknown.
    incidents: &'a [Incident],
    /// Those that ended lately.
    ended: &'a [EndedIncident],
    /// The incident of each agent that is in one.
    membership: Membership<'a>,
    health_history: &'a HealthHistory,
    /// Why Coder did not answer when it was last asked.
    coder_trouble: Option<String>,
    /// Agents on which the rows and the probe disagree.
    disagreements: u64,
    /// Time without a heartbeat after which an agent is lost.
    inactive_timeout: Duration,
    /// The current time by the database's clock, from which ages are computed.
    now: Timestamp,
    query: &'a Query,
}

impl View<'_> {
    /// The URL of the page that shows these agents.
    fn link(&self, selection: Selection) -> String {
        format!("{}#problems", address(self.links, selection))
    }

    /// The URL of the page with the agents of this incident.
    fn agents_of(&self, incident: &Incident) -> String {
        self.link(of_incident(&incident.id().to_string()))
    }

    /// The URL of the page with these parameters.
    fn href(&self, query: &Query) -> String {
        href(self.links, query)
    }

    /// The URL of the rows of that page.
    fn at(&self, query: &Query) -> String {
        format!("{}#problems", self.href(query))
    }
}

/// The URL of the fleet's page that shows these agents.
pub(super) fn address(links: &Links, selection: Selection) -> String {
    href(links, &Query::from(selection))
}

/// The URL of the fleet's page with this incident and its agents.
pub(super) fn incident_address(links: &Links, id: &str) -> String {
    format!("{}#incidents", address(links, of_incident(id)))
}

fn of_incident(id: &str) -> Selection {
    Selection {
        incident: Some(id.to_owned()),
        ..Selection::default()
    }
}

fn href(links: &Links, query: &Query) -> String {
    let said = query.write();
    let separator = if said.is_empty() { "" } else { "?" };
    format!("{}{separator}{said}", links.here("/"))
}

/// `/agents` leads to all agents, with the parameters that it has.
pub(super) async fn all(Shared(app): Shared<Arc<App>>, RawQuery(address): RawQuery) -> Redirect {
    let (mut query, _) = query::read(address.as_deref().unwrap_or_default());
    query.selection.all = true;
    Redirect::to(&format!("{}#problems", href(&app.settings.links, &query)))
}

/// Serves the fleet's page.
pub(super) async fn show(Shared(app): Shared<Arc<App>>, RawQuery(address): RawQuery) -> Response {
    answer(app, address, |app, view, state, notes| {
        let verdict = Verdict::of(view, state);
        let main = whole(view, state, &verdict, notes);
        let title = verdict.title(state);
        page(&app.settings, &title, Some(Place::Fleet), &main)
    })
    .await
}

/// Serves what an open page needs to know whether it shows what is so: a few bytes.
pub(super) async fn pulse(Shared(app): Shared<Arc<App>>, RawQuery(address): RawQuery) -> Response {
    answer(app, address, |_, view, state, notes| {
        let verdict = Verdict::of(view, state);
        let pulse = serde_json::json!({
            "now": view.now.as_unix_seconds(),
            "at": data_time(view, state).as_unix_seconds(),
            "version": version(view, state, &verdict, notes),
        });
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, pulse.to_string()).into_response()
    })
    .await
}

/// Makes an answer from the data of now and the parameters of the page.
async fn answer(
    app: Arc<App>,
    address: Option<String>,
    make: impl FnOnce(&App, &View<'_>, &FleetState<'_>, &[String]) -> Response + Send + 'static,
) -> Response {
    let collection = match app.cached_collection().await {
        Ok(collection) => collection,
        Err(refusal) => return refusal,
    };
    let agents = collection.agent_count();
    offload(agents, move || {
        render(&app, &collection, address.as_deref(), make)
    })
    .await
}

fn render(
    app: &App,
    collection: &CollectionResult,
    address: Option<&str>,
    make: impl FnOnce(&App, &View<'_>, &FleetState<'_>, &[String]) -> Response,
) -> Response {
    let (mut query, mut notes) = query::read(address.unwrap_or_default());
    let incidents = app.collect.incidents_of(collection);
    let incidents = incidents.as_deref().unwrap_or_default();
    let fleet = collection.fleet.as_ref().ok();
    notes.extend(fleet.and_then(|it| select_members(&mut query, it, incidents)));
    let view = View {
        links: &app.settings.links,
        probe: app.settings.probe.as_ref(),
        collection,
        incidents,
        ended: &app.collect.ended_incidents(),
        membership: fleet
            .map(|it| Membership::of(it, incidents))
            .unwrap_or_default(),
        health_history: &app.collect.health_history(),
        coder_trouble: app.settings.coder_trouble(),
        disagreements: disagreements(app.settings.probe.as_ref()),
        inactive_timeout: app.collect.settings().limits.inactive_timeout,
        now: now_by_the_database(collection),
        query: &query,
    };
    make(app, &view, &FleetState::of(collection), &notes)
}

fn disagreements(probe: Option<&Probe<AnyDialer>>) -> u64 {
    let found = probe.and_then(|it| it.stats().disagreements);
    found.map_or(0, |it| it.iter().map(|it| it.2).sum())
}

/// Selects the agents of the incident that the address names; a note where it is not there.
fn select_members(query: &mut Query, fleet: &FleetStats, incidents: &[Incident]) -> Option<String> {
    let id = query.selection.incident.as_deref()?;
    let incident = incidents.iter().find(|it| it.id().to_string() == id);
    query.selection.members = Some(match incident {
        Some(incident) => ids_of(fleet, incident),
        None => HashSet::new(),
    });
    let ended = || "the incident in the address has ended, or never was".to_owned();
    incident.is_none().then(ended)
}

/// The time of this machine's clock, corrected by the skew.
fn now_by_the_database(collection: &CollectionResult) -> Timestamp {
    let skew = collection.clock_skew_seconds.unwrap_or_default();
    let seconds = wall_clock().as_unix_seconds() - skew;
    Timestamp::from_unix_micros((seconds * 1e6) as i64)
}

/// The time of the data.
fn data_time(view: &View<'_>, state: &FleetState<'_>) -> Timestamp {
    state.fleet().map_or(view.now, |it| it.snapshot.now)
}

fn whole(
    view: &View<'_>,
    state: &FleetState<'_>,
    verdict: &Verdict<'_>,
    notes: &[String],
) -> Markup {
    let problems = state.problems();
    // Beside a table of no row the panels would stand in a narrow column.
    let has_rows = problems.is_some_and(|it| it > 0) || view.query.selection.is_narrowed();
    let layout = if has_rows { "beside" } else { "stacked" };
    html! {
        div id="fleet" data-live data-now=(view.now.as_unix_seconds())
            data-at=(data_time(view, state).as_unix_seconds()) data-old=(OLD.as_secs())
            data-version=(version(view, state, verdict, notes)) data-pulse=(view.links.here("/-/pulse"))
            data-problems=[problems] {
            div class="top" data-key="top" {
                (verdict.show(view, state))
                @if state.fleet().is_some() { (as_of(view, state)) }
            }
            (before_rows(view, state))
            div class=(layout) data-key="main" {
                (problems::problems(view, state, notes))
                div class="panels" data-key="panels" {
                    (news(view, state))
                    (exporter::exporter(view))
                    (pictures::hours(view.health_history.points(), view.now))
                    @if let FleetState::Known { fleet, .. } = state {
                        (pictures::ages(fleet, view.inactive_timeout))
                    }
                }
            }
        }
    }
}

/// Incidents and totals.
fn before_rows(view: &View<'_>, state: &FleetState<'_>) -> Markup {
    html! {
        @match state {
            FleetState::Known { fleet, total } => {
                (incidents::incidents(view, fleet))
                (glance::totals(view, total))
            }
            FleetState::Unknown { .. } => (glance::last_known(view)),
        }
    }
}

/// The panels that change with the agents, and not with each collection.
fn news(view: &View<'_>, state: &FleetState<'_>) -> Markup {
    html! {
        @if let FleetState::Known { fleet, .. } = state { (groups::groups(view, fleet)) }
        (changes::changes(view))
        (ended::ended(view))
    }
}

/// A digest of what the page says, without ages and without the numbers that are others in each
/// collection. While it is the same, an open page only goes on counting its ages.
fn version(
    view: &View<'_>,
    state: &FleetState<'_>,
    verdict: &Verdict<'_>,
    notes: &[String],
) -> String {
    // All ages are 0 at this time.
    let ageless = View {
        now: Timestamp::from_unix_micros(0),
        membership: view.membership.clone(),
        coder_trouble: view.coder_trouble.clone(),
        ..*view
    };
    let parts = [
        verdict.show(&ageless, state),
        before_rows(&ageless, state),
        problems::problems(&ageless, state, notes),
        news(&ageless, state),
        exporter::failures(view.collection),
    ];
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|it| context.update(it.0.as_bytes()));
    let digest = context.finish();
    let digits = digest.as_ref().iter().take(8);
    digits.map(|it| format!("{it:02x}")).collect()
}

/// The age of the data. Without script the page does not refresh, so the time is shown as well.
fn as_of(view: &View<'_>, state: &FleetState<'_>) -> Markup {
    let at = data_time(view, state);
    html! {
        p class="as-of" data-key="as-of" {
            "As of " (clock_time(at, view.now)) ", " (since(at, view.now)) " ago"
        }
    }
}
