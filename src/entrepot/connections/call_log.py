"""Keeps what was said to a platform, without secrets and without e-mail addresses."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

import structlog
from django.db import DatabaseError

from entrepot.access import scope
from entrepot.connect.watching import Call
from entrepot.connect.words import keepable
from entrepot.connections.models import CallRecord
from entrepot.database import saving
from entrepot.events import outbox

REDACTED = "[redacted]"
SHORTEST_SECRET = 6
# Begins where a word does, so that a long text without an address is walked through only once.
_email = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_log = structlog.get_logger(__name__)
_gathered: ContextVar[list[CallRecord] | None] = ContextVar("entrepot_gathered_calls", default=None)


class KeptCalls:
    """Implements connect.http.CallLog for one connection; a short transaction per call."""

    def __init__(self, *, connection_id: int, merchant_id: int) -> None:
        self._connection_id = connection_id
        self._merchant_id = merchant_id

    def add(self, call: Call) -> None:
        """Keep one call; a database that cannot take it is logged and does not fail the caller.

        Its cause is that of the work which made the call (`events.outbox.because`).
        """
        record = CallRecord(
            merchant_id=self._merchant_id,
            connection_id=self._connection_id,
            at=call.at,
            method=call.method,
            url=keepable(call.url),
            status_code=call.status_code,
            outcome=call.outcome,
            duration_ms=round(call.duration.total_seconds() * 1000),
            request_id=keepable(call.request_id),
            sent=keepable(call.sent),
            answered=keepable(call.answered),
            cause=outbox.current_cause()[1],
        )
        gathered = _gathered.get()
        if gathered is not None:
            gathered.append(record)
            return
        try:
            with scope.merchant(self._merchant_id):
                record.save(force_insert=True)
        except DatabaseError:
            _log.exception("a call could not be kept", connection_id=self._connection_id)


@contextmanager
def gathered_calls() -> Iterator[list[CallRecord]]:
    """Hand out the calls that are made in the block, for `keep_calls`, instead of keeping them."""
    calls: list[CallRecord] = []
    token = _gathered.set(calls)
    try:
        yield calls
    finally:
        _gathered.reset(token)


def keep_calls(calls: Sequence[CallRecord]) -> None:
    """Keep calls in the open scope, with whatever is recorded of their outcome."""
    if calls:
        saving.insert_together(calls)


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that takes the given secrets and all e-mail addresses out of a text."""
    hidden = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
    hidden |= {quote(secret, safe="") for secret in hidden}
    longest_first = sorted(hidden, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first))) if hidden else None

    def redact(text: str) -> str:
        if pattern is not None:
            text = pattern.sub(REDACTED, text)
        return _email.sub("[e-mail address]", text)

    return redact
