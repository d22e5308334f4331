"""Prodigi's callbacks: CloudEvents without a signature; pure.

Source: Prodigi Print API reference v4.0, "Callbacks", read 2026-11. Nothing in a callback can be
believed: it says only which order to read again. What authenticates it is the unguessable token in
its address; a rotated token stays among `Secrets.signing`, because orders that were submitted
earlier keep the address that they were given.
"""

import re
from datetime import datetime

from entrepot.canon.messages import CanonicalItem, Flow, Hint, Ignored
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.reading import Node, read_json
from entrepot.connect.webhook import Refused, Verified, WebhookRequest, matches_any
from entrepot.connectors.prodigi import mapping

ORDER_EVENTS = "com.prodigi.order."
# An id becomes a part of an address that we ask with our key, and anybody may send a callback.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:  # noqa: ARG001 -- the port's
    """Accept a callback as a hint if its address carries a known token.

    With no token to compare (the documented address without one) anything that looks like a
    callback is a hint; its event id is not trusted to name it, so that a forged one cannot
    make the true one look like a repetition.

    Raises:
        Refused: the token is another, or an unauthenticated body is no callback.
    """
    tokens = tuple(token for token in (secrets.path_token, *secrets.signing) if token)
    if tokens:
        seen = request.suffix.strip("/") or request.query.get("token", "")
        if not matches_any(seen, tokens):
            raise Refused(
                "token_mismatch",
                expected="the token of this connection in the address",
                seen="another one" if seen else "none",
            )
    try:
        event = read_json(request.body)
        topic, event_id = event["type"].text(), event["id"].text_or_empty()
        if not tokens and topic.startswith(ORDER_EVENTS):
            _order_id(event)
    except ValueError as error:
        if tokens:
            return Verified(topic="", is_hint=True)
        raise Refused("body_malformed", expected="a CloudEvent", seen=str(error)) from None
    return Verified(
        topic=topic,
        dedupe_key=event_id if tokens else "",
        is_hint=True,
        sent_at=_sent_at(event),
    )


def normalize(message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:  # noqa: ARG001 -- the port's
    """A callback -> the order to read again; a polled order -> the order itself.

    Raises:
        ValueError: with the path of the field that cannot be read.
    """
    body = read_json(message.body)
    if message.source != "webhook":
        return (mapping.to_provider_order(body),)
    kind = body["type"].text()
    if not kind.startswith(ORDER_EVENTS):
        return (Ignored(reason=f"{kind}: not about an order"),)
    return (Hint(flow=Flow.FULFILLMENTS, external_id=_order_id(body)),)


def _order_id(event: Node) -> str:
    """The order's id: in `subject`; else in `data.order`, or in `data`, as the samples differ."""
    data = event["data"]
    order = data["order"] if not data["order"].is_null else data
    found = event["subject"].text_or_empty() or order["id"].text()
    if not _ID.fullmatch(found):
        raise ValueError(f"{found[:40]!r} is no id of an order")
    return found


def _sent_at(event: Node) -> datetime | None:
    try:
        return event["time"].instant_or_none()
    except ValueError:
        return None
