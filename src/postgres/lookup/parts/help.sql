-- Where the template says to look when the agent does not work.
--   $1: the agent's id.
SELECT left(nullif(agent.troubleshooting_url, ''), 2049) AS troubleshooting_url
FROM workspace_agents AS agent
WHERE agent.id = $1
