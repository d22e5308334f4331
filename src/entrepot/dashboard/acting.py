"""The pages of actions: GET shows the effect, POST does it; the same content as dialog or page."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_POST

from entrepot.access import scope as access_scope
from entrepot.dashboard.actions.action import Action, Case
from entrepot.dashboard.actions.authorized import CapturePayment, VoidPayment
from entrepot.dashboard.actions.erasing import EraseCustomer
from entrepot.dashboard.actions.goods import CancelOrder, Reship
from entrepot.dashboard.actions.holding import HoldOrder, ReleaseOrder
from entrepot.dashboard.actions.methods import ChangeShipping
from entrepot.dashboard.actions.money import RefundMoney
from entrepot.dashboard.actions.packing import AddTracking
from entrepot.dashboard.actions.people import EditAddress, TagOrder
from entrepot.dashboard.actions.whereabouts import SayWhere
from entrepot.dashboard.actions.work import Decide, Refresh, Retry
from entrepot.dashboard.order import found
from entrepot.dashboard.page import at_work, page, refusal, safe_back, show, show_part, wants_part
from entrepot.dashboard.reading import connections
from entrepot.dashboard.visit import PageRequest
from entrepot.orders import services
from entrepot.tasks.pricing import ask_for_prices

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        HoldOrder(),
        ReleaseOrder(),
        CapturePayment(),
        VoidPayment(),
        RefundMoney(),
        CancelOrder(),
        Reship(),
        AddTracking(),
        SayWhere(),
        EditAddress(),
        ChangeShipping(),
        TagOrder(),
        Retry(),
        Refresh(),
        Decide(),
        EraseCustomer(),
    )
}

# What a form says each time by itself.
NOT_KEPT = frozenset({"preview", "back", "csrfmiddlewaretoken"})


@page(scope="orders:read", calls_out=True)
def act(request: PageRequest, key: str, name: str) -> HttpResponse:
    """Preview an action on one order, and do it.

    Where a provider's answer belongs to the preview, it is asked between two transactions.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise Http404(f"no action {name!r}")
    visit = request.visit
    with at_work(visit):
        if not visit.may(action.scope):
            return refusal(request, action.scope)
        case = Case(
            visit=visit, order=found(visit, key), names=connections.names(), query=_query(request)
        )
        obstacle = action.obstacle(case)
        if obstacle:
            return _shown(request, action, case, {"obstacle": obstacle}, status=409)
        question = action.question(case) if request.method == "GET" else None
        if question is None:
            return _answered(request, action, case)
    prices = ask_for_prices(question)
    with at_work(visit):
        return _answered(request, action, replace(case, prices=prices))


def _answered(request: PageRequest, action: Action, case: Case) -> HttpResponse:
    if request.method == "POST":
        form = action.form(case, request.POST)
        if form.is_valid() and (done := _done(action, case, form)):
            messages.success(request, done)
            return HttpResponseRedirect(_back(request, case))
        return _shown(request, action, case, {"form": form}, status=422)
    # A preview that follows the form sends what was typed; the first look has nothing to check.
    form = action.form(case, request.GET if "preview" in request.GET else None)
    forgive_gaps(form)
    return _shown(request, action, case, {"form": form})


def forgive_gaps(form: forms.Form) -> None:
    """Say nothing yet of fields that are still empty: their turn to be typed comes."""
    for name, errors in form.errors.as_data().items():
        if all(error.code == "required" for error in errors):
            del form.errors[name]


def _done(action: Action, case: Case, form: Any) -> str:
    """Do it; a refusal of the service becomes the form's error and changes nothing."""
    try:
        with access_scope.merchant(case.visit.merchant_id, savepoint=True):
            return action.perform(case, form)
    except action.errors as error:
        form.add_error(None, str(error))
        return ""


def _query(request: PageRequest) -> QueryDict:
    """What the address says besides; a form that was sent says it in hidden fields."""
    query = request.GET.copy()
    query.update(request.POST)
    return query


def _back(request: PageRequest, case: Case) -> str:
    return safe_back(request, case.visit.url("order", case.order.id))


def _shown(
    request: PageRequest, action: Action, case: Case, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    form = context.get("form")
    address = case.visit.url("act", case.order.id, action.name)
    shown = {
        "order": case.order,
        "action": action,
        "address": address,
        "title": action.title(case),
        "effects": action.effects(case, form) if form is not None else [],
        "verb": action.verb(case, form) if form is not None else "",
        "waits_for_choice": form is None or not action.is_ready(case, form),
        "back": _back(request, case),
        "kept": [
            (name, value)
            for name, value in case.query.items()
            if name not in NOT_KEPT and (form is None or name not in form.fields)
        ],
        **context,
    }
    if wants_part(request):
        return show_part(request, "dialog.html", shown)
    return show(request, "act.html", shown, current="orders", status=status)


@require_POST
@page(scope="orders:write")
def note(request: PageRequest, key: str) -> HttpResponse:
    """Keep a note for colleagues."""
    visit = request.visit
    row = found(visit, key)
    text = request.POST.get("text", "").strip()[:4000]
    if text:
        services.add_note(visit.merchant_id, row.id, by=visit.actor, text=text)
        messages.success(request, "Note added.")
    return HttpResponseRedirect(f"{visit.url('order', row.id)}#notes")
