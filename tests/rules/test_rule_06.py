"""Rule 6: fulfilled by others is a fact per line; our own writes come back as no news."""

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.canon.orders import SourceState
from tests.rules.trade import Trade, later, line, snapshot

DONE = {"state": SourceState.COMPLETED, "source_status": "completed"}


def test_a_line_that_the_marketplace_ships_gets_no_share(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")

    trade.tell(
        snapshot(
            "10482",
            line("MOEWE-A3", 3, fulfilled_elsewhere_quantity=2),
            line("POST-12", 2, "7.50", fulfilled_elsewhere_quantity=2),
        )
    )
    trade.work()

    lines = trade.lines()
    assert {sku: each.units_elsewhere for sku, each in lines.items()} == {
        "MOEWE-A3": 2,
        "POST-12": 2,
    }
    assert {sku: each.units_planned for sku, each in lines.items()} == {
        "MOEWE-A3": 1,
        "POST-12": 0,
    }


def test_an_order_completed_in_the_shop_withdraws_what_was_not_sent(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    told = snapshot()
    trade.tell(told)
    trade.work()
    assert trade.statuses() == ["accepted"]

    trade.tell(later(told, **DONE))
    trade.work()

    assert trade.statuses() == ["cancelled"]
    assert trade.order().units_elsewhere == 5
    assert trade.events("order.fulfilled_elsewhere") == ["order.fulfilled_elsewhere"]


def test_our_own_completion_that_comes_back_changes_nothing(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    told = snapshot()
    trade.tell(told)
    trade.work()
    order = trade.order()
    with scope.merchant(trade.merchant.id):
        Attempt.objects.create(
            merchant_id=trade.merchant.id,
            mode="test",
            kind="write_back",
            connection_id=trade.shop.id,
            order_id=order.id,
            subject_kind="shipment",
            subject_id=1,
            reference="r",
            idempotency_key="k",
            status="accepted",
            request={"completes_order": True},
        )

    trade.tell(later(told, **DONE))
    trade.work()

    assert (trade.statuses(), trade.order().units_elsewhere) == (["accepted"], 0)


def test_an_order_that_the_shop_opens_again_is_ours_to_send_again(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    told = snapshot()
    trade.tell(told)
    trade.work()
    trade.tell(later(told, **DONE))
    trade.work()

    trade.tell(later(told, version=3))
    trade.work()

    assert trade.order().units_elsewhere == 0
    assert trade.statuses() == ["cancelled", "accepted"]
    assert trade.events("order.reopened") == ["order.reopened"]
