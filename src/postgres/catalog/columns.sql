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
LEFT JOIN pg_catalog.pg_attribute AS attribute
       ON attribute.attrelid = to_regclass(quote_ident(wanted.table_name))
      AND attribute.attname = wanted.column_name
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
