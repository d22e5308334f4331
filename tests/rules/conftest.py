"""A shop that sells, and a print house that can be reached, for every test of the rules."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from tests.journeys.conftest import mapped, world
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect
from tests.serving import serve

__all__ = ["mapped", "world"]


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    """A live shop in test mode, without cooling-off time; nothing is mapped yet."""
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


@pytest.fixture
def house(trade: Trade) -> Iterator[ProdigiSimulator]:
    """A print house over HTTP; `provider` is the connection to it."""
    simulator = registry.platform("prodigi").simulator(trade.clock)
    assert isinstance(simulator, ProdigiSimulator)
    with serve(simulator) as address:
        simulator.callback_url = address
        yield simulator


@pytest.fixture
def provider(trade: Trade, house: ProdigiSimulator) -> Connection:
    """The live connection to the print house."""
    example = registry.platform("prodigi")._module("simulator").example_account(house.callback_url)
    made = services.add_connection(
        trade.merchant.id,
        platform="prodigi",
        mode=Mode.TEST,
        name="Druckhaus Ærø",
        settings=dict(example.settings),
    )
    return services.go_live(made.id, merchant_id=trade.merchant.id)


@pytest.fixture
def operator(trade: Trade) -> Client:
    """An operator of the merchant, signed in."""
    user = access.create_user(email="inga@moewe.example", name="Inga Körner")
    access.grant_role(user.id, merchant_id=trade.merchant.id, role=Role.OPERATOR)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
