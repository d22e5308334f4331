"""The shape of an action on several orders, and the plain ones: hold, release, tag, try again.

Each is made for one request: it asks of all its orders at once what its preview shows, and acts on
one order after the other by the services that the order's page uses.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing, value_of
from entrepot.dashboard.actions.holding import said_of, went_back
from entrepot.dashboard.actions.people import TagForm
from entrepot.dashboard.actions.unfinished import go_on, unfinished_of_each
from entrepot.dashboard.actions.work import effects_of_retry
from entrepot.dashboard.reading.next_step import units_unsent
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.dashboard.visit import Visit
from entrepot.dashboard.wording import count_words
from entrepot.deadletters import services as deadletters
from entrepot.orders import services
from entrepot.orders.holds import lift_holds
from entrepot.orders.models import Hold, Order
from entrepot.orders.services import CannotChange
from entrepot.orders.states import HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The chosen orders, the newest first, who looks at them, and what the form says besides."""

    visit: Visit
    orders: Sequence[Order]
    names: Mapping[int, str]
    query: QueryDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What an action means for one order; `effects` are what to see before it is done."""

    words: str
    applies: bool = True
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action did with one order; `is_all` is False where something is left to look at."""

    words: str
    is_all: bool = True


class Several(ABC):
    """Something a person can do with several orders at once.

    `errors` are what the service raises for an order that it refuses. `tells_each` asks for a page
    that says what happened to each; else it is shown only where something did not go as chosen.
    """

    name: ClassVar[str]
    word: ClassVar[str]
    is_danger: ClassVar[bool] = False
    tells_each: ClassVar[bool] = False
    errors: ClassVar[tuple[type[Exception], ...]] = (CannotChange,)

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    @abstractmethod
    def outlook(self, order: Order) -> Outlook:
        """What it means for one of the orders; asks the database nothing more."""

    @abstractmethod
    def effects(self, form: forms.Form) -> list[Effect]:
        """What it does and does not do to all of them, as the form stands."""

    @abstractmethod
    def perform(self, order: Order, form: forms.Form) -> Done:
        """Do it to one order that it applies to."""

    def form(self, data: Any) -> forms.Form:
        """The form, bound to `data` when there is some."""
        return ReasonForm(data)

    def kept(self) -> list[tuple[str, str]]:
        """Hidden fields: what was shown, so that nothing else is done."""
        return []


class HoldSeveral(Several):
    """Stop each on a person's word."""

    name = "hold"
    word = "Hold"

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        held = Hold.objects.filter(
            order__in=[order.id for order in crowd.orders],
            kind=HoldKind.PERSON,
            about=crowd.visit.actor,
            lifted_at=None,
        )
        self._mine = set(held.values_list("order_id", flat=True))

    def outlook(self, order: Order) -> Outlook:
        if order.status != "open":
            return Outlook(words=f"is {order.status}, nothing to hold", applies=False)
        if order.id in self._mine:
            return Outlook(words="is held by you already", applies=False)
        return Outlook(words="will not proceed until released")

    def effects(self, form: forms.Form) -> list[Effect]:
        return [
            nothing("truck", "What a provider has already goes on"),
            nothing("mail", "No mail. Nothing is cancelled or refunded"),
        ]

    def perform(self, order: Order, form: forms.Form) -> Done:
        visit = self.crowd.visit
        services.hold_order(
            visit.merchant_id, order.id, by=visit.actor, reason=form.cleaned_data["reason"]
        )
        return Done(words="is held")


class ReleaseSeveral(Several):
    """Lift the holds of each, as far as they were shown."""

    name = "release"
    word = "Release"

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        self._holds: dict[int, list[Hold]] = defaultdict(list)
        ids = [order.id for order in crowd.orders]
        for hold in Hold.objects.filter(order__in=ids, lifted_at=None).order_by("opened_at", "id"):
            self._holds[hold.order_id].append(hold)

    def outlook(self, order: Order) -> Outlook:
        holds = self._holds[order.id]
        if not holds:
            return Outlook(words="is not held", applies=False)
        waits = [] if order.released_at else [Effect("clock", "Then waits for its payment")]
        return Outlook(
            words=f"{count_words(len(holds), 'hold')} lifted",
            effects=[
                *went_back(order),
                *(Effect("hand", said_of(hold), role="warn") for hold in holds),
                *waits,
            ],
        )

    def effects(self, form: forms.Form) -> list[Effect]:
        given_away = [order for order in self.crowd.orders if self._is_given_away(order)]
        warned = []
        if given_away:
            told = f"Refunded in full: {count_words(len(given_away), 'order')}, made for nothing"
            warned = [Effect("warn", f"{told} if released", role="bad")]
        return [
            *warned,
            Effect("play", "Lifts every open hold of each, whatever its reason", role="warn"),
            nothing("mail", "No mail until something ships"),
        ]

    def _is_given_away(self, order: Order) -> bool:
        is_refunded = order.amount_refunded > 0 and order.amount_refunded >= order.amount_captured
        return bool(self._holds[order.id]) and is_refunded and units_unsent(order) > 0

    def kept(self) -> list[tuple[str, str]]:
        return [("hold", str(hold.id)) for holds in self._holds.values() for hold in holds]

    def perform(self, order: Order, form: forms.Form) -> Done:
        seen = numbers_in(self.crowd.query.getlist("hold"))
        holds = self._holds[order.id]
        shown = [hold.id for hold in holds if not seen or hold.id in seen]
        lift_holds(
            by=self.crowd.visit.actor,
            reason=form.cleaned_data["reason"],
            order_ids=[order.id],
            hold_ids=shown,
        )
        lifted = f"{count_words(len(shown), 'hold')} lifted"
        if others := [said_of(hold) for hold in holds if hold.id not in shown]:
            came = "; ".join(others)
            return Done(words=f"{lifted}. Stays held, since you looked: {came}", is_all=False)
        return Done(words=lifted)


class BulkTagForm(TagForm):
    """Words to add to all of them."""

    tags = forms.CharField(label="Tags to add", max_length=300, help_text="Separated by commas")


class TagSeveral(Several):
    """Add free words to each."""

    name = "tag"
    word = "Tag"

    def form(self, data: Any) -> forms.Form:
        return BulkTagForm(data)

    def outlook(self, order: Order) -> Outlook:
        return Outlook(words="gains the tags")

    def effects(self, form: forms.Form) -> list[Effect]:
        typed = value_of(form, "tags") or ""
        known = "Tags they have stay" if not typed else f"Tags they have stay beside “{typed}”"
        return [nothing("swap", known)]

    def perform(self, order: Order, form: forms.Form) -> Done:
        visit = self.crowd.visit
        words = form.words() if isinstance(form, TagForm) else []
        services.change_tags(visit.merchant_id, order.id, by=visit.actor, added=words)
        return Done(words="is tagged")


class RetrySeveral(Several):
    """Try now what is late, given-up work too."""

    name = "retry"
    word = "Try again"
    tells_each = True
    errors = (deadletters.ReasonMissing, deadletters.NoReplayer)

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        self._unfinished = unfinished_of_each(crowd.visit.merchant_id, crowd.orders)

    def form(self, data: Any) -> forms.Form:
        # Only a replay keeps a reason: what is merely late is done without one.
        letters = [letter for one in self._unfinished.values() for letter in one.letters]
        return ReasonForm(data) if letters else forms.Form(data)

    def outlook(self, order: Order) -> Outlook:
        if not self._unfinished[order.id].is_any:
            return Outlook(words="has no work left that could be tried again", applies=False)
        return Outlook(words=self._said(order, "goes on at once", "replayed"))

    def _said(self, order: Order, on: str, replayed: str) -> str:
        one = self._unfinished[order.id]
        parts = [f"{on}: {count_words(len(one.jobs), 'job')}"]
        if one.letters:
            parts.append(f"{replayed}: {count_words(len(one.letters), 'dead letter')}")
        if one.asking:
            parts.append(f"asked about first: {count_words(len(one.asking), 'unknown attempt')}")
        return "; ".join(parts)

    def effects(self, form: forms.Form) -> list[Effect]:
        return effects_of_retry(list(self._unfinished.values()))

    def perform(self, order: Order, form: forms.Form) -> Done:
        visit = self.crowd.visit
        go_on(
            self._unfinished[order.id],
            merchant_id=visit.merchant_id,
            by=visit.actor,
            reason=form.cleaned_data.get("reason", ""),
        )
        return Done(words=self._said(order, "trying now", "replayed"))
