"""Takes over what a provider says of its order: stage, issues, charges, shipments."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from entrepot.attempts.models import Attempt
from entrepot.canon.fulfillment import (
    IssueKind,
    ProviderOrder,
    ProviderStage,
    ShipmentSnapshot,
    ShipmentState,
)
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.fulfillment.counting import recount_planned
from entrepot.fulfillment.models import FulfillmentOrder, Shipment
from entrepot.fulfillment.references import position_of
from entrepot.fulfillment.shipping import Leaving, note_shipment, settle_left, void_shipment
from entrepot.fulfillment.states import Status, Step
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
    left: dict[int, FulfillmentOrder] = {}
    for number, one in enumerate(news):
        if number not in found:
            continue
        share = shares[found[number].id]
        if one.answer.stage is ProviderStage.CANCELLED and share.id in left:
            settle_left([left.pop(share.id)])  # one that has left entirely is not cancelled
        with outbox.because(cause=one.cause):
            if _note(share, one.answer):
                left[share.id] = share
    if left:
        settle_left(list(left.values()))


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
    if _note(fulfillment_order, answer):
        settle_left([fulfillment_order])


def _note(fulfillment_order: FulfillmentOrder, answer: ProviderOrder) -> bool:
    """Take over an answer; True when goods left that `settle_left` has still to count."""
    known_at = fulfillment_order.provider_updated_at
    if known_at and answer.updated_at and answer.updated_at < known_at:
        return False
    previous = fulfillment_order.provider_stage
    details = {**_details(answer), "held": fulfillment_order.details.get("held", [])}
    has_changed = (previous, fulfillment_order.details) != (answer.stage, details)
    fulfillment_order.provider_stage = answer.stage
    fulfillment_order.provider_updated_at = answer.updated_at or known_at
    fulfillment_order.provider_read_at = clock.now()
    fulfillment_order.details = details
    _charge(fulfillment_order, answer)
    fulfillment_order.save()
    if has_changed:
        outbox.record(
            "fulfillment_order.changed",
            merchant_id=fulfillment_order.merchant_id,
            mode=fulfillment_order.mode,
            order_id=fulfillment_order.order_id,
            subject=("fulfillment_order", fulfillment_order.id),
            data={"stage": answer.source_stage, "from": previous, "to": answer.stage},
        )
    _hold_for_issues(fulfillment_order, answer)
    for snapshot in answer.shipments:
        _note_shipment(fulfillment_order, answer, snapshot)
    if answer.stage is not ProviderStage.CANCELLED:
        return bool(answer.shipments)
    if answer.shipments:
        settle_left([fulfillment_order])  # what has left stays planned when the rest is cancelled
    _note_cancelled(fulfillment_order)
    return False


def settle_cancelled(fulfillment_order: FulfillmentOrder) -> None:
    """After a share was cancelled: its units need another, and nothing is owed for it."""
    FulfillmentOrder.objects.filter(id=fulfillment_order.id).update(ended_at=clock.now())
    recount_planned([fulfillment_order.order_id])
    mine = (fulfillment_order.merchant_id, "fulfillment_order", fulfillment_order.id)
    obligations.void_many(
        [(mine[0], kind, mine[1], mine[2]) for kind in (Owed.SUBMIT, Owed.SHIP)],
        reason="the share was cancelled",
    )
    obligations.meet_many([(mine[0], Owed.CANCEL, mine[1], mine[2])])


def _details(answer: ProviderOrder) -> dict[str, Any]:
    return {
        "source_stage": answer.source_stage,
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


def _hold_for_issues(fulfillment_order: FulfillmentOrder, answer: ProviderOrder) -> None:
    mine: dict[str, Any] = {
        "merchant_id": fulfillment_order.merchant_id,
        "order_id": fulfillment_order.order_id,
    }
    prefix = f"{fulfillment_order.id}:"
    current: set[tuple[str, str]] = set()
    holds = []
    for issue in answer.issues:
        kind = HOLD_OF_ISSUE.get(issue.kind)
        if kind is None:
            continue
        about = f"{prefix}{issue.code}"
        current.add((kind, about))
        holds.append(
            NewHold(
                **mine,
                kind=kind,
                about=about,
                reason=f"The provider says: {issue.message or issue.code}",
                data={
                    "code": issue.code,
                    "action_url": issue.action_url,
                    "connection_id": fulfillment_order.connection_id,
                    "fulfillment_order_id": fulfillment_order.id,
                },
            )
        )
    open_holds(holds)
    for earlier in fulfillment_order.details.get("held", []):
        if tuple(earlier) not in current:
            lift_holds(
                by="system",
                reason="the provider no longer reports it",
                order_ids=[fulfillment_order.order_id],
                kind=earlier[0],
                about=earlier[1],
            )
    held = sorted(list(pair) for pair in current)
    if held or fulfillment_order.details.get("held"):
        fulfillment_order.details["held"] = held
        fulfillment_order.save(update_fields=["details"])


def _note_shipment(
    fulfillment_order: FulfillmentOrder, answer: ProviderOrder, snapshot: ShipmentSnapshot
) -> None:
    if snapshot.state is ShipmentState.SHIPPED:
        note_shipment(
            fulfillment_order,
            Leaving(
                external_id=snapshot.external_id,
                carrier=snapshot.carrier,
                service=snapshot.service,
                tracking_number=snapshot.tracking_number,
                tracking_url=snapshot.tracking_url,
                shipped_at=snapshot.shipped_at or answer.updated_at or clock.now(),
                units=_units(fulfillment_order, snapshot, is_only_one=len(answer.shipments) == 1),
            ),
            cause=f"fulfillment_order:{fulfillment_order.id}",
        )
    elif snapshot.state is ShipmentState.CANCELLED:
        known = Shipment.objects.filter(
            fulfillment_order=fulfillment_order, external_id=snapshot.external_id
        ).first()
        if known is not None:
            void_shipment(known, reason="the provider cancelled the shipment")


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
        return {item.id: item.quantity for item in items.values()}
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
