-- The population (docs/spec/population-and-kind.md): agents of the latest build of every workspace
-- that is not deleted. A row for each agent, whatever the names it refers to: those are outer
-- joins. And a row without an agent for each resource, or build, that has none: the workspaces
-- collector goes on from the builds.
--
-- From each live workspace by the indexes to its last build, its resources, its agents. The cost
-- follows what lives and not what has been: a plan that hashes whole tables is nearly as fast
-- where there are ten builds of each workspace, and sixty times slower where there are six
-- hundred (docs/decisions/what-was-tried.md).
-- Each step is sorted by the key it looks up next, so that neighbours are found on the pages
-- just read: twice as fast as in any order. OFFSET 0 is what the planner does not look through.
--
-- This is the statement for the newest Coder. A line that ends in "-- since table.column" is
-- left out where that column does not exist, and the rest of a "-- until table.column: ..."
-- line is put in its place.
SELECT agent.*,
       build.workspace_id,
       left(build.workspace_name::text, 257) AS workspace,
       left(owner.username::text, 257) AS owner,
       left(organization.name::text, 257) AS organization,
       left(template.name::text, 257) AS template,
       left(template_version.name::text, 257) AS template_version,
       build.transition::text AS transition,
       build.created_at AS built_at,
       build.job_id,
       left(build.resource_type::text, 257) AS resource_type
FROM (
    SELECT latest.*, resource.id AS resource_id, resource.type AS resource_type
    FROM (
        SELECT workspace.id AS workspace_id,
               workspace.name AS workspace_name,
               workspace.owner_id,
               workspace.organization_id,
               workspace.template_id,
               its.job_id,
               its.transition,
               its.created_at,
               its.template_version_id
        FROM (
            SELECT live.id, live.name, live.owner_id, live.organization_id, live.template_id
            FROM workspaces AS live
            -- IS NOT TRUE: a NULL where Coder allows none would hide the agent under NOT.
            WHERE live.deleted IS NOT TRUE
            ORDER BY live.id
            OFFSET 0
        ) AS workspace
        -- The latest build is the one of the greatest number: neither time nor the order of
        -- insertion tells.
        CROSS JOIN LATERAL (
            SELECT every.job_id, every.transition, every.created_at, every.template_version_id
            FROM workspace_builds AS every
            WHERE every.workspace_id = workspace.id
            ORDER BY every.build_number DESC
            LIMIT 1
        ) AS its
        ORDER BY its.job_id
        OFFSET 0
    ) AS latest
    LEFT JOIN LATERAL (
        SELECT its.id, its.type
        FROM workspace_resources AS its
        WHERE its.job_id = latest.job_id
        OFFSET 0
    ) AS resource ON true
    ORDER BY resource.id
    OFFSET 0
) AS build
LEFT JOIN LATERAL (
    SELECT its.id,
           left(its.name::text, 257) AS name,
           left(its.version::text, 65) AS version,
           CASE
               WHEN its.parent_id IS NOT NULL THEN 'sub' -- since workspace_agents.parent_id
               WHEN build.resource_type = 'coder_external_agent' THEN 'external'
               WHEN build.owner_id = 'c42fdf75-3097-471c-8c33-fb52454d81c0' THEN 'prebuild'
               ELSE 'root'
           END AS kind,
           its.lifecycle_state::text AS lifecycle_state,
           its.created_at,
           its.first_connected_at,
           its.last_connected_at,
           its.disconnected_at,
           its.started_at,
           its.ready_at,
           its.connection_timeout_seconds,
           its.last_connected_replica_id AS replica, -- since workspace_agents.last_connected_replica_id
           -- until workspace_agents.last_connected_replica_id: NULL::uuid AS replica,
           left(its.operating_system::text, 257) AS operating_system, -- since workspace_agents.operating_system
           -- until workspace_agents.operating_system: NULL::text AS operating_system,
           left(its.architecture::text, 257) AS architecture -- since workspace_agents.architecture
           -- until workspace_agents.architecture: NULL::text AS architecture
    FROM workspace_agents AS its
    WHERE its.resource_id = build.resource_id
      AND its.deleted IS NOT TRUE -- since workspace_agents.deleted
    OFFSET 0
) AS agent ON true
LEFT JOIN users AS owner ON owner.id = build.owner_id
LEFT JOIN organizations AS organization ON organization.id = build.organization_id
LEFT JOIN templates AS template ON template.id = build.template_id
LEFT JOIN template_versions AS template_version ON template_version.id = build.template_version_id
