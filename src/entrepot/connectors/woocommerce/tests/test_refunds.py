"""Refunds made in a shop: once, no more than is left, and found again by our reference."""

from datetime import timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind, RefundedLine
from entrepot.connect.errors import OutcomeUnknown, Rejected
from entrepot.connect.http import Http
from entrepot.connect.registry import platform
from entrepot.connectors.woocommerce.client import Client, base_url
from entrepot.connectors.woocommerce.pricing import Delivery
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import account_of, only_for, order_in, refund_of


def test_a_refund_is_made_and_found_by_our_reference(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    line_id = str(shop.shop.sales[order_id].lines[1]["id"])
    request = refund_of(
        order_id, "29.00", lines=(RefundedLine(line_external_id=line_id, quantity=2),)
    )
    assert client.find_refund(request) is None

    first = client.refund(request)

    assert first == client.find_refund(request)
    assert first.kind is PaymentFactKind.REFUNDED
    assert first.amount == Money.of("29.00", "EUR")
    (row,) = shop.shop.sales[order_id].refunds
    assert (row.reason, row.through_gateway) == ("Zerkratzt [ref E-R-1]", False)
    fact = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop).payment_facts[1]
    assert (fact.external_id, fact.own_reference) == (first.external_id, "E-R-1")


def test_restocking_is_only_done_when_asked(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 3))
    lines = (
        RefundedLine(line_external_id=str(shop.shop.sales[order_id].lines[0]["id"]), quantity=1),
    )
    item = shop.shop.catalog.item_of(MUG)
    before = item.stock

    client.refund(refund_of(order_id, "1.00", lines=lines))
    assert item.stock == before

    client.refund(refund_of(order_id, "1.00", reference="E-R-2", lines=lines, restock=True))
    assert item.stock == (before or 0) + 1


def test_more_than_is_left_is_refused(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 2), shipping=None)
    shop.refund(order_id, "20.00")

    with pytest.raises(Rejected, match="Invalid refund amount"):
        client.refund(refund_of(order_id, "9.01"))

    assert len(shop.shop.sales[order_id].refunds) == 1


def test_the_shops_gateway_pays_back_only_where_the_setting_says_so(
    shop: WooCommerce, address: str
) -> None:
    account = account_of(shop, address, api_refund=True)
    client = Client(Http(base_url(account)), account)
    card, cash = (
        shop.customer_orders((MUG, 2)),
        shop.customer_orders((MUG, 2), payment_method="cod"),
    )

    client.refund(refund_of(card, "5.00"))
    # The gateway reports a failure, and nobody knows from here how far it came.
    with pytest.raises(OutcomeUnknown, match="does not support automatic refunds"):
        client.refund(refund_of(cash, "5.00"))

    assert shop.shop.sales[card].refunds[0].through_gateway
    assert shop.shop.sales[cash].refunds == []


def test_what_the_gateway_reports_stays_unknown_when_the_shop_lets_nobody_in_any_more(
    shop: WooCommerce, address: str
) -> None:
    account = account_of(shop, address, api_refund=True)
    client = Client(Http(base_url(account)), account)
    cash = shop.customer_orders((MUG, 2), payment_method="cod")
    handle = shop.handle

    def lock_out_afterwards(call: Any) -> Any:
        answer = handle(call)
        if call.method == "POST":
            shop.options.consumer_secret = "cs_another"
        return answer

    shop.handle = lock_out_afterwards  # type: ignore[assignment,method-assign]

    with pytest.raises(OutcomeUnknown, match="does not support automatic refunds"):
        client.refund(refund_of(cash, "5.00"))


@pytest.mark.parametrize("fault", ["drop_answer", "garbage", "server_error"])
def test_a_refund_without_a_trustworthy_answer_is_unknown(
    fault: str, client: Client, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2))
    request = refund_of(order_id, "10.00")
    only_for(shop, "POST", fault)
    with pytest.raises(OutcomeUnknown):
        client.refund(request)

    made = len(shop.shop.sales[order_id].refunds)
    assert made == (0 if fault == "server_error" else 1)
    assert (client.find_refund(request) is not None) == bool(made)


def test_a_refund_that_is_hidden_for_a_while_is_why_a_look_up_proves_nothing(
    client: Client, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2))
    shop.faults.invisible, shop.faults.invisible_seconds = 1.0, 120.0
    request = refund_of(order_id, "10.00")
    client.refund(request)

    assert client.find_refund(request) is None
    shop.clock.advance(timedelta(seconds=121))
    assert client.find_refund(request) is not None
    assert not platform("woocommerce").manifest.effects["refund"].lookup_proves_absence


def test_a_shop_in_yen_with_tax_added_is_read_and_refunded_in_whole_yen(
    shop: WooCommerce, address: str
) -> None:
    shop.options.currency, shop.options.prices_include_tax = "JPY", False
    shop.shop.catalog.add_product("UKIYO", "浮世絵", "4000", stock=90)
    order_id = shop.customer_orders(
        ("UKIYO", 3), country="JP", coupon=("haru", 5), shipping=Delivery(price="500")
    )
    account = account_of(shop, address)
    client = Client(Http(base_url(account)), account)

    order = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop)
    client.refund(refund_of(order_id, "4180", currency="JPY"))

    assert order.totals.lines == Money.of(11400, "JPY")
    assert order.totals.tax == Money.of(1190, "JPY")
    assert order.totals.total == Money.of(13090, "JPY")
    assert shop.order_books()[0]["refunds"][0]["amount"] == "4180"
