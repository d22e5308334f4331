"""The most useful thing to do about an order, decided from its headline state.

The order's page and `entrepot doctor` both say what stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.dashboard.reading.being_changed import asked_to_change
from entrepot.dashboard.reading.doubts import doubt_about
from entrepot.dashboard.reading.headline import CHIPS, State
from entrepot.dashboard.reading.late import SENT_AGAIN, delayed, late_box
from entrepot.dashboard.reading.order_page import Owed, hold_words
from entrepot.dashboard.reading.owed import word_of
from entrepot.dashboard.reading.problems import FIXES, Problem
from entrepot.dashboard.reading.repairs import REPAIRS
from entrepot.dashboard.reading.shares import Share
from entrepot.dashboard.reading.steps import READ_AGAIN, Move, NextStep, ended
from entrepot.dashboard.wording import (
    begun,
    clock_words,
    count_words,
    full_words,
    money_words,
)
from entrepot.dashboard.words_of_states import beside, is_refunded_in_full, task_words
from entrepot.deadletters.models import DeadLetter
from entrepot.fulfillment.states import Status as ShareStatus
from entrepot.obligations.states import Kind as Owes
from entrepot.orders.models import Hold, Order
from entrepot.orders.states import HoldKind
from entrepot.payments.models import PaymentEntry, PaymentWish
from entrepot.payments.states import WishStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the decision is made from. `stop` is why nothing of it may leave now, else "".

    `authorized` is a payment that can be captured, `wish` the last that was wanted of it.
    """

    order: Order
    state: State
    problem: Problem | None
    holds: list[Hold]
    shares: list[Share]
    unknown: Attempt | None
    letter: DeadLetter | None
    stop: str
    owed: list[Owed]
    names: Mapping[int, str]
    now: datetime
    authorized: PaymentEntry | None = None
    wish: PaymentWish | None = None

    @property
    def next_owed(self) -> Owed | None:
        """The open promise that is due first."""
        return next((one for one in self.owed if one.is_open), None)


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
            return delayed(situation.shares, situation.now)
        case State.AWAITING_PAYMENT:
            return _awaiting_payment(situation)
        case State.COOLING_OFF:
            return _cooling_off(situation)
        case State.CANCELLED if situation.authorized is not None:
            return _authorized(situation, situation.authorized)
        case State.CANCELLED | State.RETURNED | State.CLOSED:
            return _done(situation)
        case _:
            return _under_way(situation)


def _done(situation: Situation) -> NextStep:
    if any(share.is_on_its_way_again for share in situation.shares):
        return NextStep(role="neutral", title="Nothing to do.", text=SENT_AGAIN)
    return NextStep(
        role="neutral",
        title="Nothing to do.",
        text="No provider has work on it. A refund is a choice of its own.",
    )


def _unknown(situation: Situation) -> NextStep:
    attempt = situation.unknown
    if attempt is None:
        return NextStep(role="unknown", title="An outcome is unknown.")
    title = doubt_about(attempt, situation.names.get(attempt.connection_id or 0, "")).title
    asked = f"Asked {count_words(attempt.asked, 'time')} so far." if attempt.asked else ""
    text = f"{asked} {ended(begun(attempt.message))}".strip()
    if attempt.needs_person:
        return NextStep(
            role="unknown",
            title=title,
            text=text,
            then=f"Nothing outside can tell us. Look there for {attempt.reference}, then say what"
            " you see.",
            first=Move("It happened …", "check", "decide", f"happened=1&attempt={attempt.id}"),
            others=[Move("It did not …", "x", "decide", f"happened=0&attempt={attempt.id}")],
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
    further = f"{count_words(more, 'more hold')} after this one." if more else ""
    then = f"{REPAIRS[kind]} {further}".strip()
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
        case HoldKind.SOURCE:
            first = Move("Read the storefront again", "refresh", "refresh")
        case _:
            may_end = situation.order.status == "open"
            cancel = [Move("Cancel …", "x", "cancel")] if may_end else []
            first, *others = [release, *cancel]
            if is_refunded_in_full(hold.kind, hold.reason) and units_unsent(situation.order) > 0:
                first, *others = [*cancel, release]
                then = f"Cancel it: released, it is made and sent for nothing. {further}".strip()
    role = "bad" if situation.state == State.OVERDUE else "warn"
    return NextStep(
        role=role,
        title=f"Hold: {hold_words(hold)}.",
        text=ended(beside(hold_words(hold), hold.reason)),
        then=then,
        first=first,
        others=others,
    )


def units_unsent(order: Order) -> int:
    """How many units of an order would still be made and sent."""
    return order.units_ordered - order.units_cancelled - order.units_shipped


def _overdue(situation: Situation) -> NextStep:
    if blocked := _blocked(situation):
        return blocked
    problem = situation.problem
    late = {one.word for one in situation.owed if one.is_overdue}
    if late == {word_of(Owes.SHIP)} and (packing := _packing(situation)):
        return replace(
            packing, role="bad", text=f"{problem.words if problem else ''}. {packing.text}"
        )
    if situation.authorized and late <= {word_of(Owes.CAPTURE), word_of(Owes.VOID)}:
        return replace(_authorized(situation, situation.authorized), role="bad")
    return NextStep(
        role="bad",
        title=f"{problem.words}." if problem else "A promise is late.",
        text=problem.detail if problem else "",
        then="Trying again asks first what became of the last attempt: nothing happens twice.",
        first=Move("Try now", "refresh", "retry"),
        others=[Move("Read again", "refresh", "refresh")],
    )


def _blocked(situation: Situation) -> NextStep | None:
    """What is in the way of our own work, which no deadline may have told yet."""
    if situation.letter is not None:
        return _gave_up(situation.letter)
    return _stopped(situation) if situation.stop else None


def _stopped(situation: Situation) -> NextStep:
    return NextStep(
        role="bad" if situation.state == State.OVERDUE else "warn",
        title="Nothing leaves now.",
        text=ended(situation.stop[0].upper() + situation.stop[1:]),
        then="Nothing is lost: it goes on by itself when that ends.",
    )


def _gave_up(letter: DeadLetter) -> NextStep:
    tries = count_words(letter.tries, "try", plural="tries")
    return NextStep(
        role="bad",
        title="Our own work gave up.",
        text=ended(f"{task_words(letter.task)}, after {tries}: {letter.error}"),
        then="Replay it under Jobs once its cause is gone: nothing happens twice.",
        first=Move("Try now", "refresh", "retry"),
    )


def _awaiting_payment(situation: Situation) -> NextStep:
    if situation.authorized is not None:
        return _authorized(situation, situation.authorized)
    order = situation.order
    due = Money(order.amount_due - order.amount_captured, order.currency)
    return NextStep(
        role="neutral",
        title=f"{money_words(due)} have not come yet.",
        text=ended(situation.problem.words if situation.problem else order.payment_title),
        then="Work starts by itself when the payment is captured.",
        others=[Move("Release unpaid …", "play", "release"), READ_AGAIN],
    )


def _authorized(situation: Situation, entry: PaymentEntry) -> NextStep:
    """What waits for a person to capture or void it."""
    wish, amount = situation.wish, money_words(Money(entry.amount, entry.currency))
    if wish is not None and wish.status == WishStatus.WANTED:
        return NextStep(
            role="info",
            title=f"A {wish.kind} of {amount} is under way.",
            text=ended(begun(situation.stop)),
            then="The gateway is asked first: it happens once.",
            others=[Move("Try now", "refresh", "retry")],
        )
    failed = f"The {wish.kind} failed: {wish.message}" if wish is not None else ""
    void = Move("Void …", "x", "void")
    if situation.state == State.CANCELLED:
        then = "Nothing will be captured: let it go, or it runs out by itself."
        return NextStep(
            role="warn", title=f"{amount} are still authorized.", text=ended(failed), then=then,
            first=void,
        )  # fmt: skip
    return NextStep(
        role="warn",
        title=f"{amount} are authorized, not captured.",
        text=ended(failed),
        then="Work starts by itself when the payment is captured; an authorization runs out.",
        first=Move("Capture …", "card", "capture"),
        others=[void, Move("Release unpaid …", "play", "release")],
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
        again = any(share.is_on_its_way_again for share in situation.shares)
        said = SENT_AGAIN if again else "Everything has arrived."
        return NextStep(role="good", title="Nothing to do.", text=said)
    if blocked := _blocked(situation):
        return blocked
    if changing := asked_to_change(situation.shares, situation.names):
        return changing
    if packing := _packing(situation):
        return packing
    if situation.next_owed is None:
        return NextStep(
            role="neutral", title="Nothing to do.", text=f"{chip.word}. Nothing is owed."
        )
    coming = situation.next_owed
    return NextStep(
        role="info",
        title="Nothing to do now.",
        text=f"{chip.word}. Next: {coming.word.lower()}, due {full_words(coming.due_at)}.",
    )


def _packing(situation: Situation) -> NextStep | None:
    """What people have to pack: no provider does it, and nothing tells that it was done."""
    waiting = [share for share in situation.shares if is_to_pack(share, situation.now)]
    if not waiting:
        return None
    units = sum(
        item.ordered - (item.shipped or 0) - item.cancelled
        for share in waiting
        for item in share.items
    )
    return NextStep(
        role="info",
        title=f"{count_words(units, 'unit')} {'waits' if units == 1 else 'wait'} to be packed.",
        text=ended("; ".join(share.waiting for share in waiting)),
        then="Say here or under Pick lists what left: the storefront and the customer are told.",
        first=Move("Add tracking …", "truck", "tracking"),
        others=[Move("Pick lists", "print", "picklists")],
    )


def is_to_pack(share: Share, now: datetime) -> bool:
    """Whether people pack what is left of a share, now that its cooling-off time is over."""
    row = share.row
    if row is None or not row.is_by_hand or not share.waiting:
        return False
    return row.status in {ShareStatus.OPEN, ShareStatus.ACCEPTED} and row.submit_after <= now


def headline_words(situation: Situation) -> str:
    """The headline state with what sets it apart: "Delayed: parcel 2 of 3"."""
    word = CHIPS[situation.state].word
    if situation.state == State.DELAYED:
        box = late_box(situation.shares)
        # As the customer counts: what is still being made is a parcel too.
        number = sum(len(share.boxes) + bool(share.waiting) for share in situation.shares)
        if box is not None:
            return f"{word}: parcel {box.number} of {number}"
    if situation.state == State.HELD and situation.holds:
        return f"{word}: {hold_words(situation.holds[0])}"
    if situation.state == State.OVERDUE and situation.problem:
        return f"{word}: {situation.problem.words}"
    return word
