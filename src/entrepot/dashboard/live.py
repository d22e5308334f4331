"""Server-sent events: tells open pages that there is news, never what it is.

`GET /events/stream?mode=live` with a signed-in session. Every two seconds at most, an event `news`
carries {"orders": n, "events": n, "changed": b}: new orders and events of the merchant since the
page was opened, and whether anything happened to the order that it shows: `&order=ID&seen=ID` names
the order and the newest event on the page. A page decides by itself when to read again, so nothing
moves under somebody's pointer.

One loop per process asks the database for all merchants that are listened to; it ends with the last
listener. Event ids do not follow commits, so an event may be passed over: the count is a hint. Its
threads give their database connections back each time, since no request ends there.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse
from django_otp.middleware import OTPMiddleware

from entrepot.access import scope as access_scope
from entrepot.dashboard.page import page
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest
from entrepot.database import sql

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Key = tuple[int, str]
Row = tuple[int, str, int, int, int, list[int] | None]

BEAT_S = 2.0
HEARTBEAT_EVERY = 8  # beats; keeps proxies from closing a quiet connection
MOST_LISTENERS = 2000
MERCHANT_HEADER = "X-Merchant"
_log = structlog.get_logger(__name__)

# By event's own index on (merchant_id, id) of the newest partitions.
_NEWEST = "SELECT coalesce(max(id), 0) FROM event"
_COUNTED = """
    SELECT
        merchant_id, mode, count(*) FILTER (WHERE name = 'order.imported'), count(*), max(id),
        array_agg(DISTINCT order_id) FILTER (WHERE order_id = ANY (%(shown)s))
    FROM event
    WHERE id > %(after)s AND at > now() - interval '1 hour' AND merchant_id = ANY (%(merchants)s)
    GROUP BY 1, 2
"""

# By event's index on (merchant_id, order_id, id) of the newest partitions.
_SINCE = """
    SELECT count(*) FROM event
    WHERE merchant_id = %(merchant)s
        AND order_id = %(order)s
        AND id > %(seen)s
        AND at > now() - interval '1 hour'
"""


@dataclass(eq=False)
class Listener:
    """An open page; `woken` is set when its numbers have changed. It may show one order."""

    key: Key
    order_id: int | None = None
    orders: int = 0
    events: int = 0
    is_changed: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """The listeners of this process, and the one loop that asks for all of them."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._loop: asyncio.Task[None] | None = None

    def is_full(self) -> bool:
        """Whether nobody more is let in."""
        return len(self._listeners) >= MOST_LISTENERS

    def add(self, listener: Listener) -> None:
        """Begin to tell a page."""
        self._listeners.add(listener)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())

    def remove(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners.discard(listener)

    async def _run(self) -> None:
        after: int | None = None
        while self._listeners:
            merchants = sorted({listener.key[0] for listener in self._listeners})
            shown = sorted({one.order_id for one in self._listeners if one.order_id is not None})
            rows: list[Row] = []
            try:
                if after is None:
                    after = await asyncio.to_thread(_newest)
                else:
                    rows = await asyncio.to_thread(_counted, after, merchants, shown)
            except DatabaseError:
                _log.warning("live.database_unavailable", exc_info=True)
            for merchant_id, mode, orders, events, newest, changed in rows:
                after = max(after or 0, newest)
                for listener in self._listeners:
                    if listener.key == (merchant_id, mode):
                        listener.orders += orders
                        listener.events += events
                        listener.is_changed |= listener.order_id in (changed or ())
                        listener.woken.set()
            await asyncio.sleep(BEAT_S)


_hub = Hub()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one page with events until it goes away."""
    asked = dict(parse_qsl(scope.get("query_string", b"").decode()))
    mode = asked.get("mode", "live")
    merchant_id = None
    if scope["method"] == "GET" and mode in {"live", "test"}:
        merchant_id = await asyncio.to_thread(_merchant_of, scope, mode)
    if merchant_id is None or _hub.is_full():
        await _refuse(send, 401 if merchant_id is None else 503)
        return
    listener = Listener((merchant_id, mode), order_id=number_in(asked.get("order", "")))
    _hub.add(listener)
    if await asyncio.to_thread(_is_behind, listener, number_in(asked.get("seen", ""))):
        listener.is_changed = True
        listener.woken.set()
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _tell(send, b"retry: 5000\n\n")
        await _stream(listener, gone, send)
    finally:
        _hub.remove(listener)
        gone.cancel()


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def _stream(listener: Listener, gone: "asyncio.Task[None]", send: Send) -> None:
    quiet = 0
    while not gone.done():
        woken = asyncio.create_task(listener.woken.wait())
        await asyncio.wait({woken, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()
        if listener.woken.is_set():
            listener.woken.clear()
            quiet = 0
            told = {
                "orders": listener.orders,
                "events": listener.events,
                "changed": listener.is_changed,
            }
            await _tell(send, f"event: news\ndata: {json.dumps(told)}\n\n".encode())
        elif not gone.done():
            quiet += 1
            if quiet % HEARTBEAT_EVERY == 0:
                await _tell(send, b": still here\n\n")


async def _tell(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def closing_all() -> Iterator[None]:
    """Give this thread's database connections back afterwards."""
    try:
        yield
    finally:
        connections.close_all()


def _newest() -> int:
    with closing_all(), access_scope.system():
        return int(sql.fetch_value(_NEWEST))


def _counted(after: int, merchants: list[int], shown: list[int]) -> list[Row]:
    with closing_all(), access_scope.system():
        return sql.fetch(_COUNTED, {"after": after, "merchants": merchants, "shown": shown})


def _is_behind(listener: Listener, seen: int | None) -> bool:
    """Whether the order that a page shows has moved since it was read."""
    if listener.order_id is None or seen is None:
        return False
    asked = {"merchant": listener.key[0], "order": listener.order_id, "seen": seen}
    try:
        with closing_all(), access_scope.system():
            return bool(sql.fetch_value(_SINCE, asked))
    except DatabaseError:
        _log.warning("live.database_unavailable", exc_info=True)
        return False


def _merchant_of(scope: Scope, mode: str) -> int | None:
    """Whose news this session may hear: the same door as every page, without rendering one."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = scope["path"]
    request.META = {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    for name, value in scope["headers"]:
        if name == b"cookie":
            request.COOKIES |= _cookies(value.decode("latin-1"))

    def answer(inner: HttpRequest) -> HttpResponse:
        return _admitted(inner, mode=mode)

    doors = SessionMiddleware(AuthenticationMiddleware(OTPMiddleware(answer)))
    with closing_all():
        response = doors(request)
    assert isinstance(response, HttpResponse), "the doors answer at once"
    merchant = response.headers.get(MERCHANT_HEADER, "")
    return number_in(merchant) if response.status_code == 204 else None


@page(scope="orders:read")
def _admitted(request: PageRequest) -> HttpResponse:
    return HttpResponse(status=204, headers={MERCHANT_HEADER: str(request.visit.merchant_id)})


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
