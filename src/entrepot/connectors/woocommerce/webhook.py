"""WooCommerce webhooks: base64 HMAC-SHA256 over the raw body. Pure.

Source: WooCommerce REST API v3, "Webhooks"; our own recordings of WooCommerce 11.0.1, 2026-11.

`X-WC-Webhook-Delivery-ID` is a hash of the webhook's id and the second, so two different bodies
sent in the same second carry the same one (in our recordings they do): the body belongs to the
dedupe key. The topic stands in a header that the signature does not cover.
"""

import base64
import binascii
import hashlib
import re
from datetime import datetime

from entrepot.canon.catalog import ProductDeleted
from entrepot.canon.messages import CanonicalItem, Flow, Hint, Ignored
from entrepot.canon.orders import OrderDeleted, OrderSnapshot
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import (
    Refused,
    Verified,
    WebhookRequest,
    hmac_sha256_base64,
    matches_any,
)
from entrepot.connectors.woocommerce import mapping, payments, products
from entrepot.connectors.woocommerce.fields import Fields, decoded

SIGNATURE = "x-wc-webhook-signature"
TOPIC = "x-wc-webhook-topic"
DELIVERY = "x-wc-webhook-delivery-id"
SHA256_BYTES = 32
_PING = re.compile(rb"webhook_id=\d{1,20}")
_TOPIC = re.compile(r"[a-z_]+\.[A-Za-z0-9_.-]{1,200}")


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:  # noqa: ARG001 -- the port fixes it; a delivery has no time
    """Authenticate a delivery. The ping that follows a webhook's creation is unsigned and says so.

    Raises:
        Refused: no or another signature, or no secret to compare with.
    """
    signature = request.headers.get(SIGNATURE, "")
    topic = request.headers.get(TOPIC, "")
    if not signature and not topic and _PING.fullmatch(request.body):
        return Verified(topic="ping", is_ping=True)
    if not signature:
        raise Refused("signature_missing", expected=f"header {SIGNATURE}")
    try:
        is_digest = len(base64.b64decode(signature, validate=True)) == SHA256_BYTES
    except (binascii.Error, ValueError):
        is_digest = False
    if not is_digest:
        raise Refused("signature_malformed", expected="base64 of 32 bytes", seen=signature[:64])
    if not secrets.signing:
        raise Refused("secret_missing", expected="a webhook secret of this connection")
    expected = [hmac_sha256_base64(secret.encode(), request.body) for secret in secrets.signing]
    if not matches_any(signature, expected):
        raise Refused("signature_mismatch", expected="HMAC-SHA256 of the body", seen=signature)
    delivery = request.headers.get(DELIVERY, "")
    digest = hashlib.sha256(request.body).hexdigest()
    return Verified(
        topic=topic if _TOPIC.fullmatch(topic) else "",
        dedupe_key=f"{topic}:{delivery}:{digest[:32]}" if delivery else "",
    )


def normalize(message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:
    """Turn a delivery or a polled body into canonical values.

    Raises:
        ValueError: what is wrong, and the path of the field.
    """
    resource, _, event = message.topic.partition(".")
    is_read_by_us = message.source != "webhook"
    match resource, event:
        case ("order", "deleted"):
            return _deleted_order(decoded(message.body))
        case ("product", "deleted"):
            body = decoded(message.body)
            return (ProductDeleted(external_id=body.identifier("id", required=True)),)
        case ("order", "created" | "updated" | "restored") | ("orders", ""):
            return _order(decoded(message.body), account, is_read_by_us=is_read_by_us)
        case ("product", "created" | "updated" | "restored") | ("products", ""):
            body = decoded(message.body)
            return products.to_product(body, account, version=mapping.version_of(body))
        case _:
            return (Ignored(reason=f"topic {message.topic or '(none)'} is not one of ours"),)


def _order(body: Fields, account: Account, *, is_read_by_us: bool) -> tuple[CanonicalItem, ...]:
    again = Hint(flow=Flow.ORDERS, external_id=body.identifier("id", required=True))
    if not is_read_by_us and mapping.is_still_being_written(body):
        return (again,)
    order = mapping.to_order(body, account)
    is_whole = is_read_by_us or payments.refunds_are_whole(body)
    if isinstance(order, OrderSnapshot) and not is_whole:
        # The order names its refunds without their lines: those are read from the shop.
        return (order, again)
    return (order,)


def _deleted_order(body: Fields) -> tuple[CanonicalItem, ...]:
    """Only the id is sent. A whole order under this topic is not what the shop sends: read it."""
    external_id = body.identifier("id", required=True)
    if set(body.value) != {"id"}:
        return (Hint(flow=Flow.ORDERS, external_id=external_id),)
    return (OrderDeleted(external_id=external_id),)
