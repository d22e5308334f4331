"""Cancel what has not left, send units again, say what a person shipped."""

from typing import Any

from django import forms
from django.utils import timezone

from entrepot.canon.money import Money
from entrepot.dashboard.actions.action import (
    Action,
    Case,
    Effect,
    OnceForm,
    ReasonForm,
    nothing,
    value_of,
)
from entrepot.dashboard.wording import count_words, money_words
from entrepot.dashboard.words_of_states import FULFILLMENT_ORDER, chip_of
from entrepot.fulfillment import reship, shipping
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.reship import CannotReship, ReshippedMeanwhile
from entrepot.fulfillment.shipping import CannotShip, Leaving
from entrepot.fulfillment.states import Status
from entrepot.orders import services
from entrepot.orders.models import Line
from entrepot.orders.services import CannotChange
from entrepot.payments import payers, refunds
from entrepot.payments.refunds import CannotRefund


def _shares(case: Case) -> list[FulfillmentOrder]:
    return list(FulfillmentOrder.objects.filter(order_id=case.order.id).order_by("share"))


def _named(case: Case, share: FulfillmentOrder) -> str:
    return f"{case.names.get(share.connection_id, 'Provider')}, share {share.share}"


class CancelForm(ReasonForm):
    """Why, and the three other choices: none of them is implied by the cancellation."""

    refunds = forms.BooleanField(label="Give back all that is held", required=False)
    restocks = forms.BooleanField(label="With it, tell the storefront to restock", required=False)
    tells_customer = forms.BooleanField(label="Mail the customer: “Cancelled”", required=False)

    def __init__(self, data: Any, *, most: Money, may_restock: bool) -> None:
        super().__init__(data)
        if most.amount <= 0:
            del self.fields["refunds"]
        if most.amount <= 0 or not may_restock:
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
        held = refunds.refundable(case.order)
        entry = payers.taken_by(case.order)
        may_refund = case.visit.may("refunds:write") and not payers.why_not(entry)
        return CancelForm(
            data,
            most=held if may_refund else Money.zero(case.order.currency),
            may_restock=payers.is_paid_at_its_shop(case.order),
        )

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        effects = []
        for share in _shares(case):
            name = _named(case, share)
            word = chip_of(FULFILLMENT_ORDER, share.status).word.lower()
            match share.status:
                case Status.OPEN | Status.ON_HOLD:
                    effects.append(Effect("x", f"{name}: withdrawn, nothing was sent", role="good"))
                case Status.SUBMITTED | Status.ACCEPTED:
                    told = f"{name}: {word}. We ask to cancel, and it may refuse"
                    effects.append(Effect("truck", told, role="warn"))
                case _:
                    effects.append(nothing("truck", f"{name}: {word}, stays as it is"))
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
        held = refunds.refundable(case.order)
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


def _besides(case: Case, form: forms.Form) -> list[Effect]:
    """What the other three choices do, or that they do nothing."""
    held = refunds.refundable(case.order)
    effects = []
    if held.amount > 0:
        effects.append(_refund_with_it(case, form, money_words(held)))
    effects.append(
        Effect("box", "The storefront restocks what is refunded", role="info")
        if _is_chosen(form, "refunds") and _is_chosen(form, "restocks")
        else nothing("box", "No restock")
    )
    effects.append(
        Effect("mail", "Mail “Cancelled” to the customer", role="info")
        if _is_chosen(form, "tells_customer")
        else nothing("mail", "No mail")
    )
    return effects


def _refund_with_it(case: Case, form: forms.Form, words: str) -> Effect:
    if not _is_chosen(form, "refunds"):
        return nothing("card", f"No refund: {words} stay held until you give them back")
    if payers.only_notes(payers.taken_by(case.order)):
        return Effect(
            "card", f"The shop notes {words} and moves no money: pay it back there", role="warn"
        )
    return Effect("card", f"{words} go back where they were taken", role="accent")


def _is_chosen(form: forms.Form, name: str) -> bool:
    return name in form.fields and bool(value_of(form, name))


def _left(case: Case) -> int:
    lines = Line.objects.filter(order=case.order, removed_at=None)
    return sum(max(line.quantity - line.units_cancelled - line.units_shipped, 0) for line in lines)


class UnitsForm(OnceForm):
    """How many units of each item of one share."""

    def __init__(
        self, data: Any, *, shares: list[tuple[str, str]], items: list[tuple[int, str, int, int]]
    ) -> None:
        super().__init__(data)
        self.fields["share"] = forms.ChoiceField(label="Of which fulfillment order", choices=shares)
        for item_id, title, most, initial in items:
            self.fields[f"units_{item_id}"] = forms.IntegerField(
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


def _units_form(
    case: Case, data: Any, shares: list[FulfillmentOrder], *, only_left: bool
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
    form = UnitsForm(data, shares=[(str(one.id), _named(case, one)) for one in shares], items=items)
    form.fields["share"].initial = str(share.id)
    if len(shares) > 1:
        form.fields["share"].widget.attrs["data-preview"] = "all"
    return form


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
        return [share for share in _shares(case) if share.status in done]

    def form(self, case: Case, data: Any) -> forms.Form:
        form = _units_form(case, data, self._shares(case), only_left=False)
        form.fields["seen"].initial = reship.last_of(case.order.id)
        return form

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        if not isinstance(form, UnitsForm):
            return []
        units = form.units()
        share = _chosen(form, self._shares(case))
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
        return _number(form) > 0

    def verb(self, case: Case, form: forms.Form) -> str:
        number = _number(form)
        return f"Reship {count_words(number, 'unit')}" if number else "Choose units to reship"

    def perform(self, case: Case, form: forms.Form) -> str:
        if not isinstance(form, UnitsForm) or not form.units():
            raise CannotReship("Name at least one unit to send again.")
        share = _chosen(form, self._shares(case))
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


def _number(form: forms.Form) -> int:
    """How many units are chosen as the form stands."""
    return sum(form.units().values()) if isinstance(form, UnitsForm) else 0


def _chosen(form: forms.Form, shares: list[FulfillmentOrder]) -> FulfillmentOrder:
    asked = str(value_of(form, "share") or form.fields["share"].initial)
    return next((share for share in shares if str(share.id) == asked), shares[0])


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
        return [row for row in _shares(case) if row.is_by_hand and row.status in waiting]

    def form(self, case: Case, data: Any) -> forms.Form:
        units = _units_form(case, data, self._shares(case), only_left=True)
        for name, field in TrackingForm.base_fields.items():
            units.fields[name] = field
        del units.fields["reason"], units.fields["seen"]
        units.order_fields(["share", "carrier", "tracking_number", "tracking_url"])
        return units

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        units = form.units() if isinstance(form, UnitsForm) else {}
        return [
            Effect(
                "truck", "Recorded as shipped", count_words(sum(units.values()), "unit"), "good"
            ),
            Effect("swap", "The storefront is told, with the tracking number", role="info"),
            Effect("mail", "The customer is told, as the storefront’s senders say", role="info"),
        ]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return _number(form) > 0

    def verb(self, case: Case, form: forms.Form) -> str:
        number = _number(form)
        words = f"Record {count_words(number, 'unit')} as shipped"
        return words if number else "Choose units that have left"

    def perform(self, case: Case, form: forms.Form) -> str:
        if not isinstance(form, UnitsForm) or not form.units():
            raise CannotShip("Name at least one unit that has left.")
        share = _chosen(form, self._shares(case))
        told = form.cleaned_data
        shipped_at = timezone.now()
        number = told["tracking_number"].strip()
        shipping.ship_by_hand(
            case.visit.merchant_id,
            share.id,
            Leaving(
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
