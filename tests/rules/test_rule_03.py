"""Rule 3: what was placed before go-live is history, and observing does nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.orders import SourceState
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.notifications.models import Mail
from entrepot.obligations.models import Obligation
from entrepot.orders import services as orders
from tests.rules.trade import Trade, connect, later, snapshot


def observing(trade: Trade) -> Connection:
    found = connect(
        trade.merchant,
        "woocommerce",
        account="woocommerce:neu.example",
        status="observing",
        live_since=None,
    )
    trade.shop = found
    return found


def test_an_order_placed_before_go_live_is_neither_routed_nor_owed(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")

    trade.tell(snapshot(placed_at=timezone.now() - timedelta(days=31)))
    trade.work()

    order = trade.order()
    assert (order.is_history, order.released_at, trade.shares()) == (True, None, [])
    with scope.merchant(trade.merchant.id):
        assert Obligation.objects.count() == 0


def test_history_that_changes_later_stays_history(trade: Trade) -> None:
    old = snapshot(placed_at=timezone.now() - timedelta(days=31), is_paid=False)
    trade.tell(old)

    trade.tell(later(snapshot(placed_at=old.placed_at)))

    assert (trade.order().is_history, trade.order().released_at) == (True, None)


def test_a_person_may_select_an_order_of_history(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot(placed_at=timezone.now() - timedelta(days=31)))

    orders.release_order(
        trade.merchant.id, trade.order().id, by="user:1", reason="Kundin fragt nach"
    )
    trade.work()

    assert trade.statuses() == ["accepted"]


def test_what_is_placed_while_observing_is_not_worked_on(trade: Trade) -> None:
    observing(trade)
    trade.by_hand("MOEWE-A3", "POST-12")

    trade.tell(snapshot())
    trade.work()

    assert (trade.order().is_history, trade.shares()) == (True, [])


def test_going_live_begins_work_on_what_was_placed_since_the_chosen_instant(trade: Trade) -> None:
    shop = observing(trade)
    trade.by_hand("MOEWE-A3", "POST-12")
    now = timezone.now()
    trade.tell(snapshot("old", placed_at=now - timedelta(hours=3)))
    trade.tell(snapshot("new", placed_at=now - timedelta(minutes=20), is_gift=True))

    services.go_live(shop.id, merchant_id=trade.merchant.id, since=now - timedelta(hours=1))
    trade.work()

    assert (trade.order("old").is_history, trade.statuses("old")) == (True, [])
    assert (trade.order("new").is_history, trade.statuses("new")) == (False, ["accepted"])


def test_what_is_placed_while_observing_again_stays_history_when_going_live_from_later(
    trade: Trade,
) -> None:
    shop = trade.shop
    trade.by_hand("MOEWE-A3", "POST-12")
    services.observe(shop.id, merchant_id=trade.merchant.id, reason="Umzug auf einen neuen Laden")
    trade.tell(snapshot())

    services.go_live(shop.id, merchant_id=trade.merchant.id, since=timezone.now())
    trade.work()

    assert (trade.order().is_history, trade.shares()) == (True, [])


def test_an_import_that_is_first_to_tell_of_a_new_order_does_not_bury_it(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")

    trade.tell(snapshot(), source="import")
    trade.tell(snapshot("old", placed_at=timezone.now() - timedelta(days=90)), source="import")
    trade.work()

    assert trade.statuses() == ["accepted"]
    assert trade.order("old").is_history is True


def test_what_the_shop_completed_while_it_was_observed_is_not_sent_after_going_live(
    trade: Trade,
) -> None:
    shop = observing(trade)
    trade.by_hand("MOEWE-A3", "POST-12")
    placed = timezone.now() - timedelta(minutes=20)
    told = snapshot(placed_at=placed)
    trade.tell(told)
    trade.tell(later(told, state=SourceState.COMPLETED, source_status="completed"))

    services.go_live(shop.id, merchant_id=trade.merchant.id, since=placed - timedelta(hours=1))
    trade.work()

    assert trade.shares() == []
    assert trade.order().fulfillment_status == "shipped"


@pytest.mark.parametrize("source", ["webhook", "import"])
def test_history_that_the_shop_completed_has_left(trade: Trade, source: str) -> None:
    told = snapshot(
        placed_at=timezone.now() - timedelta(days=31),
        state=SourceState.COMPLETED,
        source_status="completed",
    )

    trade.tell(told, source=source)
    trade.work()

    order = trade.order()
    assert (order.is_history, order.units_elsewhere, order.units_shipped) == (True, 5, 0)
    assert (order.fulfillment_status, order.released_at) == ("shipped", None)
    assert {sku: row.units_elsewhere for sku, row in trade.lines().items()} == {
        "MOEWE-A3": 2,
        "POST-12": 3,
    }
    with scope.merchant(trade.merchant.id):
        assert (Obligation.objects.count(), Mail.objects.count()) == (0, 0)
