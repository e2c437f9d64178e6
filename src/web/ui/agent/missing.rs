//! Error pages for agents, each with the reason and what to do.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use crate::details::Unclear;
use crate::fleet::report::sanitize::sanitize;
use crate::web::links::Links;
use crate::web::settings::WebSettings;

use super::super::layout;
use super::super::layout::with_status;
use super::super::parts::name;

/// The path does not name a workspace or an agent.
pub(super) fn unreadable(settings: &WebSettings) -> Response {
    let main = html! {
        p { "Use the id of an agent or a workspace, or its names: "
            code { "/agents/owner/workspace" } " or " code { "/agents/owner/workspace.agent" } "." }
    };
    answer(settings, StatusCode::NOT_FOUND, "No such agent", &main)
}

/// The lookup has no single result.
pub(super) fn page(settings: &WebSettings, unclear: &Unclear) -> Response {
    let links = &settings.links;
    if let Unclear::Failed(failure) = unclear {
        let main = html! {
            p class="warning" { (sanitize(&failure.to_string())) }
            p { "There is no data about the agent. " a href=(links.here("/-/ready")) { "Is the exporter ready?" } }
        };
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return answer(settings, status, "The database did not answer", &main);
    }
    let main = html! {
        (why(links, unclear))
        p {
            "Coder creates new agents in every build and keeps the rows of the old ones. "
            a href=(links.here("/")) { "Show the fleet" } "."
        }
    };
    answer(settings, StatusCode::NOT_FOUND, "No such agent", &main)
}

fn why(links: &Links, unclear: &Unclear) -> Markup {
    match unclear {
        Unclear::Nothing(near) if near.is_empty() => html! {
            p { "There is no such workspace or agent. No workspace has the same owner or the same name." }
        },
        Unclear::Nothing(near) => html! {
            p { "There is no such workspace or agent. These have the same owner or name:" }
            ul { @for it in near { li { (by_name(links, it)) } } }
        },
        Unclear::Workspaces(ids) => by_id(links, "Several workspaces have this name:", ids),
        Unclear::Agents(ids) => by_id(links, "Several agents have this name:", ids),
        Unclear::SoftDeleted { workspace } => {
            let what = "The agent is soft-deleted, and Coder does not count it. Its workspace:";
            by_id(links, what, &[*workspace])
        }
        other => html! { p { (sanitize(&other.to_string())) } },
    }
}

fn by_id(links: &Links, what: &str, ids: &[Uuid]) -> Markup {
    html! {
        p { (what) }
        ul { @for id in ids { li { a href=(links.here(&format!("/agents/{id}"))) { code { (id) } } } } }
    }
}

/// A workspace as `owner/workspace`. It is not a link if the names cannot be in a path.
fn by_name(links: &Links, it: &str) -> Markup {
    let is_plain = it
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '/'));
    html! {
        @if is_plain { a href=(links.here(&format!("/agents/{it}"))) { (it) } }
        @else { (name(it)) }
    }
}

/// The form was sent by another site.
pub(super) fn foreign(settings: &WebSettings) -> Response {
    let main = html! {
        p {
            "Nothing was dialed. A probe must be started from a page of this exporter, and this "
            "request came from another site."
        }
        p {
            "Behind a proxy, set --web.external-url to the address that browsers use. Programs can "
            "use " code { "/probe?workspace=" } "."
        }
    };
    answer(
        settings,
        StatusCode::FORBIDDEN,
        "Request from another site",
        &main,
    )
}

/// The requested probe was not made.
pub(super) fn not_probed(
    settings: &WebSettings,
    status: StatusCode,
    why: &str,
    what: &str,
) -> Response {
    // An id: anything else has led to a page of its own.
    let back = what.parse::<Uuid>().ok();
    let main = html! {
        p class="warning" { (sanitize(why)) }
        @if let Some(id) = back {
            p { a href=(settings.links.here(&format!("/agents/{id}"))) { "Back to the agent" } }
        }
    };
    answer(settings, status, "Not probed", &main)
}

fn answer(settings: &WebSettings, status: StatusCode, title: &str, main: &Markup) -> Response {
    let main = html! { h1 { (title) } (main) };
    with_status(status, layout::page(settings, title, None, &main))
}
