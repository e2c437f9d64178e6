//! The runbooks of the alerts, which are compiled into the program: they can be read where the
//! repository cannot be reached.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::web::links::Links;
use crate::web::state::App;

use super::layout::{page, with_status};
use super::parts::name;

/// Names of alerts, with the text of their runbooks.
const RUNBOOKS: &[(&str, &str)] = &[
    (
        "CoderAgentOut",
        include_str!("../../../alerts/runbooks/CoderAgentOut.md"),
    ),
    (
        "CoderAgentsLost",
        include_str!("../../../alerts/runbooks/CoderAgentsLost.md"),
    ),
    (
        "CoderAppsUnhealthy",
        include_str!("../../../alerts/runbooks/CoderAppsUnhealthy.md"),
    ),
    (
        "CoderBuildsFailing",
        include_str!("../../../alerts/runbooks/CoderBuildsFailing.md"),
    ),
    (
        "CoderBuildsStuck",
        include_str!("../../../alerts/runbooks/CoderBuildsStuck.md"),
    ),
    (
        "CoderClockSkew",
        include_str!("../../../alerts/runbooks/CoderClockSkew.md"),
    ),
    (
        "CoderDown",
        include_str!("../../../alerts/runbooks/CoderDown.md"),
    ),
    (
        "CoderErrorBudgetBurn",
        include_str!("../../../alerts/runbooks/CoderErrorBudgetBurn.md"),
    ),
    (
        "CoderExporterCollectorFailing",
        include_str!("../../../alerts/runbooks/CoderExporterCollectorFailing.md"),
    ),
    (
        "CoderExporterConfigStale",
        include_str!("../../../alerts/runbooks/CoderExporterConfigStale.md"),
    ),
    (
        "CoderExporterLate",
        include_str!("../../../alerts/runbooks/CoderExporterLate.md"),
    ),
    (
        "CoderExporterUnreliable",
        include_str!("../../../alerts/runbooks/CoderExporterUnreliable.md"),
    ),
    (
        "CoderHeartbeatsLate",
        include_str!("../../../alerts/runbooks/CoderHeartbeatsLate.md"),
    ),
    (
        "CoderIncident",
        include_str!("../../../alerts/runbooks/CoderIncident.md"),
    ),
    (
        "CoderNoData",
        include_str!("../../../alerts/runbooks/CoderNoData.md"),
    ),
    (
        "CoderOutagesRepeated",
        include_str!("../../../alerts/runbooks/CoderOutagesRepeated.md"),
    ),
    (
        "CoderProbeBroken",
        include_str!("../../../alerts/runbooks/CoderProbeBroken.md"),
    ),
    (
        "CoderProbeCoverageLow",
        include_str!("../../../alerts/runbooks/CoderProbeCoverageLow.md"),
    ),
    (
        "CoderProbeDisagreement",
        include_str!("../../../alerts/runbooks/CoderProbeDisagreement.md"),
    ),
    (
        "CoderUnhealthy",
        include_str!("../../../alerts/runbooks/CoderUnhealthy.md"),
    ),
    (
        "CoderUpgrading",
        include_str!("../../../alerts/runbooks/CoderUpgrading.md"),
    ),
    (
        "CoderUsersCutOff",
        include_str!("../../../alerts/runbooks/CoderUsersCutOff.md"),
    ),
    (
        "CoderWatchdog",
        include_str!("../../../alerts/runbooks/CoderWatchdog.md"),
    ),
    (
        "CoderWorkspacesWithoutAgent",
        include_str!("../../../alerts/runbooks/CoderWorkspacesWithoutAgent.md"),
    ),
];

/// The list of all runbooks.
pub(super) async fn list(State(app): State<Arc<App>>) -> Response {
    let main = html! {
        h1 { "Runbooks" }
        ul {
            @for (alert, _) in RUNBOOKS {
                li { a href=(app.settings.links.here(&Links::runbook(alert))) { (alert) } }
            }
        }
    };
    page(&app.settings, "Runbooks", None, &main)
}

/// The runbook of an alert; 404 for a name that no alert has.
pub(super) async fn show(State(app): State<Arc<App>>, Path(alert): Path<String>) -> Response {
    let Some((alert, text)) = RUNBOOKS.iter().find(|it| it.0 == alert) else {
        let main = html! {
            h1 { "No such runbook" }
            p { "No alert is called " (name(&alert)) "." }
            p { a href=(app.settings.links.here("/runbooks")) { "All runbooks" } }
        };
        let page = page(&app.settings, "No such runbook", None, &main);
        return with_status(StatusCode::NOT_FOUND, page);
    };
    let main = html! { (PreEscaped(rendered(text))) };
    page(&app.settings, alert, None, &main)
}

/// The text as HTML. Links to other runbooks lead to their pages.
fn rendered(text: &str) -> String {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    let events = parser.map(|event| match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: match dest_url.strip_suffix(".md") {
                Some(runbook) => runbook.to_owned().into(),
                None => dest_url,
            },
            title,
            id,
        }),
        // No runbook has any.
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        other => other,
    });
    let mut out = String::with_capacity(2 * text.len());
    pulldown_cmark::html::push_html(&mut out, events);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_runbook_is_in_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/alerts/runbooks");
        let files = fs::read_dir(folder).unwrap();
        let files: BTreeSet<_> = files
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        let names = RUNBOOKS.iter().map(|(name, _)| format!("{name}.md"));
        assert_eq!(names.collect::<BTreeSet<_>>(), files);
    }

    #[test]
    fn links_between_runbooks_stay_here_and_html_is_text() {
        let html =
            rendered("[that](CoderDown.md), [this](https://x.example) <b>\n\n| a |\n| - |\n");
        assert!(html.contains(r#"<a href="CoderDown">that</a>"#), "{html}");
        assert!(html.contains(r#"<a href="https://x.example">"#), "{html}");
        assert!(
            html.contains("&lt;b&gt;") && html.contains("<table>"),
            "{html}"
        );
    }

    #[test]
    fn every_link_of_a_runbook_leads_to_a_runbook() {
        for (alert, text) in RUNBOOKS {
            for part in rendered(text).split("<a href=\"").skip(1) {
                let (to, _) = part.split_once('"').unwrap();
                let is_known = RUNBOOKS.iter().any(|it| it.0 == to);
                assert!(is_known, "{alert}: {to}");
            }
        }
    }
}
