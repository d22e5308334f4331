"""Rule 13: refusals differ by what must be done about them, and nothing moves on by guess."""

from typing import Any

import pytest

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connect.errors import PaymentNeeded
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.submission import Submission
from entrepot.monitoring.models import Alert
from entrepot.orders import services as orders
from entrepot.tasks import alerts
from entrepot.tasks.effects import carry_out
from entrepot.tasks.fulfillment import refresh
from entrepot.tasks.submission import SubmissionRecorder
from tests.rules.trade import Trade, connect, decided_without_price, line, numbered, snapshot


def read_again(trade: Trade, *external_ids: str) -> None:
    for external_id in external_ids:
        for share in trade.shares(external_id):
            refresh(merchant_id=share.merchant_id, subject_id=share.id)
    trade.work()


def open_alerts(trade: Trade) -> list[tuple[str, str, int]]:
    alerts.watch()
    with scope.merchant(trade.merchant.id):
        found = Alert.objects.filter(recovered_at=None, kind="payment_needed")
        return list(found.values_list("kind", "cause", "count"))


@pytest.mark.parametrize(
    ("_case", "made_as", "method", "code"),
    [
        ("a code that is listed as the order's", "UNKNOWN", "Standard", "SkuNotFound"),
        ("a code that nobody lists", "GLOBAL-FAP-8X10", "Warp", "MustBeAValidValue"),
    ],
)
def test_what_the_order_is_at_fault_for_holds_it(
    trade: Trade, provider: Connection, _case: str, made_as: str, method: str, code: str
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12", made_as=made_as, shipped_as=method)
    trade.tell(snapshot())
    trade.work()

    (share,) = trade.shares()
    assert trade.holds() == [("refused", f"{share.id}:{code}")]
    assert numbered([share]) == [(1, "open", 2)]
    assert trade.attempts("submit") == ["rejected"]


def test_what_the_provider_cannot_make_is_held_as_that(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12", made_as="GLOBAL-FAP-8X10-GONE")
    trade.tell(snapshot())
    trade.work()
    read_again(trade, "10482")

    assert [kind for kind, _ in trade.holds()] == ["item_unavailable"]
    assert trade.statuses() == ["accepted"]


def test_a_conflict_is_looked_up_and_never_moved_on_from(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    house.faults.invisible = 1.0  # asked to cancel, the house says that it knows no such order
    trade.tell(snapshot())
    trade.work()
    assert trade.statuses() == ["accepted"]

    order = trade.order()
    orders.cancel_units(trade.merchant.id, order.id, by="user:1", reason="zurückgetreten")
    trade.work()

    assert trade.attempts("cancel") == ["unknown"]
    assert trade.statuses() == ["cancelling"]
    assert len(house.orders) == 1


def test_payment_needed_is_one_case_for_all_that_it_concerns_and_goes_on_by_itself(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    house.dials.needs_payment = True
    trade.tell(snapshot("1", line("MOEWE-A3", 2)), snapshot("2", line("POST-12", 3)))
    trade.work()
    read_again(trade, "1", "2")

    assert [kind for name in "12" for kind, _ in trade.holds(name)] == ["payment_needed"] * 2
    assert open_alerts(trade) == [("payment_needed", f"connection:{provider.id}", 2)]
    assert open_alerts(trade) == [("payment_needed", f"connection:{provider.id}", 2)]

    for order_id in list(house.orders):
        house.authorise_payment(order_id)
    read_again(trade, "1", "2")

    assert (trade.holds("1"), trade.holds("2"), open_alerts(trade)) == ([], [], [])


class Unpaid:
    """A provider's client, as far as this test asks it: it wants its money first."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def submit(self) -> Any:
        raise self.error


def test_a_submission_refused_for_want_of_payment_is_held_as_that_and_sent_when_paid(
    trade: Trade,
) -> None:
    unpaid = connect(trade.merchant, "prodigi")
    trade.made_by(unpaid, "MOEWE-A3", "POST-12")
    trade.tell(snapshot("1"), snapshot("2", line("POST-12", 7)))
    for name in "12":
        (share,) = plan_order(trade.merchant.id, trade.order(name).id)
        decided = decided_without_price(trade.merchant.id, share.id)
        assert isinstance(decided, Submission)
        refused = Unpaid(PaymentNeeded("402: top up", action_url="https://haus.example/pay"))
        carry_out(
            merchant_id=trade.merchant.id,
            connection_id=unpaid.id,
            lease=decided.lease,
            call=refused.submit,
            recorder=SubmissionRecorder(trade.merchant.id, share.id),
        )

    assert [kind for name in "12" for kind, _ in trade.holds(name)] == ["payment_needed"] * 2
    assert open_alerts(trade) == [("payment_needed", f"connection:{unpaid.id}", 2)]

    lifted = orders.lift_similar_holds(
        trade.merchant.id, kind="payment_needed", mode="test", by="user:1", reason="bezahlt"
    )

    assert len(lifted) == 2
    for name in "12":
        (share,) = trade.shares(name)
        again = decided_without_price(trade.merchant.id, share.id)
        assert isinstance(again, Submission)
        assert again.request.reference.endswith("/1/2")  # a proven refusal raises the generation
    with scope.merchant(trade.merchant.id):
        assert Attempt.objects.filter(kind="submit", status="rejected").count() == 2
        assert FulfillmentOrder.objects.filter(status="submitted").count() == 2
