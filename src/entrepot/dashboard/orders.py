"""The list of orders: filters in the address, saved views, key-set pages, export."""

from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.dashboard import saved_views
from entrepot.dashboard.bulk import SEVERAL
from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading import connections, filters, order_list
from entrepot.dashboard.reading.filters import Filters
from entrepot.dashboard.reading.headline import CHIPS, State
from entrepot.dashboard.reading.order_list import Row
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.words_of_states import HOLD
from entrepot.intake.tables import as_csv

# Counted ones are small sets that a partial index knows.
VIEWS = (
    (State.OVERDUE, True),
    (State.HELD, True),
    (State.UNKNOWN, True),
    (State.DELAYED, True),
    (State.COOLING_OFF, True),
    (State.AWAITING_PAYMENT, False),
    (State.IN_PRODUCTION, False),
    (State.PARTLY_SHIPPED, False),
    (State.SHIPPED, False),
    (State.DELIVERED, False),
)


@page(scope="orders:read")
def orders(request: PageRequest) -> HttpResponse:
    """Show a page of orders."""
    visit = request.visit
    asked = filters.read(request.GET)
    names = connections.names()
    shown = order_list.rows_of(
        visit.mode.value,
        asked,
        names=names,
        sees_people=visit.sees_people,
        older_than=order_list.key_of(request.GET.get("before", "")),
        newer_than=order_list.key_of(request.GET.get("after", "")),
    )
    return show(
        request,
        "orders.html",
        {
            "rows": shown.rows,
            "page": shown,
            "filters": asked,
            "pills": filters.pills(asked, names),
            "views": _views(visit, asked),
            "saved": _saved(visit, asked),
            "choices": _choices(visit, asked),
            "is_filtered": bool(asked.values),
            "missing": connections.silent_storefronts(visit.mode.value),
            "actions": _bulk_actions(visit),
            "may_write": visit.may("orders:write"),
        },
        current="orders",
    )


def _views(visit: Visit, asked: Filters) -> list[dict[str, Any]]:
    views = []
    for state, is_counted in VIEWS:
        wanted = Filters({"state": state.value})
        number = _how_many(visit, wanted) if is_counted else None
        views.append(
            {
                "word": CHIPS[state].word,
                "query": wanted.query,
                "number": number,
                "is_capped": number == order_list.COUNTED,
                "is_current": asked.values == wanted.values,
            }
        )
    return views


def _how_many(visit: Visit, wanted: Filters) -> int:
    return order_list.how_many(visit.mode.value, wanted, sees_people=visit.sees_people)


def _saved(visit: Visit, asked: Filters) -> list[dict[str, Any]]:
    return [
        {
            "view": view,
            "is_own": view.user_id == visit.user.id,
            "is_current": bool(asked.values) and view.query == asked.query,
        }
        for view in saved_views.views_for(visit.user.id)
    ]


def _choices(visit: Visit, asked: Filters) -> list[dict[str, Any]]:
    """What a filter can be set to, for those that have a short list."""
    mode = visit.mode.value
    lists: list[tuple[str, str, list[tuple[str, str]]]] = [
        (
            "storefront",
            "Storefront",
            [
                (str(row.id), row.name)
                for row in [
                    *connections.of_kind(mode, "storefront"),
                    *connections.of_kind(mode, "payment"),
                ]
            ],
        ),
        (
            "provider",
            "Provider",
            [(str(row.id), row.name) for row in connections.of_kind(mode, "fulfillment")],
        ),
        ("hold", "Hold reason", [(kind.value, word) for kind, word in HOLD.items()]),
    ]
    return [
        {"key": key, "word": word, "options": options}
        for key, word, options in lists
        if options and key not in asked.values
    ]


def _bulk_actions(visit: Visit) -> list[tuple[str, str]]:
    words = [(name, several.word) for name, several in SEVERAL.items()]
    return words if visit.may("orders:write") else []


@page(scope="orders:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the orders that match as CSV; names and addresses only for those who may see them."""
    visit = request.visit
    asked, names = filters.read(request.GET), connections.names()

    def behind(row: Row | None, limit: int) -> list[Row]:
        return order_list.rows_of(
            visit.mode.value,
            asked,
            names=names,
            sees_people=visit.sees_people,
            older_than=(row.placed_at, row.id) if row else None,
            limit=limit,
        ).rows

    head = [
        "number", "placed_at", "storefront", "customer", "country", "lines", "total", "currency",
        "state", "order", "payment", "fulfillment", "providers", "next_due", "tags", "problem",
    ]  # fmt: skip
    return as_csv(
        name_of(visit, "orders"),
        head,
        rows=(
            (
                row.number,
                row.placed_at,
                row.storefront,
                row.customer if visit.sees_people else "",
                row.country,
                row.lines,
                row.total.rounded().amount,
                row.total.currency,
                row.chip.word,
                row.status,
                row.payment,
                row.fulfillment,
                ", ".join(row.providers),
                row.due_at,
                ", ".join(row.tags),
                row.problem.words if row.problem else "",
            )
            for row in all_pages(behind)
        ),
    )


@require_POST
@page(scope="orders:read")
def save_view(request: PageRequest) -> HttpResponse:
    """Keep the filters of the list under a name."""
    visit = request.visit
    query = filters.read(_as_mapping(request.POST.get("query", ""))).query
    name = request.POST.get("name", "").strip()
    if name and query:
        saved_views.keep(
            merchant_id=visit.merchant_id,
            user_id=visit.user.id,
            name=name,
            query=query,
            is_shared=bool(request.POST.get("shared")),
        )
        messages.success(request, f"View “{name}” is saved.")
    return HttpResponseRedirect(f"{visit.url('orders')}?{query}")


@require_POST
@page(scope="orders:read")
def remove_view(request: PageRequest, view_id: int) -> HttpResponse:
    """Forget a view of one's own."""
    visit = request.visit
    if not saved_views.forget(view_id, merchant_id=visit.merchant_id, user_id=visit.user.id):
        raise Http404
    messages.success(request, "The view is removed. The orders are not touched.")
    return HttpResponseRedirect(visit.url("orders"))


def _as_mapping(query: str) -> dict[str, str]:
    return dict(parse_qsl(query))
