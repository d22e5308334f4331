"""HTTP connections by which simulators' webhooks leave: a POST each, kept open for the next.

No more than that, by hand: in a busy sandbox, the pool of a general client took three quarters of
the processor's time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import httptools
import msgspec

CHUNK = 65_536
# What stands in an address as it is.
PLAIN = "!#$%&'()*+,/:;=?@[]~"
PORTS = {"http": 80, "https": 443}
# What it comes to when there is no answer: nobody there, too late, cut off, or not HTTP.
BROKEN = (OSError, EOFError, httptools.HttpParserError)

Origin = tuple[str, str, int]


@dataclass(slots=True)
class Reply:
    """What was answered. Header names are lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; ValueError when it is not."""
        return msgspec.json.decode(self.body)


class Lines:
    """Connections that wait for the next delivery to their receiver; for one event loop."""

    def __init__(self) -> None:
        self._free: defaultdict[Origin, list[_Line]] = defaultdict(list)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Reply:
        """Post once, and once only: a connection that breaks meanwhile is not tried again.

        Raises one of BROKEN when no answer came.
        """
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))
        line = await self._line_to(origin)
        try:
            reply = await line.post(_request(parts, body, headers))
        except BaseException:
            line.close()
            raise
        self._free[origin].append(line)
        return reply

    def close(self) -> None:
        """Hang up."""
        for free in self._free.values():
            for line in free:
                line.close()
        self._free.clear()

    async def _line_to(self, origin: Origin) -> "_Line":
        free = self._free[origin]
        while free:
            line = free.pop()
            if line.is_open:
                return line
            line.close()  # the receiver has hung up meanwhile
        return await _Line.to(origin)


class _Line:
    """One connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, origin: Origin) -> "_Line":
        scheme, host, port = origin
        return cls(*await asyncio.open_connection(host, port, ssl=scheme == "https" or None))

    @property
    def is_open(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def post(self, request: bytes) -> Reply:
        self._writer.write(request)
        hearing = _Hearing()
        while not hearing.is_over:
            data = await self._reader.read(CHUNK)
            if not data:
                raise EOFError("the connection ended before the answer did")
            hearing.parser.feed_data(data)
        if not hearing.may_go_on:
            self.close()
        return hearing.reply

    def close(self) -> None:
        self._writer.close()


class _Hearing:
    """Takes one answer in, as `httptools` calls for it."""

    def __init__(self) -> None:
        self.reply = Reply()
        self.is_over = self.may_go_on = False
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reply.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.reply.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.reply.body += data

    def on_message_complete(self) -> None:
        self.may_go_on = self.parser.should_keep_alive()
        self.is_over = True


def _request(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [
        f"POST {quote(target, safe=PLAIN)} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
