"""A provider's answer is recorded whatever signs its texts hold."""

from collections.abc import Iterator
from typing import Any

import pytest

from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Order
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from tests.rules.conftest import provider
from tests.rules.trade import Trade, price, snapshot
from tests.serving import serve

__all__ = ["provider"]


class CarelessHouse(ProdigiSimulator):
    """A print house whose words hold a sign that no database keeps."""

    def shown(self, order: Order) -> dict[str, Any]:
        """The order, with a NUL character in a status's description."""
        told = super().shown(order)
        issue = {"objectId": order.id, "errorCode": "order.no\x00te", "description": "sent\x00on"}
        return {**told, "status": {**told["status"], "issues": [issue]}}


@pytest.fixture
def house(trade: Trade) -> Iterator[CarelessHouse]:
    simulator = CarelessHouse(trade.clock)
    with serve(simulator) as address:
        simulator.callback_url = address
        yield simulator


def test_a_submission_whose_answer_holds_a_nul_is_accepted(
    trade: Trade, house: CarelessHouse, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)

    trade.work()

    assert trade.attempts("submit") == ["accepted"]
    assert len(house.orders) == 1
    (share,) = trade.shares()
    assert share.details["issues"][0]["message"] == "sent\ufffdon"
