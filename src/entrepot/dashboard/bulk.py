"""One action on several orders: each with its own effect in the preview, and its own result."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.access import scope as access_scope
from entrepot.dashboard.acting import forgive_gaps
from entrepot.dashboard.actions.cancelling import CancelSeveral
from entrepot.dashboard.actions.several import (
    Crowd,
    HoldSeveral,
    Outlook,
    ReleaseSeveral,
    RetrySeveral,
    Several,
    TagSeveral,
)
from entrepot.dashboard.page import page, safe_back, show, show_part, wants_part
from entrepot.dashboard.reading import connections, headline
from entrepot.dashboard.reading.headline import CHIPS
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import Chip, begun, count_words
from entrepot.orders.models import Order

MOST = 200
SEVERAL: dict[str, type[Several]] = {
    several.name: several
    for several in (HoldSeveral, ReleaseSeveral, RetrySeveral, TagSeveral, CancelSeveral)
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What a bulk action means for one order."""

    order: Order
    chip: Chip
    outlook: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one order: done, or not; either may leave something to look at."""

    order: Order
    chip: Chip
    words: str
    is_done: bool
    needs_look: bool


@page(scope="orders:write")
def bulk(request: PageRequest, name: str) -> HttpResponse:
    """Preview an action on the chosen orders, and do it to those that it applies to."""
    if name not in SEVERAL:
        raise Http404(f"no action {name!r} on several orders")
    visit = request.visit
    asked = request.POST if request.method == "POST" else request.GET
    ids = numbers_in(asked.getlist("order")[:MOST])
    back = safe_back(request, visit.url("orders"))
    rows = list(Order.objects.filter(id__in=ids, mode=visit.mode).order_by("-placed_at", "-id"))
    if not rows:
        messages.info(request, "Select at least one order first.")
        return HttpResponseRedirect(back)
    crowd = Crowd(visit=visit, orders=rows, names=connections.names(), query=asked)
    several = SEVERAL[name](crowd)
    # A preview that follows the form sends what was typed; the first look has nothing to check.
    is_sent = request.method == "POST" or "preview" in request.GET
    form = several.form(asked if is_sent else None)
    if request.method == "POST" and form.is_valid():
        return _told(request, several, results_of(several, form), back)
    if request.method != "POST":
        forgive_gaps(form)
    return _previewed(request, several, form, back)


def _previewed(request: PageRequest, several: Several, form: forms.Form, back: str) -> HttpResponse:
    rows = several.crowd.orders
    states = headline.states_of([row.id for row in rows])
    fates = [Fate(row, CHIPS[states[row.id]], several.outlook(row)) for row in rows]
    applies = sum(fate.outlook.applies for fate in fates)
    context: dict[str, Any] = {
        "action": several,
        "address": request.visit.url("bulk", several.name),
        "title": f"{several.word} {count_words(len(rows), 'order')}?",
        "verb": f"{several.word} {count_words(applies, 'order')}",
        "fates": fates,
        "applies": applies,
        "effects": several.effects(form),
        "kept": several.kept(),
        "form": form,
        "back": back,
    }
    if wants_part(request):
        return show_part(request, "bulk_dialog.html", context)
    return show(request, "bulk.html", context, current="orders", status=422 if form.errors else 200)


def results_of(several: Several, form: forms.Form) -> list[Result]:
    """Act on each order in key order, each in a savepoint of its own; the newest is told first."""
    told: dict[int, tuple[str, bool, bool]] = {}
    for order in sorted(several.crowd.orders, key=lambda one: one.id):
        outlook = several.outlook(order)
        if not outlook.applies:
            told[order.id] = (f"Left as it was: {outlook.words}.", False, False)
            continue
        try:
            with access_scope.merchant(several.crowd.visit.merchant_id, savepoint=True):
                done = several.perform(order, form)
        except several.errors as error:
            told[order.id] = (begun(f"{error}."), False, True)
        else:
            told[order.id] = (f"{begun(done.words)}.", True, not done.is_all)
    states = headline.states_of(told)
    return [
        Result(
            order=order,
            chip=CHIPS[states[order.id]],
            words=told[order.id][0],
            is_done=told[order.id][1],
            needs_look=told[order.id][2],
        )
        for order in several.crowd.orders
    ]


def _told(request: PageRequest, several: Several, results: list[Result], back: str) -> HttpResponse:
    """Back to the list where all went as chosen, else what happened to each."""
    done = sum(result.is_done for result in results)
    as_chosen = all(result.is_done and not result.needs_look for result in results)
    if as_chosen and not several.tells_each:
        messages.success(request, f"{several.word}: {count_words(done, 'order')} done.")
        return HttpResponseRedirect(back)
    said = f"{done:,} of {count_words(len(results), 'order')} done"
    context = {"title": f"{several.word}: {said}", "results": results, "back": back}
    return show(request, "bulk_done.html", context, current="orders")
