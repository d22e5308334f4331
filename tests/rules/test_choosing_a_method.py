"""A shipping method is chosen on the order's page, or by a machine: what it does is shown first."""

from datetime import timedelta

import pytest
from django.test import Client

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.dashboard.reading.explaining import explain
from entrepot.database.rows import Mode
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentOrder
from tests.api.calling import Caller, caller
from tests.rules.test_costs_before_mapping import words_of
from tests.rules.trade import Trade, snapshot

WHY = "Kundin wartet – Eilversand"


@pytest.fixture
def made(trade: Trade, provider: Connection) -> Trade:
    """A trade whose goods the house makes, and has an order of already."""
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    trade.work()
    return trade


def address(trade: Trade) -> str:
    return f"/test/orders/{trade.order().id}/shipping/"


def typed(trade: Trade, method: str, *, reason: str = WHY) -> dict[str, str]:
    return {"share": str(trade.shares()[0].id), "method": method, "reason": reason}


def events(trade: Trade) -> int:
    with scope.merchant(trade.merchant.id):
        return Event.objects.count()


def test_the_preview_shows_what_each_method_costs_and_changes_nothing(
    made: Trade, house: ProdigiSimulator, operator: Client
) -> None:
    before = events(made)

    first = words_of(operator.get(address(made)))
    chosen = words_of(operator.get(address(made), {"preview": "1", "method": "Express"}))

    assert "As things stand it goes by Standard" in first
    for word in ("Budget", "Express", "Overnight"):
        assert word in first
    assert "Druckhaus Ærø is asked to ship it by Express, and may refuse" in chosen
    assert "Until it says yes, it goes by Standard" in chosen
    assert "By Express, Druckhaus Ærø quotes" in chosen
    # 14.95 - 6.95 pounds, at 1.17: what the two methods differ by
    assert "More than by Standard 9.36 EUR" in chosen
    assert "Ship it by Express" in chosen
    assert events(made) == before


def test_what_was_chosen_on_the_page_is_asked_and_the_page_says_where_it_stands(
    made: Trade, house: ProdigiSimulator, operator: Client
) -> None:
    answer = operator.post(address(made), typed(made, "Express"), follow=True)
    with scope.merchant(made.merchant.id):
        told = explain(made.order().id)
    made.work()
    after = words_of(operator.get(f"/test/orders/{made.order().id}/"))

    assert "Druckhaus Ærø is asked to ship it by Express." in words_of(answer)
    assert told.sentence == "Druckhaus Ærø is to ship it by Express, not Standard."
    assert "by Standard, Express asked for" in words_of(answer)
    assert "by Express" in after
    assert "To go by Express, not Standard" in after
    assert "Provider has changed the shipping method: Express" in after
    (there,) = house.orders.values()
    assert there.asked["shippingMethod"] == "Express"


def test_a_refusal_is_a_card_under_needs_attention(
    made: Trade, house: ProdigiSimulator, operator: Client
) -> None:
    made.clock.advance(timedelta(minutes=40))  # a lab has begun
    operator.post(address(made), typed(made, "Overnight"))
    made.work()

    attention = words_of(operator.get("/test/attention/"))
    page = words_of(operator.get(f"/test/orders/{made.order().id}/"))

    assert "The provider was asked to ship it otherwise, and it changed nothing" in attention
    assert "by Standard, Overnight refused" in page
    assert "Provider would not change the shipping method: Overnight" in page


def test_without_a_reason_or_a_method_nothing_is_chosen(
    made: Trade, house: ProdigiSimulator, operator: Client
) -> None:
    answers = [
        operator.post(address(made), form)
        for form in (typed(made, "Express", reason=" "), typed(made, ""))
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert made.events("fulfillment_order.shipping_chosen") == []


def test_a_provider_that_gives_no_prices_says_why_and_the_map_still_offers_its_words(
    made: Trade, house: ProdigiSimulator, operator: Client, provider: Connection
) -> None:
    made.made_by(provider, "MOEWE-A3", shipped_as="Overnight", method_code="express")
    house.faults.server_error = 1.0

    page = words_of(operator.get(address(made), {"preview": "1", "method": "Overnight"}))

    assert "What it costs you is not known before they say" in page
    assert "It gave no prices:" in page
    assert "Ship it by Overnight" in page


def test_what_waits_for_a_stop_says_so_and_an_unsent_share_asks_nobody(
    trade: Trade, provider: Connection, house: ProdigiSimulator, operator: Client
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    services.pause(provider.id, merchant_id=trade.merchant.id, reason="Inventur")
    trade.tell(snapshot())
    trade.work()

    unsent = words_of(operator.get(address(trade), {"preview": "1", "method": "Express"}))
    services.resume(provider.id, merchant_id=trade.merchant.id, reason="fertig")
    trade.work(timedelta(minutes=1))
    services.pause(provider.id, merchant_id=trade.merchant.id, reason="Inventur")
    sent = words_of(operator.get(address(trade), {"preview": "1", "method": "Express"}))

    assert "Druckhaus Ærø, share 1 goes by Express: nobody has to be asked" in unsent
    assert "It waits: Druckhaus Ærø is paused: Inventur" in sent


def test_what_has_left_offers_no_other_method(
    made: Trade, provider: Connection, house: ProdigiSimulator, operator: Client
) -> None:
    with scope.merchant(made.merchant.id):
        FulfillmentOrder.objects.update(status="closed")

    answer = operator.get(address(made))

    assert (answer.status_code, "It has left already." in words_of(answer)) == (409, True)


def machine(trade: Trade, *, mode: Mode = Mode.TEST, scopes: list[str] | None = None) -> Caller:
    return caller(trade.merchant, mode=mode, **({"scopes": scopes} if scopes else {}))


def test_a_machine_chooses_once_and_reads_the_end(made: Trade, house: ProdigiSimulator) -> None:
    (share,) = made.shares()
    path = f"/api/v1/fulfillment-orders/{share.id}/shipping-method"
    wish = {"shipping_method": "Express", "reason": WHY}

    answers = [machine(made).put(path, wish) for _ in range(2)]
    made.work()
    read = machine(made).get(f"/api/v1/fulfillment-orders/{share.id}")

    assert [answer.status for answer in answers] == [200, 200]
    assert (answers[0].body["shipping_method"], answers[0].body["chosen_method"]) == (
        "Standard",
        "Express",
    )
    assert (read.body["shipping_method"], read.body["refused_method"]) == ("Express", "")
    assert made.events("fulfillment_order.shipping_chosen") == ["fulfillment_order.shipping_chosen"]
    assert made.attempts("change_shipping") == ["accepted"]


def test_readers_other_modes_strangers_and_the_ended_choose_nothing(
    made: Trade, house: ProdigiSimulator, other_merchant: Merchant
) -> None:
    (share,) = made.shares()
    path = f"/api/v1/fulfillment-orders/{share.id}/shipping-method"
    wish = {"shipping_method": "Express", "reason": WHY}

    answers = [
        machine(made, scopes=["orders:read", "fulfillment:write"]).put(path, wish),
        machine(made, mode=Mode.LIVE).put(path, wish),
        caller(other_merchant, mode=Mode.TEST).put(path, wish),
        machine(made).put(path, {"shipping_method": "", "reason": WHY}),
        machine(made).put(path, {"shipping_method": "Express", "reason": " "}),
    ]
    with scope.merchant(made.merchant.id):
        FulfillmentOrder.objects.update(status="closed")
    ended = machine(made).put(path, wish)

    assert [answer.status for answer in answers] == [403, 404, 404, 422, 409]
    assert (ended.status, "it has left already" in ended.body["detail"]) == (409, True)
    assert made.events("fulfillment_order.shipping_chosen") == []
