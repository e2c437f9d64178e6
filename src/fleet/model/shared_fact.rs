//! A fact of every agent that many agents share.

/// A fact that another collector than the agents' own finds out, with each distinct value once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFact<T> {
    /// The distinct values.
    pub values: Vec<T>,
    /// The index of the value of each agent, in the order of the snapshot's agents;
    /// [`SharedFact::NONE`] where it is unknown.
    pub codes: Vec<u32>,
}

impl<T> SharedFact<T> {
    /// The code of an agent whose value is unknown.
    pub const NONE: u32 = u32::MAX;
}
