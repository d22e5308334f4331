"""Say where a parcel is, where no carrier tells it or the customer knows better."""

from typing import Any

from django import forms

from entrepot.canon.carriers import carrier_name
from entrepot.canon.tracking import ParcelStatus
from entrepot.dashboard.actions.action import (
    Action,
    Case,
    Effect,
    ReasonForm,
    nothing,
    value_of,
)
from entrepot.dashboard.words_of_states import PARCEL
from entrepot.fulfillment import whereabouts
from entrepot.fulfillment.models import Parcel
from entrepot.fulfillment.whereabouts import SAYABLE, CannotSay

MEANS = {
    ParcelStatus.DELIVERED: "Its units count as delivered",
    ParcelStatus.LOST: "It counts as lost, and is not presumed to have arrived",
    ParcelStatus.RETURNED: "Its units count as returned",
}


class WhereForm(ReasonForm):
    """Which parcel, where it is, and how somebody knows."""

    parcel = forms.TypedChoiceField(label="Parcel", coerce=int)
    where = forms.ChoiceField(
        label="It is",
        choices=[("", "Choose"), *((status.value, PARCEL[status].word) for status in SAYABLE)],
    )
    field_order = ("parcel", "where", "reason")

    def __init__(self, data: Any, *, parcels: list[Parcel]) -> None:
        super().__init__(data)
        chosen = self.fields["parcel"]
        assert isinstance(chosen, forms.TypedChoiceField)
        chosen.choices = [(one.id, _named(one)) for one in parcels]


class SayWhere(Action):
    """Say that a parcel arrived, is lost, or came back."""

    name = "parcel"
    scope = "orders:write"
    errors = (CannotSay,)

    def title(self, case: Case) -> str:
        return f"Where is a parcel of {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        if whereabouts.sayable(case.order.id).exists():
            return ""
        return "It has no parcel that left and has not come back."

    def form(self, case: Case, data: Any) -> forms.Form:
        return WhereForm(data, parcels=list(whereabouts.sayable(case.order.id)))

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        chosen = _chosen(form)
        means = [Effect("truck", MEANS[chosen], role="info")] if chosen else []
        return [
            *means,
            Effect("mail", "The customer is told, as the storefront’s senders say", role="info"),
            nothing("box", "Nothing is sent again: that is “Reship”"),
            nothing("card", "Nothing is paid back: that is “Refund”"),
        ]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return _chosen(form) is not None

    def verb(self, case: Case, form: forms.Form) -> str:
        chosen = _chosen(form)
        return f"Record as {PARCEL[chosen].word.lower()}" if chosen else "Choose where it is"

    def perform(self, case: Case, form: forms.Form) -> str:
        parcel = whereabouts.say_where(
            case.visit.merchant_id,
            form.cleaned_data["parcel"],
            status=ParcelStatus(form.cleaned_data["where"]),
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        return f"{_named(parcel)}."


def _chosen(form: forms.Form) -> ParcelStatus | None:
    told = value_of(form, "where")
    return ParcelStatus(told) if told else None


def _named(parcel: Parcel) -> str:
    """A parcel by its number and its carrier's: "Parcel 1, on its way, DHL JD0146"."""
    known = " ".join(filter(None, [carrier_name(parcel.carrier), parcel.tracking_number]))
    word = PARCEL[ParcelStatus(parcel.status)].word.lower()
    return ", ".join(filter(None, [f"Parcel {parcel.number}", word, known]))
