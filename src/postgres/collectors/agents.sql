-- The agents of these resources (docs/spec/population-and-kind.md).
--   $1: ids of resources, sorted, so that neighbours are found on the pages just read.
-- By the index for each resource, as OFFSET 0 makes it.
--
-- This is the statement for the newest Coder. A line that ends in "-- since table.column" is
-- left out where that column does not exist, and the rest of a "-- until table.column: ..."
-- line is put in its place.
SELECT asked.place::int4 AS place, agent.*
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (resource_id, place)
CROSS JOIN LATERAL (
    SELECT its.id,
           left(its.name::text, 257) AS name,
           left(its.version::text, 65) AS version,
           its.parent_id IS NOT NULL AS is_sub, -- since workspace_agents.parent_id
           -- until workspace_agents.parent_id: false AS is_sub,
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
    WHERE its.resource_id = asked.resource_id
      AND its.deleted IS NOT TRUE -- since workspace_agents.deleted
    OFFSET 0 -- by index workspace_agents.resource_id
) AS agent
