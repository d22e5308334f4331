"""A person's word about a share is followed by what its provider itself says."""

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.canon.orders import SourceState
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment import cancellation
from entrepot.obligations.models import Obligation
from entrepot.tasks import deciding
from tests.rules.conftest import house, provider
from tests.rules.trade import Trade, later, price, snapshot

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
    cancellation.record_cancel_unknown(trade.merchant.id, share.id, lease, message="no answer")
    house.end(house.orders[share.external_id], Phase.CANCELLED, trade.clock.now())

    with scope.merchant(trade.merchant.id):
        deciding.decide(
            trade.merchant.id, lease.attempt_id, happened=True, by="user:3", reason="seen there"
        )
    trade.work()

    with scope.merchant(trade.merchant.id):
        promise = Obligation.objects.get(kind="cancel", subject_id=share.id)
    assert (trade.statuses(), promise.end) == (["cancelled"], "met")
