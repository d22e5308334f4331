"""Lets work begin on orders that were only observed, once their connection goes live."""

from entrepot.connections.models import Connection
from entrepot.database import sql
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.review import review_orders

BATCH = 500
# By the index orders_connection; an array, so that the choice is made once.
_BEGIN = """
    UPDATE orders_order SET is_history = false, updated_at = now()
    WHERE id = ANY (ARRAY(
        SELECT id FROM orders_order
        WHERE connection_id = %s AND is_history AND placed_at >= %s AND status = 'open'
        ORDER BY id
        LIMIT %s
        FOR UPDATE
    ))
    RETURNING id
"""


def begin_work(connection: Connection) -> int:
    """Take up to 500 orders placed since go-live out of history, and review them as new ones.

    Inside the open scope; returns how many there were, 0 when none is left. What was placed before
    go-live stays as it is.
    """
    if connection.live_since is None:
        return 0
    found = [row[0] for row in sql.fetch(_BEGIN, [connection.id, connection.live_since, BATCH])]
    policy = OrderPolicy.read(
        connection.policy,
        live_since=connection.live_since,
        is_live_mode=connection.mode == "live",
    )
    review_orders(found, policies={connection.id: policy}, new_ids=found)
    return len(found)
