"""An order of the hub's own format as the canon has it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from entrepot.canon.money import Money
from entrepot.canon.orders import Mode, OrderSnapshot, PaymentWord, SourceState
from entrepot.connect import registry
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import Refused, WebhookRequest

RECEIVED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "external_id": "TEL-7",
    "currency": "SEK",
    "placed_at": "2026-11-20T09:00:00Z",
    "lines": [
        {"sku": "MUGG-1", "title": "Mugg, blå", "quantity": 3, "unit_price": "129.00"},
        {
            "sku": "TAVLA-2", "title": "Tavla", "quantity": 2, "unit_price": "450.00",
            "total": "800.00", "properties": {"Text": "Åsa & Örjan"},
        },
    ],
    "shipping": {"method": "post", "title": "Brev", "price": "59.00"},
    "customer": {"email": "åsa@kund.example", "name": "Åsa Öberg"},
    "shipping_address": {"name": "Åsa Öberg", "line1": "Ängsvägen 4", "country": "SE"},
    "taxes": [{"name": "Moms 25 %", "rate": "0.25", "amount": "249.20"}],
}  # fmt: skip


def normalize(body: Any, *, topic: str = "order", mode: Mode = Mode.LIVE) -> OrderSnapshot:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = InboundMessage(source="webhook", topic=topic, body=raw, received_at=RECEIVED)
    account = Account(mode=mode, settings={}, identity="nordlicht")
    (item,) = registry.platform("direct").webhook.normalize(message, account)
    assert isinstance(item, OrderSnapshot)
    return item


def test_an_order_is_read_with_its_money_and_is_paid_for() -> None:
    order = normalize(ORDER)

    assert order.state is SourceState.PROCESSING
    assert order.totals.total == Money(Decimal("1246.00"), "SEK")
    assert order.totals.discount == Money(Decimal("100.00"), "SEK")
    assert [line.quantity for line in order.lines] == [3, 2]
    assert order.lines[1].properties == (("Text", "Åsa & Örjan"),)
    assert order.is_test is False
    (fact,) = order.payment_facts
    assert (fact.external_id, fact.amount) == ("TEL-7:payment", order.totals.total)
    assert order.number == "TEL-7"
    assert order.tax_lines[0].rate == Decimal("0.25")


def test_what_is_on_terms_was_not_paid_and_added_tax_counts() -> None:
    tax = {"name": "Moms", "amount": "300.00", "is_included": False}
    order = normalize({**ORDER, "payment": "on_terms", "taxes": [tax]}, mode=Mode.TEST)

    assert order.payment is PaymentWord.ON_TERMS
    assert order.payment_facts == ()
    assert order.totals.total == Money(Decimal("1546.00"), "SEK")
    assert order.is_test is True


@pytest.mark.parametrize(
    ("_case", "change", "told"),
    [
        ("no line", {"lines": []}, "lines is empty"),
        ("no units", {"lines": [{**ORDER["lines"][0], "quantity": 0}]}, "quantity is 0"),
        ("a number as an amount", {"total": 1246.0}, "$.total"),
        ("a word as an amount", {"total": "much"}, "is not an amount"),
        ("an unknown field", {"totals": {}}, "totals"),
        ("an unknown state", {"state": "shipped"}, "$.state"),
        ("no time zone", {"placed_at": "2026-11-20T09:00:00"}, "time zone"),
        ("no currency", {"currency": "kronor"}, "currency code"),
        ("a blank id", {"external_id": " "}, "external_id is empty"),
        ("one line twice", {"lines": [{**ORDER["lines"][0], "external_id": "a"}] * 2}, "same"),
    ],
)
def test_what_cannot_be_an_order_is_refused_with_its_place(
    _case: str, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        normalize({**ORDER, **change})

    assert told in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"null", b'{"a":', b"\x00"])
def test_garbage_is_refused_with_words(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalize(body)


def test_an_unknown_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown topic"):
        normalize(ORDER, topic="product")


def test_nobody_is_believed_by_webhook() -> None:
    webhook = registry.platform("direct").webhook

    with pytest.raises(Refused, match="signature_missing"):
        webhook.verify(WebhookRequest(body=b"{}", headers={}), Secrets(), now=RECEIVED)


def test_ping_answers_here() -> None:
    account = Account(mode=Mode.LIVE, settings={}, identity="nordlicht")
    platform = registry.platform("direct")

    result = platform.client(Http(platform.base_url(account)), account).ping()

    assert (result.identity, result.mode) == ("nordlicht", Mode.LIVE)
