"""What a gateway says later of a refund of the hub: it went out after all, or came back."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.stripe import cards
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order
from entrepot.payments import payers, refunds
from entrepot.payments.models import Refund
from tests.rules.conftest import trade
from tests.rules.trade import Trade, amounts, euros, fact, snapshot
from tests.serving import serve

__all__ = ["trade"]


@pytest.fixture
def bank(trade: Trade) -> Iterator[tuple[StripeSimulator, Connection]]:
    """A gateway over HTTP and the live connection to it."""
    simulator = registry.platform("stripe").simulator(trade.clock)
    assert isinstance(simulator, StripeSimulator)
    with serve(simulator) as address:
        example = registry.platform("stripe")._module("simulator").example_account(address)
        made = services.add_connection(
            trade.merchant.id,
            platform="stripe",
            mode=Mode.TEST,
            name="Kasse Łódź",
            settings=dict(example.settings),
        )
        yield simulator, services.go_live(made.id, merchant_id=trade.merchant.id)


def paid(trade: Trade, bank: tuple[StripeSimulator, Connection], *, card: str) -> Order:
    """An order whose money the gateway took; the shop has told of it as well."""
    trade.by_hand("MOEWE-A3", "POST-12")
    payment = bank[0].pay_outside(8630, "EUR", card=card)["id"]
    trade.tell(snapshot(transaction_ids=(payment,)))
    trade.tell(fact("captured", euros("86.30"), payment=payment), connection=bank[1])
    trade.work()
    return trade.order()


def give_back(trade: Trade, order: Order, amount: str) -> Refund:
    refund = refunds.want_refund(
        order.merchant_id, order.id, amount=euros(amount), by="user:1", reason="Kratzer"
    )
    trade.work()
    return now(trade, refund)


def now(trade: Trade, refund: Refund) -> Refund:
    with scope.merchant(trade.merchant.id):
        return Refund.objects.get(id=refund.id)


def left(trade: Trade) -> Money:
    with scope.merchant(trade.merchant.id):
        return payers.refundable(Order.objects.get())


def hear_twice(trade: Trade, gateway: Connection, refund: Refund, kind: str) -> None:
    """The gateway tells what became of a refund, and tells it again."""
    told = fact(
        kind,
        Money(refund.amount, refund.currency),
        payment=refund.payment_external_id,
        external_id=refund.external_id,
    )
    for _ in range(2):
        trade.tell(told, connection=gateway)


def is_owed(trade: Trade) -> bool:
    with scope.merchant(trade.merchant.id):
        return Obligation.objects.filter(kind=Owed.REFUND, end="").exists()


def test_a_refund_that_was_pending_is_done_when_the_gateway_says_so_and_promised_once(
    trade: Trade, bank: tuple[StripeSimulator, Connection]
) -> None:
    order = paid(trade, bank, card=cards.REFUNDS_PEND)
    refund = give_back(trade, order, "26.30")
    assert (refund.status, left(trade)) == ("pending", euros("60"))

    hear_twice(trade, bank[1], refund, "refunded")

    assert now(trade, refund).status == "done"
    assert left(trade) == euros("60")
    assert not is_owed(trade)


def test_a_refund_that_came_back_has_failed_and_is_owed_again(
    trade: Trade, bank: tuple[StripeSimulator, Connection]
) -> None:
    order = paid(trade, bank, card="4242424242424242")
    refund = give_back(trade, order, "26.30")
    assert (refund.status, is_owed(trade)) == ("done", False)

    hear_twice(trade, bank[1], refund, "refund_failed")

    after = now(trade, refund)
    assert (after.status, after.generation, is_owed(trade)) == ("failed", 2, True)
    assert amounts(trade.order()) == {"captured": Decimal("86.3")}

    again = give_back(trade, trade.order(), "26.30")
    assert (again.status, amounts(trade.order())["refunded"]) == ("done", Decimal("26.3"))
