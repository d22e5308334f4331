"""What to do about a parcel that is late, comes back, or is lost."""

from collections.abc import Sequence
from datetime import datetime

from entrepot.canon.tracking import ParcelStatus
from entrepot.dashboard.reading.parcels import Box
from entrepot.dashboard.reading.shares import Share
from entrepot.dashboard.reading.steps import READ_AGAIN, Move, NextStep, ended
from entrepot.dashboard.wording import duration_words, moment_words
from entrepot.fulfillment.losses import FAILED

SENT_AGAIN = "What was sent again is under way."
RESHIP = Move("Reship …", "", "reship")


def late_box(shares: Sequence[Share]) -> Box | None:
    """The first parcel in trouble."""
    boxes = [box for share in shares for box in share.boxes if not box.is_made_good]
    troubled = [box for box in boxes if box.chip.role in {"warn", "bad"}]
    waiting = [box for box in boxes if box.chip.role == "info"]
    return next(iter([*troubled, *waiting]), None)


def delayed(shares: Sequence[Share], now: datetime) -> NextStep:
    """What the panel of a delayed order says and offers."""
    box = late_box(shares)
    if box is None:
        return NextStep(role="warn", title="A parcel is delayed.", first=READ_AGAIN)
    if box.status in FAILED:
        return _failed(box, shares)
    title = f"Parcel {box.number}: {box.chip.word.lower()}."
    if box.last_scan is not None:
        still = duration_words(now - box.last_scan.happened_at)
        title = f"Parcel {box.number} has not moved for {still}."
    carrier = box.carrier or "The carrier"
    promised = f"{carrier} promised {moment_words(box.promised_at)}." if box.promised_at else ""
    return NextStep(
        role="warn",
        title=title,
        text=promised,
        then="We ask the carrier by ourselves; a scan shows here within minutes.",
        first=Move("Ask the carrier now", "refresh", "refresh"),
        others=[RESHIP],
    )


def _failed(box: Box, shares: Sequence[Share]) -> NextStep:
    is_lost = box.status == ParcelStatus.LOST
    title = f"Parcel {box.number} is {'lost' if is_lost else 'coming back to the sender'}."
    text = ended(box.last_scan.message) if box.last_scan else ""
    if _is_sent_again(box, shares):
        return NextStep(
            role="info",
            title=f"{title} {SENT_AGAIN}",
            text=text,
            then="The order is delivered once that arrives.",
            others=[RESHIP, READ_AGAIN],
        )
    then = "Ask the customer for an address that works, then send it again or refund."
    if is_lost:
        then = "Send it again or refund. Should it turn up, say so: Where is a parcel …"
    return NextStep(
        role="warn", title=title, text=text, then=then, first=RESHIP, others=[READ_AGAIN]
    )


def _is_sent_again(box: Box, shares: Sequence[Share]) -> bool:
    mine = next(share.row for share in shares if box in share.boxes)
    return any(
        share.is_on_its_way_again and share.row and mine and share.row.replaces_id == mine.id
        for share in shares
    )
