-- Workspaces that are not deleted (docs/spec/population-and-kind.md). The names they refer to are
-- read once each, not joined to every row.
SELECT workspace.id,
       workspace.name::text::varchar(257) AS name,
       workspace.owner_id,
       workspace.organization_id,
       workspace.template_id
FROM workspaces AS workspace
-- IS NOT TRUE: a NULL where Coder allows none would hide the agent under NOT.
WHERE workspace.deleted IS NOT TRUE
