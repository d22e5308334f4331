"""A merchant's day, and machines that call for it."""

from datetime import timedelta

import pytest

from entrepot.access.models import Merchant
from entrepot.database.rows import Mode
from tests.api.calling import Caller, caller
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.rows import Rows


@pytest.fixture
def shop_day(database: str, rows: Rows) -> Scene:
    """Orders in every state, live and test."""
    return rows.once("a day, and a test", _made)


@pytest.fixture
def machine(shop_day: Scene) -> Caller:
    """A key of that merchant with every scope, for live things."""
    return caller(shop_day.merchant)


@pytest.fixture
def test_machine(shop_day: Scene) -> Caller:
    """The same for test things."""
    return caller(shop_day.merchant, mode=Mode.TEST)


@pytest.fixture
def stranger(other_merchant: Merchant, shop_day: Scene) -> Caller:
    """Another merchant's key with every scope."""
    return caller(other_merchant)


def _made() -> Scene:
    shop = day.a_day(scenes.opened())
    scenes.sell(
        shop,
        "T-7",
        customer="Kokeilija Äijä",
        country="FI",
        total="12.345",
        currency="KWD",
        lines=[("MUG-1", "Muki", 4), ("PC-MOE-12", "Kortit", 2)],
        placed=timedelta(hours=2),
        connection="test",
        mode="test",
    )
    return shop
