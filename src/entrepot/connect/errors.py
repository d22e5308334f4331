"""What can go wrong with a platform, sorted by what the caller must do next.

ConnectorError
├── Unavailable          nothing was sent: retry; the only one that counts for the breaker
│   └── RateLimited      nothing happened: retry after `retry_after`
│       └── BudgetSpent  nothing was even called: wait, without spending a try
│           └── PauseAsked  the same, and so does everybody who calls there
├── OutcomeUnknown       it may have happened: look it up by reference, then decide
├── Rejected             refused, with whose fault it is
│                          order     hold the order
│                          address   hold the order until its address is corrected
│                          provider  try the next provider
├── Conflict             exists, shipped, not editable: look it up, never move on
├── PaymentNeeded        the platform wants money first: one alert for all it concerns
├── Misconfigured        credentials or set-up: pause the connection, a person must act
└── UnexpectedResponse   an answer we do not understand: dead letter
"""

from datetime import timedelta
from typing import Literal

from entrepot.connect.words import keepable

Fault = Literal["order", "address", "provider"]


class ConnectorError(Exception):
    """Any failure of a platform call. The message quotes the platform's own words.

    Whatever these are, they can be kept: how a call ended is not lost for a sign in them.
    """

    def __init__(self, message: str) -> None:
        super().__init__(keepable(message))


class Unavailable(ConnectorError):
    """The request never took effect: no connection, or a read that failed. Safe to retry.

    `retry_after` is None when the platform did not tell.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """Refused for its frequency; nothing happened. Does not count against the platform."""


class BudgetSpent(RateLimited):
    """Our own limit, or a pause that the platform asked for earlier: nothing was called at all."""


class PauseAsked(BudgetSpent):
    """The platform asked for a pause earlier; `retry_after` is when it ends, for all calls."""


class OutcomeUnknown(ConnectorError):
    """The request left, and no trustworthy answer came back. It may have taken effect."""


class Rejected(ConnectorError):
    """The platform understood and refused. `code` is its own word.

    A code that no mapping lists is taken for the order's fault, so that nothing moves on.
    """

    def __init__(self, message: str, *, code: str, fault: Fault = "order") -> None:
        super().__init__(message)
        self.code = keepable(code)
        self.fault = fault


class Conflict(ConnectorError):
    """The thing exists already, has shipped, or cannot be changed any more."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = keepable(code)


class PaymentNeeded(ConnectorError):
    """The platform stops until the merchant has paid there. `action_url` may say where."""

    def __init__(self, message: str, *, action_url: str = "") -> None:
        super().__init__(message)
        self.action_url = keepable(action_url)


class Misconfigured(ConnectorError):
    """Credentials, scopes or set-up are wrong; no retry helps until a person has acted."""


class PrivateAddress(Misconfigured):
    """An address in our own network, which our own settings do not let this process ask."""


class UnexpectedResponse(ConnectorError):
    """An answer whose shape we do not know. Nothing is guessed from it."""
