//! The resolver's decision matrix, with a named test for each entry, on a paused clock.

mod cache;
mod cancel;
mod connect;
mod lazy;
mod model;
mod outcomes;
mod verdict;
mod wait;

use std::convert::Infallible;
use std::future::pending;

use uuid::Uuid;

use super::world::{Connection, WORKSPACE, World};
use super::{Resolved, Resolver, Trace, Unresolved};

/// Resolves [`WORKSPACE`] for a caller that never leaves.
async fn connect(resolver: &Resolver<World, World>) -> Result<Resolved<Connection>, Unresolved> {
    connect_to(resolver, WORKSPACE).await
}

async fn connect_to(
    resolver: &Resolver<World, World>,
    workspace: Uuid,
) -> Result<Resolved<Connection>, Unresolved> {
    let trace = Trace::default();
    let never = pending::<Infallible>();
    match resolver.connect(workspace, never, &trace).await {
        Ok(resolved) => resolved,
        Err(never) => match never {},
    }
}
