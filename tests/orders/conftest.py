"""A shop whose orders are told, counted and locked."""

from collections.abc import Callable

import pytest

from entrepot.access.models import Merchant
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    """A live shop in test mode; nothing is mapped yet."""
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)
