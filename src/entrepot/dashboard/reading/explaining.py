"""Why an order stands where it does: a sentence, the evidence for it, and the repair.

The sentence and the repair are those of the order's page (`next_step`): one source for both.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.dashboard.reading import connections, next_step, order_page, problems, shares
from entrepot.dashboard.reading.headline import State, states_of
from entrepot.dashboard.reading.next_step import Situation
from entrepot.dashboard.reading.shares import Share
from entrepot.deadletters.models import DeadLetter
from entrepot.events.models import Event
from entrepot.fulfillment.readiness import stopped_by
from entrepot.fulfillment.states import Status
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind
from entrepot.orders.models import Hold, Order

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an order stands where it does, with what a person may choose on its page."""

    order_id: int
    number: str
    storefront: str
    state: State
    sentence: str
    evidence: tuple[str, ...]
    repair: str
    choices: tuple[str, ...]


def order_named(name: str, mode: str) -> int | None:
    """The id of the order with that number, reference, external id or id; the newest of several."""
    condition = Q(number=name) | Q(reference=name.upper()) | Q(external_id=name)
    if name.isdigit() and len(name) < 19:
        condition |= Q(id=int(name))
    return (
        Order.objects.filter(condition, mode=mode)
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )


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
        storefront=situation.names.get(order.connection_id, ""),
        state=situation.state,
        sentence=step.sentence,
        evidence=tuple(_evidence(order, situation.holds)),
        repair=step.then,
        choices=tuple(move.words.removesuffix(" …") for move in moves),
    )


def situation_of(order: Order, *, now: datetime) -> Situation:
    """All that the next step of an order is decided from."""
    names = connections.names()
    split = shares.shares_of(order, names, _ship_deadlines(order.id))
    return Situation(
        order=order,
        state=states_of([order.id])[order.id],
        problem=problems.problems_of([order.id]).get(order.id),
        holds=order_page.holds_of(order.id),
        shares=split,
        unknown=next_step.unknown_attempt(order.id),
        letter=DeadLetter.objects.filter(order_id=order.id, status="waiting").first(),
        stop=_stop(order, split),
        owed=order_page.owed_of(order.id, now),
        names=names,
        now=now,
    )


def _stop(order: Order, split: list[Share]) -> str:
    waiting = (share.row for share in split if share.row and share.row.status == Status.OPEN)
    return next(filter(None, (stopped_by(order, row) for row in waiting)), "")


def _ship_deadlines(order_id: int) -> dict[int, datetime]:
    rows = Obligation.objects.filter(
        order_id=order_id, kind=Kind.SHIP, end="", subject_kind="fulfillment_order"
    )
    return dict(rows.values_list("subject_id", "due_at"))


def _evidence(order: Order, holds: list[Hold]) -> list[str]:
    lines = [
        f"hold {hold.kind.replace('_', ' ')} since {hold.opened_at:%Y-%m-%d %H:%M} UTC:"
        f" {hold.reason}"
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
        f"owed: {owed.kind.replace('_', ' ')} by {owed.due_at:%Y-%m-%d %H:%M} UTC"
        for owed in Obligation.objects.filter(order_id=order.id, end="").order_by("due_at", "id")
    ]
    lines += [
        f"gave up: {letter.task}, {letter.error}"
        for letter in DeadLetter.objects.filter(order_id=order.id, status="waiting").order_by("id")
    ]
    last = Event.objects.filter(order_id=order.id).order_by("-id").first()
    if last is not None:
        lines.append(f"last event: {last.name} at {last.at:%Y-%m-%d %H:%M:%S} UTC, {last.actor}")
    return lines
