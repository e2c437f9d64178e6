-- Which moment is the data true for?
-- On a standby that has not replayed all it received, or that receives nothing, that is the
-- last transaction it replayed; judged by its clock, healthy agents would look lost. One that
-- has replayed none since it started stands at the checkpoint it started from.
SELECT now() AS clock,
       pg_is_in_recovery() AS is_standby,
       CASE
           WHEN NOT pg_is_in_recovery() THEN NULL
           WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN NULL
           ELSE coalesce(
               pg_last_xact_replay_timestamp(),
               (SELECT checkpoint_time FROM pg_control_checkpoint())
           )
       END AS replayed_until
