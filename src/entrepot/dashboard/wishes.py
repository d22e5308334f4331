"""What a SKU that is not mapped is to become: as its card proposes, or as somebody typed it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.dashboard.mapping_prices import Price
from entrepot.dashboard.reading.fixes import Card
from entrepot.dashboard.reading.numbers import number_in

HOW = (
    (MappingKind.PROVIDER, "Provider’s product"),
    (MappingKind.BY_HAND, "By hand"),
    (MappingKind.ELSEWHERE, "Elsewhere"),
    (MappingKind.NOTHING, "Nothing to ship"),
)


class MapForm(forms.Form):
    """What a SKU becomes. A provider's product needs the provider and its SKU."""

    kind = forms.ChoiceField(choices=HOW, initial=MappingKind.PROVIDER)
    provider = forms.IntegerField(required=False)
    provider_sku = forms.CharField(max_length=120, required=False)
    sizing = forms.CharField(max_length=60, required=False)
    artwork = forms.URLField(max_length=2000, required=False, assume_scheme="https")
    unit_cost = forms.DecimalField(max_digits=16, decimal_places=4, required=False)

    def wish(self) -> MappingWish:
        """What the form asks for, as the catalog wants it."""
        told = self.cleaned_data
        is_provider = told["kind"] == MappingKind.PROVIDER
        cost: Decimal | None = told["unit_cost"]
        return MappingWish(
            kind=told["kind"],
            provider_connection_id=told["provider"] if is_provider else None,
            provider_sku=told["provider_sku"] if is_provider else "",
            sizing=told["sizing"] if is_provider else "",
            unit_cost=cost,
            artwork=[Artwork(url=told["artwork"])] if is_provider and told["artwork"] else [],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What somebody wants a SKU to become: what is wrong with it, or what it would cost."""

    sku: str
    form: MapForm
    problem: str = ""
    price: Price | None = None


def shown(card: Card, tried: Tried | None) -> dict[str, Any]:
    """What stands in the fields of a card, and beside them a fault or a price."""
    if tried is not None and tried.sku == card.cause.about:
        typed = {name: tried.form[name].value() or "" for name in tried.form.fields}
        provider = number_in(str(typed["provider"]))
        return {**typed, "provider": provider, "problem": tried.problem, "price": tried.price}
    like = card.sold.like if card.sold else None
    return {
        "kind": MappingKind.PROVIDER.value,
        "provider": like.provider_connection_id if like else None,
        "provider_sku": like.provider_sku if like else "",
        "sizing": like.sizing if like else "",
        "artwork": "",
    }
