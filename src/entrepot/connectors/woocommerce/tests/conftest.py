"""A shop on loopback, and the hub's client for it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from entrepot.canon.orders import Mode, OrderSnapshot
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, InboundMessage, PulledItem
from entrepot.connect.simulator import Clock
from entrepot.connectors.woocommerce import webhook
from entrepot.connectors.woocommerce.client import Client, base_url
from entrepot.connectors.woocommerce.simulator import WooCommerce, build
from tests.serving import serve

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def shop() -> WooCommerce:
    """A shop in Köln: EUR, prices with tax, site time an hour before UTC's."""
    simulator = build(Clock(speed=0.0, start=START))
    simulator.stock_shelves()
    return simulator


@pytest.fixture
def address(shop: WooCommerce) -> Iterator[str]:
    """Where the shop answers."""
    with serve(shop) as url:
        yield url


def account_of(shop: WooCommerce, address: str, **settings: object) -> Account:
    """The account that a merchant would have typed in."""
    return Account(
        mode=Mode.TEST,
        settings={
            "base_url": address,
            "consumer_key": shop.options.consumer_key,
            "consumer_secret": shop.options.consumer_secret,
            **settings,
        },
    )


@pytest.fixture
def client(shop: WooCommerce, address: str) -> Client:
    """The hub's client, by OAuth 1.0a because loopback is plain http."""
    account = account_of(shop, address)
    return Client(Http(base_url(account)), account)


def order_in(item: PulledItem | None, shop: WooCommerce) -> OrderSnapshot:
    """What a pulled body says."""
    assert item is not None
    message = InboundMessage(
        source="poll", topic=item.topic, body=item.body, received_at=shop.clock.now()
    )
    (found,) = webhook.normalize(message, account_of(shop, "http://shop.example"))
    assert isinstance(found, OrderSnapshot)
    return found
