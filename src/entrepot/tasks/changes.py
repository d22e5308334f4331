"""Jobs that have providers change what they have: where a share goes, and by which method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from entrepot.access import scope
from entrepot.attempts import queries
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.canon.fulfillment import ChangeAnswer, ChangeReceipt, ProviderStage
from entrepot.canon.places import Address
from entrepot.connect.errors import Rejected
from entrepot.connect.ports import ChangesRecipient, ChangesShipping, Fulfills
from entrepot.connections import doors
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.customers.queries import address_of, email_of
from entrepot.fulfillment import changing, readdressing
from entrepot.fulfillment.changes import CHANGES, LEFT, METHOD, RECIPIENT, Change
from entrepot.fulfillment.changing import Asked
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.requesting import request_of
from entrepot.orders.models import Order
from entrepot.tasks.effects import carry_out
from entrepot.tasks.registry import Priority, task

STILL_LEAVING = "not there yet; not sent again while the first call may still leave"


class CannotBeAsked(Exception):
    """A change was wanted at a connection whose platform knows no such request."""


class Way(Protocol):
    """How one kind of change is asked for."""

    def look(self, lease: Lease) -> ChangeReceipt | None:
        """What has become of it, as the provider's order tells; None where it may be asked for."""
        ...

    def send(self, lease: Lease) -> ChangeReceipt:
        """Ask for it. Repeatable."""
        ...


@task("fulfillment.readdress", priority=Priority.URGENT)
def readdress(*, merchant_id: int, order_id: int, **_: object) -> None:
    """Ask the providers that send an order's shares elsewhere to send them where they should go."""
    readdress_orders(merchant_id, [order_id])


@task("fulfillment.change_shipping", priority=Priority.URGENT)
def change_shipping(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Ask the provider that has a share to ship it by the method that a person chose, once."""
    _ask(METHOD, merchant_id, subject_id)


def readdress_orders(merchant_id: int, order_ids: Sequence[int]) -> None:
    """Have each share of these orders sent where it should go by now."""
    for share_id in readdressing.shares_elsewhere(merchant_id, order_ids):
        _ask(RECIPIENT, merchant_id, share_id)


def _ask(change: Change, merchant_id: int, share_id: int) -> None:
    asked = changing.intend_change(change, merchant_id, fulfillment_order_id=share_id)
    if asked is None:
        return
    way = _way(change, merchant_id, share_id, asked)
    carry_out(
        merchant_id=merchant_id,
        connection_id=asked.connection_id,
        lease=asked.lease,
        # What is so already counts: another database of ours, or a person, may have asked.
        call=lambda lease: way.look(lease) or way.send(lease),
        recorder=ChangeRecorder(merchant_id, share_id),
    )


def find_out(attempt: Attempt, lease: Lease) -> bool:
    """Look an unknown request up, ask again where it is still wanted, and record the answer.

    False where the provider has something else, which nobody wants it to change any more.
    """
    change = CHANGES[Kind(attempt.kind)]
    assert attempt.connection_id is not None
    asked = Asked(
        lease=lease,
        connection_id=attempt.connection_id,
        external_id=str(attempt.request["external_id"]),
        what=attempt.request[change.key],
    )
    way = _way(change, attempt.merchant_id, attempt.subject_id, asked)
    recorder = ChangeRecorder(attempt.merchant_id, attempt.subject_id)
    found = way.look(lease)
    if found is None:
        with scope.merchant(attempt.merchant_id):
            if not changing.is_wanted(attempt):
                return False
            connection = Connection.objects.get(id=attempt.connection_id)
            verdict = effects_allowed(connection, EffectFlow.SUBMISSIONS)
            if not verdict.is_allowed or queries.may_still_leave(attempt):
                attempts.could_not_ask(lease, message=verdict.reason or STILL_LEAVING)
                return True
        try:
            found = way.send(lease)
        except Rejected as error:
            recorder.refused(lease, code=error.code, message=str(error), fault=error.fault)
            return True
    recorder.accepted(lease, found)
    return True


def _way(change: Change, merchant_id: int, share_id: int, asked: Asked) -> Way:
    if change is METHOD:
        return _Method(asked)
    with scope.merchant(merchant_id):
        share = FulfillmentOrder.objects.get(id=share_id)
        email = email_of(Order.objects.get(id=share.order_id).customer_id)
        return _Recipient(merchant_id, share_id, asked, address_of(asked.what), email)


@dataclass(frozen=True, slots=True)
class _Recipient:
    merchant_id: int
    share_id: int
    asked: Asked
    recipient: Address
    email: str

    def look(self, lease: Lease) -> ChangeReceipt | None:
        """Whether the order over there goes to the new address."""
        with scope.merchant(self.merchant_id):
            share = FulfillmentOrder.objects.get(id=self.share_id)
            request = request_of(share, Order.objects.get(id=share.order_id))
        wanted = replace(request, recipient=self.recipient)
        client = doors.client(self.asked.connection_id, before_send=lease.check)
        assert isinstance(client, Fulfills)
        found = client.find(wanted)
        if found is None or found.fingerprint != wanted.fingerprint():
            return None
        return ChangeReceipt(answer=ChangeAnswer.CHANGED, message="it goes there")

    def send(self, lease: Lease) -> ChangeReceipt:
        client = doors.client(self.asked.connection_id, before_send=lease.check)
        if not isinstance(client, ChangesRecipient):
            raise CannotBeAsked(f"connection {self.asked.connection_id}: {RECIPIENT.cannot}")
        return client.change_recipient(
            self.asked.external_id, recipient=self.recipient, email=self.email
        )


@dataclass(frozen=True, slots=True)
class _Method:
    asked: Asked

    def look(self, lease: Lease) -> ChangeReceipt | None:
        """By which method the order over there goes, and whether it can be changed at all."""
        order = self._client(lease).read(self.asked.external_id)
        if order is None:
            return None
        if order.shipping_method.casefold() == str(self.asked.what).casefold():
            return ChangeReceipt(answer=ChangeAnswer.CHANGED, message="it goes by that method")
        match order.stage:
            case ProviderStage.CANCELLED:
                return ChangeReceipt(answer=ChangeAnswer.REFUSED, message="it is cancelled there")
            case ProviderStage.COMPLETE:
                return ChangeReceipt(answer=ChangeAnswer.REFUSED, message=LEFT)
            case _:
                return None

    def send(self, lease: Lease) -> ChangeReceipt:
        return self._client(lease).change_shipping(
            self.asked.external_id, shipping_method=str(self.asked.what)
        )

    def _client(self, lease: Lease) -> ChangesShipping:
        client = doors.client(self.asked.connection_id, before_send=lease.check)
        if not isinstance(client, ChangesShipping):
            raise CannotBeAsked(f"connection {self.asked.connection_id}: {METHOD.cannot}")
        return client


@dataclass(frozen=True, slots=True)
class ChangeRecorder:
    """How the endings of a request to change a share are recorded."""

    merchant_id: int
    share_id: int

    def accepted(self, lease: Lease, answer: ChangeReceipt) -> None:
        """The provider answered, one way or the other."""
        changing.record_change_answer(self.merchant_id, self.share_id, lease=lease, receipt=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The provider refuses what is asked for itself."""
        receipt = ChangeReceipt(answer=ChangeAnswer.REFUSED, message=message)
        changing.record_change_answer(self.merchant_id, self.share_id, lease=lease, receipt=receipt)

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        changing.record_change_not_sent(
            self.merchant_id, self.share_id, lease=lease, message=message
        )

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have arrived."""
        changing.record_change_unknown(
            self.merchant_id, self.share_id, lease=lease, message=message
        )
