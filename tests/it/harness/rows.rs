//! From [`Workspace`] to `INSERT`s.

use coder_agent_exporter::demo::schema::Era;
use uuid::Uuid;

use super::fleet::{Agent, Build, Job, Workspace, literal, seconds_ago};

/// Everything this workspace is made of, as one batch. What several workspaces share (owner,
/// organization, template) has an id made from its name, so that the second one finds it.
pub(super) fn insert(workspace: &Workspace, era: Era) -> String {
    let organization = shared_id("organization", &workspace.organization);
    let template = format!("{}/{}", workspace.organization, workspace.template);
    let version = shared_id("version", &template);
    let template = shared_id("template", &template);
    let owner = owner_id(workspace);
    let mut sql = format!(
        "INSERT INTO organizations (id, name) VALUES ({organization}, {organization_name})
             ON CONFLICT (id) DO NOTHING;
         INSERT INTO users (id, username) VALUES ({owner}, {owner_name})
             ON CONFLICT (id) DO NOTHING;
         INSERT INTO templates (id, organization_id, name)
             VALUES ({template}, {organization}, {template_name}) ON CONFLICT (id) DO NOTHING;
         INSERT INTO template_versions (id, template_id, organization_id, name)
             VALUES ({version}, {template}, {organization}, 'v1') ON CONFLICT (id) DO NOTHING;
         INSERT INTO workspaces (id, owner_id, organization_id, template_id, deleted, name)
             VALUES ('{id}', {owner}, {organization}, {template}, {deleted}, {name});",
        organization_name = literal(&workspace.organization),
        owner_name = literal(&workspace.owner),
        template_name = literal(&workspace.template),
        id = workspace.id,
        deleted = workspace.deleted,
        name = literal(&workspace.name),
    );
    for build in &workspace.builds {
        sql.push_str(&insert_build(workspace, build, era));
    }
    sql
}

/// A further build of a workspace that is there.
pub(super) fn insert_build(workspace: &Workspace, build: &Build, era: Era) -> String {
    let organization = shared_id("organization", &workspace.organization);
    let template = format!("{}/{}", workspace.organization, workspace.template);
    let version = shared_id("version", &template);
    let mut sql = String::new();
    push_build(&mut sql, build, workspace.id, &organization, &version, era);
    sql
}

fn push_build(
    sql: &mut String,
    build: &Build,
    workspace: Uuid,
    organization: &str,
    version: &str,
    era: Era,
) {
    let (id, job) = (Uuid::new_v4(), Uuid::new_v4());
    let Build {
        number,
        transition,
        created,
        ..
    } = build;
    let (started, canceled, completed, error) = job_columns(build.job);
    sql.push_str(&format!(
        "INSERT INTO provisioner_jobs
             (id, organization_id, started_at, canceled_at, completed_at, error)
             VALUES ('{job}', {organization}, {started}, {canceled}, {completed}, {error});
         INSERT INTO workspace_builds (id, workspace_id, template_version_id, build_number,
             transition, job_id, created_at)
             VALUES ('{id}', '{workspace}', {version}, {number},
             '{transition}', '{job}', {created});",
    ));
    for it in &build.resources {
        let (resource, of_type) = (Uuid::new_v4(), it.of_type);
        sql.push_str(&format!(
            "INSERT INTO workspace_resources (id, job_id, type)
                 VALUES ('{resource}', '{job}', '{of_type}');"
        ));
        for agent in &it.agents {
            push_agent(sql, agent, resource, None, era);
        }
    }
}

/// `started_at`, `canceled_at`, `completed_at` and `error`, from which Coder's own rule makes
/// `job_status`.
fn job_columns(job: Job) -> (String, String, String, &'static str) {
    let null = || "NULL".to_owned();
    let started = seconds_ago(7200.0);
    let completed = seconds_ago(7195.0);
    match job {
        Job::Pending => (null(), null(), null(), "NULL"),
        Job::Running => (started, null(), null(), "NULL"),
        Job::Succeeded => (started, null(), completed, "''"),
        Job::Failed => (started, null(), completed, "'no space left'"),
        Job::Canceling => (started, completed, null(), "NULL"),
        Job::Canceled => (started, completed.clone(), completed, "''"),
    }
}

fn push_agent(sql: &mut String, agent: &Agent, resource: Uuid, parent: Option<Uuid>, era: Era) {
    let id = agent.id;
    let mut columns = agent.columns.clone();
    columns.push(("id", format!("'{id}'")));
    columns.push(("resource_id", format!("'{resource}'")));
    if let Some(parent) = parent.filter(|_| era >= Era::V2_22) {
        columns.push(("parent_id", format!("'{parent}'")));
    }
    if era >= Era::V2_24 {
        columns.push(("deleted", agent.soft_deleted.to_string()));
    }
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    sql.push_str(&format!(
        "INSERT INTO workspace_agents ({}) VALUES ({});",
        names.join(", "),
        values.join(", ")
    ));
    for (index, (name, health)) in agent.apps.iter().enumerate() {
        let name = literal(name);
        sql.push_str(&format!(
            "INSERT INTO workspace_apps (id, agent_id, slug, display_name, health)
                 VALUES (gen_random_uuid(), '{id}', 'app-{index}', {name}, '{health}');"
        ));
    }
    for sub in &agent.subs {
        push_agent(sql, sub, resource, Some(id), era);
    }
}

/// A chat of the owner of `workspace`, in any column of `chats` that the test sets.
pub(super) fn insert_chat(workspace: Uuid, columns: &[(&str, String)]) -> String {
    let names: String = columns
        .iter()
        .map(|(name, _)| format!(", {name}"))
        .collect();
    let values: String = columns.iter().map(|(_, sql)| format!(", {sql}")).collect();
    format!(
        "INSERT INTO chats (id, owner_id, workspace_id{names})
             SELECT gen_random_uuid(), owner_id, id{values}
             FROM workspaces WHERE id = '{workspace}';"
    )
}

/// Coder gives the owner of prebuilds an id of its own.
fn owner_id(workspace: &Workspace) -> String {
    match &*workspace.owner {
        "prebuilds" => "'c42fdf75-3097-471c-8c33-fb52454d81c0'::uuid".to_owned(),
        name => shared_id("user", name),
    }
}

fn shared_id(what: &str, name: &str) -> String {
    format!("md5({})::uuid", literal(&format!("{what} {name}")))
}

/// Many running workspaces at once, numbered `first` to `last`: one connected, ready agent
/// each, with `apps` healthy apps. They hang on the names of `workspace`, which is inserted
/// first and has no agents itself.
pub(super) fn insert_many(workspace: &Workspace, first: u32, last: u32, apps: u32) -> String {
    let template = format!("{}/{}", workspace.organization, workspace.template);
    let (version, template) = (
        shared_id("version", &template),
        shared_id("template", &template),
    );
    let organization = shared_id("organization", &workspace.organization);
    let owner = owner_id(workspace);
    let numbers = format!("generate_series({first}, {last}) AS number");
    let heartbeat = seconds_ago(5.0);
    let long_ago = seconds_ago(7200.0);
    format!(
        "INSERT INTO workspaces (id, owner_id, organization_id, template_id, name)
             SELECT md5('w' || number)::uuid, {owner}, {organization}, {template}, 'w' || number
             FROM {numbers};
         INSERT INTO provisioner_jobs (id, organization_id, started_at, completed_at, error)
             SELECT md5('j' || number)::uuid, {organization}, {long_ago}, {long_ago}, ''
             FROM {numbers};
         INSERT INTO workspace_builds
             (id, workspace_id, template_version_id, build_number, transition, job_id)
             SELECT md5('b' || number)::uuid, md5('w' || number)::uuid, {version}, 1, 'start',
             md5('j' || number)::uuid FROM {numbers};
         INSERT INTO workspace_resources (id, job_id)
             SELECT md5('r' || number)::uuid, md5('j' || number)::uuid FROM {numbers};
         INSERT INTO workspace_agents (id, name, resource_id, created_at, first_connected_at,
             last_connected_at, lifecycle_state, started_at, ready_at)
             SELECT md5('a' || number)::uuid, 'main', md5('r' || number)::uuid, {long_ago},
             {long_ago}, {heartbeat}, 'ready', {long_ago}, {long_ago} FROM {numbers};
         INSERT INTO workspace_apps (id, agent_id, slug, health)
             SELECT gen_random_uuid(), md5('a' || number)::uuid, 'app-' || app, 'healthy'
             FROM {numbers}, generate_series(1, {apps}) AS app;
         ANALYZE;"
    )
}
