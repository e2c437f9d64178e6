//! From a judged snapshot to what the analysis looks at, and back to the agents.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Label, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::Origin;
use crate::fleet::model::shared_fact::SharedFact;
use crate::fleet::model::snapshot::{Scopes, Snapshot};
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::StoppedWorkspace;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Assessment;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::analysis::analyze;
use crate::incident::code_list::CodeList;
use crate::incident::model::{CoderDown, Common, Incident, IncidentSettings};
use crate::incident::population::{Column, Dimension, Family, Population, Problem};

/// Kinds whose agents form incidents, each by itself.
const KINDS: [Kind; 2] = [Kind::Root, Kind::Prebuild];

/// The incidents of a fleet, people's first. Members are positions in the snapshot's agents.
pub fn incidents_of(fleet: &FleetStats, settings: IncidentSettings) -> Vec<Incident> {
    let coder_down = match fleet.coder_state() {
        Some(CoderState::Down { since, .. }) => Some(CoderDown { since }),
        Some(CoderState::Alive) | None => None,
    };
    let mut all = Vec::new();
    for kind in KINDS {
        // Nearly always there is nothing to explain.
        let few = fleet.problems().filter(|it| it.agent.kind == kind).take(2);
        if few.count() < 2 && coder_down.is_none() {
            continue;
        }
        let (population, positions) = population(fleet, kind);
        let mut found = analyze(&population, settings, coder_down, fleet.snapshot.now);
        for incident in &mut found {
            // Every one of them has a problem.
            let places = incident.members.iter();
            let places = places.filter_map(|&it| population.place_of_problem(it));
            incident.members = places.map(|it| positions[it]).collect();
        }
        all.extend(found);
    }
    one_of_coder(&mut all);
    all
}

/// Coder that is down is one incident: prebuilds that were lost with it join that of people's agents.
/// Their owner is no person.
fn one_of_coder(all: &mut Vec<Incident>) {
    let is_coder = |it: &Incident| it.common == Common::Coder;
    let of_prebuilds = all
        .iter()
        .position(|it| is_coder(it) && it.kind == Kind::Prebuild);
    let Some(of_prebuilds) = of_prebuilds.map(|it| all.remove(it)) else {
        return;
    };
    let of_people = all.iter_mut().find(|it| is_coder(it));
    if let Some(whole) = of_people {
        whole.members.extend(of_prebuilds.members);
        whole.members.sort_unstable();
        whole.expected += of_prebuilds.expected;
        whole.workspaces += of_prebuilds.workspaces;
        whole.last = whole.last.max(of_prebuilds.last);
        whole.is_growing |= of_prebuilds.is_growing;
    }
}

/// The agents of one kind that are expected to run, and for each problem the position of its agent in
/// the snapshot. After the agents come workspaces that were stopped lately, so that a night's autostop
/// makes no incident of what was lost long ago.
fn population(fleet: &FleetStats, kind: Kind) -> (Population, Vec<u32>) {
    let is_expected =
        |agent: &Agent| agent.kind == kind && agent.transition == DbEnum::Known(Transition::Start);
    let judged = (0_u32..).zip(fleet.judged());
    let expected = judged.filter(|(_, (agent, _))| is_expected(agent));
    // A prebuild is not stopped: it is claimed or deleted.
    let stopped: &[StoppedWorkspace] = match kind {
        Kind::Root => &fleet.snapshot.stopped,
        Kind::Prebuild | Kind::Sub | Kind::External => &[],
    };
    // Lists that double as they grow are megabytes too large.
    let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
    let running = agents.iter().filter(|it| is_expected(it)).count();
    let room = running + stopped.len();
    let mut columns = Columns::new(fleet, room);
    let (mut problems, mut positions) = (Vec::new(), Vec::new());
    for (member, (position, (agent, assessment))) in (0..).zip(expected) {
        if let Some((family, since)) = problem(assessment) {
            problems.push(Problem {
                member,
                family,
                since,
                workspace: agent.workspace_id.as_u128() as u64,
            });
            positions.push(position);
        }
        columns.push(position, agent);
    }
    for workspace in stopped {
        columns.push_stopped(workspace);
    }
    let population = Population {
        kind,
        size: room as u32,
        problems,
        columns: columns.done(),
    };
    (population, positions)
}

fn problem(assessment: Assessment) -> Option<(Family, Timestamp)> {
    Family::of(assessment.health).zip(assessment.since)
}

/// The dimensions while members are added. A text is looked up once for each place that it is
/// stored in, which is once for a snapshot: names are interned.
struct Columns<'a> {
    fleet: &'a FleetStats,
    /// The number of each member's scope among the snapshot's, and those of stopped workspaces after
    /// them.
    scopes: CodeList,
    /// Scopes that no agent has.
    more_scopes: Scopes,
    /// The number of each member's origin; none of a stopped workspace.
    origins: CodeList,
    /// Those that other collectors found out.
    shared: Vec<SharedColumn<'a>>,
    template_version: (Column, FxHashMap<(usize, u32), u32>),
    agent_version: (Column, FxHashMap<usize, u32>),
    owner: (Column, FxHashMap<usize, u32>),
}

impl<'a> Columns<'a> {
    /// Columns without a member, with room for so many.
    fn new(fleet: &'a FleetStats, room: usize) -> Self {
        let new = |dimension| Column::new(dimension, room);
        Self {
            fleet,
            scopes: CodeList::with_capacity(room),
            more_scopes: Scopes::default(),
            origins: CodeList::with_capacity(room),
            shared: shared_columns(&fleet.snapshot, room),
            template_version: (new(Dimension::TemplateVersion), FxHashMap::default()),
            agent_version: (new(Dimension::AgentVersion), FxHashMap::default()),
            owner: (new(Dimension::Owner), FxHashMap::default()),
        }
    }

    /// Adds the agent at this position of the snapshot to every dimension.
    fn push(&mut self, position: u32, agent: &Agent) {
        for shared in &mut self.shared {
            shared.push(position);
        }
        self.scopes.push(agent.scope.0);
        self.origins.push(agent.origin.index() as u32);
        let scope = self.fleet.snapshot.scopes.get(agent.scope);
        let (column, known) = &mut self.template_version;
        let version = &agent.template_version;
        let code = known
            .entry((place(version), agent.scope.0))
            .or_insert_with(|| {
                let whole = scope.map(|it| version_of(it, version));
                column.code(&whole.unwrap_or_default())
            });
        column.push_code(*code);
        push_text(&mut self.agent_version, &agent.version);
        push_text(&mut self.owner, &agent.owner);
    }

    /// Adds a workspace without an agent, which has no value where that would tell.
    fn push_stopped(&mut self, workspace: &StoppedWorkspace) {
        let scope = self.number_of(&workspace.scope);
        self.scopes.push(scope);
        self.origins.push(Column::NONE);
        for shared in &mut self.shared {
            shared.column.push_code(Column::NONE);
        }
        let whole = version_of(&workspace.scope, &workspace.template_version);
        self.template_version.0.push(&whole);
        self.agent_version.0.push(&Label::new());
        push_text(&mut self.owner, &workspace.owner);
    }

    fn number_of(&mut self, scope: &Scope) -> u32 {
        let scopes = &self.fleet.snapshot.scopes;
        let of_agents = scopes.find(scope).map(|it| it.0);
        of_agents.unwrap_or_else(|| {
            let more = self.more_scopes.intern(scope.clone());
            scopes.len() as u32 + more.0
        })
    }

    /// All of them, the broader before the narrower.
    fn done(self) -> Vec<Column> {
        let snapshot = &self.fleet.snapshot;
        let shared = Arc::new(self.scopes);
        let of_scope = |dimension, name: fn(&Scope) -> Label| {
            let all = snapshot.scopes.iter().chain(self.more_scopes.iter());
            Column::of_shared(dimension, shared.clone(), all.map(name))
        };
        let by_scope = [
            of_scope(Dimension::Organization, |it| it.organization.clone()),
            of_scope(Dimension::Template, template_of),
        ];
        let shared = Arc::new(self.origins);
        let of_origin = |dimension, name: fn(&Origin) -> Label| {
            Column::of_shared(dimension, shared.clone(), snapshot.origins.iter().map(name))
        };
        let by_origin = [
            of_origin(Dimension::CoderdReplica, replica_of),
            of_origin(Dimension::OperatingSystem, |it| it.operating_system.clone()),
            of_origin(Dimension::Architecture, |it| it.architecture.clone()),
            of_origin(Dimension::ResourceType, |it| it.resource_type.clone()),
        ];
        let others = [self.template_version.0, self.agent_version.0, self.owner.0];
        let found_out = self.shared.into_iter().map(|it| it.column);
        let mut all: Vec<Column> = by_scope
            .into_iter()
            .chain(by_origin)
            .chain(found_out)
            .chain(others)
            .collect();
        all.sort_by(|a, b| a.dimension.cmp(&b.dimension));
        all.into_iter().map(Column::done).collect()
    }
}

/// A dimension whose values another collector found out.
struct SharedColumn<'a> {
    column: Column,
    /// The code of each of the fact's values in the column.
    codes: Vec<u32>,
    /// The index of each agent's value.
    of_agents: &'a [u32],
}

impl<'a> SharedColumn<'a> {
    fn new<T>(mut column: Column, fact: &'a SharedFact<T>, name: impl Fn(&T) -> Label) -> Self {
        let values = fact.values.iter();
        Self {
            codes: values.map(|it| column.code(&name(it))).collect(),
            of_agents: &fact.codes,
            column,
        }
    }

    fn push(&mut self, position: u32) {
        let value = self.of_agents.get(position as usize);
        let code = value.and_then(|it| self.codes.get(*it as usize));
        self.column.push_code(code.copied().unwrap_or(Column::NONE));
    }
}

fn shared_columns(snapshot: &Snapshot, room: usize) -> Vec<SharedColumn<'_>> {
    let daemons = snapshot.provisioners.iter().flat_map(|it| &it.daemons);
    let names: HashMap<Uuid, &Label> = daemons.map(|it| (it.id, &it.name)).collect();
    // One that Coder has forgotten has no name any more.
    let name = |id: &Uuid| match names.get(id) {
        Some(name) => (*name).clone(),
        None => Label::from(id.to_string()),
    };
    let provisioners = snapshot.provisioners_of_agents.iter();
    let new = |dimension| Column::new(dimension, room);
    let provisioners = provisioners.map(|it| {
        let column = new(Dimension::Provisioner);
        SharedColumn::new(column, it, name)
    });
    let metadata = snapshot.metadata_of_agents.iter();
    let metadata = metadata.map(|(key, fact)| {
        let column = new(Dimension::Metadata(key.clone()));
        SharedColumn::new(column, fact, Label::clone)
    });
    provisioners.chain(metadata).collect()
}

fn template_of(scope: &Scope) -> Label {
    Label::from(format!("{}/{}", scope.organization, scope.template))
}

/// The id of the replica, since hostnames repeat; empty where there is none.
fn replica_of(origin: &Origin) -> Label {
    let id = origin.replica.map(|it| Label::from(it.to_string()));
    id.unwrap_or_default()
}

/// The whole name of a template version; empty where it has none.
fn version_of(scope: &Scope, version: &Label) -> Label {
    match version.is_empty() {
        true => Label::new(),
        false => Label::from(format!("{}/{version}", template_of(scope))),
    }
}

fn push_text((column, known): &mut (Column, FxHashMap<usize, u32>), text: &Label) {
    let code = *known
        .entry(place(text))
        .or_insert_with(|| column.code(text));
    column.push_code(code);
}

/// Where a text is stored.
fn place(text: &Label) -> usize {
    text.as_str().as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at};
    use crate::fleet::model::coder::Replica;
    use crate::fleet::model::snapshot::Snapshot;
    use crate::fleet::rules::health::Limits;
    use uuid::Uuid;

    /// Thirty agents of which every third was connected to the replica with this number, and lost.
    fn fleet(kind: Kind) -> FleetStats {
        let mut snapshot = Snapshot::at(at(0));
        let scope = Scope {
            organization: "acme".into(),
            template: "docker".into(),
        };
        let scope = snapshot.scopes.intern(scope);
        let origins = [7, 8, 9].map(|number| {
            snapshot.origins.add(Origin {
                replica: Some(Uuid::from_u128(number)),
                operating_system: "linux".into(),
                ..Origin::default()
            })
        });
        let agents = (0..30).map(|number: u128| Agent {
            id: Uuid::from_u128(number),
            workspace_id: Uuid::from_u128(100 + number),
            owner: format!("owner-{number}").into(),
            kind,
            scope,
            origin: origins[number as usize % 3],
            last_connected_at: Some(at(if number % 3 == 1 { -120 } else { -5 })),
            ..agent()
        });
        snapshot.agents = Some(agents.collect());
        FleetStats::of(snapshot, &Limits::default())
    }

    fn incidents(fleet: &FleetStats) -> Vec<Incident> {
        incidents_of(fleet, IncidentSettings::default())
    }

    #[test]
    fn replica_whose_agents_are_gone_is_named_by_its_id() {
        let found = incidents(&fleet(Kind::Root));
        let id = Label::from(Uuid::from_u128(8).to_string());
        let common = Common::Value(Dimension::CoderdReplica, id);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].common.clone(), found[0].expected), (common, 10));
        let members: Vec<u32> = (0..10).map(|it| 3 * it + 1).collect();
        assert_eq!(found[0].members, members);
    }

    #[test]
    fn prebuilds_form_incidents_of_their_own_and_others_none() {
        let kinds = |kind| {
            incidents(&fleet(kind))
                .iter()
                .map(|it| it.kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(Kind::Prebuild), [Kind::Prebuild]);
        assert_eq!(kinds(Kind::Sub), []);
        assert_eq!(kinds(Kind::External), []);
    }

    #[test]
    fn coder_that_is_down_is_one_incident_of_agents_and_prebuilds() {
        let mut snapshot = fleet(Kind::Root).snapshot;
        for (number, agent) in snapshot.agents.iter_mut().flatten().enumerate() {
            agent.last_connected_at = Some(at(-120));
            if number < 10 {
                agent.kind = Kind::Prebuild;
            }
        }
        snapshot.replicas = Some(vec![Replica {
            id: Uuid::from_u128(8),
            hostname: "coderd-0".into(),
            version: "v2.35.1".into(),
            is_primary: true,
            started_at: Some(at(-3600)),
            updated_at: Some(at(-110)),
            stopped_at: None,
            database_latency: None,
        }]);
        let found = incidents(&FleetStats::of(snapshot, &Limits::default()));
        assert_eq!(found.len(), 1, "{found:?}");
        let whole = &found[0];
        assert_eq!((whole.kind, &whole.common), (Kind::Root, &Common::Coder));
        assert_eq!(whole.members, (0..30).collect::<Vec<u32>>());
        let counts = (whole.expected, whole.workspaces, whole.owners);
        assert_eq!(counts, (30, 30, 20));
    }

    #[test]
    fn workspaces_that_were_stopped_lately_could_have_been_hit() {
        let mut snapshot = fleet(Kind::Root).snapshot;
        // All agents of the template are lost, and most of its workspaces were stopped before.
        let lost = |agent: &Agent| agent.last_connected_at == Some(at(-120));
        snapshot.agents.iter_mut().for_each(|it| it.retain(lost));
        let scope = snapshot.scopes.iter().next().unwrap().clone();
        let stopped = (0..20).map(|number| StoppedWorkspace {
            id: Uuid::from_u128(500 + number),
            scope: scope.clone(),
            owner: format!("owner-{number}").into(),
            template_version: "v1".into(),
        });
        let mut found = |stopped| {
            snapshot.stopped = stopped;
            let fleet = FleetStats::of(snapshot.clone(), &Limits::default());
            incidents(&fleet)
                .iter()
                .map(|it| it.common.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(found(Vec::new()), [Common::Deployment]);
        let id = Label::from(Uuid::from_u128(8).to_string());
        let replica = Common::Value(Dimension::CoderdReplica, id);
        assert_eq!(found(stopped.collect()), [replica]);
    }

    #[test]
    fn version_has_its_whole_name_and_an_unknown_value_is_none() {
        let (population, _) = population(&fleet(Kind::Root), Kind::Root);
        let column = |dimension| {
            let mut all = population.columns.iter();
            all.find(|it| it.dimension == dimension).unwrap()
        };
        assert_eq!(column(Dimension::TemplateVersion).names, ["acme/docker/v1"]);
        assert_eq!(column(Dimension::Template).names, ["acme/docker"]);
        assert_eq!(column(Dimension::Architecture).names, [""; 0]);
        let codes: Vec<u32> = column(Dimension::Architecture).codes().collect();
        assert_eq!(codes, [Column::NONE; 30]);
        assert!(population.columns.is_sorted_by_key(|it| &it.dimension));
    }
}
