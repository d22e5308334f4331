"""EasyPost's events: signed with HMAC-SHA256 over the raw body; pure.

Source: EasyPost API v2, "Webhooks", "Events", and `easypost.util.validate_webhook` of the official
client 10.7, read 2026-11. The signature has no timestamp: a repetition is stopped by the event id.
"""

import unicodedata
from datetime import datetime

from entrepot.canon.messages import CanonicalItem, Ignored
from entrepot.connect.ports import Account, InboundMessage, Secrets
from entrepot.connect.reading import Node, read_json
from entrepot.connect.webhook import (
    Refused,
    Verified,
    WebhookRequest,
    hmac_sha256_hex,
    matches_any,
)
from entrepot.connectors.easypost import mapping

SIGNATURE = "x-hmac-signature"
SCHEME = "hmac-sha256-hex="


def sign(secret: str, body: bytes) -> str:
    """The value of X-Hmac-Signature. The key is the secret in Unicode form NFKD."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return SCHEME + hmac_sha256_hex(key, body)


def verify(request: WebhookRequest, secrets: Secrets, *, now: datetime) -> Verified:  # noqa: ARG001 -- the port's
    """Authenticate an event by its signature, with any secret that is valid while one rotates.

    Raises:
        Refused: there is no secret, no signature, or none of the secrets made it.
    """
    if not secrets.signing:
        raise Refused("secret_missing", expected="a webhook secret on the connection")
    seen = request.headers.get(SIGNATURE, "").strip()
    if not seen:
        raise Refused("signature_missing", expected="the header X-Hmac-Signature")
    if not seen.startswith(SCHEME):
        raise Refused("signature_malformed", expected=f"{SCHEME}<64 hex digits>", seen=seen[:24])
    if not matches_any(seen, (sign(secret, request.body) for secret in secrets.signing)):
        raise Refused(
            "signature_mismatch",
            expected=f"{SCHEME}... by one of {len(secrets.signing)} secrets",
            seen=f"{seen[:24]}...",
        )
    try:
        event = read_json(request.body)
        return Verified(
            topic=event["description"].text_or_empty(),
            dedupe_key=event["id"].text_or_empty(),
            sent_at=_sent_at(event),
        )
    except ValueError:  # signed, so it is kept, and parked with what is wrong when it is read
        return Verified(topic="")


def normalize(message: InboundMessage, account: Account) -> tuple[CanonicalItem, ...]:
    """An event's tracker, or a polled tracker -> canonical.

    Raises:
        ValueError: with the path of the field that cannot be read.
    """
    body = read_json(message.body)
    if message.source != "webhook":
        return (mapping.to_tracker(body),)
    kind = body["description"].text()
    if not kind.startswith("tracker."):
        return (Ignored(reason=f"{kind}: not about a tracker"),)
    mode = mapping.mode_of(body)
    if mode is not None and mode is not account.mode:
        return (Ignored(reason=f"a {mode.value} event at a {account.mode.value} connection"),)
    told_at = _sent_at(body) or message.received_at
    return (mapping.to_tracker(body["result"], told_at=told_at),)


def _sent_at(event: Node) -> datetime | None:
    try:
        return event["created_at"].instant_or_none()
    except ValueError:
        return None
