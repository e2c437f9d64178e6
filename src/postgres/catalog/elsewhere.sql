-- Where are Coder's tables, if this role does not find them? Asked only then.
SELECT namespace.nspname::text AS schema_name,
       has_schema_privilege(namespace.oid, 'USAGE') AS is_usable,
       its.is_searched
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
CROSS JOIN LATERAL (
    SELECT quote_ident(namespace.nspname) = ANY (path.names)
        OR '"$user"' = ANY (path.names) AND namespace.nspname = current_user AS is_searched
    FROM regexp_split_to_array(current_setting('search_path'), '\s*,\s*') AS path (names)
) AS its
WHERE class.relname = 'workspace_agents'
  AND class.relkind IN ('r', 'p', 'v')
ORDER BY its.is_searched DESC, namespace.nspname
LIMIT 1
