//! Incidents in JSON, under the names of the metrics' labels.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::fleet::model::agent::{Kind, Label};
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::one_of;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::advice::Advice;
use crate::incident::history::EndedIncident;
use crate::incident::model::{Common, Incident};
use crate::incident::population::{Dimension, Family};

/// An incident: agents whose problem has one cause, as far as the rows can tell. Kind, family, factor
/// and value are its identity.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IncidentSummary {
    /// Id of the incident, which follows from kind, family, factor and value.
    pub incident_id: String,
    /// What it is in one line.
    pub title: String,
    /// Kind of its agents: `root` (people's) or `prebuild`.
    #[schemars(schema_with = "one_of::<Kind>")]
    pub kind: &'static str,
    /// Which problem.
    #[schemars(schema_with = "one_of::<Family>")]
    pub family: &'static str,
    /// The dimension that its agents share; else `deployment`, `coder` or `none`.
    pub factor: String,
    /// The value of that dimension; empty without one.
    pub value: String,
    /// Hostname of the coderd replica in `value`; null for other factors, and where Coder has
    /// forgotten it.
    pub hostname: Option<String>,
    /// Agents with the problem.
    pub agents: u64,
    /// Agents that it could have hit.
    pub expected_agents: u64,
    /// Their workspaces.
    pub workspaces: u64,
    /// The distinct owners of these.
    pub users: u64,
    /// Owners who were in session when their agent was lost, that is, cut off at work. Null where that
    /// is not known, or not asked yet.
    pub users_in_session: Option<u64>,
    /// When the first agent got its problem; null where no agent did.
    pub start: Option<String>,
    /// When the last one did.
    pub last_agent: Option<String>,
    /// Agents for each minute from the first to the last, which count as a minute at least; null
    /// where no agent has the problem.
    pub agents_per_minute: Option<f64>,
    /// Whether an agent joined within the last two minutes.
    pub is_growing: bool,
    /// Bits by which the description of the fleet is shorter with the factor.
    pub score: f64,
    /// Values of other dimensions that name the same agents.
    pub also: Vec<Shared>,
    /// Values that would do nearly as well, best first.
    pub runners_up: Vec<Shared>,
    /// What to do first, in one sentence.
    pub advice: &'static str,
    /// What would make it worse, in one sentence.
    pub not_to_do: &'static str,
    /// Commands that show more and change nothing.
    pub commands: Vec<String>,
    /// Name of the runbook, a page in `alerts/runbooks`.
    pub runbook: &'static str,
}

/// A value that agents share.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Shared {
    /// The dimension.
    pub factor: String,
    /// Its value.
    pub value: String,
    /// Its score in the factor's place; null for one that names the same agents.
    pub score: Option<f64>,
}

/// An incident in a few words, where more would be too much.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IncidentBrief {
    /// Id of the incident.
    pub incident_id: String,
    /// Kind of its agents.
    #[schemars(schema_with = "one_of::<Kind>")]
    pub kind: &'static str,
    /// Which problem.
    #[schemars(schema_with = "one_of::<Family>")]
    pub family: &'static str,
    /// The dimension that its agents share; else `deployment`, `coder` or `none`.
    pub factor: String,
    /// The value of that dimension; empty without one.
    pub value: String,
    /// Agents with the problem.
    pub agents: u64,
    /// The distinct owners of their workspaces.
    pub users: u64,
}

/// An incident that is over, at its largest.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EndedSummary {
    /// Id of the incident. It is the same when the incident comes back.
    pub incident_id: String,
    /// What it was in one line.
    pub title: String,
    /// Kind of its agents.
    #[schemars(schema_with = "one_of::<Kind>")]
    pub kind: &'static str,
    /// Which problem.
    #[schemars(schema_with = "one_of::<Family>")]
    pub family: &'static str,
    /// The dimension that its agents shared; else `deployment`, `coder` or `none`.
    pub factor: String,
    /// The value of that dimension; empty without one.
    pub value: String,
    /// When its first agent got its problem, or it was first seen.
    pub start: String,
    /// When it was first seen to be over.
    pub end: String,
    /// Time from start to end.
    pub duration_seconds: f64,
    /// The most agents at a time.
    pub agents: u64,
    /// The most users at a time.
    pub users: u64,
    /// The most users who were in session; null where that was never known.
    pub users_in_session: Option<u64>,
}

impl EndedSummary {
    /// An incident that is over in words and numbers.
    pub fn of(ended: &EndedIncident) -> Self {
        Self {
            incident_id: ended.id.to_string(),
            title: title_of(ended.kind, ended.family, &ended.common),
            kind: ended.kind.as_str(),
            family: ended.family.as_str(),
            factor: ended.common.factor().into_owned(),
            value: ended.common.value().to_owned(),
            start: moment(ended.start),
            end: moment(ended.end),
            duration_seconds: ended.end.seconds_since(ended.start),
            agents: ended.agents.into(),
            users: ended.owners.into(),
            users_in_session: ended.owners_in_session.map(Into::into),
        }
    }
}

impl IncidentSummary {
    /// An incident of this fleet in words and numbers.
    pub fn of(fleet: &FleetStats, incident: &Incident) -> Self {
        let Advice {
            sentence,
            not_to_do,
            commands,
            runbook,
        } = Advice::of(fleet, incident);
        let also = incident.also.iter();
        let runners_up = incident.runners_up.iter();
        Self {
            incident_id: incident.id().to_string(),
            title: title(fleet, incident),
            kind: incident.kind.as_str(),
            family: incident.family.as_str(),
            factor: incident.common.factor().into_owned(),
            value: incident.common.value().to_owned(),
            hostname: hostname(fleet, &incident.common).map(str::to_owned),
            agents: incident.members.len() as u64,
            expected_agents: incident.expected.into(),
            workspaces: incident.workspaces.into(),
            users: incident.owners.into(),
            users_in_session: incident.owners_in_session.map(Into::into),
            start: incident.first.map(moment),
            last_agent: incident.last.map(moment),
            agents_per_minute: agents_per_minute(incident),
            is_growing: incident.is_growing,
            score: incident.score,
            also: also.map(|(of, value)| shared(of, value, None)).collect(),
            runners_up: runners_up
                .map(|(of, value, score)| shared(of, value, Some(*score)))
                .collect(),
            advice: sentence,
            not_to_do,
            commands,
            runbook,
        }
    }
}

impl IncidentBrief {
    /// An incident in a few words.
    pub fn of(incident: &Incident) -> Self {
        Self {
            incident_id: incident.id().to_string(),
            kind: incident.kind.as_str(),
            family: incident.family.as_str(),
            factor: incident.common.factor().into_owned(),
            value: incident.common.value().to_owned(),
            agents: incident.members.len() as u64,
            users: incident.owners.into(),
        }
    }
}

/// How fast it came: its agents for each minute of its waves.
pub fn agents_per_minute(incident: &Incident) -> Option<f64> {
    let (first, last) = (incident.first?, incident.last?);
    let minutes = (last.seconds_since(first) / 60.0).max(1.0);
    Some(incident.members.len() as f64 / minutes)
}

/// What it is in one line: `root lost: template acme/docker`. A coderd replica has its hostname
/// beside its id, and Coder that is down by one clock only is not said to be down.
pub fn title(fleet: &FleetStats, incident: &Incident) -> String {
    let is_clock = || fleet.coder_state().is_some_and(CoderState::is_clock);
    if incident.common == Common::Coder && is_clock() {
        return "root lost: by the database's clock only".to_owned();
    }
    let title = title_of(incident.kind, incident.family, &incident.common);
    match hostname(fleet, &incident.common) {
        Some(hostname) => format!("{title} ({hostname})"),
        None => title,
    }
}

/// The hostname of the coderd replica that agents have in common.
fn hostname<'a>(fleet: &'a FleetStats, common: &Common) -> Option<&'a str> {
    let Common::Value(Dimension::CoderdReplica, id) = common else {
        return None;
    };
    let id = Uuid::parse_str(id).ok()?;
    let mut replicas = fleet.snapshot.replicas.iter().flatten();
    let replica = replicas.find(|it| it.id == id)?;
    Some(replica.hostname.as_str()).filter(|it| !it.is_empty())
}

/// The same of one that is over.
pub fn title_of(kind: Kind, family: Family, common: &Common) -> String {
    let family = family.as_str().replace('_', " ");
    format!("{} {family}: {}", kind.as_str(), in_common(common))
}

/// What its agents have in common, for people.
fn in_common(common: &Common) -> String {
    match common {
        Common::Coder => "Coder itself does not run".to_owned(),
        Common::Deployment => "most of the deployment".to_owned(),
        Common::Value(dimension, value) => {
            format!("{} {value}", dimension.name().replace('_', " "))
        }
        Common::None => "together, with nothing known in common".to_owned(),
    }
}

fn shared(dimension: &Dimension, value: &Label, score: Option<f64>) -> Shared {
    Shared {
        factor: dimension.name().into_owned(),
        value: value.to_string(),
        score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{at, fleet_of};
    use crate::fleet::model::coder::Replica;
    use crate::incident::advice::tests::incident;

    #[test]
    fn replica_has_its_hostname_beside_its_id_while_coder_knows_it() {
        let id = Uuid::from_u128(7);
        let common = Common::Value(Dimension::CoderdReplica, Label::from(id.to_string()));
        let incident = incident(Kind::Root, Family::Lost, common);
        let mut fleet = fleet_of(Vec::new());
        let plain = format!("root lost: coderd replica {id}");
        assert_eq!(title(&fleet, &incident), plain);
        fleet.snapshot.replicas = Some(vec![Replica {
            id,
            hostname: "coderd-1".into(),
            version: "v2.35.1".into(),
            is_primary: true,
            started_at: None,
            updated_at: None,
            stopped_at: None,
            database_latency: None,
        }]);
        assert_eq!(title(&fleet, &incident), format!("{plain} (coderd-1)"));
        let summary = IncidentSummary::of(&fleet, &incident);
        assert_eq!(summary.hostname.as_deref(), Some("coderd-1"));
    }

    #[test]
    fn wave_of_less_than_a_minute_counts_as_one() {
        let mut wave = incident(Kind::Root, Family::Lost, Common::Deployment);
        wave.members = (0..90).collect();
        let mut rate = |first, last| {
            (wave.first, wave.last) = (first, last);
            agents_per_minute(&wave)
        };
        assert_eq!(rate(Some(at(0)), Some(at(3))), Some(90.0));
        assert_eq!(rate(Some(at(0)), Some(at(60))), Some(90.0));
        assert_eq!(rate(Some(at(0)), Some(at(90))), Some(60.0));
        assert_eq!(rate(Some(at(0)), None), None);
    }
}
