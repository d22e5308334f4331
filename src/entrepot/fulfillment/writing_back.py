"""Tells the storefront what happened to its order: looks first, writes what is missing, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from entrepot.access import scope
from entrepot.attempts import queries as attempted
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind as Effect
from entrepot.connect import registry
from entrepot.connect.ports import WriteBack, WriteBackReceipt, WrittenParcel
from entrepot.connections.effects import effects_allowed
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.fulfillment.models import Shipment
from entrepot.fulfillment.references import idempotency_key, sale_reference
from entrepot.fulfillment.states import ShipmentStatus
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order
from entrepot.orders.services import lock_order, lock_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackCall:
    """A write-back that is written down and may be called now by the holder of the lease."""

    lease: Lease
    connection_id: int
    news: WriteBack
    shipment_id: int


def intend_write_backs(merchant_id: int, causes: Mapping[int, str]) -> list[WriteBackCall]:
    """Owe storefronts the news of shipments, and write down what is told now.

    `causes` says by shipment what the telling follows from. Of several shipments of one order only
    the first is told: what is told of the next depends on what the storefront knows by then.
    """
    calls = []
    with scope.merchant(merchant_id), obligations.gathered(), saving.together(len(causes)):
        shipments, orders = _lock_together(list(causes))
        prefetch_related_objects(list(orders.values()), "lines")
        prefetch_related_objects(shipments, "items", "fulfillment_order__items")
        attempted.read_together(Effect.WRITE_BACK, "shipment", subject_ids=list(causes))
        told: set[int] = set()
        for shipment in shipments:
            order = orders[shipment.order_id]
            is_news = shipment.written_back_at is None and shipment.status == ShipmentStatus.SHIPPED
            if is_news and _writes_back(order):
                with outbox.because(cause=causes[shipment.id]):
                    obligations.open_many([_owed(shipment)])
                    call = None if order.id in told else _intend(shipment, order)
                if call is not None:
                    calls.append(call)
                    told.add(order.id)
    return calls


def _owed(shipment: Shipment) -> obligations.NewObligation:
    return obligations.NewObligation(
        merchant_id=shipment.merchant_id,
        mode=shipment.mode,
        kind=Owed.WRITE_BACK,
        subject_kind="shipment",
        subject_id=shipment.id,
        order_id=shipment.order_id,
    )


def _intend(shipment: Shipment, order: Order) -> WriteBackCall | None:
    if order.is_history:
        return None
    storefront = connection_of(order.connection_id)
    if not effects_allowed(storefront, EffectFlow.WRITE_BACKS).is_allowed:
        return None
    if not fuse(storefront, EffectFlow.WRITE_BACKS, kind=Effect.WRITE_BACK).is_allowed:
        return None
    news = _news(shipment, order)
    lease = attempts.intend(
        merchant_id=order.merchant_id,
        mode=order.mode,
        kind=Effect.WRITE_BACK,
        connection_id=order.connection_id,
        order_id=order.id,
        subject=("shipment", shipment.id),
        reference=news.reference,
        generation=_telling(shipment),
        idempotency_key=idempotency_key(
            "write_back",
            account=order.account,
            mode=order.mode,
            external_id=order.external_id,
            share=shipment.number,
            generation=_telling(shipment),
        ),
        request={
            "completes_order": news.completes_order,
            "parcels": [parcel.tracking_number for parcel in news.parcels],
        },
    )
    if lease is None:
        return None
    return WriteBackCall(
        lease=lease,
        connection_id=order.connection_id,
        news=news,
        shipment_id=shipment.id,
    )


def lock_together(shipment_ids: Sequence[int]) -> None:
    """Lock the orders of several shipments, then these, each in key order; read them ahead."""
    shipments, _ = _lock_together(shipment_ids)
    scope.keep_ahead("shipment", {shipment.id: shipment for shipment in shipments})


def _lock_together(shipment_ids: Sequence[int]) -> tuple[list[Shipment], dict[int, Order]]:
    wanted = Shipment.objects.filter(id__in=shipment_ids)
    orders = lock_orders(wanted.values_list("order_id", flat=True), with_lines=False)
    locked = wanted.select_for_update().order_by("id")
    shipments = list(locked.prefetch_related("parcels"))
    return shipments, {order.id: order for order in orders}


def news_of(merchant_id: int, shipment_id: int) -> WriteBack:
    """The news of a shipment as it stands, to look it up."""
    with scope.merchant(merchant_id):
        shipment = Shipment.objects.get(id=shipment_id)
        return _news(shipment, Order.objects.get(id=shipment.order_id))


def record_written(
    merchant_id: int, shipment_id: int, *, lease: Lease, receipt: WriteBackReceipt
) -> None:
    """Record that the storefront knows what it was told. Raises LeaseLost.

    Tracking that came meanwhile is still owed, and told with the next look.
    """
    with scope.merchant(merchant_id):
        shipment, _ = _lock(shipment_id)
        attempt = attempts.accept(
            lease,
            outcome={
                "was_there": receipt.was_there,
                "external_ids": list(receipt.external_ids),
                "source_version": receipt.source_version,
            },
            message=receipt.message,
        )
        _count_as_told(shipment, attempt)


def count_as_written(attempt: Attempt) -> None:
    """Take a person's word, in the open scope, that a storefront knows what it was told."""
    shipment, _ = _lock(attempt.subject_id)
    _count_as_told(shipment, attempt)


def _count_as_told(shipment: Shipment, attempt: Attempt) -> None:
    if attempt.generation < _telling(shipment):
        return
    shipment.written_back_at = attempt.ended_at
    saving.save(shipment, "written_back_at")
    obligations.meet_many([(shipment.merchant_id, Owed.WRITE_BACK, "shipment", shipment.id)])


def record_refused(merchant_id: int, shipment_id: int, *, lease: Lease, message: str) -> None:
    """Record that the storefront refuses to be told; it stays owed. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.reject(lease, outcome={}, message=message)


def record_not_written(merchant_id: int, shipment_id: int, *, lease: Lease, message: str) -> None:
    """Record that, provably, nothing was written. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.stop(lease, message=message)


def record_write_unknown(merchant_id: int, shipment_id: int, *, lease: Lease, message: str) -> None:
    """Record that it may have been written; looking will tell. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.lose(lease, message=message)


def _lock(shipment_id: int) -> tuple[Shipment, Order]:
    ahead: Shipment | None = scope.taken_ahead("shipment", shipment_id)
    if ahead is not None:
        return ahead, lock_order(ahead.order_id)
    order = lock_order(Shipment.objects.values_list("order_id", flat=True).get(id=shipment_id))
    return Shipment.objects.select_for_update().get(id=shipment_id), order


def _writes_back(order: Order) -> bool:
    platform = connection_of(order.connection_id).platform
    return registry.platform(platform).manifest.can("write_back")


def _telling(shipment: Shipment) -> int:
    """Which telling of a shipment this is: tracking that comes later is news of its own."""
    return 1 + sum(bool(parcel.tracking_number) for parcel in shipment.parcels.all())


def _news(shipment: Shipment, order: Order) -> WriteBack:
    lines = {line.id: line for line in order.lines.all()}
    units = {lines[line_id].external_id: count for line_id, count in _units_of(shipment).items()}
    sale = sale_reference(account=order.account, mode=order.mode, external_id=order.external_id)
    left = ("shipped", "delivered", "not_required")
    return WriteBack(
        reference=f"{sale}/shipment/{shipment.external_id}/{_telling(shipment)}",
        order_external_id=order.external_id,
        parcels=tuple(
            WrittenParcel(
                reference=f"{sale}/parcel/{shipment.external_id}/{position}",
                carrier=parcel.carrier or shipment.carrier,
                service=shipment.service,
                tracking_number=parcel.tracking_number,
                tracking_url=parcel.tracking_url,
                shipped_at=shipment.shipped_at,
                items=tuple(sorted(units.items())),
            )
            for position, parcel in enumerate(
                sorted(shipment.parcels.all(), key=lambda parcel: parcel.id), start=1
            )
        ),
        completes_order=order.fulfillment_status in left and order.status != "cancelled",
    )


def _units_of(shipment: Shipment) -> dict[int, int]:
    """Units of each line in a shipment, as the shop sold them: of a kit, what its parts make."""
    per_line = {item.id: item.units_per_line for item in shipment.fulfillment_order.items.all()}
    units: dict[int, int] = {}
    for item in shipment.items.all():
        whole = item.quantity // per_line[item.fulfillment_item_id]
        units[item.line_id] = max(units.get(item.line_id, 0), whole)
    return {line_id: count for line_id, count in units.items() if count > 0}
