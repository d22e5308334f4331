"""Answers a repeated request with the answer that it got before: Idempotency-Key on POST.

The answer is stored in the transaction of what was done, so that both are there or neither. An
operation that calls a platform cannot be in one transaction: it is claimed first, and the answer is
stored afterwards. Answers that are errors are not kept, because nothing was done.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from entrepot.access import crypto, scope
from entrepot.api.caller import Caller
from entrepot.api.errors import Problem, invalid
from entrepot.database import sql

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
PURPOSE = "api-answer"
CLAIM_S = 60

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
# By api_kept_answer_key. A claim that ran out belongs to a process that died.
_FIND = """
    SELECT fingerprint, status_code, body, claimed_until > clock_timestamp()
    FROM api_kept_answer
    WHERE merchant_id = %(merchant)s AND mode = %(mode)s AND idempotency_key = %(key)s
"""
_CLAIM = """
    INSERT INTO api_kept_answer (
        merchant_id, mode, idempotency_key, fingerprint, body, claimed_until
    )
    VALUES (
        %(merchant)s, %(mode)s, %(key)s, %(fingerprint)s, '',
        clock_timestamp() + make_interval(secs => %(lasts)s)
    )
    ON CONFLICT (merchant_id, mode, idempotency_key) DO UPDATE SET
        claimed_until = excluded.claimed_until
"""
_KEEP = """
    UPDATE api_kept_answer SET status_code = %(status)s, body = %(body)s, claimed_until = NULL
    WHERE merchant_id = %(merchant)s AND mode = %(mode)s AND idempotency_key = %(key)s
"""
_GIVE_UP = """
    DELETE FROM api_kept_answer
    WHERE merchant_id = %(merchant)s AND mode = %(mode)s AND idempotency_key = %(key)s
        AND status_code IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """A request with a key: whose it is, and what makes another request of that key another."""

    merchant_id: int
    mode: str
    key: str
    fingerprint: bytes

    def parameters(self, **more: object) -> dict[str, object]:
        """For the statements."""
        return {"merchant": self.merchant_id, "mode": self.mode, "key": self.key, **more}


def repeatable_of(request: HttpRequest, caller: Caller) -> Repeatable | None:
    """The request's key with its fingerprint; None when it carries none.

    The rights of the caller are part of it: an answer never shows more than its reader may see.

    Raises:
        Problem: 422, the key is too long or not printable.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key:
        return None
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise invalid(f"{HEADER} must be at most {LONGEST_KEY} printable ASCII characters")
    digest = hashlib.sha256()
    for part in (
        str(request.method).encode(),
        request.get_full_path().encode(),
        request.content_type.encode() if request.content_type else b"",
        " ".join(sorted(caller.scopes)).encode(),
        request.body,
    ):
        digest.update(len(part).to_bytes(8) + part)
    return Repeatable(
        merchant_id=caller.merchant_id, mode=caller.mode, key=key, fingerprint=digest.digest()
    )


def within_transaction(wanted: Repeatable, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Do it once, or answer as before; the answer is stored in the same transaction.

    Raises:
        Problem: 409 while the same request is under way, 422 for another request of that key.
    """
    with scope.merchant(wanted.merchant_id):
        known = _known(wanted)
        if known is not None:
            return known
        sql.run(_CLAIM, wanted.parameters(fingerprint=wanted.fingerprint, lasts=CLAIM_S))
        answer = act()
        _keep(wanted, answer)
    return answer


def around_calls(wanted: Repeatable, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Do it once, or answer as before, where `act` opens its own transactions and makes calls.

    A process that dies on the way leaves the claim; after it ends the same request may be made
    again, so `act` has to be repeatable under the same key by itself.

    Raises:
        Problem: as `within_transaction`.
    """
    with scope.merchant(wanted.merchant_id):
        known = _known(wanted)
        if known is not None:
            return known
        sql.run(_CLAIM, wanted.parameters(fingerprint=wanted.fingerprint, lasts=CLAIM_S))
    try:
        answer = act()
    except BaseException:
        with scope.merchant(wanted.merchant_id):
            sql.run(_GIVE_UP, wanted.parameters())
        raise
    with scope.merchant(wanted.merchant_id):
        _keep(wanted, answer)
    return answer


def _known(wanted: Repeatable) -> HttpResponse | None:
    name = f"api:{wanted.merchant_id}:{wanted.mode}:{wanted.key}"
    if not sql.fetch_value(_ALONE, [name]):
        raise _under_way()
    row = sql.fetch_one(_FIND, wanted.parameters())
    if row is None:
        return None
    fingerprint, status, sealed, is_claimed = row
    if bytes(fingerprint) != wanted.fingerprint:
        raise invalid(
            f"this {HEADER} was used for another request: the same key is for the same request"
        )
    if status is None:
        if is_claimed:
            raise _under_way()
        return None
    body = crypto.decrypt(PURPOSE, bytes(sealed)) if sealed else b""
    return HttpResponse(
        body, status=status, content_type="application/json", headers={REPLAYED: "true"}
    )


def _keep(wanted: Repeatable, answer: HttpResponse) -> None:
    sealed = crypto.encrypt(PURPOSE, answer.content) if answer.content else b""
    sql.run(_KEEP, wanted.parameters(status=answer.status_code, body=sealed))


def _under_way() -> Problem:
    return Problem(
        409,
        "a request with this key is under way: ask again in a moment",
        headers={"Retry-After": "1"},
    )
