"""Takes the jobs of dead workers back into the queue; runs in every worker, outside the queue."""

import logging
from datetime import timedelta

from entrepot.access import scope
from entrepot.attempts.leases import let_go_of
from entrepot.database import sql
from entrepot.tasks.neighbours import is_alive, pid_space

log = logging.getLogger(__name__)
EVERY_SECONDS = 2.0
# Time for every worker to come back after the database server began.
START_GRACE = timedelta(seconds=10)

# Dead is whose process is not on this machine any more, who let its row go stale by 20 s (hangs, is
# cut off), or by 3 s without holding its lock (its machine is gone). After a restart of PostgreSQL
# no lock is held and no row is fresh: then nobody elsewhere is dead before all had the time to come
# back.
DEAD_WORKERS = """
SELECT id, running
FROM tasks_worker
WHERE id = ANY(%(gone)s)
    OR seen_at < clock_timestamp() - interval '20 seconds'
    OR (
        seen_at < clock_timestamp() - interval '3 seconds'
        AND pg_postmaster_start_time() < clock_timestamp() - %(start_grace)s
        AND pg_try_advisory_xact_lock(lock_key)
    )
FOR UPDATE SKIP LOCKED
"""

HERE = "SELECT id, pid FROM tasks_worker WHERE pid_space = %s AND pid_space <> ''"

# Needs index pgqueuer_queue_manager_id_idx. The second part are jobs whose worker left no row.
TAKE_BACK = """
UPDATE pgqueuer
SET
    status = 'queued',
    queue_manager_id = NULL,
    slot = NULL,
    updated = now(),
    execute_after = now(),
    headers = CASE
        WHEN id = ANY(%(suspects)s) THEN jsonb_set(
            coalesce(headers, '{}'),
            '{deaths}',
            to_jsonb(coalesce((headers ->> 'deaths')::int, 0) + 1)
        )
        ELSE headers
    END
WHERE status = 'picked'
    AND (
        queue_manager_id = ANY(%(dead)s)
        OR (
            heartbeat < now() - interval '30 seconds'
            AND NOT EXISTS (SELECT FROM tasks_worker WHERE id = queue_manager_id)
        )
    )
RETURNING id
"""


def rescue(*, start_grace: timedelta = START_GRACE) -> int:
    """Take back the jobs of dead workers, and end their leases; return how many jobs.

    Those that were running at the death count it; `running.py` buries a job that counts too many.
    One worker does it at a time; the others find nothing to do.
    """
    with scope.system():
        here = sql.fetch(HERE, [pid_space()])
        gone = [worker_id for worker_id, pid in here if not is_alive(pid)]
        dead = sql.fetch(DEAD_WORKERS, {"gone": gone, "start_grace": start_grace})
        suspects = [job_id for _, running in dead for job_id in running]
        rows = sql.fetch(
            TAKE_BACK, {"dead": [worker_id for worker_id, _ in dead], "suspects": suspects}
        )
        let_go_of([worker_id for worker_id, _ in dead])
        sql.run(
            "DELETE FROM tasks_worker WHERE id = ANY(%s)", [[worker_id for worker_id, _ in dead]]
        )
    if rows:
        log.warning("took back %s jobs of %s dead workers", len(rows), len(dead))
    return len(rows)
