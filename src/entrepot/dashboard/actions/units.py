"""Which units of one share of an order an action is about."""

from collections.abc import Mapping
from typing import Any

from django import forms

from entrepot.dashboard.actions.action import Case, OnceForm, value_of
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.orders.models import Line


def shares_of(case: Case) -> list[FulfillmentOrder]:
    return list(FulfillmentOrder.objects.filter(order_id=case.order.id).order_by("share"))


def named(case: Case, share: FulfillmentOrder) -> str:
    return name_of_share(share, case.names)


def name_of_share(share: FulfillmentOrder, names: Mapping[int, str]) -> str:
    """A share as people tell it from the others of its order: its provider and its number."""
    return f"{names.get(share.connection_id, 'Provider')}, share {share.share}"


class UnitsField(forms.IntegerField):
    """How many of something; none when it is left empty, which nobody has to be told."""

    is_count = True


class UnitsForm(OnceForm):
    """How many units of each item of one share."""

    def __init__(
        self, data: Any, *, shares: list[tuple[str, str]], items: list[tuple[int, str, int, int]]
    ) -> None:
        super().__init__(data)
        self.fields["share"] = forms.ChoiceField(label="Of which fulfillment order", choices=shares)
        for item_id, title, most, initial in items:
            self.fields[f"units_{item_id}"] = UnitsField(
                label=title, min_value=0, max_value=most, initial=initial, required=False,
                help_text=f"of {most}",
            )  # fmt: skip
        self.order_fields(["share", *(name for name in self.fields if name.startswith("units_"))])

    def units(self) -> dict[int, int]:
        """Item id -> units, those above zero."""
        wanted = {
            int(name.removeprefix("units_")): value_of(self, name) or 0
            for name in self.fields
            if name.startswith("units_")
        }
        return {item_id: units for item_id, units in wanted.items() if units > 0}


def units_form(
    case: Case, data: Any, *, shares: list[FulfillmentOrder], only_left: bool
) -> UnitsForm:
    known = {str(share.id): share for share in shares}
    asked = (data or case.query).get("share", "")
    share = known.get(asked) or shares[0]
    rows = FulfillmentItem.objects.filter(fulfillment_order=share).order_by("position")
    titles = dict(Line.objects.filter(order=case.order).values_list("id", "title"))
    items = []
    for row in rows:
        left = row.quantity - row.units_shipped - row.units_cancelled
        most = left if only_left else row.quantity
        if most > 0:
            items.append((row.id, titles.get(row.line_id, row.sku), most, most if only_left else 0))
    form = UnitsForm(data, shares=[(str(one.id), named(case, one)) for one in shares], items=items)
    form.fields["share"].initial = str(share.id)
    if len(shares) > 1:
        form.fields["share"].widget.attrs["data-preview"] = "all"
    else:
        form.fields["share"].widget = forms.HiddenInput()
    return form


def number_chosen(form: forms.Form) -> int:
    """How many units are chosen as the form stands."""
    return sum(form.units().values()) if isinstance(form, UnitsForm) else 0


def share_chosen(form: forms.Form, shares: list[FulfillmentOrder]) -> FulfillmentOrder:
    asked = str(value_of(form, "share") or form.fields["share"].initial)
    return next((share for share in shares if str(share.id) == asked), shares[0])
