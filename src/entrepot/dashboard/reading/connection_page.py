"""Everything that the page of one connection shows: credentials, webhooks, cursors, calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from entrepot.connect.manifest import Effect, Manifest
from entrepot.connect.registry import platform
from entrepot.connections import cursors, queries, registrations
from entrepot.connections.credentials import SIGNING_NAMES, WEBHOOK_SIGNING
from entrepot.connections.models import (
    CallRecord,
    CircuitBreaker,
    Connection,
    Credential,
    Cursor,
    HistoryImport,
    WebhookRegistration,
)
from entrepot.dashboard.wording import Chip, plain, sentence

# Parameters that sign a call (RFC 5849), and such as only keep an answer out of a cache.
SIGNATURE = ("oauth_", "_")
SIGNING_WORD = "Webhook signing secret"
EFFECT = {
    "submit": "Submissions",
    "cancel": "Cancellations",
    "change_recipient": "Changes of recipient",
    "change_shipping": "Changes of shipping method",
    "refund": "Refunds",
    "write_back": "Write-back",
    "checkout": "Checkouts",
    "capture": "Captures",
    "void": "Voids",
}
CALL = {
    "ok": Chip("good", "check", "OK"),
    "Rejected": Chip("neutral", "x", "Rejected"),
    "Conflict": Chip("neutral", "swap", "Conflict"),
    "OutcomeUnknown": Chip("unknown", "q", "Unknown"),
    "RateLimited": Chip("warn", "clock", "Rate limited"),
}
# An error by its status that the connector gives a meaning to, such as "it is not there".
ANSWERED = Chip("neutral", "check", "Answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by its name: when it was set, and until when a former one is still accepted."""

    name: str
    word: str
    set_at: datetime | None
    former_until: datetime | None
    may_rotate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """What is promised of one kind of effect, in words."""

    word: str
    chip: Chip
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How far one flow has been read."""

    flow: str
    every: timedelta | None
    polled_at: datetime | None
    read_until: datetime | None
    next_at: datetime | None
    failed: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Our webhooks there: topics wanted, registered ones, and why there may be none."""

    wanted: list[str]
    missing: list[str]
    rows: list[WebhookRegistration]
    url: str
    polls_only: str
    refused_in_a_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One line of the platform's quality list."""

    word: str
    chip: Chip
    why: str


def secrets_of(connection: Connection) -> list[Secret]:
    """The connection's secrets, never their values."""
    manifest = queries.manifest_of(connection)
    words = {one.name: one.label for one in manifest.settings if one.type == "secret"}
    if manifest.signs_webhooks and manifest.can("verify"):
        words.setdefault(WEBHOOK_SIGNING, SIGNING_WORD)
    now = timezone.now()
    rows = list(
        Credential.objects.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now), connection=connection
        ).order_by("id")
    )
    current = {row.name: row.created_at for row in rows if row.expires_at is None}
    former = {row.name: row.expires_at for row in rows if row.expires_at is not None}
    return [
        Secret(
            name=name,
            word=word,
            set_at=current.get(name),
            former_until=former.get(name),
            may_rotate=name in SIGNING_NAMES,
        )
        for name, word in words.items()
    ]


def guarantees(manifest: Manifest) -> list[Guarantee]:
    """What the manifest promises, effect by effect."""
    return [
        _guarantee(EFFECT.get(kind, sentence(kind)), effect)
        for kind, effect in manifest.effects.items()
    ]


def _guarantee(word: str, effect: Effect) -> Guarantee:
    if effect.guarantee == "at_most_once_then_ask":
        how = "Never repeated by itself: where the answer was lost, a person looks and says"
        return Guarantee(word=word, chip=Chip("neutral", "ring", "At most once, then ask"), how=how)
    ways = []
    if effect.remembers_key:
        ways.append("the platform remembers our key")
    if effect.lookup_proves_absence:
        minutes = effect.settle_seconds // 60
        settled = f", {minutes} min apart" if minutes else ""
        ways.append(f"we look it up before anything is repeated{settled}")
    how = " and ".join(ways)
    return Guarantee(
        word=word, chip=Chip("good", "check", "Exactly once"), how=how[:1].upper() + how[1:]
    )


def guarantee_line(manifest: Manifest) -> str:
    """The guarantees in one line, for a form."""
    return "; ".join(f"{one.word.lower()} {one.chip.word.lower()}" for one in guarantees(manifest))


def flows_of(connection: Connection) -> list[Flow]:
    """The flows that are read, with how far and how often."""
    known = {row.flow: row for row in Cursor.objects.filter(connection=connection)}
    every = cursors.readable_flows(connection.platform)
    return [
        Flow(
            flow=plain(flow),
            every=every.get(flow),
            polled_at=row.polled_at if row else None,
            read_until=row.read_until if row else None,
            next_at=row.next_poll_at if row else None,
            failed=row.failed_in_a_row if row else 0,
            error=row.last_error if row else "",
        )
        for flow in sorted(every.keys() | known.keys())
        for row in [known.get(flow)]
    ]


def webhooks_of(connection: Connection) -> Webhooks | None:
    """Our webhooks at the platform; None where there are none by nature."""
    manifest = queries.manifest_of(connection)
    if not manifest.can("verify"):
        return None
    rows = list(WebhookRegistration.objects.filter(connection=connection).order_by("external_id"))
    there = {topic for row in rows if row.is_active for topic in row.topics}
    wanted = list(manifest.topics) if manifest.can("subscribe") else []
    polls_only = registrations.polls_only_because(connection, queries.account_of(connection))
    return Webhooks(
        wanted=wanted,
        missing=[] if "*" in there else [topic for topic in wanted if topic not in there],
        rows=rows,
        url=queries.hook_url(connection),
        polls_only=polls_only,
        refused_in_a_row=connection.refused_in_a_row,
    )


def quality_of(manifest: Manifest) -> list[Quality]:
    """The quality list: what is done, what is not, and what cannot apply."""
    return [_quality(name, claim) for name, claim in manifest.quality.items()]


def _quality(name: str, claim: Any) -> Quality:
    if isinstance(claim, dict):
        chip = Chip("neutral", "ring", "Does not apply")
        return Quality(word=sentence(name), chip=chip, why=str(claim["exempt"]))
    if claim == "done":
        return Quality(word=sentence(name), chip=Chip("good", "check", "Done"), why="")
    return Quality(word=sentence(name), chip=Chip("warn", "clock", "Not yet"), why="")


def chip_of_call(call: CallRecord) -> Chip:
    """How a call ended. Its status is said beside it, never in it."""
    if call.outcome == "ok" and (call.status_code or 0) >= 400:
        return ANSWERED
    return CALL.get(call.outcome) or Chip("bad", "stop", sentence(call.outcome))


def calls_of(connection_id: int, *, before_id: int | None, limit: int) -> list[dict[str, Any]]:
    """What was said to the platform, the newest first, with how each call ended."""
    rows = queries.recent_calls(connection_id, limit=limit, before_id=before_id)
    return [
        {
            "row": row,
            "chip": chip_of_call(row),
            "path": path,
            "whole": "" if row.url.endswith(path) else row.url,
        }
        for row in rows
        for path in [_path(row.url)]
    ]


def _path(url: str) -> str:
    """The path and what was asked for; not the signature of the call, new each time."""
    path = "/" + url.split("//", 1)[-1].partition("/")[2] if "//" in url else url
    path, _, query = path.partition("?")
    asked = [pair for pair in query.split("&") if pair and not pair.startswith(SIGNATURE)]
    return f"{path}?{'&'.join(asked)}" if asked else path


def breaker_of(connection: Connection) -> CircuitBreaker | None:
    """The breaker when it is open: the platform does not answer."""
    return CircuitBreaker.objects.filter(connection=connection, opened_at__isnull=False).first()


def imports_of(connection: Connection) -> list[dict[str, Any]]:
    """The connection's history imports, the newest first, with how far each is."""
    rows = HistoryImport.objects.filter(connection=connection).order_by("-id")[:5]
    return [
        {
            "row": row,
            "is_running": row.finished_at is None,
            "share": min(100, 100 * row.done // row.total) if row.total else None,
        }
        for row in rows
    ]


def importable(connection: Connection) -> list[str]:
    """Flows whose history can be read."""
    if platform(connection.platform).manifest.is_built_in:
        return []
    return sorted(cursors.readable_flows(connection.platform))
