"""Rule 9: everything is asked once more just before the first irreversible call."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.catalog.services import map_shipping
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.readiness import _read
from entrepot.fulfillment.submission import Submission, Wait
from entrepot.orders import services as orders
from entrepot.orders.models import Hold, Line, Order
from tests.rules.trade import (
    Trade,
    connect,
    decided_without_price,
    euros,
    fact,
    later,
    line,
    snapshot,
)


@pytest.fixture
def share(trade: Trade) -> FulfillmentOrder:
    """A planned share of 2 and 3 units that could be sent now."""
    trade.made_by(connect(trade.merchant, "prodigi"), "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    (planned,) = plan_order(trade.merchant.id, trade.order().id)
    return planned


def decide(share: FulfillmentOrder) -> Submission | Wait | None:
    """The decision on a share whose provider puts no price on it."""
    return decided_without_price(share.merchant_id, share.id)


def change(model: type[Any], share: FulfillmentOrder, **values: Any) -> None:
    with scope.merchant(share.merchant_id):
        which = {"id": share.order_id} if model is Order else {"order_id": share.order_id}
        if model is FulfillmentOrder:
            which = {"id": share.id}
        model.objects.filter(**which).update(**values)


def test_a_share_that_nothing_speaks_against_is_handed_over(share: FulfillmentOrder) -> None:
    decided = decide(share)

    assert isinstance(decided, Submission)
    assert [(item.provider_sku, item.quantity) for item in decided.request.items] == [
        ("GLOBAL-FAP-8X10", 2),
        ("GLOBAL-FAP-8X10", 3),
    ]


@pytest.mark.parametrize(
    ("_case", "model", "values"),
    [
        ("not released", Order, {"released_at": None}),
        ("history", Order, {"is_history": True}),
        ("cancelled at the source", Order, {"source_cancelled_at": timezone.now()}),
        ("held", Order, {"open_holds": 1}),
        ("disputed", Order, {"amount_disputed": Decimal(1)}),
        ("units cancelled", Line, {"units_cancelled": 1}),
        ("units fulfilled elsewhere", Line, {"units_elsewhere": 1}),
        ("units shipped already", Line, {"units_shipped": 1}),
        ("another SKU by now", Line, {"sku": "ANDERS"}),
        ("other words on the line by now", Line, {"properties": [["Gravur", "für Öle"]]}),
        ("another delivery by now", Order, {"shipping_method": "express"}),
    ],
)
def test_nothing_is_sent_when(
    share: FulfillmentOrder, _case: str, model: type[Any], values: dict[str, Any]
) -> None:
    change(model, share, **values)

    assert decide(share) is None

    with scope.merchant(share.merchant_id):
        assert FulfillmentOrder.objects.get(id=share.id).status == "open"


@pytest.mark.parametrize("model", [Order, FulfillmentOrder])
def test_a_share_of_another_mode_than_its_order_cannot_be(
    share: FulfillmentOrder, model: type[Any]
) -> None:
    with pytest.raises(IntegrityError, match="_link"):
        change(model, share, mode="live")


@pytest.mark.parametrize("whose", ["provider", "storefront"])
def test_nothing_is_sent_while_a_connection_is_stopped(
    trade: Trade, share: FulfillmentOrder, whose: str
) -> None:
    stopped = share.connection_id if whose == "provider" else trade.shop.id
    services.pause(stopped, merchant_id=trade.merchant.id, reason="Inventur")

    assert decide(share) is None


def test_cooling_off_comes_first(trade: Trade, share: FulfillmentOrder) -> None:
    until = timezone.now() + timedelta(minutes=30)
    change(FulfillmentOrder, share, submit_after=until)

    decided = decide(share)

    assert isinstance(decided, Wait)
    assert (decided.until, decided.reread) == (until, False)


def test_cooling_off_is_thirty_minutes_live_and_none_in_test_mode(trade: Trade) -> None:
    with scope.merchant(trade.merchant.id):
        Connection.objects.filter(id=trade.shop.id).update(policy={})
    live = connect(
        trade.merchant,
        "woocommerce",
        mode="live",
        policy={"real_payment_methods": ["stripe"]},
        account="woocommerce:echt.example",
    )
    maker = connect(trade.merchant, "prodigi", mode="live")
    trade.made_by(maker, "MOEWE-A3", "POST-12")
    before = timezone.now()
    trade.tell(snapshot("test"))
    trade.tell(snapshot("live"), connection=live)
    map_shipping(
        trade.merchant.id,
        storefront_id=live.id,
        provider_connection_id=maker.id,
        method_code="*",
        provider_method="Standard",
    )
    (planned,) = plan_order(trade.merchant.id, trade.order("live").id)

    assert planned.submit_after - before > timedelta(minutes=29)


def test_a_reading_older_than_a_minute_is_renewed_first(share: FulfillmentOrder) -> None:
    change(Order, share, source_read_at=timezone.now() - timedelta(seconds=61))

    decided = decide(share)

    assert isinstance(decided, Wait)
    assert decided.reread is True


def test_a_refund_that_leaves_too_little_holds_the_order_with_both_sums(
    trade: Trade, share: FulfillmentOrder
) -> None:
    gateway = connect(trade.merchant, "stripe")
    refund = fact("refunded", euros("60.00"), payment="pay-10482")
    trade.tell(replace(refund, external_id="re_1"), connection=gateway)

    assert decide(share) is None

    [reason] = trade.reasons()
    assert reason.replace("\N{NO-BREAK SPACE}", " ") == (
        "What is to be sent costs 82.30 EUR, and 26.30 EUR of what was paid is left"
    )
    assert _read(Money(Decimal(19600), "JPY")) == "19,600\N{NO-BREAK SPACE}JPY"


def test_an_order_that_was_refunded_in_full_is_held_with_these_words(
    trade: Trade, share: FulfillmentOrder
) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(fact("refunded", euros("86.30"), payment="pay-10482"), connection=gateway)

    assert decide(share) is None

    [reason] = trade.reasons()
    assert reason.replace("\N{NO-BREAK SPACE}", " ") == (
        "Refunded in full: what is to be sent costs 82.30 EUR, and nothing that was paid is left"
    )


def test_a_small_refund_of_the_delivery_stops_nothing(
    trade: Trade, share: FulfillmentOrder
) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(fact("refunded", euros("4.00"), payment="pay-10482"), connection=gateway)

    assert isinstance(decide(share), Submission)


def test_a_person_may_send_what_is_not_covered(trade: Trade, share: FulfillmentOrder) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(fact("refunded", euros("86.30"), payment="pay-10482"), connection=gateway)
    assert decide(share) is None
    with scope.merchant(trade.merchant.id):
        hold_id = Hold.objects.values_list("id", flat=True).get(lifted_at=None)

    orders.lift_hold(trade.merchant.id, hold_id, by="user:1", reason="Geschenk")

    assert isinstance(decide(share), Submission)


def test_the_hold_is_over_when_the_money_comes_back(trade: Trade, share: FulfillmentOrder) -> None:
    gateway = connect(trade.merchant, "stripe")
    gone = fact("refunded", euros("86.30"), payment="pay-10482")
    trade.tell(gone, connection=gateway)
    assert decide(share) is None

    failed = fact("refund_failed", euros("86.30"), payment="pay-10482")
    trade.tell(replace(failed, external_id=gone.external_id), connection=gateway)

    assert trade.holds() == []
    assert isinstance(decide(share), Submission)


def test_an_edited_order_is_planned_anew_before_it_is_sent(trade: Trade) -> None:
    trade.by_hand("ANDERS", "POST-12")
    trade.made_by(connect(trade.merchant, "prodigi", status="paused"), "MOEWE-A3")
    told = snapshot("10482", line("MOEWE-A3", 2, external_id="a"))
    trade.tell(told)
    trade.work()
    assert trade.statuses() == ["open"]

    trade.tell(
        later(
            told,
            lines=(replace(line("ANDERS", 2), external_id="a"),),
        )
    )
    trade.work()

    assert trade.statuses() == ["cancelled", "accepted"]
    assert trade.lines()["ANDERS"].units_planned == 2


def test_an_edit_of_what_was_sent_becomes_a_case_for_a_person(
    trade: Trade, share: FulfillmentOrder
) -> None:
    told = snapshot()
    change(FulfillmentOrder, share, status="accepted")

    trade.tell(later(told, lines=(line("MOEWE-A2", 2, external_id="line-MOEWE-A3"), told.lines[1])))
    trade.work()

    assert trade.holds() == [("changed_after_sending", f"{share.id}:content")]
    assert trade.statuses() == ["accepted"]


def test_a_hold_for_a_sku_is_over_when_the_line_sells_something_else(trade: Trade) -> None:
    trade.by_hand("POST-12")
    told = snapshot("10482", line("MOEWE-A3", 2, external_id="a"), line("POST-12", 3))
    trade.tell(told)
    trade.work()
    assert trade.holds() == [("unmapped_sku", "MOEWE-A3")]

    trade.tell(later(told, lines=(line("POST-12", 2, external_id="a"), line("POST-12", 3))))
    trade.work()

    assert (trade.holds(), trade.statuses()) == ([], ["accepted"])
