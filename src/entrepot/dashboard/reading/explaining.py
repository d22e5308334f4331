"""Why an order stands where it does: a sentence, the evidence for it, and the repair."""

from dataclasses import dataclass

from django.db.models import Q

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.dashboard.reading.headline import State, states_of
from entrepot.dashboard.reading.problems import problems_of
from entrepot.deadletters.models import DeadLetter
from entrepot.events.models import Event
from entrepot.obligations.models import Obligation
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
REPAIRS = {
    "unmapped_sku": "map the SKU under Mappings; all orders that wait for it go on",
    "missing_artwork": "give the mapping a file that can be fetched, or send the line's own link",
    "address_refused": "correct the address on the order's page",
    "shipping_unmapped": "say under Mappings what the shipping method is called at the provider",
    "duplicate_suspected": "compare it with its twin, then release or cancel it",
    "mode_unknown": "say whether the payment method takes real money; all that wait for it go on",
    "state_unknown": "map the shop's state in the connection's settings",
    "cost": "look at both figures, then release it or map another product",
    "dispute": "wait for the bank, or cancel the order",
    "review": "decide the review at the payment gateway",
    "source": "let it go on in the shop",
    "totals": "compare what was paid with what was sold, then release or refund",
    "refused": "mend what the provider names, then lift the hold: it is sent again, as a new try",
    "item_unavailable": "map another product, or wait and lift the hold",
    "changed_after_sending": "ask the provider, then lift the hold",
    "content_differs": "compare the provider's order with ours, then decide the attempt",
    "payment_needed": "pay at the provider; it goes on by itself",
    "shipped_after_cancel": "ask the customer to send it back, or refund",
    "person": "whoever set the hold lifts it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an order stands where it does. `repair` is "" where nothing has to be done."""

    order_id: int
    number: str
    state: str
    sentence: str
    evidence: tuple[str, ...]
    repair: str


def order_named(name: str, mode: str) -> int | None:
    """The id of the order with that number, reference, external id or id; the newest of several."""
    condition = Q(number=name) | Q(reference=name.upper()) | Q(external_id=name)
    if name.isdigit():
        condition |= Q(id=int(name))
    return (
        Order.objects.filter(condition, mode=mode)
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )


def standing_still(mode: str, *, limit: int = 500) -> list[Explanation]:
    """Every open order that neither moves by itself nor is done, the oldest first."""
    ids = list(
        Order.objects.filter(mode=mode, status="open", is_history=False)
        .order_by("placed_at", "id")
        .values_list("id", flat=True)[:limit]
    )
    states = states_of(ids)
    return [explain(order_id) for order_id in ids if states[order_id] not in MOVING]


def explain(order_id: int) -> Explanation:
    """Explain one order, inside the open scope."""
    order = Order.objects.get(id=order_id)
    state = states_of([order_id])[order_id]
    problem = problems_of([order_id]).get(order_id)
    holds = list(Hold.objects.filter(order_id=order_id, lifted_at=None).order_by("id"))
    unknown = Attempt.objects.filter(order_id=order_id, status=AttemptStatus.UNKNOWN).first()
    return Explanation(
        order_id=order_id,
        number=order.number,
        state=state,
        sentence=_sentence(order, state, holds, problem.words if problem else ""),
        evidence=tuple(_evidence(order, holds, unknown)),
        repair=_repair(order, holds, unknown),
    )


def _sentence(order: Order, state: str, holds: list[Hold], problem: str) -> str:
    if problem:
        return problem
    if holds:
        return f"Held: {holds[0].reason}"
    if order.released_at is None and order.status == "open":
        return f"Not released: the payment is {order.payment_status.replace('_', ' ')}"
    return f"{str(state).replace('_', ' ').capitalize()}; nothing stands in its way"


def _evidence(order: Order, holds: list[Hold], unknown: Attempt | None) -> list[str]:
    lines = [
        f"hold {hold.kind.replace('_', ' ')} since {hold.opened_at:%Y-%m-%d %H:%M} UTC:"
        f" {hold.reason}"
        for hold in holds
    ]
    if unknown is not None:
        lines.append(
            f"attempt {unknown.id} to {unknown.kind} ({unknown.reference}) is unknown, asked"
            f" {unknown.asked} times: {unknown.message}"
        )
    lines += [
        f"owed: {owed.kind.replace('_', ' ')} by {owed.due_at:%Y-%m-%d %H:%M} UTC"
        for owed in Obligation.objects.filter(order_id=order.id, end="").order_by("due_at")
    ]
    lines += [
        f"gave up: {letter.task}, {letter.error}"
        for letter in DeadLetter.objects.filter(order_id=order.id, status="waiting")
    ]
    last = Event.objects.filter(order_id=order.id).order_by("-id").first()
    if last is not None:
        lines.append(f"last event: {last.name} at {last.at:%Y-%m-%d %H:%M:%S} UTC, {last.actor}")
    return lines


def _repair(order: Order, holds: list[Hold], unknown: Attempt | None) -> str:
    if unknown is not None:
        if unknown.needs_person:
            return "look at the other side, then say on the order's page whether it happened"
        return "nothing: the other side is asked by itself"
    if holds:
        return REPAIRS.get(holds[0].kind, "")
    letter = DeadLetter.objects.filter(order_id=order.id, status="waiting").first()
    if letter is not None:
        return "replay it under Jobs once its cause is gone"
    if order.released_at is None and order.status == "open":
        return "wait for the payment, or release it on the order's page"
    return ""
