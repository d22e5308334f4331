"""The home page: what is owed, what stands still, today's flow, the connections."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from entrepot.dashboard import drawing
from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading import connections, flow, owed, panel, standing
from entrepot.dashboard.reading.owed import Bucket, Promise
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import count_words
from entrepot.intake.tables import as_csv

PERIODS = ((1, "Today"), (7, "7 days"), (30, "30 days"))
SHOWN = 6


@page(scope="orders:read")
def home(request: PageRequest) -> HttpResponse:
    """Show what we owe first, then what stands still, then how things flow."""
    mode = request.visit.mode.value
    days = _period(request.GET.get("days", ""))
    urgent = owed.urgencies(mode)
    causes = standing.causes(mode)
    overdue = urgent[Bucket.OVERDUE].number
    now = timezone.now()
    since = owed.morning_of(now) - timedelta(days=days - 1)
    streamed = panel.read("flow", lambda: flow.flow(mode, since))
    tiles = panel.read("connections", lambda: connections.tiles(mode))
    return show(
        request,
        "home.html",
        {
            "now": now,
            "tiles": [_tile(urgency) for urgency in urgent.values()],
            "met": owed.met_today(mode, overdue=overdue),
            "overdue": owed.promises(mode, Bucket.OVERDUE, limit=SHOWN),
            "overdue_number": overdue,
            "next_due": owed.next_due(mode),
            "causes": standing.summary(causes),
            "standing": sum(cause.number for cause in causes),
            "anchors": {f"hold:{cause.cause}:{cause.about}": cause.anchor for cause in causes},
            "flow": streamed.content,
            "flow_error": streamed.error_id,
            "drawn": drawing.drawn(streamed.content) if streamed.content else [],
            "height": drawing.height_of(streamed.content) if streamed.content else 0,
            "periods": [(number, word, number == days) for number, word in PERIODS],
            "days": days,
            "connections": tiles.content,
            "connections_error": tiles.error_id,
        },
        current="home",
    )


def _period(text: str) -> int:
    return next((number for number, _word in PERIODS if str(number) == text), 1)


def _tile(urgency: owed.Urgency) -> dict[str, Any]:
    kinds = ", ".join(f"{number:,} {word[:1].lower()}{word[1:]}" for word, number in urgency.kinds)
    titles = {
        Bucket.OVERDUE: ("Overdue", "stop", "bad"),
        Bucket.HOUR: ("Due within 1 hour", "clock", "warn"),
        Bucket.TODAY: ("Due later today", "clock", ""),
    }
    title, icon, role = titles[urgency.bucket]
    return {
        "urgency": urgency,
        "title": title,
        "icon": icon,
        "role": role if urgency.number else "",
        "kinds": kinds,
    }


@page(scope="orders:read")
def owed_list(request: PageRequest, bucket: str) -> HttpResponse:
    """List the promises of one urgency, by deadline."""
    chosen = Bucket(bucket)
    after = _after(request.GET.get("after", ""))
    rows = owed.promises(request.visit.mode.value, chosen, limit=51, after=after)
    shown = rows[:50]
    urgent = owed.urgencies(request.visit.mode.value)
    return show(
        request,
        "owed.html",
        {
            "bucket": chosen.value,
            "title": {
                Bucket.OVERDUE: "Overdue",
                Bucket.HOUR: "Due within 1 hour",
                Bucket.TODAY: "Due later today",
                Bucket.LATER: "Due after today",
                Bucket.MET: "Met today",
            }[chosen],
            "promises": shown,
            "after": after,
            "buckets": [
                (name.value, word, urgent[name].number if name in urgent else None)
                for name, word in (
                    (Bucket.OVERDUE, "Overdue"),
                    (Bucket.HOUR, "Within 1 hour"),
                    (Bucket.TODAY, "Later today"),
                    (Bucket.LATER, "After today"),
                    (Bucket.MET, "Met today"),
                )
            ],
            "said": count_words(len(shown), "promise"),
            "next_key": _key(shown[-1], chosen) if len(rows) > len(shown) else "",
        },
        current="home",
    )


@page(scope="orders:read")
def export_owed(request: PageRequest, bucket: str) -> HttpResponse:
    """Save the promises of one urgency as CSV."""
    visit, chosen = request.visit, Bucket(bucket)

    def behind(promise: Promise | None, limit: int) -> list[Promise]:
        after = _place(promise, chosen) if promise else None
        return owed.promises(visit.mode.value, chosen, limit=limit, after=after)

    head = [
        "order", "owed", "due_at", "met_at", "why_it_stands", "customer", "total", "currency",
    ]  # fmt: skip
    return as_csv(
        name_of(visit, f"owed-{chosen}"),
        head,
        rows=(
            (
                promise.number,
                promise.word,
                promise.due_at,
                promise.ended_at,
                promise.problem.words if promise.problem else "",
                promise.customer if visit.sees_people else "",
                promise.total.rounded().amount if promise.total else "",
                promise.total.currency if promise.total else "",
            )
            for promise in all_pages(behind)
        ),
    )


def _place(promise: Promise, bucket: Bucket) -> tuple[datetime, int]:
    """Where a promise stands in the list of its bucket: the next one is behind it."""
    instant = promise.ended_at if bucket == Bucket.MET else promise.due_at
    return instant or promise.due_at, promise.id


def _key(promise: Promise, bucket: Bucket) -> str:
    instant, promise_id = _place(promise, bucket)
    return f"{instant.timestamp():.6f}:{promise_id}"


def _after(text: str) -> tuple[datetime, int] | None:
    seconds, _, number = text.partition(":")
    try:
        return datetime.fromtimestamp(float(seconds), tz=UTC), int(number)
    except (ValueError, OverflowError, OSError):
        return None
