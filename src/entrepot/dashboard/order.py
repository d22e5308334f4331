"""The page of one order, and what is shown of it on demand."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.dashboard.page import page, show, show_part, wants_part
from entrepot.dashboard.reading import beside, explaining, next_step, order_page, panel, timeline
from entrepot.dashboard.reading.headline import CHIPS
from entrepot.dashboard.reading.next_step import Situation
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.events import outbox
from entrepot.notifications.links import tracking_page, tracking_token
from entrepot.orders.models import Order

BUTTONS = (
    ("hold", "Hold …", "hand", "orders:write", ""),
    ("capture", "Capture …", "card", "payments:write", ""),
    ("void", "Void …", "", "payments:write", ""),
    ("refund", "Refund …", "", "refunds:write", ""),
    ("reship", "Reship …", "", "orders:write", ""),
    ("cancel", "Cancel …", "", "orders:write", "danger"),
)
MORE = (
    ("release", "Release …", "orders:write"),
    ("address", "Edit address …", "orders:write"),
    ("shipping", "Change shipping …", "orders:write"),
    ("tracking", "Add tracking …", "fulfillment:write"),
    ("parcel", "Where is a parcel …", "orders:write"),
    ("retry", "Retry …", "orders:write"),
    ("refresh", "Read again …", "orders:write"),
    ("erase", "Erase customer …", "personal_data:erase"),
)


def found(visit: Visit, key: str) -> Order:
    """The order that an address names: by id, number, or opaque reference; in the visit's mode.

    Raises:
        Http404: there is none, or several have that number.
    """
    rows = Order.objects.filter(mode=visit.mode)
    order_id = number_in(key)
    if order_id is not None:
        by_id = rows.filter(id=order_id).first()
        if by_id is not None:
            return by_id
    named = list(rows.filter(number=key)[:2]) or list(rows.filter(reference=key.upper())[:2])
    if len(named) != 1:
        raise Http404(f"no order {key!r} in {visit.mode} mode")
    return named[0]


@page(scope="orders:read")
def order(request: PageRequest, key: str) -> HttpResponse:
    """Show one order: its state, what next, its lines, money, people, and history."""
    visit = request.visit
    row = found(visit, key)
    if str(row.id) != key:
        return HttpResponseRedirect(visit.url("order", row.id))
    is_full = request.GET.get("timeline") == "full"
    if wants_part(request) and "timeline" in request.GET:
        history = timeline.timeline_of(row, is_full=is_full)
        return show_part(
            request, "timeline.html", {"order": row, "timeline": history, "is_full": is_full}
        )
    return show(request, "order.html", _context(visit, row, is_full=is_full), current="orders")


def _context(
    visit: Visit, row: Order, *, is_full: bool, is_revealed: bool = False
) -> dict[str, Any]:
    situation = explaining.situation_of(row, now=timezone.now())
    names = situation.names
    near = beside.beside(row)
    history = panel.read("timeline", lambda: timeline.timeline_of(row, is_full=is_full))
    return {
        "order": row,
        "storefront": names.get(row.connection_id, ""),
        "chip": CHIPS[situation.state].saying(next_step.headline_words(situation)),
        "source": order_page.source_words(row),
        "difference": order_page.agrees(row),
        "tags": near.tags,
        "next": next_step.next_step(situation),
        "holds": situation.holds,
        "shares": situation.shares,
        "ledger": order_page.ledger_of(row, near, names=names)
        if visit.may("payments:read")
        else None,
        "totals": order_page.totals_of(row, near),
        "mails": order_page.mails_of(row.id) if visit.may("notifications:read") else None,
        "owed": situation.owed,
        "person": order_page.person_of(
            row, near, may_see=visit.sees_people, is_revealed=is_revealed
        ),
        "destination": order_page.destination_of(row, may_see=visit.sees_people),
        "tracking_url": tracking_page(tracking_token(row.merchant_id, row.id))
        if visit.sees_people
        else "",
        "notes": order_page.notes_of(row, near),
        "timeline": history.content,
        "newest_event": history.content.newest if history.content else 0,
        "timeline_error": history.error_id,
        "is_full": is_full,
        "buttons": _buttons(visit, row, situation),
        "more": [action for action in MORE if visit.may(action[2])],
    }


def _buttons(visit: Visit, row: Order, situation: Situation) -> list[tuple[str, ...]]:
    """What can be done with the order: what has ended holds nothing, what left is not cancelled.

    Only what is authorized can be captured, and not for an order that is cancelled.
    """
    barred = {"hold"} if row.status != "open" else set()
    if row.units_ordered <= row.units_cancelled + row.units_shipped:
        barred.add("cancel")
    if situation.authorized is None:
        barred |= {"capture", "void"}
    elif row.status == "cancelled":
        barred.add("capture")
    return [button for button in BUTTONS if visit.may(button[3]) and button[0] not in barred]


@require_POST
@page(scope="personal_data:read")
def reveal(request: PageRequest, key: str) -> HttpResponse:
    """Show the customer's e-mail address and telephone once; the journal keeps who looked."""
    visit = request.visit
    row = found(visit, key)
    outbox.record(
        "customer.revealed",
        merchant_id=visit.merchant_id,
        mode=row.mode,
        order_id=row.id,
        subject=("customer", row.customer_id or 0),
        data={"what": ["email", "phone"]},
    )
    context = _context(visit, row, is_full=False, is_revealed=True)
    if wants_part(request):
        return show_part(request, "customer.html", context)
    messages.success(request, "Shown once. The journal keeps that you looked.")
    return show(request, "order.html", context, current="orders")
