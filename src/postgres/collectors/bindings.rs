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
use crate::fleet::model::sorted::find_by_id;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingCount, BindingState};
use crate::postgres::builds::HasAgent;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("bindings.sql");

/// Columns that the query reads, in addition to those of the agents collector. It only runs if the
/// newest one, `chats.agent_id`, exists.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of("chats", &[])
    .since(&["workspace_id", "agent_id", "archived"])
    .optional(&["updated_at"])];

/// Counts chats by the state of their binding.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let sql = for_catalog(SQL, &context.session.catalog);
        let chats = load(context.client()?, &sql).await?;
        Ok(Loaded::new(chats.len(), move |found| {
            let agents = found.snapshot.agents.as_deref().unwrap_or_default();
            let mut counts: HashMap<(&Scope, BindingState), u64> = HashMap::new();
            for chat in &chats {
                let builds = found.builds.as_ref();
                // One whose workspace is deleted does not count.
                let home = builds.and_then(|it| it.of_workspace(chat.workspace));
                if let Some((build, scope)) = home {
                    let state = chat.state(build.has_agent, build.built_at, agents);
                    *counts.entry((scope, state)).or_default() += 1;
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

/// A chat of a workspace, bound to an agent or to none.
struct Chat {
    workspace: Uuid,
    agent: Option<Uuid>,
    /// When it was last used; `None` where that is not known.
    used_at: Option<Timestamp>,
}

async fn load(client: &Client, sql: &str) -> Result<Vec<Chat>, Failure> {
    let failed = |error| from_driver("reading the chats", error);
    let no_params: [(&str, Type); 0] = [];
    let rows = client.query_typed_raw(sql, no_params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut chats = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        chats.push(Chat {
            workspace: row.get("workspace_id")?.unwrap_or_default(),
            agent: row.get("agent_id")?,
            used_at: row.get("updated_at")?,
        });
    }
    Ok(chats)
}

impl Chat {
    /// The state of its binding, where the workspace's latest build is of this moment and has such
    /// agents. The first rule that matches decides. `agents` are those of all latest builds, sorted
    /// by id.
    fn state(
        &self,
        has_agent: HasAgent,
        built_at: Option<Timestamp>,
        agents: &[Agent],
    ) -> BindingState {
        let Some(bound) = self.agent else {
            return BindingState::Unbound;
        };
        if has_agent != HasAgent::Serving {
            return BindingState::NoAgent;
        }
        let found = find_by_id(agents, bound, |it| it.id);
        let found = found.and_then(|it| agents.get(it));
        if found.is_some_and(|it| it.workspace_id == self.workspace) {
            return BindingState::Current;
        }
        match self.used_at.zip(built_at) {
            Some((used_at, built_at)) if used_at <= built_at => BindingState::Idle,
            // Also where it is not known whether it was used.
            _ => BindingState::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at};

    #[test]
    fn binding_is_current_where_its_agent_is_of_its_workspaces_latest_build() {
        let id = Uuid::from_u128;
        let agents = [(1, 10), (2, 20)].map(|(agent_id, workspace)| Agent {
            id: id(agent_id),
            workspace_id: id(workspace),
            ..agent()
        });
        let state = |workspace, bound: Option<u128>, has_agent| {
            let chat = |used_at: Option<i64>| Chat {
                workspace: id(workspace),
                agent: bound.map(id),
                used_at: used_at.map(at),
            };
            let used = chat(Some(1)).state(has_agent, Some(at(0)), &agents);
            for unknown in [
                chat(None).state(has_agent, Some(at(0)), &agents),
                chat(Some(1)).state(has_agent, None, &agents),
            ] {
                assert_eq!(unknown, used);
            }
            (used, chat(Some(0)).state(has_agent, Some(at(0)), &agents))
        };
        use BindingState::{Current, Idle, NoAgent, Stale, Unbound};
        let both = |it| (it, it);
        assert_eq!(state(10, Some(1), HasAgent::Serving), both(Current));
        // Of another workspace, and of no latest build: used since that build or not.
        assert_eq!(state(10, Some(2), HasAgent::Serving), (Stale, Idle));
        assert_eq!(state(10, Some(3), HasAgent::Serving), (Stale, Idle));
        assert_eq!(state(10, None, HasAgent::Serving), both(Unbound));
        for none in [HasAgent::No, HasAgent::Sub] {
            assert_eq!(state(10, Some(1), none), both(NoAgent));
            assert_eq!(state(10, None, none), both(Unbound));
        }
    }
}
