"""The carriers served over HTTP on loopback, and a client of EasyPost's interface."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.reading import Node
from entrepot.connect.simulator import Clock
from entrepot.connectors.easypost import mapping
from entrepot.connectors.easypost import simulator as easypost
from entrepot.connectors.easypost.client import Client, base_url
from entrepot.connectors.easypost.simulator import EasyPostSimulator
from tests.serving import serve


def read_tracker(client: Client, external_id: str) -> TrackerSnapshot | None:
    """A tracker as intake gets to see it, read again by its id."""
    item = client.fetch(Flow.TRACKERS, external_id)
    return None if item is None else mapping.to_tracker(Node(json.loads(item.body), ""))


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
