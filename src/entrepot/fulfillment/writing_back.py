"""Tells the storefront what happened to its order: looks first, writes what is missing, once."""

from dataclasses import dataclass

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.rates import fuse
from entrepot.attempts.services import Lease
from entrepot.attempts.states import Kind as Effect
from entrepot.connect import registry
from entrepot.connect.ports import WriteBack, WriteBackReceipt, WrittenParcel
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.fulfillment.models import FulfillmentItem, Parcel, Shipment, ShipmentItem
from entrepot.fulfillment.references import idempotency_key, sale_reference
from entrepot.fulfillment.states import ShipmentStatus
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Line, Order
from entrepot.orders.services import lock_order


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackCall:
    """A write-back that is written down and may be called now by the holder of the lease."""

    attempt_id: int
    lease: Lease
    connection_id: int
    news: WriteBack
    shipment_id: int


def owe_write_back(merchant_id: int, shipment_id: int) -> bool:
    """Owe the storefront the news of a shipment; False where nobody needs to be told (any more)."""
    with scope.merchant(merchant_id):
        shipment, order = _lock(shipment_id)
        if shipment.written_back_at is not None or not _writes_back(order):
            return False
        obligations.open_many(
            [
                obligations.NewObligation(
                    merchant_id=merchant_id,
                    mode=order.mode,
                    kind=Owed.WRITE_BACK,
                    subject_kind="shipment",
                    subject_id=shipment_id,
                    order_id=order.id,
                )
            ]
        )
    return True


def intend_write_back(merchant_id: int, shipment_id: int) -> WriteBackCall | None:
    """Write the news of a shipment down for the storefront, when it is still to be told."""
    with scope.merchant(merchant_id):
        shipment, order = _lock(shipment_id)
        if shipment.written_back_at is not None or shipment.status != ShipmentStatus.SHIPPED:
            return None
        if order.is_history or not _writes_back(order):
            return None
        storefront = Connection.objects.get(id=order.connection_id)
        if not effects_allowed(storefront, EffectFlow.WRITE_BACKS).is_allowed:
            return None
        if not fuse(storefront, EffectFlow.WRITE_BACKS, Effect.WRITE_BACK).is_allowed:
            return None
        news = _news(shipment, order)
        intended = attempts.intend(
            merchant_id=merchant_id,
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
        if intended is None:
            return None
        attempt, lease = intended
        return WriteBackCall(
            attempt_id=attempt.id,
            lease=lease,
            connection_id=order.connection_id,
            news=news,
            shipment_id=shipment.id,
        )


def news_of(merchant_id: int, shipment_id: int) -> WriteBack:
    """The news of a shipment as it stands, to look it up."""
    with scope.merchant(merchant_id):
        shipment = Shipment.objects.get(id=shipment_id)
        return _news(shipment, Order.objects.get(id=shipment.order_id))


def record_written(
    merchant_id: int, shipment_id: int, lease: Lease, receipt: WriteBackReceipt
) -> None:
    """Record that the storefront knows. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempt = attempts.accept(
            lease,
            outcome={
                "was_there": receipt.was_there,
                "external_ids": list(receipt.external_ids),
                "source_version": receipt.source_version,
            },
            message=receipt.message,
        )
        Shipment.objects.filter(id=shipment_id).update(written_back_at=attempt.ended_at)
        obligations.meet_many([(merchant_id, Owed.WRITE_BACK, "shipment", shipment_id)])


def record_refused(merchant_id: int, shipment_id: int, lease: Lease, *, message: str) -> None:
    """Record that the storefront refuses to be told; it stays owed. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.reject(lease, outcome={}, message=message)


def record_not_written(merchant_id: int, shipment_id: int, lease: Lease, *, message: str) -> None:
    """Record that, provably, nothing was written. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.stop(lease, message=message)


def record_write_unknown(merchant_id: int, shipment_id: int, lease: Lease, *, message: str) -> None:
    """Record that it may have been written; looking will tell. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(shipment_id)
        attempts.lose(lease, message=message)


def _lock(shipment_id: int) -> tuple[Shipment, Order]:
    order = lock_order(Shipment.objects.values_list("order_id", flat=True).get(id=shipment_id))
    return Shipment.objects.select_for_update().get(id=shipment_id), order


def _writes_back(order: Order) -> bool:
    platform = Connection.objects.values_list("platform", flat=True).get(id=order.connection_id)
    return registry.platform(platform).manifest.can("write_back")


def _telling(shipment: Shipment) -> int:
    """Which telling of a shipment this is: tracking that comes later is news of its own."""
    return 1 + Parcel.objects.filter(shipment=shipment).exclude(tracking_number="").count()


def _units_of(shipment: Shipment) -> dict[int, int]:
    """Units of each line in a shipment, as the shop sold them: of a kit, what its parts make."""
    per_line = dict(
        FulfillmentItem.objects.filter(
            fulfillment_order_id=shipment.fulfillment_order_id
        ).values_list("id", "units_per_line")
    )
    units: dict[int, int] = {}
    for item in ShipmentItem.objects.filter(shipment=shipment):
        whole = item.quantity // per_line[item.fulfillment_item_id]
        units[item.line_id] = max(units.get(item.line_id, 0), whole)
    return {line_id: count for line_id, count in units.items() if count > 0}


def _news(shipment: Shipment, order: Order) -> WriteBack:
    lines = {line.id: line for line in Line.objects.filter(order_id=order.id)}
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
                Parcel.objects.filter(shipment=shipment).order_by("id"), start=1
            )
        ),
        completes_order=order.fulfillment_status in left and order.status != "cancelled",
    )
