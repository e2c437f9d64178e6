-- The names of these users, templates and template versions, and of all organizations.
--   $1, $2, $3: ids of users, of templates, of template versions.
SELECT 'user' AS of,
       its.id,
       its.username::text::varchar(257) AS name
FROM users AS its
WHERE its.id = ANY($1::uuid[])
UNION ALL
SELECT 'template',
       its.id,
       its.name::text::varchar(257)
FROM templates AS its
WHERE its.id = ANY($2::uuid[])
UNION ALL
SELECT 'template_version',
       its.id,
       its.name::text::varchar(257)
FROM template_versions AS its
WHERE its.id = ANY($3::uuid[])
UNION ALL
SELECT 'organization',
       its.id,
       its.name::text::varchar(257)
FROM organizations AS its
