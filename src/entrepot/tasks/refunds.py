"""Jobs that give money back."""

from dataclasses import dataclass

from entrepot.attempts.leases import Lease
from entrepot.canon.payments import RefundReceipt, RefundRequest
from entrepot.connect.ports import Refunds
from entrepot.connections import doors
from entrepot.payments import refunds
from entrepot.tasks.effects import carry_out
from entrepot.tasks.registry import Priority, task


class NotAGateway(Exception):
    """A refund was wanted at a connection whose platform cannot give money back."""


@task("payments.refund", priority=Priority.HIGH)
def refund(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Issue one refund, once."""
    decided = refunds.intend_refund(merchant_id, subject_id)
    if decided is None:
        return
    carry_out(
        merchant_id=merchant_id,
        connection_id=decided.connection_id,
        lease=decided.lease,
        call=lambda lease: _look_then_refund(
            gateway(decided.connection_id, lease=lease), decided.request
        ),
        recorder=RefundRecorder(merchant_id, subject_id),
    )


def _look_then_refund(place: Refunds, request: RefundRequest) -> RefundReceipt:
    """What is there already counts: another database of ours may have issued it."""
    return place.find_refund(request) or place.refund(request)


def gateway(connection_id: int, *, lease: Lease | None = None) -> Refunds:
    """Whoever can give money back behind a connection; with a lease, its writes are fenced."""
    client = doors.client(connection_id, before_send=lease.check if lease else None)
    if not isinstance(client, Refunds):
        raise NotAGateway(f"connection {connection_id} cannot give money back")
    return client


@dataclass(frozen=True, slots=True)
class RefundRecorder:
    """How a refund's endings are recorded."""

    merchant_id: int
    refund_id: int

    def accepted(self, lease: Lease, answer: RefundReceipt) -> None:
        """The gateway has it."""
        refunds.record_receipt(self.merchant_id, self.refund_id, lease=lease, receipt=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The gateway refused."""
        refunds.record_refusal(
            self.merchant_id, self.refund_id, lease=lease, code=code, message=message
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        refunds.record_not_sent(self.merchant_id, self.refund_id, lease=lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have happened."""
        refunds.record_unknown(self.merchant_id, self.refund_id, lease=lease, message=message)
