"""Orders of the simulated shop: how they begin, cost and end, and what it swears to."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.canon.orders import OrderSnapshot
from entrepot.connect.http import Answer
from entrepot.connect.ports import InboundMessage
from entrepot.connect.simulator import Clock
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.books import Buyer, ShopOptions
from entrepot.connectors.woocommerce.simulator import CATALOG, MUG, PRINT_A3, WooCommerce, build
from entrepot.connectors.woocommerce.tests.conftest import START, sent, subscribed
from entrepot.connectors.woocommerce.tests.goldens import ACCOUNT


@pytest.mark.parametrize(
    ("method", "status", "is_paid"),
    [
        ("stripe", "processing", True),
        ("bacs", "on-hold", False),
        ("cheque", "on-hold", False),
        ("cod", "processing", False),
    ],
)
def test_the_payment_method_decides_how_an_order_begins(
    method: str, status: str, is_paid: bool, shop: WooCommerce
) -> None:
    order_id = shop.customer_orders((MUG, 2), payment_method=method)

    sale = shop.shop.sales[order_id]
    assert (sale.status, sale.paid_at is not None) == (status, is_paid)


def test_a_delayed_payment_a_declined_card_and_cash_at_the_door(shop: WooCommerce) -> None:
    transfer = shop.customer_orders((MUG, 2), payment_method="bacs")
    declined = shop.customer_orders((MUG, 2), is_paid=False)
    cash = shop.customer_orders((MUG, 2), payment_method="cod")

    shop.pay(transfer)
    shop.fail_payment(declined)
    shop.complete_by_hand(cash)

    statuses = [shop.shop.sales[order_id].status for order_id in (transfer, declined, cash)]
    assert statuses == ["processing", "failed", "completed"]
    assert shop.shop.sales[cash].paid_at is not None


def test_an_order_of_nothing_is_paid_without_a_method(shop: WooCommerce) -> None:
    shop.shop.catalog.add_product("GRATIS", "Probe", "0", stock=9)

    order_id = shop.customer_orders(("GRATIS", 2), shipping=None)

    sale = shop.shop.sales[order_id]
    assert (sale.status, sale.payment_method, sale.transaction_id) == ("processing", "", "")


def test_a_cancelled_order_gives_its_stock_back(shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 7))
    assert shop.shop.catalog.item_of(MUG).stock == 5993

    shop.cancel(order_id)
    shop.cancel(order_id)

    assert shop.shop.catalog.item_of(MUG).stock == 6000


@pytest.mark.parametrize(
    ("currency", "includes", "country", "total"),
    [
        ("EUR", True, "DE", "117.70"),
        ("EUR", False, "DE", "140.06"),
        ("EUR", False, "US", "117.70"),
        ("SEK", True, "SE", "117.70"),
        ("JPY", False, "JP", "130"),
        ("KWD", True, "KW", "117.700"),
    ],
)
def test_a_shop_has_its_currency_and_its_way_with_tax(
    currency: str, includes: bool, country: str, total: str
) -> None:
    options = ShopOptions(currency=currency, prices_include_tax=includes)
    shop = build(Clock(speed=0.0, start=START), options)
    shop.stock_shelves()

    order_id = shop.customer_orders(
        (PRINT_A3, 3), (MUG, 2), country=country, shipping=None, fees=[("Rabatt", "-1.00")]
    )

    sale = shop.shop.sales[order_id]
    assert shop.shop.render.order(sale)["total"] == total
    found = webhook.normalize(
        InboundMessage(
            source="poll",
            topic="orders",
            body=json.dumps(shop.shop.render.order(sale)).encode(),
            received_at=START,
        ),
        ACCOUNT,
    )[0]
    assert isinstance(found, OrderSnapshot)
    assert found.totals.total.currency == currency


def test_a_plug_in_numbers_orders_apart_from_their_ids() -> None:
    shop = build(Clock(), ShopOptions(sequential_from=5000))
    shop.stock_shelves()

    orders = [shop.customer_orders((MUG, 2)) for _ in range(2)]

    assert [shop.shop.sales[order_id].number for order_id in orders] == ["5000", "5001"]
    assert orders == [306, 307]


def test_custom_statuses_exist_where_a_plug_in_registers_them(
    shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    order_id = shop.customer_orders((MUG, 2))
    body = {"status": "in-druck"}
    refused = call("POST", f"/orders/{order_id}", json=body)
    shop.options.custom_statuses = ("in-druck",)

    taken = call("POST", f"/orders/{order_id}", json=body)

    assert json.loads(refused.content)["code"] == "rest_invalid_param"
    assert json.loads(taken.content)["status"] == "in-druck"


def test_the_same_run_gives_the_same_shop() -> None:
    def run() -> Any:
        shop = build(Clock(speed=0.0, start=START))
        shop.stock_shelves()
        shop.faults.reseed(11)
        subscribed(shop, "order.updated", "order.created")
        for index in range(5):
            shop.customer_orders((CATALOG[index % 3], 2 + index), buyer=Buyer(city="Málaga"))
        return shop.order_books(), [(d.headers, d.body) for d in sent(shop)]

    assert run() == run()


def test_it_swears_to_what_happened(shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3), shipping=None)
    shop.refund(order_id)
    shop.customer_orders((MUG, 2))

    assert shop.summary() == {
        "orders": 2,
        "products": 5,
        "refunds": 1,
        "notes": 0,
        "trackings": 0,
        "webhooks": 0,
        "orders_by_status": {"processing": 1, "refunded": 1},
    }
    books = shop.order_books()[0]
    assert (books["units"], books["total"]) == ({PRINT_A3: 2, MUG: 3}, "103.30")
    assert books["refunds"] == [{"amount": "103.30", "reason": ""}]


def test_the_books_add_up_lines_of_the_same_product(shop: WooCommerce) -> None:
    shop.customer_orders((MUG, 1), (PRINT_A3, 2), (MUG, 3))

    assert shop.order_books()[0]["units"] == {MUG: 4, PRINT_A3: 2}
