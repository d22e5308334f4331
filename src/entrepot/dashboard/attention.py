"""What stands still, by cause, with a fix that applies to all that wait for the same."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.access import scope as access_scope
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.services import Artwork, BadMapping, MappingWish, map_shipping, map_sku
from entrepot.dashboard.mapping_prices import priced
from entrepot.dashboard.page import at_work, page, show
from entrepot.dashboard.reading import connections, fixes, standing
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.reading.standing import CATEGORIES, Cause
from entrepot.dashboard.spreadsheet import name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wishes import HOW, MapForm, Tried
from entrepot.dashboard.wording import begun, count_words, money_words
from entrepot.deadletters import services as deadletters
from entrepot.fulfillment.pricing import Question, question_of
from entrepot.inbox import services as inbox
from entrepot.inbox.sealing import BodyErased
from entrepot.intake.tables import as_csv
from entrepot.obligations import services as obligations
from entrepot.orders import services as orders
from entrepot.orders.models import Hold, Order
from entrepot.orders.states import HoldKind
from entrepot.tasks.pricing import ask_for_prices


@page(scope="orders:read")
def attention(request: PageRequest) -> HttpResponse:
    """Show every cause as a card, the kinds as tabs."""
    visit = request.visit
    found = standing.causes(visit.mode.value)
    return _shown(request, visit, found)


def _shown(
    request: PageRequest,
    visit: Visit,
    found: list[Cause],
    *,
    tried: Tried | None = None,
    status: int = 200,
) -> HttpResponse:
    kind = request.GET.get("kind", "")
    payment = number_in(request.GET.get("payment", ""))
    shown = [cause for cause in found if not kind or cause.category == kind]
    return show(
        request,
        "attention.html",
        {
            "cards": fixes.cards_of(
                shown[:40], connections.names(), mode=visit.mode.value, payment=payment
            ),
            "hidden": max(len(shown) - 40, 0),
            "kinds": standing.kinds(found),
            "kind": kind if kind in CATEGORIES else "",
            "query": urlencode({"kind": kind}) if kind else "",
            "number": sum(cause.number for cause in found),
            "providers": connections.takers(visit.mode.value),
            "how": [(value.value, word) for value, word in HOW],
            "tried": tried,
            "only": payment,
        },
        current="attention",
        status=status,
    )


@page(scope="orders:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the causes as CSV, those of one kind where one is chosen."""
    visit = request.visit
    kind = request.GET.get("kind", "")
    return as_csv(
        name_of(visit, "attention"),
        ["kind", "cause", "about", "number", "orders", "overdue", "since", "amounts"],
        rows=(
            (
                CATEGORIES[cause.category][0],
                cause.title,
                cause.about,
                cause.number,
                cause.orders,
                cause.overdue,
                cause.since,
                " + ".join(money_words(amount) for amount in cause.amounts),
            )
            for cause in standing.causes(visit.mode.value)
            if not kind or cause.category == kind
        ),
    )


@require_POST
@page(scope="catalog:write", calls_out=True)
def map_unmapped(request: PageRequest) -> HttpResponse:
    """Map a SKU: every order that waits for it goes on, and later ones never stop for it.

    What the provider would charge is shown before the mapping is saved.
    """
    visit = request.visit
    sku = request.POST.get("sku", "")
    form = MapForm(request.POST)
    with at_work(visit):
        question = _question(visit, sku, form)
        is_seen = question is None or request.POST.get("seen") == question.key
        if is_seen and "ask" not in request.POST:
            problem = _mapped(visit, sku, form)
            if not problem:
                return _released(request, "unmapped_sku", sku, f"{sku} is mapped")
            found = standing.causes(visit.mode.value)
            tried = Tried(sku=sku, form=form, problem=problem)
            return _shown(request, visit, found, tried=tried, status=422)
    price = priced(question, ask_for_prices(question)) if question else None
    with at_work(visit):
        tried = Tried(sku=sku, form=form, price=price)
        return _shown(request, visit, standing.causes(visit.mode.value), tried=tried)


def _question(visit: Visit, sku: str, form: MapForm) -> Question | None:
    """What to ask the provider; nothing where the form is at fault or nobody can answer."""
    if not form.is_valid():
        return None
    mode = visit.mode.value
    known = {provider.id for provider in connections.takers(mode)}
    if form.cleaned_data["provider"] not in known:
        return None
    return question_of(visit.merchant_id, sku, wish=form.wish(), mode=mode)


def _mapped(visit: Visit, sku: str, form: MapForm) -> str:
    """Map the SKU as the form says; answers what is wrong with it, or nothing."""
    if not form.is_valid():
        return "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
    try:
        with access_scope.merchant(visit.merchant_id, savepoint=True):
            map_sku(visit.merchant_id, sku, wish=form.wish(), by=visit.actor)
    except BadMapping as error:
        return str(error)
    return ""


@require_POST
@page(scope="catalog:write")
def add_artwork(request: PageRequest) -> HttpResponse:
    """Give a mapped SKU another print file; the orders that wait for it go on."""
    visit = request.visit
    sku, url = request.POST.get("sku", ""), request.POST.get("artwork", "").strip()
    known = SkuMapping.objects.filter(sku=sku).first()
    if known is None or not url.startswith(("https://", "http://")):
        messages.warning(request, f"{sku}: a link that begins with https:// is needed.")
        return HttpResponseRedirect(visit.url("attention"))
    wish = MappingWish(
        kind=known.kind,
        provider_connection_id=known.provider_connection_id,
        provider_sku=known.provider_sku,
        attributes=known.attributes,
        sizing=known.sizing,
        unit_cost=known.unit_cost,
        cost_currency=known.cost_currency,
        bin=known.bin,
        artwork=[Artwork(url=url)],
    )
    map_sku(visit.merchant_id, sku, wish=wish, by=visit.actor)
    return _released(request, "missing_artwork", sku, f"{sku} has another print file")


@require_POST
@page(scope="catalog:write")
def map_method(request: PageRequest) -> HttpResponse:
    """Say what a storefront's shipping method is called at a provider."""
    visit = request.visit
    hold = Hold.objects.filter(
        id=number_in(request.POST.get("hold", "")) or 0, kind=HoldKind.SHIPPING_UNMAPPED
    ).first()
    word = request.POST.get("provider_method", "").strip()
    if hold is None or not word:
        messages.warning(request, "Say what the method is called at the provider.")
        return HttpResponseRedirect(visit.url("attention"))
    map_shipping(
        visit.merchant_id,
        storefront_id=int(hold.data["storefront_id"]),
        provider_connection_id=int(hold.data["provider_connection_id"]),
        method_code=str(hold.data["method_code"]),
        provider_method=word,
    )
    return _released(request, hold.kind, hold.about, f"shipping is “{word}” there")


def _released(request: PageRequest, kind: str, about: str, why: str) -> HttpResponse:
    """Lift the holds of one cause now; the mapping's own job would within seconds."""
    visit = request.visit
    lifted = orders.lift_similar_holds(
        visit.merchant_id, kind=kind, about=about, by=visit.actor, reason=why
    )
    messages.success(request, f"Saved: {why}. {_freed(lifted)}")
    return HttpResponseRedirect(visit.url("attention"))


@require_POST
@page(scope="orders:write")
def lift_similar(request: PageRequest) -> HttpResponse:
    """Lift all holds of one cause, with a reason."""
    visit = request.visit
    reason = request.POST.get("reason", "").strip()
    if not reason or request.POST.get("cause") not in HoldKind.values:
        messages.warning(request, "Say why they are released. Nothing has changed.")
        return HttpResponseRedirect(visit.url("attention"))
    kind = request.POST.get("cause", "")
    lifted = orders.lift_similar_holds(
        visit.merchant_id,
        kind=kind,
        about=request.POST.get("about", "") if kind in standing.TOLD_APART else None,
        mode=visit.mode.value,
        by=visit.actor,
        reason=reason,
    )
    messages.success(request, _freed(lifted))
    return HttpResponseRedirect(visit.url("attention"))


def _freed(order_ids: list[int]) -> str:
    """How many of the orders go on now that a hold of each is lifted, and how many still wait."""
    held = Order.objects.filter(id__in=order_ids, open_holds__gt=0).count()
    words = begun(f"{count_words(len(order_ids) - held, 'order')} released.")
    return f"{words} {count_words(held, 'order')} still held for another reason." if held else words


@require_POST
@page(scope="inbox:replay")
def replay_parked(request: PageRequest) -> HttpResponse:
    """Replay or discard all messages that are parked for the same reason."""
    visit = request.visit
    cause = _cause(visit, "parked", request.POST.get("cause", ""))
    ids = list(cause.subject_ids) if cause else []
    reason = request.POST.get("reason", "").strip()
    if request.POST.get("do") == "discard":
        gone = inbox.discard(ids, merchant_id=visit.merchant_id, reason=reason or "needs nothing")
        messages.success(request, f"{count_words(len(gone), 'message')} discarded.")
        return HttpResponseRedirect(visit.url("attention"))
    try:
        again = inbox.replay(ids, merchant_id=visit.merchant_id, reason=reason)
    except BodyErased as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"{count_words(len(again), 'message')} replayed.")
    return HttpResponseRedirect(visit.url("attention"))


@require_POST
@page(scope="jobs:write")
def replay_letters(request: PageRequest) -> HttpResponse:
    """Replay or discard all work that gave up for the same cause."""
    visit = request.visit
    cause = _cause(visit, "gave_up", request.POST.get("cause", ""))
    ids = list(cause.subject_ids) if cause else []
    act = deadletters.discard if request.POST.get("do") == "discard" else deadletters.replay
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.warning(request, "Say why. Nothing has changed.")
        return HttpResponseRedirect(visit.url("attention"))
    number = act(ids, merchant_id=visit.merchant_id, by=visit.actor, reason=reason)
    word = "discarded" if request.POST.get("do") == "discard" else "replayed"
    messages.success(request, f"{count_words(number, 'dead letter')} {word}.")
    return HttpResponseRedirect(visit.url("attention"))


@require_POST
@page(scope="jobs:write")
def waive(request: PageRequest, obligation_id: int) -> HttpResponse:
    """Let go of a promise, with a reason."""
    visit = request.visit
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.warning(request, "Say why it is let go of.")
        return HttpResponseRedirect(visit.url("attention"))
    obligations.waive(obligation_id, merchant_id=visit.merchant_id, by=visit.actor, reason=reason)
    messages.success(request, "Let go of. It is no longer overdue.")
    return HttpResponseRedirect(visit.url("attention"))


def _cause(visit: Visit, category: str, name: str) -> Cause | None:
    return next(
        (
            cause
            for cause in standing.causes(visit.mode.value)
            if cause.category == category and cause.cause == name
        ),
        None,
    )
