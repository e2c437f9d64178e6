//! The fleets, in a real Postgres: each differs from the first in one number.

use crate::harness::Coder;

/// So many that what does not grow with them is small, and valgrind is done in seconds.
pub(crate) const AGENTS: u32 = 2000;
const TEMPLATES: u32 = 20;
/// When it is, in all of them and for as long as it takes: heartbeats do not age meanwhile.
const MOMENT: &str = "timestamptz '2026-01-02 03:04:05.678901+00'";

/// Three databases of one server.
pub(crate) struct Fleets([Coder; 3]);

impl Fleets {
    /// In this order: the first, one of twice the agents, one of twice the templates.
    pub(crate) async fn new() -> Self {
        Self([
            fleet(AGENTS, TEMPLATES).await,
            fleet(2 * AGENTS, TEMPLATES).await,
            fleet(AGENTS, 2 * TEMPLATES).await,
        ])
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(Coder::url).collect()
    }
}

/// One agent a workspace, two apps an agent, five workspaces an owner; of twenty agents one is
/// stuck in `created`, one was closed and one shut down on request. Names are as long as usual.
async fn fleet(agents: u32, templates: u32) -> Coder {
    let coder = Coder::new().await;
    coder.add_many(1, agents, 2).await;
    coder
        .sql(&format!(
            "CREATE TEMP TABLE chosen AS SELECT number,
                 md5('template' || number % {templates})::uuid AS template,
                 md5('version' || number % {templates})::uuid AS version,
                 md5('owner' || number / 5)::uuid AS owner
             FROM generate_series(1, {agents}) AS number;
             INSERT INTO users (id, username)
                 SELECT DISTINCT owner, 'developer-' || number / 5 FROM chosen;
             INSERT INTO templates (id, organization_id, name)
                 SELECT DISTINCT template, organization.id, 'kubernetes-' || number % {templates}
                 FROM chosen, organizations AS organization;
             INSERT INTO template_versions (id, template_id, organization_id, name)
                 SELECT DISTINCT version, template, organization.id, 'clever_curie1'
                 FROM chosen, organizations AS organization;
             UPDATE workspaces SET name = 'platform-' || number, owner_id = owner,
                 template_id = template
             FROM chosen WHERE workspaces.id = md5('w' || number)::uuid;
             UPDATE workspace_builds SET template_version_id = version
             FROM chosen WHERE workspace_builds.id = md5('b' || number)::uuid;
             UPDATE workspace_agents SET version = 'v2.35.' || number / {templates} % 10,
                 lifecycle_state = (ARRAY['created', 'ready', 'off', 'ready'])
                     [least(number / {templates} % 20, 3) + 1]::workspace_agent_lifecycle_state,
                 created_at = {MOMENT} - interval '2 hours',
                 first_connected_at = {MOMENT} - interval '119 minutes',
                 last_connected_at = {MOMENT} - interval '5 seconds',
                 disconnected_at = CASE number / {templates} % 20
                     WHEN 1 THEN {MOMENT} - interval '4 seconds' END,
                 started_at = CASE WHEN number / {templates} % 20 > 0
                     THEN {MOMENT} - interval '118 minutes' END,
                 ready_at = CASE WHEN number / {templates} % 20 > 0
                     THEN {MOMENT} - interval '117 minutes' END
             FROM chosen WHERE workspace_agents.id = md5('a' || number)::uuid;
             INSERT INTO chats (id, owner_id, workspace_id)
                 SELECT gen_random_uuid(), owner, md5('w' || number)::uuid FROM chosen;
             ANALYZE;"
        ))
        .await;
    coder.stop_clock(MOMENT).await;
    coder
}
