"""Reads a webhook request off the wire, within bounds, and writes the answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from entrepot.edge.directory import Address

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_ARRIVES_WITHIN_S = 30.0
# A sender that has begun to speak is listened to this long after its answer, unheard, so that it
# reads the answer instead of a reset connection.
LINGER_S = 5.0
MOST_QUERY_FIELDS = 100
# Credentials of somebody else's proxy are none of our business.
WITHHELD_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

_hook = re.compile(r"/hooks/(?P<key>[A-Za-z0-9_-]{1,100})(?:/(?P<suffix>.{0,200}))?")
_alias = re.compile(r"/api/webhooks/(?P<key>[a-z0-9_-]{1,100})/?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told; `ends_connection` where its body was not read to the end."""

    status: int
    body: Mapping[str, object]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    ends_connection: bool = False
    media: bytes = b"application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a request is for: the address, and what follows it in path and query."""

    address: Address
    suffix: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


class Gone(Exception):
    """The sender left before its body was complete; nobody waits for an answer."""


class Refusal(Exception):
    """A request that is answered without being understood."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


def refusal(status: int, reason: str, *, ends_connection: bool = False) -> Refusal:
    """A refusal with its reason in words."""
    body = {"status": "refused", "reason": reason}
    return Refusal(Answer(status, body, ends_connection=ends_connection))


def target_of(scope: Scope) -> Target | None:
    """Read path and query; None for a path that cannot be anybody's.

    Raises:
        Refusal: 400, more query fields than any platform sends.
    """
    path: str = scope["path"]
    hook = _hook.fullmatch(path)
    found = hook or _alias.fullmatch(path)
    if found is None:
        return None
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=MOST_QUERY_FIELDS,
        )
    except ValueError:
        raise refusal(400, "too many query fields", ends_connection=True) from None
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    suffix = (hook.group("suffix") or "") if hook else ""
    address = Address(found.group("key"), is_alias=hook is None)
    return Target(address=address, suffix=suffix, query=query)


def headers_of(scope: Scope) -> dict[str, str]:
    """Header names in lower case; repeated ones are joined as RFC 9110, 5.3 has it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are stored."""
    return {name: value for name, value in headers.items() if name not in WITHHELD_HEADERS}


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The raw body. An announced size above the limit is refused before a byte of it is read.

    Raises:
        Refusal: 413 too large; 400 an impossible length, or not complete in time.
        Gone: the sender left.
    """
    announced = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
    if not announced.isdigit():
        raise refusal(400, "Content-Length is not a number", ends_connection=True)
    if int(announced) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_ARRIVES_WITHIN_S):
            return await _read(receive, limit)
    except TimeoutError:
        raise refusal(
            400, f"no whole body within {BODY_ARRIVES_WITHIN_S:.0f} s", ends_connection=True
        ) from None


async def send_answer(answer: Answer, receive: Receive, *, send: Send) -> None:
    """Write the answer; where it ends the connection, let the sender finish speaking."""
    content = msgspec.json.encode(answer.body)
    headers = [
        (b"content-type", answer.media),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]
    if answer.ends_connection:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    more = answer.ends_connection
    await send({"type": "http.response.body", "body": content, "more_body": more})
    if not more:
        return
    try:
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    break
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


async def _read(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> Refusal:
    return refusal(413, f"the body is larger than {limit} bytes", ends_connection=True)
