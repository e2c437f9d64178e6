-- The transaction's moment. As its first statement it takes the snapshot.
SELECT now() AS clock,
       pg_is_in_recovery() AS is_standby
