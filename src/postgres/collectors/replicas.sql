-- Replicas of Coder: each start of a coderd or a workspace proxy has a row, which goes some time
-- after its end. Those that gave a sign of life last come first.
SELECT replica.id,
       replica.hostname::text::varchar(257) AS hostname,
       replica.version::text::varchar(65) AS version,
       replica."primary" AS is_primary,
       replica.started_at,
       replica.updated_at,
       replica.stopped_at,
       replica.database_latency
FROM replicas AS replica
ORDER BY replica.updated_at DESC NULLS LAST, replica.id
LIMIT 1000
