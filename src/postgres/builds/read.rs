//! The statements that read the latest builds and what they refer to.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use futures_util::TryStreamExt;
use strum::EnumString;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::{Label, Name, Scope};
use crate::postgres::columns::Columns;
use crate::postgres::connection::session::Session;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::numbers::Numbers;
use super::{Build, Builds, NewBuild};

pub(in crate::postgres) const WORKSPACES: &str = include_str!("workspaces.sql");
pub(in crate::postgres) const BUILDS: &str = include_str!("builds.sql");
const BUILDS_WHOLE: &str = include_str!("builds_whole.sql");
pub(in crate::postgres) const RESOURCES: &str = include_str!("resources.sql");
pub(in crate::postgres) const NAMES: &str = include_str!("names.sql");

/// A workspace that is not deleted. Its build has its id.
#[derive(Debug, Clone)]
pub(in crate::postgres) struct Workspace {
    /// `workspaces.name`.
    pub(in crate::postgres) name: Name,
    /// The number of `workspaces.owner_id`.
    pub(in crate::postgres) owner: u32,
    /// The number of `workspaces.organization_id` and `template_id` together.
    pub(in crate::postgres) scope: u32,
}

/// The workspaces, in the order of [`Builds::list`], and whose they are.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Workspaces {
    list: Vec<Workspace>,
    /// By their numbers.
    owners: Vec<Option<Uuid>>,
    /// Organization and template, by their numbers.
    scopes: Vec<(Option<Uuid>, Option<Uuid>)>,
}

impl Workspaces {
    /// All workspaces.
    pub(in crate::postgres) fn list(&self) -> &[Workspace] {
        &self.list
    }

    /// The id of a workspace's owner.
    pub(in crate::postgres) fn owner(&self, workspace: &Workspace) -> Option<Uuid> {
        let owner = self.owners.get(workspace.owner as usize);
        owner.copied().flatten()
    }
}

/// The jobs of the builds that were read in this collection, sorted, with the index of each build. As
/// far as is known they have not finished.
pub(in crate::postgres) type Jobs = Vec<(Uuid, u32)>;

/// Reads the workspaces, and brings what is known of their latest builds up to date. The
/// workspaces are in the order of [`Builds::list`].
///
/// The first statement has the savepoint of the caller, each further one its own: one that fails
/// must not take the transaction with it.
pub(in crate::postgres) async fn read(
    session: &Session,
    builds: &mut Builds,
) -> Result<(Workspaces, Jobs), Failure> {
    let client = session.client()?;
    let (ids, workspaces) = read_workspaces(client).await?;
    builds.begin(&ids);
    drop(ids);
    let sql = match session.catalog.has_index("workspace_builds.workspace_id") {
        true => BUILDS,
        false => BUILDS_WHOLE,
    };
    let latest = read_builds(client, sql, builds);
    let jobs = session.guarded(SAVEPOINT, latest).await?;
    let sql = for_catalog(RESOURCES, &session.catalog);
    let resources = read_resources(client, &sql, &jobs, builds);
    session.guarded(SAVEPOINT, resources).await?;
    Ok((workspaces, jobs))
}

/// The savepoint of each statement but the first.
pub(in crate::postgres) const SAVEPOINT: &str = "agents";

/// The ids of the workspaces, sorted, and the workspaces in their order.
async fn read_workspaces(client: &Client) -> Result<(Vec<Uuid>, Workspaces), Failure> {
    let failed = |error| from_driver("reading the workspaces", error);
    let no_params: [(&str, Type); 0] = [];
    let rows = client.query_typed_raw(WORKSPACES, no_params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let (mut owners, mut scopes) = (Numbers::default(), Numbers::default());
    let mut list = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let owner = owners.of(row.get("owner_id")?);
        let scope = (row.get("organization_id")?, row.get("template_id")?);
        let workspace = Workspace {
            name: row.text("name")?.map(Into::into).unwrap_or_default(),
            owner,
            scope: scopes.of(scope),
        };
        list.push((row.get("id")?.unwrap_or_default(), workspace));
    }
    list.sort_unstable_by_key(|it: &(Uuid, _)| it.0);
    // A database that was restored without its indexes may have a row twice.
    list.dedup_by_key(|it| it.0);
    let (ids, list) = list.into_iter().unzip();
    let workspaces = Workspaces {
        list,
        owners: owners.into_all(),
        scopes: scopes.into_all(),
    };
    Ok((ids, workspaces))
}

/// Asks which of the builds are others than is known, and gives their jobs.
async fn read_builds(client: &Client, sql: &str, builds: &mut Builds) -> Result<Jobs, Failure> {
    let failed = |error| from_driver("reading the builds", error);
    let rows = {
        let workspaces = Array(builds.list(), |it| it.workspace);
        let numbers = Array(builds.list(), Build::number);
        let params: [(&(dyn ToSql + Sync), Type); 2] = [
            (&numbers, Type::INT4_ARRAY),
            (&workspaces, Type::UUID_ARRAY),
        ];
        client.query_typed_raw(sql, params).await
    };
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut jobs = Jobs::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let Some(place) = row.place()? else { continue };
        if row.get("is_there")? != Some(true) {
            builds.no_build(place);
            continue;
        }
        let new = NewBuild {
            number: row.get("build_number")?.unwrap_or_default(),
            built_at: row.get("built_at")?,
            template_version: row.get("template_version_id")?,
            transition: row.named("transition")?,
        };
        builds.add_build(place, new);
        if let Some(job) = row.get("job_id")? {
            // There are no more builds than fit: the cast never cuts anything off.
            jobs.push((job, place as u32));
        }
    }
    builds.drop_old_resources();
    jobs.sort_unstable();
    Ok(jobs)
}

/// Reads the resources that these jobs made.
async fn read_resources(
    client: &Client,
    sql: &str,
    jobs: &[(Uuid, u32)],
    builds: &mut Builds,
) -> Result<(), Failure> {
    let failed = |error| from_driver("reading the resources", error);
    let ids = Array(jobs, |it: &(Uuid, u32)| it.0);
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&ids, Type::UUID_ARRAY)];
    let rows = client.query_typed_raw(sql, params).await;
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

/// What a name is of. An id is only looked for among those of its own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString)]
#[strum(serialize_all = "snake_case")]
enum Of {
    User,
    Template,
    TemplateVersion,
    Organization,
}

/// The names that workspaces and their builds refer to, by the numbers of these.
#[derive(Debug)]
pub(in crate::postgres) struct Names {
    owners: Vec<Label>,
    scopes: Vec<Scope>,
    template_versions: Vec<Label>,
}

impl Names {
    /// Reads the names. They may change, so they are read in every collection.
    pub(in crate::postgres) async fn read(
        client: &Client,
        workspaces: &Workspaces,
        builds: &Builds,
    ) -> Result<Self, Failure> {
        let owners: Vec<Uuid> = workspaces.owners.iter().copied().flatten().collect();
        let scopes = &workspaces.scopes;
        let mut templates: Vec<Uuid> = scopes.iter().filter_map(|it| it.1).collect();
        templates.sort_unstable();
        templates.dedup();
        let versions = builds.template_versions();
        let params: [(&(dyn ToSql + Sync), Type); 3] = [
            (&owners, Type::UUID_ARRAY),
            (&templates, Type::UUID_ARRAY),
            (&versions, Type::UUID_ARRAY),
        ];
        let failed = |error| from_driver("reading the names", error);
        // Streamed, not collected: of many small pieces of memory that are freed, gaps remain.
        let rows = client.query_typed_raw(NAMES, params).await;
        let mut rows = pin!(rows.map_err(failed)?);
        let columns = Columns::default();
        let mut names: HashMap<(Of, Uuid), Label> = HashMap::new();
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let row = columns.of(&row);
            let of = row.text("of")?.and_then(|it| it.parse().ok());
            if let (Some(of), Some(id), Some(name)) = (of, row.get("id")?, row.text("name")?) {
                names.insert((of, id), name.into());
            }
        }
        let name = |of: Of, id: Option<Uuid>| {
            let name = id.and_then(|it| names.get(&(of, it))).cloned();
            name.unwrap_or_default()
        };
        let scope = |&(organization, template): &(Option<Uuid>, Option<Uuid>)| Scope {
            organization: name(Of::Organization, organization),
            template: name(Of::Template, template),
        };
        let owners = workspaces.owners.iter();
        Ok(Self {
            owners: owners.map(|it| name(Of::User, *it)).collect(),
            scopes: scopes.iter().map(scope).collect(),
            template_versions: versions
                .iter()
                .map(|it| name(Of::TemplateVersion, Some(*it)))
                .collect(),
        })
    }

    /// The name of a workspace's owner; empty where there is none.
    pub(in crate::postgres) fn owner(&self, workspace: &Workspace) -> Label {
        let name = self.owners.get(workspace.owner as usize).cloned();
        name.unwrap_or_default()
    }

    /// Organization and template of each number.
    pub(in crate::postgres) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The name of a build's template version; empty where there is none.
    pub(in crate::postgres) fn template_version(&self, build: &Build) -> Label {
        let name = self.template_versions.get(build.template_version as usize);
        name.cloned().unwrap_or_default()
    }
}
