"""The most useful thing to do about an order, decided from its headline state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind, Status
from entrepot.canon.money import Money
from entrepot.dashboard.reading.headline import CHIPS, State
from entrepot.dashboard.reading.order_page import hold_words
from entrepot.dashboard.reading.parcels import Box
from entrepot.dashboard.reading.problems import FIXES, Problem
from entrepot.dashboard.reading.shares import Share
from entrepot.dashboard.reading.standing import EFFECTS
from entrepot.dashboard.wording import (
    clock_words,
    count_words,
    duration_words,
    full_words,
    moment_words,
    money_words,
)
from entrepot.orders.models import Hold, Order
from entrepot.orders.states import HoldKind


@dataclass(frozen=True, slots=True)
class Move:
    """A button: its words, its icon, and the action of the order or the page that it leads to.

    `action` is an action's name; `attention` leads to the page of what needs attention instead.
    """

    words: str
    icon: str = ""
    action: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What stands, what we do by ourselves, and what a person can do: one first, then others."""

    role: str
    title: str
    text: str = ""
    then: str = ""
    first: Move | None = None
    others: list[Move] = field(default_factory=list)

    @property
    def is_decision(self) -> bool:
        """Whether the panel asks for a decision."""
        return self.first is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the decision is made from."""

    order: Order
    state: State
    problem: Problem | None
    holds: list[Hold]
    shares: list[Share]
    unknown: Attempt | None
    next_owed: tuple[str, datetime] | None
    names: Mapping[int, str]
    now: datetime


def next_step(situation: Situation) -> NextStep:
    """Decide what the panel says and offers."""
    match situation.state:
        case State.UNKNOWN:
            return _unknown(situation)
        case State.OVERDUE if situation.holds:
            return _held(situation)
        case State.OVERDUE:
            return _overdue(situation)
        case State.HELD:
            return _held(situation)
        case State.DELAYED:
            return _delayed(situation)
        case State.AWAITING_PAYMENT:
            return _awaiting_payment(situation)
        case State.COOLING_OFF:
            return _cooling_off(situation)
        case State.CANCELLED | State.RETURNED | State.CLOSED:
            return NextStep(
                role="neutral",
                title="Nothing to do.",
                text="No provider has work on it. A refund is a choice of its own.",
            )
        case _:
            return _under_way(situation)


def unknown_attempt(order_id: int) -> Attempt | None:
    """The attempt of an order whose outcome nobody knows, the oldest if there are several."""
    return Attempt.objects.filter(order_id=order_id, status=Status.UNKNOWN).order_by("id").first()


def _unknown(situation: Situation) -> NextStep:
    attempt = situation.unknown
    if attempt is None:
        return NextStep(role="unknown", title="An outcome is unknown.")
    name = situation.names.get(attempt.connection_id or 0, "the other side")
    effect = EFFECTS.get(attempt.kind, attempt.kind)
    doubts = {
        Kind.SUBMIT: f"We do not know whether {name} has it.",
        Kind.REFUND: f"We do not know whether {name} has refunded.",
        Kind.MAIL: "We do not know whether the mail service took it.",
        Kind.CANCEL: f"We do not know whether {name} has cancelled it.",
    }
    title = doubts.get(attempt.kind, f"{effect}: we do not know what became of it.")  # type: ignore[call-overload]
    asked = count_words(attempt.asked, "time")
    text = f"Asked {asked} so far. {attempt.message}".strip()
    if attempt.needs_person:
        return NextStep(
            role="unknown",
            title=title,
            text=text,
            then="Nothing outside can tell us. Look there, then say what you see.",
            first=Move("It happened …", "check", "decide", "happened=1"),
            others=[Move("It did not …", "x", "decide", "happened=0")],
        )
    then = "It is not repeated until its absence is proved."
    if attempt.next_ask_at is not None:
        then = f"We ask again at {clock_words(attempt.next_ask_at)}. {then}"
    return NextStep(
        role="unknown",
        title=title,
        text=text,
        then=then,
        first=Move("Ask now", "refresh", "refresh"),
    )


def _held(situation: Situation) -> NextStep:
    hold = situation.holds[0]
    kind = HoldKind(hold.kind)
    more = len(situation.holds) - 1
    then = f"{count_words(more, 'more hold')} after this one." if more else ""
    text = hold.reason
    release = Move("Release hold …", "play", "release", f"hold={hold.id}")
    others = [release]
    match kind:
        case HoldKind.UNMAPPED_SKU | HoldKind.SHIPPING_UNMAPPED | HoldKind.MISSING_ARTWORK:
            first = Move(FIXES[kind], "map", "attention")
        case HoldKind.ADDRESS_REFUSED:
            first = Move("Edit address …", "note", "address")
        case HoldKind.DUPLICATE_SUSPECTED:
            first, others = release, [Move("Cancel this one …", "x", "cancel")]
        case HoldKind.PAYMENT_NEEDED:
            first, others = Move("See alert", "card", "attention"), []
            then = "We look again every 15 min and go on by ourselves."
        case HoldKind.SOURCE:
            first = Move("Read the storefront again", "refresh", "refresh")
        case _:
            first, others = release, [Move("Cancel …", "x", "cancel")]
    role = "bad" if situation.state == State.OVERDUE else "warn"
    return NextStep(
        role=role,
        title=f"Hold: {hold_words(hold)}.",
        text=text,
        then=then,
        first=first,
        others=others,
    )


def _overdue(situation: Situation) -> NextStep:
    problem = situation.problem
    return NextStep(
        role="bad",
        title=f"{problem.words}." if problem else "A promise is late.",
        text=problem.detail if problem else "",
        then="Trying again asks first what became of the last attempt: nothing happens twice.",
        first=Move("Try now", "refresh", "retry"),
        others=[Move("Read again", "refresh", "refresh")],
    )


def _delayed(situation: Situation) -> NextStep:
    box = late_box(situation.shares)
    if box is None:
        return NextStep(role="warn", title="A parcel is delayed.", first=_read_again())
    title = f"Parcel {box.number}: {box.chip.word.lower()}."
    if box.last_scan is not None:
        still = duration_words(situation.now - box.last_scan.happened_at)
        title = f"Parcel {box.number} has not moved for {still}."
    carrier = box.carrier or "The carrier"
    promised = f"{carrier} promised {moment_words(box.promised_at)}." if box.promised_at else ""
    return NextStep(
        role="warn",
        title=title,
        text=promised,
        then="We ask the carrier by ourselves; a scan shows here within minutes.",
        first=Move("Ask the carrier now", "refresh", "refresh"),
        others=[Move("Reship …", "", "reship")],
    )


def late_box(shares: list[Share]) -> Box | None:
    """The first parcel in trouble."""
    boxes = [box for share in shares for box in share.boxes]
    troubled = [box for box in boxes if box.chip.role in {"warn", "bad"}]
    waiting = [box for box in boxes if box.chip.role == "info"]
    return next(iter([*troubled, *waiting]), None)


def _read_again() -> Move:
    return Move("Read again", "refresh", "refresh")


def _awaiting_payment(situation: Situation) -> NextStep:
    order = situation.order
    due = Money(order.amount_due - order.amount_captured, order.currency)
    return NextStep(
        role="neutral",
        title=f"{money_words(due)} have not come yet.",
        text=situation.problem.words if situation.problem else order.payment_title,
        then="Work starts by itself when the payment is captured.",
        others=[Move("Release unpaid …", "play", "release"), _read_again()],
    )


def _cooling_off(situation: Situation) -> NextStep:
    ends = [
        share.row.submit_after
        for share in situation.shares
        if share.row is not None and share.row.submit_after > situation.now
    ]
    until = f" until {clock_words(min(ends))}" if ends else ""
    return NextStep(
        role="info",
        title=f"Cooling off{until}.",
        text="Edits and cancellation are free until then.",
        then="After that it is handed to its provider by itself.",
        others=[Move("Edit address …", "note", "address"), Move("Cancel …", "x", "cancel")],
    )


def _under_way(situation: Situation) -> NextStep:
    chip = CHIPS[situation.state]
    if situation.state in {State.DELIVERED, State.PRESUMED_DELIVERED}:
        return NextStep(role="good", title="Nothing to do.", text="Everything has arrived.")
    if situation.next_owed is None:
        return NextStep(
            role="neutral", title="Nothing to do.", text=f"{chip.word}. Nothing is owed."
        )
    word, due_at = situation.next_owed
    return NextStep(
        role="info",
        title="Nothing to do now.",
        text=f"{chip.word}. Next: {word.lower()}, due {full_words(due_at)}.",
    )


def headline_words(situation: Situation) -> str:
    """The headline state with what sets it apart: "Delayed: parcel 2 of 3"."""
    word = CHIPS[situation.state].word
    if situation.state == State.DELAYED:
        box = late_box(situation.shares)
        number = sum(len(share.boxes) for share in situation.shares)
        if box is not None:
            return f"{word}: parcel {box.number} of {number}"
    if situation.state == State.HELD and situation.holds:
        return f"{word}: {hold_words(situation.holds[0])}"
    if situation.state == State.OVERDUE and situation.problem:
        return f"{word}: {situation.problem.words}"
    return word
