//! Where agents run and what brought them there: facts that many share.

use uuid::Uuid;

use crate::fleet::model::agent::Label;

/// What an agent shares with others, besides its names. An empty text is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// `workspace_agents.last_connected_replica_id`: the coderd it was last connected to.
    pub replica: Option<Uuid>,
    /// `workspace_agents.operating_system`.
    pub operating_system: Label,
    /// `workspace_agents.architecture`.
    pub architecture: Label,
    /// `workspace_resources.type` of its resource.
    pub resource_type: Label,
}

/// Position of an [`Origin`] in its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginId(u32);

impl OriginId {
    /// Nothing was asked.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// The position as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The distinct origins of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// The number of one that is not among them yet.
    pub fn add(&mut self, origin: Origin) -> OriginId {
        // There are no more of them than agents: the cast never cuts anything off.
        self.0.push(origin);
        OriginId(self.0.len() as u32 - 1)
    }

    /// The origin with this number; `None` where nothing is known.
    pub fn get(&self, id: OriginId) -> Option<&Origin> {
        self.0.get(id.index())
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}
