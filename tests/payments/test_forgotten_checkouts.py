"""A paid checkout of ours that a restored database has forgotten becomes an order all the same."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.messages import CheckoutNews
from entrepot.connections.models import Connection
from entrepot.orders.models import Hold, Order
from entrepot.payments import checkouts
from entrepot.payments.models import Checkout
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect, line, snapshot


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


@pytest.fixture
def gateway(trade: Trade) -> Connection:
    return connect(trade.merchant, "stripe")


def news(reference: str, *, is_paid: bool = True) -> CheckoutNews:
    sold = snapshot(
        "cs_1", line("MOEWE-A3", 2), line("POST-12", 3, "1.50"), checkout_reference=reference
    )
    return CheckoutNews(
        reference=reference,
        external_id="cs_1",
        outcome="completed" if is_paid else "expired",
        order=sold if is_paid else None,
    )


def numbers_of_orders(trade: Trade) -> list[str]:
    with scope.merchant(trade.merchant.id):
        return list(Order.objects.values_list("external_id", flat=True))


def test_what_we_sold_is_an_order_though_its_cart_is_lost(
    trade: Trade, gateway: Connection
) -> None:
    reference = checkouts.new_reference(trade.merchant.id)

    for _ in range(2):
        trade.tell(news(reference), connection=gateway)

    order = trade.order("cs_1")
    assert order.units_ordered == 5
    with scope.merchant(trade.merchant.id):
        checkout = Checkout.objects.get()
        assert (checkout.reference, checkout.status, checkout.order_id) == (
            reference,
            "completed",
            order.id,
        )
        assert checkout.total == order.total_lines > Decimal(0)
        assert not Hold.objects.filter(kind="totals").exists()
    assert trade.events("checkout.taken_back") == ["checkout.taken_back"]


def test_what_others_sold_over_the_same_account_is_not_ours(
    trade: Trade, gateway: Connection, other_merchant: Merchant
) -> None:
    theirs = checkouts.new_reference(other_merchant.id)
    ours = checkouts.new_reference(trade.merchant.id)
    changed = ours[:-1] + ("0" if ours[-1] != "0" else "1")

    for reference in (theirs, changed, "co_9f3c2a7be1d04586a7c1", "co_", ""):
        trade.tell(news(reference), connection=gateway)

    assert numbers_of_orders(trade) == []
    with scope.merchant(trade.merchant.id):
        assert not Checkout.objects.exists()


def test_a_page_that_was_left_unpaid_is_not_taken_back(trade: Trade, gateway: Connection) -> None:
    reference = checkouts.new_reference(trade.merchant.id)

    trade.tell(news(reference, is_paid=False), connection=gateway)

    with scope.merchant(trade.merchant.id):
        assert not Checkout.objects.exists()
