-- Which moment is the data of a standby true for, where that is not now()?
-- One that has not replayed all it received, or that receives nothing, is true for the last
-- transaction it replayed; judged by its clock, healthy agents would look lost. One that has
-- replayed none since it started stands at the checkpoint it started from.
-- Managed Postgres may not answer this. On a primary the answer is not needed.
SELECT CASE
           WHEN NOT pg_is_in_recovery() THEN NULL
           WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN NULL
           ELSE coalesce(
               pg_last_xact_replay_timestamp(),
               (SELECT checkpoint_time FROM pg_control_checkpoint())
           )
       END AS replayed_until
