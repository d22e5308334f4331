"""Stripe's events: signed webhooks, and the same events when they are polled; pure.

Source: "Receive Stripe events in your webhook endpoint" and "Resolve webhook signature
verification errors", read 2026-11; the scheme is also that of Stripe's own clients.

An event shows the object as it was when the event was made, in the version of the endpoint, or for
a polled event in the account's version at that time. Whatever is not whole in it, or cannot be read
in that version, becomes a hint: the object is read again, in our version.
"""

from datetime import UTC, datetime, timedelta

from entrepot.canon.messages import CanonicalItem, Flow, Hint, Ignored
from entrepot.canon.orders import Mode
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.reading import Node, read_json
from entrepot.connect.webhook import (
    Refused,
    Verified,
    WebhookRequest,
    hmac_sha256_hex,
    matches_any,
)
from entrepot.connectors.stripe import mapping, orders
from entrepot.connectors.stripe.fields import API_VERSION, flag, instant

TOLERANCE = timedelta(seconds=300)

# What the hub registers for. Twenty, because a poll of events may name no more.
TOPICS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",  # typos: meant
    "charge.succeeded",  # for charges without a payment intent
    "charge.captured",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "review.opened",
    "review.closed",
)


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:
    """Accept a body that is signed with one of the connection's secrets within the last 300 s.

    The signed text is "<t>.<raw body>", the key the whole secret with its `whsec_`. Several `v1`
    stand in the header while a secret is being rolled; any of them may match. `v0` is ignored. As
    in Stripe's own clients, an instant ahead of ours is believed, since it is signed.

    Raises:
        Refused: not signed, wrongly signed, or too old.
    """
    header = request.headers.get("stripe-signature", "")
    if not header:
        raise Refused("signature_missing", expected="a Stripe-Signature header")
    signing = [secret for secret in secrets.signing if secret]
    if not signing:
        raise Refused("secret_missing", expected="the endpoint's whsec_ secret in the connection")
    seconds, signatures = _signatures(header)
    signed = b"%d." % seconds + request.body
    expected = [hmac_sha256_hex(secret.encode(), signed) for secret in signing]
    if not any(matches_any(signature, expected) for signature in signatures):
        raise Refused(
            "signature_mismatch",
            expected=f"an HMAC of the raw body under one of {len(signing)} secrets",
            seen=f"{len(signatures)} other signatures",
        )
    sent_at = datetime.fromtimestamp(seconds, UTC)
    if sent_at < now - TOLERANCE:
        raise Refused(
            "timestamp_stale",
            expected=f"signed after {(now - TOLERANCE).isoformat()}",
            seen=sent_at.isoformat(),
        )
    try:
        event = read_json(request.body)
        topic, event_id = event["type"].text_or_empty(), event["id"].text_or_empty()
    except ValueError:
        topic = event_id = ""  # signed, so it is kept; normalize says what is wrong with it
    return Verified(topic=topic, dedupe_key=event_id, sent_at=sent_at)


def normalize(message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:
    """Turn an event, or an object that was read again, into facts, checkout news and hints.

    Raises:
        ValueError: with the path of the field that cannot be read, or for the other mode.
    """
    body = read_json(message.body)
    kind = body["object"].text()
    if not body["livemode"].is_null:
        _refuse_other_mode(body, account.mode)
    match kind:
        case "event":
            return (_of_event(body),)
        case "checkout.session":
            return orders.of_session(body)
        case "payment_intent" | "charge":
            return mapping.of_payment(body)
        case "refund":
            return (mapping.of_refund(body, at=None),)
        case "dispute":
            return (mapping.of_dispute(body, at=None),)
        case _ if kind.startswith("v2."):
            return (Ignored(reason=f"{kind}: a thin event, which tells nothing by itself"),)
        case _:
            raise ValueError(f"object: {kind!r} is no event and nothing that the hub reads again")


def _of_event(event: Node) -> CanonicalItem:
    topic = event["type"].text()
    try:
        return _of_object(topic, event["data"]["object"], at=instant(event["created"]))
    except ValueError:
        if event["api_version"].value == API_VERSION:
            raise
        thing = event["data"]["object"]
        return mapping.to_payment_hint(thing)


def _of_object(topic: str, thing: Node, *, at: datetime) -> CanonicalItem:
    area, _, news = topic.rpartition(".")
    match area:
        case "checkout.session":
            return Hint(flow=Flow.CHECKOUTS, external_id=thing["id"].text())
        case "payment_intent":
            return mapping.of_intent(thing, at=at)
        case "charge" if news == "refunded":
            if not flag(thing["captured"]):
                return mapping.of_charge(thing, at=at, is_expired=True)
            return mapping.to_payment_hint(thing)  # it names a sum, not the refund
        case "charge":
            return mapping.of_charge(thing, at=at, is_expired=news == "expired")
        case "refund" | "charge.refund":
            return mapping.of_refund(thing, at=at)
        case "charge.dispute":
            return mapping.of_dispute(thing, at=at)
        case "review":
            return mapping.to_payment_hint(thing)  # it names no amount
        case _:
            return Ignored(reason=f"{topic}: not about a payment")


def _signatures(header: str) -> tuple[int, list[str]]:
    """Read "t=…,v1=…,v1=…"; unknown schemes are left out."""
    parts = [part.partition("=")[::2] for part in header.split(",")]
    times = [value.strip() for name, value in parts if name.strip() == "t"]
    signatures = [value.strip() for name, value in parts if name.strip() == "v1"]
    if not times:
        raise Refused("timestamp_missing", expected="t=<seconds> in Stripe-Signature")
    # Twelve digits reach past the year 30000: enough for a clock, too few for an overflow.
    if not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        raise Refused("signature_malformed", expected="t=<seconds>", seen="no whole number")
    if not signatures:
        raise Refused("signature_malformed", expected="a v1 signature", seen="none")
    return int(times[0]), signatures


def _refuse_other_mode(body: Node, mode: Mode) -> None:
    is_live = flag(body["livemode"])
    if is_live != (mode is Mode.LIVE):
        said = "live" if is_live else "test"
        raise ValueError(f"livemode: a {said} object at a connection in {mode.value} mode")
