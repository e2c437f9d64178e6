-- The latest build of each of these workspaces, where it is another one than is known.
--   $1: the number of the build that is known of each one, or 0;
--   $2: ids of these workspaces, sorted, so that neighbours are found on the pages just read.
-- By the index for each workspace. The cost follows what lives and not what has been: a plan that
-- hashes whole tables is nearly as fast where there are ten builds of each workspace, and sixty
-- times slower where there are six hundred (docs/decisions/what-was-tried.md).
SELECT asked.place,
       its.is_there,
       its.build_number,
       its.job_id,
       its.transition::text AS transition,
       its.created_at AS built_at,
       its.template_version_id
-- One after the other in the SELECT list, they need not be stored before the first is looked up.
FROM (
    SELECT unnest($2::uuid[]) AS workspace_id,
           unnest($1::int4[]) AS build_number,
           generate_subscripts($2::uuid[], 1) AS place
) AS asked
-- The latest build is the one of the greatest number: neither time nor the order of insertion
-- tells. The index alone has it, so the builds that are known are not read. No number below the
-- known one is looked at: if that one is gone there is nothing here, which is not what is known.
LEFT JOIN LATERAL (
    SELECT every.build_number
    FROM workspace_builds AS every
    WHERE every.workspace_id = asked.workspace_id
      AND every.build_number >= asked.build_number
    ORDER BY every.build_number DESC
    LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT true AS is_there,
           every.build_number,
           every.job_id,
           every.transition,
           every.created_at,
           every.template_version_id
    FROM workspace_builds AS every
    WHERE every.workspace_id = asked.workspace_id
    ORDER BY every.build_number DESC
    LIMIT 1
) AS its ON true
WHERE latest.build_number IS DISTINCT FROM asked.build_number
