"""Cancel what has not left, and send units again."""

from typing import Any

from django import forms

from entrepot.canon.money import Money
from entrepot.dashboard.actions.action import (
    Action,
    Case,
    Effect,
    ReasonForm,
    nothing,
    value_of,
)
from entrepot.dashboard.actions.units import (
    UnitsForm,
    named,
    number_chosen,
    share_chosen,
    shares_of,
    units_form,
)
from entrepot.dashboard.wording import count_words, money_words
from entrepot.dashboard.words_of_states import FULFILLMENT_ORDER, chip_of
from entrepot.fulfillment import reship
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.reship import CannotReship, ReshippedMeanwhile
from entrepot.fulfillment.states import Status
from entrepot.orders import services
from entrepot.orders.models import Line
from entrepot.orders.services import CannotChange
from entrepot.payments import payers, refunds
from entrepot.payments.refunds import CannotRefund


class CancelForm(ReasonForm):
    """Why, and the three other choices: none of them is implied by the cancellation."""

    refunds = forms.BooleanField(label="Give back all that is held", required=False)
    restocks = forms.BooleanField(label="With it, tell the storefront to restock", required=False)
    tells_customer = forms.BooleanField(label="Mail the customer: “Cancelled”", required=False)

    def __init__(self, data: Any, *, may_refund: bool, may_restock: bool) -> None:
        super().__init__(data)
        if not may_refund:
            del self.fields["refunds"]
        if not may_refund or not may_restock:
            del self.fields["restocks"]


class CancelOrder(Action):
    """Cancel what has not left; refund, restock and telling are choices of their own."""

    name = "cancel"
    scope = "orders:write"
    is_danger = True
    errors = (CannotChange, CannotRefund)
    keep = "Keep the order"

    def title(self, case: Case) -> str:
        return f"Cancel {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        if case.order.status == "cancelled":
            return f"{case.order.number} is cancelled already."
        if _left(case) <= 0:
            return "Everything has left. Ask for a return, or refund."
        return ""

    def form(self, case: Case, data: Any) -> forms.Form:
        held = payers.refundable(case.order)
        entry = payers.taken_by(case.order)
        may_refund = case.visit.may("refunds:write") and not payers.why_not(entry)
        return CancelForm(
            data,
            may_refund=may_refund and held.amount > 0,
            may_restock=payers.is_paid_at_its_shop(case.order),
        )

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        effects = [effect_on_share(share, named(case, share)) for share in shares_of(case)]
        return [*effects, *_besides(case, form)]

    def verb(self, case: Case, form: forms.Form) -> str:
        return f"Cancel {count_words(_left(case), 'unit')}"

    def perform(self, case: Case, form: forms.Form) -> str:
        lines = Line.objects.filter(order=case.order, removed_at=None)
        units = {line.id: line.quantity - line.units_shipped for line in lines}
        services.cancel_units(
            case.visit.merchant_id,
            case.order.id,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
            tells_customer=form.cleaned_data["tells_customer"],
        )
        held = payers.refundable(case.order)
        if form.cleaned_data.get("refunds") and held.amount > 0:
            refunds.want_refund(
                case.visit.merchant_id,
                case.order.id,
                amount=held,
                by=case.visit.actor,
                reason=form.cleaned_data["reason"],
                units=units,
                restocks=form.cleaned_data.get("restocks", False),
            )
        return f"{case.order.number}: what has not left is being cancelled."


def effect_on_share(share: FulfillmentOrder, name: str) -> Effect:
    """What cancelling its order does to one share."""
    word = chip_of(FULFILLMENT_ORDER, share.status).word.lower()
    match share.status:
        case Status.OPEN | Status.ON_HOLD:
            return Effect("x", f"{name}: withdrawn, nothing was sent", role="good")
        case Status.SUBMITTED | Status.ACCEPTED:
            told = f"{name}: {word}. We ask to cancel, and it may refuse"
            return Effect("truck", told, role="warn")
        case _:
            return nothing("truck", f"{name}: {word}, stays as it is")


def _besides(case: Case, form: forms.Form) -> list[Effect]:
    """What the other three choices do, or that they do nothing."""
    held = payers.refundable(case.order)
    effects = []
    if held.amount > 0:
        effects.append(_refund_with_it(case, form, money_words(held)))
    effects.append(
        Effect("box", "The storefront restocks what is refunded", role="info")
        if is_chosen(form, "refunds") and is_chosen(form, "restocks")
        else nothing("box", "No restock")
    )
    effects.append(
        Effect("mail", "Mail “Cancelled” to the customer", role="info")
        if is_chosen(form, "tells_customer")
        else nothing("mail", "No mail")
    )
    return effects


def _refund_with_it(case: Case, form: forms.Form, words: str) -> Effect:
    if not is_chosen(form, "refunds"):
        return nothing("card", f"No refund: {words} stay held until you give them back")
    if payers.only_notes(payers.taken_by(case.order)):
        return Effect(
            "card", f"The shop notes {words} and moves no money: pay it back there", role="warn"
        )
    return Effect("card", f"{words} go back where they were taken", role="accent")


def is_chosen(form: forms.Form, name: str) -> bool:
    return name in form.fields and bool(value_of(form, name))


def _left(case: Case) -> int:
    lines = Line.objects.filter(order=case.order, removed_at=None)
    return sum(max(line.quantity - line.units_cancelled - line.units_shipped, 0) for line in lines)


class Reship(Action):
    """Send units again, at the merchant's cost."""

    name = "reship"
    scope = "orders:write"
    errors = (CannotReship,)

    def title(self, case: Case) -> str:
        return f"Reship from {case.order.number}"

    def obstacle(self, case: Case) -> str:
        return "" if self._shares(case) else "Nothing of it was made or has left yet."

    def _shares(self, case: Case) -> list[FulfillmentOrder]:
        done = {Status.ACCEPTED, Status.CLOSED}
        return [share for share in shares_of(case) if share.status in done]

    def form(self, case: Case, data: Any) -> forms.Form:
        form = units_form(case, data, shares=self._shares(case), only_left=False)
        form.fields["seen"].initial = reship.last_of(case.order.id)
        return form

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        if not isinstance(form, UnitsForm):
            return []
        units = form.units()
        share = share_chosen(form, self._shares(case))
        effects = [
            Effect(
                "refresh",
                f"{case.names.get(share.connection_id, 'The provider')} makes and sends them again",
                count_words(sum(units.values()), "unit"),
                "accent",
            )
        ]
        cost = _cost(share, units)
        if cost is not None:
            effects.append(
                Effect("card", "About what it costs you, from the last time", money_words(cost))
            )
        else:
            effects.append(Effect("card", "What it costs you is not known before they say"))
        return [
            *effects,
            nothing("card", "The customer is charged nothing and refunded nothing"),
            Effect("mail", "The customer hears when it ships", role="info"),
        ]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return number_chosen(form) > 0

    def verb(self, case: Case, form: forms.Form) -> str:
        number = number_chosen(form)
        return f"Reship {count_words(number, 'unit')}" if number else "Choose units to reship"

    def perform(self, case: Case, form: forms.Form) -> str:
        if not isinstance(form, UnitsForm) or not form.units():
            raise CannotReship("Name at least one unit to send again.")
        share = share_chosen(form, self._shares(case))
        try:
            reship.reship(
                case.visit.merchant_id,
                share.id,
                by=case.visit.actor,
                reason=form.cleaned_data["reason"],
                units=form.units(),
                after=form.cleaned_data["seen"],
            )
        except ReshippedMeanwhile as error:
            form.knows_of(error.last)
            raise
        return f"{count_words(sum(form.units().values()), 'unit')} will be sent again."


def _cost(share: FulfillmentOrder, units: dict[int, int]) -> Money | None:
    """The share's cost in proportion to the units; shipping makes it an estimate."""
    whole = sum(
        FulfillmentItem.objects.filter(fulfillment_order=share).values_list("quantity", flat=True)
    )
    if not whole:
        return None
    # What it charged; before that, what it had said beforehand.
    cost, currency = share.cost, share.cost_currency
    if cost is None:
        cost, currency = share.quoted_cost, share.quote_currency
    return Money(cost * sum(units.values()) / whole, currency).rounded() if cost else None
