"""Cancel several orders: each as its own page would, what cannot be cancelled is left and named."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import F, Sum
from django.db.models.functions import Greatest

from entrepot.canon.money import Money
from entrepot.dashboard.actions.action import Case, Effect, nothing
from entrepot.dashboard.actions.goods import (
    CancelForm,
    CancelOrder,
    effect_on_share,
    is_chosen,
)
from entrepot.dashboard.actions.several import Crowd, Done, Outlook, Several
from entrepot.dashboard.actions.units import name_of_share
from entrepot.dashboard.reading.amounts import listed_sums
from entrepot.dashboard.wording import count_words, listed, money_words
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Line, Order
from entrepot.payments import payers
from entrepot.payments.models import PaymentEntry

AT_A_PROVIDER = frozenset({Status.SUBMITTED, Status.ACCEPTED})


class CancelSeveral(Several):
    """Cancel what has not left of each; refund, restock and telling are choices of their own."""

    name = "cancel"
    word = "Cancel"
    is_danger = True
    tells_each = True
    errors = CancelOrder.errors

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        ids = [order.id for order in crowd.orders]
        self._left = _units_left(ids)
        self._shares: dict[int, list[FulfillmentOrder]] = defaultdict(list)
        for share in FulfillmentOrder.objects.filter(order_id__in=ids).order_by("share"):
            self._shares[share.order_id].append(share)
        self._held = payers.refundable_of_each(crowd.orders)
        self._taken = payers.taken_by_each(crowd.orders)
        one_of_each = {entry.connection_id: entry for entry in self._taken.values()}
        self._payers = {key: _payer(entry) for key, entry in one_of_each.items()}

    def outlook(self, order: Order) -> Outlook:
        if order.status == "cancelled":
            return Outlook(words="is cancelled already", applies=False)
        if not self._applies(order):
            words = "has left, all of it: ask for a return, or refund"
            return Outlook(words=words, applies=False)
        effects = [
            effect_on_share(share, name_of_share(share, self.crowd.names))
            for share in self._shares[order.id]
        ]
        return Outlook(
            words=f"{count_words(self._left[order.id], 'unit')} cancelled", effects=effects
        )

    def _applies(self, order: Order) -> bool:
        return order.status != "cancelled" and self._left.get(order.id, 0) > 0

    def _cancelled(self) -> list[Order]:
        return [order for order in self.crowd.orders if self._applies(order)]

    def form(self, data: Any) -> CancelForm:
        held = [order for order in self._cancelled() if self._held[order.id].amount > 0]
        payable = [order for order in held if not self._why_not(order)]
        form = CancelForm(
            data,
            may_refund=bool(payable) and self.crowd.visit.may("refunds:write"),
            may_restock=any(self._is_paid_at_its_shop(order) for order in payable),
        )
        form.fields["tells_customer"].label = "Mail each customer: “Cancelled”"
        return form

    def _why_not(self, order: Order) -> str:
        entry = self._taken.get(order.id)
        return self._payers[entry.connection_id].why_not if entry else payers.why_not(None)

    def _is_paid_at_its_shop(self, order: Order) -> bool:
        whose = self._taken[order.id].connection_id
        return whose == order.connection_id and self._payers[whose].is_a_shop

    def effects(self, form: forms.Form) -> list[Effect]:
        orders = self._cancelled()
        if not orders:
            return []
        number = count_words(len(orders), "customer")
        return [
            *self._money(form, [order for order in orders if self._held[order.id].amount > 0]),
            Effect("box", "The storefront restocks what is refunded there", role="info")
            if is_chosen(form, "refunds") and is_chosen(form, "restocks")
            else nothing("box", "No restock"),
            Effect("mail", f"Mail “Cancelled” to {number}", role="info")
            if is_chosen(form, "tells_customer")
            else nothing("mail", "No mail"),
        ]

    def _money(self, form: forms.Form, held: list[Order]) -> list[Effect]:
        """What becomes of the money that is held: sums by currency, never across currencies."""
        if not held:
            return []
        if not is_chosen(form, "refunds"):
            stays = self._sums(held)
            return [nothing("card", f"No refund: {stays} stay held until you give them back")]
        stuck = [order for order in held if self._why_not(order)]
        rest = [order for order in held if order not in stuck]
        noted = [order for order in rest if self._only_notes(order)]
        sent = [order for order in rest if order not in noted]
        effects = []
        if sent:
            told = f"{self._sums(sent)} go back where they were taken"
            effects.append(Effect("card", told, role="accent"))
        if noted:
            told = f"The shop notes {self._sums(noted)} and moves no money: pay it back there"
            effects.append(Effect("card", told, role="warn"))
        if stuck:
            numbers = listed([order.number for order in stuck])
            told = f"Not given back from here: {self._sums(stuck)}, of {numbers}"
            effects.append(Effect("card", told, role="warn"))
        return effects

    def _sums(self, orders: Iterable[Order]) -> str:
        held = [self._held[order.id] for order in orders]
        return listed([money_words(one) for one in _added(held)])

    def _only_notes(self, order: Order) -> bool:
        return self._payers[self._taken[order.id].connection_id].only_notes

    def perform(self, order: Order, form: forms.Form) -> Done:
        case = Case(visit=self.crowd.visit, order=order, names=dict(self.crowd.names))
        action = CancelOrder()
        own = action.form(case, form.data)  # as its own page would offer it
        own.is_valid()
        action.perform(case, own)
        return Done(words=self._told(order, own))

    def _told(self, order: Order, form: forms.Form) -> str:
        """What was done, and what is still open of it."""
        told = [f"{count_words(self._left[order.id], 'unit')} are being cancelled"]
        if self._left[order.id] == 1:
            told = ["1 unit is being cancelled"]
        asked = [share for share in self._shares[order.id] if share.status in AT_A_PROVIDER]
        told += [
            f"{name_of_share(share, self.crowd.names)} is asked, and may refuse" for share in asked
        ]
        held = self._held[order.id]
        if held.amount > 0:
            goes = "go back" if is_chosen(form, "refunds") else "stay held"
            told.append(f"{money_words(held)} {goes}")
        return ". ".join(told)


@dataclass(frozen=True, slots=True)
class _Payer:
    """A connection that took money: why it cannot give it back, and how it would."""

    why_not: str
    only_notes: bool
    is_a_shop: bool


def _payer(entry: PaymentEntry) -> _Payer:
    why_not = payers.why_not(entry)
    if why_not:
        return _Payer(why_not, only_notes=False, is_a_shop=False)
    return _Payer("", only_notes=payers.only_notes(entry), is_a_shop=payers.is_a_shops(entry))


def _units_left(order_ids: list[int]) -> dict[int, int]:
    """How many units of each order have neither left nor been cancelled."""
    left = Greatest(F("quantity") - F("units_cancelled") - F("units_shipped"), 0)
    lines = Line.objects.filter(order__in=order_ids, removed_at=None)
    return dict(lines.values_list("order_id").annotate(left=Sum(left)))


def _added(amounts: Iterable[Money]) -> list[Money]:
    return listed_sums((one.currency, one.amount) for one in amounts)
