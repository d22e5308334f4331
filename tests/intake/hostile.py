"""Orders as a hostile or broken shop would write them, on the way that every delivery takes."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.connectors import woocommerce
from entrepot.database import sql
from entrepot.inbox import services as inbox
from entrepot.inbox.storing import Incoming

FIXTURES = Path(woocommerce.__path__[0]) / "fixtures"
SOUND = json.loads((FIXTURES / "order_cash_on_delivery.json").read_text())
Bend = Callable[[dict[str, Any]], object]
OUTCOMES = """
SELECT DISTINCT ON (message_id) outcome, reason
FROM inbox_outcome
ORDER BY message_id, id DESC
"""


def order(number: int, bend: Bend | None = None) -> dict[str, Any]:
    """A sound order of that id, then bent."""
    body: dict[str, Any] = copy.deepcopy(SOUND)
    body.update(id=number, number=str(number), order_key=f"wc_order_{number}")
    body["meta_data"] = []
    if bend is not None:
        bend(body)
    return body


def deliver(shop: Connection, *bodies: dict[str, Any] | bytes) -> list[int]:
    """Put deliveries into the inbox as the edge does, in one batch."""
    with scope.system():
        stored = inbox.store(
            [
                Incoming(
                    merchant_id=shop.merchant_id,
                    connection_id=shop.id,
                    mode=shop.mode,
                    source="webhook",
                    topic="order.updated",
                    body=body if isinstance(body, bytes) else json.dumps(body).encode(),
                    headers={"x-wc-webhook-topic": "order.updated"},
                )
                for body in bodies
            ]
        )
    return [one.message_id for one in stored]


def outcomes() -> list[tuple[str, str]]:
    """The last word about every message, in order of arrival."""
    with scope.system():
        return [(outcome, reason) for outcome, reason in sql.fetch(OUTCOMES)]
