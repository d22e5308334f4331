"""Connections: tiles, one connection with what it would do or does, and its calls."""

from typing import Any

from django.http import Http404, HttpResponse

from entrepot.connect.registry import platform, platforms
from entrepot.connections import queries
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.dashboard.page import page, show, show_part, wants_part
from entrepot.dashboard.reading import connection_page, going_live, observing, shell
from entrepot.dashboard.reading import connections as tiles
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words, listed
from entrepot.dashboard.words_of_states import CONNECTION, chip_of
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import UNDER_WAY
from entrepot.intake.tables import as_csv
from entrepot.orders.models import Order

CALLS_SHOWN = 10
CALLS_PAGE = 50


@page(scope="connections:read")
def connections(request: PageRequest) -> HttpResponse:
    """List the connections of this mode as tiles."""
    visit = request.visit
    shown = tiles.tiles(visit.mode.value)
    rows = Connection.objects.filter(mode=visit.mode).values_list("status", flat=True)
    counted = [
        f"{number:,} {status}" for status in Status.values if (number := list(rows).count(status))
    ]
    return show(
        request,
        "connections.html",
        {
            "tiles": shown,
            "archived": [(row, tiles.platform_name(row.platform)) for row in _archived(visit)],
            "said": listed(counted),
            "may_write": visit.may("connections:write"),
        },
        current="connections",
    )


def _archived(visit: Visit) -> list[Connection]:
    rows = Connection.objects.filter(mode=visit.mode, status=Status.ARCHIVED)
    return list(rows.order_by("name", "id"))


@page(scope="connections:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the connections of this mode as CSV, the removed ones last; no credentials."""
    visit = request.visit
    in_use = [
        (
            tile.name,
            tile.platform,
            tile.chip.word,
            tile.problem,
            tile.read_at,
            tile.useful_at,
            tile.useful_topic,
            tile.calls,
            tile.errors,
            tile.unknown,
            tile.backlog.waiting if tile.backlog else 0,
        )
        for tile in tiles.tiles(visit.mode.value)
    ]
    removed = [
        (row.name, tiles.platform_name(row.platform), "Removed", row.status_reason)
        for row in _archived(visit)
    ]
    head = [
        "name", "platform", "state", "problem", "read_at", "last_news_at", "last_news",
        "calls_in_24_h", "errors_in_24_h", "unknown_in_24_h", "waiting",
    ]  # fmt: skip
    return as_csv(name_of(visit, "connections"), head, rows=[*in_use, *removed])


def found(visit: Visit, connection_id: int) -> Connection:
    """A connection of the merchant in the visit's mode.

    Raises:
        Http404: there is none.
    """
    row = Connection.objects.filter(id=connection_id, mode=visit.mode).first()
    if row is None or row.platform not in platforms():
        raise Http404(f"no connection {connection_id} in {visit.mode} mode")
    return row


@page(scope="connections:read")
def connection(request: PageRequest, connection_id: int) -> HttpResponse:
    """Show one connection: state, what it would do, webhooks, cursors, calls, promises."""
    visit = request.visit
    row = found(visit, connection_id)
    if wants_part(request) and "imports" in request.GET:
        return show_part(request, "imports.html", {"connection": row, **_imports(row)})
    manifest = queries.manifest_of(row)
    sells = bool(manifest.kinds & {"storefront", "payment"})
    preview = None
    if sells and row.status == Status.OBSERVING:
        preview = observing.preview(row, tiles.names())
    urls = {"mappings": shell.address(visit.mode.value, "mappings")}
    return show(
        request,
        "connection.html",
        {
            "connection": row,
            "manifest": manifest,
            "platform": manifest.name,
            "kinds": listed([tiles.KINDS.get(kind, kind) for kind in sorted(manifest.kinds)]),
            "account": row.account.partition(":")[2] or "not known yet",
            "chip": chip_of(dict(CONNECTION), row.status),
            "preview": preview,
            "checks": going_live.checks(row, preview, urls=urls)
            if row.status == Status.OBSERVING
            else [],
            "waiting": observing.waiting_submissions(row)
            if row.status == Status.OBSERVING and not sells
            else 0,
            "stops": queries.open_pauses(mode=visit.mode.value),
            "breaker": connection_page.breaker_of(row),
            "secrets": connection_page.secrets_of(row),
            "guarantees": connection_page.guarantees(manifest),
            "flows": connection_page.flows_of(row),
            "webhooks": connection_page.webhooks_of(row),
            "calls": connection_page.calls_of(row.id, before_id=None, limit=CALLS_SHOWN),
            "quality": connection_page.quality_of(manifest),
            "moves": moves_of(row, visit),
            "may_write": visit.may("connections:write"),
            "numbers": _numbers(row),
            **_imports(row),
        },
        current="connections",
    )


def _imports(row: Connection) -> dict[str, Any]:
    found_imports = connection_page.imports_of(row)
    return {
        "imports": found_imports,
        "is_importing": any(one["is_running"] for one in found_imports),
        "importable": connection_page.importable(row),
    }


def _numbers(row: Connection) -> str:
    """How much of the hub's own hangs on it."""
    kinds = platform(row.platform).manifest.kinds
    words = []
    if kinds & {"storefront", "payment"}:
        number = Order.objects.filter(connection_id=row.id)[:10_000].count()
        words.append(f"{count_words(number, 'order')}{' or more' if number == 10_000 else ''}")
    if "fulfillment" in kinds:
        open_ones = FulfillmentOrder.objects.filter(connection_id=row.id, status__in=UNDER_WAY)
        words.append(f"{count_words(open_ones[:10_000].count(), 'open fulfillment order')}")
    return listed(words)


# (name, words, icon, look, from which statuses)
MOVES = (
    ("go-live", "Go live …", "play", "primary", {Status.OBSERVING}),
    ("resume", "Resume …", "play", "primary", {Status.PAUSED}),
    ("pause", "Pause …", "hand", "", {Status.LIVE}),
    ("observe", "Back to observing …", "eye", "", {Status.LIVE, Status.PAUSED}),
    ("archive", "Remove …", "x", "danger", set(Status) - {Status.ARCHIVED}),
)


def moves_of(row: Connection, visit: Visit) -> list[dict[str, str]]:
    """The moves that its status allows, for those who may make them."""
    if not visit.may("connections:write"):
        return []
    return [
        {"name": name, "words": words, "icon": icon, "look": look}
        for name, words, icon, look, sources in MOVES
        if row.status in sources
    ]


@page(scope="connections:read")
def calls(request: PageRequest, connection_id: int) -> HttpResponse:
    """List what was said to the platform, with what was sent and answered, redacted."""
    row = found(request.visit, connection_id)
    before = number_in(request.GET.get("before", ""))
    rows = connection_page.calls_of(row.id, before_id=before, limit=CALLS_PAGE + 1)
    shown = rows[:CALLS_PAGE]
    return show(
        request,
        "calls.html",
        {
            "connection": row,
            "calls": shown,
            "older": shown[-1]["row"].id if len(rows) > len(shown) else "",
            "is_newest": not before,
        },
        current="connections",
    )


@page(scope="connections:read")
def export_calls(request: PageRequest, connection_id: int) -> HttpResponse:
    """Save the calls of a connection that are kept as CSV, without what was said in them."""
    row = found(request.visit, connection_id)

    def behind(call: dict[str, Any] | None, limit: int) -> list[dict[str, Any]]:
        before = call["row"].id if call else None
        return connection_page.calls_of(row.id, before_id=before, limit=limit)

    return as_csv(
        name_of(request.visit, f"calls-{row.code}"),
        ["at", "connection", "method", "path", "ended", "status_code", "milliseconds"],
        rows=(
            (
                call["row"].at,
                row.name,
                call["row"].method,
                call["path"],
                call["chip"].word,
                call["row"].status_code,
                call["row"].duration_ms,
            )
            for call in all_pages(behind)
        ),
    )
