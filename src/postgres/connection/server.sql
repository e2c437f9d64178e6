-- Which start of which server this is, and which of its databases.
SELECT pg_postmaster_start_time() AS server_started_at,
       (SELECT its.oid FROM pg_catalog.pg_database AS its WHERE its.datname = current_database())
           AS database
