"""Hold an order, and let it go on."""

from typing import Any

from django import forms

from entrepot.canon.money import Money
from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, nothing, value_of
from entrepot.dashboard.reading.next_step import units_unsent
from entrepot.dashboard.reading.order_page import hold_words, holds_of
from entrepot.dashboard.wording import count_words, money_words
from entrepot.dashboard.words_of_states import beside
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders import services
from entrepot.orders.models import Hold, Order
from entrepot.orders.review import REFUNDED_IN_FULL
from entrepot.orders.services import CannotChange
from entrepot.orders.states import HoldKind


class HoldOrder(Action):
    """Stop an order on a person's word."""

    name = "hold"
    scope = "orders:write"
    errors = (CannotChange,)

    def title(self, case: Case) -> str:
        return f"Hold {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        if case.order.status != "open":
            return f"{case.order.number} is {case.order.status}: there is nothing to hold."
        mine = Hold.objects.filter(
            order=case.order, kind=HoldKind.PERSON, about=case.visit.actor, lifted_at=None
        ).first()
        if mine is None:
            return ""
        return f"You hold it already: “{mine.reason}”. Release that hold first, or add a note."

    def form(self, case: Case, data: Any) -> forms.Form:
        return ReasonForm(data)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        shares = FulfillmentOrder.objects.filter(order_id=case.order.id)
        unsent = shares.filter(status__in=[Status.OPEN, Status.ON_HOLD]).count()
        sent = shares.filter(status__in=[Status.SUBMITTED, Status.ACCEPTED]).count()
        effects = [
            Effect("hand", "Nothing more is submitted until somebody releases it", role="warn")
        ]
        if unsent:
            waits = count_words(unsent, "fulfillment order")
            effects.append(Effect("clock", f"{waits} not sent yet will wait", role="warn"))
        if sent:
            goes = count_words(sent, "fulfillment order")
            effects.append(nothing("truck", f"{goes} at a provider already: it goes on"))
        return [*effects, nothing("mail", "No mail. Nothing is cancelled or refunded")]

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Hold the order"

    def perform(self, case: Case, form: forms.Form) -> str:
        services.hold_order(
            case.visit.merchant_id,
            case.order.id,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        return f"{case.order.number} is held."


class ReleaseForm(ReasonForm):
    """Which holds to lift, and why."""

    field_order = ("holds", "reason")

    def __init__(self, data: Any, *, choices: list[tuple[str, str]], chosen: list[str]) -> None:
        super().__init__(data)
        if choices:
            self.fields["holds"] = forms.MultipleChoiceField(
                label="Holds to lift",
                choices=choices,
                initial=chosen,
                widget=forms.CheckboxSelectMultiple,
                error_messages={
                    "invalid_choice": "Somebody has lifted one of them meanwhile. These are left.",
                    "required": "Choose at least one hold.",
                },
            )
            self.order_fields(self.field_order)


class ReleaseOrder(Action):
    """Lift holds, or let work start on an order that was not paid."""

    name = "release"
    scope = "orders:write"
    errors = (CannotChange,)

    def title(self, case: Case) -> str:
        return f"Release {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        if case.order.open_holds or case.order.released_at is None:
            return ""
        return f"{case.order.number} is not held, and was released already."

    def form(self, case: Case, data: Any) -> forms.Form:
        holds = holds_of(case.order.id)
        asked = case.query.get("hold", "")
        chosen = [asked] if asked else [str(hold.id) for hold in holds]
        choices = [(str(hold.id), said_of(hold)) for hold in holds]
        return ReleaseForm(data, choices=choices, chosen=chosen)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        order = case.order
        if not order.open_holds:
            return [
                *went_back(order),
                Effect("play", "Work starts although it is not paid", order.payment_status, "warn"),
                nothing("card", "No payment is made or asked for"),
            ]
        chosen = value_of(form, "holds") or []
        left = order.open_holds - len(chosen)
        effects = [
            *went_back(order),
            Effect("play", "Lifts", count_words(len(chosen), "hold"), "good"),
        ]
        if left > 0:
            stays = count_words(left, "other hold")
            effects.append(Effect("hand", f"Stays held: {stays}", role="warn"))
        elif order.released_at is None:
            effects.append(Effect("clock", "Then waits for its payment", role="info"))
        else:
            effects.append(Effect("go", "Routing goes on with it at once", role="info"))
        return [*effects, nothing("mail", "No mail until something ships")]

    def is_ready(self, case: Case, form: forms.Form) -> bool:
        return not case.order.open_holds or bool(value_of(form, "holds"))

    def verb(self, case: Case, form: forms.Form) -> str:
        if not case.order.open_holds:
            return "Release unpaid"
        number = len(value_of(form, "holds") or [])
        return f"Lift {count_words(number, 'hold')}" if number else "Choose holds to lift"

    def perform(self, case: Case, form: forms.Form) -> str:
        by, reason = case.visit.actor, form.cleaned_data["reason"]
        if not case.order.open_holds:
            services.release_order(case.visit.merchant_id, case.order.id, by=by, reason=reason)
            return f"{case.order.number} is released."
        for hold_id in form.cleaned_data["holds"]:
            services.lift_hold(case.visit.merchant_id, int(hold_id), by=by, reason=reason)
        lifted = count_words(len(form.cleaned_data["holds"]), "hold")
        return f"{case.order.number}: {lifted} lifted."


def went_back(order: Order) -> list[Effect]:
    """What was refunded of it: a person who lets it go should know that nobody pays for it."""
    if order.amount_refunded <= 0:
        return []
    back = money_words(Money(order.amount_refunded, order.currency))
    if order.amount_refunded < order.amount_captured:
        return [Effect("card", "Of what was paid, went back", back, "warn")]
    told = f"{REFUNDED_IN_FULL}: it would be made and sent for nothing"
    return [Effect("warn", told if units_unsent(order) > 0 else REFUNDED_IN_FULL, back, "warn")]


def said_of(hold: Hold) -> str:
    words = hold_words(hold)
    more = beside(words, hold.reason)
    return f"{words}: {more}" if more else words
