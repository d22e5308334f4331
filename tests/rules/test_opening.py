"""A new order is inserted with the counters that a recount of its facts comes to."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.orders import OrderSnapshot, SourceState
from entrepot.orders import counters, rows
from entrepot.orders.models import Line, Order
from tests.rules.trade import Trade, connect, euros, fact, line, snapshot

# Cancelled by the source, paid back in part, without goods, sent by others, and several of these.
BOUGHT = (
    line("MOEWE-A3", 4, refunded_quantity=1, fulfilled_elsewhere_quantity=2),
    line("PDF-ÖL", 3, "3.00", is_shippable=False, refunded_quantity=2),
    line("POST-12", 5, "7.50", fulfilled_elsewhere_quantity=9),
)
OPENINGS: dict[str, OrderSnapshot] = {
    "paid": snapshot("paid"),
    "paid in dinars": snapshot(
        "dinars", line("MOEWE-A3", 3, "1.250", currency="KWD"), currency="KWD"
    ),
    "not paid": snapshot("unpaid", is_paid=False),
    "lines of every kind": snapshot("kinds", *BOUGHT),
    "cancelled at the source": snapshot("cancelled", *BOUGHT, state="cancelled"),
    "refunded": snapshot("refunded", *BOUGHT, state="refunded"),
}


@pytest.mark.parametrize("case", OPENINGS)
def test_what_is_inserted_is_what_the_facts_come_to(trade: Trade, case: str) -> None:
    told = OPENINGS[case]

    trade.tell(told)

    with scope.merchant(trade.merchant.id):
        counters.recount_units([trade.order(told.external_id).id])
        order = Order.objects.get(external_id=told.external_id)
        lines = Line.objects.filter(order=order).order_by("position")
        cancelled = [line.units_cancelled for line in lines]
    opened = rows.opening(told)
    assert opened == {name: getattr(order, name) for name in opened}
    written = rows.line_rows(told, merchant_id=trade.merchant.id, order_id=order.id)
    assert [row["units_cancelled"] for row in written] == cancelled


def test_history_that_was_completed_is_inserted_as_fulfilled_by_others(trade: Trade) -> None:
    old = timezone.now() - timedelta(days=90)
    told = snapshot("old", *BOUGHT, state=SourceState.COMPLETED, placed_at=old)

    trade.tell(told)

    with scope.merchant(trade.merchant.id):
        counters.recount_units([trade.order("old").id])
        lines = [line.units_elsewhere for line in Line.objects.order_by("position")]
    order = trade.order("old")
    opened = rows.opening(told, has_left=True)
    assert opened == {name: getattr(order, name) for name in opened}
    assert (lines, order.units_elsewhere) == ([3, 0, 5], 8)
    assert order.fulfillment_status == "shipped"


def test_the_shops_word_does_not_release_what_its_gateway_has_not_captured(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    sold = snapshot(transaction_ids=("pi_short_7",))
    short = fact("captured", euros("1.00"), payment="pi_short_7")
    trade.tell(short, connection=gateway)

    trade.tell(sold)

    order = trade.order()
    assert order.amount_captured == Decimal("1.00")
    assert (order.released_at, order.released_by) == (None, "")
    assert trade.events("order.released") == []


def test_a_paid_order_is_released_once_when_it_comes_and_not_again(trade: Trade) -> None:
    told = snapshot()

    trade.tell(told)
    first = trade.order()
    trade.tell(told)

    assert first.released_by == "paid"
    assert trade.order().released_at == first.released_at
    assert trade.events("order.released") == ["order.released"]
