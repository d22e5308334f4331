"""Takes over what a provider says of its order: stage, issues, charges, shipments."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from entrepot.attempts.models import Attempt
from entrepot.canon.fulfillment import (
    IssueKind,
    ProviderOrder,
    ProviderStage,
    ShipmentSnapshot,
    ShipmentState,
)
from entrepot.events import outbox
from entrepot.fulfillment.counting import recount_planned
from entrepot.fulfillment.models import FulfillmentOrder, Shipment
from entrepot.fulfillment.references import position_of
from entrepot.fulfillment.shipping import Leaving, record_shipment, void_shipment
from entrepot.fulfillment.states import Status, Step
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.holds import NewHold, lift_holds, open_holds
from entrepot.orders.services import lock_order
from entrepot.orders.states import HoldKind

HOLD_OF_ISSUE = {
    IssueKind.PAYMENT_NEEDED: HoldKind.PAYMENT_NEEDED,
    IssueKind.ASSET_FAILED: HoldKind.MISSING_ARTWORK,
    IssueKind.ITEM_UNAVAILABLE: HoldKind.ITEM_UNAVAILABLE,
    IssueKind.PARTLY_CANCELLED: HoldKind.ITEM_UNAVAILABLE,
    IssueKind.ADDRESS_REFUSED: HoldKind.ADDRESS_REFUSED,
}


def share_of(
    merchant_id: int, connection_id: int, answer: ProviderOrder
) -> FulfillmentOrder | None:
    """The share that a provider's order is about, by their id, else by the reference we gave.

    A reference whose attempt has not ended is left alone: asking about it is the attempt's part.
    """
    by_id = FulfillmentOrder.objects.filter(
        merchant_id=merchant_id, connection_id=connection_id, external_id=answer.external_id
    ).first()
    if by_id is not None or not answer.reference:
        return by_id
    attempt = Attempt.objects.filter(
        merchant_id=merchant_id,
        connection_id=connection_id,
        kind="submit",
        reference=answer.reference,
        status="accepted",
    ).first()
    if attempt is None:
        return None
    return FulfillmentOrder.objects.get(id=attempt.subject_id)


def apply_provider_order(
    merchant_id: int, connection_id: int, answer: ProviderOrder, *, cause: str
) -> FulfillmentOrder | None:
    """Apply a provider's word about its order, inside the open scope; None when it is not ours.

    An older word than the last one changes nothing.
    """
    found = share_of(merchant_id, connection_id, answer)
    if found is None:
        return None
    lock_order(found.order_id)
    fulfillment_order = FulfillmentOrder.objects.select_for_update().get(id=found.id)
    with outbox.because(cause=cause):
        note_answer(fulfillment_order, answer)
    return fulfillment_order


def note_answer(fulfillment_order: FulfillmentOrder, answer: ProviderOrder) -> None:
    """Take over an answer about a locked share."""
    known_at = fulfillment_order.provider_updated_at
    if known_at and answer.updated_at and answer.updated_at < known_at:
        return
    previous = fulfillment_order.provider_stage
    details = {**_details(answer), "held": fulfillment_order.details.get("held", [])}
    has_changed = (previous, fulfillment_order.details) != (answer.stage, details)
    fulfillment_order.provider_stage = answer.stage
    fulfillment_order.provider_updated_at = answer.updated_at or known_at
    fulfillment_order.provider_read_at = timezone.now()
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
    if answer.shipments:
        fulfillment_order.refresh_from_db()
    if answer.stage is ProviderStage.CANCELLED:
        _note_cancelled(fulfillment_order)


def settle_cancelled(fulfillment_order: FulfillmentOrder) -> None:
    """After a share was cancelled: its units need another, and nothing is owed for it."""
    FulfillmentOrder.objects.filter(id=fulfillment_order.id).update(ended_at=timezone.now())
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
        record_shipment(
            fulfillment_order,
            Leaving(
                external_id=snapshot.external_id,
                carrier=snapshot.carrier,
                service=snapshot.service,
                tracking_number=snapshot.tracking_number,
                tracking_url=snapshot.tracking_url,
                shipped_at=snapshot.shipped_at or answer.updated_at or timezone.now(),
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
