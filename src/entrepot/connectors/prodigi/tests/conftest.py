"""A print house served over HTTP on loopback, and a client of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.prodigi import simulator as prodigi
from entrepot.connectors.prodigi.client import Client, base_url
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from tests.serving import serve


@pytest.fixture
def simulator() -> ProdigiSimulator:
    return prodigi.build(Clock(start=datetime(2026, 11, 20, 9, tzinfo=UTC)))


@pytest.fixture
def account(simulator: ProdigiSimulator) -> Iterator[Account]:
    with serve(simulator) as address:
        yield prodigi.example_account(address)


@pytest.fixture
def client(account: Account) -> Client:
    return Client(Http(base_url(account)), account)
