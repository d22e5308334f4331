"""A platform, offline: an ASGI application with books of its own and a platform's vices.

A simulator keeps what the platform would swear to in `books`, never looks into the hub, and sends
signed webhooks through `deliveries`. Faults are drawn from a seeded dial, so that a run repeats.
"""

import asyncio
import math
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Clock:
    """Sandbox time: real time, sped up by a dial, moved by hand where a test wants it."""

    def __init__(self, *, speed: float = 1.0, start: datetime | None = None) -> None:
        self._origin = time.monotonic()
        self._start = start or datetime.now(UTC)  # noqa: TID251 -- this is the clock itself
        self._speed = speed
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The instant at the platform, aware UTC."""
        passed = timedelta(seconds=(time.monotonic() - self._origin) * self._speed)
        return self._start + passed + self._ahead

    def advance(self, by: timedelta) -> None:
        """Jump ahead."""
        self._ahead += by

    @property
    def speed(self) -> float:
        """Sandbox seconds per real second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the dial without a jump."""
        self._start, self._ahead = self.now(), timedelta(0)
        self._origin, self._speed = time.monotonic(), speed


@dataclass(slots=True)
class Faults:
    """How often a platform misbehaves, each a chance between 0 and 1 per call or delivery.

    `drop_answer`: does the work, then cuts the connection. `server_error`: 500 without work.
    `rate_limited`: 429 without work. `garbage`: does the work, answers HTML. `late`: answers after
    `late_seconds` (real). `invisible`: new objects are hidden from look-ups for
    `invisible_seconds` (sandbox). `unreachable`: refuses every call.
    Webhooks: `lose_webhook`, `double_webhook`, `delay_webhook` (by up to `delay_seconds`, which
    reorders).
    """

    drop_answer: float = 0.0
    server_error: float = 0.0
    rate_limited: float = 0.0
    garbage: float = 0.0
    late: float = 0.0
    late_seconds: float = 1.0
    invisible: float = 0.0
    invisible_seconds: float = 600.0
    unreachable: float = 0.0
    lose_webhook: float = 0.0
    double_webhook: float = 0.0
    delay_webhook: float = 0.0
    delay_seconds: float = 60.0
    seed: int = 0
    struck: dict[str, int] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def reseed(self, seed: int) -> None:
        """Begin the same sequence of accidents again."""
        self.seed = seed
        self._random.seed(seed)

    def strikes(self, name: str) -> bool:
        """Draw once for a fault; count it when it strikes."""
        chance = float(getattr(self, name))
        if chance <= 0 or self._random.random() >= chance:
            return False
        self.struck[name] = self.struck.get(name, 0) + 1
        return True

    def between(self, low: float, high: float) -> float:
        """A number from the same seeded source."""
        return self._random.uniform(low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call to a simulator. Header names are lower case; `match` holds the path's named parts."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    match: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON; ValueError when it is not."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from error

    def form(self) -> list[tuple[str, str]]:
        """The body as form fields, in order."""
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Response:
    """A simulator's answer: JSON by default, raw bytes when given."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The bytes to send."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else msgspec.json.encode(self.body)


Handler = Callable[[Request], Response]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """A webhook that the platform wants delivered, retried as `retry_after` says (sandbox time)."""

    url: str
    body: bytes
    headers: dict[str, str]
    due_at: datetime
    retry_after: tuple[timedelta, ...] = ()
    tries: int = 0
    on_result: Callable[[int], None] | None = None


class Simulator:
    """One platform's wire, books and temper. Subclass, add routes in `__init__`, keep books.

    All handlers run on one thread at a time, so that books need no locks of their own.
    """

    code = ""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.books: dict[str, Any] = {}
        self.deliveries: list[Delivery] = []
        self.calls: list[tuple[str, str, int]] = []  # (method, path, status answered)
        self.answers_to_lose = 0  # of so many of the next writes, whose work is done
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Answer `method` on a path like /orders/{id}; first match wins."""
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((method, re.compile(f"^{expression}/?$"), handler))

    def not_found(self, request: Request) -> Response:
        """The platform's own words for a path that it does not have."""
        return Response(404, {"error": f"no route {request.method} {request.path}"})

    def authenticate(self, request: Request) -> Response | None:
        """Refuse a call with the platform's own words, or None to let it in."""
        return None

    def too_many(self) -> Response:
        """The platform's own 429."""
        return Response(429, {"error": "rate limited"}, self.pause(1))

    def pause(self, seconds: int) -> dict[str, str]:
        """Retry-After for so many sandbox seconds: in real ones, at least one, never more."""
        return {"Retry-After": str(math.ceil(seconds / max(self.clock.speed, 1)))}

    def broken(self) -> Response:
        """The platform's own 500."""
        return Response(500, {"error": "internal server error"})

    def tick(self) -> None:
        """Let the platform's own life go on up to `clock.now()`: production, scans, timers."""

    def summary(self) -> dict[str, Any]:
        """What this platform would swear to, for the page that compares; plain JSON values."""
        return {name: len(book) for name, book in self.books.items()}

    def send_webhook(self, delivery: Delivery) -> None:
        """Queue a delivery, with the platform's vices: lost, doubled, late and so reordered."""
        if self.faults.strikes("lose_webhook"):
            return
        if self.faults.strikes("delay_webhook"):
            wait = self.faults.between(0, self.faults.delay_seconds)
            delivery.due_at += timedelta(seconds=wait)
        self.deliveries.append(delivery)
        if self.faults.strikes("double_webhook"):
            again = Delivery(
                url=delivery.url,
                body=delivery.body,
                headers=dict(delivery.headers),
                due_at=delivery.due_at + timedelta(seconds=self.faults.between(0, 5)),
            )
            self.deliveries.append(again)

    def due_deliveries(self) -> list[Delivery]:
        """Take out what is due now, oldest first."""
        now = self.clock.now()
        due = sorted((d for d in self.deliveries if d.due_at <= now), key=lambda d: d.due_at)
        taken = set(map(id, due))
        self.deliveries = [d for d in self.deliveries if id(d) not in taken]
        return due

    def delivered(self, delivery: Delivery, status: int) -> None:
        """Learn how a delivery ended (0: no answer), and queue it again as the platform would."""
        delivery.tries += 1
        if delivery.on_result is not None:
            delivery.on_result(status)
        if 200 <= status < 300 or delivery.tries > len(delivery.retry_after):
            return
        delivery.due_at = self.clock.now() + delivery.retry_after[delivery.tries - 1]
        self.deliveries.append(delivery)

    def handle(self, request: Request) -> Response | None:
        """Answer one call; None stands for a connection cut after the work was done."""
        if self.faults.strikes("unreachable"):
            return None
        if (refusal := self.authenticate(request)) is not None:
            return refusal
        if self.faults.strikes("rate_limited"):
            return self.too_many()
        if self.faults.strikes("server_error"):
            return self.broken()
        handler, match = self._find(request.method, request.path)
        if handler is None:
            return self.not_found(request)
        answer = handler(
            Request(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=request.headers,
                body=request.body,
                match=match,
            )
        )
        if request.method != "GET" and self.answers_to_lose > 0:
            self.answers_to_lose -= 1
            return None
        if self.faults.strikes("drop_answer"):
            return None
        if self.faults.strikes("garbage"):
            return Response(
                200, b"<html><body>It works!</body></html>", {"Content-Type": "text/html"}
            )
        return answer

    def _find(self, method: str, path: str) -> tuple[Handler | None, dict[str, str]]:
        for wanted, pattern, handler in self._routes:
            if wanted == method and (found := pattern.match(path)):
                return handler, found.groupdict()
        return None, {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve HTTP; the path is taken below `root_path`."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await whole_body(receive)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(scope["query_string"].decode(), keep_blank_values=True):
            query.setdefault(name, []).append(value)
        request = Request(
            method=scope["method"],
            path=scope["path"].removeprefix(scope.get("root_path", "")),
            query=query,
            headers={
                name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
            },
            body=body,
            match={},
        )
        response = self.handle(request)
        self.calls.append((request.method, request.path, response.status if response else 0))
        if self.faults.strikes("late"):
            await asyncio.sleep(self.faults.late_seconds)
        if response is None:
            # An announced length without a body makes the server cut the connection.
            headers = [(b"content-length", b"1024")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            return
        content = response.content()
        headers = [(b"content-length", str(len(content)).encode())]
        names = {name.lower() for name in response.headers}
        if content and "content-type" not in names:
            headers.append((b"content-type", b"application/json"))
        headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def whole_body(receive: Receive) -> bytes:
    """All that a request carries, once its last part is here."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
