-- The agents of these resources (docs/spec/population-and-kind.md).
--   $1: ids of resources.
-- with enable_seqscan = off
-- with enable_indexscan = off
-- with work_mem = '512MB'
-- By a bitmap of the index: all resources are looked up in one go, and the rows are read in the
-- order in which they lie. A bitmap that did not fit into memory would name pages instead of rows;
-- it takes 14 MB for 100,000 agents. The SELECT around $1 hides the ids from the planner, which
-- would weigh each of them.
--
-- This is the statement for the newest Coder. A line that ends in "-- since table.column" is
-- left out where that column does not exist, and the rest of a "-- until table.column: ..."
-- line is put in its place.
SELECT its.resource_id,
       its.id,
       its.name::text::varchar(257) AS name,
       its.version::text::varchar(65) AS version,
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
       its.operating_system::text::varchar(257) AS operating_system, -- since workspace_agents.operating_system
       -- until workspace_agents.operating_system: NULL::text AS operating_system,
       its.architecture::text::varchar(257) AS architecture -- since workspace_agents.architecture
       -- until workspace_agents.architecture: NULL::text AS architecture
FROM workspace_agents AS its
WHERE its.resource_id = ANY((SELECT $1::uuid[])::uuid[]) -- by index workspace_agents.resource_id
-- without index workspace_agents.resource_id: WHERE its.resource_id IN (SELECT unnest($1::uuid[]))
  AND its.deleted IS NOT TRUE -- since workspace_agents.deleted
