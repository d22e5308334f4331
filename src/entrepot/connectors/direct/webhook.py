"""Reads what the hub's own interface handed over. Nothing comes by webhook."""

from datetime import datetime

from entrepot.canon.messages import CanonicalItem
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.webhook import Refused, Verified, WebhookRequest
from entrepot.connectors.direct.mapping import to_order

ORDER = "order"


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:  # noqa: ARG001 -- as every platform's
    """Believe nobody: orders are handed over with an API key."""
    raise Refused("signature_missing", expected="an API key, at /api/v1/orders", seen="a webhook")


def normalize(message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:
    """Turn an order as the interface stored it into the canonical form.

    Raises:
        ValueError: it is not such an order; the message says what and where.
    """
    if message.topic != ORDER:
        raise ValueError(f"unknown topic {message.topic!r}: only {ORDER!r} is handed over")
    return (to_order(message.body, account, received_at=message.received_at),)
