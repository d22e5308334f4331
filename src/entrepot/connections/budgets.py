"""A credential's rate limit as a token bucket that all processes share.

The bucket is a row; a process borrows a little of it at a time, so that most calls cost no
transaction. What a process borrowed and does not use within a second is lost: the hub stays below
the platform's limit, never above it.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import scope
from entrepot.connect.errors import BudgetSpent, PauseAsked
from entrepot.connect.haste import hurried
from entrepot.connect.waiting import retry_after_of
from entrepot.connect.watching import Priority
from entrepot.database import sql

# What a lane must leave in the bucket, as a share of it.
LEFT_FOR_OTHERS: dict[Priority, float] = {"people": 0.0, "live": 0.1, "bulk": 0.3}
LOAN_LASTS_S = 1.0
LOAN_SHARE = 0.05
USUAL_PAUSE = hurried(timedelta(seconds=10))
LONGEST_PAUSE = timedelta(minutes=15)
# How long a call waits for its turn before its job is sent away to come again: a job of several
# calls would else begin anew each time, and never end on a busy connection.
PATIENCE: dict[Priority, timedelta] = {
    "people": timedelta(seconds=2),
    "live": timedelta(seconds=5),
    "bulk": timedelta(seconds=10),
}
# All calls of a connection wait for the end of a pause: they would sit on every thread until then.
PATIENCE_IN_PAUSE = timedelta(seconds=1)
# A larger number in a reset header is an instant, not seconds to wait.
EPOCH_SECONDS = 1_000_000_000

MAKE = """
INSERT INTO connections_rate_budget (merchant_id, connection_id, tokens, refilled_at)
VALUES (%s, %s, %s, clock_timestamp())
ON CONFLICT (connection_id) DO NOTHING
"""
LOCK = """
SELECT
    tokens,
    extract(epoch FROM clock_timestamp() - refilled_at)::float8,
    extract(epoch FROM blocked_until - clock_timestamp())::float8
FROM connections_rate_budget
WHERE connection_id = %s
FOR UPDATE
"""
SPEND = """
UPDATE connections_rate_budget
SET tokens = %s, refilled_at = clock_timestamp()
WHERE connection_id = %s
"""
BLOCK = """
UPDATE connections_rate_budget
SET blocked_until = greatest(blocked_until, clock_timestamp() + %s)
WHERE connection_id = %s
"""


@dataclass(slots=True)
class _Loan:
    """What this process may still spend of the shared bucket, until when on its own clock."""

    tokens: float = 0.0
    ends: float = 0.0


class SharedBudget:
    """Implements connect.http.Budget for one connection. Safe to share between threads."""

    def __init__(
        self,
        *,
        connection_id: int,
        merchant_id: int,
        per_minute: int,
        burst: int = 0,
        patience: Mapping[Priority, timedelta] = PATIENCE,
    ) -> None:
        """Make the budget of a connection.

        Args:
            connection_id: whose bucket it is.
            merchant_id: whose connection it is.
            per_minute: calls that the platform allows; 0 when it does not say.
            burst: how many of them at once; 0 for what ten seconds allow.
            patience: how long a call of each lane waits for its turn.
        """
        self._connection_id = connection_id
        self._merchant_id = merchant_id
        self._per_second = per_minute / 60
        self._capacity = float(burst or max(per_minute // 6, 1))
        self._patience = patience
        self._loans: dict[Priority, _Loan] = {}
        self._lock = threading.Lock()

    def take(self, *, cost: int, priority: Priority) -> None:
        """Take from the budget, waiting a little for it, and less for the end of a pause.

        Without a known rate limit only a pause that the platform asked for counts.

        Raises:
            BudgetSpent: it is spent, or the platform asked for a pause; with how long to wait.
        """
        began = time.monotonic()
        while True:
            scope.give_back()
            try:
                self._take(cost, priority)
            except BudgetSpent as refused:
                wait = (refused.retry_after or USUAL_PAUSE).total_seconds()
                patience = self._patience[priority]
                if isinstance(refused, PauseAsked):
                    patience = min(patience, PATIENCE_IN_PAUSE)
                if time.monotonic() + wait > began + patience.total_seconds():
                    raise
                scope.give_back()
                time.sleep(wait)
            else:
                return

    def _take(self, cost: int, priority: Priority) -> None:
        with self._lock:
            loan = self._loans.setdefault(priority, _Loan())
            now = time.monotonic()
            if now >= loan.ends:
                loan.tokens, loan.ends = 0.0, now + LOAN_LASTS_S
            if loan.tokens < cost:
                loan.tokens += self._borrow(cost, priority)
            loan.tokens -= cost

    def learn(self, headers: Mapping[str, str], status_code: int) -> None:
        """Pause all processes when the platform says that nothing is left.

        Read are Retry-After of a 429 (RFC 9110), and `RateLimit-Remaining` with `RateLimit-Reset`,
        with or without `X-`, which many platforms send.
        """
        wait = _asked_pause(headers, status_code)
        if wait is None:
            return
        with scope.merchant(self._merchant_id):
            sql.run(MAKE, [self._merchant_id, self._connection_id, self._capacity])
            sql.run(BLOCK, [min(wait, LONGEST_PAUSE), self._connection_id])
        with self._lock:
            self._loans.clear()

    def _borrow(self, cost: int, priority: Priority) -> float:
        """Move tokens from the shared row into this process; returns how many."""
        with scope.merchant(self._merchant_id):
            row = sql.fetch_one(LOCK, [self._connection_id])
            if row is None:
                sql.run(MAKE, [self._merchant_id, self._connection_id, self._capacity])
                row = sql.fetch_one(LOCK, [self._connection_id])
            assert row is not None
            tokens, passed, blocked_for = row
            if blocked_for is not None and blocked_for > 0:
                raise PauseAsked(
                    "the platform asked for a pause", retry_after=timedelta(seconds=blocked_for)
                )
            if not self._per_second:
                return float("inf")
            tokens = min(self._capacity, tokens + max(passed, 0) * self._per_second)
            # A bucket smaller than the lane's share would never let that lane through.
            left = min(self._capacity * LEFT_FOR_OTHERS[priority], max(self._capacity - cost, 0))
            lent = min(max(cost, self._capacity * LOAN_SHARE), tokens - left) // 1
            if lent < cost:
                missing = min(cost + left, self._capacity) - tokens
                raise BudgetSpent(
                    f"the budget of this connection is spent for {priority} work",
                    retry_after=timedelta(seconds=max(missing, 0.05) / self._per_second),
                )
            sql.run(SPEND, [tokens - lent, self._connection_id])
            return float(lent)


def _asked_pause(headers: Mapping[str, str], status_code: int) -> timedelta | None:
    if status_code == 429:
        return retry_after_of(headers) or _reset(headers) or USUAL_PAUSE
    for prefix in ("", "x-"):
        if headers.get(f"{prefix}ratelimit-remaining", "").strip() == "0":
            return _reset(headers)
    return None


def _reset(headers: Mapping[str, str]) -> timedelta | None:
    for prefix in ("", "x-"):
        text = headers.get(f"{prefix}ratelimit-reset", "").strip()
        if not text.isdigit():
            continue
        seconds = int(text)
        if seconds > EPOCH_SECONDS:
            seconds -= int(time.time())
        return timedelta(seconds=max(seconds, 0))
    return None
