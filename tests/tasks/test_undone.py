"""Which orders a change can still matter to."""

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.fulfillment.counting import undone_of
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Step
from entrepot.orders.services import hold_order
from entrepot.tasks import submission
from entrepot.tasks.registry import Work
from tests.fulfillment.hearing import accepted, hear, left, said
from tests.rules.trade import Trade, buyer, line, snapshot
from tests.tasks.sent import statements


def _numbers_undone(trade: Trade, *numbers: str) -> list[str]:
    found = undone_of(trade.merchant.id, [trade.order(number).id for number in numbers])
    return [number for number in numbers if trade.order(number).id in found]


def test_an_order_is_undone_while_a_share_runs_a_unit_has_none_or_it_is_held(
    trade: Trade, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    gone, going, held = accepted(trade, "701", "702", "703")
    hear(trade, provider, said(gone, left("s1")), said(held, left("s2")))
    hold_order(trade.merchant.id, trade.order("703").id, by="user:1", reason="Fräulein Ōe ruft an")
    trade.tell(snapshot("704", line("PUFFIN-TOTE", 4), customer=buyer(4)))

    assert _numbers_undone(trade, "701", "702", "703", "704") == ["702", "703", "704"]

    with scope.merchant(trade.merchant.id):
        FulfillmentOrder.objects.get(id=going.id).take(Step.ASK_TO_CANCEL, reason="too late?")
    assert _numbers_undone(trade, "701", "702") == ["702"]

    trade.tell(snapshot("701", line("MOEWE-A3", 5), line("POST-12", 3, "7.50"), version=9))
    assert _numbers_undone(trade, "701") == ["701"]  # three more were bought


def test_news_of_an_order_that_is_done_cost_one_look(trade: Trade, provider: Connection) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    (gone,) = accepted(trade, "701")
    hear(trade, provider, said(gone, left("s1")))
    work = Work({"merchant_id": trade.merchant.id, "order_id": gone.order_id}, "event:1")

    with statements() as sent:
        submission.withdraw(trade.merchant.id, [work])

    assert len([one for one in sent if "set_config" not in one]) == 1
