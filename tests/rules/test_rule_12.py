"""Rule 12: what a look-up finds decides: the same content, a cancelled one, or another content."""

from dataclasses import replace
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.books import Phase
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.events.models import Event
from entrepot.orders import services as orders
from entrepot.orders.models import Hold
from tests.rules.trade import HOME, Trade, ask, later, numbered, price, snapshot


@pytest.fixture
def ordered(trade: Trade, provider: Connection, house: ProdigiSimulator) -> Any:
    """The house's order of a submission whose answer was lost."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    price(trade)
    house.faults.drop_answer = 1.0
    trade.work()
    house.faults.drop_answer = 0.0
    assert trade.attempts("submit") == ["unknown"]
    (only,) = house.orders.values()
    return only


def test_found_with_the_same_content_it_is_accepted(
    trade: Trade, house: ProdigiSimulator, ordered: Any
) -> None:
    ask(trade)

    (share,) = trade.shares()
    assert (share.status, share.external_id) == ("accepted", ordered.id)
    assert (trade.attempts("submit"), len(house.orders)) == (["accepted"], 1)


def test_found_cancelled_it_is_refused_and_a_resend_is_another_generation(
    trade: Trade, house: ProdigiSimulator, ordered: Any
) -> None:
    house.end(ordered, Phase.CANCELLED, trade.clock.now())
    ask(trade)

    (share,) = trade.shares()
    assert numbered([share]) == [(1, "open", 2)]
    assert trade.attempts("submit") == ["rejected"]
    assert trade.holds() == [("refused", f"{share.id}:cancelled")]
    trade.work()
    assert len(house.orders) == 1  # nobody has asked for it to be sent again

    with scope.merchant(trade.merchant.id):
        hold_id = Hold.objects.get(lifted_at=None).id
        refusal = Event.objects.get(name="fulfillment_order.rejected").data
    orders.lift_hold(trade.merchant.id, hold_id, by="user:1", reason="noch einmal")
    trade.work()

    assert (refusal["code"], refusal["fault"]) == ("cancelled", "order")
    assert sorted(order.reference for order in house.orders.values()) == [
        "test!möwe.example/10482/1/1",
        "test!möwe.example/10482/1/2",
    ]
    assert trade.statuses() == ["accepted"]


@pytest.mark.parametrize("other", ["recipient", "copies"])
def test_found_with_other_content_it_is_a_case_for_a_person(
    trade: Trade, house: ProdigiSimulator, ordered: Any, other: str
) -> None:
    if other == "recipient":
        address = {**ordered.asked["recipient"]["address"], "line1": "Ganz woanders 1"}
        ordered.asked["recipient"] = {**ordered.asked["recipient"], "address": address}
    else:
        ordered.items[0]["copies"] += 3
    for _ in range(2):
        ask(trade)

    (share,) = trade.shares()
    assert trade.holds() == [("content_differs", str(share.id))]
    assert (share.status, share.external_id, len(house.orders)) == ("submitted", "", 1)
    with scope.merchant(trade.merchant.id):
        attempt = Attempt.objects.get(kind="submit")
    assert (attempt.status, attempt.needs_person) == ("unknown", True)


def test_an_edit_of_the_address_meanwhile_is_no_other_content(
    trade: Trade, house: ProdigiSimulator, ordered: Any
) -> None:
    moved = replace(HOME, line1="Gänsemarkt 9", phone="+49 40 1")
    trade.tell(later(snapshot(), shipping_address=moved))
    trade.work()
    ask(trade)

    assert (trade.statuses(), trade.holds()) == (["accepted"], [])
    assert ordered.asked["recipient"]["address"]["line1"] == "Gänsemarkt 9"
