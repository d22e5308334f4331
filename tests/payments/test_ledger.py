"""Money belongs to one order and counts in its currency, however the telling of it comes in."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.orders.models import Hold
from entrepot.payments.models import PaymentEntry
from tests.rules.trade import (
    SHOP_ACCOUNT,
    Trade,
    amounts,
    connect,
    euros,
    fact,
    later,
    line,
    snapshot,
)


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


def test_what_was_paid_in_euros_does_not_pay_what_is_sold_in_yen(trade: Trade) -> None:
    sold = snapshot("70001", line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00"))
    yen = snapshot(
        "70001",
        line("MOEWE-A3", 3, "12", currency="JPY"),
        line("POST-12", 4, "3", currency="JPY"),
        currency="JPY",
    )
    told = ("currency", "lines", "totals", "shipping_lines", "tax_lines")
    resold = later(sold, **{name: getattr(yen, name) for name in told})
    trade.tell(sold)
    paid = trade.order("70001").amount_captured
    assert paid > 0

    trade.tell(resold)
    order = trade.order("70001")
    with scope.merchant(trade.merchant.id):
        holds = list(Hold.objects.filter(lifted_at=None).values_list("kind", "reason"))
    trade.tell(later(resold, **{name: getattr(sold, name) for name in told}))

    assert (order.currency, order.amount_captured) == ("JPY", Decimal(0))
    assert ("totals", "Paid in EUR, sold in JPY") in holds
    assert trade.order("70001").amount_captured == paid


def test_a_new_order_that_is_told_twice_at_once_keeps_its_payment(trade: Trade) -> None:
    """Shops send "created" and "updated" together; the older of the two knows no order yet."""
    sold = snapshot("70002", line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00"))
    assert sold.payment_facts
    sold = replace(sold, transaction_ids=())

    trade.tell(later(sold), sold)

    order = trade.order("70002")
    with scope.merchant(trade.merchant.id):
        entries = PaymentEntry.objects.values_list("order_id", "kind", "amount")
        assert list(entries) == [(order.id, "captured", order.amount_captured)]
    assert order.amount_captured > Decimal(0)
    assert "payment.unmatched" not in trade.events()


def test_what_only_the_older_telling_of_a_new_order_says_of_its_money_is_the_orders_too(
    trade: Trade,
) -> None:
    paid = snapshot("70003", line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00"))
    older = replace(
        paid,
        payment_facts=(fact("authorized", paid.totals.total, payment="pay-erste"),),
        transaction_ids=(),
    )

    trade.tell(later(paid), older)

    with scope.merchant(trade.merchant.id):
        entries = PaymentEntry.objects.values_list("kind", "order_id")
        assert dict(entries) == dict.fromkeys(("captured", "authorized"), trade.order("70003").id)


@pytest.mark.parametrize("end", ["captured", "failed", "voided"])
@pytest.mark.parametrize("is_told_late", [False, True], ids=["in order", "the end first"])
def test_a_payment_that_came_to_an_end_is_not_pending(
    trade: Trade, end: str, *, is_told_late: bool
) -> None:
    trade.tell(snapshot("70004", is_paid=False, transaction_ids=("pay-debit", "pay-other")))
    gateway = connect(trade.merchant, "stripe")
    told = [
        fact("pending", euros("86.30"), payment="pay-debit"),
        fact(end, euros("86.30"), payment="pay-debit"),
    ]
    other = fact("pending", euros("12.25"), payment="pay-other")

    for each in [other, *(reversed(told) if is_told_late else told)]:
        trade.tell(each, connection=gateway)

    still = {"captured": Decimal("86.3")} if end == "captured" else {}
    assert amounts(trade.order("70004")) == {"pending": Decimal("12.25"), **still}


@pytest.mark.parametrize("is_told_late", [False, True], ids=["in order", "the end first"])
def test_a_dispute_that_was_lost_and_then_won_took_nothing(
    trade: Trade, *, is_told_late: bool
) -> None:
    trade.tell(snapshot("70005", transaction_ids=("pay-70005",)))
    gateway = connect(trade.merchant, "stripe")
    paid = trade.order("70005").amount_captured.normalize()
    about: dict[str, str] = {"payment": "pay-70005", "external_id": "dp_1"}
    other: dict[str, str] = {"payment": "pay-70005", "external_id": "dp_2"}
    trade.tell(
        fact("disputed", euros("30"), **about),
        fact("disputed", euros("7.50"), **other),
        fact("dispute_lost", euros("7.50"), **other),
        connection=gateway,
    )
    ends = [fact("dispute_lost", euros("30"), **about), fact("dispute_won", euros("30"), **about)]

    for end in reversed(ends) if is_told_late else ends:
        trade.tell(end, connection=gateway)

    assert amounts(trade.order("70005")) == {"captured": paid, "refunded": Decimal("7.5")}
