"""What watches over calls to the outside: a rate limit, a breaker, a log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

Priority = Literal["people", "live", "bulk"]


class Budget(Protocol):
    """A credential's rate limit, shared between processes, with a lane kept free for people."""

    def take(self, *, cost: int, priority: Priority) -> None:
        """Take from the budget, or raise RateLimited with how long to wait."""
        ...

    def learn(self, headers: Mapping[str, str], status_code: int) -> None:
        """Correct the budget by what the platform says is left."""
        ...


class Breaker(Protocol):
    """Stops calls to a platform that is down; one probe when it may be back."""

    def check(self) -> None:
        """Raise Unavailable while open."""
        ...

    def record(self, *, is_available: bool) -> None:
        """Count a call; only `Unavailable` counts against the platform."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it is kept: redacted, with how long it took and how it ended.

    `outcome` is "ok" or the name of the error it was sorted into.
    """

    method: str
    url: str
    status_code: int | None
    outcome: str
    duration: timedelta
    at: datetime
    request_id: str
    sent: str
    answered: str


class CallLog(Protocol):
    """Keeps calls for operators."""

    def add(self, call: Call) -> None:
        """Keep one call; must not fail the caller."""
        ...


class Unlimited:
    """A budget, breaker and log for where none is needed: a first ping, a test."""

    def take(self, *, cost: int, priority: Priority) -> None:
        """Allow everything."""

    def learn(self, headers: Mapping[str, str], status_code: int) -> None:
        """Learn nothing."""

    def check(self) -> None:
        """Allow everything."""

    def record(self, *, is_available: bool) -> None:
        """Count nothing."""

    def add(self, call: Call) -> None:
        """Keep nothing."""
