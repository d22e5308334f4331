"""A hint that anybody can send costs a call to the platform only where it is about what is ours."""

from dataclasses import replace

import pytest

from entrepot.access import scope
from entrepot.canon.messages import CanonicalItem, Flow, Hint
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.database import sql
from entrepot.inbox.services import Finished
from entrepot.intake.applying import apply
from entrepot.intake.understanding import Known
from tests.rules.conftest import house, provider, trade
from tests.rules.trade import Trade, snapshot

__all__ = ["house", "provider", "trade"]


def hear(trade: Trade, provider: Connection, *items: CanonicalItem, is_hint: bool) -> Finished:
    """Have a message of the print house applied, signed by nobody unless told."""
    with scope.system():
        known = Known.of(Connection.objects.get(id=provider.id))
        said = trade.understood(*items)
        claimed = replace(said.claimed, connection_id=provider.id, is_hint=is_hint)
        (ended,) = apply([replace(said, claimed=claimed, known=known)])
    return ended


def rereads() -> int:
    with scope.system():
        found = sql.fetch_one("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'inbox.reread'")
    assert found is not None
    return int(found[0])


def about(external_id: str, flow: Flow = Flow.FULFILLMENTS) -> Hint:
    return Hint(flow=flow, external_id=external_id)


def test_only_orders_that_the_hub_placed_are_read_again_for_a_hint_that_nobody_signed(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    (made,) = house.orders.values()

    strange = [hear(trade, provider, about(f"ord_{n}鴎"), is_hint=True) for n in (3, 5, 8)]
    assert {(one.outcome, one.reason) for one in strange} == {
        ("ignored", "about an order that the hub did not place: not read again")
    }
    assert rereads() == 0

    ours = hear(trade, provider, about(made.id), is_hint=True)
    assert (ours.outcome, rereads()) == ("hint", 1)


@pytest.mark.parametrize(("flow", "is_hint"), [(Flow.FULFILLMENTS, False), (Flow.ORDERS, True)])
def test_what_was_proved_or_is_about_sales_is_read_again_whatever_it_names(
    trade: Trade, provider: Connection, flow: Flow, is_hint: bool
) -> None:
    assert hear(trade, provider, about("77004", flow), is_hint=is_hint).outcome == "hint"
    assert rereads() == 1
