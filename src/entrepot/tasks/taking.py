"""How a lane takes jobs: merchants by turns, and of each what is urgent first, then what is due.

In the order of their coming, a merchant with twenty thousand jobs would make all others wait for
the last of them. Here the next job is always one of the merchant who has the fewest in the worker's
hands. The cost of a look grows with the merchants who have jobs, not with their jobs.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

# `heads` jumps along the index pgqueuer_turns from the first job of each merchant and priority to
# that of the next; of those that are due, `due` reads and locks as many as may be taken if all
# shall have the same number in hand. Jobs whose worker's heart stopped are taken along: the last
# resort beside `rescue.py`. The status is told as text: what its own type is, asyncpg would ask the
# server on each connection anew.
TAKE = """
WITH RECURSIVE hands AS (
    SELECT merchant_id, count(*) AS jobs
    FROM pgqueuer
    WHERE queue_manager_id = $1 AND entrypoint = ANY($3)
    GROUP BY merchant_id
), room AS (
    SELECT greatest(0, least($4, $5 - coalesce(sum(jobs), 0)))::bigint AS places FROM hands
), heads AS (
    (
        SELECT merchant_id, -priority AS after, execute_after
        FROM pgqueuer
        WHERE status = 'queued' AND lane = $2
        ORDER BY merchant_id, -priority, execute_after, id
        LIMIT 1
    )
    UNION ALL
    SELECT next.merchant_id, next.after, next.execute_after
    FROM heads
    CROSS JOIN LATERAL (
        SELECT merchant_id, -priority AS after, execute_after
        FROM pgqueuer
        WHERE
            status = 'queued' AND lane = $2
            AND (merchant_id, -priority) > (heads.merchant_id, heads.after)
        ORDER BY merchant_id, -priority, execute_after, id
        LIMIT 1
    ) AS next
), share AS (
    SELECT
        merchant_id,
        least(room.places, greatest(1, ceil(
            (room.places + sum(held) OVER ()) / count(*) OVER () - held
        )))::bigint AS places
    FROM (
        SELECT DISTINCT merchant_id, coalesce(jobs, 0) AS held
        FROM heads
        LEFT JOIN hands USING (merchant_id)
        WHERE execute_after <= now()
    ) AS waiting
    CROSS JOIN room
), due AS (
    SELECT job.*
    FROM heads
    JOIN share USING (merchant_id)
    CROSS JOIN LATERAL (
        SELECT id, merchant_id, priority, execute_after
        FROM pgqueuer
        WHERE
            status = 'queued' AND lane = $2
            AND merchant_id = heads.merchant_id AND -priority = heads.after
            AND execute_after <= now() AND entrypoint = ANY($3)
        ORDER BY execute_after, id
        LIMIT share.places
        FOR UPDATE SKIP LOCKED
    ) AS job
    WHERE heads.execute_after <= now()
), in_turn AS (
    SELECT
        id, priority, execute_after,
        coalesce(hands.jobs, 0) + row_number() OVER (
            PARTITION BY due.merchant_id ORDER BY priority DESC, execute_after, id
        ) AS turn
    FROM due
    LEFT JOIN hands USING (merchant_id)
), stale AS (
    SELECT id, priority, execute_after, 0::bigint AS turn
    FROM pgqueuer
    WHERE
        status = 'picked' AND entrypoint = ANY($3)
        AND heartbeat < now() - $6::interval AND execute_after <= now()
    ORDER BY heartbeat
    LIMIT (SELECT places FROM room)
    FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT id, row_number() OVER (ORDER BY turn, priority DESC, execute_after, id) AS place
    FROM (SELECT * FROM in_turn UNION ALL SELECT * FROM stale) AS both_kinds
    ORDER BY place
    LIMIT (SELECT places FROM room)
), taken AS (
    UPDATE pgqueuer
    SET status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = $1
    WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    RETURNING pgqueuer.*
)
SELECT
    id, taken.priority, created, updated, heartbeat, execute_after, status::text AS status,
    entrypoint, payload, attempts, queue_manager_id, slot, headers
FROM taken
JOIN chosen USING (id)
ORDER BY chosen.place
"""
# A queue is now empty and now full: by the statistics of the one moment, all of it would be read
# and sorted in the other.
BY_INDEX_ONLY = {"enable_seqscan": "off", "enable_bitmapscan": "off"}


def arguments(
    *,
    holder: UUID,
    lane: str,
    tasks: Sequence[str],
    at_once: int,
    in_hands: int,
    heartbeat: timedelta,
) -> tuple[object, ...]:
    """The arguments of TAKE: `at_once` jobs at most, `in_hands` of the holder's at most."""
    return holder, lane, list(tasks), at_once, in_hands, heartbeat
