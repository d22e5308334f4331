"""What every page shows around its content: counts, pauses, unread news, ways to other rooms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse

from entrepot.access.models import User
from entrepot.connections.models import EffectPause
from entrepot.dashboard import words_of_states
from entrepot.dashboard.reading import standing
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.database import sql

# (name of the URL, word, icon, key of its count)
WORK = (
    ("home", "Home", "home", ""),
    ("orders", "Orders", "list", ""),
    ("attention", "Needs attention", "warn", "attention"),
    ("inbox", "Inbox", "inbox", "parked"),
    ("jobs", "Jobs", "jobs", "deadletters"),
    ("picklists", "Pick lists", "print", ""),
    ("health", "Health", "pulse", "alerts"),
)
SET_UP = (
    ("connections", "Connections", "plug", ""),
    ("mappings", "Mappings", "map", ""),
    ("messages", "Messages", "mail", ""),
    ("settings", "Settings", "gear", ""),
)
TEST = (
    ("sandbox", "Sandbox", "flask", ""),
    ("mailbox", "Mailbox", "mail", ""),
)
GROUPS = (("Work", WORK), ("Set up", SET_UP), ("Test", TEST))


@dataclass(frozen=True, slots=True)
class Way:
    """An entry of the side navigation."""

    url: str
    word: str
    icon: str
    count: int
    is_current: bool
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Something outside that is paused: what, since when, by whom, why, and how much waits."""

    id: int
    what: str
    since: datetime
    by: str
    reason: str
    is_fuse: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """A kind of effect that can be paused, and how much of it waits now."""

    name: str
    word: str
    waiting: int


# Every count rides on a partial index of what is open, which stays small.
_COUNTS = f"""
    WITH {standing.STANDING}
    SELECT
        (SELECT count(*) FROM standing) AS attention,
        (
            SELECT count(*)
            FROM inbox_work AS w
            JOIN inbox_message AS m ON m.id = w.message_id
            WHERE w.is_parked AND m.mode = %(mode)s
        ) AS parked,
        (SELECT count(*) FROM deadletters_dead_letter WHERE status = 'waiting') AS deadletters,
        (
            SELECT count(*)
            FROM monitoring_alert
            WHERE recovered_at IS NULL AND acknowledged_at IS NULL AND mode = %(mode)s
        ) AS alerts,
        (
            SELECT count(*)
            FROM notifications_notification
            WHERE customer_id IS NULL AND read_at IS NULL AND removed_at IS NULL
                AND mode = %(mode)s
        ) AS unread,
        (
            SELECT count(*)
            FROM fulfillment_order
            WHERE status = 'open' AND submit_after <= now() AND NOT is_by_hand AND mode = %(mode)s
        ) AS submissions,
        (
            SELECT count(*) FROM payments_refund WHERE status = 'wanted' AND mode = %(mode)s
        ) AS refunds,
        (
            SELECT count(*)
            FROM notifications_mail
            WHERE status = 'waiting' AND send_after <= now() AND mode = %(mode)s
        ) AS mails,
        (
            SELECT count(*)
            FROM obligations_obligation
            WHERE kind = 'write_back' AND "end" = '' AND mode = %(mode)s
        ) AS write_backs,
        (SELECT effects_paused_reason FROM monitoring_installation) AS standstill
"""  # noqa: S608 -- constants


def counts(mode: str) -> tuple[dict[str, int], str]:
    """What waits, by key: attention, parked, deadletters, alerts, unread, and each flow of effects.

    Read when the page is shown, after whatever its request has changed. Beside them, why nothing
    may leave this installation, "" when it may.
    """
    (row,) = sql.fetch_dicts(_COUNTS, {"mode": mode})
    standstill = row.pop("standstill")
    return row, standstill or ""


def flows(counted: dict[str, int]) -> list[FlowChoice]:
    """The kinds of effects that can be paused, with how much of each waits."""
    return [
        FlowChoice(str(flow), word, counted[str(flow)])
        for flow, word in words_of_states.FLOW.items()
    ]


def stops(mode: str, waiting: list[FlowChoice], *, names: dict[int, str]) -> list[Stop]:
    """What is paused now, the newest first; `names` are connections by id."""
    by_flow = {choice.name: choice.waiting for choice in waiting}
    rows = EffectPause.objects.filter(mode=mode, resumed_at__isnull=True).order_by("-paused_at")
    people = names_of_actors({row.paused_by for row in rows})
    return [
        Stop(
            id=row.id,
            what=_what_stopped(row.flow, names.get(row.connection_id or 0, "")),
            since=row.paused_at,
            by=people.get(row.paused_by, row.paused_by),
            reason=row.reason,
            is_fuse=row.is_fuse,
            waiting=by_flow.get(row.flow, sum(by_flow.values())),
        )
        for row in rows
    ]


def _what_stopped(flow: str, connection: str) -> str:
    what = words_of_states.FLOW[flow] if flow else "All outside effects"  # type: ignore[index]
    return f"{what} ({connection})" if connection else what


def names_of_actors(actors: set[str]) -> dict[str, str]:
    """People's names by actor ("user:3"); machines and schedules by what they are."""
    ids = numbers_in(actor[5:] for actor in actors if actor.startswith("user:"))
    names = {
        f"user:{user_id}": name
        for user_id, name in User.objects.filter(id__in=ids).values_list("id", "name")
    }
    for actor in actors - names.keys():
        kind, _, number = actor.partition(":")
        names[actor] = {
            "system": "Entrepot",
            "api_key": f"API key {number}",
            "schedule": "Entrepot",
            "inbox": "the platform",
            "user": f"person {number}",
        }.get(kind, actor or "Entrepot")
    return names


def ways(
    instance: str, counted: dict[str, int], *, current: str, may_configure: bool
) -> list[dict[str, Any]]:
    """The side navigation: groups of entries whose pages exist, settings for whom they answer."""
    groups = []
    for title, entries in GROUPS:
        found = [
            Way(
                url=url,
                word=word,
                icon=icon,
                count=counted.get(key, 0),
                is_current=name == current,
                is_urgent=key == "attention",
            )
            for name, word, icon, key in entries
            if (url := _way_url(instance, name, may_configure=may_configure))
        ]
        if found:
            groups.append({"title": title, "ways": found})
    return groups


def _way_url(instance: str, name: str, *, may_configure: bool) -> str:
    if name != "settings":
        return address(instance, name)
    return reverse("admin:index") if may_configure else ""


def address(instance: str, name: str, *arguments: object) -> str:
    """The address of a page in a mode; empty while there is no such page."""
    try:
        return reverse(f"dashboard:{name}", args=arguments, current_app=instance)
    except NoReverseMatch:
        return ""
