//! The statements that read the latest builds and what they refer to.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::{Label, Scope};
use crate::postgres::columns::Columns;
use crate::postgres::connection::session::Session;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;

use super::Builds;

pub(in crate::postgres) const WORKSPACES: &str = include_str!("workspaces.sql");
pub(in crate::postgres) const BUILDS: &str = include_str!("builds.sql");
pub(in crate::postgres) const RESOURCES: &str = include_str!("resources.sql");
pub(in crate::postgres) const NAMES: &str = include_str!("names.sql");

/// A workspace that is not deleted.
#[derive(Debug, Clone)]
pub(in crate::postgres) struct Workspace {
    /// `workspaces.id`.
    pub(in crate::postgres) id: Uuid,
    /// `workspaces.name`.
    pub(in crate::postgres) name: Label,
    /// `workspaces.owner_id`.
    pub(in crate::postgres) owner: Option<Uuid>,
    /// `workspaces.organization_id`.
    pub(in crate::postgres) organization: Option<Uuid>,
    /// `workspaces.template_id`.
    pub(in crate::postgres) template: Option<Uuid>,
}

/// Reads the workspaces, and brings what is known of their latest builds up to date. The
/// workspaces are in the order of [`Builds::list`].
///
/// The first statement has the savepoint of the caller, each further one its own: one that fails
/// must not take the transaction with it.
pub(in crate::postgres) async fn read(
    session: &Session,
    builds: &mut Builds,
) -> Result<Vec<Workspace>, Failure> {
    let client = session.client()?;
    let workspaces = read_workspaces(client).await?;
    let ids: Vec<Uuid> = workspaces.iter().map(|it| it.id).collect();
    builds.begin(&ids);
    drop(ids);
    let latest = read_builds(client, builds);
    session.guarded(SAVEPOINT, latest).await?;
    let resources = read_resources(client, builds);
    session.guarded(SAVEPOINT, resources).await?;
    Ok(workspaces)
}

/// The savepoint of each statement but the first.
pub(in crate::postgres) const SAVEPOINT: &str = "agents";

async fn read_workspaces(client: &Client) -> Result<Vec<Workspace>, Failure> {
    let failed = |error| from_driver("reading the workspaces", error);
    let no_params: [(&str, Type); 0] = [];
    let rows = client.query_typed_raw(WORKSPACES, no_params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut workspaces = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        workspaces.push(Workspace {
            id: row.get("id")?.unwrap_or_default(),
            name: row.text("name")?.map(Into::into).unwrap_or_default(),
            owner: row.get("owner_id")?,
            organization: row.get("organization_id")?,
            template: row.get("template_id")?,
        });
    }
    workspaces.sort_unstable_by_key(|it| it.id);
    // A database that was restored without its indexes may have a row twice.
    workspaces.dedup_by_key(|it| it.id);
    Ok(workspaces)
}

/// Asks which of the builds are others than is known.
async fn read_builds(client: &Client, builds: &mut Builds) -> Result<(), Failure> {
    let failed = |error| from_driver("reading the builds", error);
    let rows = {
        let workspaces = Array(builds.list(), |it| it.workspace);
        let jobs = Array(builds.list(), |it| it.job);
        let params: [(&(dyn ToSql + Sync), Type); 2] =
            [(&workspaces, Type::UUID_ARRAY), (&jobs, Type::UUID_ARRAY)];
        client.query_typed_raw(BUILDS, params).await
    };
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let Some(place) = row.place()? else { continue };
        if row.get("is_there")? != Some(true) {
            builds.no_build(place);
            continue;
        }
        builds.add_build(
            place,
            row.get("job_id")?,
            row.get("built_at")?,
            row.get("template_version_id")?,
            row.named("transition")?,
        );
    }
    builds.drop_old_resources();
    Ok(())
}

/// Reads the resources of the builds that are not known.
async fn read_resources(client: &Client, builds: &mut Builds) -> Result<(), Failure> {
    let failed = |error| from_driver("reading the resources", error);
    let jobs = builds.unfinished();
    let ids = Array(&jobs, |it: &(Uuid, u32)| it.0);
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&ids, Type::UUID_ARRAY)];
    let rows = client.query_typed_raw(RESOURCES, params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut types: HashSet<Label> = HashSet::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let place = row.place()?;
        let job = place.and_then(|it| jobs.get(it));
        let (Some(&(_, build)), Some(id)) = (job, row.get("id")?) else {
            continue;
        };
        let text = row.text("resource_type")?.unwrap_or_default();
        let resource_type = match types.get(&*text) {
            Some(known) => known.clone(),
            None => {
                let new = Label::from(&*text);
                types.insert(new.clone());
                new
            }
        };
        builds.add_resource(id, build, resource_type);
    }
    builds.sort_resources();
    Ok(())
}

/// Names by id.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Names {
    users: HashMap<Uuid, Label>,
    organizations: HashMap<Uuid, Label>,
    templates: HashMap<Uuid, Label>,
    template_versions: HashMap<Uuid, Label>,
}

impl Names {
    /// Reads the names that these workspaces and their builds refer to. They may change, so they
    /// are read in every collection.
    pub(in crate::postgres) async fn read(
        client: &Client,
        workspaces: &[Workspace],
        builds: &Builds,
    ) -> Result<Self, Failure> {
        let owners = distinct(workspaces, |it| it.owner);
        let templates = distinct(workspaces, |it| it.template);
        let params: &[(&(dyn ToSql + Sync), Type)] = &[
            (&owners, Type::UUID_ARRAY),
            (&templates, Type::UUID_ARRAY),
            (&builds.template_versions(), Type::UUID_ARRAY),
        ];
        let rows = client.query_typed(NAMES, params).await;
        let rows = rows.map_err(|error| from_driver("reading the names", error))?;
        let columns = Columns::default();
        let mut names = Self::default();
        for row in &rows {
            let row = columns.of(row);
            let (of, id, name) = (row.text("of")?, row.get("id")?, row.text("name")?);
            let (Some(of), Some(id)) = (of, id) else {
                continue;
            };
            let names = match &*of {
                "user" => &mut names.users,
                "organization" => &mut names.organizations,
                "template" => &mut names.templates,
                _ => &mut names.template_versions,
            };
            names.insert(id, name.map(Into::into).unwrap_or_default());
        }
        Ok(names)
    }

    /// The name of a user; empty where there is none.
    pub(in crate::postgres) fn user(&self, id: Option<Uuid>) -> Label {
        name(&self.users, id)
    }

    /// Organization and template of a workspace.
    pub(in crate::postgres) fn scope(&self, workspace: &Workspace) -> Scope {
        Scope {
            organization: name(&self.organizations, workspace.organization),
            template: name(&self.templates, workspace.template),
        }
    }

    /// The name of a template version; empty where there is none.
    pub(in crate::postgres) fn template_version(&self, id: Option<Uuid>) -> Label {
        name(&self.template_versions, id)
    }
}

fn name(names: &HashMap<Uuid, Label>, id: Option<Uuid>) -> Label {
    let name = id.and_then(|it| names.get(&it)).cloned();
    name.unwrap_or_default()
}

fn distinct(workspaces: &[Workspace], id: impl Fn(&Workspace) -> Option<Uuid>) -> Vec<Uuid> {
    let ids: HashSet<Uuid> = workspaces.iter().filter_map(id).collect();
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids
}
