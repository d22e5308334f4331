"""What a shop has, read page by page while it goes on selling."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import OrderDeleted
from entrepot.canon.payments import RefundedLine
from entrepot.connect.ports import InboundMessage, Page
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.client import Client
from entrepot.connectors.woocommerce.simulator import GUIDE, MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import START, account_of, order_in


def pages(
    client: Client,
    flow: Flow = Flow.ORDERS,
    *,
    cursor: str = "",
    limit: int = 100,
    between: Callable[[int], None] = lambda count: None,
) -> Iterator[Page]:
    """All pages of a pass; `between` acts on the shop after each."""
    count = 0
    while True:
        page = client.pull(flow, cursor=cursor, since=None, limit=limit)
        yield page
        count += 1
        between(count)
        if page.is_last:
            return
        cursor = page.cursor


def ids_of(found: Iterator[Page]) -> list[str]:
    return [item.dedupe_key.split(":")[1] for page in found for item in page.items]


def test_orders_are_read_from_the_oldest_change_to_the_newest(
    client: Client, shop: WooCommerce
) -> None:
    shop.place_history(25, days=5)

    found = list(pages(client, limit=10))

    assert [page.total for page in found] == [25, 25, 25]
    assert [page.is_last for page in found] == [False, False, True]
    read = ids_of(iter(found))
    assert read == [str(order_id) for order_id in shop.shop.sales]
    assert found[-1].read_until == START


def test_a_pass_that_ends_goes_on_with_what_changes_later(
    client: Client, shop: WooCommerce
) -> None:
    shop.place_history(3, days=30)
    (only,) = pages(client)
    shop.clock.advance(timedelta(hours=1))
    order_id = shop.customer_orders((MUG, 2), (PRINT_A3, 3))

    (again,) = pages(client, cursor=only.cursor)

    newest = {item.dedupe_key for item in again.items} - {item.dedupe_key for item in only.items}
    assert [key.split(":")[1] for key in newest] == [str(order_id)]
    assert order_in(again.items[-1], shop).number == str(order_id)


def test_an_order_saved_late_with_an_earlier_stamp_is_still_read(
    client: Client, shop: WooCommerce
) -> None:
    shop.customer_orders((MUG, 2))
    (first,) = pages(client)
    late = shop.customer_orders((MUG, 3))
    shop.shop.sales[late].modified_at = START - timedelta(minutes=9)

    (second,) = pages(client, cursor=first.cursor)

    assert str(late) in ids_of(iter([second]))


def test_an_order_that_is_dated_ahead_hides_no_later_one(client: Client, shop: WooCommerce) -> None:
    dated_ahead = shop.customer_orders((MUG, 2))
    shop.shop.sales[dated_ahead].modified_at = START + timedelta(days=40)
    (first,) = pages(client)
    shop.clock.advance(timedelta(hours=2))
    later = shop.customer_orders((MUG, 3), (PRINT_A3, 2))

    (second,) = pages(client, cursor=first.cursor)

    assert ids_of(iter([first])) == [str(dated_ahead)]
    assert str(later) in ids_of(iter([second]))


def test_since_is_a_moment_with_an_overlap_and_not_in_site_time(
    client: Client, shop: WooCommerce
) -> None:
    for hours in (5, 3, 0):
        order_id = shop.customer_orders((MUG, 2))
        shop.shop.sales[order_id].modified_at = START - timedelta(hours=hours)

    page = client.pull(
        Flow.ORDERS, cursor="", since=START - timedelta(hours=3, minutes=-5), limit=100
    )

    assert len(page.items) == 2


@pytest.mark.parametrize("limit", [1, 7, 40, 41, 100])
def test_many_orders_of_one_second_are_read_each_once(
    limit: int, client: Client, shop: WooCommerce
) -> None:
    placed = [str(shop.customer_orders((MUG, 2))) for _ in range(40)]

    read = ids_of(pages(client, limit=limit))

    assert sorted(read) == sorted(placed)


def test_orders_that_change_while_they_are_read_are_not_lost(
    client: Client, shop: WooCommerce
) -> None:
    shop.place_history(60, days=3)
    before = set(map(str, shop.shop.sales))

    def change(count: int) -> None:
        shop.clock.advance(timedelta(seconds=1))
        for order_id in list(shop.shop.sales)[: count * 3]:
            shop.change_address(order_id, city=f"Zürich {count}")

    read = ids_of(pages(client, limit=10, between=lambda n: change(n) if n < 5 else None))

    assert before <= set(read)


def test_orders_of_one_second_that_change_while_they_are_read_are_not_lost(
    client: Client, shop: WooCommerce
) -> None:
    placed = {str(shop.customer_orders((MUG, 2))) for _ in range(50)}

    def change(count: int) -> None:
        shop.clock.advance(timedelta(seconds=1))
        for order_id in sorted(shop.shop.sales)[(count - 1) * 4 : count * 4]:
            shop.change_address(order_id, city="Genève")

    read = ids_of(pages(client, limit=10, between=lambda n: change(n) if n < 4 else None))

    assert placed <= set(read)


def test_a_long_history_goes_on_where_it_was_stopped(client: Client, shop: WooCommerce) -> None:
    shop.place_history(1200)
    read: list[str] = []
    cursor = ""
    for _ in range(7):
        page = client.pull(Flow.ORDERS, cursor=cursor, since=None, limit=100)
        read += ids_of(iter([page]))
        cursor = page.cursor
        assert (page.total, page.is_last) == (1200, False)

    read += ids_of(pages(client, cursor=cursor))

    assert read == [str(order_id) for order_id in shop.shop.sales]


def test_refunds_are_read_with_their_order(client: Client, shop: WooCommerce) -> None:
    order_id = shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    line_id = shop.shop.sales[order_id].lines[1]["id"]
    refund_id = shop.refund(order_id, "14.50", units=[(line_id, 1)], reason="Chipped")

    order = order_in(client.fetch(Flow.ORDERS, str(order_id)), shop)

    assert order.lines[1].refunded_quantity == 1
    assert order.payment_facts[1].external_id == f"refund:{refund_id}"
    assert order.payment_facts[1].refunded_lines == (
        RefundedLine(line_external_id=str(line_id), quantity=1),
    )


def test_an_order_that_is_gone_reads_as_none_and_a_trashed_one_as_deleted(
    client: Client, shop: WooCommerce
) -> None:
    gone, trashed = shop.customer_orders((MUG, 2)), shop.customer_orders((MUG, 3))
    shop.delete(gone)
    shop.trash(trashed)

    assert client.fetch(Flow.ORDERS, str(gone)) is None
    item = client.fetch(Flow.ORDERS, str(trashed))
    assert item is not None
    assert json.loads(item.body)["status"] == "trash"


def test_a_shop_without_webhooks_tells_of_its_trash_all_the_same(
    client: Client, shop: WooCommerce
) -> None:
    old = shop.customer_orders((MUG, 2))
    shop.trash(old)
    order_id = shop.customer_orders((MUG, 2))
    (first,) = pages(client)
    assert ids_of(iter([first])) == [str(order_id)]
    shop.clock.advance(timedelta(hours=2))
    shop.trash(order_id)

    (second,) = pages(client, cursor=first.cursor)
    (third,) = pages(client, cursor=second.cursor)

    (item,) = [each for each in second.items if f":{order_id}:" in each.dedupe_key]
    message = InboundMessage(
        source="poll", topic=item.topic, body=item.body, received_at=shop.clock.now()
    )
    assert webhook.normalize(message, account_of(shop, "http://shop.example")) == (
        OrderDeleted(external_id=str(order_id)),
    )
    assert item.dedupe_key in {each.dedupe_key for each in third.items}


def test_products_are_read_with_their_variations_and_the_shops_currency(
    client: Client, shop: WooCommerce
) -> None:
    (page,) = pages(client, Flow.PRODUCTS)
    account = account_of(shop, "http://shop.example", weight_unit="kg")
    found: list[Any] = []
    for item in page.items:
        message = InboundMessage(
            source="poll", topic=item.topic, body=item.body, received_at=shop.clock.now()
        )
        found += webhook.normalize(message, account)

    variants = {v.sku: v for product in found for v in product.variants}
    assert {sku: v.is_shippable for sku, v in variants.items()} == {
        PRINT_A3: True,
        "MOEWE-A2": True,
        MUG: True,
        GUIDE: False,
    }
    assert variants[PRINT_A3].price == Money.of("29.90", "EUR")
    assert variants[MUG].weight_g == 350
    assert all(product.variants_complete for product in found)


def test_a_shop_has_no_other_flows(client: Client) -> None:
    with pytest.raises(ValueError, match="trackers"):
        client.pull(Flow.TRACKERS, cursor="", since=None, limit=10)
    with pytest.raises(ValueError, match="not a cursor"):
        client.pull(Flow.ORDERS, cursor="page=2", since=None, limit=10)
    with pytest.raises(ValueError, match="not an id"):
        client.fetch(Flow.ORDERS, "../users")


def test_the_shops_clock_is_its_own(client: Client, shop: WooCommerce) -> None:
    shop.clock.advance(timedelta(days=400))

    (page,) = pages(client)

    assert page.read_until == datetime(2027, 12, 26, 9, 30, tzinfo=UTC)
