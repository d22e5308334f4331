"""Deliveries of a real shop, and what must not be believed."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from entrepot.canon.catalog import ProductDeleted, ProductSnapshot
from entrepot.canon.messages import Flow, Hint, Ignored
from entrepot.canon.orders import Mode, OrderDeleted, OrderSnapshot
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import Refused, Verified, WebhookRequest
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.tests.goldens import ACCOUNT, DELIVERIES, RECEIVED_AT

SECRET = "capture-secret"
SECRETS = Secrets(signing=(SECRET,))


def delivery(name: str, **headers: str | None) -> WebhookRequest:
    """A recorded delivery, some headers changed or (None) left out."""
    recorded = json.loads((DELIVERIES / f"{name}.headers.json").read_text())
    lower = {key.lower(): value for key, value in recorded.items()}
    changed = {key.replace("_", "-"): value for key, value in headers.items()}
    kept = {key: value for key, value in {**lower, **changed}.items() if value is not None}
    return WebhookRequest(body=(DELIVERIES / f"{name}.body").read_bytes(), headers=kept)


def verified(request: WebhookRequest, secrets: Secrets = SECRETS) -> Verified:
    return webhook.verify(request, secrets, now=RECEIVED_AT)


def refusal(request: WebhookRequest, secrets: Secrets = SECRETS) -> str:
    with pytest.raises(Refused) as caught:
        verified(request, secrets)
    return caught.value.check


def arrived(topic: str, body: bytes) -> InboundMessage:
    return InboundMessage(source="webhook", topic=topic, body=body, received_at=RECEIVED_AT)


def test_recorded_deliveries_are_believed() -> None:
    found = verified(delivery("delivery_05_order.created"))

    assert found.topic == "order.created"
    assert not found.is_ping
    assert not found.is_hint


def test_the_signature_is_what_the_documentation_shows() -> None:
    body = b'{"id":727,"status":"processing"}'
    signature = base64.b64encode(hmac.new(b"hush", body, hashlib.sha256).digest()).decode()
    assert signature == "DkJk28ACMmaOydZN/qb9DMf3KPqA7AxLpZwvBwauyog="

    request = WebhookRequest(
        body=body,
        headers={"x-wc-webhook-signature": signature, "x-wc-webhook-topic": "order.updated"},
    )

    assert verified(request, Secrets(signing=("hush",))).topic == "order.updated"


def test_a_secret_that_rotates_out_still_verifies() -> None:
    secrets = Secrets(signing=("the-new-one", SECRET))

    assert verified(delivery("delivery_08_product.updated"), secrets).topic == "product.updated"


def test_the_unsigned_ping_is_a_ping_and_nothing_else() -> None:
    assert verified(delivery("delivery_00_ping"), Secrets()).is_ping
    with_topic = delivery("delivery_00_ping", x_wc_webhook_topic="order.created")
    assert refusal(with_topic) == "signature_missing"
    longer = WebhookRequest(body=b"webhook_id=4&order=1", headers={})
    assert refusal(longer) == "signature_missing"


@pytest.mark.parametrize(
    ("_case", "signature", "check"),
    [
        ("none", None, "signature_missing"),
        ("another's", base64.b64encode(b"x" * 32).decode(), "signature_mismatch"),
        ("not base64", "%%%", "signature_malformed"),
        ("too short", base64.b64encode(b"x" * 20).decode(), "signature_malformed"),
        ("not ASCII", "möwe", "signature_malformed"),
    ],
)
def test_a_delivery_without_our_signature_is_refused(
    _case: str, signature: str | None, check: str
) -> None:
    request = delivery("delivery_05_order.created", x_wc_webhook_signature=signature)

    assert refusal(request) == check


def test_a_changed_byte_is_refused() -> None:
    request = delivery("delivery_16_order.deleted")
    changed = WebhookRequest(body=b'{"id":314}', headers=request.headers)

    assert refusal(changed) == "signature_mismatch"


def test_without_a_secret_nothing_is_believed_and_the_reason_is_told() -> None:
    assert refusal(delivery("delivery_05_order.created"), Secrets()) == "secret_missing"


def test_deliveries_that_share_an_id_are_told_apart_by_their_bodies() -> None:
    """Recorded: two different products, one second, one X-WC-Webhook-Delivery-ID."""
    first, second = delivery("delivery_07_product.updated"), delivery("delivery_08_product.updated")
    assert first.headers[webhook.DELIVERY] == second.headers[webhook.DELIVERY]

    assert verified(first).dedupe_key != verified(second).dedupe_key
    assert verified(first).dedupe_key == verified(first).dedupe_key


def test_a_deleted_order_is_named_by_its_id_alone() -> None:
    body = delivery("delivery_16_order.deleted").body

    assert webhook.normalize(arrived("order.deleted", body), ACCOUNT) == (
        OrderDeleted(external_id="313"),
    )


def test_a_whole_order_under_the_deleted_topic_is_read_again_instead() -> None:
    """The topic's header is not signed, so an old order's bytes can be sent again as deleted."""
    body = delivery("delivery_05_order.created").body

    assert webhook.normalize(arrived("order.deleted", body), ACCOUNT) == (
        Hint(flow=Flow.ORDERS, external_id="310"),
    )


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_orders_come_whole(topic: str) -> None:
    found = webhook.normalize(arrived(topic, delivery("delivery_05_order.created").body), ACCOUNT)

    assert isinstance(found[0], OrderSnapshot)
    assert found[0].number == "310"


def test_a_variation_that_comes_alone_makes_its_product_be_read() -> None:
    body = delivery("delivery_07_product.updated").body

    assert webhook.normalize(arrived("product.updated", body), ACCOUNT) == (
        Hint(flow=Flow.PRODUCTS, external_id="304"),
    )


def test_a_product_without_a_known_currency_is_read_again() -> None:
    body = delivery("delivery_08_product.updated").body
    nobody_knows = Account(mode=Mode.LIVE, settings={})

    assert webhook.normalize(arrived("product.updated", body), nobody_knows) == (
        Hint(flow=Flow.PRODUCTS, external_id="308"),
    )
    (product,) = webhook.normalize(arrived("product.updated", body), ACCOUNT)
    assert isinstance(product, ProductSnapshot)
    assert product.variants[0].is_shippable is True
    assert product.variants[0].weight_g == 350


def test_a_deleted_product_is_named() -> None:
    assert webhook.normalize(arrived("product.deleted", b'{"id":308}'), ACCOUNT) == (
        ProductDeleted(external_id="308"),
    )


@pytest.mark.parametrize(
    "topic", ["customer.created", "coupon.updated", "action.woocommerce_add_to_cart", ""]
)
def test_other_topics_are_understood_and_of_no_consequence(topic: str) -> None:
    (found,) = webhook.normalize(arrived(topic, b'{"id":1}'), ACCOUNT)

    assert isinstance(found, Ignored)


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing", b""),
        ("no JSON", b"<html>"),
        ("half a body", b'{"id":310,"status":"proc'),
        ("a list", b"[1]"),
        ("not UTF-8", b'{"id":"\xff"}'),
        ("deeper than any order", b"[" * 100_000),
    ],
)
def test_a_body_that_is_no_order_is_refused_with_a_reason(_case: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"body"):
        webhook.normalize(arrived("order.updated", body), ACCOUNT)


def test_webhooks_and_polls_end_in_the_same_order() -> None:
    body: dict[str, Any] = json.loads(delivery("delivery_05_order.created").body)
    raw = json.dumps({**body, "refunds": []}).encode()
    polled = InboundMessage(source="poll", topic="orders", body=raw, received_at=RECEIVED_AT)

    assert webhook.normalize(polled, ACCOUNT) == webhook.normalize(
        arrived("order.updated", raw), ACCOUNT
    )
