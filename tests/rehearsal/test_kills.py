"""Orders flow through a hub whose processes are killed again and again: none lost, none doubled."""

import random
from pathlib import Path

import pytest

from entrepot.connect.crashpoint import POINTS
from tests.cli.waiting import wait_for
from tests.rehearsal.checker import Findings, check
from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.journey

ORDERS = 200
BURST = 20


def made(world: Rehearsal) -> int:
    """How many orders the print house has taken."""
    return len(world.house.orders)


def written_back(world: Rehearsal) -> int:
    """How many orders the shop shows as completed."""
    return sum(sale.status == "completed" for sale in list(world.shop.shop.sales.values()))


@pytest.mark.timeout(300)
def test_two_hundred_orders_survive_kill_after_kill(rehearsal: Rehearsal) -> None:
    world, dice = rehearsal, random.Random(20261121)

    for first in range(0, ORDERS, BURST):
        world.customers_order(range(first, first + BURST))
        posted = world.post.answers.total() + dice.randint(1, 2 * BURST)
        wait_for(lambda posted=posted: world.post.answers.total() >= posted)  # type: ignore[misc]
        world.kill("edge")
        taken = made(world) + dice.randint(1, BURST - 4)
        wait_for(lambda taken=taken: made(world) >= min(taken, ORDERS))  # type: ignore[misc]
        world.kill(*dice.choice([("worker",), ("worker",), ("worker", "edge")]))

    world.settle_down(until=lambda: written_back(world) == ORDERS)
    assert check(world) == Findings()
    assert made(world) == ORDERS
    assert min(world.hub.kills.values()) >= ORDERS // BURST


@pytest.mark.timeout(180)
def test_every_crash_point_strikes_and_nothing_is_lost(
    rehearsal: Rehearsal, crash_points: Path
) -> None:
    world, orders = rehearsal, 24

    world.customers_order(range(orders))
    for point in sorted(POINTS):
        (crash_points / point).touch()

    world.settle_down(until=lambda: written_back(world) == orders)
    struck = (crash_points / "struck.log").read_text().split()
    assert sorted(struck) == sorted(POINTS)
    assert check(world) == Findings()
    assert made(world) == orders
