"""Capture authorized money, or let it go."""

from typing import Any, ClassVar

from django import forms

from entrepot.canon.money import Money
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, nothing
from entrepot.dashboard.wording import count_words, money_words
from entrepot.orders.models import Order
from entrepot.orders.states import OrderStatus
from entrepot.payments import authorizations
from entrepot.payments.authorizations import CannotSettle
from entrepot.payments.models import PaymentEntry
from entrepot.payments.states import WishKind, WishStatus


class _Settle(Action):
    """What both ends of an authorization have in common."""

    scope = "payments:write"
    errors = (CannotSettle,)
    kind: ClassVar[WishKind]

    def obstacle(self, case: Case) -> str:
        order = case.order
        entry = authorizations.authorized(order)
        why = authorizations.why_not(order, entry, kind=self.kind)
        if why:
            return f"{why[0].upper()}{why[1:]}."
        wish = authorizations.last_wish(order.id)
        if wish is not None and wish.status == WishStatus.WANTED and wish.kind != self.kind:
            return f"A {wish.kind} of it is under way: “{wish.reason}”."
        return ""

    def form(self, case: Case, data: Any) -> ReasonForm:
        return ReasonForm(data)

    def verb(self, case: Case, form: forms.Form) -> str:
        entry = authorizations.authorized(case.order)
        return f"{self.kind.label} {_money(entry)}" if entry else str(self.kind.label)

    def perform(self, case: Case, form: forms.Form) -> str:
        wish = authorizations.want(
            case.visit.merchant_id,
            case.order.id,
            kind=self.kind,
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
        )
        amount = money_words(Money(wish.amount, wish.currency))
        return f"{self.kind.label} of {amount} is on its way."


class CapturePayment(_Settle):
    """Take all that is authorized."""

    name = "capture"
    kind = WishKind.CAPTURE

    def title(self, case: Case) -> str:
        return f"Capture the payment of {case.order.number}?"

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        entry = authorizations.authorized(case.order)
        if entry is None:
            return []
        where = case.names.get(entry.connection_id, "The gateway")
        card = f" from the card ending {entry.card_last4}" if entry.card_last4 else ""
        words = f"{where} takes it{card}, once: we look first, then send"
        return [
            Effect("card", words, _money(entry), "accent"),
            *_stop(entry),
            *_next(case.order, entry),
            nothing("card", "Nothing is refunded. Taking it back later is a refund"),
        ]


class VoidPayment(_Settle):
    """Let all that is authorized go."""

    name = "void"
    kind = WishKind.VOID
    is_danger = True

    def title(self, case: Case) -> str:
        return f"Void the payment of {case.order.number}?"

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        order = case.order
        entry = authorizations.authorized(order)
        if entry is None:
            return []
        where = case.names.get(entry.connection_id, "The gateway")
        words = f"{where} lets it go, for good: we look first, then send"
        effects = [Effect("card", words, _money(entry), "warn"), *_stop(entry)]
        if order.status == OrderStatus.OPEN and order.released_at is None:
            waits = "The order stays unpaid and waits: cancelling it is a choice of its own"
            effects.append(Effect("clock", waits, role="warn"))
        return [
            *effects,
            nothing("card", "Nothing is taken from the customer"),
            nothing("x", "Nothing is cancelled"),
        ]


def _money(entry: PaymentEntry) -> str:
    return money_words(Money(entry.amount, entry.currency))


def _stop(entry: PaymentEntry) -> list[Effect]:
    """Whether it has to wait, and for what."""
    connection = Connection.objects.get(id=entry.connection_id)
    verdict = effects_allowed(connection, EffectFlow.REFUNDS)
    return [] if verdict.is_allowed else [Effect("hand", f"It waits: {verdict.reason}", "", "warn")]


def _next(order: Order, entry: PaymentEntry) -> list[Effect]:
    """What the order does once the money is taken."""
    missing = order.amount_due - order.amount_captured - entry.amount
    if entry.currency != order.currency:
        return [Effect("hand", f"It was sold in {order.currency}: it is held", role="warn")]
    if missing > 0:
        left = money_words(Money(missing, order.currency))
        return [Effect("clock", "The order still waits for the rest", left, "warn")]
    over = []
    if missing < 0:
        more = money_words(Money(-missing, order.currency))
        over = [Effect("warn", "More than is due by now: refund the rest", more, "warn")]
    if order.open_holds:
        held = count_words(order.open_holds, "hold")
        return [*over, Effect("hand", f"The order is paid, and stays held: {held}", role="warn")]
    if order.released_at is not None:
        return [*over, Effect("play", "The order is paid; its work was released already")]
    return [*over, Effect("play", "The order is paid and released: its work starts", role="good")]
