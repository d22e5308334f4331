"""A provider's answer is recorded whatever signs its texts hold."""

from collections.abc import Iterator
from typing import Any

import pytest

from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Order
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from tests.rules.trade import Trade, price, snapshot
from tests.serving import serve


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


@pytest.fixture
def provider(trade: Trade, house: CarelessHouse) -> Connection:
    example = registry.platform("prodigi")._module("simulator").example_account(house.callback_url)
    made = services.add_connection(
        trade.merchant.id,
        platform="prodigi",
        mode=Mode.TEST,
        name="Druckhaus Ærø",
        settings=dict(example.settings),
    )
    return services.go_live(made.id, merchant_id=trade.merchant.id)


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
