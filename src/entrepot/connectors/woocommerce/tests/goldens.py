"""Reads the golden files: a body beside what it must become, or with some fields changed."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.fields import Fields

FIXTURES = Path(__file__).parent.parent / "fixtures"
DELIVERIES = FIXTURES / "deliveries"
ANSWERS = FIXTURES / "answers"
PAID = "order_paid_coupon_fee_tax_included"
RECEIVED_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCOUNT = Account(
    mode=Mode.LIVE,
    settings={
        "base_url": "https://shop.example",
        "status_map": {"wc-in-druck": "processing"},
        "on_terms_methods": ["cod"],
        "currency": "EUR",
        "weight_unit": "kg",
    },
)


def message(name: str, body: bytes) -> InboundMessage:
    """A golden body: what begins with `polled_` was read by us, the rest came as a webhook."""
    resource = name.removeprefix("polled_").split("_")[0]
    if name.startswith("polled_"):
        return InboundMessage(
            source="poll", topic=f"{resource}s", body=body, received_at=RECEIVED_AT
        )
    return InboundMessage(
        source="webhook", topic=f"{resource}.updated", body=body, received_at=RECEIVED_AT
    )


def normalized(name: str, account: Account = ACCOUNT) -> list[dict[str, Any]]:
    """A golden file as the canonical values that it becomes, plain."""
    body = (FIXTURES / f"{name}.json").read_bytes()
    items = webhook.normalize(message(name, body), account)
    return [{"is": type(item).__name__, **json.loads(msgspec.json.encode(item))} for item in items]


def golden_names() -> list[str]:
    """Every body that has an expectation beside it."""
    return sorted(
        path.name.removesuffix(".json")
        for path in FIXTURES.glob("*.json")
        if not path.name.endswith(".expected.json")
    )


def body_of(name: str, **changes: Any) -> Fields:
    """A golden body with some fields changed."""
    body = json.loads((FIXTURES / f"{name}.json").read_text(), parse_float=Decimal)
    return Fields({**body, **changes})


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")
