"""Whether a delivery is believed, and for which connection."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from entrepot.connect.ports import Secrets, WebhookModule
from entrepot.connect.registry import platform
from entrepot.connect.webhook import Refused, Verified, WebhookRequest
from entrepot.connections.queries import MOST_FOR_ALIAS, Receiving

TOKEN_FIELD = "token"  # noqa: S105 -- a name, not a secret


class Ambiguous(Exception):
    """A documented address was used, and it does not say which connection is meant."""


class Disbelieved(Exception):
    """Nobody's secrets verify it. `receiving` is whose it was meant to be, where that is known."""

    def __init__(self, refused: Refused, receiving: Receiving | None) -> None:
        super().__init__(str(refused))
        self.refused = refused
        self.receiving = receiving


@dataclass(frozen=True, slots=True)
class Believed:
    """A delivery, whose it is, and what its verification said.

    `is_proved` is False where neither a signature nor a token in the address vouches for it.
    """

    receiving: Receiving
    verified: Verified
    is_proved: bool = True


def verify_for(
    receiving: Receiving, request: WebhookRequest, *, token: str, now: datetime
) -> Believed:
    """Verify a delivery to a connection's own address; `token` is the one in that address.

    For a platform that signs nothing the address is the proof, so its token stands in for one
    that the platform would append.

    Raises:
        Disbelieved: the connector refused it.
    """
    if not receiving.signs:
        request = replace(
            request,
            suffix=request.suffix or token,
            query={TOKEN_FIELD: token, **request.query},
        )
    return Believed(receiving, _verified(receiving, request, receiving.secrets, now=now))


def verify_for_one(
    candidates: Sequence[Receiving], request: WebhookRequest, *, now: datetime
) -> Believed:
    """Verify a delivery to a documented address: exactly one connection's secrets must fit.

    Where the platform signs nothing and the address carries no token, the body is a hint and no
    more, and only a single connection can be meant.

    Raises:
        Ambiguous: several fit, or there are too many to try.
        Disbelieved: none fits.
    """
    if len(candidates) > MOST_FOR_ALIAS:
        raise Ambiguous
    believed: list[Believed] = []
    refusals: list[Disbelieved] = []
    carries_token = bool(request.query.get(TOKEN_FIELD))
    for candidate in candidates:
        is_proved = candidate.signs or carries_token
        secrets = candidate.secrets if is_proved else Secrets()
        try:
            verified = _verified(candidate, request, secrets, now=now)
        except Disbelieved as error:
            refusals.append(error)
            continue
        if not is_proved:
            verified = replace(verified, is_hint=True, dedupe_key="")
        believed.append(Believed(candidate, verified, is_proved))
    if len(believed) == 1:
        return believed[0]
    if believed:
        raise Ambiguous
    only = refusals[0].receiving if len(candidates) == 1 else None
    raise Disbelieved(refusals[0].refused, only)


def _verified(
    receiving: Receiving, request: WebhookRequest, secrets: Secrets, *, now: datetime
) -> Verified:
    try:
        return _webhook_of(receiving.platform).verify(request, secrets, now=now)
    except Refused as refused:
        raise Disbelieved(refused, receiving) from refused
    except ValueError as error:
        unread = Refused("body_malformed", expected="a readable body", seen=str(error)[:200])
        raise Disbelieved(unread, receiving) from error


@cache
def _webhook_of(code: str) -> WebhookModule:
    """A platform's pure functions; looking a module up costs as much as verifying with it."""
    return platform(code).webhook
