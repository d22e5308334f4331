"""The sandbox's own interface: sales from a seed, dials, time, and books that anyone may read."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from entrepot.connect.world import Sale, Turn
from entrepot.sandbox.app import Sandbox
from entrepot.sandbox.scenarios import SCENARIOS
from entrepot.sandbox.selling import draw
from tests.sandbox.conftest import Caller


def books_of(control: Caller, kind: str) -> dict[str, list[dict[str, Any]]]:
    """By mount, the rows of one kind of those accounts that have any."""
    return {mount: told[kind] for mount, told in control.ask("books").items() if told.get(kind)}


def test_the_same_seed_draws_the_same_sales(sandbox: Sandbox, control: Caller) -> None:
    first = control.tell("draw", count=120, seed=11)["sales"]
    again = control.tell("draw", count=120, seed=11)["sales"]
    other = control.tell("draw", count=120, seed=12)["sales"]

    def shape(sales: list[dict[str, object]]) -> list[object]:
        return [(sale["mount"], sale["cart"] is None) for sale in sales]

    assert shape(first) == shape(again) != shape(other)
    assert [sale["number"] for sale in again] == list(range(121, 241))


def test_a_later_run_draws_other_customers_and_other_carts(
    sandbox: Sandbox, control: Caller
) -> None:
    shop = next(iter(sandbox.world.market.shops))
    market = replace(sandbox.world.market, shops={shop: "EUR"}, checkout_currencies=())

    def drawn(**said: int) -> list[Sale]:
        return [sale for _, sale in draw(market, count=120, seed=7, **said)]

    first, second, third = drawn(), drawn(earlier=1), drawn(earlier=2)
    people = [{sale.customer.email for sale in sales} for sales in (first, second, third)]

    assert drawn(earlier=0) == first
    assert drawn(earlier=1) == second
    assert [sale.number for sale in second] == [sale.number for sale in first]
    assert len(set.union(*people)) == 3 * 120
    assert [sale.lines for sale in second] != [sale.lines for sale in first]
    assert not {s.customer.line1 for s in first} & {s.customer.line1 for s in second}
    told = [control.tell("draw", count=120, seed=7, earlier=n)["sales"] for n in (0, 1, 1)]
    turns = [[sale["turn"] for sale in sales] for sales in told]
    assert turns[0] != turns[1] == turns[2]


def test_a_run_has_every_turn_several_currencies_and_quantities_above_one(
    sandbox: Sandbox, control: Caller
) -> None:
    drawn = control.tell("draw", count=200, seed=7)["sales"]
    control.tell("place", numbers=[sale["number"] for sale in drawn if sale["mount"]])
    carts = [sale["cart"] for sale in drawn if sale["cart"]]
    placed = control.ask("placed")["sales"]

    turns = Counter(sale["turn"] for sale in [*placed, *carts])
    assert set(turns) == {turn.value for turn in Turn}
    assert sum(turns.values()) == 200
    assert {sale["currency"] for sale in [*placed, *carts]} == {"EUR", "JPY", "USD", "SEK", "GBP"}
    sales = [row for rows in books_of(control, "sales").values() for row in rows]
    assert len(sales) == len(placed) == 140
    assert all(row["is_paid"] for row in sales if row["state"] in {"completed", "refunded"})
    assert {n for row in sales for n in row["units"].values()} >= {1, 2, 3, 5}


def test_the_same_sale_is_seen_at_the_shop_and_at_the_gateway(
    sandbox: Sandbox, control: Caller
) -> None:
    control.tell("sell", count=100, seed=3)

    placed = control.ask("placed")["sales"]
    twice = {s["external_id"]: s["mount"] for s in placed if s["turn"] == Turn.SEEN_TWICE}
    [payments] = books_of(control, "payments").values()
    at_gateway = {row["external_id"]: (row["amount"], row["currency"]) for row in payments}
    at_shop = {
        row["transaction_id"]: (row["total"], row["currency"])
        for mount, rows in books_of(control, "sales").items()
        for row in rows
        if twice.get(row["external_id"]) == mount
    }

    assert len(twice) == 5
    assert at_gateway == at_shop


def test_a_label_that_a_provider_printed_becomes_known_to_the_carrier(
    sandbox: Sandbox, control: Caller
) -> None:
    world = sandbox.world
    house = next(place for place in world.places.values() if place.recipes())
    order = house.simulator.book(ORDER, environment="sandbox")  # type: ignore[attr-defined]

    for _ in range(60):
        control.tell("clock", jump_seconds=300)
        world.beat()

    [works] = books_of(control, "works").values()
    [parcels] = books_of(control, "parcels").values()
    assert [(row["external_id"], row["has_left"]) for row in works] == [(order.id, True)]
    assert works[0]["units"] == {"GLOBAL-FAP-12X16": 3}
    assert [row["status"] for row in parcels] == ["delivered"]


def test_what_people_do_later_happens_when_its_time_has_come(
    sandbox: Sandbox, control: Caller
) -> None:
    control.tell("sell", count=60, seed=5)
    waiting = control.ask("placed")["waiting"]
    paid_before = sum(r["is_paid"] for rows in books_of(control, "sales").values() for r in rows)

    control.tell("clock", jump_seconds=timedelta(hours=1).total_seconds())
    sandbox.world.beat()

    rows = [row for rows in books_of(control, "sales").values() for row in rows]
    assert waiting > 5
    assert control.ask("placed")["waiting"] == 0
    assert sum(row["is_paid"] for row in rows) > paid_before
    assert sum(row["state"] == "cancelled" for row in rows) == 2
    assert control.ask("state")["mishaps"] == []


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_can_be_played_and_repeats_by_its_seed(
    sandbox: Sandbox, control: Caller, name: str
) -> None:
    def accidents() -> list[tuple[str, bool]]:
        control.tell("scenario", name=name, seed=4711)
        return [
            (mount, place.simulator.faults.strikes(dial))
            for mount, place in sorted(sandbox.world.places.items())
            for dial in ("drop_answer", "unreachable", "lose_webhook", "double_webhook") * 5
        ]

    assert accidents() == accidents()
    assert control.ask("state")["scenario"] == name


def test_an_outage_ends_by_itself_and_strikes_only_providers(
    sandbox: Sandbox, control: Caller
) -> None:
    control.tell("scenario", name="provider down 2 h", seed=1)
    down = {p["mount"] for p in control.ask("state")["places"] if p["dials"].get("unreachable")}
    providers = {m for m, place in sandbox.world.places.items() if place.recipes()}
    assert down == providers

    control.tell("clock", jump_seconds=2 * 3600 + 1)
    sandbox.world.beat()

    assert all(not place["dials"] for place in control.ask("state")["places"])
    assert control.ask("state")["scenario"] == "calm"


@pytest.mark.parametrize(
    ("_case", "what", "asked", "status", "said"),
    [
        ("an unknown place", "act", {"mount": "nowhere", "action": "pay"}, 404, "'nowhere'"),
        ("an unknown dial", "faults", {"dials": {"bad_luck": 1}}, 404, "bad_luck"),
        ("a chance below zero", "faults", {"dials": {"late": -1}}, 400, "below zero: late"),
        ("an unknown scenario", "scenario", {"name": "doom"}, 404, "'doom'"),
        ("time that runs backwards", "clock", {"jump_seconds": -5}, 400, "backwards"),
        ("too many sales", "sell", {"count": 20_001}, 400, "between 1 and 20000"),
        ("a cart that nobody drew", "pay", {"number": 99, "url": "x"}, 404, "99"),
        ("a word that is no command", "explode", {}, 404, "POST /control/explode"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(
    control: Caller, _case: str, what: str, asked: dict[str, object], status: int, said: str
) -> None:
    answered, told = control.try_to(what, **asked)

    assert answered == status
    assert said in told["error"]
    assert control.ask("placed")["sales"] == []


def test_only_listed_actions_of_a_simulator_may_be_called(
    sandbox: Sandbox, control: Caller
) -> None:
    for mount, place in sandbox.world.places.items():
        assert all(callable(getattr(place.simulator, name)) for name in place.ACTIONS)
        status, told = control.try_to("act", mount=mount, action="__init__", arguments={})
        assert status == 404
        assert "no action" in told["error"]


ORDER = {
    "merchantReference": "test!möwe.example/301/1/1",
    "shippingMethod": "Standard",
    "recipient": {
        "name": "Žofie Pokusná",
        "address": {
            "line1": "Zkušební 12",
            "townOrCity": "Brno",
            "postalOrZipCode": "602 00",
            "countryCode": "CZ",
        },
    },
    "items": [
        {
            "sku": "GLOBAL-FAP-12X16",
            "copies": 3,
            "sizing": "fillPrintArea",
            "assets": [{"printArea": "default", "url": "https://artwork.example/möwe.png"}],
        }
    ],
}
