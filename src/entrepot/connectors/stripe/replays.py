"""What a simulated Stripe remembers of writes by their idempotency key."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from entrepot.connect.simulator import Request, Response
from entrepot.connectors.stripe.wire import Refusal

KEY_LIFE = timedelta(hours=24)
LONGEST_KEY = 255

Slot = tuple[bool, str]


class Replays:
    """The first answer of each key, a 500 too, for 24 hours; apart by mode.

    `at_work` holds keys whose first call is still running.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._answers: dict[Slot, tuple[tuple[Any, ...], Response, datetime]] = {}
        self.at_work: set[str] = set()

    def find(self, request: Request, *, livemode: bool) -> Response | None:
        """The answer to a key that is known, or None when the write is to be done.

        Raises:
            Refusal: the key is too long, at work, or was used with other parameters.
        """
        key = _key_of(request)
        if len(key) > LONGEST_KEY:
            raise Refusal("Idempotency keys may be up to 255 characters.")
        if key in self.at_work:
            message = "There is currently another in-progress request using this Idempotent Key."
            raise Refusal(message, status=409, code="idempotency_key_in_use")
        known = self._answers.get((livemode, key))
        if known is None or known[2] <= self._now() - KEY_LIFE:
            return None
        content, response, _ = known
        if content != _content_of(request):
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}'.",
                type="idempotency_error",
            )
        headers = {**response.headers, "Idempotent-Replayed": "true"}
        return Response(response.status, response.body, headers)

    def keep(self, request: Request, response: Response, *, livemode: bool) -> None:
        """Remember an answer under its key, if it has one."""
        if key := _key_of(request):
            self._answers[(livemode, key)] = (_content_of(request), response, self._now())


def _key_of(request: Request) -> str:
    return request.headers.get("idempotency-key", "")


def _content_of(request: Request) -> tuple[Any, ...]:
    return (request.method, request.path, tuple(sorted(request.body.split(b"&"))))
