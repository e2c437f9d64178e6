-- For each wanted column: is it there, and may this role read it?
--   $1, $2: table and column names, side by side.
-- to_regclass follows the search_path, looks only where the role may look, and takes no lock.
-- pg_attribute answers for the snapshot and has_column_privilege for this very moment: it knows
-- nothing of a column that was dropped in between.
SELECT wanted.table_name,
       wanted.column_name,
       attribute.attnum IS NOT NULL AS present,
       has_column_privilege(attribute.attrelid, attribute.attnum, 'SELECT') AS readable,
       current_user::text AS role
FROM unnest($1::text[], $2::text[]) AS wanted (table_name, column_name)
-- OFFSET 0 is what the planner does not look through: by the index for each, where the whole
-- catalog would be read.
LEFT JOIN LATERAL (
    SELECT its.attrelid, its.attnum
    FROM pg_catalog.pg_attribute AS its
    WHERE its.attrelid = to_regclass(quote_ident(wanted.table_name))
      AND its.attname = wanted.column_name
      AND its.attnum > 0
      AND NOT its.attisdropped
    OFFSET 0
) AS attribute ON true
