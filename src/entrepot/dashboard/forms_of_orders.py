"""The form of an order that is typed in: its fields, its lines, and what they say as an order."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from pydantic import ValidationError

from entrepot.canon.money import Money, NotMoney
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.wording import countries
from entrepot.intake.handing_over import NAME
from entrepot.intake.new_orders import NewOrder
from entrepot.intake.soundness import CURRENCIES

FIRST_LINES, MORE_LINES, MOST_LINES = 3, 3, 100
PAYMENTS = (
    ("paid", "Paid already"),
    ("unpaid", "Not paid yet: wait for the money"),
    ("on_terms", "On terms: ship now, paid later"),
    ("not_required", "Nothing to pay"),
)
# Fields that stand together on the page.
GROUPS = (
    ("Customer", ("name", "company", "email", "phone")),
    ("Address", ("line1", "line2", "postal_code", "city", "region", "country")),
)
MONEY = (
    ("Shipping", ("shipping_method", "shipping_title", "shipping_price")),
    ("Payment", ("payment", "payment_title")),
    ("Note", ("note",)),
)
OWN = "own"  # the merchant's own store, which its first order makes
# Which field of the form a part of an order was typed into.
FIELD_OF = {"price": "shipping_price", "method": "shipping_method", "title": "shipping_title"}


def _amount(**more: Any) -> forms.RegexField:
    return forms.RegexField(
        r"^\d{1,13}(\.\d{1,4})?$",
        error_messages={"invalid": "An amount in digits, as in 12.50."},
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        **more,
    )


class OrderForm(forms.Form):
    """Everything about the order but its lines. `saying` makes two clicks one order."""

    saying = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput())
    store = forms.ChoiceField(label="Store")
    number = forms.CharField(
        label="Order number", max_length=60, required=False, help_text="Empty: we make one"
    )
    currency = forms.CharField(
        label="Currency", max_length=3, help_text="Three letters, as in EUR",
        widget=forms.TextInput(attrs={"autocapitalize": "characters"}),
    )  # fmt: skip
    name = forms.CharField(label="Name", max_length=200)
    company = forms.CharField(label="Company", max_length=200, required=False)
    email = forms.EmailField(
        label="E-mail address", max_length=250, required=False,
        help_text="Without one the customer gets no mail",
    )  # fmt: skip
    phone = forms.CharField(label="Telephone", max_length=60, required=False)
    line1 = forms.CharField(label="Street and number", max_length=200)
    line2 = forms.CharField(label="Address, second line", max_length=200, required=False)
    postal_code = forms.CharField(label="Postal code", max_length=30, required=False)
    city = forms.CharField(label="City", max_length=120)
    region = forms.CharField(label="Region or state", max_length=120, required=False)
    country = forms.ChoiceField(label="Country", choices=countries)
    shipping_method = forms.CharField(
        label="Shipping method", max_length=120, required=False,
        help_text="As under Mappings; empty if every method is mapped with *",
    )  # fmt: skip
    shipping_title = forms.CharField(
        label="As the customer reads it", max_length=200, required=False
    )
    shipping_price = _amount(label="Shipping price", required=False, help_text="Empty: nothing")
    payment = forms.ChoiceField(label="Payment", choices=PAYMENTS, widget=forms.RadioSelect())
    payment_title = forms.CharField(
        label="Paid how", max_length=120, required=False, help_text="Bank transfer, cash …"
    )
    note = forms.CharField(
        label="What the customer said", max_length=4000, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(
        self,
        data: Any = None,
        *,
        own: Connection | None,
        further: Sequence[Connection],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial={"saying": uuid.uuid4().hex, **(initial or {})})
        self.use_required_attribute = False  # faults are said by the page, all at once
        field = self.fields["store"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [
                (OWN, _named(own) if own else NAME),
                *((str(store.id), _named(store)) for store in further),
            ]

    def clean_currency(self) -> str:
        """One that exists: an order in another could never be paid."""
        code = str(self.cleaned_data["currency"]).strip().upper()
        if code not in CURRENCIES:
            raise forms.ValidationError("No such currency: three letters, as in EUR.")
        return code

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        fault = money_fault(told.get("shipping_price", ""), told.get("currency", ""))
        if fault:
            self.add_error("shipping_price", fault)
        return told

    @property
    def store_id(self) -> int | None:
        """The store that was chosen; None for the merchant's own."""
        chosen = self.cleaned_data["store"]
        return None if chosen == OWN else int(chosen)

    @property
    def external_id(self) -> str:
        """The order's identity for ever, from the act of typing it in."""
        digits = base64.b32encode(bytes.fromhex(self.cleaned_data["saying"])).decode()
        return f"H-{digits[:10]}"


class LineForm(forms.Form):
    """One line of an order; one that is left empty is none."""

    sku = forms.CharField(label="SKU", max_length=200)
    title = forms.CharField(
        label="Title", max_length=300, required=False,
        widget=forms.TextInput(attrs={"placeholder": "As the SKU"}),
    )  # fmt: skip
    quantity = forms.IntegerField(
        label="Quantity", min_value=1, max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": "A whole number."},
    )  # fmt: skip
    unit_price = _amount(label="Price of one")

    def __init__(self, data: Any = None, *, at: int, initial: dict[str, Any] | None = None) -> None:
        super().__init__(
            data, prefix=f"line-{at}", initial=initial, empty_permitted=True,
            use_required_attribute=False,
        )  # fmt: skip

    def agree(self, currency: str) -> bool:
        """Whether the price can be in a currency; blames its field if not."""
        fault = money_fault(self.cleaned_data.get("unit_price", ""), currency)
        if fault:
            self.add_error("unit_price", fault)
        return not fault

    def line(self) -> dict[str, Any]:
        """What it says, as a part of an order."""
        told = self.cleaned_data
        return {**told, "title": told["title"] or told["sku"]}


def money_fault(amount: str, currency: str) -> str:
    """What is wrong with an amount in a currency; nothing where either is missing."""
    if not amount or not currency:
        return ""
    try:
        assert isinstance(Money.of(amount, currency).minor, int)
    except NotMoney as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    return ""


def lines_of(data: Mapping[str, Any]) -> list[LineForm]:
    """The lines as they were sent, each to be checked."""
    return [LineForm(data, at=at) for at in range(_number(data))]


def lines_again(data: Mapping[str, Any]) -> list[LineForm]:
    """The lines as they were typed, and some more, without a word about faults."""
    number = min(_number(data) + MORE_LINES, MOST_LINES)
    names = list(LineForm.base_fields)
    return [
        LineForm(at=at, initial={name: data.get(f"line-{at}-{name}", "") for name in names})
        for at in range(number)
    ]


def _number(data: Mapping[str, Any]) -> int:
    sent = number_in(str(data.get("lines", "")))
    return FIRST_LINES if sent is None else min(sent, MOST_LINES)


def order_of(form: OrderForm, lines: Sequence[LineForm]) -> NewOrder | None:
    """What the form asks for; None where it is at fault, which its fields say then."""
    is_whole = form.is_valid()
    filled = [line for line in lines if line.is_valid() and line.has_changed()]
    is_whole &= all(line.is_valid() for line in lines)
    if not any(line.has_changed() for line in lines):
        form.add_error(None, "An order has at least one line: fill the first.")
        return None
    currency = form.cleaned_data.get("currency", "")
    disagreeing = [line for line in filled if not line.agree(currency)]
    if disagreeing or not is_whole:
        return None
    try:
        return NewOrder.model_validate(_content(form, filled))
    except ValidationError as error:
        for fault in error.errors():
            name = FIELD_OF.get(str(fault["loc"][-1]), str(fault["loc"][-1]))
            form.add_error(name if name in form.fields else None, fault["msg"])
        return None


def _content(form: OrderForm, lines: Sequence[LineForm]) -> dict[str, Any]:
    told = form.cleaned_data
    places = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country")
    return {
        "external_id": form.external_id,
        "number": told["number"],
        "currency": told["currency"],
        "payment": told["payment"],
        "payment_title": told["payment_title"],
        "customer": {name: told[name] for name in ("email", "name", "phone", "company")},
        "shipping_address": {"phone": told["phone"], **{name: told[name] for name in places}},
        "shipping": {
            "method": told["shipping_method"],
            "title": told["shipping_title"],
            "price": told["shipping_price"] or "0",
        },
        "lines": [line.line() for line in lines],
        "note": told["note"],
    }


def _named(store: Connection) -> str:
    is_live = store.status == Status.LIVE
    return store.name if is_live else f"{store.name} ({Status(store.status).label.lower()})"
