"""Webhooks: what a connector is given, and what verification answers."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# Which of the possible causes made a signature fail; shown to operators, never the secret.
RefusalCheck = Literal[
    "signature_missing",
    "signature_malformed",
    "signature_mismatch",
    "timestamp_missing",
    "timestamp_stale",
    "secret_missing",
    "token_mismatch",
    "body_malformed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A request as it came: raw body, header names in lower case, the rest of the path, the query.

    `suffix` is what follows /hooks/<connection> in the path, without the leading slash.
    """

    body: bytes
    headers: Mapping[str, str]
    suffix: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The sender proved who it is, or the message is one that proves nothing and says so.

    `dedupe_key` names the delivery at its source (delivery or event id), or is empty: then the
    hash of the body serves. `topic` is the platform's own word. `is_hint` marks a message that is
    believed only after a re-read. `is_ping` marks one that needs no record beyond an answer.
    """

    topic: str
    dedupe_key: str = ""
    is_hint: bool = False
    is_ping: bool = False
    sent_at: datetime | None = None


class Refused(Exception):
    """The message is not believed.

    `check` says which test failed; `expected` and `seen` are safe
    to show to an operator and never contain a secret.
    """

    def __init__(self, check: RefusalCheck, *, expected: str = "", seen: str = "") -> None:
        super().__init__(f"{check}: expected {expected or 'nothing'}, saw {seen or 'nothing'}")
        self.check = check
        self.expected = expected
        self.seen = seen


def hmac_sha256_hex(key: bytes, message: bytes) -> str:
    """Lower-case hex HMAC-SHA256."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def hmac_sha256_base64(key: bytes, message: bytes) -> str:
    """Standard base64 HMAC-SHA256."""
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def matches_any(seen: str, expected: Iterable[str]) -> bool:
    """Compare in constant time with each candidate; several are valid while a secret rotates."""
    seen_bytes = seen.encode("utf-8", "replace")
    found = False
    for candidate in expected:
        found |= hmac.compare_digest(seen_bytes, candidate.encode())
    return found
