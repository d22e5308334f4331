"""An order's history: compact or full, each entry with the chain of causes down to raw bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from entrepot.attempts.models import Attempt
from entrepot.connections.models import CallRecord
from entrepot.dashboard.reading.connection_page import chip_of_call
from entrepot.dashboard.reading.shell import names_of_actors
from entrepot.dashboard.reading.telling import telling_of
from entrepot.dashboard.wording import Chip, duration_words, sentence
from entrepot.dashboard.words_of_states import ATTEMPT, chip_of
from entrepot.events.models import Event
from entrepot.inbox.models import InboxMessage, InboxSeen
from entrepot.orders.models import Order

MOST = 400
# Clocks differ a little, and what causes an order's first event may stand just before it.
MARGIN = timedelta(days=1)
DEEPEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One element of a chain of causes; `gap` is the time since the element before it."""

    label: str
    words: str
    at: datetime | None
    gap: str = ""
    mono: str = ""
    message_id: int | None = None
    chip: Chip | None = None


@dataclass(slots=True, kw_only=True)
class Entry:
    """One thing that happened, or the same thing several times in a row."""

    id: int
    role: str
    icon: str
    words: str
    reason: str
    actor: str
    at: datetime
    name: str
    times: int = 1
    chain: list[Link] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The newest first. `number` counts all events that were read, details too.

    `newest` is the id of the last event, 0 where there is none.
    """

    entries: list[Entry]
    number: int
    is_cut: bool
    newest: int


def events_of(order: Order) -> QuerySet[Event]:
    """The events of an order: of the months that it lived through, not of every month there is."""
    return _between(order).filter(order_id=order.id)


def _between(order: Order) -> QuerySet[Event]:
    first = min(order.first_seen_at, order.placed_at) - MARGIN
    return Event.objects.filter(at__gte=first, at__lte=timezone.now() + MARGIN)


def timeline_of(order: Order, *, is_full: bool) -> Timeline:
    """The history of an order, by its events."""
    events = list(events_of(order).order_by("-id")[: MOST + 1])
    is_cut = len(events) > MOST
    events = events[:MOST]
    people = names_of_actors({event.actor for event in events})
    causes = _Causes(events, _between(order))
    entries: list[Entry] = []
    for event in events:
        telling = telling_of(event.name)
        if telling.is_detail and not is_full:
            continue
        words = telling.words(event.data)
        last = entries[-1] if entries else None
        if last and not is_full and (last.words, last.name) == (words, event.name):
            last.times += 1
            continue
        entries.append(
            Entry(
                id=event.id,
                role=telling.role,
                icon=telling.icon,
                words=words,
                reason=event.reason,
                actor=people.get(event.actor, "")
                if event.actor.startswith(("user", "api"))
                else "",
                at=event.at,
                name=event.name,
                chain=causes.chain_of(event),
            )
        )
    return Timeline(entries, len(events), is_cut, events[0].id if events else 0)


class _Causes:
    """Follows causes from an event down: events, attempts with their calls, inbound messages."""

    def __init__(self, events: Iterable[Event], around: QuerySet[Event]) -> None:
        self._events = {event.id: event for event in events}
        self._around = around
        self._complete()
        causes = [event.cause for event in self._events.values()]
        subjects = {
            event.subject_id
            for event in self._events.values()
            if event.subject_kind == "attempt" and event.subject_id
        }
        attempt_ids = _numbers(causes, "attempt") | subjects
        self._attempts = {row.id: row for row in Attempt.objects.filter(id__in=attempt_ids)}
        self._calls = _calls(attempt_ids)
        message_ids = _numbers(causes, "inbox")
        seen = InboxSeen.objects.filter(message_id=OuterRef("id")).values("repeats")
        rows = InboxMessage.objects.filter(id__in=message_ids).defer("body")
        self._messages = {row.id: row for row in rows.annotate(repeats=Subquery(seen[:1]))}

    def _complete(self) -> None:
        """Fetch causes that belong to no order (a connection's, say), a few levels up."""
        for _ in range(3):
            causes = [event.cause for event in self._events.values()]
            missing = _numbers(causes, "event") - self._events.keys()
            found = self._around.filter(id__in=missing) if missing else ()
            added = {event.id: event for event in found}
            if not added:
                return
            self._events |= added

    def chain_of(self, event: Event) -> list[Link]:
        """The chain of an event, the first cause first; empty where the event has none."""
        links: list[Link] = []
        seen: set[str] = set()
        current: Event | None = event
        while current is not None and len(links) < DEEPEST:
            links.append(self._event_link(current))
            attempt_id = current.subject_id if current.subject_kind == "attempt" else None
            kind, _, number = current.cause.partition(":")
            current = None
            if kind in seen and kind != "event":
                break
            seen.add(kind)
            if attempt_id is not None and kind != "attempt":
                links.extend(self._attempt_links(attempt_id))
            if not number.isdigit():
                break
            match kind:
                case "event":
                    current = self._events.get(int(number))
                case "attempt":
                    links.extend(self._attempt_links(int(number)))
                    current = self._origin(int(number))
                case "inbox":
                    links.append(self._message_link(int(number)))
                case _:
                    pass
        links.reverse()
        return _with_gaps(links) if len(links) > 1 else []

    def _origin(self, attempt_id: int) -> Event | None:
        """What intended an attempt: the event that its intention followed from."""
        for event in self._events.values():
            if event.name == "attempt.intended" and event.subject_id == attempt_id:
                return event
        return None

    def _event_link(self, event: Event) -> Link:
        telling = telling_of(event.name)
        words = telling.words(event.data)
        label = sentence(event.name.split(".")[0])
        return Link(label=label, words=f"{words}. {event.reason}".rstrip(". "), at=event.at)

    def _attempt_links(self, attempt_id: int) -> list[Link]:
        """The calls of an attempt (newest first) and the attempt itself."""
        row = self._attempts.get(attempt_id)
        calls = [
            Link(
                label="Call",
                words=f"{call.status_code or 'no answer'} after {call.duration_ms:,} ms",
                mono=f"{call.method} {call.url}",
                at=call.at,
                chip=None if call.outcome == "ok" else chip_of_call(call),
            )
            for call in self._calls.get(attempt_id, [])
        ]
        if row is None:
            return calls
        return [
            *calls,
            Link(
                label=f"Attempt {row.id}",
                words=row.message or f"generation {row.generation}, fencing token {row.token}",
                mono=row.reference,
                at=row.called_at or row.intended_at,
                chip=chip_of(ATTEMPT, row.status),
            ),
        ]

    def _message_link(self, message_id: int) -> Link:
        row = self._messages.get(message_id)
        if row is None:
            return Link(label="Raw bytes", words=f"m-{message_id}, removed by retention", at=None)
        repeats = getattr(row, "repeats", None) or 0
        again = (
            f", {repeats} {'duplicate' if repeats == 1 else 'duplicates'} ignored"
            if repeats
            else ""
        )
        return Link(
            label="Raw bytes",
            words=f"{row.source} {row.topic}, {row.size:,} bytes{again}",
            mono=f"m-{row.id}",
            at=row.received_at,
            message_id=row.id,
        )


def _numbers(causes: Iterable[str], kind: str) -> set[int]:
    found = (cause.partition(":") for cause in causes)
    return {int(number) for name, _, number in found if name == kind and number.isdigit()}


def _calls(attempt_ids: set[int]) -> Mapping[int, list[CallRecord]]:
    causes = [f"attempt:{number}" for number in attempt_ids]
    found: dict[int, list[CallRecord]] = {}
    for row in CallRecord.objects.filter(cause__in=causes).order_by("-id")[:200]:
        found.setdefault(int(row.cause.partition(":")[2]), []).append(row)
    return found


def _with_gaps(links: list[Link]) -> list[Link]:
    made: list[Link] = []
    before: datetime | None = None
    for link in links:
        gap = ""  # beside it the time of day is shown
        if link.at is not None and before is not None and link.at >= before:
            gap = _gap(link.at - before)
        made.append(
            Link(
                label=link.label,
                words=link.words,
                at=link.at,
                gap=gap,
                mono=link.mono,
                message_id=link.message_id,
                chip=link.chip,
            )
        )
        before = link.at or before
    return made


def _gap(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"+{seconds:.2f} s" if seconds < 10 else f"+{duration_words(span)}"
