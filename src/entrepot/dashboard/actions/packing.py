"""Say what a person packed and handed over."""

from typing import Any

from django import forms
from django.utils import timezone

from entrepot.connections.models import Connection
from entrepot.connections.queries import manifest_of
from entrepot.dashboard.actions.action import Action, Case, Effect, nothing, value_of
from entrepot.dashboard.actions.units import (
    UnitsForm,
    number_chosen,
    share_chosen,
    shares_of,
    units_form,
)
from entrepot.dashboard.wording import count_words
from entrepot.fulfillment import shipping
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.shipping import CannotShip, Leaving
from entrepot.fulfillment.states import Status


class TrackingForm(forms.Form):
    """What left, with whom, under which number."""

    carrier = forms.CharField(label="Carrier", max_length=60)
    tracking_number = forms.CharField(label="Tracking number", max_length=80, required=False)
    tracking_url = forms.URLField(
        label="Tracking link", required=False, assume_scheme="https", max_length=500
    )


class AddTracking(Action):
    """Say what a person packed and handed over."""

    name = "tracking"
    scope = "fulfillment:write"
    errors = (CannotShip,)

    def title(self, case: Case) -> str:
        return f"Add tracking to {case.order.number}"

    def obstacle(self, case: Case) -> str:
        if self._shares(case):
            return ""
        return (
            "No share of it is shipped by hand, or all of it has left. Providers tell themselves."
        )

    def _shares(self, case: Case) -> list[FulfillmentOrder]:
        waiting = {Status.OPEN, Status.ACCEPTED}
        return [row for row in shares_of(case) if row.is_by_hand and row.status in waiting]

    def form(self, case: Case, data: Any) -> forms.Form:
        units = units_form(case, data, shares=self._shares(case), only_left=True)
        for name, field in TrackingForm.base_fields.items():
            units.fields[name] = field
        del units.fields["reason"], units.fields["seen"]
        units.order_fields(["share", "carrier", "tracking_number", "tracking_url"])
        return units

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        units = count_words(number_chosen(form), "unit")
        return [
            Effect("truck", "Recorded as shipped", units, "good"),
            _storefront(case, is_tracked=bool(value_of(form, "tracking_number"))),
            Effect("mail", "The customer is told, as the storefront’s senders say", role="info"),
        ]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return number_chosen(form) > 0

    def verb(self, case: Case, form: forms.Form) -> str:
        number = number_chosen(form)
        words = f"Record {count_words(number, 'unit')} as shipped"
        return words if number else "Choose units that have left"

    def perform(self, case: Case, form: forms.Form) -> str:
        if not isinstance(form, UnitsForm) or not form.units():
            raise CannotShip("Name at least one unit that has left.")
        share = share_chosen(form, self._shares(case))
        told = form.cleaned_data
        shipped_at = timezone.now()
        number = told["tracking_number"].strip()
        shipping.ship_by_hand(
            case.visit.merchant_id,
            share.id,
            leaving=Leaving(
                # The same number typed twice is one parcel; untracked ones differ by their instant.
                external_id=number or f"untracked {shipped_at.isoformat()}",
                carrier=told["carrier"].strip(),
                service="",
                tracking_number=number,
                tracking_url=told["tracking_url"],
                shipped_at=shipped_at,
                units=form.units(),
            ),
            by=case.visit.actor,
        )
        return f"{case.order.number}: recorded as shipped."


def _storefront(case: Case, *, is_tracked: bool) -> Effect:
    """What its storefront hears; an order that was typed in has none that could be told."""
    storefront = Connection.objects.get(id=case.order.connection_id)
    if not manifest_of(storefront).can("write_back"):
        return nothing("swap", "No storefront has to be told")
    with_it = "with the tracking number" if is_tracked else "without a tracking number"
    return Effect("swap", f"The storefront is told, {with_it}", role="info")
