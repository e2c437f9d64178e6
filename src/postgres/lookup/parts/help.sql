-- Where the template says to look when the agent does not work.
--   $1: the agent's id.
SELECT nullif(agent.troubleshooting_url, '')::text::varchar(2049) AS troubleshooting_url
FROM workspace_agents AS agent
WHERE agent.id = $1
