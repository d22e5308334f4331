"""How many examples each property gets, and a merchant's trade to try them on."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from entrepot.access.models import Merchant
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect

# A database is shared by the examples of a test: each makes orders and rows of its own.
settings.register_profile(
    "properties",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    """A live shop in test mode."""
    return Trade(
        merchant=merchant,
        shop=connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer"),
        run_jobs=run_jobs,
    )
