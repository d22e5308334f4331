"""The simulated shop beside the recorded one: same fields, same types, same habits."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as Signer

from entrepot.canon.messages import Hint
from entrepot.canon.orders import OrderDeleted, OrderSnapshot
from entrepot.connect.http import Answer, Http
from entrepot.connect.ports import InboundMessage, Secrets
from entrepot.connect.simulator import Clock, Delivery
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.books import Buyer, ShopOptions
from entrepot.connectors.woocommerce.client import Client
from entrepot.connectors.woocommerce.pricing import CartLine
from entrepot.connectors.woocommerce.simulator import (
    CATALOG,
    GUIDE,
    MUG,
    PRINT_A3,
    WooCommerce,
    build,
)
from entrepot.connectors.woocommerce.tests.conftest import START
from entrepot.connectors.woocommerce.tests.goldens import ACCOUNT, ANSWERS, DELIVERIES, FIXTURES

SECRET = "hush"
URL = "https://hub.example/hooks/woo-7"
MINUTE = timedelta(minutes=1)


def shape_of(value: Any) -> Any:
    """Keys and types, with every element of a list laid over the others."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value]
    return "number" if type(value) in {int, float, Decimal} else type(value).__name__


def differences(seen: Any, recorded: Any, path: str = "") -> list[str]:
    """Where two shapes differ; null fits every type, and an empty list every list."""
    if "NoneType" in (seen, recorded):
        return []
    if isinstance(seen, dict) and isinstance(recorded, dict):
        found = [f"{path}: has {name}" for name in sorted(seen.keys() - recorded.keys())]
        found += [f"{path}: lacks {name}" for name in sorted(recorded.keys() - seen.keys())]
        for name in seen.keys() & recorded.keys():
            found += differences(seen[name], recorded[name], f"{path}.{name}")
        return found
    if isinstance(seen, list) and isinstance(recorded, list):
        found = []
        for index, (one, other) in enumerate(zip(seen, recorded, strict=False)):
            found += differences(one, other, f"{path}[{index}]")
        return found
    return [] if seen == recorded else [f"{path}: {seen} instead of {recorded}"]


def recorded(name: str) -> Any:
    path = FIXTURES / f"{name}.json"
    return json.loads((path if path.exists() else ANSWERS / f"{name}.json").read_text())


def like_the_recorded_one(shop: WooCommerce) -> int:
    """The recorded order again: coupon, fee, a personalised line, a virtual line."""
    return shop.customer_orders(
        (PRINT_A3, 2),
        CartLine(sku=MUG, quantity=3, properties=(("Engraving", "Für Oma"),)),
        (GUIDE, 1),
        coupon=("herbst", 10),
        fees=[("Gift wrap", "2.00")],
        note="Bitte nicht knicken",
    )


@pytest.fixture
def call(shop: WooCommerce, address: str) -> Callable[..., Answer]:
    """Call the shop with its key in the query, as over TLS."""
    http = Http(f"{address}/wp-json/wc/v3")

    def asked(method: str, path: str, *, is_signed: bool = True, **options: Any) -> Answer:
        key = {
            "consumer_key": shop.options.consumer_key,
            "consumer_secret": shop.options.consumer_secret,
        }
        params = {**(key if is_signed else {}), **options.pop("params", {})}
        every = frozenset(range(400, 600))
        return http.request(method, path, params=params, allow=every, **options)

    return asked


def subscribed(shop: WooCommerce, *topics: str) -> None:
    for topic in topics:
        shop.shop.register(name="", topic=topic, url=URL, secret=SECRET, status="active")
    shop.due_deliveries()  # the pings


def sent(shop: WooCommerce, *, after: timedelta = MINUTE) -> list[Delivery]:
    """What the shop sends within a while."""
    shop.clock.advance(after)
    return shop.due_deliveries()


def understood(delivery: Delivery) -> Any:
    """A delivery through the connector's own eyes."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    request = WebhookRequest(body=delivery.body, headers=headers)
    found = webhook.verify(request, Secrets(signing=(SECRET,)), now=START)
    message = InboundMessage(
        source="webhook", topic=found.topic, body=delivery.body, received_at=START
    )
    return webhook.normalize(message, ACCOUNT)[0]


# --- what it shows ---------------------------------------------------------------------------


def test_an_order_has_the_recorded_fields_and_types(
    shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    order_id = like_the_recorded_one(shop)

    seen = json.loads(call("GET", f"/orders/{order_id}").content)

    wanted = recorded("order_paid_coupon_fee_tax_included")
    assert differences(shape_of(seen), shape_of(wanted)) == []
    assert list(seen) == list(wanted)


def test_a_completed_and_refunded_order_has_the_recorded_fields_and_types(
    shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    order_id = like_the_recorded_one(shop)
    sale = shop.shop.sales[order_id]
    line_id = sale.lines[1]["id"]
    shop.refund(order_id, "14.50", units=[(line_id, 1)], reason="Chipped mug")
    entry = {"tracking_provider": "DHL", "tracking_number": "00340", "date_shipped": "1795219200"}
    shop.shop.set_meta(sale, "_wc_shipment_tracking_items", [entry])
    shop.complete_by_hand(order_id)

    seen = json.loads(call("GET", f"/orders/{order_id}").content)

    assert differences(shape_of(seen), shape_of(recorded("order_completed"))) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("product_simple", "/products/{simple}"),
        ("product_variable", "/products/{variable}"),
        ("product_variation", "/products/{variable}/variations/{variation}"),
    ],
)
def test_a_product_has_the_recorded_fields_and_types(
    name: str, path: str, shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    variation = shop.shop.catalog.item_of(PRINT_A3)
    filled = path.format(
        simple=shop.shop.catalog.item_of(MUG).id,
        variable=variation.parent_id,
        variation=variation.id,
    )

    seen = json.loads(call("GET", filled).content)

    assert differences(shape_of(seen), shape_of(recorded(name))) == []
    assert set(seen) == set(recorded(name))


def test_a_refund_a_note_and_a_webhook_have_the_recorded_fields_and_types(
    shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    order_id = like_the_recorded_one(shop)
    line_id = shop.shop.sales[order_id].lines[1]["id"]
    body = {
        "amount": "17.26",
        "reason": "Chipped mug",
        "line_items": [{"id": line_id, "quantity": 1}],
        "api_refund": False,
    }
    refund = call("POST", f"/orders/{order_id}/refunds", json=body)
    note = call("POST", f"/orders/{order_id}/notes", json={"note": "Shipped"})
    hook = call(
        "POST", "/webhooks", json={"topic": "customer.created", "delivery_url": URL, "secret": "s"}
    )

    assert (refund.status_code, note.status_code, hook.status_code) == (201, 201, 201)
    for answer, name in (
        (refund, "refund_partial_with_line"),
        (note, "note_private"),
        (hook, "webhook_resource"),
    ):
        assert differences(shape_of(json.loads(answer.content)), shape_of(recorded(name))) == []
    line = json.loads(refund.content)["line_items"][0]
    assert line["quantity"] == -1
    assert line["meta_data"][0]["key"] == "_refunded_item_id"


@pytest.mark.parametrize(
    ("name", "path", "params"),
    [
        ("error_unknown_order", "/orders/999999", {}),
        ("error_bad_param", "/orders", {"per_page": "500"}),
        ("error_unauthorized", "/orders", {"consumer_key": "ck_x"}),
    ],
)
def test_errors_are_the_recorded_ones_word_for_word(
    name: str, path: str, params: dict[str, str], call: Callable[..., Answer]
) -> None:
    answer = call("GET", path, params=params)

    wanted = recorded(name)
    assert (answer.status_code, json.loads(answer.content)) == (wanted["status"], wanted["body"])


def test_a_page_has_the_recorded_headers(shop: WooCommerce, call: Callable[..., Answer]) -> None:
    shop.place_history(291, days=20)

    answer = call("GET", "/orders", params={"per_page": 2, "orderby": "modified", "order": "asc"})

    for name, value in recorded("list_page_headers")["headers"].items():
        if name != "Link":
            assert answer.headers[name] == value
    assert answer.headers["Link"].startswith(f"<{shop.options.site_url}/wp-json/wc/v3/orders?")
    assert answer.headers["Link"].endswith('&page=2>; rel="next"')


def test_site_time_is_not_utc(shop: WooCommerce, call: Callable[..., Answer]) -> None:
    order_id = shop.customer_orders((MUG, 2))

    seen = json.loads(call("GET", f"/orders/{order_id}").content)
    found = [
        len(json.loads(call("GET", "/orders", params=params).content))
        for params in (
            {"modified_after": "2026-11-21T09:29:59", "dates_are_gmt": "true"},
            {"modified_after": "2026-11-21T09:30:00", "dates_are_gmt": "true"},
            {"modified_after": "2026-11-21T10:29:59"},
            {"modified_after": "2026-11-21T10:30:00"},
        )
    ]

    assert (seen["date_created"], seen["date_created_gmt"]) == (
        "2026-11-21T10:30:00",
        "2026-11-21T09:30:00",
    )
    assert found == [1, 0, 1, 0]


# --- who may call ----------------------------------------------------------------------------


def test_a_visitor_sees_nothing(call: Callable[..., Answer]) -> None:
    answer = call("GET", "/orders", is_signed=False)

    assert answer.status_code == 401
    assert json.loads(answer.content)["code"] == "woocommerce_rest_cannot_view"


def test_a_signature_counts_once_and_for_its_own_query_only(
    shop: WooCommerce, address: str
) -> None:
    signer = Signer(
        shop.options.consumer_key,
        client_secret=shop.options.consumer_secret,
        signature_method=SIGNATURE_HMAC_SHA1,
        signature_type=SIGNATURE_TYPE_QUERY,
    )
    signed, _, _ = signer.sign(f"{address}/wp-json/wc/v3/orders?search=M%C3%B6we%20%26%20Co")
    http = Http(address)
    every = frozenset({401})

    first = http.get(signed, allow=every)
    again = http.get(signed, allow=every)
    other = http.get(signed.replace("M%C3%B6we", "Ente"), allow=every)

    assert (first.status_code, again.status_code, other.status_code) == (200, 401, 401)
    assert "nonce" in json.loads(again.content)["message"]
    assert "does not match" in json.loads(other.content)["message"]


def test_without_tls_basic_credentials_are_not_looked_at(
    shop: WooCommerce, call: Callable[..., Answer]
) -> None:
    assert call("GET", "/orders").status_code == 200

    shop.options.site_url = "http://moewe-prints.example"

    assert call("GET", "/orders").status_code == 401


# --- webhooks --------------------------------------------------------------------------------


def test_a_new_webhook_is_pinged_unsigned_as_recorded(shop: WooCommerce) -> None:
    hook = shop.shop.register(
        name="", topic="order.created", url=URL, secret=SECRET, status="active"
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


def test_a_cancelled_order_gives_its_stock_back(shop: WooCommerce) -> None:
    order_id = shop.customer_orders((MUG, 7))
    assert shop.shop.catalog.item_of(MUG).stock == 5993

    shop.cancel(order_id)
    shop.cancel(order_id)

    assert shop.shop.catalog.item_of(MUG).stock == 6000


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

    client.subscribe(url=URL, secret=SECRET)
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


# --- its life --------------------------------------------------------------------------------


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
