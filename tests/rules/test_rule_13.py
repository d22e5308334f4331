"""Rule 13: refusals differ by what must be done about them, and nothing moves on by guess."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.canon.fulfillment import IssueKind, ProviderIssue, ProviderOrder, ProviderStage
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


def told(*issues: IssueKind, minute: int, share: FulfillmentOrder) -> ProviderOrder:
    """The house's word about a share, with these issues."""
    return ProviderOrder(
        external_id=share.external_id,
        reference="",
        stage=ProviderStage.IN_PRODUCTION,
        source_stage="InProgress",
        updated_at=timezone.now() + timedelta(minutes=minute),
        issues=tuple(
            ProviderIssue(kind=kind, code=f"order.{kind}", message=f"sagt das Haus: {kind}")
            for kind in issues
        ),
    )


@pytest.mark.parametrize(
    ("issue", "hold"),
    [
        (IssueKind.PAYMENT_NEEDED, "payment_needed"),
        (IssueKind.ASSET_FAILED, "missing_artwork"),
        (IssueKind.ASSET_RETRYING, None),
        (IssueKind.ITEM_UNAVAILABLE, "item_unavailable"),
        (IssueKind.PARTLY_CANCELLED, "item_unavailable"),
        (IssueKind.ADDRESS_REFUSED, "address_refused"),
        (IssueKind.OTHER, None),
    ],
)
def test_each_case_that_a_provider_reports_is_a_hold_of_its_kind_while_it_lasts(
    trade: Trade, provider: Connection, issue: IssueKind, hold: str | None
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (share,) = trade.shares()

    for minute in (1, 2):
        trade.tell(told(issue, minute=minute, share=share), connection=provider)
    assert [kind for kind, _ in trade.holds()] == ([hold] if hold else [])

    trade.tell(told(minute=1, share=share), connection=provider)  # older than what it said since
    assert len(trade.holds()) == (1 if hold else 0)
    trade.tell(told(minute=3, share=share), connection=provider)
    assert trade.holds() == []


def test_what_one_of_several_labs_drops_is_a_case_and_the_rest_is_shipped_and_charged(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "POST-12", made_as="GLOBAL-MUG-W")
    trade.made_by(provider, "MOEWE-A3")
    trade.tell(snapshot("1", line("MOEWE-A3", 2), line("POST-12", 3, "17.50")))
    trade.work()
    (made,) = house.orders.values()
    trade.clock.advance(timedelta(minutes=4))  # the labs have their work
    house.tick()
    dropped = next(index for index, each in enumerate(made.shipments) if len(each.item_ids) == 1)
    house.cancel_at_lab(made.id, dropped)
    house.finish(made.id)
    read_again(trade, "1")

    order, (share,) = trade.order("1"), trade.shares("1")
    assert [kind for kind, _ in trade.holds("1")] == ["item_unavailable"]
    assert (order.fulfillment_status, order.units_shipped) in {
        ("partially_shipped", 2),
        ("partially_shipped", 3),
    }
    assert share.cost is not None
    assert (share.cost > 0, share.cost_currency) == (True, "GBP")


def sold_at_two_labs(trade: Trade, provider: Connection, house: ProdigiSimulator) -> str:
    """Two products at the house, of which a lab drops the three cups; the house's order."""
    trade.made_by(provider, "POST-12", made_as="GLOBAL-MUG-W")
    trade.made_by(provider, "MOEWE-A3")
    trade.tell(snapshot("1", line("MOEWE-A3", 2), line("POST-12", 3, "17.50")))
    trade.work()
    (made,) = house.orders.values()
    trade.clock.advance(timedelta(minutes=4))  # the labs have their work
    house.tick()
    (cups,) = [item["id"] for item in made.items if item["copies"] == 3]
    house.cancel_at_lab(
        made.id, next(n for n, each in enumerate(made.shipments) if each.item_ids == [cups])
    )
    return made.id


def test_what_was_dropped_is_made_anew_once_a_person_lets_it_go_on(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    first = sold_at_two_labs(trade, provider, house)
    read_again(trade, "1")
    read_again(trade, "1")
    (share,) = trade.shares("1")

    assert trade.holds("1") == [("item_unavailable", f"{share.id}:dropped:2:3")]
    assert trade.reasons("1") == ["The provider will not make 3 of 3 units of POST-12"]
    assert len(house.orders) == 1

    orders.lift_similar_holds(
        trade.merchant.id, kind="item_unavailable", mode="test", by="user:1", reason="anderswo"
    )
    trade.work(timedelta(minutes=1))
    read_again(trade, "1")  # the house still says that it dropped them, and nobody is asked again

    assert trade.holds("1") == []
    second = next(order for order_id, order in house.orders.items() if order_id != first)
    assert [item["copies"] for item in second.items] == [3]

    for order_id in (first, second.id):
        house.finish(order_id)
        read_again(trade, "1")
    order = trade.order("1")
    assert (order.fulfillment_status, order.units_shipped) == ("shipped", 5)
    assert trade.statuses("1") == ["closed", "closed"]
    assert [len(house.orders), *trade.attempts("cancel")] == [2]


def test_what_was_dropped_and_then_given_up_in_the_shop_ends_the_order_with_the_rest(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    first = sold_at_two_labs(trade, provider, house)
    house.finish(first)
    read_again(trade, "1")
    assert trade.statuses("1") == ["closed"]

    trade.tell(snapshot("1", line("MOEWE-A3", 2), version=2))
    trade.work()
    orders.lift_similar_holds(
        trade.merchant.id, kind="item_unavailable", mode="test", by="user:1", reason="erstattet"
    )
    trade.work(timedelta(minutes=1))

    order = trade.order("1")
    assert (order.fulfillment_status, order.units_shipped, trade.holds("1")) == ("shipped", 2, [])
    assert len(house.orders) == 1


def test_an_order_of_which_every_lab_dropped_all_is_cancelled_by_its_provider(
    trade: Trade, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot("1", line("MOEWE-A3", 2), line("POST-12", 3, "17.50")))
    trade.work()
    (share,) = trade.shares("1")
    word = told(minute=1, share=share)
    dropped = [
        ProviderIssue(
            kind=IssueKind.PARTLY_CANCELLED,
            code="shipments.Cancelled",
            message="abgesagt",
            item_reference=f"item-{position}",
            units=units,
        )
        for position, units in ((1, 2), (2, 3))
    ]

    trade.tell(replace(word, issues=tuple(dropped)), connection=provider)

    assert trade.statuses("1") == ["cancelled"]
    assert [kind for kind, _ in trade.holds("1")] == ["refused"]
    assert all(line.units_planned == 0 for line in trade.lines("1").values())


class Unpaid:
    """A provider's client, as far as this test asks it: it wants its money first."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def submit(self, _: Lease) -> Any:
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
