"""A person's word about a share is followed by what its provider itself says."""

import pytest

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.canon.orders import SourceState
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment import cancellation
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import IdOfAnother
from entrepot.obligations.models import Obligation
from entrepot.tasks import deciding
from tests.rules.conftest import house, provider
from tests.rules.trade import Trade, buyer, later, price, snapshot

__all__ = ["house", "provider"]


def test_a_cancellation_that_happened_is_read_at_the_provider(
    trade: Trade, house: ProdigiSimulator, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    trade.work()
    (share,) = trade.shares()
    trade.tell(later(snapshot(), state=SourceState.CANCELLED, source_status="cancelled"))
    cancellation.withdraw(trade.merchant.id, {share.order_id: ""})
    decided = cancellation.intend_cancellation(trade.merchant.id, share.id)
    assert decided is not None
    with scope.merchant(trade.merchant.id):
        lease = attempts.begin_call(decided.lease)
    cancellation.record_cancel_unknown(
        trade.merchant.id, share.id, lease=lease, message="no answer"
    )
    house.end(house.orders[share.external_id], Phase.CANCELLED, trade.clock.now())

    with scope.merchant(trade.merchant.id):
        deciding.decide(
            trade.merchant.id, lease.attempt_id, happened=True, by="user:3", reason="seen there"
        )
    trade.work()

    with scope.merchant(trade.merchant.id):
        promise = Obligation.objects.get(kind="cancel", subject_id=share.id)
    assert (trade.statuses(), promise.end) == (["cancelled"], "met")


def test_the_id_of_another_share_is_not_taken_for_it(
    trade: Trade, house: ProdigiSimulator, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(*(snapshot(number, customer=buyer(int(number))) for number in "12"))
    trade.work()
    first, second = trade.shares("1")[0], trade.shares("2")[0]
    with scope.merchant(trade.merchant.id):
        attempt = Attempt.objects.get(kind="submit", subject_id=second.id)
        FulfillmentOrder.objects.filter(id=second.id).update(status="submitted", external_id="")
        Attempt.objects.filter(id=attempt.id).update(status="unknown", needs_person=True)

    told = f"'{first.external_id}'.*FO-{second.id}.*FO-{first.id}"
    with pytest.raises(IdOfAnother, match=told), scope.merchant(trade.merchant.id):
        deciding.decide(
            trade.merchant.id,
            attempt.id,
            happened=True,
            by="user:3",
            reason="seen there",
            external_id=first.external_id,
        )

    with scope.merchant(trade.merchant.id):
        assert Attempt.objects.get(id=attempt.id).status == "unknown"
    assert trade.statuses("2") == ["submitted"]
