"""The whole recording of a real shop, read where it lies: nothing of it is left out."""

import json
from pathlib import Path

import pytest

from entrepot.canon.catalog import ProductSnapshot
from entrepot.canon.messages import Hint
from entrepot.canon.orders import OrderDeleted, OrderSnapshot
from entrepot.connect.ports import InboundMessage, Secrets
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.tests.goldens import ACCOUNT, RECEIVED_AT
from tests import specs

SECRETS = Secrets(signing=("capture-secret",))


@pytest.fixture
def recording() -> Path:
    return specs.require("fixtures/woocommerce")


def test_every_recorded_delivery_is_verified_and_understood(recording: Path) -> None:
    kinds = []
    for path in sorted(recording.glob("delivery_*.body")):
        headers = json.loads(path.with_suffix(".headers.json").read_text())
        lower = {name.lower(): value for name, value in headers.items()}
        request = WebhookRequest(body=path.read_bytes(), headers=lower)
        found = webhook.verify(request, SECRETS, now=RECEIVED_AT)
        if found.is_ping:
            kinds.append("ping")
            continue
        message = InboundMessage(
            source="webhook", topic=found.topic, body=path.read_bytes(), received_at=RECEIVED_AT
        )
        kinds += [type(item).__name__ for item in webhook.normalize(message, ACCOUNT)]

    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "Hint": 6,
        "OrderDeleted": 3,
        "OrderSnapshot": 6,
        "ProductSnapshot": 1,
        "ping": 1,
    }


def test_every_recorded_order_and_product_is_understood(recording: Path) -> None:
    for path in sorted([*recording.glob("order_*.json"), *recording.glob("product_*.json")]):
        body = json.loads(path.read_text())
        topic = "orders" if path.name.startswith("order_") else "products"
        message = InboundMessage(
            source="poll", topic=topic, body=json.dumps(body).encode(), received_at=RECEIVED_AT
        )
        first = webhook.normalize(message, ACCOUNT)[0]
        if isinstance(first, OrderSnapshot):
            assert str(first.totals.total.amount) == body["total"]
            assert first.external_id == str(body["id"])
        else:
            assert isinstance(first, ProductSnapshot | Hint | OrderDeleted)
