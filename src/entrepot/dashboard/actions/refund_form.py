"""The form of a refund: an amount, or the price of the units that it is for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Max

from entrepot.canon.money import Money, exponent_of, total_of
from entrepot.dashboard.actions.action import OnceForm, value_of
from entrepot.dashboard.wording import money_words
from entrepot.orders.models import Line, Order, TaxLine
from entrepot.payments.models import Refund
from entrepot.payments.payers import is_paid_at_its_shop


class RefundForm(OnceForm):
    """How much goes back, or for which units; why, and what else is wished."""

    tells_customer = forms.BooleanField(
        label="Mail the customer: “Refund on its way”", required=False
    )
    restocks = forms.BooleanField(label="Tell the storefront to restock the units", required=False)

    def __init__(self, data: Any, *, order: Order, most: Money) -> None:
        super().__init__(data)
        self.most = most
        last = Refund.objects.filter(order_id=order.id).aggregate(last=Max("number"))["last"]
        self.fields["seen"].initial = last or 0
        lines = list(Line.objects.filter(order=order).order_by("position"))
        self.prices = _prices(order, lines)
        for line in lines:
            if line.id in self.prices:
                self.fields[f"units_{line.id}"] = _units_field(line, self.prices[line.id])
        self.fields["amount"] = _amount_field(most, may_be_empty=bool(self.prices))
        if not is_paid_at_its_shop(order):
            del self.fields["restocks"]
        units = [f"units_{line_id}" for line_id in self.prices]
        self.order_fields(["amount", *units, "reason", "tells_customer", "restocks"])

    def units(self) -> dict[int, int]:
        """Line id -> units that the money is for, those above zero."""
        wanted = {line_id: value_of(self, f"units_{line_id}") or 0 for line_id in self.prices}
        return {line_id: count for line_id, count in wanted.items() if count > 0}

    def wanted(self) -> Money | None:
        """What was typed, else the price of the units; nothing where it is neither."""
        typed = value_of(self, "amount")
        if isinstance(typed, Decimal):
            return Money(typed, self.most.currency)
        units = self.units()
        if self["amount"].value() or not units:
            return None
        prices = (self.prices[line_id] * count for line_id, count in units.items())
        return total_of(prices, currency=self.most.currency).rounded()

    def clean(self) -> dict[str, Any]:
        """Something goes back, not more than is held; what is restocked has a number."""
        told = super().clean() or {}
        wanted = self.wanted()
        if "amount" not in self.errors:
            if wanted is None:
                missing = "Type an amount, or say how many units it is for."
                self.add_error("amount", forms.ValidationError(missing, code="required"))
            elif self.most < wanted:
                words = f"The units cost {money_words(wanted)}. {_limit(self.most)}."
                self.add_error("amount", words)
        if told.get("restocks") and not self.units():
            self.add_error(None, "Say how many units the storefront restocks.")
        return told


def _prices(order: Order, lines: Sequence[Line]) -> dict[int, Money]:
    """Line id -> what the customer paid for one unit of those that were not paid back."""
    rows = TaxLine.objects.filter(order=order, is_included=False)
    taxes: dict[str, Decimal] = {}
    for line_external_id, amount in rows.values_list("line_external_id", "amount"):
        taxes[line_external_id] = taxes.get(line_external_id, Decimal(0)) + amount
    return {
        line.id: Money(
            (line.total + taxes.get(line.external_id, 0)) / line.quantity, order.currency
        )
        for line in lines
        if line.quantity > line.units_refunded
    }


def _units_field(line: Line, price: Money) -> forms.IntegerField:
    left = line.quantity - line.units_refunded
    return forms.IntegerField(
        label=f"Units of {line.title or line.sku}",
        min_value=0,
        max_value=left,
        initial=0,
        required=False,
        help_text=f"of {left}, {money_words(price.rounded())} each",
        error_messages={"max_value": f"{left} at most.", "invalid": "A whole number."},
    )


def _amount_field(most: Money, *, may_be_empty: bool) -> forms.DecimalField:
    places = exponent_of(most.currency)
    limit = _limit(most)
    return forms.DecimalField(
        label=f"Amount in {most.currency}",
        max_digits=16,
        decimal_places=places,
        min_value=Decimal(1).scaleb(-places),
        max_value=most.rounded().amount,
        required=False,
        help_text=f"{limit}. Empty: the price of the units below" if may_be_empty else limit,
        error_messages={
            "invalid": "An amount in digits, as in 12.50.",
            "max_value": f"{limit}.",
        },
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def _limit(most: Money) -> str:
    return f"Up to {money_words(most)} can go back"
