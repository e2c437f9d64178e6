//! The common layout of all pages.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::fleet::model::time::Timestamp;
use crate::web::links::Links;
use crate::web::settings::WebSettings;

use super::assets;

/// Content security policy: style, script, images, requests and forms only from and to this server.
/// Inline scripts are not allowed.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Headers of all pages. They contain names of users, so they must not be cached, and links must
/// not send a referrer to other sites.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_POLICY),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The page of the fleet, `/`.
    Fleet,
    /// The page of the probe, `/probes`.
    Probes,
}

/// A complete page: `main` within the common layout. `place` is the current entry of the
/// navigation.
pub(super) fn page(
    settings: &WebSettings,
    title: &str,
    place: Option<Place>,
    main: &Markup,
) -> Response {
    let links = &settings.links;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Coder agents" }
                link rel="icon" type="image/svg+xml" href=(links.here(&assets::icon()));
                link rel="stylesheet" href=(links.here(&assets::style()));
                @for script in assets::scripts() { script type="module" src=(links.here(&script)) {} }
            }
            body {
                @if place == Some(Place::Fleet) {
                    a class="skip" href="#problems-title" { "Skip to results" }
                } @else {
                    a class="skip" href="#main" { "Skip to content" }
                }
                (navigation(links, place))
                // The script's: what it says itself, and what a screen reader should hear.
                p id="trouble" class="warning" role="alert" hidden {}
                p id="announcement" class="hidden" aria-live="polite" {}
                main id="main" tabindex="-1" { (main) }
                (footer(settings))
                (keys())
            }
        }
    };
    (HEADERS, Html(page.into_string())).into_response()
}

/// Only what leads to other views of the agents: each is a stop of the Tab key before the first row.
fn navigation(links: &Links, place: Option<Place>) -> Markup {
    let current = |it: Place| (place == Some(it)).then_some("page");
    html! {
        header {
            nav aria-label="Main" {
                span class="brand" { "Coder agents" }
                a href=(links.here("/")) aria-current=[current(Place::Fleet)] { "Fleet" }
                a href=(links.here("/probes")) aria-current=[current(Place::Probes)] { "Probe" }
            }
        }
    }
}

fn footer(settings: &WebSettings) -> Markup {
    let links = &settings.links;
    html! {
        footer {
            p class="controls" {
                a href="" data-reload { "Reload" }
                button type="button" id="pause" aria-pressed="false" hidden { "Pause" }
                button type="button" id="zone" aria-pressed="false" hidden { "Browser's time zone" }
                button type="button" id="times" aria-pressed="false" hidden { "Times in full" }
                button type="button" id="help" hidden { "Keys " kbd { "?" } }
            }
            p {
                a href=(links.here(&settings.telemetry_path)) { "Metrics" } " · "
                a href=(links.here("/api/v1/openapi.json")) { "API" } " · "
                a href=(links.here("/-/config")) { "Settings" } " · "
                a href=(links.here("/runbooks")) { "Runbooks" } " · "
                a href=(links.here("/-/ready")) { "Ready" } " · "
                a href=(links.here("/-/healthy")) { "Healthy" } " · "
                "coder-agent-exporter " (env!("CARGO_PKG_VERSION"))
            }
        }
    }
}

/// What the keys do. Only the script opens it.
fn keys() -> Markup {
    let keys = [
        ("j", "next row"),
        ("k", "row before"),
        ("Enter", "open the agent"),
        ("/", "find"),
        ("t", "times in full"),
        ("?", "this list"),
    ];
    html! {
        dialog id="keys" aria-labelledby="keys-title" {
            form method="dialog" {
                h2 id="keys-title" { "Keys" }
                dl class="facts" { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
                p { button { "Close" } }
            }
        }
    }
}

/// The part of the page that the script refreshes. Ages count from `now`.
pub(super) fn live(now: Timestamp, main: &Markup) -> Markup {
    html! { div class="live" data-live data-now=(now.as_unix_seconds()) { (main) } }
}

/// The page with another HTTP status.
pub(super) fn with_status(status: StatusCode, mut page: Response) -> Response {
    *page.status_mut() = status;
    page
}
