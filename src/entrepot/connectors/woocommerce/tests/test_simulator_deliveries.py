"""The simulated shop's webhooks beside a real one's: when they come, how often, and saying what."""

import json
from typing import Any

from entrepot.canon.messages import Hint
from entrepot.canon.orders import OrderDeleted, OrderSnapshot
from entrepot.connect.ports import InboundMessage, Secrets
from entrepot.connect.simulator import Delivery
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.client import Client
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import (
    HOOK_URL,
    SECRET,
    START,
    like_the_recorded_one,
    sent,
    subscribed,
)
from entrepot.connectors.woocommerce.tests.goldens import ACCOUNT, DELIVERIES
from entrepot.connectors.woocommerce.tests.shapes import differences, shape_of


def understood(delivery: Delivery) -> Any:
    """A delivery through the connector's own eyes."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    request = WebhookRequest(body=delivery.body, headers=headers)
    found = webhook.verify(request, Secrets(signing=(SECRET,)), now=START)
    message = InboundMessage(
        source="webhook", topic=found.topic, body=delivery.body, received_at=START
    )
    return webhook.normalize(message, ACCOUNT)[0]


def test_a_new_webhook_is_pinged_unsigned_as_recorded(shop: WooCommerce) -> None:
    hook = shop.shop.register(
        name="", topic="order.created", url=HOOK_URL, secret=SECRET, status="active"
    )

    (ping,) = shop.due_deliveries()

    assert ping.body == f"webhook_id={hook.id}".encode()
    headers = json.loads((DELIVERIES / "delivery_00_ping.headers.json").read_text())
    assert ping.headers == {name: headers[name] for name in ("User-Agent", "Content-Type")}


def test_a_delivery_has_the_recorded_headers_and_a_body_as_php_writes_it(
    shop: WooCommerce,
) -> None:
    subscribed(shop, "order.created")
    like_the_recorded_one(shop)

    (delivery,) = sent(shop)

    name = "delivery_05_order.created"
    headers = json.loads((DELIVERIES / f"{name}.headers.json").read_text())
    made_on_the_way = {"Host", "Accept", "Accept-Encoding", "Connection", "Content-Length"}
    assert set(delivery.headers) == set(headers) - made_on_the_way
    body = (DELIVERIES / f"{name}.body").read_bytes()
    assert differences(shape_of(json.loads(delivery.body)), shape_of(json.loads(body))) == []
    assert delivery.body.isascii()
    assert b"https:\\/\\/moewe-prints.example" in delivery.body


def test_a_delivery_shows_the_order_as_it_is_when_it_is_sent(shop: WooCommerce) -> None:
    subscribed(shop, "order.created")
    order_id = shop.customer_orders((MUG, 3))
    shop.complete_by_hand(order_id)

    (delivery,) = sent(shop)

    assert json.loads(delivery.body)["status"] == "completed"


def test_quick_changes_share_one_update_which_comes_two_to_four_times(shop: WooCommerce) -> None:
    subscribed(shop, "order.updated")
    shop.faults.reseed(3)
    counts = set()
    for _ in range(30):
        order_id = shop.customer_orders((MUG, 2))
        shop.change_address(order_id, city="Aarau")
        shop.complete_by_hand(order_id)
        deliveries = sent(shop)
        counts.add(len(deliveries))
        assert {json.loads(delivery.body)["status"] for delivery in deliveries} == {"completed"}

    assert counts == {2, 3, 4}


def test_deletion_tells_only_the_id_and_restoring_the_whole_order(shop: WooCommerce) -> None:
    subscribed(shop, "order.deleted", "order.restored")
    order_id = shop.customer_orders((MUG, 2))
    shop.trash(order_id)
    (deleted,) = sent(shop)
    shop.restore(order_id)
    (restored,) = sent(shop)

    assert deleted.body == f'{{"id":{order_id}}}'.encode()
    assert understood(deleted) == OrderDeleted(external_id=str(order_id))
    assert isinstance(understood(restored), OrderSnapshot)


def test_a_sale_of_a_variation_sends_it_as_a_product_with_less_stock(shop: WooCommerce) -> None:
    subscribed(shop, "product.updated")
    shop.customer_orders((PRINT_A3, 3))

    (delivery,) = sent(shop)

    seen = json.loads(delivery.body)
    body = (DELIVERIES / "delivery_07_product.updated.body").read_bytes()
    assert differences(shape_of(seen), shape_of(json.loads(body))) == []
    assert (seen["type"], seen["stock_quantity"]) == ("variation", 3997)
    assert isinstance(understood(delivery), Hint)


def test_five_failures_in_a_row_disable_a_webhook_and_saving_it_active_heals_it(
    shop: WooCommerce, client: Client
) -> None:
    subscribed(shop, "order.created")
    (hook,) = shop.shop.hooks.registered.values()
    for status in (500, 404, 301, 0):
        shop.customer_orders((MUG, 2))
        (delivery,) = sent(shop)
        shop.delivered(delivery, status)
    assert hook.status == "active"
    shop.customer_orders((MUG, 2))
    (delivery,) = sent(shop)
    shop.delivered(delivery, 503)
    assert hook.status == "disabled"
    shop.customer_orders((MUG, 2))
    assert sent(shop) == []

    client.subscribe(url=HOOK_URL, secret=SECRET)
    shop.due_deliveries()
    shop.customer_orders((MUG, 2))

    assert "order.created" in {d.headers["X-WC-Webhook-Topic"] for d in sent(shop)}


def test_deliveries_of_one_second_share_their_id_as_recorded(shop: WooCommerce) -> None:
    subscribed(shop, "order.created")
    shop.customer_orders((MUG, 2))
    shop.customer_orders((MUG, 3))

    first, second = sent(shop)

    name = "X-WC-Webhook-Delivery-ID"
    assert first.headers[name] == second.headers[name]
    assert first.body != second.body
