"""The two ways out of a payment that belongs to no known order, each with its effect first."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.access import scope as access_scope
from entrepot.canon.money import Money
from entrepot.dashboard.acting import forgive_gaps
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing
from entrepot.dashboard.asking import ask
from entrepot.dashboard.page import page, safe_back
from entrepot.dashboard.reading import connections
from entrepot.dashboard.reading.unmatched import (
    StrayPayment,
    account_of,
    orders_named,
    page_of_strays,
)
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words, money_words, plain
from entrepot.intake.tables import as_csv
from entrepot.orders.models import Order
from entrepot.orders.states import ReleasedBy
from entrepot.payments import unmatched
from entrepot.payments.models import PaymentEntry
from entrepot.payments.unmatched import CannotMatch

MOST_NAMED = 4
BEGINS = {
    ReleasedBy.PAID: "Work on it starts: it is paid",
    ReleasedBy.NOTHING_TO_PAY: "Work on it starts: nothing is left to pay",
    ReleasedBy.TERMS: "Work on it starts: it is on terms",
    ReleasedBy.SOURCE_STATE: "Work on it starts: its shop says so",
}


class MatchForm(ReasonForm):
    """Which order, by whatever people call it, and why."""

    field_order = ("order", "reason")
    order = forms.CharField(
        label="Order",
        max_length=120,
        help_text="Its number, reference, or the shop's id",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, mode: str) -> None:
        super().__init__(data)
        self._mode = mode

    def clean_order(self) -> Order:
        """The one order of that name; of several it asks for the reference."""
        word = self.cleaned_data["order"]
        found = list(orders_named(word, self._mode)[: MOST_NAMED + 1])
        if not found:
            raise forms.ValidationError(f"No {self._mode} order is called “{word}”.", code="none")
        if len(found) > 1:
            names = connections.names()
            said = "; ".join(
                f"{row.reference} ({names.get(row.connection_id, '')})"
                for row in found[:MOST_NAMED]
            )
            told = f"Several orders are called so. Choose by the reference: {said}"
            raise forms.ValidationError(told, code="several")
        return found[0]


@page(scope="payments:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the payments that belong to no known order as CSV."""
    visit, names = request.visit, connections.names()

    def behind(payment: StrayPayment | None, limit: int) -> list[StrayPayment]:
        return page_of_strays(visit.mode.value, names, behind=payment, limit=limit)

    return as_csv(
        name_of(visit, "unmatched-payments"),
        ["taken_at", "amount", "currency", "went_back", "at", "paid_by", "known_as"],
        rows=(
            (
                payment.happened_at,
                payment.amount.rounded().amount,
                payment.amount.currency,
                payment.given_back.rounded().amount if payment.given_back else "",
                payment.account,
                payment.method,
                " ".join(payment.ids),
            )
            for payment in all_pages(behind)
        ),
    )


@page(scope="orders:write")
def match(request: PageRequest, payment_id: int) -> HttpResponse:
    """Preview what a payment does to an order that somebody names, and match it."""
    visit = request.visit
    entry = _found(visit, payment_id)
    back = safe_back(request, visit.url("attention"))
    form = MatchForm(_typed(request), mode=visit.mode.value)
    if request.method == "POST" and form.is_valid():
        order, reason = form.cleaned_data["order"], form.cleaned_data["reason"]
        try:
            with access_scope.merchant(visit.merchant_id, savepoint=True):
                unmatched.match_payment(
                    visit.merchant_id, entry.id, order_id=order.id, by=visit.actor, reason=reason
                )
        except CannotMatch as error:
            form.add_error(None, _sentence(error))
        else:
            paid = money_words(Money(entry.amount, entry.currency))
            messages.success(request, f"{paid} belong to {order.number} now.")
            return HttpResponseRedirect(back)
    chosen = _chosen(form)
    if request.method != "POST":
        forgive_gaps(form)
    return ask(
        request,
        title=f"Match {money_words(Money(entry.amount, entry.currency))} to an order",
        address=visit.url("match-payment", entry.id),
        form=form,
        effects=[_about(entry), *(_effects(entry, chosen) if chosen else [])],
        verb=f"Match to {chosen.number}" if chosen else "Match",
        back=back,
        current="attention",
        obstacle=_obstacle(entry),
    )


@page(scope="orders:write")
def dismiss(request: PageRequest, payment_id: int) -> HttpResponse:
    """Preview the end of a payment that needs nothing, and dismiss it."""
    visit = request.visit
    entry = _found(visit, payment_id)
    back = safe_back(request, visit.url("attention"))
    form = ReasonForm(_typed(request))
    paid = money_words(Money(entry.amount, entry.currency))
    if request.method == "POST" and form.is_valid():
        try:
            with access_scope.merchant(visit.merchant_id, savepoint=True):
                unmatched.dismiss_payment(
                    visit.merchant_id, entry.id, by=visit.actor, reason=form.cleaned_data["reason"]
                )
        except CannotMatch as error:
            form.add_error(None, _sentence(error))
        else:
            messages.success(request, f"{paid} dismissed. The reason is in the journal.")
            return HttpResponseRedirect(back)
    if request.method != "POST":
        forgive_gaps(form)
    return ask(
        request,
        title=f"Dismiss {paid}?",
        address=visit.url("dismiss-payment", entry.id),
        form=form,
        effects=[
            _about(entry),
            Effect("x", "Waits for nobody any more; the ledger keeps it", role="warn"),
            Effect("list", "An order that names it later gets it all the same", role="info"),
            nothing("card", "No money goes back. Refund it at the platform, if it should"),
            nothing("mail", "No mail"),
        ],
        verb="Dismiss",
        back=back,
        current="attention",
        obstacle=_obstacle(entry),
    )


def _found(visit: Visit, payment_id: int) -> PaymentEntry:
    entry = PaymentEntry.objects.filter(
        id=payment_id, mode=visit.mode.value, kind="captured"
    ).first()
    if entry is None or not visit.may("payments:read"):
        raise Http404(f"no payment {payment_id}")
    return entry


def _typed(request: PageRequest) -> Any:
    if request.method == "POST":
        return request.POST
    return request.GET if "preview" in request.GET else None


def _chosen(form: MatchForm) -> Order | None:
    if not form.is_bound:
        return None
    form.is_valid()
    return form.cleaned_data.get("order")


def _obstacle(entry: PaymentEntry) -> str:
    """Why nothing is left to decide about it, "" where there is."""
    if entry.order_id is not None:
        order = Order.objects.get(id=entry.order_id)
        return f"It belongs to order {order.number} by now."
    return "It was dismissed." if entry.dismissed_at is not None else ""


def _about(entry: PaymentEntry) -> Effect:
    account = account_of(entry, connections.names())
    told = f"{entry.payment_external_id} at {account}"
    return Effect("card", told, money_words(Money(entry.amount, entry.currency)))


def _effects(entry: PaymentEntry, order: Order) -> list[Effect]:
    """What the match does to the order's money and to its release."""
    shop = connections.names().get(order.connection_id, "")
    state = "cancelled" if order.status == "cancelled" else plain(order.payment_status)
    total = Money(order.total, order.currency)
    effects = [Effect("list", f"{order.number} at {shop}, {state}", money_words(total))]
    outlook = unmatched.outlook_of(entry, order)
    if outlook.is_in_other_currency:
        told = f"Paid in {entry.currency}, sold in {order.currency}: counts for nothing"
        effects.append(Effect("warn", told, role="warn"))
        effects.append(Effect("hand", "The order is held with these words", role="warn"))
        return [*effects, nothing("mail", "No mail")]
    before = Money(order.amount_captured, order.currency)
    after = Money(outlook.captured, order.currency)
    effects.append(Effect("card", f"Captured: {money_words(before)}, then", money_words(after)))
    if outlook.refunded != order.amount_refunded:
        gone = money_words(Money(outlook.refunded, order.currency))
        effects.append(Effect("card", "Of it went back", gone, "warn"))
    effects.append(_beside_due(order, outlook.captured))
    effects.append(_begins(order, outlook.releases))
    if order.open_holds:
        held = count_words(order.open_holds, "hold")
        effects.append(Effect("hand", "Stays held", held, "warn"))
    return [*effects, nothing("mail", "No mail for the match itself")]


def _beside_due(order: Order, captured: Decimal) -> Effect:
    gap = Money(order.amount_due - captured, order.currency)
    if gap.amount > 0:
        return Effect("clock", "Still to be paid", money_words(gap), "warn")
    if gap.amount < 0:
        over = money_words(Money(-gap.amount, order.currency))
        return Effect("warn", "More than the order costs, by", over, "warn")
    return Effect("check", "Then it is paid in full", role="good")


def _begins(order: Order, releases: str) -> Effect:
    if releases:
        return Effect("play", BEGINS[ReleasedBy(releases)], role="info")
    if order.status != "open":
        return nothing("play", f"Nothing starts: the order is {order.status}")
    if order.released_at is not None:
        return nothing("play", "Nothing starts: work on it was released already")
    if order.is_history:
        return nothing("play", "Nothing starts: it was placed before go-live")
    return nothing("play", "Nothing starts yet")


def _sentence(error: CannotMatch) -> str:
    words = str(error)
    return f"{words[0].upper()}{words[1:]}."
