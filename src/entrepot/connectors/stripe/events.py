"""A poll of Stripe's events: where it stands, and what a page of it says; pure.

Source: Stripe API reference 2023-10-16, "List all events" (up to 30 days back, newest first),
read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from entrepot.connect.errors import UnexpectedResponse
from entrepot.connect.ports import Page, PulledItem


class _EventList(msgspec.Struct):
    """A page of events, each left as the bytes that Stripe sent."""

    data: list[msgspec.Raw]
    has_more: bool


class _EventHead(msgspec.Struct):
    id: str
    type: str
    created: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pull stands: it walks from the newest event back to `since` (seconds since 1970).

    `until` is what will have been read when it arrives there, 0 before the first page; `after` is
    the event at which the next page begins.
    """

    since: int = 0
    until: int = 0
    after: str = ""

    @classmethod
    def read(cls, cursor: str) -> Position:
        """The position that a cursor stands for."""
        since, until, after = cursor.split(":", 2)
        return cls(int(since), int(until), after)

    def __str__(self) -> str:
        return f"{self.since}:{self.until}:{self.after}"


def to_page(content: bytes, *, headers: Mapping[str, str], position: Position) -> Page:
    """Answer of GET /v1/events -> page.

    A pull has read up to the newest event that it saw first, or to Stripe's own clock where that
    is later.

    Raises:
        UnexpectedResponse: the answer is no list of events.
    """
    try:
        events = msgspec.json.decode(content, type=_EventList)
        heads = [msgspec.json.decode(raw, type=_EventHead) for raw in events.data]
    except msgspec.MsgspecError as error:
        raise UnexpectedResponse(f"GET /v1/events answered no list of events: {error}") from error
    until = position.until or max([_told_at(headers), *(head.created for head in heads)])
    reads_on = bool(heads) and events.has_more
    reached = until or position.since
    return Page(
        items=tuple(
            PulledItem(topic=head.type, dedupe_key=head.id, body=bytes(raw))
            for head, raw in zip(heads, events.data, strict=True)
        ),
        cursor=str(Position(position.since, until, heads[-1].id)) if reads_on else "",
        is_last=not reads_on,
        read_until=datetime.fromtimestamp(reached, UTC) if reached else None,
    )


def _told_at(headers: Mapping[str, str]) -> int:
    """Stripe's clock as its answer tells it, in seconds; 0 when it does not."""
    try:
        return int(parsedate_to_datetime(headers.get("date", "")).timestamp())
    except ValueError:
        return 0
