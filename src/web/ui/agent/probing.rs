//! The section about the probe: a button, the result of a request, and the last probes.

use maud::{Markup, html};

use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::probed::Probed;
use crate::web::state::App;

use super::super::probes::table;
use super::story::story;

/// The text if the probe is off.
pub(in super::super) const OFF: &str =
    "The probe is off: nothing is dialed. Set --probe.dialer to turn it on.";

/// The data of the section.
pub(super) struct Probing<'a> {
    /// State that the handlers share.
    pub(super) app: &'a App,
    /// The workspace with its latest build.
    pub(super) latest: &'a WorkspaceAt,
    /// Number of the probe whose steps are shown.
    pub(super) shown: Option<u64>,
    /// The time by this machine's clock, as in [`Probed::at`].
    pub(super) now: Timestamp,
}

impl Probing<'_> {
    /// Renders button, result and last probes, or says that the probe is off.
    pub(super) fn section(&self) -> Markup {
        html! {
            section class="card" aria-labelledby="probe" data-key="probe" {
                h2 id="probe" { "Does it answer?" }
                @match &self.app.settings.probe {
                    None => p class="faint" { (OFF) },
                    Some(probe) => {
                        @if self.latest.deleted { p { "The workspace is deleted: there is nothing to dial." } }
                        @else { (self.form(probe.settings().concurrency, probe.counts_as_use())) }
                        @let probed = probe.of_workspace(self.latest.workspace_id);
                        @if let Some(number) = self.shown {
                            (self.shown(probed.iter().find(|it| it.number == number).map(|it| &**it)))
                        }
                        (table(&self.app.settings.links, "Last probes of this workspace", &probed, self.now))
                    }
                }
            }
        }
    }

    fn form(&self, concurrency: usize, counts_as_use: bool) -> Markup {
        let seconds = self.app.settings.collect_timeout.as_secs_f64();
        html! {
            // Without an action it is sent to where this page is.
            form method="post" class="probe" {
                button type="submit" { "Probe now" }
                p class="faint" {
                    "Dials the agent of the workspace, with a timeout of " (seconds) " s. At most "
                    (concurrency) " agents are dialed at once."
                    @if counts_as_use {
                        " Coder counts the dial as use of the workspace and may extend its autostop \
                         deadline."
                    }
                }
            }
        }
    }

    fn shown(&self, probed: Option<&Probed>) -> Markup {
        html! {
            div id="probed" tabindex="-1" {
                @match probed {
                    Some(probed) => (story(probed, self.now)),
                    None => p class="note" { "That probe is no longer stored." },
                }
            }
        }
    }
}
