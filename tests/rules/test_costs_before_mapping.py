"""Rule 8: what a provider charges is shown beside the sale price before a SKU is mapped to it."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connections as databases
from django.test import Client

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.catalog.models import Mapping
from entrepot.catalog.services import MappingWish
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.pricing import Question, question_of
from entrepot.tasks.calls import NoCallsInsideTransaction
from entrepot.tasks.pricing import ask_for_prices
from tests.rules.test_rule_14 import quotes_asked
from tests.rules.trade import Trade, line, snapshot

# A method, what it costs in parts and as a whole, and what was paid for it.
PRICES = re.compile(
    r"Standard goods [\d.]+ EUR , shipping [\d.]+ EUR , tax \S+ [\d.]+ EUR 41\.90 EUR"
)


def wish(provider: Connection, sku: str = "GLOBAL-FAP-8X10") -> MappingWish:
    return MappingWish(
        kind="provider",
        provider_connection_id=provider.id,
        provider_sku=sku,
        sizing="fillPrintArea",
    )


def asked(trade: Trade, provider: Connection, sku: str = "MOEWE-A3") -> Question | None:
    with scope.merchant(trade.merchant.id):
        return question_of(trade.merchant.id, sku, wish=wish(provider), mode=Mode.TEST)


def typed(provider: Connection, **more: str) -> dict[str, Any]:
    return {
        "sku": "MOEWE-A3", "kind": "provider", "provider": str(provider.id),
        "provider_sku": "GLOBAL-FAP-8X10", "sizing": "fillPrintArea", **more,
    }  # fmt: skip


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def mapped(trade: Trade) -> list[str]:
    with scope.merchant(trade.merchant.id):
        return list(Mapping.objects.values_list("provider_sku", flat=True))


def test_one_unit_is_asked_for_where_it_was_bought_last_and_nobody_is_named(
    trade: Trade, provider: Connection
) -> None:
    trade.tell(snapshot("1", line("MOEWE-A3", 3, "41.90")), snapshot("2", line("POST-12", 2, "6")))

    question = asked(trade, provider)

    assert question is not None
    assert (question.number, str(question.sold_for.rounded())) == ("1", "41.90 EUR")
    assert [item.quantity for item in question.request.items] == [1]
    assert question.request.recipient.country == question.country == "DE"
    assert question.request.recipient.name == question.request.email == ""
    assert asked(trade, provider, "KANNE") is None


def test_no_price_is_asked_inside_a_transaction(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.tell(snapshot())
    question = asked(trade, provider)
    assert question is not None

    with scope.merchant(trade.merchant.id), pytest.raises(NoCallsInsideTransaction):
        ask_for_prices(question)

    assert quotes_asked(house) == 0
    assert ask_for_prices(question).quotes
    assert not databases["default"].in_atomic_block


def test_the_price_is_shown_beside_the_sale_price_before_anything_is_saved(
    trade: Trade, provider: Connection, house: ProdigiSimulator, operator: Client
) -> None:
    trade.tell(snapshot("10482", line("MOEWE-A3", 3, "41.90")))

    first = operator.post("/test/mappings/one/?sku=MOEWE-A3", typed(provider))
    before = mapped(trade)
    seen = re.search(r'name="seen" value="(\w+)"', first.content.decode())
    assert seen is not None
    other = operator.post(
        "/test/mappings/one/?sku=MOEWE-A3",
        typed(provider, seen=seen[1], attributes="frame=oak"),
    )
    again = operator.post("/test/mappings/one/?sku=MOEWE-A3", typed(provider, seen=seen[1]))

    words = words_of(first)
    assert first.status_code == 200
    assert "Sold for, order 10482" in words
    assert PRICES.search(words)
    assert "Nothing is saved yet" in words
    assert before == []
    assert other.status_code == 200  # another product than the one whose price was seen
    assert (again.status_code, again["Location"]) == (302, "/test/mappings/")
    assert mapped(trade) == ["GLOBAL-FAP-8X10"]
    assert quotes_asked(house) == 2


def test_where_orders_wait_the_same_price_is_shown_before_they_are_released(
    trade: Trade, provider: Connection, house: ProdigiSimulator, operator: Client
) -> None:
    trade.tell(snapshot("10482", line("MOEWE-A3", 3, "41.90")))
    trade.work()

    first = operator.post("/test/attention/map/", typed(provider))
    before = mapped(trade)
    seen = re.search(r'name="seen" value="(\w+)"', first.content.decode())
    assert seen is not None
    asked_again = operator.post("/test/attention/map/", typed(provider, seen=seen[1], ask="1"))
    released = operator.post("/test/attention/map/", typed(provider, seen=seen[1]))

    for shown in (first, asked_again):
        words = words_of(shown)
        assert shown.status_code == 200
        assert PRICES.search(words)
        assert "Nothing is saved yet" in words
        assert 'value="GLOBAL-FAP-8X10"' in shown.content.decode()
    assert before == []
    assert (released.status_code, released["Location"]) == (302, "/test/attention/")
    assert mapped(trade) == ["GLOBAL-FAP-8X10"]
    assert quotes_asked(house) == 2


def test_the_price_of_what_costs_more_than_it_brings_in_says_so(
    trade: Trade, provider: Connection, operator: Client
) -> None:
    trade.tell(snapshot("10482", line("MOEWE-A3", 3, "0.40")))

    shown = operator.post("/test/mappings/one/?sku=MOEWE-A3", typed(provider, ask="1"))

    assert "The goods alone cost more than they are sold for." in words_of(shown)


def test_a_price_that_nobody_can_tell_blocks_no_mapping(
    trade: Trade, provider: Connection, operator: Client
) -> None:
    trade.tell(snapshot())
    closed = services.add_connection(
        trade.merchant.id, platform="prodigi", mode=Mode.TEST, name="Zu",
        settings={"base_url": "http://127.0.0.1:9", "api_key": "geschlossen"},
    )  # fmt: skip

    first = operator.post("/test/mappings/one/?sku=MOEWE-A3", typed(closed))
    refused = operator.post(
        "/test/mappings/one/?sku=MOEWE-A3", {**typed(provider), "provider_sku": "KANNE-9"}
    )
    seen = re.search(r'name="seen" value="(\w+)"', first.content.decode())
    assert seen is not None
    saved = operator.post("/test/mappings/one/?sku=MOEWE-A3", typed(closed, seen=seen[1]))

    for answer in (first, refused):
        assert "The price is not known: " in words_of(answer)
        assert "You can save all the same" in words_of(answer)
    assert saved.status_code == 302
    assert mapped(trade) == ["GLOBAL-FAP-8X10"]
