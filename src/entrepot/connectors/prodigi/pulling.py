"""Where a pull of Prodigi's orders stands; pure.

The list knows when orders were created, not when they changed. So a run reads, in this order:
orders created since the last run; all orders that are still open; and then, by id, those that were
open at the end of the last run and no longer are. The cursor carries these ids from run to run;
without it (a first run, a lost cursor) the first step looks back further instead.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

LOOK_BACK = timedelta(days=30)  # longer than orders take from creation to the last shipment
IDS_PER_PAGE = 50  # keeps the address of a call below 2 KB
OPEN_STATUSES = ("inProgress", "awaitingPayment", "draft")  # words of the list's filter
PREFIX = "ord_"


class _Stored(msgspec.Struct, array_like=True):
    step: str
    skip: int
    since: str
    newest: str
    known: list[str]
    seen: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One place in a run. `step` is created, a status of the list, finished, or empty between runs.

    `known` are ids that were open at the end of the last run, `seen` those found open in this one.
    """

    step: str = ""
    skip: int = 0
    since: datetime | None = None
    newest: datetime | None = None
    known: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()

    @property
    def gone(self) -> list[str]:
        """Ids that were open and are not any more: finished, or cancelled."""
        return sorted(self.known - self.seen)

    def after(self, *, ids: list[str], newest: datetime | None, has_more: bool) -> "Position":
        """The place after a page on which these orders stood."""
        here = self
        if newest is not None and (here.newest is None or newest > here.newest):
            here = replace(here, newest=newest)
        if here.step in OPEN_STATUSES:
            here = replace(here, seen=here.seen | set(ids))
        if here.step == "finished":
            skip = here.skip + IDS_PER_PAGE
            return replace(here, skip=skip) if skip < len(here.gone) else here.ended()
        if has_more and ids:
            return replace(here, skip=here.skip + len(ids))
        steps = ("created", *OPEN_STATUSES, "finished")
        following = steps[steps.index(here.step) + 1]
        if following == "finished" and not here.gone:
            return here.ended()
        return replace(here, step=following, skip=0)

    def ended(self) -> "Position":
        """Between runs: what was found open is what the next run compares with."""
        return replace(self, step="", skip=0, known=self.seen, seen=frozenset())


def position(cursor: str, *, since: datetime | None) -> Position:
    """Continue where a cursor stands, or begin a run.

    Raises:
        ValueError: the cursor is not one of ours.
    """
    if not cursor:
        looked_back = since - LOOK_BACK if since else None
        return _begin(Position(), since=looked_back)
    try:
        stored = msgspec.json.decode(cursor, type=_Stored)
    except msgspec.DecodeError as error:
        raise ValueError(f"cursor: {error}") from error
    here = Position(
        step=stored.step,
        skip=stored.skip,
        since=_read(stored.since),
        newest=_read(stored.newest),
        known=frozenset(PREFIX + number for number in stored.known),
        seen=frozenset(PREFIX + number for number in stored.seen),
    )
    return here if here.step else _begin(here, since=since)


def cursor_of(here: Position) -> str:
    """The place as an opaque text; ids go without their prefix."""
    stored = _Stored(
        step=here.step,
        skip=here.skip,
        since=written(here.since),
        newest=written(here.newest),
        known=sorted(name.removeprefix(PREFIX) for name in here.known),
        seen=sorted(name.removeprefix(PREFIX) for name in here.seen),
    )
    return msgspec.json.encode(stored).decode()


def written(instant: datetime | None) -> str:
    """An instant as Prodigi's filters take it; empty for none."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if instant else ""


def _begin(here: Position, *, since: datetime | None) -> Position:
    step = "created" if since else OPEN_STATUSES[0]
    return replace(here, step=step, skip=0, since=since, newest=since, seen=frozenset())


def _read(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
