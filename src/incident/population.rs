//! What the analysis looks at: agents, and what each of them shares with others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::{Kind, Label};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;

use super::code_list::{self, CodeList};

/// Problems that have causes of one sort. See `docs/spec/incidents.md`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Family {
    /// Was connected and is gone.
    Lost,
    /// Has not connected since its build.
    NeverConnected,
    /// Connected; its startup script failed or does not end.
    StartFailed,
    /// Connected, and reports no progress.
    StuckCreated,
}

impl Family {
    /// The family of a health class; `None` for those that are no problem.
    pub const fn of(health: Health) -> Option<Self> {
        match health {
            Health::Disconnected | Health::Terminated => Some(Self::Lost),
            Health::StuckConnecting | Health::ConnectTimeout => Some(Self::NeverConnected),
            Health::StartError | Health::StuckStarting => Some(Self::StartFailed),
            Health::StuckCreated => Some(Self::StuckCreated),
            Health::Shutdown | Health::Connecting | Health::Starting | Health::Healthy => None,
        }
    }
}

/// What agents can have in common, the broader before the narrower: of two values that name the
/// same agents the first is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Dimension {
    /// `organizations.name`.
    Organization,
    /// The coderd to which the agent was last connected: `workspace_agents.last_connected_replica_id`.
    CoderdReplica,
    /// The provisioner daemon that ran the latest build's job.
    Provisioner,
    /// `workspace_agents.operating_system`.
    OperatingSystem,
    /// `workspace_agents.architecture`.
    Architecture,
    /// `workspace_resources.type` of the agent's resource.
    ResourceType,
    /// Organization and template.
    Template,
    /// Organization, template and version of the latest build.
    TemplateVersion,
    /// `workspace_agents.version`.
    AgentVersion,
    /// A key of `workspace_resource_metadata` that `--incident.resource-metadata` names.
    Metadata(Label),
    /// `users.username` of the workspace's owner.
    Owner,
}

impl Dimension {
    /// Its name on the wire.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Metadata(key) => Cow::Owned(format!("metadata:{key}")),
            other => Cow::Borrowed(other.into()),
        }
    }
}

/// A value of a dimension: a position in [`Population::columns`] and one in its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// Position of the column.
    pub column: u32,
    /// Position of the name.
    pub code: u32,
}

/// One dimension: its names, and which of them each member has.
#[derive(Debug, Clone)]
pub struct Column {
    /// Which dimension.
    pub dimension: Dimension,
    /// The names that members have.
    pub names: Vec<Label>,
    codes: Codes,
    positions: HashMap<Label, u32>,
}

/// The position of the name of each member.
#[derive(Debug, Clone)]
enum Codes {
    OfMembers(CodeList),
    /// By what the member shares with others, as its template: several dimensions follow from that.
    OfShared {
        /// What each member has.
        shared: Arc<CodeList>,
        codes: Vec<u32>,
    },
}

impl Column {
    /// The code of a member that has no value in this dimension.
    pub const NONE: u32 = code_list::NONE;

    /// A dimension that no member has a value of yet, with room for so many members.
    pub fn new(dimension: Dimension, room: usize) -> Self {
        Self::of(dimension, Codes::OfMembers(CodeList::with_capacity(room)))
    }

    /// A dimension in which a member has the value of what it has of `shared`; `names` has the name
    /// of each of these.
    pub fn of_shared(
        dimension: Dimension,
        shared: Arc<CodeList>,
        names: impl Iterator<Item = Label>,
    ) -> Self {
        let mut column = Self::new(dimension, 0);
        let codes = names.map(|it| column.code(&it)).collect();
        column.codes = Codes::OfShared { shared, codes };
        column.done()
    }

    fn of(dimension: Dimension, codes: Codes) -> Self {
        Self {
            dimension,
            names: Vec::new(),
            codes,
            positions: HashMap::new(),
        }
    }

    /// The code of a member's name; [`NONE`](Self::NONE) where it has none.
    pub fn code_of(&self, member: u32) -> u32 {
        match &self.codes {
            Codes::OfMembers(codes) => codes.get(member),
            Codes::OfShared { shared, codes } => {
                let code = codes.get(shared.get(member) as usize);
                code.copied().unwrap_or(Self::NONE)
            }
        }
    }

    /// The code of every member, in their order.
    pub fn codes(&self) -> impl Iterator<Item = u32> {
        let members = match &self.codes {
            Codes::OfMembers(codes) => codes.members(),
            Codes::OfShared { shared, .. } => shared.members(),
        };
        (0..members).map(|it| self.code_of(it))
    }

    /// The members that have the name with this code, in ascending order.
    pub fn members(&self, code: u32) -> impl Iterator<Item = u32> {
        let codes = (0_u32..).zip(self.codes());
        codes.filter(move |it| it.1 == code).map(|it| it.0)
    }

    /// Adds the next member; an empty name is no value.
    pub fn push(&mut self, name: &Label) {
        let code = self.code(name);
        self.push_code(code);
    }

    /// Adds the next member, whose name has this code.
    pub fn push_code(&mut self, code: u32) {
        if let Codes::OfMembers(codes) = &mut self.codes {
            codes.push(code);
        }
    }

    /// The code of a name, new or known.
    pub fn code(&mut self, name: &Label) -> u32 {
        if name.is_empty() {
            return Self::NONE;
        }
        if let Some(&code) = self.positions.get(name) {
            return code;
        }
        let code = self.names.len() as u32;
        self.names.push(name.clone());
        self.positions.insert(name.clone(), code);
        code
    }

    /// The same without what is only needed to add members.
    #[must_use]
    pub fn done(mut self) -> Self {
        self.positions = HashMap::new();
        self
    }

    /// The same dimension of these members alone, in this order.
    pub fn only(self, members: &[u32]) -> Self {
        let codes = members.iter().map(|&it| self.code_of(it)).collect();
        Self {
            codes: Codes::OfMembers(codes),
            ..self
        }
    }
}

/// The problem of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The member's position.
    pub member: u32,
    /// What sort of problem.
    pub family: Family,
    /// When it began.
    pub since: Timestamp,
    /// A number that is the same for the agents of one workspace.
    pub workspace: u64,
}

/// All members of one kind, with their dimensions. Member `i` has the `i`-th code of each column.
///
/// A member is an agent that is expected to run; or one that is not, since its workspace was stopped
/// within the last day: it counts among those that a cause could have hit.
#[derive(Debug, Clone)]
pub struct Population {
    /// Which agents these are: people's, or those that wait for a person.
    pub kind: Kind,
    /// How many members there are.
    pub size: u32,
    /// The problems, in the order of the members, of whom most are well.
    pub problems: Vec<Problem>,
    /// The dimensions, in the order of [`Dimension`].
    pub columns: Vec<Column>,
}

impl Population {
    /// The problem of a member; `None` when it is well, or stopped.
    pub fn problem(&self, member: u32) -> Option<&Problem> {
        self.problems.get(self.place_of_problem(member)?)
    }

    /// Where the problem of a member is in [`problems`](Self::problems).
    pub fn place_of_problem(&self, member: u32) -> Option<usize> {
        let place = self.problems.binary_search_by_key(&member, |it| it.member);
        place.ok()
    }

    /// The column of a dimension; `None` where it was not looked at.
    pub fn column(&self, dimension: &Dimension) -> Option<&Column> {
        self.columns.iter().find(|it| it.dimension == *dimension)
    }

    /// Dimension and name of a value.
    pub fn describe(&self, value: Value) -> (&Dimension, &Label) {
        let column = &self.columns[value.column as usize];
        (&column.dimension, &column.names[value.code as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::model::label_value::Variants;

    #[test]
    fn every_problem_has_a_family_and_nothing_else_has() {
        for &health in Health::ALL {
            assert_eq!(
                Family::of(health).is_some(),
                health.is_problem(),
                "{health:?}"
            );
        }
    }

    #[test]
    fn name_of_metadata_has_its_key() {
        assert_eq!(Dimension::Metadata("node".into()).name(), "metadata:node");
        assert_eq!(Dimension::CoderdReplica.name(), "coderd_replica");
    }
}
