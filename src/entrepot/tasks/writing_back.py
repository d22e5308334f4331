"""Jobs that tell storefronts what happened to their orders."""

from dataclasses import dataclass

from entrepot.access import scope
from entrepot.attempts.services import Lease
from entrepot.connect.ports import WriteBackReceipt, WritesBack
from entrepot.connections import doors
from entrepot.fulfillment import writing_back
from entrepot.fulfillment.models import Parcel
from entrepot.tasks.effects import carry_out
from entrepot.tasks.registry import Priority, task


class NotAStorefront(Exception):
    """A write-back was wanted at a connection whose platform cannot be told."""


@task("storefront.write_back", priority=Priority.MEDIUM)
def write_back(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Tell the storefront of one shipment, once."""
    writing_back.owe_write_back(merchant_id, subject_id)
    decided = writing_back.intend_write_back(merchant_id, subject_id)
    if decided is None:
        return
    carry_out(
        merchant_id=merchant_id,
        connection_id=decided.connection_id,
        lease=decided.lease,
        call=lambda: storefront(decided.connection_id, lease=decided.lease).write_back(
            decided.news
        ),
        recorder=WriteBackRecorder(merchant_id, subject_id),
    )


@task("storefront.write_back_parcel", priority=Priority.MEDIUM)
def write_back_parcel(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Tell the storefront of tracking that came after the shipment was told."""
    with scope.merchant(merchant_id):
        shipment_id = Parcel.objects.values_list("shipment_id", flat=True).get(id=subject_id)
    write_back(merchant_id=merchant_id, subject_id=shipment_id)


def storefront(connection_id: int, *, lease: Lease | None = None) -> WritesBack:
    """The storefront behind a connection; with a lease, its writes are fenced."""
    client = doors.client(connection_id, before_send=lease.check if lease else None)
    if not isinstance(client, WritesBack):
        raise NotAStorefront(f"connection {connection_id} cannot be told")
    return client


@dataclass(frozen=True, slots=True)
class WriteBackRecorder:
    """How a write-back's endings are recorded."""

    merchant_id: int
    shipment_id: int

    def accepted(self, lease: Lease, answer: WriteBackReceipt) -> None:
        """The storefront knows."""
        writing_back.record_written(self.merchant_id, self.shipment_id, lease, answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The storefront refuses to be told."""
        writing_back.record_refused(self.merchant_id, self.shipment_id, lease, message=message)

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing was written."""
        writing_back.record_not_written(self.merchant_id, self.shipment_id, lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have been written."""
        writing_back.record_write_unknown(
            self.merchant_id, self.shipment_id, lease, message=message
        )
