-- Whether Coder will start a workspace when its build has ended, as in a restart.
--   $1: id of the workspace.
SELECT count(*) AS count
FROM workspace_build_orchestrations AS queued
WHERE queued.workspace_id = $1
  AND queued.status = 'pending'
  AND queued.child_transition = 'start'
