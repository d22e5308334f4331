"""How fast a key may call: one bucket per key, shared by all processes, on the database's clock."""

import math

from entrepot.access import scope
from entrepot.access.models import ApiKey
from entrepot.api.errors import Problem
from entrepot.database import sql

# Needs the unique key on api_key_id. No row comes back when the bucket is empty.
_TAKE = """
    INSERT INTO api_rate_bucket AS bucket (merchant_id, api_key_id, tokens, refilled_at)
    VALUES (%(merchant)s, %(key)s, %(most)s - 1, statement_timestamp())
    ON CONFLICT (api_key_id) DO UPDATE SET
        tokens = least(
            %(most)s,
            bucket.tokens
                + %(per_second)s * extract(epoch FROM statement_timestamp() - bucket.refilled_at)
        ) - 1,
        refilled_at = statement_timestamp()
    WHERE 1 <= least(
        %(most)s,
        bucket.tokens
            + %(per_second)s * extract(epoch FROM statement_timestamp() - bucket.refilled_at)
    )
    RETURNING tokens
"""
_WAIT = """
    SELECT (1 - tokens) / %(per_second)s
        - extract(epoch FROM statement_timestamp() - refilled_at)
    FROM api_rate_bucket
    WHERE api_key_id = %(key)s
"""
# Losing the last second of counting in a crash hurts nobody; waiting for the disk would.
_NO_WAIT_FOR_DISK = "SELECT set_config('synchronous_commit', 'off', true)"


def take(key: ApiKey) -> int:
    """Count one call of a key; returns how many it may make at once after it.

    A key that was idle may make a whole minute's calls at once.

    Raises:
        Problem: 429, with Retry-After.
    """
    parameters = {
        "merchant": key.merchant_id,
        "key": key.id,
        "most": float(key.rate_limit_per_minute),
        "per_second": key.rate_limit_per_minute / 60,
    }
    with scope.merchant(key.merchant_id):
        sql.run(_NO_WAIT_FOR_DISK)
        left = sql.fetch_value(_TAKE, parameters)
        wait = sql.fetch_value(_WAIT, parameters) if left is None else 0
    if left is not None:
        return int(left)
    seconds = max(1, math.ceil(wait or 1))
    raise Problem(
        429,
        f"this key may call {key.rate_limit_per_minute} times a minute: wait {seconds} s",
        headers={"Retry-After": str(seconds)},
    )
