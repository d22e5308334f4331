"""A circuit breaker that all processes share: no calls to a platform that is down.

It opens at half of at least 20 calls within 60 s, or at 5 failures in a row on a quiet connection;
then one probe at a time is let through, and the first that succeeds closes it. A healthy connection
costs no transaction: calls are counted in the process and written down when one fails.
"""

import threading
import time
from datetime import timedelta

from entrepot.access import scope
from entrepot.connect.errors import Unavailable
from entrepot.connect.haste import hurried
from entrepot.database import sql

WINDOW = hurried(timedelta(seconds=60))
BUSY_CALLS = 20
FAILING_SHARE = 0.5
QUIET_FAILURES = 5
FIRST_PROBE = hurried(timedelta(seconds=15))
LONGEST_PROBE = hurried(timedelta(minutes=5))
SEEN_FOR_S = 1.0

LOOK = """
SELECT
    opened_at IS NOT NULL,
    extract(epoch FROM probe_at - clock_timestamp())::float8,
    failures_in_a_row
FROM connections_circuit_breaker
WHERE connection_id = %s
"""
# The first who moves `probe_at` is the probe; the others wait for its answer.
PROBE = """
UPDATE connections_circuit_breaker
SET probe_at = clock_timestamp() + %s
WHERE connection_id = %s AND opened_at IS NOT NULL AND probe_at <= clock_timestamp()
RETURNING id
"""
COUNT = """
INSERT INTO connections_circuit_breaker AS kept (
    merchant_id, connection_id, window_started_at, calls, failures, failures_in_a_row
)
VALUES (%(merchant)s, %(connection)s, clock_timestamp(), %(calls)s, 1, 1)
ON CONFLICT (connection_id) DO UPDATE SET
    window_started_at = CASE
        WHEN kept.window_started_at < clock_timestamp() - %(window)s THEN clock_timestamp()
        ELSE kept.window_started_at
    END,
    calls = %(calls)s + CASE
        WHEN kept.window_started_at < clock_timestamp() - %(window)s THEN 0 ELSE kept.calls
    END,
    failures = 1 + CASE
        WHEN kept.window_started_at < clock_timestamp() - %(window)s THEN 0 ELSE kept.failures
    END,
    failures_in_a_row = 1 + CASE WHEN %(begins)s THEN 0 ELSE kept.failures_in_a_row END
RETURNING calls, failures, failures_in_a_row, opened_at IS NOT NULL
"""
# A probe that failed waits twice as long as the outage has lasted, within bounds.
OPEN = """
UPDATE connections_circuit_breaker
SET
    opened_at = coalesce(opened_at, clock_timestamp()),
    probe_at = clock_timestamp() + least(
        %(longest)s,
        greatest(%(first)s, clock_timestamp() - coalesce(opened_at, clock_timestamp()))
    )
WHERE connection_id = %(connection)s
"""
# Closes an open breaker and forgets the outage; else only ends a run of failures.
SUCCEED = """
UPDATE connections_circuit_breaker
SET
    window_started_at = CASE
        WHEN opened_at IS NULL THEN window_started_at ELSE clock_timestamp()
    END,
    calls = CASE WHEN opened_at IS NULL THEN calls + 1 ELSE 0 END,
    failures = CASE WHEN opened_at IS NULL THEN failures ELSE 0 END,
    failures_in_a_row = 0,
    opened_at = NULL,
    probe_at = NULL
WHERE connection_id = %s
"""


class SharedBreaker:
    """Implements connect.http.Breaker for one connection. Safe to share between threads."""

    def __init__(self, *, connection_id: int, merchant_id: int) -> None:
        self._connection_id = connection_id
        self._merchant_id = merchant_id
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._is_troubled = False
        self._good_calls = 0
        self._counted_since = time.monotonic()

    def check(self) -> None:
        """Let a call through, or the one probe of an open breaker.

        Raises:
            Unavailable: it is open; with how long until the next probe.
        """
        with self._lock:
            now, looked_at = time.monotonic(), self._looked_at
            if now - looked_at < SEEN_FOR_S and not self._is_troubled:
                return
            if looked_at > float("-inf"):
                self._looked_at = now  # one looks again, the others go on meanwhile
        with scope.merchant(self._merchant_id):
            is_open, until_probe, in_a_row = sql.fetch_one(LOOK, [self._connection_id]) or (
                *(False, None),
                0,
            )
            if is_open and (until_probe or 0) <= 0:
                is_open = sql.fetch_one(PROBE, [FIRST_PROBE, self._connection_id]) is None
        with self._lock:
            self._looked_at = time.monotonic()
            self._is_troubled = bool(in_a_row) or until_probe is not None
        if is_open:
            raise Unavailable(
                "the platform has not answered lately; its next probe decides",
                retry_after=timedelta(seconds=max(until_probe or 0, 1)),
            )

    def record(self, *, is_available: bool) -> None:
        """Count a call; a failure may open the breaker, a success closes it."""
        if is_available:
            self._succeed()
        else:
            self._fail()

    def _succeed(self) -> None:
        with self._lock:
            if not self._is_troubled:
                self._forget_old_calls()
                self._good_calls += 1
                return
            self._is_troubled = False
        with scope.merchant(self._merchant_id):
            sql.run(SUCCEED, [self._connection_id])

    def _fail(self) -> None:
        with self._lock:
            self._forget_old_calls()
            calls = self._good_calls + 1
            # While others fail, a good call is written down at once: those kept here came before.
            begins_run = self._good_calls > 0 and not self._is_troubled
            self._good_calls = 0
            self._is_troubled = True
        with scope.merchant(self._merchant_id):
            row = sql.fetch_one(
                COUNT,
                {
                    "merchant": self._merchant_id,
                    "connection": self._connection_id,
                    "calls": calls,
                    "begins": begins_run,
                    "window": WINDOW,
                },
            )
            assert row is not None
            if _opens(*row):
                sql.run(
                    OPEN,
                    {
                        "connection": self._connection_id,
                        "first": FIRST_PROBE,
                        "longest": LONGEST_PROBE,
                    },
                )

    def _forget_old_calls(self) -> None:
        """Good calls of an earlier minute must not hide that the platform fails now."""
        now = time.monotonic()
        if now - self._counted_since > WINDOW.total_seconds():
            self._counted_since, self._good_calls = now, 0


def _opens(calls: int, failures: int, failures_in_a_row: int, is_open: bool) -> bool:  # noqa: FBT001 -- a row
    if is_open:
        return True
    if calls >= BUSY_CALLS:
        return failures >= calls * FAILING_SHARE
    return failures_in_a_row >= QUIET_FAILURES
