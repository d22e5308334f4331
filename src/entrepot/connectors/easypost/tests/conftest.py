"""The carriers served over HTTP on loopback, and a client of EasyPost's interface."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.easypost import simulator as easypost
from entrepot.connectors.easypost.client import Client, base_url
from entrepot.connectors.easypost.simulator import EasyPostSimulator
from tests.serving import serve


@pytest.fixture
def simulator() -> EasyPostSimulator:
    return easypost.build(Clock(start=datetime(2026, 11, 20, 9, tzinfo=UTC)))


@pytest.fixture
def account(simulator: EasyPostSimulator) -> Iterator[Account]:
    with serve(simulator) as address:
        yield easypost.example_account(address)


@pytest.fixture
def client(account: Account) -> Client:
    return Client(Http(base_url(account)), account)
