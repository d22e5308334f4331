"""One action on several orders: each with its own effect in the preview, and its own result."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.access import scope as access_scope
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing, value_of
from entrepot.dashboard.actions.people import TagForm
from entrepot.dashboard.page import page, safe_back, show, show_part, wants_part
from entrepot.dashboard.reading import headline
from entrepot.dashboard.reading.headline import CHIPS
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import Chip, count_words
from entrepot.orders import services
from entrepot.orders.holds import lift_holds
from entrepot.orders.models import Hold, Order
from entrepot.orders.services import CannotChange
from entrepot.orders.states import HoldKind

MOST = 200


@dataclass(frozen=True, slots=True)
class Fate:
    """What a bulk action means for one order."""

    order: Order
    chip: Chip
    words: str
    applies: bool


class BulkTagForm(TagForm):
    """Words to add to all of them."""

    tags = forms.CharField(label="Tags to add", max_length=300, help_text="Separated by commas")


VERBS = {"hold": "Hold", "release": "Release", "tag": "Tag"}


@page(scope="orders:write")
def bulk(request: PageRequest, name: str) -> HttpResponse:
    """Preview an action on the chosen orders, and do it to those that it applies to."""
    if name not in VERBS:
        raise Http404(f"no action {name!r} on several orders")
    visit = request.visit
    asked = request.POST if request.method == "POST" else request.GET
    ids = numbers_in(asked.getlist("order")[:MOST])
    back = safe_back(request, visit.url("orders"))
    rows = list(Order.objects.filter(id__in=ids, mode=visit.mode).order_by("-placed_at", "-id"))
    if not rows:
        messages.info(request, "Select at least one order first.")
        return HttpResponseRedirect(back)
    fates = _fates(name, rows, by=visit.actor)
    form = _form(name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        done, refused = _perform(name, visit, [fate.order for fate in fates if fate.applies], form)
        messages.success(request, f"{VERBS[name]}: {count_words(done, 'order')} done.")
        for words in refused[:5]:
            messages.warning(request, words)
        return HttpResponseRedirect(back)
    applies = sum(fate.applies for fate in fates)
    context: dict[str, Any] = {
        "name": name,
        "title": f"{VERBS[name]} {count_words(len(rows), 'order')}?",
        "verb": f"{VERBS[name]} {count_words(applies, 'order')}",
        "fates": fates,
        "applies": applies,
        "effects": _effects(name, form),
        "form": form,
        "back": back,
    }
    if wants_part(request):
        return show_part(request, "bulk_dialog.html", context)
    return show(request, "bulk.html", context, current="orders", status=422 if form.errors else 200)


def _form(name: str, data: Any) -> forms.Form:
    return BulkTagForm(data) if name == "tag" else ReasonForm(data)


def _effects(name: str, form: forms.Form) -> list[Effect]:
    match name:
        case "hold":
            return [
                nothing("truck", "What a provider has already goes on"),
                nothing("mail", "No mail. Nothing is cancelled or refunded"),
            ]
        case "release":
            return [
                Effect("play", "Lifts every open hold of each, whatever its reason", role="warn"),
                nothing("mail", "No mail until something ships"),
            ]
        case _:
            typed = value_of(form, "tags") or ""
            known = "Tags they have stay" if not typed else f"Tags they have stay beside “{typed}”"
            return [nothing("swap", known)]


def _fates(name: str, rows: list[Order], *, by: str) -> list[Fate]:
    ids = [row.id for row in rows]
    states = headline.states_of(ids)
    held = Hold.objects.filter(order__in=ids, kind=HoldKind.PERSON, about=by, lifted_at=None)
    mine = set(held.values_list("order_id", flat=True))
    return [
        Fate(row, CHIPS[states[row.id]], *_fate(name, row, is_mine=row.id in mine)) for row in rows
    ]


def _fate(name: str, row: Order, *, is_mine: bool) -> tuple[str, bool]:
    match name:
        case "hold" if row.status != "open":
            return f"is {row.status}, nothing to hold", False
        case "hold" if is_mine:
            return "is held by you already", False
        case "hold":
            return "will not proceed until released", True
        case "release" if not row.open_holds:
            return "is not held", False
        case "release":
            return f"{count_words(row.open_holds, 'hold')} lifted", True
        case _:
            return "gains the tags", True


def _perform(name: str, visit: Visit, rows: list[Order], form: forms.Form) -> tuple[int, list[str]]:
    """Act on each order in key order, each in a savepoint of its own; what is refused is told."""
    done, refused = 0, []
    for row in sorted(rows, key=lambda order: order.id):
        try:
            with access_scope.merchant(visit.merchant_id, savepoint=True):
                _act(name, visit, row, form)
        except CannotChange as error:
            refused.append(f"{row.number}: {error}")
        else:
            done += 1
    return done, refused


def _act(name: str, visit: Visit, row: Order, form: forms.Form) -> None:
    merchant_id, by = visit.merchant_id, visit.actor
    match name:
        case "hold":
            services.hold_order(merchant_id, row.id, by=by, reason=form.cleaned_data["reason"])
        case "release":
            lift_holds(by=by, reason=form.cleaned_data["reason"], order_ids=[row.id])
        case _:
            words = form.words() if isinstance(form, TagForm) else []
            services.change_tags(merchant_id, row.id, by=by, added=words)
