"""The simulated shop's answers beside a real one's: same fields, types and refusals."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as Signer

from entrepot.connect.http import Answer, Http
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3, WooCommerce
from entrepot.connectors.woocommerce.tests.conftest import HOOK_URL, like_the_recorded_one
from entrepot.connectors.woocommerce.tests.goldens import ANSWERS, FIXTURES
from entrepot.connectors.woocommerce.tests.shapes import differences, shape_of


def recorded(name: str) -> Any:
    path = FIXTURES / f"{name}.json"
    return json.loads((path if path.exists() else ANSWERS / f"{name}.json").read_text())


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
        "POST",
        "/webhooks",
        json={"topic": "customer.created", "delivery_url": HOOK_URL, "secret": "s"},
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
