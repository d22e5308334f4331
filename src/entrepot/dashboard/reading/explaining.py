"""Why an order stands where it does: a sentence, the evidence for it, and the repair.

The sentence and the repair are those of the order's page (`next_step`): one source for both.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.dashboard.reading import (
    connections,
    doubts,
    next_step,
    order_page,
    problems,
    shares,
    timeline,
)
from entrepot.dashboard.reading.headline import State, states_of
from entrepot.dashboard.reading.next_step import Situation
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.reading.shares import Share
from entrepot.deadletters.models import DeadLetter
from entrepot.fulfillment.readiness import stopped_by
from entrepot.fulfillment.states import Status
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind
from entrepot.orders.models import Hold, Order
from entrepot.payments import authorizations
from entrepot.payments.models import PaymentWish
from entrepot.payments.states import WishStatus

MOVING = frozenset(
    {
        State.DELIVERED,
        State.PRESUMED_DELIVERED,
        State.SHIPPED,
        State.IN_PRODUCTION,
        State.ACCEPTED,
        State.PARTLY_SHIPPED,
    }
)
# States whose next step says the order's problem, and those whose step asks for no obstacle.
TELL_PROBLEM = frozenset({State.OVERDUE, State.AWAITING_PAYMENT})
UNBLOCKED = frozenset(
    {
        State.UNKNOWN,
        State.HELD,
        State.DELAYED,
        State.CANCELLED,
        State.RETURNED,
        State.AWAITING_PAYMENT,
        State.COOLING_OFF,
        State.DELIVERED,
        State.PRESUMED_DELIVERED,
        State.CLOSED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an order stands where it does, with what a person may choose on its page."""

    order_id: int
    number: str
    mode: str
    storefront: str
    state: State
    sentence: str
    evidence: tuple[str, ...]
    repair: str
    choices: tuple[str, ...]


def orders_named(name: str, mode: str | None = None, *, limit: int = 20) -> list[int]:
    """The ids of the orders with that number or reference, the newest first.

    Where none is called so: those with that external id, else the one with that id.
    """
    rows = Order.objects.filter(mode=mode) if mode else Order.objects.all()
    order_id = number_in(name)
    conditions = [Q(number=name) | Q(reference=name.upper()), Q(external_id=name)]
    if order_id is not None:
        conditions.append(Q(id=order_id))
    for condition in conditions:
        found = list(rows.filter(condition).order_by("-id").values_list("id", flat=True)[:limit])
        if found:
            return found
    return []


def standing_still(mode: str, *, limit: int = 500) -> list[Explanation]:
    """Every open order that neither moves by itself nor is done, the oldest first.

    An order that was cancelled and still waits for a person stands still as well.
    """
    ids = list(
        Order.objects.filter(mode=mode, is_history=False)
        .filter(Q(status="open") | Q(open_holds__gt=0))
        .order_by("placed_at", "id")
        .values_list("id", flat=True)[:limit]
    )
    states = states_of(ids)
    return [explain(order_id) for order_id in ids if states[order_id] not in MOVING]


def explain(order_id: int) -> Explanation:
    """Explain one order, inside the open scope."""
    order = Order.objects.get(id=order_id)
    situation = situation_of(order, now=timezone.now())
    step = next_step.next_step(situation)
    moves = [step.first, *step.others] if step.first else step.others
    return Explanation(
        order_id=order_id,
        number=order.number,
        mode=order.mode,
        storefront=situation.names.get(order.connection_id, ""),
        state=situation.state,
        sentence=step.sentence,
        evidence=tuple(_evidence(order, situation.holds)),
        repair=step.then,
        choices=tuple(move.words.removesuffix(" …") for move in moves),
    )


def situation_of(order: Order, *, now: datetime) -> Situation:
    """All that the next step of an order is decided from; what no step asks for is not read."""
    names = connections.names()
    promises = order_page.promises_of(order.id)
    split = shares.shares_of(order, names, due=_ship_deadlines(promises))
    state = states_of([order.id])[order.id]
    may_be_blocked = state not in UNBLOCKED
    authorized = None if order.is_history else authorizations.authorized(order)
    wish = authorizations.last_wish(order.id) if authorized else None
    return Situation(
        order=order,
        state=state,
        problem=problems.problems_of([order.id]).get(order.id) if state in TELL_PROBLEM else None,
        holds=order_page.holds_of(order.id) if order.open_holds else [],
        shares=split,
        unknown=doubts.unknown_attempt(order.id) if state == State.UNKNOWN else None,
        letter=DeadLetter.objects.filter(order_id=order.id, status="waiting").first()
        if may_be_blocked
        else None,
        stop=_stop(order, split) if may_be_blocked else _stop_of(wish),
        owed=order_page.owed_of(promises, now),
        names=names,
        now=now,
        authorized=authorized,
        wish=wish,
    )


def _stop(order: Order, split: list[Share]) -> str:
    waiting = (share.row for share in split if share.row and share.row.status == Status.OPEN)
    return next(filter(None, (stopped_by(order, row) for row in waiting)), "")


def _stop_of(wish: PaymentWish | None) -> str:
    """Why a capture or void that is wanted may not leave now."""
    if wish is None or wish.status != WishStatus.WANTED:
        return ""
    connection = Connection.objects.get(id=wish.connection_id)
    return effects_allowed(connection, EffectFlow.REFUNDS).reason


def _ship_deadlines(promises: list[Obligation]) -> dict[int, datetime]:
    return {
        row.subject_id: row.due_at
        for row in promises
        if row.kind == Kind.SHIP
        and not row.end
        and row.subject_kind == "fulfillment_order"
        and row.subject_id is not None
    }


def _evidence(order: Order, holds: list[Hold]) -> list[str]:
    lines = [
        f"hold {hold.kind.replace('_', ' ')} since {_moment(hold.opened_at)}: {hold.reason}"
        for hold in holds
    ]
    lines += [
        f"attempt {row.id} to {row.kind.replace('_', ' ')} ({row.reference}) is unknown, asked"
        f" {row.asked} times: {row.message}"
        for row in Attempt.objects.filter(order_id=order.id, status=AttemptStatus.UNKNOWN).order_by(
            "id"
        )
    ]
    lines += [
        f"owed: {owed.kind.replace('_', ' ')} by {_moment(owed.due_at)}"
        for owed in Obligation.objects.filter(order_id=order.id, end="").order_by("due_at", "id")
    ]
    lines += [
        f"gave up: {letter.task}, {letter.error}"
        for letter in DeadLetter.objects.filter(order_id=order.id, status="waiting").order_by("id")
    ]
    last = timeline.events_of(order).order_by("-id").first()
    if last is not None:
        lines.append(f"last event: {last.name} at {_moment(last.at)}, {last.actor}")
    return lines


def _moment(at: datetime) -> str:
    """An instant in the zone in force, as the order's page shows it, with the zone's name."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M %Z}"
