-- For each wanted table: is it still as the snapshot shows it, and may this role see all its rows?
--   $1: table names.
-- to_regclass, pg_relation_filenode and row_security_active answer for this very moment, and the
-- rows of pg_class for the snapshot, which is older than the locks. A table that was rewritten or
-- replaced in between would read as empty.
SELECT wanted.table_name,
       namespace.nspname::text AS schema_name,
       present.oid IS NOT NULL AND (
           class.oid IS NULL
           OR nullif(class.relfilenode, 0) IS DISTINCT FROM pg_relation_filenode(class.oid)
       ) AS is_stale,
       present.oid,
       class.relfilenode AS file,
       coalesce(row_security_active(present.oid), false) AS has_row_security,
       policy.reads_all,
       policy.restrictive
FROM unnest($1::text[]) AS wanted (table_name)
CROSS JOIN LATERAL (SELECT to_regclass(quote_ident(wanted.table_name))::oid AS oid) AS present
LEFT JOIN pg_catalog.pg_class AS class ON class.oid = present.oid
LEFT JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
-- The policies that apply to this role when it reads.
LEFT JOIN LATERAL (
    SELECT bool_or(its.polpermissive AND its.is_true) AS reads_all,
           min(its.polname::text) FILTER (WHERE NOT its.polpermissive AND its.is_true IS NOT TRUE)
               AS restrictive
    FROM (
        SELECT every.polname,
               every.polpermissive,
               pg_get_expr(every.polqual, every.polrelid) = 'true' AS is_true
        FROM pg_catalog.pg_policy AS every
        WHERE every.polrelid = class.oid
          AND every.polcmd IN ('r', '*')
          AND EXISTS (
              SELECT
              FROM unnest(every.polroles) AS role (oid)
              WHERE CASE role.oid WHEN 0 THEN true ELSE pg_has_role(role.oid, 'USAGE') END
          )
    ) AS its
) AS policy ON class.relrowsecurity
