"""A shop whose deliveries are taken in."""

import pytest

from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection
from tests.connections.accounts import a_shop


@pytest.fixture
def shop(merchant: Merchant) -> Connection:
    """A live shop in test mode."""
    made = a_shop(merchant, mode=Mode.TEST)
    return services.go_live(made.id, merchant_id=merchant.id)
