"""Give money back."""

from typing import Any

from django import forms

from entrepot.dashboard.actions.action import Action, Case, Effect, nothing, value_of
from entrepot.dashboard.actions.refund_form import RefundForm
from entrepot.dashboard.wording import NONE, count_words, money_words
from entrepot.orders.models import Line
from entrepot.payments import payers, refunds
from entrepot.payments.refunds import CannotRefund, RefundedMeanwhile


class RefundMoney(Action):
    """Give some or all of the money back, where it was taken."""

    name = "refund"
    scope = "refunds:write"
    errors = (CannotRefund,)

    def title(self, case: Case) -> str:
        return f"Refund on {case.order.number}"

    def obstacle(self, case: Case) -> str:
        most = payers.refundable(case.order)
        if most.amount > 0:
            entry = payers.taken_by(case.order)
            why = payers.why_not(entry) if entry else ""
            return f"{why}." if why else ""
        return "Nothing is held of this order: no payment was captured, or all of it went back."

    def form(self, case: Case, data: Any) -> RefundForm:
        return RefundForm(data, order=case.order, most=payers.refundable(case.order))

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        entry = payers.taken_by(case.order)
        where = case.names.get(entry.connection_id, "The gateway") if entry else "The gateway"
        card = f" to the card ending {entry.card_last4}" if entry and entry.card_last4 else ""
        wanted = form.wanted() if isinstance(form, RefundForm) else None
        said = money_words(wanted) if wanted else NONE
        paid = (
            Effect("card", f"{where} notes it and moves no money: pay it back there", said, "warn")
            if payers.only_notes(entry)
            else Effect(
                "card", f"{where} pays back{card}, once: we look first, then send", said, "accent"
            )
        )
        return [
            paid,
            *_goods(form),
            Effect("mail", "Mail “Refund on its way” to the customer", role="info")
            if value_of(form, "tells_customer")
            else nothing("mail", "No mail"),
        ]

    def verb(self, case: Case, form: forms.Form) -> str:
        wanted = form.wanted() if isinstance(form, RefundForm) else None
        return f"Refund {money_words(wanted)}" if wanted else "Refund"

    def perform(self, case: Case, form: forms.Form) -> str:
        amount = form.wanted() if isinstance(form, RefundForm) else None
        if not isinstance(form, RefundForm) or amount is None:
            raise CannotRefund("Say how much goes back.")
        try:
            refunds.want_refund(
                case.visit.merchant_id,
                case.order.id,
                amount=amount,
                by=case.visit.actor,
                reason=form.cleaned_data["reason"],
                units=form.units(),
                restocks=form.cleaned_data.get("restocks", False),
                tells_customer=form.cleaned_data["tells_customer"],
                after=form.cleaned_data["seen"],
            )
        except RefundedMeanwhile as error:
            form.knows_of(error.last)
            raise
        return f"Refund of {money_words(amount)} is on its way."


def _goods(form: forms.Form) -> list[Effect]:
    """What the refund means for the goods: a shop counts units that it paid back as given up."""
    units = form.units() if isinstance(form, RefundForm) else {}
    effects = [nothing("x", "Nothing is cancelled")]
    if "restocks" in form.fields and units:
        unsent = sum(
            min(units[line.id], max(line.quantity - line.units_cancelled - line.units_shipped, 0))
            for line in Line.objects.filter(id__in=units)
        )
        if unsent:
            told = "have not left: the shop counts them as given up, and they are cancelled"
            effects = [Effect("x", f"{count_words(unsent, 'unit')} {told}", role="warn")]
    if units and value_of(form, "restocks"):
        number = count_words(sum(units.values()), "unit")
        return [*effects, Effect("box", "The storefront restocks", number, "info")]
    return [*effects, nothing("box", "Nothing is restocked")]
