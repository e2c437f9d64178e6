-- Which of these columns come first in an index that the planner can use for any of their values?
--   $1, $2: table and column names, side by side.
SELECT wanted.table_name,
       wanted.column_name,
       EXISTS (
           SELECT
           FROM pg_catalog.pg_index AS its
           JOIN pg_catalog.pg_attribute AS attribute
             ON attribute.attrelid = its.indrelid AND attribute.attnum = its.indkey[0]
           WHERE its.indrelid = to_regclass(quote_ident(wanted.table_name))
             AND its.indisvalid
             AND its.indisready
             AND its.indpred IS NULL
             AND attribute.attname = wanted.column_name
       ) AS is_indexed
FROM unnest($1::text[], $2::text[]) AS wanted (table_name, column_name)
