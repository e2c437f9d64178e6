//! Incidents for pages of single agents.

use uuid::Uuid;

use crate::details::WorkspaceDetails;
use crate::incident::membership::Membership;
use crate::incident::report::IncidentSummary;
use crate::offload::offload;
use crate::web::state::App;

impl App {
    /// The incident of the agent that a page is about. The fleet is looked at only where it may
    /// have one; `None` also where the fleet is unknown.
    pub(crate) async fn incident_of(
        self: &std::sync::Arc<Self>,
        details: &WorkspaceDetails,
    ) -> Option<IncidentSummary> {
        let agent = details.agents.first().filter(|_| details.asked.is_some())?;
        if !agent.may_be_in_an_incident() {
            return None;
        }
        let collection = self.cached_collection().await.ok()?;
        let (app, id): (_, Uuid) = (self.clone(), agent.agent.id);
        offload(collection.agent_count(), move || {
            let incidents = app.collect.incidents_of(&collection)?;
            let fleet = collection.fleet.as_ref().ok()?;
            let incident = Membership::of(fleet, &incidents).get(id)?;
            Some(IncidentSummary::of(fleet, incident))
        })
        .await
    }
}
