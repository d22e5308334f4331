"""Takes over what a provider says of its order: stage, issues, charges, shipments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from entrepot.attempts.models import Attempt
from entrepot.canon.fulfillment import (
    IssueKind,
    ProviderOrder,
    ProviderStage,
    ShipmentSnapshot,
    ShipmentState,
)
from entrepot.connect.haste import hurried
from entrepot.database import clock, saving
from entrepot.events import outbox
from entrepot.fulfillment.counting import recount_planned
from entrepot.fulfillment.dropped import (
    as_ended,
    holds_of_dropped,
    note_dropped,
    units_dropped,
)
from entrepot.fulfillment.models import TOLD, FulfillmentOrder
from entrepot.fulfillment.references import position_of
from entrepot.fulfillment.shipping import Departures, Leaving, settle_left
from entrepot.fulfillment.states import Status, Step
from entrepot.fulfillment.voiding import void_shipment
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import locks
from entrepot.orders.holds import NewHold, lift_holds, open_holds
from entrepot.orders.states import HoldKind

HOLD_OF_ISSUE = {
    IssueKind.PAYMENT_NEEDED: HoldKind.PAYMENT_NEEDED,
    IssueKind.ASSET_FAILED: HoldKind.MISSING_ARTWORK,
    IssueKind.ITEM_UNAVAILABLE: HoldKind.ITEM_UNAVAILABLE,
    IssueKind.PARTLY_CANCELLED: HoldKind.ITEM_UNAVAILABLE,
    IssueKind.ADDRESS_REFUSED: HoldKind.ADDRESS_REFUSED,
}
# That a share was read again is written down this often; quiet ones are read again much later.
NEWLY = hurried(timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNews:
    """A provider's word about one of its orders; `cause` is the message that brought it."""

    merchant_id: int
    connection_id: int
    answer: ProviderOrder
    cause: str


def apply_provider_orders(news: Sequence[ProviderNews]) -> None:
    """Apply providers' words about their orders, inside the open scope; strangers are passed over.

    An older word than the last one changes nothing.
    """
    found = _shares_of(news)
    if not found:
        return
    locks.lock(share.order_id for share in found.values())
    ids = {share.id for share in found.values()}
    locked = FulfillmentOrder.objects.select_for_update().filter(id__in=ids).order_by("id")
    shares = {share.id: share for share in locked.prefetch_related("items")}
    words = [
        _word(shares[found[number].id], one.answer, one.cause)
        for number, one in enumerate(news)
        if number in found
    ]
    left: dict[int, FulfillmentOrder] = {}
    with saving.together(expected=sum(len(word.answer.shipments) for word in words)):
        for run in _runs(words):
            for word in run:
                if word.answer.stage is ProviderStage.CANCELLED and word.share.id in left:
                    settle_left([left.pop(word.share.id)])  # all of it left: it is not cancelled
            left |= {share.id: share for share in _note_together(run)}
        if left:
            settle_left(list(left.values()))


@dataclass(frozen=True, slots=True)
class _Word:
    """A provider's word and the locked share that it is about."""

    share: FulfillmentOrder
    answer: ProviderOrder
    cause: str


def _word(share: FulfillmentOrder, answer: ProviderOrder, cause: str) -> _Word:
    return _Word(share, as_ended(share, answer), cause)


def _runs(words: Iterable[_Word]) -> Iterator[list[_Word]]:
    """Words that can be noted together, in their order; one that ends its share is alone."""
    for ends, run in groupby(words, lambda word: word.answer.stage is ProviderStage.CANCELLED):
        if ends:
            yield from ([word] for word in run)
        else:
            yield list(run)


def _shares_of(news: Sequence[ProviderNews]) -> dict[int, FulfillmentOrder]:
    """By place, the share that each is about: by their id, else by the reference we gave.

    A reference whose attempt has not ended is left alone: asking about it is the attempt's part.
    """
    connection_ids = {one.connection_id for one in news}
    known = FulfillmentOrder.objects.filter(
        connection_id__in=connection_ids,
        external_id__in={one.answer.external_id for one in news if one.answer.external_id},
    )
    by_id = {(share.connection_id, share.external_id): share for share in known}
    found = {
        number: by_id[one.connection_id, one.answer.external_id]
        for number, one in enumerate(news)
        if (one.connection_id, one.answer.external_id) in by_id
    }
    others = {
        number: one
        for number, one in enumerate(news)
        if number not in found and one.answer.reference
    }
    if not others:
        return found
    accepted = Attempt.objects.filter(
        connection_id__in=connection_ids,
        kind="submit",
        reference__in={one.answer.reference for one in others.values()},
        status="accepted",
    )
    by_reference = {(one.connection_id, one.reference): one.subject_id for one in accepted}
    shares = FulfillmentOrder.objects.in_bulk(set(by_reference.values()))
    for number, one in others.items():
        share_id = by_reference.get((one.connection_id, one.answer.reference))
        if share_id is not None:
            found[number] = shares[share_id]
    return found


def note_answer(fulfillment_order: FulfillmentOrder, answer: ProviderOrder) -> None:
    """Take over an answer about a locked share."""
    with saving.together():
        if left := _note_together([_word(fulfillment_order, answer, "")]):
            settle_left(left)


def _note_together(words: Sequence[_Word]) -> list[FulfillmentOrder]:
    """Take over words in their order; the shares of which `settle_left` has still to count.

    In a block of `saving.together`; one that ends its share comes alone. First what they say of the
    shares, then what has left.
    """
    current = _note_stages(words)
    told = [word for word in current if word.answer.shipments]
    left: list[FulfillmentOrder] = []
    if told:
        departures = Departures({word.share.id: word.share for word in told}.values())
        for word in told:
            with outbox.because(cause=word.cause):
                for snapshot in word.answer.shipments:
                    _note_shipment(word, snapshot, departures)
        departures.finish()
        left = [word.share for word in told if departures.is_to_settle(word.share)]
    for word in current:
        if word.answer.stage is ProviderStage.CANCELLED:
            with outbox.because(cause=word.cause):
                if left:
                    settle_left(left)  # what has left stays planned when the rest is cancelled
                _note_cancelled(word.share)
            return []
    return left


def _note_stages(words: Sequence[_Word]) -> list[_Word]:
    """Keep what words say of their shares themselves; those that are not older than what we know.

    One that brings nothing new is not written, unless the share was last read a while ago.
    """
    current = []
    holds: list[NewHold] = []
    for word in words:
        share, answer = word.share, word.answer
        known_at = share.provider_updated_at
        if known_at and answer.updated_at and answer.updated_at < known_at:
            continue
        current.append(word)
        before = [getattr(share, name) for name in TOLD]
        previous = share.provider_stage
        held = share.details.get("held", [])
        details = {**_details(answer), "held": held}
        has_changed = (previous, share.details) != (answer.stage, details)
        note_dropped(share, answer)
        share.provider_stage = answer.stage
        share.provider_updated_at = answer.updated_at or known_at
        share.details = details
        _charge(share, answer)
        with outbox.because(cause=word.cause):
            if has_changed:
                outbox.record(
                    "fulfillment_order.changed",
                    merchant_id=share.merchant_id,
                    mode=share.mode,
                    order_id=share.order_id,
                    subject=("fulfillment_order", share.id),
                    data={"stage": answer.source_stage, "from": previous, "to": answer.stage},
                )
            issues = _holds_of(share, answer)
            holds += issues.values()
            gone = [pair for pair in map(tuple, held) if pair not in issues]
            if gone:
                open_holds(holds)
                holds.clear()
                _lift(share, gone)
        if issues or held:
            share.details = {**details, "held": sorted(list(pair) for pair in issues)}
        if [getattr(share, name) for name in TOLD] != before or _was_read_before(share, NEWLY):
            share.provider_read_at = clock.now()
            saving.save(share, *TOLD)
    open_holds(holds)
    return current


def _was_read_before(share: FulfillmentOrder, ago: timedelta) -> bool:
    return share.provider_read_at is None or share.provider_read_at < clock.now() - ago


def settle_cancelled(fulfillment_order: FulfillmentOrder) -> None:
    """After a share was cancelled: its units need another, and nothing is owed for it."""
    fulfillment_order.ended_at = clock.now()
    saving.save(fulfillment_order, "ended_at")
    recount_planned([fulfillment_order.order_id])
    mine = (fulfillment_order.merchant_id, "fulfillment_order", fulfillment_order.id)
    obligations.void_many(
        [(mine[0], kind, mine[1], mine[2]) for kind in (Owed.SUBMIT, Owed.SHIP)],
        reason="the share was cancelled",
    )
    obligations.meet_many([(mine[0], Owed.CANCEL, mine[1], mine[2])])


def _details(answer: ProviderOrder) -> dict[str, Any]:
    dropped = units_dropped(answer)
    return {
        "source_stage": answer.source_stage,
        **({"units_dropped": dropped} if dropped else {}),
        "issues": [
            {
                "kind": issue.kind,
                "code": issue.code,
                "message": issue.message,
                "action_url": issue.action_url,
            }
            for issue in answer.issues
        ],
        "charges": [
            {
                "external_id": charge.external_id,
                "kind": charge.kind,
                "amount": str(charge.amount.amount),
                "currency": charge.amount.currency,
            }
            for charge in answer.charges
        ],
    }


def _charge(fulfillment_order: FulfillmentOrder, answer: ProviderOrder) -> None:
    """The cost as charged, when all charges are in one currency; otherwise it stays unknown."""
    currencies = {charge.amount.currency for charge in answer.charges}
    if len(currencies) == 1:
        fulfillment_order.cost_currency = currencies.pop()
        fulfillment_order.cost = sum(
            (charge.amount.amount for charge in answer.charges), Decimal(0)
        )


def _holds_of(share: FulfillmentOrder, answer: ProviderOrder) -> dict[tuple[str, str], NewHold]:
    """The holds for what a provider reports, by kind and what each is about."""
    holds: dict[tuple[str, str], NewHold] = {}
    for issue in answer.issues:
        kind = HOLD_OF_ISSUE.get(issue.kind)
        if kind is None or issue.units:
            continue
        about = f"{share.id}:{issue.code}"
        holds[kind, about] = NewHold(
            merchant_id=share.merchant_id,
            order_id=share.order_id,
            kind=kind,
            about=about,
            reason=f"The provider says: {issue.message or issue.code}",
            data={
                "code": issue.code,
                "action_url": issue.action_url,
                "connection_id": share.connection_id,
                "fulfillment_order_id": share.id,
            },
            cause=outbox.current_cause()[1],
        )
    return holds | {(hold.kind, hold.about): hold for hold in holds_of_dropped(share, answer)}


def _lift(share: FulfillmentOrder, holds: Iterable[Sequence[str]]) -> None:
    for kind, about in holds:
        lift_holds(
            by="system",
            reason="the provider no longer reports it",
            order_ids=[share.order_id],
            kind=kind,
            about=about,
        )


def _note_shipment(word: _Word, snapshot: ShipmentSnapshot, departures: Departures) -> None:
    share, answer = word.share, word.answer
    if snapshot.state is ShipmentState.SHIPPED:
        departures.note(
            share,
            Leaving(
                external_id=snapshot.external_id,
                carrier=snapshot.carrier,
                service=snapshot.service,
                tracking_number=snapshot.tracking_number,
                tracking_url=snapshot.tracking_url,
                shipped_at=snapshot.shipped_at or answer.updated_at or clock.now(),
                units=_units(share, snapshot, is_only_one=len(answer.shipments) == 1),
            ),
            cause=f"fulfillment_order:{share.id}",
        )
    elif snapshot.state is ShipmentState.CANCELLED:
        known = departures.known(share, snapshot.external_id)
        if known is not None:
            departures.finish()
            void_shipment(known, reason="the provider cancelled the shipment", share=share)


def _units(
    fulfillment_order: FulfillmentOrder, snapshot: ShipmentSnapshot, *, is_only_one: bool
) -> dict[int, int]:
    """Fulfillment item id -> units, by the references that we gave the items.

    A shipment that names no item of ours holds the whole share when it is the only one.
    """
    items = {item.position: item for item in fulfillment_order.items.all()}
    units: dict[int, int] = {}
    for shipped in snapshot.items:
        position = position_of(shipped.item_reference)
        if position in items:
            item = items[position]
            units[item.id] = units.get(item.id, 0) + shipped.quantity
    if not units and is_only_one:
        return {item.id: item.quantity - item.units_cancelled for item in items.values()}
    return units


def _note_cancelled(fulfillment_order: FulfillmentOrder) -> None:
    if fulfillment_order.status == Status.CANCELLING:
        fulfillment_order.take(Step.CANCEL, reason="the provider has cancelled it")
        settle_cancelled(fulfillment_order)
        return
    if fulfillment_order.status not in (Status.SUBMITTED, Status.ACCEPTED):
        return
    fulfillment_order.take(
        Step.CANCEL_BY_PROVIDER, reason="the provider cancelled it without being asked"
    )
    settle_cancelled(fulfillment_order)
    open_holds(
        [
            NewHold(
                merchant_id=fulfillment_order.merchant_id,
                order_id=fulfillment_order.order_id,
                kind=HoldKind.REFUSED,
                about=f"{fulfillment_order.id}:cancelled",
                reason="The provider cancelled it without being asked",
                data={"fulfillment_order_id": fulfillment_order.id},
            )
        ]
    )
