"""What holds an order is over when the order is: nobody is asked to mend what is not wanted."""

from entrepot.access import scope
from entrepot.orders import services
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Hold
from tests.rules.trade import Trade, euros, fact, later, snapshot

HELD = (
    *("unmapped_sku", "missing_artwork", "shipping_unmapped", "address_refused", "cost"),
    *("duplicate_suspected", "mode_unknown", "source", "state_unknown", "refused", "person"),
)


def test_an_order_that_a_person_cancels_stands_nowhere_any_more(trade: Trade) -> None:
    trade.tell(snapshot())
    trade.work()
    order = trade.order()
    services.hold_order(trade.merchant.id, order.id, by="user:1", reason="Rückruf")
    with scope.merchant(trade.merchant.id):
        open_holds(
            NewHold(merchant_id=trade.merchant.id, order_id=order.id, kind=kind, reason="zu klären")
            for kind in HELD
        )
    assert {kind for kind, _ in trade.holds()} == set(HELD)

    services.cancel_units(trade.merchant.id, order.id, by="user:1", reason="Kunde will nicht mehr")
    trade.work()

    assert (trade.order().status, trade.order().open_holds, trade.holds()) == ("cancelled", 0, [])
    with scope.merchant(trade.merchant.id):
        ended = dict(Hold.objects.values_list("kind", "lift_reason"))
    assert ended == dict.fromkeys(HELD, "the order is cancelled")


def test_what_a_shop_cancels_waits_for_no_mapping_and_does_again_when_it_comes_back(
    trade: Trade,
) -> None:
    told = snapshot()
    trade.tell(told)
    trade.work()
    waiting = trade.holds()

    cancelled = later(told, state="cancelled", source_status="cancelled")
    trade.tell(cancelled)
    trade.work()
    ended = trade.holds()
    trade.tell(later(cancelled, state="processing", source_status="processing"))
    trade.work()

    assert [kind for kind, _ in waiting] == ["unmapped_sku", "unmapped_sku"]
    assert ended == []
    assert trade.order().status == "open"
    assert trade.holds() == waiting


def test_a_shop_that_cancels_ends_neither_a_colleagues_hold_nor_a_dispute(trade: Trade) -> None:
    told = snapshot()
    trade.tell(told)
    trade.tell(fact("disputed", euros("21.40"), payment="pay-10482"))
    services.hold_order(trade.merchant.id, trade.order().id, by="user:1", reason="Rückruf")
    trade.work()

    trade.tell(later(told, state="cancelled", source_status="cancelled"))
    trade.work()

    assert {kind for kind, _ in trade.holds()} == {"person", "dispute"}


def test_an_order_of_which_a_part_is_cancelled_stays_held(trade: Trade) -> None:
    trade.tell(snapshot())
    trade.work()
    line = trade.lines()["POST-12"]

    services.cancel_units(
        trade.merchant.id, trade.order().id, by="user:1", reason="zu viel", units={line.id: 2}
    )
    trade.work()

    assert trade.order().status == "open"
    assert len(trade.holds()) == 2
