"""The one order of locks: orders first, by id, all that a transaction will need at once.

Whoever locks a second lot, or by another key, waits for somebody who waits for them.
"""

from collections.abc import Iterable

from entrepot.database import sql

_LOCK = "SELECT id FROM orders_order WHERE id = ANY (%s) ORDER BY id FOR UPDATE"


def lock(order_ids: Iterable[int]) -> None:
    """Lock orders for a decision about each, without reading them."""
    if wanted := sorted(set(order_ids)):
        sql.run(_LOCK, [wanted])
