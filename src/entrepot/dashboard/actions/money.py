"""Give money back."""

from decimal import Decimal
from typing import Any

from django import forms

from entrepot.canon.money import Money, exponent_of
from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, nothing, value_of
from entrepot.dashboard.wording import NONE, money_words
from entrepot.payments import refunds
from entrepot.payments.models import PaymentEntry
from entrepot.payments.refunds import CannotRefund


class RefundForm(ReasonForm):
    """How much goes back, why, and what else is wished."""

    field_order = ("amount", "reason", "tells_customer", "restocks")

    tells_customer = forms.BooleanField(
        label="Mail the customer: “Refund on its way”", required=False
    )
    restocks = forms.BooleanField(label="Tell the storefront to restock", required=False)

    def __init__(self, data: Any, *, most: Money) -> None:
        super().__init__(data)
        places = exponent_of(most.currency)
        self.fields["amount"] = forms.DecimalField(
            label=f"Amount in {most.currency}",
            max_digits=16,
            decimal_places=places,
            min_value=Decimal(1).scaleb(-places),
            max_value=most.rounded().amount,
            help_text=f"Up to {money_words(most)} can go back",
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        )
        self.order_fields(self.field_order)


class RefundMoney(Action):
    """Give some or all of the money back, where it was taken."""

    name = "refund"
    scope = "refunds:write"
    errors = (CannotRefund,)

    def title(self, case: Case) -> str:
        return f"Refund on {case.order.number}"

    def obstacle(self, case: Case) -> str:
        most = refunds.refundable(case.order)
        if most.amount > 0:
            return ""
        return "Nothing is held of this order: no payment was captured, or all of it went back."

    def form(self, case: Case, data: Any) -> forms.Form:
        return RefundForm(data, most=refunds.refundable(case.order))

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        entry = (
            PaymentEntry.objects.filter(order_id=case.order.id, kind="captured")
            .order_by("-is_from_gateway", "id")
            .first()
        )
        where = case.names.get(entry.connection_id, "The gateway") if entry else "The gateway"
        card = f" to the card ending {entry.card_last4}" if entry and entry.card_last4 else ""
        wanted = _amount(case, form)
        said = money_words(wanted) if wanted else NONE
        return [
            Effect(
                "card", f"{where} pays back{card}, once: we look first, then send", said, "accent"
            ),
            nothing("box", "Nothing is cancelled")
            if not value_of(form, "restocks")
            else Effect("box", "Nothing is cancelled. The storefront restocks", role="info"),
            Effect("mail", "Mail “Refund on its way” to the customer", role="info")
            if value_of(form, "tells_customer")
            else nothing("mail", "No mail"),
        ]

    def verb(self, case: Case, form: forms.Form) -> str:
        wanted = _amount(case, form)
        return f"Refund {money_words(wanted)}" if wanted else "Refund"

    def perform(self, case: Case, form: forms.Form) -> str:
        amount = Money(form.cleaned_data["amount"], case.order.currency)
        refunds.want_refund(
            case.visit.merchant_id,
            case.order.id,
            amount=amount,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
            restocks=form.cleaned_data["restocks"],
            tells_customer=form.cleaned_data["tells_customer"],
        )
        return f"Refund of {money_words(amount)} is on its way."


def _amount(case: Case, form: forms.Form) -> Money | None:
    amount = value_of(form, "amount")
    return Money(amount, case.order.currency) if isinstance(amount, Decimal) else None
