"""Jobs that tell storefronts what happened to their orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.attempts.leases import Lease
from entrepot.connect.ports import WriteBackReceipt, WritesBack
from entrepot.connections import doors
from entrepot.fulfillment import writing_back
from entrepot.fulfillment.writing_back import WriteBackCall
from entrepot.tasks.calls import CALLS_AT_ONCE
from entrepot.tasks.effects import Intended, carry_out_together
from entrepot.tasks.registry import Outcomes, Work, batch_task


class NotAStorefront(Exception):
    """A write-back was wanted at a connection whose platform cannot be told."""


@batch_task("storefront.write_back", at_once=CALLS_AT_ONCE)
def write_back(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Tell storefronts of shipments, each once; those of one order one after another."""
    outcomes: dict[int, Exception] = {}
    causes = {work.args["subject_id"]: work.cause for work in batch}
    while decided := writing_back.intend_write_backs(merchant_id, causes):
        effects = [_telling(merchant_id, call, causes[call.shipment_id]) for call in decided]
        ended = carry_out_together(merchant_id, effects, lock_together=writing_back.lock_together)
        outcomes |= {
            call.shipment_id: error
            for call, error in zip(decided, ended, strict=True)
            if error is not None
        }
        for call in decided:
            del causes[call.shipment_id]
    return [outcomes.get(work.args["subject_id"]) for work in batch]


def _telling(merchant_id: int, decided: WriteBackCall, cause: str) -> Intended[WriteBackReceipt]:
    return Intended(
        subject_id=decided.shipment_id,
        connection_id=decided.connection_id,
        lease=decided.lease,
        call=lambda lease: storefront(decided.connection_id, lease=lease).write_back(decided.news),
        recorder=WriteBackRecorder(merchant_id, decided.shipment_id),
        cause=cause,
    )


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
        writing_back.record_written(self.merchant_id, self.shipment_id, lease=lease, receipt=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The storefront refuses to be told."""
        writing_back.record_refused(
            self.merchant_id, self.shipment_id, lease=lease, message=message
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing was written."""
        writing_back.record_not_written(
            self.merchant_id, self.shipment_id, lease=lease, message=message
        )

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have been written."""
        writing_back.record_write_unknown(
            self.merchant_id, self.shipment_id, lease=lease, message=message
        )
