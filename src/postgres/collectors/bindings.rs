//! The bindings collector: counts chats by the state of their binding. One query reads the chats;
//! whether an agent can serve one follows from the agents that were read.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::workspace::{BindingCount, BindingState};
use crate::postgres::builds::HasAgent;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("bindings.sql");

/// Columns that the query reads, in addition to those of the agents collector. It only runs if the
/// newest one, `chats.agent_id`, exists.
pub(super) const READS: &[ColumnSet] =
    &[ColumnSet::of("chats", &[]).since(&["workspace_id", "agent_id", "archived"])];

/// Counts chats by the state of their binding.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let chats = load(context.client()?).await?;
        Ok(Loaded::new(chats.len(), move |found| {
            let agents = found.snapshot.agents.as_deref().unwrap_or_default();
            let mut counts: HashMap<(&Scope, BindingState), u64> = HashMap::new();
            for chat in &chats {
                let builds = found.builds.as_ref();
                // One whose workspace is deleted does not count.
                let home = builds.and_then(|it| it.of_workspace(chat.workspace));
                if let Some((build, scope)) = home {
                    let state = chat.state(build.has_agent, agents);
                    *counts.entry((scope, state)).or_default() += chat.count;
                }
            }
            let counts = counts.into_iter();
            let counts = counts.map(|((scope, state), count)| BindingCount {
                scope: scope.clone(),
                state,
                count,
            });
            found.snapshot.bindings = Some(counts.collect());
        }))
    };
    work.boxed()
}

/// Chats of one workspace that are bound to one agent, or to none.
struct Chats {
    workspace: Uuid,
    agent: Option<Uuid>,
    count: u64,
}

async fn load(client: &Client) -> Result<Vec<Chats>, Failure> {
    let failed = |error| from_driver("reading the chats", error);
    let no_params: [(&str, Type); 0] = [];
    let rows = client.query_typed_raw(SQL, no_params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut chats = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        chats.push(Chats {
            workspace: row.get("workspace_id")?.unwrap_or_default(),
            agent: row.get("agent_id")?,
            count: row.count()?,
        });
    }
    Ok(chats)
}

impl Chats {
    /// The state of these bindings, of a workspace whose latest build has such agents. The first
    /// rule that matches decides. `agents` are those of all latest builds, sorted by id.
    fn state(&self, has_agent: HasAgent, agents: &[Agent]) -> BindingState {
        let Some(bound) = self.agent else {
            return BindingState::Unbound;
        };
        if has_agent != HasAgent::Serving {
            return BindingState::NoAgent;
        }
        let found = agents.binary_search_by_key(&bound, |it| it.id);
        let found = found.ok().and_then(|it| agents.get(it));
        match found.is_some_and(|it| it.workspace_id == self.workspace) {
            true => BindingState::Current,
            false => BindingState::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::agent;

    #[test]
    fn binding_is_current_where_its_agent_is_of_its_workspaces_latest_build() {
        let id = Uuid::from_u128;
        let agents = [(1, 10), (2, 20)].map(|(agent_id, workspace)| Agent {
            id: id(agent_id),
            workspace_id: id(workspace),
            ..agent()
        });
        let state = |workspace, bound: Option<u128>, has_agent| {
            let chats = Chats {
                workspace: id(workspace),
                agent: bound.map(id),
                count: 1,
            };
            chats.state(has_agent, &agents)
        };
        use BindingState::{Current, NoAgent, Stale, Unbound};
        assert_eq!(state(10, Some(1), HasAgent::Serving), Current);
        // Of another workspace, and of no latest build.
        assert_eq!(state(10, Some(2), HasAgent::Serving), Stale);
        assert_eq!(state(10, Some(3), HasAgent::Serving), Stale);
        assert_eq!(state(10, None, HasAgent::Serving), Unbound);
        for none in [HasAgent::No, HasAgent::Sub] {
            assert_eq!(state(10, Some(1), none), NoAgent);
            assert_eq!(state(10, None, none), Unbound);
        }
    }
}
