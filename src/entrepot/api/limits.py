"""How fast a key or a customer may call: one bucket each, on the database's clock.

The buckets are shared by all processes.
"""

import math

from entrepot.access import scope
from entrepot.access.models import ApiKey
from entrepot.api.errors import Problem
from entrepot.database import sql

# A person who reads on one or two pages; a key has a number of its own.
CUSTOMERS_CALLS_PER_MINUTE = 60

# Needs the unique keys on api_key_id and on (merchant_id, customer). No row comes back when the
# bucket is empty.
_TAKE = """
    INSERT INTO api_rate_bucket AS bucket (merchant_id, api_key_id, customer, tokens, refilled_at)
    VALUES (%(merchant)s, %(key)s, %(customer)s, %(most)s - 1, statement_timestamp())
    ON CONFLICT {whose} DO UPDATE SET
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
    WHERE merchant_id = %(merchant)s
        AND (api_key_id = %(key)s OR customer = %(customer)s AND customer <> '')
"""
_OF_KEY = _TAKE.format(whose="(api_key_id)")
_OF_CUSTOMER = _TAKE.format(whose="(merchant_id, customer) WHERE customer <> ''")
# Losing the last second of counting in a crash hurts nobody; waiting for the disk would.
_NO_WAIT_FOR_DISK = "SELECT set_config('synchronous_commit', 'off', true)"


def take(key: ApiKey) -> int:
    """Count one call of a key; returns how many it may make at once after it.

    A key that was idle may make a whole minute's calls at once.

    Raises:
        Problem: 429, with Retry-After.
    """
    return _take(
        _OF_KEY,
        key.merchant_id,
        {"key": key.id, "customer": ""},
        per_minute=key.rate_limit_per_minute,
        whose="this key",
    )


def take_of_customer(name: str, *, merchant_id: int) -> int:
    """Count one call of a customer, as `take` does. `name` tells a merchant's customers apart.

    Raises:
        Problem: 429, with Retry-After.
    """
    return _take(
        _OF_CUSTOMER,
        merchant_id,
        {"key": None, "customer": name},
        per_minute=CUSTOMERS_CALLS_PER_MINUTE,
        whose="this customer",
    )


def _take(
    statement: str, merchant_id: int, holder: dict[str, object], *, per_minute: int, whose: str
) -> int:
    parameters = {
        "merchant": merchant_id,
        **holder,
        "most": float(per_minute),
        "per_second": per_minute / 60,
    }
    with scope.merchant(merchant_id):
        sql.run(_NO_WAIT_FOR_DISK)
        left = sql.fetch_value(statement, parameters)
        wait = sql.fetch_value(_WAIT, parameters) if left is None else 0
    if left is not None:
        return int(left)
    seconds = max(1, math.ceil(wait or 1))
    raise Problem(
        429,
        f"{whose} may call {per_minute} times a minute: wait {seconds} s",
        headers={"Retry-After": str(seconds)},
    )
