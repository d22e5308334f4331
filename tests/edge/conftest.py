"""A shop, an edge on loopback, an order as the shop delivers it, and what was stored of it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.config.asgi import edge_application
from entrepot.connections.models import Connection
from entrepot.inbox import queries
from entrepot.inbox.queries import Received
from tests.connections.accounts import a_shop, signed_by_shop
from tests.serving import serve

ORDER = json.dumps(
    {"id": 4711, "billing": {"first_name": "Jörg", "city": "Malmö"}, "total": "1250.50"},
    ensure_ascii=False,
).encode()
SIGNED = signed_by_shop(ORDER, X_WC_Webhook_Delivery_ID="9f3c")


@pytest.fixture
def shop(merchant: Merchant) -> Connection:
    return a_shop(merchant)


@pytest.fixture
def edge(database: str) -> Iterator[httpx.Client]:
    with (
        serve(edge_application, lifespan="on") as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield client


def messages(connection: Connection) -> list[Received]:
    with scope.merchant(connection.merchant_id):
        return queries.messages(connection.merchant_id, connection_id=connection.id)
