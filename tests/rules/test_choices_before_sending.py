"""Another shipping method for what no provider has yet: it asks nobody."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.orders import OrderSnapshot
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.methods import CannotChooseMethod
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.submission import Submission, record_not_sent
from tests.rules.test_changes_of_method import asked, choose, method_of, sent_by, writes
from tests.rules.trade import Trade, connect, intend_one, later, line, price, snapshot


def waiting(trade: Trade, provider: Connection, sold: OrderSnapshot | None = None) -> None:
    """An order whose share waits to be handed over."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    services.pause(provider.id, merchant_id=trade.merchant.id, reason="noch nicht")
    trade.tell(sold or snapshot())
    trade.work()


def let_go(trade: Trade, provider: Connection) -> None:
    services.resume(provider.id, merchant_id=trade.merchant.id, reason="jetzt")
    trade.work(timedelta(minutes=1))


def test_a_choice_before_submission_asks_nobody_and_is_priced_anew(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    waiting(trade, provider)
    before = choose(trade, "Express").quoted_at
    let_go(trade, provider)

    (share,) = trade.shares()
    assert (sent_by(house), writes(house), asked(trade)) == (["Express"], 0, [])
    assert before is None
    assert share.quoted_cost is not None
    assert method_of(trade) == ("Express", "Express", "")


def test_a_cheaper_choice_lifts_the_hold_for_the_cost(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12", shipped_as="Overnight")
    bought = (line("MOEWE-A3", 2, "27.00"), line("POST-12", 3, "7.50"))
    trade.tell(snapshot("10482", *bought, shipping="0"))
    trade.work()
    assert [kind for kind, _ in trade.holds()] == ["cost"]

    choose(trade, "Budget")
    trade.work(timedelta(minutes=1))

    assert (trade.holds(), sent_by(house)) == ([], ["Budget"])
    (share,) = trade.shares()
    assert share.quoted_cost is not None
    assert share.quoted_cost < Decimal(100)


def test_what_people_ship_goes_as_they_are_told(trade: Trade) -> None:
    trade.by_hand("MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    assert trade.statuses() == ["accepted"]

    choose(trade, "Kurier Ærø")
    trade.work()

    assert (method_of(trade), asked(trade)) == (("Kurier Ærø", "Kurier Ærø", ""), [])


def test_a_provider_that_cannot_change_it_is_not_asked(trade: Trade) -> None:
    cannot = connect(trade.merchant, "by_hand", name="Lager Łódź")
    trade.made_by(cannot, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    (share,) = plan_order(trade.merchant.id, trade.order().id)
    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.filter(id=share.id).update(status="accepted", external_id="x-1")

    with pytest.raises(CannotChooseMethod, match="Lager Łódź has it, and cannot change how"):
        choose(trade, "Express")
    assert method_of(trade) == ("Standard", "", "")


def test_a_share_that_is_planned_anew_keeps_the_choice(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    sold, left = (
        (line("MOEWE-A3", prints, "59.90"), line("POST-12", cards, "17.50"))
        for prints, cards in ((2, 3), (1, 2))
    )
    waiting(trade, provider, snapshot("10482", *sold))
    choose(trade, "Express")
    trade.tell(later(snapshot("10482", *left), version=2))
    trade.work()
    let_go(trade, provider)

    assert trade.statuses() == ["cancelled", "accepted"]
    assert (sent_by(house), asked(trade)) == (["Express"], [])


def test_a_choice_while_it_is_handed_over_counts_when_nothing_had_left(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    (share,) = trade.shares()
    decided = intend_one(trade.merchant.id, share.id)
    assert isinstance(decided, Submission)
    choose(trade, "Express")
    assert method_of(trade) == ("Standard", "Express", "")

    record_not_sent(trade.merchant.id, share.id, lease=decided.lease, message="die Leitung war tot")
    assert method_of(trade) == ("Express", "Express", "")
    trade.work()

    assert (sent_by(house), writes(house), asked(trade)) == (["Express"], 0, [])
