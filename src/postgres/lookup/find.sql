-- What a person may have meant: a workspace by its id or that of any of its agents, or by the
-- names of its owner and itself, which Coder compares without case.
--   $1: an id, or NULL; $2, $3: names of an owner and a workspace, or NULL.
-- The first column tells a match from a guess: of the same owner, or of the same name.
SELECT found.is_match,
       found.workspace_id,
       found.agent_id,
       found.owner,
       found.workspace
FROM (
    SELECT coalesce(
               workspace.id = $1
               OR lower(owner.username) = lower($2) AND lower(workspace.name) = lower($3),
               false
           ) AS is_match,
           workspace.id AS workspace_id,
           NULL::uuid AS agent_id,
           owner.username::text::varchar(257) AS owner,
           workspace.name::text::varchar(257) AS workspace
    FROM workspaces AS workspace
    LEFT JOIN users AS owner ON owner.id = workspace.owner_id
    WHERE workspace.id = $1
       OR workspace.deleted IS NOT TRUE
          AND (lower(owner.username) = lower($2) OR lower(workspace.name) = lower($3))
    UNION ALL
    SELECT true,
           build.workspace_id,
           agent.id,
           NULL,
           NULL
    FROM workspace_agents AS agent
    JOIN workspace_resources AS resource ON resource.id = agent.resource_id
    JOIN workspace_builds AS build ON build.job_id = resource.job_id
    WHERE agent.id = $1
) AS found
ORDER BY found.is_match DESC, found.owner, found.workspace
LIMIT 20
