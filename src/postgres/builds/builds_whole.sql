-- As builds.sql, where the index of the builds is missing: all builds there have ever been are read,
-- once, instead of once for each workspace.
SELECT asked.place::int4 AS place,
       its.is_there,
       its.build_number,
       its.job_id,
       its.transition::text AS transition,
       its.created_at AS built_at,
       its.template_version_id
FROM unnest($1::int4[], $2::uuid[]) WITH ORDINALITY AS asked (build_number, workspace_id, place)
LEFT JOIN (
    SELECT DISTINCT ON (every.workspace_id)
           every.workspace_id,
           true AS is_there,
           every.build_number,
           every.job_id,
           every.transition,
           every.created_at,
           every.template_version_id
    FROM workspace_builds AS every
    ORDER BY every.workspace_id, every.build_number DESC
) AS its ON its.workspace_id = asked.workspace_id
WHERE its.build_number IS DISTINCT FROM asked.build_number
